//! The workload as it is: sums, percentiles, statement families.

use std::collections::{BTreeMap, BTreeSet};

use super::logged;
use crate::checks::Case;
use crate::checks::workload::{Family, Field, Percentiles, Workload};
use crate::finding::{BaselineMetrics, EstimateBasis, Estimated, Probe, ReportStatement};
use crate::ids::StatementKey;
use crate::snapshot::{Durations, ProbeOutcome, ProbeStatus};
use crate::units::{Millis, float, ratio};

/// The workload's figures; `None` where neither counters nor a log with durations tell of it.
pub fn baseline(case: &Case<'_>) -> Option<BaselineMetrics> {
    if case.snapshot.counter_source.is_none() {
        return logged::baseline(case);
    }
    let workload = &case.workload;
    let totals = workload.totals();
    let measured = case
        .logged
        .as_ref()
        .filter(|logged| logged.shows_durations());
    let measured = measured.and_then(|logged| logged.logs().durations);
    let [p50_ms, p95_ms, p99_ms] = percentiles(measured, || Percentiles::of(workload));
    Some(BaselineMetrics {
        statements: totals.statements,
        families: workload.families().len(),
        calls: totals.calls,
        total_exec_time_ms: totals.exec_time,
        throughput_qps: workload.rate(totals.calls),
        mean_ms: ratio(totals.exec_time.get(), float(totals.calls)).map(Millis),
        cache_hit_ratio: cache_hit_ratio(workload),
        p50_ms,
        p95_ms,
        p99_ms,
        calls_over_time: logged::rate(case),
    })
}

/// Median, 95th and 99th percentile: of single durations where a log has all of them, else estimated.
pub(super) fn percentiles(
    measured: Option<Durations>,
    estimate: impl FnOnce() -> Option<Percentiles>,
) -> [Estimated; 3] {
    if let Some(durations) = measured {
        let figures = [durations.p50_ms, durations.p95_ms, durations.p99_ms];
        return figures.map(|figure| Estimated {
            value: Some(figure.get()),
            basis: EstimateBasis::Measured,
        });
    }
    let all = estimate();
    let figures: [fn(&Percentiles) -> Millis; 3] = [|all| all.p50, |all| all.p95, |all| all.p99];
    figures.map(|figure| Estimated {
        value: all.as_ref().map(|all| figure(all).get()),
        basis: EstimateBasis::Estimated,
    })
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
pub fn statements(case: &Case<'_>) -> Vec<ReportStatement> {
    let workload = &case.workload;
    if case.snapshot.counter_source.is_none() && workload.families().is_empty() {
        return logged::statements(case);
    }
    let probes = outcomes(workload);
    let families = workload.families().iter().enumerate();
    families
        .filter(|(_, family)| family.calls() > 0)
        .map(|(place, family)| statement(case, place, family, &probes))
        .collect()
}

fn outcomes<'a>(workload: &Workload<'a>) -> BTreeMap<&'a StatementKey, &'a ProbeOutcome> {
    let probes = workload.snapshot().probes.iter();
    probes.map(|probe| (&probe.key, probe)).collect()
}

fn statement(
    case: &Case<'_>,
    place: usize,
    family: &Family,
    probes: &BTreeMap<&StatementKey, &ProbeOutcome>,
) -> ReportStatement {
    let workload = &case.workload;
    let logged = case.logged.as_ref();
    let of_log = logged.and_then(|logged| logged.of_place(place));
    let measured = logged
        .filter(|logged| logged.shows_durations())
        .and_then(|_| of_log?.durations);
    let [p50_ms, p95_ms, p99_ms] =
        percentiles(measured, || Percentiles::of_family(workload, family));
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
        rows: Some(family.rows()),
        total_exec_time_ms: family.time(),
        mean_exec_time_ms: family.mean(),
        p50_ms,
        p95_ms,
        p99_ms,
        calls_over_time: of_log.and_then(|family| family.rate.clone()),
        share: share.flatten(),
        probe: probe(workload, family, probes),
    }
}

/// Nothing became of a probe, because there was none.
pub(super) const NOT_PROBED: Probe = Probe {
    status: ProbeStatus::NotProbed,
    reason: None,
    remedy: None,
};

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
        || NOT_PROBED,
        |outcome| Probe {
            status: outcome.status,
            reason: outcome.reason.clone(),
            remedy: outcome.remedy.clone(),
        },
    )
}
