//! Loops of real clients: each found with its parent, and nothing found where there is none.
//!
//! `testdata/nplusone/shop.json` is a Snapshot without statements; each other file there holds the statements of one
//! client by scenario, `[calls, rows, milliseconds, text]` each, and the loops in them as `[look-up, parent]`.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking; helpers of tests are no test functions to clippy"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use pgtriage::analyze::{Config, analyze};
use pgtriage::finding::{Confidence, Finding};
use pgtriage::snapshot::Snapshot;
use serde_json::{Value, json};

fn testdata() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/nplusone")
}

fn read(path: &Path) -> Value {
    let text = fs::read_to_string(path).unwrap();
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The shop with a scenario's statements.
fn capture(scenario: &Value) -> Value {
    let mut shop = read(&testdata().join("shop.json"));
    let statements: Vec<Value> = scenario["statements"]
        .as_array()
        .unwrap()
        .iter()
        .enumerate()
        .map(|(place, row)| {
            json!({
                "key": {"userid": row.get(4).unwrap_or(&json!(10)), "queryid": (place + 1).to_string(), "toplevel": true},
                "role": "app",
                "query": row[3],
                "counters": {"calls": row[0], "rows": row[1], "total_exec_time_ms": row[2]}
            })
        })
        .collect();
    shop["statements"] = json!(statements);
    for (name, part) in scenario["catalog"].as_object().into_iter().flatten() {
        shop[name] = part.clone();
    }
    shop
}

fn loops(scenario: &Value) -> Vec<Finding> {
    let snapshot: Snapshot = serde_json::from_value(capture(scenario)).unwrap();
    let report = analyze(&snapshot, &Config::default());
    let found = report.bottlenecks.into_iter();
    found
        .filter(|finding| finding.kind.as_str() == "n_plus_one")
        .collect()
}

/// `[look-up, parent]` as the finding's id has them.
fn pair(finding: &Finding) -> (String, String) {
    let subject = finding.id.strip_prefix("n_plus_one:").unwrap();
    let (child, rest) = subject.split_once(" for each of ").unwrap();
    let (parent, _) = rest.split_once(" #").unwrap();
    (child.to_owned(), parent.to_owned())
}

/// Every scenario with its name.
fn scenarios() -> Vec<(String, Value)> {
    let mut all = Vec::new();
    let mut files: Vec<_> = fs::read_dir(testdata())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.file_name().is_some_and(|name| name != "shop.json"))
        .collect();
    files.sort();
    for path in files {
        let client = path.file_stem().unwrap().to_str().unwrap().to_owned();
        for (name, scenario) in read(&path).as_object().unwrap() {
            all.push((format!("{client} {name}"), scenario.clone()));
        }
    }
    all
}

#[test]
fn every_loop_is_found_with_its_parent_and_nothing_else_is() {
    let mut wrong = Vec::new();
    for (name, scenario) in scenarios() {
        let expected: BTreeSet<(String, String)> = scenario["loops"]
            .as_array()
            .unwrap()
            .iter()
            .map(|pair| {
                let text = |place: usize| pair[place].as_str().unwrap().to_owned();
                (text(0), text(1))
            })
            .collect();
        let found: BTreeSet<_> = loops(&scenario).iter().map(pair).collect();
        if found != expected {
            wrong.push(format!("{name}: found {found:?}, expected {expected:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_number_stands_in_the_capture() {
    let mut checked = 0;
    for (name, scenario) in scenarios() {
        let capture = capture(&scenario);
        for finding in loops(&scenario) {
            for evidence in &finding.evidence {
                let value = match (&evidence.pointer, &evidence.formula) {
                    (Some(pointer), None) => capture.pointer(pointer).and_then(Value::as_f64),
                    (None, Some(formula)) => formula.evaluate(&capture).ok(),
                    _ => None,
                };
                let value = value.unwrap_or_else(|| panic!("{name}: {}", evidence.label));
                assert!(
                    (value - evidence.value).abs() <= 1e-6 * value.abs().max(1.0),
                    "{name}: {} is {value}",
                    evidence.label
                );
                checked += 1;
            }
        }
    }
    assert!(checked > 0);
}

#[test]
fn what_is_left_out_of_very_many_statements_is_told() {
    let unseen = |rows: u64| {
        let statements: Vec<Value> = (0..rows)
            .map(|n| json!([n + 1, rows - n, 1.0, null]))
            .collect();
        let capture = capture(&json!({"statements": statements}));
        let snapshot: Snapshot = serde_json::from_value(capture).unwrap();
        let report = analyze(&snapshot, &Config::default());
        let skipped = report.skipped.into_iter();
        let own = skipped.filter(|entry| entry.check.as_str() == "n_plus_one");
        own.map(|entry| entry.reason)
            .find(|reason| reason.contains("left out"))
    };
    assert_eq!(unseen(10_000), None);
    assert_eq!(
        unseen(10_002).as_deref(),
        Some("2 statements were left out, each with fewer calls and fewer rows than 5000 others")
    );
}

#[test]
fn every_loop_is_rewritten() {
    for (name, scenario) in scenarios() {
        for finding in loops(&scenario) {
            let rewrite = finding.recommendation.rewrite.as_deref();
            let rewrite = rewrite.unwrap_or_else(|| panic!("{name}: no rewrite"));
            assert!(
                rewrite.contains("ANY($") || rewrite.contains("unnest($"),
                "{name}: {rewrite}"
            );
            assert!(
                pgtriage::sql::parse::parse(rewrite).is_ok(),
                "{name}: {rewrite}"
            );
            let declared = scenario["catalog"]["foreign_keys"].is_null();
            let expected = if declared {
                Confidence::Counted
            } else {
                Confidence::Inferred
            };
            assert_eq!(finding.confidence, expected, "{name}");
        }
    }
}
