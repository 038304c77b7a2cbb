//! The report's figures that come from the logs.

use jiff::Unit;

use super::metrics::{NOT_PROBED, percentiles};
use crate::checks::Case;
use crate::finding::{BaselineMetrics, LogInfo, LogLimit, ReportStatement};
use crate::snapshot::{Durations, LoggedFamily, Logs, Series};
use crate::units::{Millis, float, ratio};

/// What was read; `None` where nothing was.
pub fn info(case: &Case<'_>) -> Option<LogInfo> {
    let logged = case.logged.as_ref()?;
    let logs = logged.logs();
    Some(LogInfo {
        files: logs.files.clone(),
        from: logs.from,
        to: logs.to,
        executions: logs.executions,
        durations: logs.durations.map_or(0, |durations| durations.count),
        sessions: logs.sessions,
        left_out: logs.left_out.clone(),
        skipped: logs.skipped.clone(),
        limits: logged
            .limits()
            .iter()
            .map(|limit| LogLimit {
                reason: limit.reason(),
                remedy: limit.remedy().to_owned(),
            })
            .collect(),
    })
}

/// Calls over time.
pub fn rate(case: &Case<'_>) -> Option<Series> {
    case.snapshot.logs.as_ref()?.rate.clone()
}

/// The workload's figures by the log alone; `None` where it has no durations.
pub fn baseline(case: &Case<'_>) -> Option<BaselineMetrics> {
    let logged = case.logged.as_ref()?;
    let logs = logged.logs();
    let durations = logs.durations?;
    let complete = logged.shows_durations().then_some(durations);
    let [p50_ms, p95_ms, p99_ms] = percentiles(complete, || None);
    let families = i64::try_from(logs.families.len()).unwrap_or(i64::MAX);
    Some(BaselineMetrics {
        statements: logs.families.len(),
        families: usize::try_from(families.saturating_add(logs.left_out.families))
            .unwrap_or_default(),
        calls: logs.executions,
        total_exec_time_ms: durations.total_ms,
        throughput_qps: seconds(logs).and_then(|seconds| ratio(float(logs.executions), seconds)),
        mean_ms: mean(&durations),
        cache_hit_ratio: None,
        p50_ms,
        p95_ms,
        p99_ms,
        calls_over_time: logs.rate.clone(),
    })
}

fn mean(durations: &Durations) -> Option<Millis> {
    ratio(durations.total_ms.get(), float(durations.count)).map(Millis)
}

fn seconds(logs: &Logs) -> Option<f64> {
    logs.from?.until(logs.to?).ok()?.total(Unit::Second).ok()
}

/// The families by the log alone.
pub fn statements(case: &Case<'_>) -> Vec<ReportStatement> {
    let Some(logged) = case.logged.as_ref() else {
        return Vec::new();
    };
    let all = logged.logs().durations.map(|durations| durations.total_ms);
    let complete = logged.shows_durations();
    let families = logged.logs().families.iter();
    families
        .map(|family| statement(family, all, complete))
        .collect()
}

fn statement(family: &LoggedFamily, all: Option<Millis>, complete: bool) -> ReportStatement {
    let durations = family.durations;
    let time = durations.map(|durations| durations.total_ms);
    let measured = durations.filter(|_| complete);
    let [p50_ms, p95_ms, p99_ms] = percentiles(measured, || None);
    let share = time.zip(all);
    ReportStatement {
        queryid: family.queryids.first().copied(),
        family: family.family.clone(),
        members: family.queryids.clone(),
        query: family.query.clone(),
        role: None,
        toplevel: true,
        calls: family.executions,
        rows: None,
        total_exec_time_ms: time.unwrap_or_default(),
        mean_exec_time_ms: durations.as_ref().and_then(mean),
        p50_ms,
        p95_ms,
        p99_ms,
        calls_over_time: family.rate.clone(),
        share: share.and_then(|(time, all)| ratio(time.get(), all.get())),
        probe: NOT_PROBED,
    }
}
