//! Which findings a plan's nodes prove: where their evidence points.

use crate::finding::{Evidence, Finding};
use crate::plan::Plan;

/// Numbers of the whole plan stand in its root and say nothing about that node.
const OF_THE_WHOLE: [&str; 2] = ["Total Cost", "Startup Cost"];

/// Where the evidence of findings points, by rank.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Marks(Vec<(usize, String)>);

impl Marks {
    /// The places that `leads`, in the order of their ranks, and what each explains point at.
    pub fn of(leads: &[&Finding], all: &[Finding]) -> Self {
        let mut marks = Vec::new();
        for (place, lead) in leads.iter().enumerate() {
            let explained = all
                .iter()
                .filter(|other| other.explained_by.as_ref() == Some(&lead.id));
            let evidence = std::iter::once(*lead)
                .chain(explained)
                .flat_map(|finding| &finding.evidence);
            marks.extend(
                evidence
                    .flat_map(pointers)
                    .map(|pointer| (place + 1, pointer)),
            );
        }
        Self(marks)
    }

    /// The ranks and the places within the plan at `place` in the capture.
    pub(super) fn of_plan(&self, place: usize) -> impl Iterator<Item = (usize, &str)> {
        let prefix = format!("/plans/{place}/plan/");
        self.0.iter().filter_map(move |(rank, pointer)| {
            let within = pointer.strip_prefix(&prefix)?;
            Some((*rank, within))
        })
    }
}

#[cfg(test)]
impl<const N: usize> From<[(usize, String); N]> for Marks {
    fn from(marks: [(usize, String); N]) -> Self {
        Self(marks.to_vec())
    }
}

/// The pointers of a piece of evidence: its own, or those in its formula.
fn pointers(evidence: &Evidence) -> Vec<String> {
    let formula = evidence
        .formula
        .as_ref()
        .map_or("", |formula| formula.as_str());
    let operands = formula
        .split('{')
        .skip(1)
        .filter_map(|rest| rest.split('}').next());
    operands
        .chain(evidence.pointer.as_deref())
        .map(str::to_owned)
        .collect()
}

/// The position of the node that a key at `pointer` (`Plan/Plans/0/Actual Rows`) belongs to.
pub(super) fn node_at(plan: &Plan, pointer: &str) -> Option<usize> {
    let key = pointer.rsplit('/').next()?;
    let found = plan.nodes().filter(|node| {
        let own = node.pointer().trim_start_matches('/');
        pointer
            .strip_prefix(own)
            .is_some_and(|rest| rest.starts_with('/'))
    });
    let deepest = found.max_by_key(|node| node.pointer().len())?;
    let of_the_whole = deepest.parent.is_none() && OF_THE_WHOLE.contains(&key);
    (!of_the_whole).then(|| deepest.id.index())
}
