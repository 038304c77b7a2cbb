//! Findings that the counters of a statement family prove.

use super::{label, subject};
use crate::checks::workload::{Family, Field};
use crate::checks::{Case, Proposal};
use crate::finding::{Draft, Evidence, Recommendation, Unit, Weight};

/// What the counters of a family say.
#[derive(Debug)]
pub struct Counted {
    /// What it is: the beginning of the title, which the statement follows.
    pub title: String,
    /// The number that proves it.
    pub proof: Evidence,
    /// The counters that it stands on, with what they count.
    pub counters: &'static [(&'static str, Field, Unit)],
    /// The part of the family's time that it costs, 0..1.
    pub part: f64,
    /// How severity is weighed.
    pub weight: Weight,
    /// The advice.
    pub advice: Recommendation,
}

/// Proposes for each statement family.
pub fn each_family(
    case: &Case<'_>,
    found: &mut Vec<Proposal>,
    look: impl Fn(&Case<'_>, &Family) -> Option<Counted>,
) {
    let families = case.workload.families().iter().enumerate();
    found.extend(families.filter_map(|(place, family)| {
        let counted = look(case, family)?;
        Some(Proposal {
            families: vec![place],
            draft: draft(case, family, counted),
        })
    }));
}

fn draft(case: &Case<'_>, family: &Family, counted: Counted) -> Draft {
    let workload = &case.workload;
    let title = format!("{} {}", counted.title, label(workload.text(family)));
    let numbers = counted.counters.iter();
    let numbers =
        numbers.filter_map(|(label, field, unit)| family.evidence(workload, label, *field, *unit));
    let subject = subject(family.fingerprint().as_str());
    Draft::new(subject, title, counted.proof, counted.advice)
        .with_all(numbers)
        .at(case.location(family))
        .costing(case.impact(family, counted.part))
        .weighed(counted.weight)
}
