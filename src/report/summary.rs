//! The lines that every human format shares: what was looked at, how the probes went, what could not be seen.

use std::collections::BTreeSet;

use crate::finding::{
    CheckVerdict, CheckedStatement, Looker, Report, ReportStatement, Target, WindowInfo, WindowKind,
};
use crate::format;
use crate::snapshot::ProbeStatus;
use crate::units::Millis;

use super::text::one_line;

/// `shop @ db.staging:5432 · PostgreSQL 15.18 · role triage · 6 d 4 h since reset · 1.2 M calls · 4.1 h execution time`
pub fn header(report: &Report) -> String {
    let mut parts = match &report.target {
        Some(target) => place(target),
        None => vec!["saved plan".to_owned()],
    };
    parts.extend(report.window.as_ref().map(window));
    if let Some(metrics) = &report.baseline_metrics {
        parts.push(format::calls(metrics.calls));
        parts.push(format!(
            "{} execution time",
            format::duration(metrics.total_exec_time_ms)
        ));
    }
    one_line(&parts.join(" · "))
}

fn place(target: &Target) -> Vec<String> {
    let place = match &target.address {
        Some(address) => format!("{} @ {address}", target.database),
        None => target.database.clone(),
    };
    let mut parts = vec![
        place,
        format!("PostgreSQL {}", target.server_version),
        format!("role {}", target.role),
    ];
    if target.in_recovery {
        parts.push("standby".to_owned());
    }
    parts
}

fn window(window: &WindowInfo) -> String {
    let length = window
        .seconds
        .map(|seconds| format::duration(Millis(seconds * 1000.0)));
    match (window.kind, length) {
        (WindowKind::SinceReset, Some(length)) => format!("{length} since reset"),
        (WindowKind::SinceReset, None) => "since an unknown reset".to_owned(),
        (WindowKind::Interval, Some(length)) => format!("{length} measured"),
        (WindowKind::Interval, None) => "measured window".to_owned(),
    }
}

/// `12 statements analyzed, 3 planned, 1 refused · 2 checks could not look · nothing was changed`
pub fn coverage(report: &Report) -> String {
    let mut parts = Vec::new();
    if report.target.is_none() {
        let plans = report.plans.len();
        return match plans {
            1 => "1 saved plan was read".to_owned(),
            _ => format!("{plans} saved plans were read"),
        };
    }
    if !report.checked.is_empty() {
        return checked(&report.checked);
    }
    let outcomes: Vec<String> = [
        (ProbeStatus::Analyzed, "analyzed"),
        (ProbeStatus::Planned, "planned"),
        (ProbeStatus::Refused, "refused"),
        (ProbeStatus::Failed, "failed"),
    ]
    .into_iter()
    .filter_map(|(status, word)| outcome(&report.statements, status, word))
    .collect();
    if outcomes.is_empty() {
        parts.push("no statement was probed".to_owned());
    } else {
        parts.push(format!("statements: {}", outcomes.join(", ")));
    }
    let hidden = report
        .skipped
        .iter()
        .filter(|entry| matches!(entry.check, Looker::Check(_)))
        .count();
    match hidden {
        0 => {}
        1 => parts.push("1 check could not look (below)".to_owned()),
        n => parts.push(format!("{n} checks could not look (below)")),
    }
    parts.push("nothing was changed".to_owned());
    parts.join(" · ")
}

/// `212 statements of 14 files: 209 passed, 2 failed, 1 not planned · 1 finding allowed · nothing was changed`
fn checked(all: &[CheckedStatement]) -> String {
    let files: BTreeSet<&str> = all
        .iter()
        .filter_map(|statement| statement.file.as_deref())
        .collect();
    let of = match files.len() {
        0 => String::new(),
        n => format!(" of {}", plural(n, "file")),
    };
    let verdicts = [
        (CheckVerdict::Passed, "passed"),
        (CheckVerdict::Failed, "failed"),
        (CheckVerdict::NotPlanned, "not planned"),
    ];
    let counts: Vec<String> = verdicts
        .into_iter()
        .filter_map(|(verdict, word)| {
            let n = all.iter().filter(|one| one.verdict == verdict).count();
            (n > 0).then(|| format!("{n} {word}"))
        })
        .collect();
    let mut parts = vec![format!(
        "{}{of}: {}",
        plural(all.len(), "statement"),
        counts.join(", ")
    )];
    let allowed: usize = all.iter().map(|one| one.allowed.len()).sum();
    if allowed > 0 {
        parts.push(format!("{} allowed", plural(allowed, "finding")));
    }
    parts.push("nothing was changed".to_owned());
    parts.join(" · ")
}

fn plural(n: usize, noun: &str) -> String {
    match n {
        1 => format!("1 {noun}"),
        _ => format!("{n} {noun}s"),
    }
}

fn outcome(statements: &[ReportStatement], status: ProbeStatus, word: &str) -> Option<String> {
    let n = statements
        .iter()
        .filter(|statement| statement.probe.status == status)
        .count();
    (n > 0).then(|| format!("{n} {word}"))
}

/// `pgtriage 0.1.0 · PostgreSQL 15.18 · role triage · primary · 2026-11-22 10:00:00 UTC`
pub fn provenance(report: &Report) -> String {
    let tool = format!("{} {}", report.tool.name, report.tool.version);
    let Some(target) = &report.target else {
        return tool;
    };
    let node = if target.in_recovery {
        "standby"
    } else {
        "primary"
    };
    let moment = target.captured_at;
    let moment = moment.map(|moment| format!(" · {}", moment.strftime("%F %T UTC")));
    one_line(&format!(
        "{tool} · PostgreSQL {} · role {} · {node}{}",
        target.server_version,
        target.role,
        moment.unwrap_or_default()
    ))
}

/// What a probe's status is called.
pub const fn status_word(status: ProbeStatus) -> &'static str {
    match status {
        ProbeStatus::Analyzed => "analyzed",
        ProbeStatus::Planned => "planned",
        ProbeStatus::Refused => "refused",
        ProbeStatus::Failed => "failed",
        ProbeStatus::NotProbed => "not probed",
    }
}
