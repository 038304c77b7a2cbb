//! Which statements are worth a probe.

use std::collections::BTreeSet;

use super::{Family, Field, Workload};
use crate::sql::mentions::StatementClass;

/// How many statements are probed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// Families at most.
    pub top: usize,
    /// Once so much of the window's execution time is covered, 0..1, only families with a hundredth of it follow, and
    /// the leaders of other rankings.
    pub coverage: f64,
}

impl Default for Limits {
    /// 20 families, 95 % of the time: in most workloads few families take nearly all of it.
    fn default() -> Self {
        Self {
            top: 20,
            coverage: 0.95,
        }
    }
}

/// A family with so much of the time is probed however much the others take: where one waited for the machine, the
/// order says little.
const WORTH_A_PROBE: f64 = 0.01;

/// How many families of each further ranking are probed beside those that cover the time.
const LEADERS: usize = 3;

/// The indexes into the Snapshot's statements that are worth a probe, the most worthwhile first: the costliest member
/// of each family by total time until [`Limits::coverage`] is reached and little is left, then the leaders by mean
/// time, blocks read, temporary blocks and calls.
pub fn candidates(workload: &Workload<'_>, limits: &Limits) -> Vec<usize> {
    let probeable: Vec<&Family> = workload
        .families()
        .iter()
        .filter(|family| {
            family.calls() > 0 && StatementClass::of(workload.text(family)).is_planned()
        })
        .collect();
    let mut chosen = Chosen::default();
    let mut covered = 0.0;
    for family in &probeable {
        let share = workload.share(family.time()).unwrap_or_default();
        let little_left = covered >= limits.coverage && share < WORTH_A_PROBE;
        if chosen.order.len() >= limits.top || little_left {
            break;
        }
        if family.toplevel() {
            covered += share;
        }
        chosen.add(family);
    }
    for rank in [mean, blocks_read, temp_written, calls] {
        for family in leaders(workload, &probeable, rank) {
            if chosen.order.len() < limits.top {
                chosen.add(family);
            }
        }
    }
    chosen.order
}

#[derive(Default)]
struct Chosen {
    order: Vec<usize>,
    seen: BTreeSet<usize>,
}

impl Chosen {
    fn add(&mut self, family: &Family) {
        if let Some(member) = family.members().first()
            && self.seen.insert(member.statement)
        {
            self.order.push(member.statement);
        }
    }
}

type Rank = fn(&Workload<'_>, &Family) -> f64;

fn mean(_: &Workload<'_>, family: &Family) -> f64 {
    family.mean().unwrap_or_default().get()
}

fn blocks_read(workload: &Workload<'_>, family: &Family) -> f64 {
    family.sum(workload, Field::SharedRead).unwrap_or_default()
}

fn temp_written(workload: &Workload<'_>, family: &Family) -> f64 {
    family.sum(workload, Field::TempWritten).unwrap_or_default()
}

fn calls(workload: &Workload<'_>, family: &Family) -> f64 {
    family.sum(workload, Field::Calls).unwrap_or_default()
}

fn leaders<'f>(workload: &Workload<'_>, families: &[&'f Family], rank: Rank) -> Vec<&'f Family> {
    let mut ranked: Vec<(f64, &Family)> = families
        .iter()
        .map(|family| (rank(workload, family), *family))
        .filter(|(value, _)| *value > 0.0)
        .collect();
    ranked.sort_by(|one, other| other.0.total_cmp(&one.0).then(one.1.by_time(other.1)));
    ranked
        .into_iter()
        .take(LEADERS)
        .map(|(_, family)| family)
        .collect()
}
