//! Capture files: what is written is read again, nothing broken is, and no secret stays in them.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

use pgtriage::plan::Plan;
use pgtriage::snapshot::delta::{SubWindows, Window};
use pgtriage::snapshot::{CAPTURE_VERSION, CaptureError, Snapshot, redact};
use pgtriage::sql::redact::Redactor;
use pgtriage::units::Millis;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::Value;

const FULL: &str = include_str!("capture/full.json");

/// How many mutated captures must not make the reader panic.
const CASES: u32 = 10_000;

fn full() -> Snapshot {
    Snapshot::from_json(FULL.as_bytes()).expect("a capture")
}

fn error(text: &[u8]) -> CaptureError {
    Snapshot::from_json(text).expect_err("no capture")
}

/// The capture with one field replaced.
fn with(pointer: &str, value: Value) -> String {
    let mut capture: Value = serde_json::from_str(FULL).unwrap();
    *capture.pointer_mut(pointer).expect("the field") = value;
    capture.to_string()
}

#[test]
fn what_is_written_is_read_again() {
    let snapshot = full();
    let text = snapshot.to_json().unwrap();
    assert_eq!(Snapshot::from_json(text.as_bytes()).unwrap(), snapshot);
    assert_eq!(
        Snapshot::from_json(text.as_bytes())
            .unwrap()
            .to_json()
            .unwrap(),
        text
    );
    for key in [
        "capture_version",
        "statements",
        "tables",
        "indexes",
        "plans",
    ] {
        assert!(
            text.contains(&format!("\n\"{key}\":")),
            "{key} has a line of its own"
        );
    }
    assert_eq!(
        text.lines()
            .filter(|line| line.starts_with("{\"key\":{\"userid\""))
            .count(),
        6
    );
}

proptest! {
    #![proptest_config(Config { cases: 2_000, failure_persistence: None, ..Config::default() })]

    /// Else the sums over a capture differ from those of the live run in their last digit.
    #[test]
    fn every_number_is_read_as_it_was_written(times in prop::collection::vec(0.0..1e9_f64, 6)) {
        let mut snapshot = full();
        for (statement, time) in snapshot.statements.iter_mut().zip(times) {
            statement.counters.total_exec_time_ms = Millis(time);
        }
        let text = snapshot.to_json().unwrap();
        prop_assert_eq!(Snapshot::from_json(text.as_bytes()).unwrap(), snapshot);
    }
}

#[test]
fn the_sample_uses_every_field() {
    let written: Value = serde_json::from_str(&full().to_json().unwrap()).unwrap();
    let sample: Value = serde_json::from_str(FULL).unwrap();
    assert_eq!(written, sample, "write tests/capture/full.json anew");
}

#[test]
fn a_capture_of_fields_that_are_not_known_is_read() {
    let mut capture: Value = serde_json::from_str(FULL).unwrap();
    capture["later"] = Value::from(1);
    capture["server"]["later"] = Value::from(1);
    assert_eq!(
        Snapshot::from_json(capture.to_string().as_bytes()).unwrap(),
        full()
    );
}

/// A plan of so many nodes, each below the one before.
fn chain(nodes: usize) -> Value {
    let leaf = serde_json::json!({"Node Type": "Result"});
    let plan = (1..nodes).fold(
        leaf,
        |below, _| serde_json::json!({"Node Type": "Nested Loop", "Plans": [below]}),
    );
    serde_json::json!({"Plan": plan})
}

#[test]
fn deep_plans_are_read_back() {
    for nodes in [60, 61, 62, 63, 64, 200] {
        let mut snapshot = full();
        snapshot.plans[0].plan = chain(nodes);
        let text = snapshot.to_json().unwrap();
        let read = Snapshot::from_json(text.as_bytes())
            .unwrap_or_else(|error| panic!("{nodes} nodes: {error}"));
        assert_eq!(read, snapshot, "{nodes} nodes");
        assert_eq!(
            Plan::parse(&read.plans[0].plan).unwrap().node_count(),
            nodes
        );
    }
}

#[test]
fn a_plan_that_is_too_deep_is_refused_in_one_line() {
    let text = serde_json::to_string(&full()).unwrap();
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    let planted = text.replacen("\"plan\":{", &format!("\"plan\":{{\"deep\":{deep},"), 1);
    assert_ne!(planted, text);
    let message = error(planted.as_bytes()).to_string();
    assert!(message.contains("levels deep"), "{message}");
    assert!(!message.contains('\n'), "{message}");
}

#[test]
fn a_byte_order_mark_is_passed_over() {
    let text = format!("\u{feff}{FULL}");
    assert_eq!(Snapshot::from_json(text.as_bytes()).unwrap(), full());
}

#[test]
fn every_broken_file_has_one_clear_line() {
    let newer = with("/capture_version", Value::from(CAPTURE_VERSION + 1));
    let wrong = with("/statements/0/counters/calls", Value::from("many"));
    let missing = with("/server", serde_json::json!({"version": "15.1"}));
    let cases: [(&[u8], &str); 13] = [
        (b"", "the file is empty"),
        (b" \n ", "the file is empty"),
        (
            &FULL.as_bytes()[..FULL.len() / 2],
            "ends in the middle of the JSON text (line ",
        ),
        (
            b"SELECT 1",
            "the file is not JSON (expected value at line 1 column 1)",
        ),
        (b"\x1f\x8b\x08\x00", "compressed by gzip"),
        (b"\xff\xfe{\x00", "UTF-16"),
        (b"[]", "it has no number capture_version"),
        (
            b"{\"capture_version\": \"1\"}",
            "it has no number capture_version",
        ),
        (
            b"{\"schema_version\": 1, \"bottlenecks\": []}",
            "it is a report",
        ),
        (
            b"[{\"Plan\": {}}]",
            "it is a plan; use: pgtriage explain --plan FILE",
        ),
        (
            newer.as_bytes(),
            "layout version 2, and this program reads versions up to 1; install a newer pgtriage",
        ),
        (
            wrong.as_bytes(),
            "field statements[0].counters.calls cannot be read: invalid type: string \"many\", expected i64",
        ),
        (
            missing.as_bytes(),
            "field server cannot be read: missing field `version_num`",
        ),
    ];
    for (text, part) in cases {
        let message = error(text).to_string();
        assert!(message.contains(part), "{message}\nlacks {part}");
        assert!(!message.contains('\n'), "{message}");
    }
}

#[test]
fn every_beginning_of_a_capture_is_truncated() {
    let text = full().to_json().unwrap();
    let text = text.trim_end().as_bytes();
    for length in (1..text.len()).step_by(7) {
        assert!(
            matches!(error(&text[..length]), CaptureError::Truncated { .. }),
            "{length}"
        );
    }
}

/// One change to a text: what editors, networks and disks do.
#[derive(Debug, Clone)]
enum Mutation {
    Cut(usize),
    Byte(usize, u8),
    Remove(usize, usize),
    Repeat(usize, usize),
    Replace(usize, &'static str),
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let at = 0..FULL.len();
    prop_oneof![
        at.clone().prop_map(Mutation::Cut),
        (at.clone(), any::<u8>()).prop_map(|(at, byte)| Mutation::Byte(at, byte)),
        (at.clone(), 1..40_usize).prop_map(|(at, length)| Mutation::Remove(at, length)),
        (at.clone(), 1..200_usize).prop_map(|(at, length)| Mutation::Repeat(at, length)),
        (at, prop::sample::select(TOKENS)).prop_map(|(at, token)| Mutation::Replace(at, token)),
    ]
}

const TOKENS: &[&str] = &[
    "null",
    "{}",
    "[]",
    "-1",
    "1e999",
    "-0.0",
    "9223372036854775807",
    "\"\"",
    "\"\\u0000\"",
    "true",
    "[[[[[[",
    "{\"Plan\":",
    "\"9999-99-99T00:00:00Z\"",
    "\u{202e}",
];

/// Replaces the number, string or word that begins at or after the position.
fn replace_value(text: &mut Vec<u8>, at: usize, token: &str) {
    let starts = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'"' | b'-');
    let Some(start) = text
        .iter()
        .skip(at)
        .position(starts)
        .map(|offset| at + offset)
    else {
        return;
    };
    let ends = |byte: &u8| matches!(byte, b',' | b'}' | b']' | b':');
    let length = text[start..].iter().position(ends).unwrap_or(0);
    text.splice(start..start + length, token.bytes());
}

fn apply(text: &mut Vec<u8>, mutation: &Mutation) {
    let length = text.len();
    match *mutation {
        Mutation::Cut(at) => text.truncate(at),
        Mutation::Byte(at, byte) if at < length => text[at] = byte,
        Mutation::Remove(at, count) if at < length => {
            text.drain(at..(at + count).min(length));
        }
        Mutation::Repeat(at, count) if at < length => {
            let part = text[at..(at + count).min(length)].to_vec();
            text.splice(at..at, part);
        }
        Mutation::Replace(at, token) => replace_value(text, at, token),
        _ => {}
    }
}

#[test]
fn no_mutated_capture_makes_the_reader_panic() {
    let mut runner = TestRunner::new(Config {
        cases: CASES,
        failure_persistence: None,
        ..Config::default()
    });
    let mutations = prop::collection::vec(mutation(), 1..4);
    let read = std::cell::Cell::new(0);
    runner
        .run(&mutations, |mutations| {
            let mut text = FULL.as_bytes().to_vec();
            for mutation in &mutations {
                apply(&mut text, mutation);
            }
            match Snapshot::from_json(&text) {
                Ok(mut snapshot) => {
                    read.set(read.get() + 1);
                    let window = Window::of(&snapshot);
                    let _ = SubWindows::of(&snapshot, &window);
                    redact(&mut snapshot, &mut Redactor::new());
                    snapshot.to_json().expect("JSON");
                }
                Err(error) => prop_assert!(!error.to_string().is_empty()),
            }
            Ok(())
        })
        .unwrap();
    assert!(
        read.get() > 100,
        "only {} mutations left a readable capture",
        read.get()
    );
}

/// The sample's places for data of the target, each with the secret in the form that it has there.
fn plant(snapshot: &mut Snapshot, secret: &str, noise: &str) {
    let value = format!("{noise}{secret}{noise}");
    let literal = format!("'{}'", value.replace('\'', "''"));
    let escaped = format!("E'{}'", value.replace('\\', "\\\\").replace('\'', "\\'"));
    let dollar = format!("$q${secret}$q$");
    snapshot.statements[0].query = Some(format!(
        "SELECT * FROM t WHERE a = {literal} OR b = {escaped} OR c = {dollar} -- {secret}\n OR d IN ({literal}, U&{literal})"
    ));
    snapshot.statements[1].query = Some(format!("SELECT 'cut off {secret}"));
    let index = &mut snapshot.indexes[0];
    index.predicate = Some(format!("(status = {literal}::text)"));
    index.keys[0].expression = Some(format!("COALESCE(note, {literal}::text)"));
    let table = &mut snapshot.tables[0];
    table.partition_key = Some(format!("LIST (COALESCE(a, {literal}::text))"));
    for statistics in table
        .columns
        .iter_mut()
        .filter_map(|column| column.statistics.as_mut())
    {
        statistics.most_common_values = vec![value.clone(), secret.to_owned()];
        statistics.histogram_bounds = vec![value.clone()];
    }
    let distribution = &mut snapshot.distributions[0];
    for values in [
        &mut distribution.most_common,
        &mut distribution.histogram,
        &mut distribution.elements,
    ] {
        values.texts = vec![value.clone(), secret.to_owned()];
    }
    let plan = &mut snapshot.plans[0];
    plan.text = Some(format!("SELECT {literal}"));
    plan.parameters[0].value = Some(value.clone());
    plan.parameters[0].origin = format!("given as \"{value}\"");
    plan.plan = serde_json::json!({"Plan": {"Node Type": "Seq Scan", "Filter": format!("(status = {literal}::text)"),
        "Output": [format!("{literal}::text")], "Plans": [{"Node Type": "Result", "One-Time Filter": format!("({literal}::text = x)")}]}});
    snapshot.probes[0].reason = Some(format!(
        "invalid input syntax for type integer: \"{value}\""
    ));
    snapshot.gaps[0].reason =
        format!("statements cannot be read: value \"{value}\" is out of range");
    let what_if = &mut snapshot.what_if[0].indexes[0];
    what_if.predicate = Some(format!("status = {literal}"));
    what_if.keys[0].expr = format!("COALESCE(a, {literal})");
}

#[test]
fn a_value_that_was_not_seen_in_the_target_is_no_secret() {
    for (observed, told) in [
        (false, "no value is known for a text parameter"),
        (true, "no value is known for a ‹text#1› parameter"),
    ] {
        let mut snapshot = full();
        let parameter = &mut snapshot.plans[0].parameters[0];
        (parameter.value, parameter.observed) = (Some("text".to_owned()), observed);
        snapshot.statements.clear();
        snapshot.tables.clear();
        snapshot.indexes.clear();
        snapshot.probes[0].reason = Some("no value is known for a text parameter".to_owned());
        redact(&mut snapshot, &mut Redactor::new());
        assert_eq!(snapshot.probes[0].reason.as_deref(), Some(told));
    }
}

proptest! {
    #![proptest_config(Config::with_cases(500))]

    #[test]
    fn no_secret_survives_redaction(secret in "[a-zA-Z]{3}[0-9]{3}zq[a-z0-9]{1,12}", noise in "[ '\"\\\\$é@/*-]{0,4}") {
        let mut snapshot = full();
        plant(&mut snapshot, &secret, &noise);
        redact(&mut snapshot, &mut Redactor::new());
        prop_assert!(snapshot.redacted);
        let text = snapshot.to_json().unwrap();
        let at = text.find(&secret).map(|at| text[at.saturating_sub(80)..].chars().take(200).collect::<String>());
        prop_assert_eq!(at, None);
        let once = snapshot.clone();
        redact(&mut snapshot, &mut Redactor::new());
        prop_assert_eq!(snapshot, once);
    }
}

#[test]
fn redaction_keeps_names_numbers_and_the_gaps_own_words() {
    let mut snapshot = full();
    let before = snapshot.clone();
    redact(&mut snapshot, &mut Redactor::new());
    assert_eq!(snapshot.gaps, before.gaps);
    assert_eq!(snapshot.probes, before.probes);
    assert_eq!(snapshot.settings, before.settings);
    assert_eq!(snapshot.foreign_keys, before.foreign_keys);
    assert_eq!(snapshot.samples, before.samples);
    for (after, before) in snapshot.statements.iter().zip(&before.statements) {
        assert_eq!(after.counters, before.counters);
    }
    assert_eq!(
        snapshot.statements[0].query.as_deref(),
        Some("SELECT * FROM orders WHERE customer_id = $1 AND status = ‹text#1›")
    );
    assert_eq!(
        snapshot.indexes[0].predicate.as_deref(),
        Some("(status = ‹text#1›::text)")
    );
    assert_eq!(
        snapshot.indexes[1].predicate, before.indexes[1].predicate,
        "an unreadable one"
    );
}
