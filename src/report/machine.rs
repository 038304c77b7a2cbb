//! What the formats for machines share: identities of findings that outlive a move of their statement, and one-line
//! messages.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use crate::finding::{CheckVerdict, CheckedStatement, Finding, Looker, Report};
use crate::sql::family::Family;

use super::text::one_line;

/// A hexadecimal identity for each finding, in their order: of what it is about and of the statement's name and family,
/// never of a line or a number. Those of equal statements in one file are counted.
pub fn identities(report: &Report) -> Vec<String> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let findings = report.bottlenecks.iter();
    findings
        .map(|finding| {
            let location = &finding.location;
            let family = location
                .query
                .as_deref()
                .map(|query| Family::of(query).fingerprint.id());
            let own = format!(
                "{}\n{}\n{}\n{}",
                finding.id,
                location.file.as_deref().unwrap_or_default(),
                location.statement.as_deref().unwrap_or_default(),
                family.unwrap_or_default()
            );
            let before = seen.entry(own.clone()).or_default();
            let numbered = format!("{own}\n{before}");
            *before += 1;
            identity(&numbered)
        })
        .collect()
}

/// A hexadecimal identity of a text.
pub fn identity(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    let mut out = String::new();
    for byte in digest.iter().take(16) {
        let _ = write!(out, "{byte:02x}");
    }
    out
}

/// What is wrong and what to do, on one line.
pub fn message(finding: &Finding) -> String {
    let named = match &finding.location.statement {
        Some(name) => format!("{name}: {}", finding.title),
        None => finding.title.clone(),
    };
    let fix = match finding.recommendation.ddl.as_slice() {
        [] => finding.fix.clone(),
        ddl => format!("{}: {}", finding.fix, ddl.join(" ")),
    };
    one_line(&format!("{named}; {fix}"))
}

/// Statements without a verdict, each with why and what would help, on one line.
pub fn unplanned(report: &Report) -> impl Iterator<Item = (&CheckedStatement, String)> {
    let without = report.checked.iter().filter(|statement| {
        statement.reason.is_some() || statement.verdict == CheckVerdict::NotPlanned
    });
    without.map(|statement| {
        let reason = statement.reason.as_deref().unwrap_or("not planned");
        let text = with_remedy(reason, statement.remedy.as_deref());
        (statement, format!("{}: {text}", one_line(&statement.name)))
    })
}

/// What else could not be looked at, each on one line.
pub fn unseen(report: &Report) -> impl Iterator<Item = String> {
    let others = report
        .skipped
        .iter()
        .filter(|skipped| !matches!(skipped.check, Looker::Probe(_)));
    others.map(|skipped| with_remedy(&skipped.reason, skipped.remedy.as_deref()))
}

fn with_remedy(reason: &str, remedy: Option<&str>) -> String {
    match remedy {
        Some(remedy) => one_line(&format!("{reason}; {remedy}")),
        None => one_line(reason),
    }
}
