//! What could not be looked at: checks whose areas have gaps, and statements that could not be probed.

use std::collections::BTreeMap;

use super::Config;
use crate::checks::{CHECKS, Case, workload};
use crate::finding::Skipped;
use crate::format;
use crate::snapshot::{Area, Gap, ProbeStatus};

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
    let mut entries: BTreeMap<Skipped, bool> = BTreeMap::new();
    let unprobed = unprobed(case, config);
    let gaps = || case.snapshot.gaps.iter().chain(&unprobed);
    for meta in CHECKS.iter().map(|check| check.meta()) {
        if !config.checks.includes(meta.id) {
            continue;
        }
        for gap in gaps().filter(|gap| meta.needs.contains(&gap.area)) {
            let skipped = Skipped {
                check: meta.id.as_str().to_owned(),
                reason: gap.reason.clone(),
                remedy: gap.remedy.clone(),
            };
            entries.insert(skipped, !sharpens(gap.area));
        }
    }
    for check in CHECKS {
        let id = check.meta().id;
        if !config.checks.includes(id) {
            continue;
        }
        for unseen in check.unseen(case) {
            let skipped = Skipped {
                check: id.as_str().to_owned(),
                reason: unseen.reason,
                remedy: unseen.remedy,
            };
            entries.insert(skipped, unseen.limits);
        }
    }
    entries.extend(probes(case).chain(unreadable(case)));
    entries
        .into_iter()
        .map(|(skipped, limits)| Entry { skipped, limits })
        .collect()
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

/// Statements that got no plan, with their share of the time.
fn probes<'c>(case: &'c Case<'_>) -> impl Iterator<Item = (Skipped, bool)> + 'c {
    let places = case.workload.places();
    let failed = case
        .snapshot
        .probes
        .iter()
        .filter(|probe| matches!(probe.status, ProbeStatus::Refused | ProbeStatus::Failed));
    failed.map(move |probe| {
        let family = places
            .get(&probe.key)
            .and_then(|place| case.workload.families().get(*place));
        let share = family.and_then(|family| case.workload.share(family.time()));
        let word = match probe.status {
            ProbeStatus::Refused => "refused",
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
        let skipped = Skipped {
            check: "probe".to_owned(),
            reason: format!("statement{id}{of_time} {word}: {reason}"),
            remedy: probe.remedy.clone(),
        };
        (skipped, true)
    })
}

/// Plans that the capture holds and that are none.
fn unreadable<'c>(case: &'c Case<'_>) -> impl Iterator<Item = (Skipped, bool)> + 'c {
    case.unreadable.iter().map(|unreadable| {
        let id = unreadable.record.key.queryid;
        let id = id.map(|id| format!(" {id}")).unwrap_or_default();
        let skipped = Skipped {
            check: "probe".to_owned(),
            reason: format!(
                "the plan of statement{id} cannot be read: {}",
                unreadable.error
            ),
            remedy: None,
        };
        (skipped, true)
    })
}
