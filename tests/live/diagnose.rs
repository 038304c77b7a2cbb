//! `pgtriage diagnose`, live and from a capture: the same findings, in every format, with numbers that can be
//! recomputed.

use std::collections::BTreeSet;

use pgtriage::finding::Formula;
use serde_json::Value;

use crate::program::{DATABASE, command, flat, pgtriage, planted, text, types, work};
use crate::{MAIN_MAJOR, builder};

/// What the document must hold, whatever was found: paths of keys, `*` for each element.
const DOCUMENT: &[&str] = &[
    "schema_version",
    "tool.name",
    "tool.version",
    "status",
    "summary",
    "target.database",
    "target.server_version",
    "target.role",
    "target.superuser",
    "target.in_recovery",
    "target.captured_at",
    "window.kind",
    "window.from",
    "window.to",
    "window.seconds",
    "baseline_metrics.statements",
    "baseline_metrics.families",
    "baseline_metrics.calls",
    "baseline_metrics.total_exec_time_ms",
    "baseline_metrics.throughput_qps",
    "baseline_metrics.mean_ms",
    "baseline_metrics.cache_hit_ratio",
    "baseline_metrics.p50_ms.value",
    "baseline_metrics.p50_ms.basis",
    "baseline_metrics.p95_ms.value",
    "baseline_metrics.p99_ms.basis",
    "statements.*.queryid",
    "statements.*.family",
    "statements.*.query",
    "statements.*.calls",
    "statements.*.rows",
    "statements.*.total_exec_time_ms",
    "statements.*.mean_exec_time_ms",
    "statements.*.share",
    "statements.*.probe.status",
    "bottlenecks.*.id",
    "bottlenecks.*.type",
    "bottlenecks.*.severity",
    "bottlenecks.*.confidence",
    "bottlenecks.*.title",
    "bottlenecks.*.location.table",
    "bottlenecks.*.location.columns",
    "bottlenecks.*.location.queryids",
    "bottlenecks.*.location.query",
    "bottlenecks.*.location.node",
    "bottlenecks.*.location.file",
    "bottlenecks.*.location.line",
    "bottlenecks.*.impact.text",
    "bottlenecks.*.impact.time_ms",
    "bottlenecks.*.impact.share",
    "bottlenecks.*.impact.calls",
    "bottlenecks.*.evidence.*.label",
    "bottlenecks.*.evidence.*.value",
    "bottlenecks.*.evidence.*.unit",
    "bottlenecks.*.evidence.*.source",
    "bottlenecks.*.evidence.*.pointer",
    "bottlenecks.*.evidence.*.formula",
    "bottlenecks.*.fix",
    "bottlenecks.*.recommendation.kind",
    "bottlenecks.*.recommendation.ddl",
    "bottlenecks.*.recommendation.rollback",
    "bottlenecks.*.recommendation.expected.basis",
    "bottlenecks.*.recommendation.expected.before_cost",
    "bottlenecks.*.recommendation.expected.after_cost",
    "bottlenecks.*.recommendation.expected.before_ms",
    "bottlenecks.*.recommendation.expected.after_ms",
    "bottlenecks.*.recommendation.expected.improvement_percent",
    "bottlenecks.*.recommendation.risk.text",
    "skipped.*.check",
    "skipped.*.reason",
    "skipped.*.remedy",
    "caveats",
];

const TOP: &[&str] = &[
    "schema_version",
    "tool",
    "status",
    "summary",
    "target",
    "window",
    "baseline_metrics",
    "statements",
    "bottlenecks",
    "skipped",
    "caveats",
];

fn holds(value: &Value, path: &[&str]) -> bool {
    match path {
        [] => true,
        ["*", rest @ ..] => value
            .as_array()
            .is_some_and(|elements| elements.iter().all(|element| holds(element, rest))),
        [key, rest @ ..] => value.get(key).is_some_and(|inner| holds(inner, rest)),
    }
}

fn list<'a>(report: &'a Value, key: &str) -> &'a [Value] {
    report[key].as_array().expect("a list")
}

/// Each finding's id, severity, and those of its numbers that do not depend on how busy the machine was.
fn findings(report: &Value) -> BTreeSet<String> {
    list(report, "bottlenecks")
        .iter()
        .map(|finding| {
            let evidence = list(finding, "evidence");
            let steady = evidence.iter().filter(|number| {
                number["source"] == "pg_stat_statements"
                    || ["rows", "loops", "calls", "count"]
                        .contains(&number["unit"].as_str().unwrap_or_default())
            });
            let numbers: Vec<String> = steady
                .map(|number| format!("{}={}", number["label"], number["value"]))
                .collect();
            format!(
                "{} {} {}",
                finding["id"],
                finding["severity"],
                numbers.join(" ")
            )
        })
        .collect()
}

/// Each number of the report is the one that its pointer or formula gives over the capture.
fn recomputed(report: &Value, capture: &Value) -> usize {
    let mut count = 0;
    for finding in list(report, "bottlenecks") {
        for number in list(finding, "evidence") {
            let told = number["value"].as_f64().expect("a number");
            let found = match (&number["pointer"], &number["formula"]) {
                (Value::String(pointer), _) => capture
                    .pointer(pointer)
                    .and_then(Value::as_f64)
                    .unwrap_or_else(|| panic!("no number at {pointer}")),
                (_, Value::String(formula)) => Formula::new(formula.as_str())
                    .evaluate(capture)
                    .unwrap_or_else(|error| panic!("{formula}: {error}")),
                _ => panic!("neither pointer nor formula: {number}"),
            };
            assert!(
                (told - found).abs() <= 1e-9 * told.abs().max(1.0),
                "{number} is {found} in the capture"
            );
            count += 1;
        }
    }
    count
}

#[tokio::test]
async fn a_capture_gives_the_findings_of_the_live_server() {
    let cluster = planted(MAIN_MAJOR);
    work(&cluster).await;
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("capture.json");
    let uri = cluster.uri(DATABASE);

    let captured = pgtriage(&["capture", &uri, "-o", text(&file)]).expect(0);
    assert_eq!(captured.stdout, "");
    let capture: Value =
        serde_json::from_slice(&std::fs::read(&file).expect("a file")).expect("JSON");
    let live = pgtriage(&["diagnose", &uri, "--format", "json"])
        .expect(0)
        .json();
    let replayed = pgtriage(&["diagnose", "--from", text(&file), "--format", "json"])
        .expect(0)
        .json();
    assert_eq!(findings(&live), findings(&replayed));
    for wanted in ["missing_index", "n_plus_one", "sort_spill"] {
        assert!(
            types(&live).contains(wanted),
            "{wanted}: {:?}",
            types(&live)
        );
    }
    assert!(recomputed(&replayed, &capture) >= 10);

    for path in DOCUMENT {
        let keys: Vec<&str> = path.split('.').collect();
        assert!(holds(&live, &keys), "{path}");
    }
    let top: Vec<&String> = live.as_object().expect("an object").keys().collect();
    assert_eq!(top, TOP);
    // pgtriage's own statements are nobody's problem.
    assert!(!live["statements"].to_string().contains("/* pgtriage */"));

    formats(text(&file), &replayed);
    selection(text(&file), &replayed);
    exit_codes(text(&file), &uri);
}

/// Every format holds every finding; the suffix of the file chooses it.
fn formats(capture: &str, report: &Value) {
    let folder = tempfile::tempdir().expect("a folder");
    let titles: Vec<&str> = list(report, "bottlenecks")
        .iter()
        .filter_map(|finding| finding["title"].as_str())
        .collect();
    let terminal = pgtriage(&["diagnose", "--from", capture]).expect(0);
    for (name, start) in [("r.md", "## "), ("r.json", "{"), ("r.txt", "shop")] {
        let file = folder.path().join(name);
        let run = pgtriage(&["diagnose", "--from", capture, "-o", text(&file)]).expect(0);
        assert_eq!(run.stdout, "");
        let written = std::fs::read_to_string(&file).expect("a report");
        assert!(written.starts_with(start), "{name}: {written}");
        match name {
            "r.json" => assert_eq!(
                &serde_json::from_str::<Value>(&written).expect("JSON"),
                report
            ),
            "r.txt" => assert_eq!(written, terminal.stdout),
            _ => {}
        }
        if name != "r.json" {
            let plain = flat(&written).replace('\\', "");
            for title in &titles {
                assert!(plain.contains(&flat(title)), "{name}: {title}\n{written}");
            }
        }
        // A format that is asked for wins over the suffix.
        pgtriage(&[
            "diagnose",
            "--from",
            capture,
            "-o",
            text(&file),
            "--format",
            "json",
        ])
        .expect(0);
        let written = std::fs::read(&file).expect("a report");
        serde_json::from_slice::<Value>(&written).expect("JSON");
    }
    assert!(
        !terminal.stdout.contains('\u{1b}'),
        "no colour off-terminal"
    );
    let coloured = pgtriage(&["diagnose", "--from", capture, "--color", "always"]).expect(0);
    assert!(coloured.stdout.contains('\u{1b}'));
}

fn selection(capture: &str, report: &Value) {
    let json = ["--from", capture, "--format", "json"];
    let only = pgtriage(
        &[
            &["diagnose", "--only", "missing_index,sort_spill"],
            &json[..],
        ]
        .concat(),
    );
    assert_eq!(
        types(&only.expect(0).json()),
        BTreeSet::from(["missing_index", "sort_spill"])
    );
    let skip = pgtriage(&[&["diagnose", "--skip", "missing_index"], &json[..]].concat())
        .expect(0)
        .json();
    assert!(!types(&skip).contains("missing_index"));
    assert!(
        types(&skip).is_superset(
            &types(report)
                .into_iter()
                .filter(|id| *id != "missing_index")
                .collect()
        )
    );
    let unknown =
        pgtriage(&[&["diagnose", "--only", "mising_index"], &json[..]].concat()).expect(2);
    assert!(
        unknown.stderr.contains("mising_index"),
        "{}",
        unknown.stderr
    );
    assert_eq!(unknown.stderr.lines().count(), 1);
}

fn exit_codes(capture: &str, uri: &str) {
    for target in [["--from", capture], ["-d", uri]] {
        let run = |more: &[&str]| pgtriage(&[&["diagnose"], &target[..], more].concat());
        run(&["--fail-on", "never"]).expect(0);
        run(&["--fail-on", "low"]).expect(1);
        run(&["--fail-on", "medium"]).expect(1);
        run(&["--fail-on", "critical", "--only", "stale_stats"]).expect(0);
    }
}

#[test]
fn without_the_extension_the_report_says_what_to_do() {
    let cluster = builder(MAIN_MAJOR)
        .preload::<0>([])
        .start()
        .expect("a server");
    cluster.create_database(DATABASE).expect("a database");
    let tables = "CREATE TABLE parent (id int PRIMARY KEY); CREATE TABLE child (id int PRIMARY KEY, parent int REFERENCES parent); \
                  INSERT INTO parent SELECT generate_series(1, 1100); INSERT INTO child SELECT i, 1 + i % 1000 FROM generate_series(1, 50000) AS i; DELETE FROM parent WHERE id > 1000; ANALYZE";
    cluster.execute(DATABASE, tables).expect("tables");
    let uri = cluster.uri(DATABASE);

    let run = pgtriage(&[&uri]).expect(0);
    for step in [
        "put shared_preload_libraries = 'pg_stat_statements' into postgresql.conf",
        "restart the server",
        "in database shop: CREATE EXTENSION pg_stat_statements SCHEMA public;",
    ] {
        assert!(run.has(step), "{step}\n{}", run.stdout);
    }
    let report = pgtriage(&[&uri, "--format", "json"]).expect(0).json();
    assert_eq!(report["status"], "partial");
    assert_eq!(report["window"], Value::Null);
    assert!(types(&report).contains("unindexed_foreign_key"), "{report}");
    pgtriage(&[&uri, "--fail-on", "high"]).expect(3);
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let cluster = builder(MAIN_MAJOR).start().expect("a server");
    for arguments in [
        &["diagnose", &cluster.uri("postgres")][..],
        &["rules"],
        &["grants"],
        &["man"],
        &["completions", "bash"],
        &["--help"],
    ] {
        let mut child = command(arguments).spawn().expect("the program starts");
        drop(child.stdout.take());
        let output = child.wait_with_output().expect("an end");
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{arguments:?}");
    }
}
