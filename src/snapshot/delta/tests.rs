use serde_json::{Value, json};

use super::*;
use crate::snapshot::{Sample, Snapshot};
use crate::units::Bytes;

const START: &str = "2026-01-01T00:00:00Z";

fn statement(queryid: i64, calls: i64, total: f64) -> Value {
    json!({
        "key": {"userid": 10, "queryid": queryid.to_string(), "toplevel": true},
        "query": "SELECT 1",
        "counters": {"calls": calls, "rows": calls.saturating_mul(2), "total_exec_time_ms": total},
    })
}

#[expect(clippy::needless_pass_by_value, reason = "the cases read better so")]
fn snapshot(minute: u32, statements: Vec<Value>) -> Snapshot {
    serde_json::from_value(json!({
        "capture_version": 1,
        "tool_version": "0",
        "captured_at": format!("2026-01-01T00:{minute:02}:00Z"),
        "server": {"version_num": 170_000, "version": "17.0", "database": "shop", "started_at": START},
        "role": {"name": "triage"},
        "counter_source": {"extension_version": "1.11", "schema": "public", "stats_reset": START, "dealloc": 0, "entries": 3},
        "statements": statements,
    }))
    .unwrap()
}

fn sample(minute: u32, statements: Vec<Value>) -> Sample {
    let mut snapshot = snapshot(minute, statements);
    Sample {
        taken_at: snapshot.captured_at,
        started_at: snapshot.server.started_at,
        counter_source: snapshot.counter_source.take(),
        statements: snapshot
            .statements
            .into_iter()
            .map(|statement| crate::snapshot::SampledStatement {
                key: statement.key,
                counters: statement.counters,
                stats_since: statement.stats_since,
            })
            .collect(),
        tables: Vec::new(),
        database: None,
    }
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[test]
fn since_reset_holds_the_whole_counters() {
    let snapshot = snapshot(10, vec![statement(1, 4, 20.0), statement(2, 0, 0.0)]);
    let window = Window::of(&snapshot);
    assert_eq!(window.kind, WindowKind::SinceReset);
    assert_eq!(window.seconds, Some(600.0));
    let [delta] = window.statements.as_slice() else {
        panic!("a statement without calls is left out")
    };
    assert_eq!((delta.index, delta.base), (0, None));
    assert_eq!(delta.mean_exec_time_ms, Some(Millis(5.0)));
    assert_eq!(window.totals.counters.get().calls, 4);
    assert!(window.caveats.is_empty());
}

#[test]
fn without_a_recorded_reset_there_are_no_seconds() {
    let mut snapshot = snapshot(10, vec![statement(1, 4, 20.0)]);
    snapshot.counter_source.as_mut().unwrap().stats_reset = None;
    let window = Window::since_reset(&snapshot);
    assert_eq!((window.from, window.seconds), (None, None));
    assert_eq!(window.caveats, [WindowCaveat::UnknownStart]);
}

/// Since PostgreSQL 15 a database has no reset of its own until somebody resets its counters.
#[test]
fn tables_without_a_reset_count_since_the_servers_statistics_began() {
    let database = |resets: Value| {
        let mut counters = json!({
            "xact_commit": 1, "xact_rollback": 0, "blks_read": 1, "blks_hit": 1, "temp_bytes": 0,
            "deadlocks": 0, "blk_read_time_ms": 0.0,
        });
        counters
            .as_object_mut()
            .unwrap()
            .extend(resets.as_object().unwrap().clone());
        let mut snapshot = snapshot(10, Vec::new());
        snapshot.database = Some(serde_json::from_value(counters).unwrap());
        Window::of(&snapshot)
    };
    let later = "2026-01-01T00:04:00Z";
    let own = database(json!({"stats_reset": later, "server_stats_reset": START}));
    assert_eq!(
        (own.tables_from, own.tables_seconds),
        (Some(at(later)), Some(360.0))
    );
    let never = database(json!({"server_stats_reset": START}));
    assert_eq!(
        (never.tables_from, never.tables_seconds),
        (Some(at(START)), Some(600.0))
    );
    let unknown = database(json!({}));
    assert_eq!((unknown.tables_from, unknown.tables_seconds), (None, None));
}

#[test]
fn an_interval_holds_differences_and_new_statements() {
    let base = sample(1, vec![statement(1, 4, 20.0)]);
    let mut later = snapshot(3, vec![statement(1, 10, 80.0), statement(2, 3, 3.0)]);
    later.samples.push(base);
    let window = Window::of(&later);
    assert_eq!(window.kind, WindowKind::Interval);
    assert_eq!(window.from, Some(at("2026-01-01T00:01:00Z")));
    assert_eq!(window.seconds, Some(120.0));
    let old = window.statement(0).unwrap();
    assert_eq!((old.base, old.counters.get().calls), (Some(0), 6));
    assert_eq!(old.mean_exec_time_ms, Some(Millis(10.0)));
    let new = window.statement(1).unwrap();
    assert_eq!((new.base, new.counters.get().calls), (None, 3));
    assert_eq!(window.totals.counters.get().rows, 18);
    assert!(window.invalid.is_empty() && window.caveats.is_empty());
}

#[test]
fn what_cannot_be_compared_is_said() {
    let since = |mut value: Value, at: &str| {
        value["stats_since"] = json!(at);
        value
    };
    let base = sample(
        1,
        vec![
            statement(1, 4, 20.0),
            since(statement(2, 4, 20.0), START),
            statement(3, 1, 1.0),
        ],
    );
    let later = snapshot(
        3,
        vec![
            statement(1, 3, 80.0),
            since(statement(2, 40, 200.0), "2026-01-01T00:02:00Z"),
        ],
    );
    let window = Window::between(&base, &later);
    let reasons: Vec<_> = window
        .invalid
        .iter()
        .map(|invalid| invalid.reason)
        .collect();
    assert_eq!(
        reasons,
        [
            InvalidReason::CountersFell,
            InvalidReason::CountersReset,
            InvalidReason::Gone
        ]
    );
    assert!(window.statements.is_empty());
    assert_eq!(window.totals.statements, 0);
}

#[test]
fn a_restart_invalidates_every_difference() {
    let base = sample(1, vec![statement(1, 4, 20.0)]);
    let mut later = snapshot(3, vec![statement(1, 10, 80.0)]);
    later.server.started_at = at("2026-01-01T00:02:00Z");
    let window = Window::between(&base, &later);
    assert_eq!(window.caveats, [WindowCaveat::RestartInside]);
    assert_eq!(window.invalid[0].reason, InvalidReason::ServerRestarted);
    assert!(window.statements.is_empty());
}

#[test]
fn a_reset_inside_moves_the_beginning() {
    let base = sample(1, vec![statement(1, 4, 20.0)]);
    let mut later = snapshot(3, vec![statement(1, 10, 80.0)]);
    let reset = at("2026-01-01T00:02:00Z");
    later.counter_source.as_mut().unwrap().stats_reset = Some(reset);
    let window = Window::between(&base, &later);
    assert_eq!(window.caveats, [WindowCaveat::ResetInside { at: reset }]);
    assert_eq!((window.from, window.seconds), (Some(reset), Some(60.0)));
    assert_eq!(window.statement(0).unwrap().counters.get().calls, 10);
}

#[test]
fn evictions_inside_are_said() {
    let base = sample(1, vec![statement(1, 4, 20.0)]);
    let mut later = snapshot(3, vec![statement(1, 10, 80.0)]);
    later.counter_source.as_mut().unwrap().dealloc = Some(2);
    let window = Window::between(&base, &later);
    assert_eq!(window.caveats, [WindowCaveat::Evictions { passes: 2 }]);
    assert_eq!(
        Window::since_reset(&later).caveats,
        [WindowCaveat::Evictions { passes: 2 }]
    );
}

#[test]
fn the_deviation_of_an_interval_is_that_of_its_own_calls() {
    let times = [[1.0, 2.0, 9.0].as_slice(), [4.0, 8.0].as_slice()];
    let counters = |times: &[f64]| {
        let n = f64::from(u32::try_from(times.len()).unwrap());
        let total: f64 = times.iter().sum();
        let mean = total / n;
        let variance = times.iter().map(|time| (time - mean).powi(2)).sum::<f64>() / n;
        json!({"calls": times.len(), "rows": 0, "total_exec_time_ms": total, "spread": {
            "min_exec_time_ms": 0.0, "max_exec_time_ms": 0.0, "mean_exec_time_ms": mean,
            "stddev_exec_time_ms": variance.sqrt()}})
    };
    let mut early = statement(1, 0, 0.0);
    early["counters"] = counters(times[0]);
    let mut late = statement(1, 0, 0.0);
    late["counters"] = counters(&times.concat());
    let window = Window::between(&sample(1, vec![early]), &snapshot(3, vec![late]));
    let stddev = window.statements[0].stddev_exec_time_ms.unwrap().get();
    assert!((stddev - 2.0).abs() < 1e-9, "{stddev}");
}

#[test]
fn totals_leave_nested_statements_out_and_know_the_hidden_ones() {
    let mut nested = statement(2, 100, 900.0);
    nested["key"]["toplevel"] = json!(false);
    let mut snapshot = snapshot(10, vec![statement(1, 4, 30.0), nested]);
    snapshot.counter_source.as_mut().unwrap().hidden = Some(
        serde_json::from_value(json!({"statements": 2, "calls": 7, "total_exec_time_ms": 10.0}))
            .unwrap(),
    );
    let totals = Window::of(&snapshot).totals;
    assert_eq!((totals.statements, totals.counters.get().calls), (1, 4));
    let hidden = totals.hidden.unwrap();
    assert_eq!(totals.counters.get().total_exec_time_ms, Millis(30.0));
    assert_eq!(hidden.get().total_exec_time_ms, Millis(10.0));
}

fn with_series(calls: &[i64], rows: &[i64], seconds: &[f64]) -> Snapshot {
    let key =
        |queryid: i64| json!({"userid": 10, "queryid": queryid.to_string(), "toplevel": true});
    let mut later = snapshot(5, vec![statement(1, 100, 80.0), statement(2, 1, 1.0)]);
    later.samples = vec![sample(1, vec![statement(1, 1, 1.0)])];
    later.series =
        serde_json::from_value(json!({"from": START, "seconds": seconds, "statements": [
            {"key": key(1), "calls": calls, "rows": rows},
            {"key": key(2), "calls": [0, 1, 0], "rows": [0, 1, 2]},
        ]}))
        .unwrap();
    later
}

#[test]
fn sub_windows_hold_what_each_second_brought() {
    let later = with_series(&[1, 5, 15], &[0, 0, 40], &[0.0, 2.0, 4.0]);
    let parts = SubWindows::of(&later, &Window::of(&later)).unwrap();
    assert_eq!(parts.seconds(), [2.0, 2.0]);
    let rates = parts.rates(&later.statements[0].key).unwrap();
    assert_eq!(rates.calls.get(), &[2.0, 5.0]);
    assert_eq!(rates.rows.get(), &[0.0, 20.0]);
    let fell = parts.rates(&later.statements[1].key);
    assert_eq!(fell, Err(NoRates::Unknown), "its calls fell");
    let mut other = later.statements[0].key.clone();
    other.toplevel = false;
    assert_eq!(parts.rates(&other), Err(NoRates::StoodStill));
}

#[test]
fn a_broken_window_has_no_sub_windows() {
    let mut later = with_series(&[1, 5, 15], &[0, 0, 40], &[0.0, 2.0, 4.0]);
    let has_parts = |snapshot: &Snapshot| SubWindows::of(snapshot, &Window::of(snapshot)).is_some();
    assert!(has_parts(&later));
    later.counter_source.as_mut().unwrap().dealloc = Some(1);
    assert!(!has_parts(&later), "statements were evicted");
    let still = with_series(&[1, 5, 15], &[0, 0, 40], &[0.0, 2.0, 2.0]);
    assert!(!has_parts(&still), "a part has no length");
    let mut whole = with_series(&[1, 5, 15], &[0, 0, 40], &[0.0, 2.0, 4.0]);
    whole.samples.clear();
    assert!(!has_parts(&whole), "there is no window");
}

#[test]
fn absurd_counters_do_not_overflow() {
    let mut snapshot = snapshot(
        10,
        vec![
            statement(1, i64::MAX / 2, f64::MAX),
            statement(2, i64::MAX / 2, f64::MAX),
        ],
    );
    for statement in &mut snapshot.statements {
        statement.counters.calls = i64::MAX;
        statement.counters.wal.bytes = Bytes(i64::MAX);
    }
    assert_eq!(Window::of(&snapshot).totals.counters.get().calls, i64::MAX);
}
