//! What a check is given: the Snapshot and what is derived from it once for all checks.

use super::workload::{Family, Workload};
use crate::finding::{Draft, Impact, Location};
use crate::format;
use crate::ids::QueryId;
use crate::snapshot::Snapshot;
use crate::units::{Millis, float};

/// The Snapshot and what is derived from it.
#[derive(Debug)]
pub struct Case<'a> {
    /// The Snapshot.
    pub snapshot: &'a Snapshot,
    /// Its statements in families.
    pub workload: Workload<'a>,
}

/// A draft, and the families whose time it counts.
#[derive(Debug, Clone, PartialEq)]
pub struct Proposal {
    /// Positions in [`Workload::families`]; empty where no statement's time is at stake.
    pub families: Vec<usize>,
    /// The draft.
    pub draft: Draft,
}

impl<'a> Case<'a> {
    /// Derives what the checks need.
    pub fn new(snapshot: &'a Snapshot) -> Self {
        Self {
            snapshot,
            workload: Workload::since_reset(snapshot),
        }
    }

    /// A family's statements as a place.
    pub fn location(&self, family: &Family) -> Location {
        let mut queryids: Vec<QueryId> = Vec::new();
        for statement in self.workload.statements(family) {
            if let Some(queryid) = statement.key.queryid
                && !queryids.contains(&queryid)
            {
                queryids.push(queryid);
            }
        }
        Location {
            queryids,
            query: Some(self.workload.text(family).to_owned()),
            ..Location::default()
        }
    }

    /// What a part of a family's time costs; `part` is 0..1.
    pub fn impact(&self, family: &Family, part: f64) -> Impact {
        let time = Millis(family.time().get() * part);
        Impact {
            text: impact_text(family),
            time_ms: Some(time),
            share: self.workload.share(time),
            calls: Some(family.calls()),
        }
    }
}

fn impact_text(family: &Family) -> String {
    let calls = format::count(float(family.calls()));
    let time = format::duration(family.time());
    match (family.calls(), family.mean()) {
        (1, _) => format!("1 call, {time}"),
        (_, Some(mean)) => format!("{calls} calls, {} each, {time}", format::duration(mean)),
        (_, None) => format!("{calls} calls"),
    }
}
