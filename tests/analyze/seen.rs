//! What could not be seen, and what a reader must know to weigh the numbers.

use pgtriage::analyze::{Config, analyze};
use pgtriage::checks::Selection;
use pgtriage::finding::{Caveat, Status};
use serde_json::{Value, json};

use super::{fixture, of, report, scanned, snapshot, statement, with_statements};

#[test]
fn a_hidden_area_is_skipped_with_its_remedy() {
    let mut capture = with_statements(&[]);
    capture["gaps"] = json!([
        {"area": "statements", "reason": "pg_stat_statements is not installed", "remedy": "CREATE EXTENSION pg_stat_statements"},
        {"area": "io_timing", "reason": "track_io_timing is off", "remedy": "SET track_io_timing = on"},
    ]);
    let all = report(capture.clone());
    assert_eq!(all.status, Status::Partial);
    let skipped: Vec<&str> = all
        .skipped
        .iter()
        .map(|entry| entry.check.as_str())
        .collect();
    assert!(skipped.contains(&"slow_statement") && skipped.contains(&"io_bound_statement"));
    assert!(all.skipped.iter().all(|entry| entry.remedy.is_some()));
    assert!(all.summary.contains("not everything could be seen"));

    let config = Config {
        checks: Selection::new(["sort_spill"], []).unwrap(),
        ..Config::default()
    };
    let one = analyze(&snapshot(capture), &config);
    assert!(
        one.skipped
            .iter()
            .all(|entry| entry.check.as_str() != "slow_statement")
    );
}

#[test]
fn what_only_sharpens_a_check_does_not_limit_the_conclusion() {
    let mut capture = fixture("seq_scan_selective/silent/whole_table.json");
    capture["gaps"] = json!([{"area": "io_timing", "reason": "track_io_timing is off", "remedy": "SET track_io_timing = on"}]);
    let report = report(capture);
    assert_eq!(report.status, Status::Completed);
    assert_eq!(report.skipped.len(), 1);
}

/// Busy servers have one always nearly full, and every second one has a statement of another role.
#[test]
fn what_is_a_little_short_is_a_caveat_and_limits_nothing() {
    let statements = [statement(1, "SELECT a FROM t WHERE id = $1", 10, 960.0)];
    let texts = json!([{"area": "statement_texts", "reason": "1 statement hides its text", "remedy": "GRANT pg_read_all_stats TO r;"}]);
    for (dealloc, hidden, status, caveat) in [
        (
            0,
            0.0,
            Status::Completed,
            "nearly full (4990 of 5000 entries)",
        ),
        (
            1,
            0.0,
            Status::Completed,
            "evicted its least used entries 1 time within",
        ),
        (0, 40.0, Status::Completed, "4.0 % of the execution time"),
        (0, 140.0, Status::Partial, "12.7 % of the execution time"),
    ] {
        let mut capture = with_statements(&statements);
        capture["settings"]["pg_stat_statements.max"] = json!({"value": "5000"});
        let source = &mut capture["counter_source"];
        source["entries"] = json!(4_990);
        source["dealloc"] = json!(dealloc);
        if hidden > 0.0 {
            source["hidden"] = json!({"statements": 1, "calls": 1, "total_exec_time_ms": hidden});
            capture["gaps"] = texts.clone();
        }
        capture["probes"] = json!([{"key": {"userid": 10, "queryid": "1", "toplevel": true}, "status": "analyzed"}]);
        let report = report(capture);
        assert_eq!(report.status, status, "{caveat}: {:?}", report.skipped);
        assert_eq!(report.skipped.is_empty(), status == Status::Completed);
        let told: Vec<String> = report.caveats.iter().map(ToString::to_string).collect();
        assert!(told.iter().any(|told| told.contains(caveat)), "{told:?}");
    }
}

#[test]
fn a_gap_of_any_area_is_told() {
    let areas = [
        "server",
        "statements",
        "statement_texts",
        "io_timing",
        "plan_timing",
        "tables",
        "indexes",
        "column_statistics",
        "foreign_keys",
        "settings",
        "plans",
        "hypothetical_indexes",
        "window",
    ];
    for area in areas {
        let mut capture = with_statements(&[]);
        capture["gaps"] =
            json!([{"area": area, "reason": "no way to look", "remedy": "open the eyes"}]);
        let report = report(capture);
        let skipped = report.skipped.iter().any(|entry| {
            entry.reason == "no way to look" && entry.remedy.as_deref() == Some("open the eyes")
        });
        let caveat = report
            .caveats
            .iter()
            .any(|caveat| caveat.to_string() == "no way to look; open the eyes");
        assert!(skipped != caveat, "{area}: {report:#?}");
    }
}

/// From 15 on nobody resets the counters of a database but on demand; loading its tables is no traffic.
#[test]
fn writes_are_rates_where_the_counters_are_of_more_than_the_loading() {
    let told = |stats_reset: Option<&str>, server_stats_reset: Option<&str>| {
        let mut capture = fixture("missing_index/fires/writes_cost_as_much.json");
        capture["database"]["stats_reset"] = json!(stats_reset);
        capture["database"]["server_stats_reset"] = json!(server_stats_reset);
        let report = report(capture);
        let rate = of(&report, "missing_index")
            .recommendation
            .risk
            .writes_per_second;
        let caveats = report.caveats.into_iter();
        let caveat = caveats.filter(|caveat| {
            matches!(
                caveat,
                Caveat::TablesSinceStart { .. }
                    | Caveat::TablesLoading { .. }
                    | Caveat::UnknownTableWindow
            )
        });
        (rate.is_some(), caveat.collect::<Vec<Caveat>>())
    };
    let (hour_ago, days_ago) = ("2026-11-22T09:00:00Z", "2026-11-12T09:00:00Z");
    let at = |text: &str| text.parse().unwrap();
    assert_eq!(told(Some(hour_ago), Some(days_ago)), (true, vec![]));
    let since_start = Caveat::TablesSinceStart { at: at(days_ago) };
    assert_eq!(told(None, Some(days_ago)), (true, vec![since_start]));
    let loading = Caveat::TablesLoading { at: at(hour_ago) };
    assert_eq!(told(None, Some(hour_ago)), (false, vec![loading]));
    assert_eq!(told(None, None), (false, vec![Caveat::UnknownTableWindow]));
}

/// What writes would pay refuses an index on a server that was never reset, too.
#[test]
fn an_index_that_costs_more_than_it_saves_is_refused_without_a_reset() {
    let mut capture = fixture("missing_index/silent/writes_cost_more.json");
    capture["database"]["stats_reset"] = Value::Null;
    let advised = |capture: Value| {
        let report = report(capture);
        report
            .bottlenecks
            .iter()
            .any(|finding| finding.kind.as_str() == "missing_index")
    };
    assert!(advised(capture.clone()), "nothing is known of writes");
    let writes = capture["tables"][0]["counters"]["n_tup_ins"]
        .as_i64()
        .unwrap();
    capture["tables"][0]["counters"]["n_tup_ins"] = json!(writes * 24 * 10);
    capture["database"]["server_stats_reset"] = json!("2026-11-12T10:00:00Z");
    assert!(!advised(capture));
}

#[test]
fn a_refusal_says_in_which_time_the_index_costs_more_than_it_saves() {
    for (file, period) in [
        ("writes_cost_more", ": in an hour it saves "),
        ("statements_write_more", ": in the window it saves "),
    ] {
        let report = report(fixture(&format!("missing_index/silent/{file}.json")));
        let told = |reason: &str| reason.contains(period) && reason.contains("writes would take");
        assert!(
            report.skipped.iter().any(|entry| told(&entry.reason)),
            "{file}: {:?}",
            report.skipped
        );
    }
}

#[test]
fn a_server_of_an_unknown_major_version_is_a_caveat() {
    let mut capture = with_statements(&[]);
    capture["server"]["version_num"] = json!(190_000);
    capture["server"]["version"] = json!("19beta1 (Debian)");
    let caveats = report(capture).caveats;
    let told = |caveat: &Caveat| matches!(caveat, Caveat::NewerServer { version, .. } if version == "19beta1");
    assert!(caveats.iter().any(told), "{caveats:?}");
}

#[test]
fn statements_that_got_no_plan_are_named() {
    let mut capture = with_statements(&[statement(5, "SELECT evil() FROM orders", 10, 90_000.0)]);
    let unprobed = report(capture.clone());
    assert!(
        unprobed
            .skipped
            .iter()
            .any(|entry| entry.check.as_str() == "seq_scan_selective")
    );
    assert_eq!(unprobed.status, Status::Partial);

    capture["probes"] = json!([{
        "key": {"userid": 10, "queryid": "5", "toplevel": true},
        "status": "refused", "reason": "function public.evil() is owned by mallory", "remedy": "--trust-owner mallory",
    }]);
    let refused = report(capture);
    let entry = refused
        .skipped
        .iter()
        .find(|entry| entry.check.as_str() == "probe")
        .unwrap();
    assert_eq!(
        entry.reason,
        "statement 5 (100 % of the execution time) refused: function public.evil() is owned by mallory"
    );
}

#[test]
fn statements_of_little_time_that_got_no_plan_do_not_limit_the_conclusion() {
    let statements = [
        statement(1, "SELECT a FROM t WHERE id = $1", 10, 960.0),
        statement(2, "SELECT evil() FROM t", 10, 40.0),
    ];
    let outcome = |queryid: &str, status: &str| json!({"key": {"userid": 10, "queryid": queryid, "toplevel": true}, "status": status, "reason": "why not"});
    for (first, second, status) in [
        ("analyzed", "refused", Status::Completed),
        ("analyzed", "not_probed", Status::Completed),
        ("failed", "analyzed", Status::Partial),
        ("not_probed", "analyzed", Status::Partial),
    ] {
        let mut capture = with_statements(&statements);
        capture["probes"] = json!([outcome("1", first), outcome("2", second)]);
        let report = report(capture);
        assert_eq!(report.status, status, "{first} {second}");
        let skipped: Vec<&str> = report.skipped.iter().map(|s| s.reason.as_str()).collect();
        assert_eq!(skipped.len(), 1, "{skipped:?}");
        assert!(skipped[0].ends_with("why not"), "{skipped:?}");
    }
}

/// Texts that differ in the length of a list are one family, of which one is probed.
#[test]
fn a_family_with_a_plan_lacks_none() {
    let mut capture = with_statements(&[
        statement(1, "SELECT a FROM t WHERE id IN ($1, $2)", 10, 500.0),
        statement(2, "SELECT a FROM t WHERE id IN ($1, $2, $3)", 10, 400.0),
    ]);
    let outcome = |queryid: &str, status: &str| json!({"key": {"userid": 10, "queryid": queryid, "toplevel": true}, "status": status});
    capture["probes"] = json!([outcome("1", "analyzed"), outcome("2", "not_probed")]);
    let report = report(capture);
    assert_eq!(
        (report.status, report.skipped.len()),
        (Status::Completed, 0)
    );
}

#[test]
fn an_idle_window_is_no_clean_bill() {
    let mut capture = fixture("slow_statement/fires/within_the_window.json");
    for place in [0, 1] {
        let now = capture["statements"][place]["counters"].clone();
        capture["samples"][0]["statements"][place]["counters"] = now;
    }
    let report = report(capture);
    assert_eq!(report.status, Status::Partial);
    let reasons: Vec<&str> = report.skipped.iter().map(|s| s.reason.as_str()).collect();
    assert!(
        reasons.contains(&"no statement ran in the window of 60 s"),
        "{reasons:?}"
    );
}

#[test]
fn hidden_tables_are_told_even_where_no_check_needs_them() {
    let mut capture = fixture("seq_scan_selective/silent/whole_table.json");
    capture["gaps"] = json!([{"area": "column_statistics", "reason": "role r may not SELECT", "remedy": "GRANT pg_read_all_data TO r;"}]);
    let config = Config {
        checks: Selection::new(["seq_scan_selective"], []).unwrap(),
        ..Config::default()
    };
    let report = analyze(&snapshot(capture), &config);
    let told: Vec<&str> = report.skipped.iter().map(|s| s.check.as_str()).collect();
    assert_eq!(told, ["probe"]);
    assert_eq!(report.status, Status::Completed);
}

#[test]
fn a_plan_that_cannot_be_read_is_said() {
    let mut capture = scanned(50_000.0);
    capture["plans"][0]["plan"] = json!({"Nothing": 1});
    let report = report(capture);
    let entry = report
        .skipped
        .iter()
        .find(|entry| entry.check.as_str() == "probe");
    let reason = &entry.unwrap().reason;
    assert!(
        reason.starts_with("the plan of statement 7 cannot be read: "),
        "{reason}"
    );
    assert_eq!(report.status, Status::Partial);
}

#[test]
fn row_security_on_a_probed_table_is_a_caveat_for_a_role_that_it_applies_to() {
    for (secured, bypasses, told) in [
        (true, false, true),
        (true, true, false),
        (false, false, false),
    ] {
        let mut capture = scanned(50_000.0);
        capture["tables"][0]["row_security"] = json!(secured);
        capture["role"]["bypass_rls"] = json!(bypasses);
        let report = report(capture);
        let found = report
            .caveats
            .iter()
            .any(|caveat| matches!(caveat, Caveat::RowSecurity { tables: 1 }));
        assert_eq!(found, told);
    }
}
