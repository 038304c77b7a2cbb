//! The report as `JUnit` XML: a suite a file, a test case a statement.

use std::collections::BTreeMap;

use quick_junit::{
    NonSuccessKind, Report as Document, SerializeError, TestCase, TestCaseStatus, TestSuite,
};

use crate::finding::{CheckVerdict, CheckedStatement, Finding, Report};

use super::machine::message;
use super::terminal::severity_word;
use super::text::one_line;

/// The name of the suite of statements that come from no file.
const NO_FILE: &str = "pg_stat_statements";

/// The XML document.
///
/// # Errors
/// Where a text cannot be written as XML.
pub fn render(report: &Report) -> Result<String, SerializeError> {
    let mut suites: BTreeMap<&str, Vec<TestCase>> = BTreeMap::new();
    for statement in &report.checked {
        let file = statement.file.as_deref().unwrap_or(NO_FILE);
        suites
            .entry(file)
            .or_default()
            .push(case(report, statement, file));
    }
    let mut document = Document::new("pgtriage check");
    document.add_test_suites(suites.into_iter().map(|(file, cases)| {
        let mut suite = TestSuite::new(file);
        suite.add_test_cases(cases);
        suite
    }));
    Ok(without_skipped_sum(document.to_string()?))
}

/// Jenkins's schema knows `skipped` of a suite, but not of all suites together.
fn without_skipped_sum(xml: String) -> String {
    const ATTRIBUTE: &str = " skipped=\"0\"";
    let root = xml.find("<testsuites").unwrap_or_default();
    let end = xml.get(root..).and_then(|rest| rest.find('>'));
    let attribute = xml.find(ATTRIBUTE);
    match (end, attribute) {
        (Some(end), Some(at)) if at < root + end => {
            let (before, after) = xml.split_at(at);
            format!(
                "{before}{}",
                after.get(ATTRIBUTE.len()..).unwrap_or_default()
            )
        }
        _ => xml,
    }
}

fn case(report: &Report, statement: &CheckedStatement, file: &str) -> TestCase {
    let findings: Vec<&Finding> = report
        .bottlenecks
        .iter()
        .filter(|finding| is_of(finding, statement))
        .collect();
    let status = match statement.verdict {
        CheckVerdict::Passed => TestCaseStatus::success(),
        CheckVerdict::Failed => failure(statement, &findings),
        CheckVerdict::NotPlanned => not_planned(statement),
    };
    let mut case = TestCase::new(statement.name.as_str(), status);
    case.set_classname(file);
    if statement.verdict == CheckVerdict::Passed && !findings.is_empty() {
        case.set_system_out(lines(statement, &findings));
    }
    case
}

/// A comment above a statement has a line of its own, and so has an error inside of it.
fn is_of(finding: &Finding, statement: &CheckedStatement) -> bool {
    let location = &finding.location;
    let same_text = location.query.as_ref() == Some(&statement.query);
    let named =
        location.statement.is_none() || location.statement.as_ref() == Some(&statement.name);
    let inside = u32::try_from(statement.query.lines().count()).unwrap_or_default();
    let line = location.line <= statement.line.map(|line| line.saturating_add(inside));
    location.file == statement.file && same_text && named && line
}

fn failure(statement: &CheckedStatement, findings: &[&Finding]) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
    if let Some(worst) = findings.first() {
        status.set_message(one_line(&worst.title));
        status.set_type(worst.kind.as_str());
    }
    status.set_description(lines(statement, findings));
    status
}

fn not_planned(statement: &CheckedStatement) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
    let reason = statement.reason.as_deref().unwrap_or("no plan");
    status.set_message(one_line(reason));
    status.set_type("not_planned");
    if let Some(remedy) = &statement.remedy {
        status.set_description(remedy.as_str());
    }
    status
}

fn lines(statement: &CheckedStatement, findings: &[&Finding]) -> String {
    let place = match (&statement.file, statement.line) {
        (Some(file), Some(line)) => format!("{file}:{line}"),
        _ => statement.name.clone(),
    };
    let all = findings.iter().map(|finding| {
        format!(
            "{place} {} {}: {}",
            severity_word(finding.severity),
            finding.kind,
            message(finding)
        )
    });
    all.collect::<Vec<_>>().join("\n")
}
