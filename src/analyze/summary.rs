//! The verdict in one line.

use crate::finding::{Finding, Severity, Status};
use crate::format;

/// How many bottlenecks, how bad, and what share of the execution time they account for.
pub fn sentence(findings: &[Finding], share: Option<f64>, status: Status) -> String {
    let own: Vec<Severity> = findings
        .iter()
        .filter(|finding| finding.severity > Severity::Info && finding.explained_by.is_none())
        .map(|finding| finding.severity)
        .collect();
    let Some(worst) = own.iter().max() else {
        return match status {
            Status::Completed => "no bottleneck found".to_owned(),
            Status::Partial => "no bottleneck found, but not everything could be seen".to_owned(),
        };
    };
    let count = own.iter().filter(|severity| *severity == worst).count();
    let noun = if own.len() == 1 {
        "bottleneck"
    } else {
        "bottlenecks"
    };
    let verdict = format!("{} {noun} ({count} {})", own.len(), word(*worst));
    let verb = if own.len() == 1 {
        "accounts"
    } else {
        "account"
    };
    match share.filter(|share| *share > 0.0) {
        Some(share) => format!(
            "{verdict} {verb} for {} of the execution time",
            format::percent(share.min(1.0))
        ),
        None => verdict,
    }
}

const fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "critical",
        Severity::High => "high",
        Severity::Medium => "medium",
        Severity::Low => "low",
        Severity::Info => "info",
    }
}
