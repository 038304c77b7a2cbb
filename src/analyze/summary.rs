//! The verdict in one line.

use std::collections::BTreeMap;

use crate::finding::{Finding, Severity, Status};
use crate::format;
use crate::ids::QueryId;

/// Findings named in the sentence.
const NAMED: usize = 3;

/// How many bottlenecks, how bad, and the worst by name.
pub fn sentence(findings: &[Finding], status: Status) -> String {
    let own: Vec<&Finding> = findings
        .iter()
        .filter(|finding| finding.severity > Severity::Info && finding.explained_by.is_none())
        .collect();
    if own.is_empty() {
        return match status {
            Status::Completed => "no bottleneck found".to_owned(),
            Status::Partial => {
                "no bottleneck found in what could be seen; not everything could".to_owned()
            }
        };
    }
    let noun = if own.len() == 1 {
        "bottleneck"
    } else {
        "bottlenecks"
    };
    let worst = own
        .first()
        .map_or(Severity::Low, |finding| finding.severity);
    let count = own
        .iter()
        .filter(|finding| finding.severity == worst)
        .count();
    let names: Vec<&str> = own
        .iter()
        .take(NAMED)
        .map(|finding| finding.title.as_str())
        .collect();
    let more = own.len().saturating_sub(NAMED);
    let rest = if more > 0 {
        format!("; and {more} more")
    } else {
        String::new()
    };
    format!(
        "{} {noun} ({count} {}){}: {}{rest}",
        own.len(),
        word(worst),
        together(&own),
        names.join("; ")
    )
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

/// The share of the execution time at stake, each statement's counted once: the largest of its findings.
fn together(findings: &[&Finding]) -> String {
    let mut shares: BTreeMap<&[QueryId], f64> = BTreeMap::new();
    for finding in findings {
        if let Some(share) = finding.impact.share {
            let largest = shares
                .entry(finding.location.queryids.as_slice())
                .or_default();
            *largest = largest.max(share);
        }
    }
    let share: f64 = shares.values().sum();
    if share > 0.0 && share <= 1.0 {
        format!(
            " with {} of the execution time at stake",
            format::percent(share)
        )
    } else {
        String::new()
    }
}
