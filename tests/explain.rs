//! `pgtriage explain` without a server: which input it takes, which it refuses, and what it says of saved plans.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on should say so at once"
)]

use std::fs;
use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use assert_cmd::cargo::CommandCargoExt;
use serde_json::{Value, json};

fn explain(arguments: &[&str], input: &str) -> Output {
    let mut command = Command::cargo_bin("pgtriage").unwrap();
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("PG")) {
        command.env_remove(name);
    }
    let mut child = command
        .arg("explain")
        .args(arguments)
        .env("HOME", "/nonexistent")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The program may end before it reads.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

fn report(arguments: &[&str], input: &str) -> Value {
    let output = explain(&[arguments, &["--format", "json"]].concat(), input);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn scan(query: Option<&str>) -> Value {
    let mut entry = json!({});
    if let Some(query) = query {
        entry["Query Text"] = query.into();
    }
    entry["Plan"] = json!({
        "Node Type": "Seq Scan", "Relation Name": "parcel", "Alias": "parcel",
        "Startup Cost": 0.0, "Total Cost": 1500.0, "Plan Rows": 120, "Plan Width": 60,
        "Actual Startup Time": 0.02, "Actual Total Time": 9.5, "Actual Rows": 120, "Actual Loops": 1,
        "Filter": "(depot = 42)", "Rows Removed by Filter": 59880,
    });
    entry
}

#[test]
fn unusable_input_is_one_line_and_exit_code_2() {
    let text_plan = " Seq Scan on t  (cost=0.00..1.00 rows=1 width=4)\n";
    for (arguments, input, words) in [
        (&[][..], "", &["no statement", "--plan FILE"][..]),
        (
            &["-c", "SELECT 1", "-f", "x.sql"],
            "",
            &["cannot be used with"],
        ),
        (
            &["-c", "SELECT 1", "--plan", "-"],
            "",
            &["cannot be used with"],
        ),
        (
            &["--queryid", "7", "-c", "SELECT 1"],
            "",
            &["cannot be used with"],
        ),
        (&["--queryid", "seven"], "", &["seven"]),
        (&["--plan", "-", "-d", "shop"], "", &["cannot be used with"]),
        (&["-c", "  -- nothing\n"], "", &["no statement"]),
        (&["-f", "/nonexistent.sql"], "", &["/nonexistent.sql"]),
        (
            &["-c", "SELECT 1; SELECT 2"],
            "",
            &["more than one statement"],
        ),
        (
            &["-f", "-"],
            "SELECT 1;\nSELECT 2;\n",
            &["more than one statement"],
        ),
        (&["-c", "SELECT 'a"], "", &["ends inside a string"]),
        (
            &[
                "-c",
                "PREPARE jobs(text) AS SELECT 1 FROM job WHERE status = $1; EXECUTE jobs('open')",
            ],
            "",
            &["PREPARE", "after AS", "--param 1=", "--plan"],
        ),
        (
            &["-c", "SET enable_seqscan = off; SELECT 1"],
            "",
            &["SET", "--set NAME=VALUE"],
        ),
        (
            &["-c", "EXECUTE jobs('open')"],
            "",
            &["EXECUTE", "--param 1=", "--plan"],
        ),
        (
            &["-c", "EXPLAIN SELECT 1"],
            "",
            &["EXPLAIN", "the statement alone"],
        ),
        (&["-c", "VACUUM t"], "", &["VACUUM", "SELECT, INSERT"]),
        (&["-c", "SELECT 1 INTO t"], "", &["SELECT INTO"]),
        (
            &["--set", "search_path=x", "-c", "SELECT 1"],
            "",
            &["search_path"],
        ),
        (&["--plan", "/nonexistent.json"], "", &["/nonexistent.json"]),
        (&["--plan", "-"], "", &["empty", "FORMAT JSON"]),
        (&["--plan", "-"], text_plan, &["text format", "FORMAT JSON"]),
        (
            &["--plan", "-"],
            "- Plan: \n    Node Type: \"Seq Scan\"\n",
            &["YAML", "FORMAT JSON"],
        ),
        (
            &["--plan", "-"],
            "<explain xmlns=\"x\">\n</explain>",
            &["XML", "FORMAT JSON"],
        ),
        (&["--plan", "-"], "{\"a\": 1}", &["no plan"]),
    ] {
        let output = explain(arguments, input);
        let message = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {message}");
        assert_eq!(message.lines().count(), 1, "{arguments:?}: {message}");
        for word in words {
            assert!(
                message.contains(word),
                "{arguments:?}: no {word:?} in {message}"
            );
        }
    }
}

#[test]
fn a_saved_plan_is_read_in_every_wrapping() {
    let plan = scan(None);
    let pretty = serde_json::to_string_pretty(&json!([plan])).unwrap();
    let psql: Vec<String> = pretty.lines().map(|line| format!(" {line:<70}+")).collect();
    let psql = format!("  QUERY PLAN\n-----\n{}\n(1 row)\n", psql.join("\n"));
    let entry = scan(Some("SELECT * FROM parcel WHERE depot = 42"));
    let log = format!(
        "2026-01-01 10:00:00.123 UTC [77] app@shop LOG:  duration: 9.6 ms  plan:\n\t{}\n",
        serde_json::to_string_pretty(&entry)
            .unwrap()
            .replace('\n', "\n\t")
    );
    for text in [pretty, psql, plan.to_string(), log] {
        let report = report(&["--plan", "-"], &text);
        let finding = &report["bottlenecks"][0];
        assert_eq!(finding["type"], "seq_scan_selective", "{text}");
        assert_eq!(finding["severity"], "critical", "{text}");
        assert_eq!(report["target"], Value::Null);
        let pointer = finding["evidence"][0]["pointer"].as_str().unwrap();
        assert_eq!(report.pointer(pointer), Some(&json!(59880)), "{text}");
    }
}

#[test]
fn every_plan_of_a_log_is_explained() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("server.log");
    let one = scan(Some("SELECT * FROM parcel WHERE depot = 42"));
    let other = scan(Some("SELECT id FROM parcel WHERE depot = 7"));
    fs::write(&file, format!("LOG: x\n{one}\nLOG: y\n{other}\n{one}\n")).unwrap();
    let report = report(&["--plan", file.to_str().unwrap()], "");
    assert_eq!(report["plans"].as_array().unwrap().len(), 3);
    assert_eq!(report["statements"].as_array().unwrap().len(), 2);
    assert_eq!(report["status"], "completed");
}

#[test]
fn literals_stay_out_unless_they_are_asked_for() {
    let entry = scan(Some("SELECT * FROM parcel WHERE depot = 42")).to_string();
    for (flags, shown) in [
        (&["--plan", "-"][..], false),
        (&["--plan", "-", "--show-literals"], true),
    ] {
        let text = report(flags, &entry).to_string();
        assert_eq!(text.contains("42"), shown, "{text}");
        assert_eq!(text.contains("‹number#1›"), !shown, "{text}");
    }
}

#[test]
fn a_plan_without_text_is_named_by_what_it_reads() {
    let mut plan = scan(None);
    plan["Plan"]["Actual Rows"] = 60_000.into();
    let report = report(&["--plan", "-"], &json!([plan]).to_string());
    let finding = &report["bottlenecks"][0];
    assert_eq!(finding["id"], "large_result:a plan of parcel");
    assert_eq!(
        finding["title"],
        "large result: 60,000 rows a call from a plan of parcel"
    );
    assert_eq!(finding["location"]["query"], Value::Null);
}
