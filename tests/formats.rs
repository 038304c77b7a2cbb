//! What other programs read of a check: SARIF against its schema, `JUnit` XML against its own, the rest against what is
//! documented of them.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking; helpers of tests are no test functions to clippy"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use pgtriage::checks::CHECKS;
use pgtriage::finding::{CheckVerdict, Report, Severity, Skipped, Status};
use pgtriage::gate::{Judged, Origin, Rules, judge};
use pgtriage::report::{github, gitlab, json, junit, markdown, sarif};
use pgtriage::snapshot::Snapshot;
use regex::Regex;
use serde_json::Value;

fn testdata(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("testdata")
        .join(path)
}

fn read(path: &str) -> String {
    fs::read_to_string(testdata(path)).unwrap()
}

fn rules() -> Rules {
    Rules {
        fail_on: Some(Severity::High),
        ..Rules::default()
    }
}

fn judged(capture: &str, name: &str) -> Judged {
    let snapshot: Snapshot = serde_json::from_str(&read(capture)).unwrap();
    let origin = Origin {
        file: Some("queries/find members & <more>.sql".to_owned()),
        line: Some(12),
        ordinal: 1,
        name: Some(name.to_owned()),
        ..Origin::default()
    };
    judge(snapshot, &[origin], &rules())
}

/// A finding, a statement without one, and one that was not planned.
fn report() -> Report {
    let mut report = judged(
        "checks/unservable_predicate/fires/no_index_on_the_column.json",
        "find_by_card",
    )
    .report;
    let clean = judged(
        "checks/unservable_predicate/silent/a_boolean.json",
        "find_active",
    )
    .report;
    let mut unplanned = clean.checked[0].clone();
    "find_gone".clone_into(&mut unplanned.name);
    unplanned.verdict = CheckVerdict::NotPlanned;
    unplanned.reason = Some("not planned: column \"gone\" does not exist".to_owned());
    unplanned.remedy = Some("GRANT & <pray>".to_owned());
    report.checked.extend(clean.checked);
    report.checked.push(unplanned);
    report.skipped.push(Skipped {
        check: pgtriage::finding::Looker::Check(pgtriage::checks::lost_index::ID),
        reason: "nothing was compared: 100 %,\nof it".to_owned(),
        remedy: None,
    });
    report.status = Status::Partial;
    assert_eq!(report.bottlenecks.len(), 1);
    report
}

fn empty() -> Report {
    judged(
        "checks/unservable_predicate/silent/a_boolean.json",
        "find_active",
    )
    .report
}

/// The same finding again and again, each in a statement of its own.
fn many(count: u32) -> Report {
    let mut report = report();
    let first = report.bottlenecks[0].clone();
    report.bottlenecks = (0..count)
        .map(|n| {
            let mut finding = first.clone();
            finding.location.statement = Some(format!("statement_{n}"));
            finding.location.line = Some(n + 1);
            finding
        })
        .collect();
    report
}

#[test]
fn the_json_document_keeps_its_schema() {
    let validator = jsonschema::validator_for(&json::schema()).unwrap();
    for report in [report(), empty(), many(2)] {
        let document: Value = serde_json::from_str(&json::render(&report).unwrap()).unwrap();
        let errors: Vec<String> = validator
            .iter_errors(&document)
            .map(|error| format!("{error} at {}", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{errors:#?}");
    }
}

/// A pattern of the published schema, that of languages, has a bracket too many, which is no regular expression.
fn without_broken_pattern(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            fields.retain(|key, value| {
                let broken = |text: &str| text.ends_with("]?$");
                key != "pattern" || !value.as_str().is_some_and(broken)
            });
            fields.values_mut().for_each(without_broken_pattern);
        }
        Value::Array(items) => items.iter_mut().for_each(without_broken_pattern),
        _ => {}
    }
}

#[test]
fn sarif_keeps_its_schema() {
    let mut schema: Value = serde_json::from_str(&read("schemas/sarif-2.1.0.json")).unwrap();
    without_broken_pattern(&mut schema);
    let validator = jsonschema::validator_for(&schema).unwrap();
    for report in [report(), empty(), many(30)] {
        let log: Value = serde_json::from_str(&sarif::render(&report).unwrap()).unwrap();
        let errors: Vec<String> = validator
            .iter_errors(&log)
            .map(|error| format!("{error} at {}", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{errors:#?}");
        let run = &log["runs"][0];
        let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
        assert_eq!(rules.len(), CHECKS.len());
        assert_eq!(
            run["results"].as_array().unwrap().len(),
            report.bottlenecks.len()
        );
        for result in run["results"].as_array().unwrap() {
            let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
            assert_eq!(rules[index]["id"], result["ruleId"]);
        }
    }
}

#[test]
fn a_finding_keeps_its_fingerprint_when_its_statement_moves() {
    let fingerprints = |report: &Report| -> Vec<String> {
        let log: Value = serde_json::from_str(&sarif::render(report).unwrap()).unwrap();
        let results = log["runs"][0]["results"].as_array().unwrap().clone();
        results
            .iter()
            .map(|result| result["partialFingerprints"]["pgtriageFinding/v1"].to_string())
            .collect()
    };
    let before = many(20);
    let mut after = many(20);
    for finding in &mut after.bottlenecks {
        finding.location.line = finding.location.line.map(|line| line + 7);
        finding.title = finding.title.replace("no index", "still no index");
    }
    assert_eq!(fingerprints(&before), fingerprints(&after));
    let each: BTreeSet<String> = fingerprints(&before).into_iter().collect();
    assert_eq!(each.len(), 20);
}

#[test]
fn sarif_says_where_and_as_a_uri() {
    let log: Value = serde_json::from_str(&sarif::render(&report()).unwrap()).unwrap();
    let place = &log["runs"][0]["results"][0]["locations"][0]["physicalLocation"];
    assert_eq!(
        place["artifactLocation"]["uri"],
        "queries/find%20members%20%26%20%3Cmore%3E.sql"
    );
    assert_eq!(place["region"]["startLine"], 12);
    assert_eq!(
        log["runs"][0]["invocations"][0]["executionSuccessful"],
        false
    );
    let notes = &log["runs"][0]["invocations"][0]["toolExecutionNotifications"];
    assert_eq!(
        notes[0]["locations"][0]["physicalLocation"]["region"]["startLine"],
        12
    );
    assert_eq!(notes.as_array().unwrap().len(), 2);
}

/// An element of an XML document: its name and attributes, and the names of those inside it.
#[derive(Debug, Default)]
struct Element {
    name: String,
    attributes: BTreeMap<String, String>,
    children: Vec<Element>,
    text: String,
}

/// Reads the XML that this program and the schema are written in: no CDATA, no entities but the five.
fn parse(xml: &str) -> Element {
    let token = Regex::new(r"(?s)<!--.*?-->|<\?.*?\?>|<(/?)([\w:-]+)((?:\s+[\w:-]+\s*=\s*\x22[^\x22<]*\x22)*)\s*(/?)>|([^<]+)").unwrap();
    let attribute = Regex::new(r#"([\w:-]+)\s*=\s*"([^"]*)""#).unwrap();
    let mut stack = vec![Element::default()];
    let mut end = 0;
    for found in token.captures_iter(xml) {
        let whole = found.get(0).unwrap();
        assert_eq!(
            whole.start(),
            end,
            "malformed: {}",
            &xml[end..whole.start()]
        );
        end = whole.end();
        if let Some(text) = found.get(5) {
            stack.last_mut().unwrap().text.push_str(text.as_str());
            continue;
        }
        let Some(name) = found.get(2) else {
            continue;
        };
        if &found[1] == "/" {
            let closed = stack.pop().unwrap();
            assert_eq!(closed.name, name.as_str());
            stack.last_mut().unwrap().children.push(closed);
            continue;
        }
        let element = Element {
            name: name.as_str().to_owned(),
            attributes: attribute
                .captures_iter(&found[3])
                .map(|one| (one[1].to_owned(), one[2].to_owned()))
                .collect(),
            ..Element::default()
        };
        if &found[4] == "/" {
            stack.last_mut().unwrap().children.push(element);
        } else {
            stack.push(element);
        }
    }
    assert_eq!((end, stack.len()), (xml.len(), 1));
    stack.pop().unwrap().children.pop().unwrap()
}

/// What the schema says of one element.
#[derive(Debug, Default)]
struct Declaration {
    attributes: BTreeSet<String>,
    required: BTreeSet<String>,
    children: BTreeSet<String>,
    has_text: bool,
}

fn declare(element: &Element, into: &mut Declaration) {
    for child in &element.children {
        match child.name.as_str() {
            "xs:attribute" => {
                let name = child.attributes["name"].clone();
                if child
                    .attributes
                    .get("use")
                    .is_some_and(|word| word == "required")
                {
                    into.required.insert(name.clone());
                }
                into.attributes.insert(name);
            }
            "xs:element" => {
                let name = child.attributes.get("ref").or(child.attributes.get("name"));
                into.children.insert(name.unwrap().clone());
            }
            _ => {
                into.has_text |= child
                    .attributes
                    .get("mixed")
                    .is_some_and(|word| word == "true");
                declare(child, into);
            }
        }
    }
}

fn declarations(schema: &str) -> BTreeMap<String, Declaration> {
    let schema = parse(schema);
    let elements = schema
        .children
        .iter()
        .filter(|one| one.name == "xs:element");
    elements
        .map(|element| {
            let mut declared = Declaration {
                has_text: element.attributes.contains_key("type"),
                ..Declaration::default()
            };
            declare(element, &mut declared);
            (element.attributes["name"].clone(), declared)
        })
        .collect()
}

fn offences(element: &Element, known: &BTreeMap<String, Declaration>, found: &mut Vec<String>) {
    let Some(declared) = known.get(&element.name) else {
        found.push(format!("{} is no element", element.name));
        return;
    };
    let given: BTreeSet<String> = element.attributes.keys().cloned().collect();
    for missing in declared.required.difference(&given) {
        found.push(format!("{} lacks {missing}", element.name));
    }
    for unknown in given.difference(&declared.attributes) {
        found.push(format!("{} has {unknown}", element.name));
    }
    if !declared.has_text && !element.text.trim().is_empty() {
        found.push(format!("{} holds text", element.name));
    }
    for child in &element.children {
        if !declared.children.contains(&child.name) {
            found.push(format!("{} holds {}", element.name, child.name));
        }
        offences(child, known, found);
    }
}

/// Asks xmllint, which also knows the order of elements, where it is installed.
fn assert_valid(xml: &str, schema: &Path) {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), xml).unwrap();
    let mut xmllint = Command::new("xmllint");
    xmllint
        .args(["--noout", "--nonet", "--schema"])
        .args([schema, file.path()]);
    if let Ok(output) = xmllint.output() {
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{told}\n{xml}");
    }
}

#[test]
fn junit_keeps_its_schema() {
    let known = declarations(&read("schemas/junit-10.xsd"));
    assert!(known["testcase"].required.contains("name") && known.len() > 10);
    for report in [report(), empty(), many(30)] {
        let xml = junit::render(&report).unwrap();
        let mut found = Vec::new();
        offences(&parse(&xml), &known, &mut found);
        assert!(found.is_empty(), "{found:?}\n{xml}");
        assert_valid(&xml, &testdata("schemas/junit-10.xsd"));
    }
    // The schema is really looked at.
    let mut found = Vec::new();
    let wrong = "<testsuites><testsuite name=\"a\"><testcase line=\"1\">x</testcase></testsuite></testsuites>";
    offences(&parse(wrong), &known, &mut found);
    assert_eq!(found.len(), 6, "{found:?}");
}

#[test]
fn junit_has_a_case_a_statement() {
    let xml = junit::render(&report()).unwrap();
    assert!(xml.contains("tests=\"3\""), "{xml}");
    assert_eq!(xml.matches("<failure").count(), 1, "{xml}");
    assert_eq!(xml.matches("<error").count(), 1, "{xml}");
    assert!(
        xml.contains("find members &amp; &lt;more&gt;.sql:12"),
        "{xml}"
    );
}

#[test]
fn workflow_commands_begin_with_the_summary_and_are_one_a_line() {
    let report = report();
    let text = github::render(&report);
    let lines: Vec<&str> = text.lines().collect();
    assert!(
        lines[0].starts_with("::notice title=pgtriage check::"),
        "{text}"
    );
    assert!(lines[0].contains("3 statements of 1 file"), "{text}");
    assert!(
        lines[1].starts_with("::error file=queries/find members & <more>.sql,line=12,title=unservable_predicate::find_by_card: "),
        "{text}"
    );
    assert!(
        lines[2].starts_with("::warning file=queries/find members & <more>.sql,line=12,title=not planned::find_gone: not planned: column"),
        "{text}"
    );
    assert_eq!(
        lines[3..],
        ["::warning title=not checked::nothing was compared: 100 %25, of it"],
        "{text}"
    );
}

#[test]
fn gitlab_has_an_issue_a_finding() {
    let issues: Value = serde_json::from_str(&gitlab::render(&many(30)).unwrap()).unwrap();
    let issues = issues.as_array().unwrap();
    assert_eq!(issues.len(), 31);
    assert_eq!(issues[30]["check_name"], "not_planned");
    assert_eq!(issues[30]["location"]["lines"]["begin"], 12);
    let fingerprints: BTreeSet<String> = issues
        .iter()
        .map(|issue| issue["fingerprint"].to_string())
        .collect();
    assert_eq!(fingerprints.len(), 31);
    let levels = ["info", "minor", "major", "critical", "blocker"];
    for issue in issues {
        assert!(levels.contains(&issue["severity"].as_str().unwrap()));
        assert!(issue["location"]["lines"]["begin"].as_u64().unwrap() >= 1);
        assert!(issue["check_name"].is_string() && issue["description"].is_string());
    }
    assert_eq!(gitlab::render(&empty()).unwrap(), "[]\n");
}

#[test]
fn markdown_of_many_findings_fits_a_comment_and_says_what_it_dropped() {
    let text = markdown::render(&many(500));
    assert!(text.chars().count() < 65_536, "{}", text.chars().count());
    let dropped = Regex::new(r"(\d+) findings are left out").unwrap();
    let count: usize = dropped.captures(&text).unwrap()[1].parse().unwrap();
    assert_eq!(text.matches("\n### ").count() + count, 500);
    assert!(text.contains("statement_0"));
}
