//! The workload as it is: sums, percentiles, statement families.

use std::collections::{BTreeMap, BTreeSet};

use crate::checks::workload::{Family, Field, Percentiles, Workload};
use crate::finding::{BaselineMetrics, EstimateBasis, Estimated, Probe, ReportStatement};
use crate::ids::StatementKey;
use crate::snapshot::{ProbeOutcome, ProbeStatus};
use crate::units::{Millis, float, ratio};

/// The workload's figures.
pub fn baseline(workload: &Workload<'_>) -> BaselineMetrics {
    let totals = workload.totals();
    let percentiles = Percentiles::of(workload);
    let estimated = |figure: fn(&Percentiles) -> Millis| Estimated {
        value: percentiles.as_ref().map(|all| figure(all).get()),
        basis: EstimateBasis::Estimated,
    };
    BaselineMetrics {
        statements: totals.statements,
        families: workload.families().len(),
        calls: totals.calls,
        total_exec_time_ms: totals.exec_time,
        throughput_qps: workload.rate(totals.calls),
        mean_ms: ratio(totals.exec_time.get(), float(totals.calls)).map(Millis),
        cache_hit_ratio: cache_hit_ratio(workload),
        p50_ms: estimated(|all| all.p50),
        p95_ms: estimated(|all| all.p95),
        p99_ms: estimated(|all| all.p99),
    }
}

fn cache_hit_ratio(workload: &Workload<'_>) -> Option<f64> {
    let sum = |field| {
        let toplevel = workload
            .families()
            .iter()
            .filter(|family| family.toplevel());
        toplevel
            .filter_map(|family| family.sum(workload, field))
            .sum::<f64>()
    };
    let hit = sum(Field::SharedHit);
    ratio(hit, hit + sum(Field::SharedRead))
}

/// The families with what became of their probes.
pub fn statements(workload: &Workload<'_>) -> Vec<ReportStatement> {
    let probes = outcomes(workload);
    workload
        .families()
        .iter()
        .filter(|family| family.calls() > 0)
        .map(|family| statement(workload, family, &probes))
        .collect()
}

fn outcomes<'a>(workload: &Workload<'a>) -> BTreeMap<&'a StatementKey, &'a ProbeOutcome> {
    let probes = workload.snapshot().probes.iter();
    probes.map(|probe| (&probe.key, probe)).collect()
}

fn statement(
    workload: &Workload<'_>,
    family: &Family,
    probes: &BTreeMap<&StatementKey, &ProbeOutcome>,
) -> ReportStatement {
    let representative = workload.representative(family);
    let roles: BTreeSet<Option<&str>> = workload
        .statements(family)
        .map(|statement| statement.role.as_deref())
        .collect();
    let share = family.toplevel().then(|| workload.share(family.time()));
    ReportStatement {
        queryid: representative.and_then(|statement| statement.key.queryid),
        family: family.fingerprint().as_str().to_owned(),
        members: workload.queryids(family),
        query: workload.text(family).to_owned(),
        role: match roles.len() {
            1 => roles.first().copied().flatten().map(str::to_owned),
            _ => None,
        },
        toplevel: family.toplevel(),
        calls: family.calls(),
        rows: family.rows(),
        total_exec_time_ms: family.time(),
        mean_exec_time_ms: family.mean(),
        share: share.flatten(),
        probe: probe(workload, family, probes),
    }
}

fn probe(
    workload: &Workload<'_>,
    family: &Family,
    probes: &BTreeMap<&StatementKey, &ProbeOutcome>,
) -> Probe {
    let best = workload
        .statements(family)
        .filter_map(|statement| probes.get(&statement.key))
        .min_by_key(|outcome| outcome.status);
    best.map_or_else(
        || Probe {
            status: ProbeStatus::NotProbed,
            reason: None,
            remedy: None,
        },
        |outcome| Probe {
            status: outcome.status,
            reason: outcome.reason.clone(),
            remedy: outcome.remedy.clone(),
        },
    )
}
