//! The report as SARIF 2.1.0 (OASIS), which code hosts show beside the lines of a pull request.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::checks::{CHECKS, CheckMeta};
use crate::finding::{Finding, Report, Severity, Status};

use super::machine::{identities, message, unplanned, unseen};

/// The log: all rules, whether or not something was found, and a result a finding.
///
/// # Errors
/// Never for a report that `judge` made; serialisation of foreign values could fail.
pub fn render(report: &Report) -> Result<String, serde_json::Error> {
    let rules: Vec<Value> = CHECKS.iter().map(|check| rule(check.meta())).collect();
    let results: Vec<Value> = report
        .bottlenecks
        .iter()
        .zip(identities(report))
        .map(|(finding, identity)| result(finding, &identity))
        .collect();
    let of_statements = unplanned(report).map(|(statement, why)| {
        let mut note = note(&why);
        let place = statement
            .file
            .as_deref()
            .map(|file| physical(file, statement.line));
        if let (Some(place), Some(fields)) = (place, note.as_object_mut()) {
            let locations = json!([{"physicalLocation": place}]);
            fields.insert("locations".to_owned(), locations);
        }
        note
    });
    let notes: Vec<Value> = of_statements
        .chain(unseen(report).map(|why| note(&why)))
        .collect();
    let log = json!({
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": report.tool.name,
                "version": report.tool.version,
                "informationUri": env!("CARGO_PKG_REPOSITORY"),
                "rules": rules,
            }},
            "invocations": [{
                "executionSuccessful": report.status == Status::Completed,
                "toolExecutionNotifications": notes,
            }],
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    });
    let mut text = serde_json::to_string_pretty(&log)?;
    text.push('\n');
    Ok(text)
}

fn rule(meta: &CheckMeta) -> Value {
    json!({
        "id": meta.id.as_str(),
        "shortDescription": {"text": meta.title},
        "fullDescription": {"text": meta.summary},
        "help": {"text": meta.page, "markdown": meta.page},
        "properties": {"tags": [meta.category.title()]},
    })
}

/// SARIF has three levels; the severity itself is a property.
const fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Info => "note",
    }
}

fn result(finding: &Finding, identity: &str) -> Value {
    let id = finding.kind.as_str();
    let index = CHECKS
        .iter()
        .position(|check| check.meta().id == finding.kind);
    let mut result = json!({
        "ruleId": id,
        "level": level(finding.severity),
        "message": {"text": message(finding)},
        "locations": [location(finding)],
        "partialFingerprints": {"pgtriageFinding/v1": identity},
        "properties": {"severity": finding.severity, "confidence": finding.confidence},
    });
    if let (Some(index), Some(fields)) = (index, result.as_object_mut()) {
        fields.insert("ruleIndex".to_owned(), json!(index));
    }
    result
}

fn location(finding: &Finding) -> Value {
    let mut place = json!({});
    let Some(fields) = place.as_object_mut() else {
        return place;
    };
    if let Some(file) = &finding.location.file {
        let physical = physical(file, finding.location.line);
        fields.insert("physicalLocation".to_owned(), physical);
    }
    if let Some(name) = &finding.location.statement {
        let logical = json!([{"name": name, "kind": "function"}]);
        fields.insert("logicalLocations".to_owned(), logical);
    }
    place
}

fn note(text: &str) -> Value {
    json!({"level": "warning", "message": {"text": text}})
}

fn physical(file: &str, line: Option<u32>) -> Value {
    json!({
        "artifactLocation": {"uri": uri(file)},
        "region": {"startLine": line.unwrap_or(1)},
    })
}

/// A path as a URI reference (RFC 3986).
fn uri(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}
