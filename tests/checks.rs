//! The laws that every check keeps: a page, fixtures on both sides, evidence that the capture proves.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking; helpers of tests are no test functions to clippy"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use pgtriage::analyze::{Config, analyze};
use pgtriage::checks::support::SEVERITY;
use pgtriage::checks::{CHECKS, Category, Number, Selection, Spec, Thresholds, table_markdown};
use pgtriage::finding::{Evidence, Report, Unit};
use pgtriage::snapshot::Snapshot;
use regex::Regex;
use serde_json::Value;

fn testdata() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/checks")
}

fn captures(directory: &Path) -> Vec<(PathBuf, Snapshot)> {
    let Ok(entries) = fs::read_dir(directory) else {
        return Vec::new();
    };
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
        .into_iter()
        .map(|path| {
            let text = fs::read_to_string(&path).unwrap();
            let snapshot = serde_json::from_str(&text)
                .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            (path, snapshot)
        })
        .collect()
}

fn report(snapshot: &Snapshot) -> Report {
    analyze(snapshot, &Config::default())
}

/// All fixtures: check, whether it should fire, file, capture.
fn fixtures() -> Vec<(&'static str, bool, PathBuf, Snapshot)> {
    let mut all = Vec::new();
    for check in CHECKS {
        let id = check.meta().id.as_str();
        for (side, fires) in [("fires", true), ("silent", false)] {
            for (path, snapshot) in captures(&testdata().join(id).join(side)) {
                all.push((id, fires, path, snapshot));
            }
        }
    }
    all
}

#[test]
fn every_check_fires_and_stays_silent_where_it_should() {
    let mut wrong = Vec::new();
    for (id, fires, path, snapshot) in fixtures() {
        let report = report(&snapshot);
        let mut findings = report.bottlenecks.iter();
        if findings.any(|finding| finding.kind.as_str() == id) != fires {
            let file = path.display().to_string();
            let found: Vec<&str> = report.bottlenecks.iter().map(|f| f.id.as_str()).collect();
            wrong.push((file, found.join(" | ")));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_check_has_fixtures_on_both_sides() {
    // What a gate finds follows from more than one capture: its own tests have both sides.
    let on_captures = CHECKS
        .iter()
        .filter(|check| check.meta().category != Category::Gate);
    for check in on_captures {
        let id = check.meta().id.as_str();
        for side in ["fires", "silent"] {
            let directory = testdata().join(id).join(side);
            assert!(
                !captures(&directory).is_empty(),
                "{} is empty",
                directory.display()
            );
        }
    }
}

/// The subjects of what a check finds where one threshold, if any, is that number.
fn found(id: &str, snapshot: &Snapshot, moved: Option<(&Spec, Number)>) -> Vec<String> {
    let mut thresholds = Thresholds::default();
    if let Some((spec, number)) = moved {
        let mut section = match spec.section {
            "severity" => thresholds.of_severity(),
            check => thresholds.of_check(check).unwrap(),
        };
        section.set(spec.name, Some(number)).unwrap();
    }
    let config = Config {
        checks: Selection::new([id], []).unwrap(),
        thresholds,
        ..Config::default()
    };
    let findings = analyze(snapshot, &config).bottlenecks;
    let numbers = findings.iter().flat_map(|finding| &finding.evidence);
    let finite = numbers.into_iter().all(|number| number.value.is_finite());
    assert!(finite, "{id} {moved:?}: {findings:?}");
    findings.into_iter().map(|finding| finding.id).collect()
}

#[test]
fn every_threshold_decides() {
    let fixtures = fixtures();
    let mut idle = Vec::new();
    // What a gate finds follows from more than one capture: its own tests move its thresholds.
    let of_gate = |spec: &Spec| matches!(spec.section, "cost_regression" | "unservable_predicate");
    for check in CHECKS {
        let id = check.meta().id.as_str();
        let own: Vec<(&Snapshot, Vec<String>)> = fixtures
            .iter()
            .filter(|(of, ..)| *of == id)
            .map(|(_, _, _, snapshot)| (snapshot, found(id, snapshot, None)))
            .collect();
        for threshold in check.meta().thresholds {
            let spec = threshold.spec();
            let most = match spec.unit {
                Unit::Ratio => 1,
                _ => i64::MAX,
            };
            let decides = [0, most].into_iter().any(|number| {
                let moved = Some((&spec, Number::Whole(number)));
                let mut own = own.iter();
                own.any(|(snapshot, usual)| found(id, snapshot, moved) != *usual)
            });
            if !decides && !of_gate(&spec) {
                idle.push(format!("{} in {id}", spec.key));
            }
        }
    }
    assert!(idle.is_empty(), "no fixture depends on {idle:#?}");
}

#[test]
fn every_threshold_is_listed_by_its_check() {
    let of_severity = SEVERITY.iter().map(|threshold| threshold.spec().key);
    let mut listed: BTreeSet<&str> = of_severity.collect();
    for check in CHECKS {
        let id = check.meta().id.as_str();
        for threshold in check.meta().thresholds {
            let spec = threshold.spec();
            if spec.section == id {
                assert!(listed.insert(spec.key), "{} is there twice", spec.key);
            }
        }
    }
    let key = Regex::new(r#"key: "([a-z_]+\.[a-z_]+)""#).unwrap();
    let mut sources = Vec::new();
    rust_files(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
        &mut sources,
    );
    let texts: Vec<String> = sources
        .iter()
        .map(|path| fs::read_to_string(path).unwrap())
        .collect();
    let written: BTreeSet<&str> = texts
        .iter()
        .flat_map(|text| key.captures_iter(text))
        .map(|found| found.get(1).unwrap().as_str())
        .collect();
    assert_eq!(listed, written);
}

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|suffix| suffix == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn every_fixture_directory_is_a_checks() {
    let known: BTreeSet<&str> = CHECKS
        .iter()
        .map(|check| check.meta().id.as_str())
        .collect();
    for entry in fs::read_dir(testdata()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(
            known.contains(name.as_str()),
            "testdata/checks/{name} is no check's"
        );
    }
}

#[test]
fn every_check_is_a_file_and_a_page() {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/checks");
    let ids: BTreeSet<&str> = CHECKS
        .iter()
        .map(|check| check.meta().id.as_str())
        .collect();
    assert_eq!(ids.len(), CHECKS.len(), "ids are unique");
    for id in &ids {
        let rust = sources.join(format!("{id}.rs"));
        assert!(rust.exists(), "{} is missing", rust.display());
    }
    for entry in fs::read_dir(&sources).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "md") {
            let stem = path.file_stem().unwrap().to_str().unwrap();
            assert!(ids.contains(stem), "{} is no check's page", path.display());
        }
    }
}

/// The text below a heading of a page.
fn section<'p>(page: &'p str, heading: &str) -> Option<&'p str> {
    let mut sections = page.split("\n## ").skip(1);
    sections.find_map(|section| {
        let (title, text) = section.split_once('\n')?;
        (title == heading).then(|| text.trim())
    })
}

#[test]
fn every_page_has_the_same_headings() {
    const HEADINGS: [&str; 5] = [
        "What it finds",
        "Why it matters",
        "Evidence",
        "When this is wrong",
        "What to do",
    ];
    for check in CHECKS {
        let meta = check.meta();
        let headings: Vec<&str> = meta
            .page
            .lines()
            .filter_map(|line| line.strip_prefix("## "))
            .collect();
        assert_eq!(headings, HEADINGS, "{}", meta.id);
        for heading in HEADINGS {
            let text = section(meta.page, heading).unwrap();
            assert!(
                !text.is_empty() && !text.contains("\n#"),
                "{}: {heading}",
                meta.id
            );
        }
        assert!(
            meta.page.starts_with(&format!("# {}\n", meta.id)),
            "{}: the page's title is its id",
            meta.id
        );
    }
}

#[test]
fn the_table_has_a_line_a_check() {
    assert_eq!(table_markdown().lines().count(), CHECKS.len() + 2);
}

/// What the capture says the number is.
fn recompute(evidence: &Evidence, capture: &Value) -> f64 {
    match (&evidence.pointer, &evidence.formula) {
        (Some(pointer), None) => capture
            .pointer(pointer)
            .and_then(Value::as_f64)
            .unwrap_or_else(|| panic!("{pointer} leads to no number ({})", evidence.label)),
        (None, Some(formula)) => formula
            .evaluate(capture)
            .unwrap_or_else(|error| panic!("{formula}: {error}")),
        both => panic!("{}: one of pointer and formula: {both:?}", evidence.label),
    }
}

#[test]
fn every_number_of_every_finding_stands_in_the_capture() {
    let mut checked = 0;
    for (_, _, path, snapshot) in fixtures() {
        let capture = serde_json::to_value(&snapshot).unwrap();
        for finding in report(&snapshot).bottlenecks {
            for evidence in &finding.evidence {
                let value = recompute(evidence, &capture);
                let tolerance = 1e-6 * value.abs().max(1.0);
                assert!(
                    (value - evidence.value).abs() <= tolerance,
                    "{}: {} {}: reported {}, recomputed {value}",
                    path.display(),
                    finding.id,
                    evidence.label,
                    evidence.value
                );
                checked += 1;
            }
        }
    }
    assert!(checked > 0);
}

#[test]
fn every_finding_answers_and_is_well_formed() {
    for (_, _, path, snapshot) in fixtures() {
        let report = report(&snapshot);
        let mut ids = BTreeSet::new();
        for finding in &report.bottlenecks {
            let place = format!("{}: {}", path.display(), finding.id);
            assert!(ids.insert(finding.id.clone()), "{place} is there twice");
            assert!(!finding.evidence.is_empty(), "{place} has no evidence");
            assert!(!finding.fix.is_empty(), "{place} has no fix");
            assert!(
                !finding.recommendation.expected.text.is_empty()
                    && !finding.recommendation.risk.text.is_empty(),
                "{place} does not say what it brings and what it costs"
            );
            let advice = &finding.recommendation;
            let resets = |sql: &String| sql.contains(" RESET ") || sql.contains("STATISTICS -1");
            assert_eq!(
                advice.rollback.iter().any(resets),
                advice
                    .risk
                    .text
                    .contains("not what may have been set before"),
                "{place} says whether its rollback loses what was set before"
            );
            assert!(
                finding
                    .evidence
                    .iter()
                    .all(|evidence| evidence.value.is_finite()),
                "{place} has a number that is none"
            );
        }
        let severities: Vec<_> = report
            .bottlenecks
            .iter()
            .map(|finding| finding.severity)
            .collect();
        assert!(
            severities.is_sorted_by(|one, other| one >= other),
            "{}: the worst first",
            path.display()
        );
    }
}
