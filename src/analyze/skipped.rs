//! What could not be looked at: checks whose areas have gaps, and statements that could not be probed.

use std::collections::{BTreeMap, BTreeSet};

use super::Config;
use crate::checks::{CHECKS, Case, workload};
use crate::finding::{Looker, Skipped};
use crate::format;
use crate::snapshot::delta::WindowKind;
use crate::snapshot::{Area, Gap, ProbeOutcome, ProbeStatus};

/// Statements without a plan or without a text that took more of the execution time, 0..1, limit the conclusion: probes
/// aim to cover all but so much of it.
const UNSEEN: f64 = 0.05;

/// An entry, and whether it limits the conclusion.
#[derive(Debug)]
pub struct Entry {
    /// The entry.
    pub skipped: Skipped,
    /// Whether a bottleneck may hide behind it.
    pub limits: bool,
}

/// Areas that sharpen a check but whose absence leaves it another way to look.
const fn sharpens(area: Area) -> bool {
    matches!(
        area,
        Area::IoTiming | Area::PlanTiming | Area::HypotheticalIndexes | Area::Settings
    )
}

/// All entries, sorted, each once.
pub fn skipped(case: &Case<'_>, config: &Config) -> Vec<Entry> {
    let mut entries = of_gaps(case, config);
    for check in CHECKS {
        let id = check.meta().id;
        if !config.checks.includes(id) {
            continue;
        }
        for unseen in check.unseen(case) {
            let skipped = Skipped {
                check: Looker::Check(id),
                reason: unseen.reason,
                remedy: unseen.remedy,
            };
            entries.insert(skipped, unseen.limits);
        }
    }
    let limits = unseen_share(case) > UNSEEN;
    for skipped in probes(case) {
        entries.insert(skipped, limits);
    }
    entries.extend(unreadable(case));
    entries
        .into_iter()
        .map(|(skipped, limits)| Entry { skipped, limits })
        .collect()
}

/// The areas that are hidden, for each check that needs them.
fn of_gaps(case: &Case<'_>, config: &Config) -> BTreeMap<Skipped, bool> {
    let mut entries = BTreeMap::new();
    let found = [unprobed(case, config), idle(case)];
    let hidden = hidden_share(case);
    let gaps = || {
        let gaps = case.snapshot.gaps.iter().chain(found.iter().flatten());
        gaps.filter(|gap| gap.area != Area::StatementTexts || hidden > UNSEEN)
    };
    let mut told = BTreeSet::new();
    for meta in CHECKS.iter().map(|check| check.meta()) {
        if !config.checks.includes(meta.id) {
            continue;
        }
        for gap in gaps().filter(|gap| meta.needs.contains(&gap.area)) {
            let skipped = Skipped {
                check: Looker::Check(meta.id),
                reason: gap.reason.clone(),
                remedy: gap.remedy.clone(),
            };
            entries.insert(skipped, !sharpens(gap.area));
            told.insert(gap);
        }
    }
    // Statements of tables that the role may not read cannot be executed, whatever the checks need.
    let tables = gaps().filter(|gap| gap.area == Area::ColumnStatistics && !told.contains(gap));
    for gap in tables {
        let skipped = Skipped {
            check: Looker::Probes,
            reason: gap.reason.clone(),
            remedy: gap.remedy.clone(),
        };
        entries.insert(skipped, false);
    }
    entries
}

/// Share of the execution time of statements whose text the role may not see. A little of it is a caveat, no more.
fn hidden_share(case: &Case<'_>) -> f64 {
    let time = case.workload.totals().hidden_time;
    case.workload.share(time).unwrap_or(1.0)
}

/// The gap of a measured window in which nothing happened.
fn idle(case: &Case<'_>) -> Option<Gap> {
    let window = case.workload.window();
    let nothing = window.kind == WindowKind::Interval
        && case.snapshot.counter_source.is_some()
        && window.invalid.is_empty()
        && case.workload.totals().calls == 0;
    nothing.then(|| Gap {
        area: Area::Statements,
        reason: match window.seconds {
            Some(seconds) => format!("no statement ran in the window of {seconds:.0} s"),
            None => "no statement ran in the window".to_owned(),
        },
        remedy: Some("measure while the workload runs, or longer: --window 5min".to_owned()),
    })
}

/// The gap where statements could have been probed and none was, and nobody said why.
fn unprobed(case: &Case<'_>, config: &Config) -> Option<Gap> {
    let snapshot = case.snapshot;
    let silent = snapshot.gap(Area::Plans).is_none()
        && snapshot.plans.is_empty()
        && snapshot.probes.is_empty();
    if !silent || workload::candidates(&case.workload, &config.limits).is_empty() {
        return None;
    }
    Some(Gap {
        area: Area::Plans,
        reason: "no statement was planned or executed".to_owned(),
        remedy: Some("run with --probe analyze".to_owned()),
    })
}

/// Share of the execution time of statements that were to be probed and got no plan. A family counts once.
fn unseen_share(case: &Case<'_>) -> f64 {
    let places = case.workload.places();
    let lacking: BTreeSet<usize> = without_plan(case)
        .filter_map(|probe| places.get(&probe.key).copied())
        .collect();
    lacking
        .into_iter()
        .filter_map(|place| case.workload.families().get(place))
        .filter(|family| family.toplevel())
        .filter_map(|family| case.workload.share(family.time()))
        .sum()
}

/// Outcomes without a plan, of families of which no other statement has one.
fn without_plan<'c>(case: &'c Case<'_>) -> impl Iterator<Item = &'c ProbeOutcome> + 'c {
    let places = case.workload.places();
    let has_plan =
        |probe: &ProbeOutcome| matches!(probe.status, ProbeStatus::Analyzed | ProbeStatus::Planned);
    let probes = || case.snapshot.probes.iter();
    let seen: BTreeSet<usize> = probes()
        .filter(|probe| has_plan(probe))
        .filter_map(|probe| places.get(&probe.key).copied())
        .collect();
    probes().filter(move |probe| {
        let of_seen = places
            .get(&probe.key)
            .is_some_and(|place| seen.contains(place));
        !has_plan(probe) && !of_seen
    })
}

/// Statements that got no plan, with their share of the time.
fn probes<'c>(case: &'c Case<'_>) -> impl Iterator<Item = Skipped> + 'c {
    let places = case.workload.places();
    without_plan(case).map(move |probe| {
        let family = places
            .get(&probe.key)
            .and_then(|place| case.workload.families().get(*place));
        let share = family.and_then(|family| case.workload.share(family.time()));
        let word = match probe.status {
            ProbeStatus::Refused => "refused",
            ProbeStatus::NotProbed => "not probed",
            _ => "failed",
        };
        let of_time = share
            .map(|share| format!(" ({} of the execution time)", format::percent(share)))
            .unwrap_or_default();
        let id = probe
            .key
            .queryid
            .map(|id| format!(" {id}"))
            .unwrap_or_default();
        let reason = probe.reason.as_deref().unwrap_or("no reason given");
        Skipped {
            check: Looker::Probe(probe.key.queryid),
            reason: format!("statement{id}{of_time} {word}: {reason}"),
            remedy: probe.remedy.clone(),
        }
    })
}

/// Plans that the capture holds and that are none.
fn unreadable<'c>(case: &'c Case<'_>) -> impl Iterator<Item = (Skipped, bool)> + 'c {
    case.unreadable.iter().map(|unreadable| {
        let id = unreadable.record.key.queryid;
        let id = id.map(|id| format!(" {id}")).unwrap_or_default();
        let skipped = Skipped {
            check: Looker::Probes,
            reason: format!(
                "the plan of statement{id} cannot be read: {}",
                unreadable.error
            ),
            remedy: None,
        };
        (skipped, true)
    })
}
