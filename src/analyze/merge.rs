//! One finding for one subject, however many statements and plans prove it.

use std::collections::{BTreeMap, BTreeSet};

use crate::checks::Proposal;
use crate::finding::{Draft, Impact, Subject};
use crate::format;
use crate::units::{Millis, float};

/// The proposals of one check, those of the same subject as one: the one with the strongest proof leads, and families
/// that it does not count yet add their cost.
pub fn merge(proposals: Vec<Proposal>) -> Vec<Draft> {
    let mut subjects: BTreeMap<Subject, Vec<Proposal>> = BTreeMap::new();
    for proposal in proposals {
        let subject = proposal.draft.subject().clone();
        subjects.entry(subject).or_default().push(proposal);
    }
    subjects.into_values().filter_map(one).collect()
}

fn one(mut proposals: Vec<Proposal>) -> Option<Draft> {
    let cost = |impact: &Impact| impact.time_ms.unwrap_or_default().get();
    proposals.sort_by(|one, other| {
        let confidence = other.draft.confidence().cmp(&one.draft.confidence());
        let time = cost(other.draft.impact()).total_cmp(&cost(one.draft.impact()));
        confidence.then(time)
    });
    let mut rest = proposals.into_iter();
    let Proposal {
        families,
        mut draft,
    } = rest.next()?;
    let mut counted: BTreeSet<usize> = families.into_iter().collect();
    for proposal in rest {
        let new = proposal
            .families
            .iter()
            .any(|family| !counted.contains(family));
        if new {
            counted.extend(&proposal.families);
            let text = together(&draft, &proposal.draft, counted.len());
            draft.absorb(&proposal.draft, text);
        }
    }
    Some(draft)
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
