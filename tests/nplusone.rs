//! Loops of real clients: each found with its parent, and nothing found where there is none.
//!
//! `testdata/nplusone/shop.json` is a Snapshot without statements; each other file there holds the statements of one
//! client by scenario, `[calls, rows, milliseconds, text]` each, and the loops in them as `[look-up, parent]`. Some run
//! in another `schema`, of `schemas/`; `styles.json` has a statement as each of many libraries writes it. Those in
//! `recorded/` are the statements that real clients sent, by scenarios that `labels.json` describes. What is
//! `undecided` looks in counters as a loop would, and may be found or not; what is `inferred` (or the look-ups that it
//! lists) is tied by names alone.

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

/// The shop, or what the scenario runs in, with a scenario's statements.
fn capture(scenario: &Value) -> Value {
    let schema = scenario["schema"].as_str().map_or_else(
        || "shop.json".to_owned(),
        |schema| format!("schemas/{schema}.json"),
    );
    let mut shop = read(&testdata().join(schema));
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

#[test]
fn a_look_up_that_joins_its_way_is_named_after_the_rows_that_it_returns() {
    let styles = read(&testdata().join("styles.json"));
    let found = loops(&styles["ent_edge_belongs_to"]);
    let found: Vec<_> = found
        .iter()
        .map(|finding| {
            let summary = finding.recommendation.summary.split(" for ").next();
            (finding.title.as_str(), summary.unwrap_or_default())
        })
        .collect();
    let expected = (
        "N+1 loop: public.people by public.comments(id) for each row of public.comments",
        "look up public.people once",
    );
    assert_eq!(found, [expected]);
}

/// The files of a folder by name, each an object by scenario.
fn clients(folder: &Path, beside: &str) -> Vec<(String, Value)> {
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "json")
        })
        .filter(|path| path.file_name().is_some_and(|name| name != beside))
        .collect();
    files.sort();
    let client = |path: &Path| path.file_stem().unwrap().to_str().unwrap().to_owned();
    files
        .iter()
        .map(|path| (client(path), read(path)))
        .collect()
}

/// What real clients sent, each scenario with its name and label.
fn recorded() -> Vec<(String, Value)> {
    let folder = testdata().join("recorded");
    let labels = read(&folder.join("labels.json"));
    let mut all = Vec::new();
    for (client, scenarios) in clients(&folder, "labels.json") {
        for (name, statements) in scenarios.as_object().unwrap() {
            let named = format!("{client} {name}");
            let label = labels.get(&named).or_else(|| labels.get(name));
            let mut scenario = label.unwrap_or_else(|| panic!("{named}: no label")).clone();
            scenario["statements"] = statements.clone();
            all.push((named, scenario));
        }
    }
    all
}

/// Every scenario with its name.
fn scenarios() -> Vec<(String, Value)> {
    let mut all = recorded();
    for (client, scenarios) in clients(&testdata(), "shop.json") {
        for (name, scenario) in scenarios.as_object().unwrap() {
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
        if scenario["undecided"] != true && found != expected {
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

/// Libraries whose statements another one writes, or that go by another name.
const BUILT_ON: [(&str, &str); 3] = [
    ("dbic", "dbix::class"),
    ("ormar", "sqlalchemy"),
    ("sqlmodel", "sqlalchemy"),
];

#[test]
fn a_library_is_named_where_it_wrote_the_statement() {
    let mut named = BTreeSet::new();
    let mut wrong = Vec::new();
    for (name, scenario) in recorded() {
        let (client, _) = name.split_once(' ').unwrap();
        let own = match client.split_once(|c: char| c.is_ascii_digit() || c == '_') {
            Some((library, _)) => library,
            None => client,
        };
        for finding in loops(&scenario) {
            let summary = &finding.recommendation.summary;
            let hint = summary
                .rsplit_once("\" (")
                .map(|(_, hint)| hint.to_lowercase());
            let built_on = BUILT_ON.iter().find(|(library, _)| *library == own);
            let fits = |hint: &str| {
                hint.contains(own) || built_on.is_some_and(|(_, base)| hint.contains(base))
            };
            match hint {
                Some(hint) if fits(&hint) => {
                    named.insert(client.to_owned());
                }
                Some(_) => wrong.push(format!("{name}: {summary}")),
                None => {}
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(named.len(), 34, "{named:?}");
}

#[test]
fn every_loop_is_rewritten() {
    for (name, scenario) in scenarios() {
        for finding in loops(&scenario) {
            let rewrite = finding.recommendation.rewrite.as_deref();
            let rewrite = rewrite.unwrap_or_else(|| panic!("{name}: no rewrite"));
            assert!(
                ["ANY($", "unnest($", "LEFT JOIN LATERAL ("]
                    .iter()
                    .any(|form| rewrite.contains(form)),
                "{name}: {rewrite}"
            );
            assert!(
                pgtriage::sql::parse::parse(rewrite).is_ok(),
                "{name}: {rewrite}"
            );
            if scenario["undecided"] == true {
                continue;
            }
            let (look_up, _) = pair(&finding);
            let inferred = match &scenario["inferred"] {
                Value::Array(look_ups) => look_ups.contains(&json!(look_up)),
                all => *all == true,
            };
            let named = inferred || scenario["catalog"].is_object();
            let expected = if named {
                Confidence::Inferred
            } else {
                Confidence::Counted
            };
            assert_eq!(finding.confidence, expected, "{name}");
        }
    }
}
