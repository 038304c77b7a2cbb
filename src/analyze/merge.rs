//! One claim for one subject, however many statements and plans prove it.

use std::collections::BTreeMap;

use crate::checks::workload::Workload;
use crate::checks::{Check, Proposal};
use crate::finding::{Draft, Impact, Subject, Weight};
use crate::format;
use crate::units::{Millis, float};

/// A draft of a check with the time that it puts at stake, by family.
pub struct Claim {
    /// The check.
    pub check: &'static dyn Check,
    /// The draft.
    pub draft: Draft,
    /// Milliseconds at stake by position in the workload's families.
    pub parts: BTreeMap<usize, f64>,
}

impl Claim {
    /// The id of the finding that it becomes.
    pub fn id(&self) -> String {
        format!("{}:{}", self.check.meta().id, self.draft.subject().as_str())
    }

    /// Milliseconds at stake.
    pub fn stake(&self) -> f64 {
        self.parts.values().sum()
    }

    /// Milliseconds at stake in the families of another claim.
    pub fn part_of(&self, other: &Self) -> f64 {
        let shared = other
            .parts
            .keys()
            .filter_map(|family| self.parts.get(family));
        shared.sum()
    }

    /// The draft, costing what is at stake.
    pub fn costed(&self, workload: &Workload<'_>) -> Draft {
        let draft = self.draft.clone();
        if self.parts.is_empty() || draft.impact().time_ms.is_none() {
            return draft;
        }
        let time = Millis(self.stake());
        let impact = Impact {
            time_ms: Some(time),
            share: workload.share(time),
            ..draft.impact().clone()
        };
        draft.costing(impact)
    }
}

/// The proposals of one check, those of the same subject as one: the one with the strongest proof leads, and families
/// that it does not count yet add their cost.
pub fn merge(
    workload: &Workload<'_>,
    check: &'static dyn Check,
    proposals: Vec<Proposal>,
) -> Vec<Claim> {
    let mut subjects: BTreeMap<Subject, Vec<Proposal>> = BTreeMap::new();
    for proposal in proposals {
        let subject = proposal.draft.subject().clone();
        subjects.entry(subject).or_default().push(proposal);
    }
    subjects
        .into_values()
        .filter_map(|proposals| one(workload, check, proposals))
        .collect()
}

fn one(
    workload: &Workload<'_>,
    check: &'static dyn Check,
    mut proposals: Vec<Proposal>,
) -> Option<Claim> {
    let cost = |impact: &Impact| impact.time_ms.unwrap_or_default().get();
    proposals.sort_by(|one, other| {
        let confidence = other.draft.confidence().cmp(&one.draft.confidence());
        let time = cost(other.draft.impact()).total_cmp(&cost(one.draft.impact()));
        confidence.then(time)
    });
    let mut rest = proposals.into_iter();
    let lead = rest.next()?;
    let mut parts = split(workload, &lead);
    let mut draft = lead.draft;
    for proposal in rest {
        let more = split(workload, &proposal);
        if more.keys().any(|family| !parts.contains_key(family)) {
            parts.extend(more);
            let text = together(&draft, &proposal.draft, parts.len());
            draft.absorb(&proposal.draft, text);
        }
    }
    Some(Claim {
        check,
        draft,
        parts,
    })
}

/// The time at stake by family: in proportion to the families' own times.
fn split(workload: &Workload<'_>, proposal: &Proposal) -> BTreeMap<usize, f64> {
    let time = |place: &usize| {
        let family = workload.families().get(*place);
        family.map_or(0.0, |family| family.time().get())
    };
    let whole: f64 = proposal.families.iter().map(time).sum();
    if let (Weight::Plan(share), true) = (proposal.draft.weight(), whole <= 0.0) {
        // Without times, shares of the plan tell which claim is part of which.
        return proposal
            .families
            .iter()
            .map(|place| (*place, share))
            .collect();
    }
    let stake = proposal.draft.impact().time_ms.unwrap_or_default().get();
    let part = if whole > 0.0 { stake / whole } else { 0.0 };
    let families = proposal.families.iter();
    families.map(|place| (*place, time(place) * part)).collect()
}

fn together(one: &Draft, other: &Draft, statements: usize) -> String {
    let (one, other) = (one.impact(), other.impact());
    let calls = one.calls.unwrap_or_default() + other.calls.unwrap_or_default();
    let time: Millis = [one.time_ms, other.time_ms].into_iter().flatten().sum();
    format!(
        "{statements} statements, {} calls, {} together",
        format::count(float(calls)),
        format::duration(time)
    )
}
