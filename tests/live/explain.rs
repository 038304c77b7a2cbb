//! `pgtriage explain` on a server: every way to give a statement, values for its parameters, several executions, and
//! what it draws.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::process::Stdio;

use pgtriage::demo::cluster::Cluster;
use serde_json::Value;

use crate::program::{DATABASE, Run, command, pgtriage, text, types};
use crate::{MAIN_MAJOR, builder, value};

const TABLES: &[&str] = &[
    "CREATE EXTENSION pg_stat_statements",
    "CREATE TABLE job (id int PRIMARY KEY, status text NOT NULL, pad text NOT NULL)",
    // Nearly all are done; a few are open.
    "INSERT INTO job SELECT i, CASE WHEN i % 2000 = 0 THEN 'open' WHEN i % 3 = 0 THEN 'failed' ELSE 'done' END, md5(i::text) FROM generate_series(1, 60000) i",
    "CREATE INDEX job_status ON job (status)",
    "VACUUM ANALYZE job",
];

fn server() -> Cluster {
    let cluster = builder(MAIN_MAJOR)
        .setting("autovacuum", "off")
        .setting("max_parallel_workers_per_gather", "0")
        .start()
        .expect("a server");
    cluster.create_database(DATABASE).expect("a database");
    for statement in TABLES {
        cluster.execute(DATABASE, statement).expect("tables");
    }
    cluster
}

fn explain(uri: &str, arguments: &[&str]) -> Run {
    pgtriage(&[&["explain", uri, "--format", "json"], arguments].concat())
}

fn variants(report: &Value) -> Vec<&str> {
    let plans = report["plans"].as_array().expect("plans");
    plans
        .iter()
        .filter_map(|plan| plan["variant"].as_str())
        .collect()
}

/// Every number that a finding has from a plan stands there in the report itself.
fn assert_pointers(report: &Value) {
    let mut followed = 0;
    for finding in report["bottlenecks"].as_array().expect("a list") {
        for number in finding["evidence"].as_array().expect("a list") {
            if let Some(pointer) = number["pointer"]
                .as_str()
                .filter(|p| p.starts_with("/plans/"))
            {
                let found = report.pointer(pointer).and_then(Value::as_f64);
                assert_eq!(found, number["value"].as_f64(), "{number}");
                followed += 1;
            }
        }
    }
    assert!(followed > 0, "{report}");
}

#[test]
fn a_statement_may_come_from_anywhere() {
    let cluster = server();
    let uri = cluster.uri(DATABASE);
    let sql = "SELECT count(pad) FROM job WHERE pad = 'x'";
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("one.sql");
    std::fs::write(&file, format!("-- the report\n{sql};\n")).expect("a file");

    let by_text = explain(&uri, &["-c", sql]).expect(0).json();
    let by_file = explain(&uri, &["-f", text(&file)]).expect(0).json();
    let by_stdin = by_stdin(&uri, sql);
    cluster.execute(DATABASE, sql).expect("a run");
    let queryid = value(
        &cluster,
        DATABASE,
        "SELECT queryid FROM pg_stat_statements WHERE query LIKE 'SELECT count(pad) FROM job WHERE pad = %'",
    );
    let by_id = explain(&uri, &["--queryid", &queryid]).expect(0).json();
    for report in [&by_text, &by_file, &by_stdin, &by_id] {
        assert!(types(report).contains("seq_scan_selective"), "{report}");
        assert_eq!(report["window"], Value::Null);
        assert_eq!(report["target"]["database"], DATABASE);
        assert_eq!(report["status"], "completed", "{report}");
        assert_pointers(report);
    }
    assert_eq!(by_id["statements"][0]["queryid"], queryid.as_str());
    assert!(!by_text.to_string().contains("'x'"), "{by_text}");
    let shown = explain(&uri, &["-c", sql, "--show-literals"]).expect(0);
    assert!(shown.stdout.contains("'x'"));

    let gate = |more: &[&str]| explain(&uri, &[&["-c", sql], more].concat());
    gate(&["--fail-on", "high"]).expect(1);
    gate(&[
        "--fail-on",
        "critical",
        "--skip",
        "seq_scan_selective,missing_index",
    ])
    .expect(0);
    for (arguments, words) in [
        (&["--queryid", "12345"][..], "has no statement 12345"),
        (
            &["-c", "SELECT * FROM gone"],
            "relation \"gone\" does not exist",
        ),
        (&["-c", "SELECT FROM WHERE"], "syntax error"),
        (&["-c", "SELECT 1", "--param", "1=x"], "no parameter $1"),
    ] {
        let run = explain(&uri, arguments).expect(2);
        assert!(run.stderr.contains(words), "{arguments:?}: {}", run.stderr);
        assert_eq!(run.stderr.lines().count(), 1, "{}", run.stderr);
    }
}

fn by_stdin(uri: &str, sql: &str) -> Value {
    let mut child = command(&["explain", uri, "--format", "json"])
        .stdin(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    writeln!(stdin, "{sql};").expect("a text");
    drop(stdin);
    let output = child.wait_with_output().expect("an end");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

#[test]
fn skewed_values_give_plans_of_their_own() {
    let cluster = server();
    let uri = cluster.uri(DATABASE);
    let sql = "SELECT count(pad) FROM job WHERE status = $1";
    let report = explain(&uri, &["-c", sql]).expect(0).json();
    assert_eq!(variants(&report), ["typical", "most_common", "rare"]);
    assert!(
        types(&report).contains("parameter_sensitive_plan"),
        "{report}"
    );
    let finding = report["bottlenecks"]
        .as_array()
        .expect("a list")
        .iter()
        .find(|finding| finding["type"] == "parameter_sensitive_plan")
        .expect("the finding");
    let title = finding["title"].as_str().expect("a title");
    for words in ["rare values", "Seq Scan on public.job", "job_status"] {
        assert!(title.contains(words), "{title}");
    }
    assert_pointers(&report);

    // A column whose values are all alike has one plan.
    let even = explain(&uri, &["-c", "SELECT pad FROM job WHERE id = $1"])
        .expect(0)
        .json();
    assert_eq!(variants(&even), ["typical"]);
    assert_eq!(types(&even), BTreeSet::new(), "{even}");

    // What the user gives is what is planned with.
    let given = explain(&uri, &["-c", sql, "--param", "1=open"])
        .expect(0)
        .json();
    assert_eq!(variants(&given), ["given"]);
    assert_eq!(
        given["plans"][0]["plan"]["Plan"]["Plans"][0]["Actual Rows"],
        30
    );
    let null = explain(&uri, &["-c", sql, "--param", "1=NULL"])
        .expect(0)
        .json();
    assert_eq!(null["plans"][0]["parameters"][0]["value"], Value::Null);
    assert_eq!(null["plans"][0]["execution"], "analyzed");
}

#[test]
fn executions_are_repeated_and_writes_are_not_kept() {
    let cluster = server();
    let uri = cluster.uri(DATABASE);
    let runs = explain(&uri, &["-c", "SELECT count(*) FROM job", "--runs", "4"])
        .expect(0)
        .json();
    let runs = &runs["plans"][0]["runs"];
    assert_eq!(runs["count"], 4);
    let times: Vec<f64> = ["min_ms", "p50_ms", "p95_ms", "max_ms"]
        .iter()
        .map(|key| runs[key].as_f64().expect("a time"))
        .collect();
    assert!(times.is_sorted(), "{runs}");

    let delete = "DELETE FROM job WHERE id <= 3";
    let planned = explain(&uri, &["-c", delete]).expect(0).json();
    assert_eq!(planned["plans"][0]["execution"], "planned");
    let executed = explain(&uri, &["-c", delete, "--analyze-writes"])
        .expect(0)
        .json();
    assert_eq!(executed["plans"][0]["execution"], "analyzed");
    assert_eq!(
        value(&cluster, DATABASE, "SELECT count(*) FROM job"),
        "60000"
    );
}

#[test]
fn the_plan_is_drawn_for_people() {
    let cluster = server();
    let uri = cluster.uri(DATABASE);
    let sql = "SELECT status, count(*) FROM job WHERE pad = 'x' GROUP BY status";
    let run = pgtriage(&["explain", &uri, "-c", sql]).expect(0);
    for words in [
        "self ms",
        "rows est → act",
        "Seq Scan on public.job ①",
        "Filter: (job.pad = ‹text#1›::text)",
        "60,000 of 60,000 rows removed by the filter",
        "execution ",
    ] {
        assert!(run.has(words), "{words}\n{}", run.stdout);
    }
    let planned = pgtriage(&["explain", &uri, "-c", sql, "--probe", "plan"]).expect(0);
    assert!(planned.has("planned, not executed"), "{}", planned.stdout);
    let markdown = pgtriage(&["explain", &uri, "-c", sql, "--format", "markdown"]).expect(0);
    assert!(
        markdown.has("<details><summary>plan"),
        "{}",
        markdown.stdout
    );
    assert!(
        markdown.has("└ Seq Scan on public.job ①"),
        "{}",
        markdown.stdout
    );
}
