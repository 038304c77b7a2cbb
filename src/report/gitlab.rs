//! The report as a code quality report of GitLab.

use serde_json::{Value, json};

use crate::finding::{CheckedStatement, Finding, Report, Severity};

use super::machine::{identities, identity, message, unplanned};

/// Where findings are put that are of no file.
const NO_FILE: &str = "pg_stat_statements";

/// The JSON array.
///
/// # Errors
/// Never for a report that `judge` made; serialisation of foreign values could fail.
pub fn render(report: &Report) -> Result<String, serde_json::Error> {
    let findings = report.bottlenecks.iter().zip(identities(report));
    let issues: Vec<Value> = findings
        .map(|(finding, identity)| issue(finding, &identity))
        .chain(unplanned(report).map(|(statement, why)| unplanned_issue(statement, &why)))
        .collect();
    let mut text = serde_json::to_string_pretty(&issues)?;
    text.push('\n');
    Ok(text)
}

fn issue(finding: &Finding, identity: &str) -> Value {
    let location = &finding.location;
    json!({
        "description": message(finding),
        "check_name": finding.kind.as_str(),
        "fingerprint": identity,
        "severity": severity(finding.severity),
        "location": {
            "path": location.file.as_deref().unwrap_or(NO_FILE),
            "lines": {"begin": location.line.unwrap_or(1)},
        },
    })
}

/// A statement without a verdict is told of, too: GitLab shows nothing but issues.
fn unplanned_issue(statement: &CheckedStatement, why: &str) -> Value {
    let own = format!("not_planned\n{}\n{}", statement.name, statement.family);
    json!({
        "description": why,
        "check_name": "not_planned",
        "fingerprint": identity(&own),
        "severity": severity(Severity::Medium),
        "location": {
            "path": statement.file.as_deref().unwrap_or(NO_FILE),
            "lines": {"begin": statement.line.unwrap_or(1)},
        },
    })
}

const fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "blocker",
        Severity::High => "critical",
        Severity::Medium => "major",
        Severity::Low => "minor",
        Severity::Info => "info",
    }
}
