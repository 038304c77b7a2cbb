//! What a report makes of several findings together: causes and symptoms, severity, order, the verdict, what was
//! skipped.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, and its helpers with it"
)]

mod seen;

use std::fs;
use std::path::Path;

use pgtriage::analyze::{Config, analyze, candidates};
use pgtriage::checks::Selection;
use pgtriage::checks::workload::Limits;
use pgtriage::finding::{Finding, Report, Severity};
use pgtriage::snapshot::Snapshot;
use serde_json::{Value, json};

fn fixture(path: &str) -> Value {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/checks");
    serde_json::from_str(&fs::read_to_string(root.join(path)).unwrap()).unwrap()
}

fn snapshot(capture: Value) -> Snapshot {
    serde_json::from_value(capture).unwrap()
}

fn report(capture: Value) -> Report {
    analyze(&snapshot(capture), &Config::default())
}

/// The report without the advisor, whose index would explain all that a selective scan does.
fn without_advisor(capture: Value) -> Report {
    let config = Config {
        checks: Selection::new([], ["missing_index"]).unwrap(),
        ..Config::default()
    };
    analyze(&snapshot(capture), &config)
}

fn statement(queryid: u32, query: &str, calls: i64, total: f64) -> Value {
    json!({
        "key": {"userid": 10, "queryid": queryid.to_string(), "toplevel": true},
        "role": "app",
        "query": query,
        "counters": {"calls": calls, "rows": calls, "total_exec_time_ms": total},
    })
}

fn with_statements(statements: &[Value]) -> Value {
    let mut capture = fixture("slow_statement/fires/once_1_s.json");
    capture["statements"] = json!(statements);
    capture
}

fn of<'r>(report: &'r Report, kind: &str) -> &'r Finding {
    report
        .bottlenecks
        .iter()
        .find(|finding| finding.kind.as_str() == kind)
        .unwrap_or_else(|| panic!("no {kind} in {:#?}", report.bottlenecks))
}

/// The seq scan fixture with so much time in its statement.
fn scanned(total: f64) -> Value {
    let mut capture = fixture("seq_scan_selective/fires/one_shelf.json");
    capture["statements"][0]["counters"]["calls"] = json!(1000);
    capture["statements"][0]["counters"]["total_exec_time_ms"] = json!(total);
    capture
}

#[test]
fn a_cause_explains_what_is_seen_of_its_statement() {
    let report = without_advisor(scanned(50_000.0));
    let cause = of(&report, "seq_scan_selective");
    assert_eq!(cause.explained_by, None);
    for symptom in ["slow_statement", "dominant_statement"] {
        let finding = of(&report, symptom);
        assert_eq!(finding.explained_by.as_ref(), Some(&cause.id), "{symptom}");
        assert!(finding.severity <= cause.severity, "{symptom}");
        assert!(finding.related.contains(&cause.id), "{symptom}");
    }
    assert_eq!(report.bottlenecks.first(), Some(cause));
    assert_eq!(
        report.summary,
        "1 bottleneck (1 critical) accounts for 98 % of the execution time"
    );
    // The cause stands for its own time, not for all that is seen of the statement.
    let leading = of(&report, "dominant_statement");
    assert!(cause.impact.share < leading.impact.share);
}

/// A capture with a missing index whose scan the planner counts wrongly.
fn miscounted() -> Value {
    let mut capture = fixture("missing_index/fires/executed_plan.json");
    let node = &mut capture["plans"][0]["plan"]["Plan"];
    let kept = node["Actual Rows"].as_f64().unwrap();
    node["Plan Rows"] = json!(kept * 20.0 + 20_000.0);
    capture
}

/// Plan findings of the table and column of an index that is advised.
#[test]
fn an_index_explains_scans_and_misestimates_that_cost_no_more_than_it_saves() {
    let report = report(miscounted());
    let index = of(&report, "missing_index");
    for kind in ["seq_scan_selective", "row_misestimate"] {
        let finding = of(&report, kind);
        assert_eq!(finding.explained_by.as_ref(), Some(&index.id), "{kind}");
    }
}

#[test]
fn an_index_does_not_explain_a_misestimate_that_most_of_the_plan_follows_from() {
    let mut capture = miscounted();
    let plan = &mut capture["plans"][0]["plan"];
    let number = |key: &str| plan["Plan"][key].as_f64().unwrap();
    let (cost, time) = (
        number("Total Cost") * 4.0,
        number("Actual Total Time") * 20.0,
    );
    let mut scan = plan["Plan"].clone();
    scan["Parent Relationship"] = json!("Outer");
    plan["Plan"] = json!({
        "Node Type": "Sort", "Startup Cost": 0.0, "Total Cost": cost, "Plan Rows": 100, "Plan Width": 4,
        "Actual Startup Time": time, "Actual Total Time": time, "Actual Rows": 100, "Actual Loops": 1,
        "Plans": [scan],
    });
    plan["Execution Time"] = json!(time);
    let report = report(capture);
    of(&report, "missing_index");
    assert_eq!(of(&report, "row_misestimate").explained_by, None);
}

/// The index finds the rows faster, and they still do not fit into the memory that was planned for fewer.
#[test]
fn an_index_does_not_explain_a_misestimate_that_a_spill_follows_from() {
    let mut capture = miscounted();
    let plan = &mut capture["plans"][0]["plan"];
    let mut scan = plan["Plan"].clone();
    scan["Parent Relationship"] = json!("Outer");
    scan["Actual Rows"] = json!(20_000);
    scan["Plan Rows"] = json!(10);
    plan["Plan"] = scan.clone();
    plan["Plan"]["Node Type"] = json!("Sort");
    plan["Plan"]["Sort Method"] = json!("external merge");
    plan["Plan"]["Sort Space Type"] = json!("Disk");
    plan["Plan"]["Sort Space Used"] = json!(4_000);
    plan["Plan"]["Plans"] = json!([scan]);
    let report = report(capture);
    of(&report, "missing_index");
    let cause = of(&report, "row_misestimate");
    assert_eq!(cause.explained_by, None);
    let spill = of(&report, "sort_spill");
    assert_eq!(spill.explained_by.as_ref(), Some(&cause.id));
}

/// What says of a node why it is so leads what says only that it is so, with counters and without.
#[test]
fn the_reason_of_a_node_explains_what_is_seen_of_it() {
    for (fixture_of, seen) in [
        (
            "non_sargable_predicate/fires/lower_although_indexed",
            "seq_scan_selective",
        ),
        (
            "implicit_cast/fires/integer_as_numeric",
            "seq_scan_selective",
        ),
        ("leading_wildcard_like/fires/infix", "seq_scan_selective"),
        (
            "limit_ordered_index_filter/fires/rare_kind_at_the_end",
            "index_filter_inefficient",
        ),
        (
            "function_scan_default_rows/fires/nobody_declared",
            "row_misestimate",
        ),
        (
            "stale_stats/fires/ten_times_of_1000_rows",
            "row_misestimate",
        ),
    ] {
        let kind = fixture_of.split('/').next().unwrap();
        let counted = fixture(&format!("{fixture_of}.json"));
        let mut alone = counted.clone();
        alone["statements"] = json!([]);
        for capture in [counted, alone] {
            let report = report(capture);
            let cause = of(&report, kind);
            assert_eq!(cause.explained_by, None, "{kind}");
            assert_eq!(
                of(&report, seen).explained_by.as_ref(),
                Some(&cause.id),
                "{kind}"
            );
        }
    }
}

/// At what a filter above a CTE keeps, or one of a wrapped partition key, the planner can only guess.
#[test]
fn what_hides_values_from_the_planner_explains_that_it_counts_wrongly() {
    let mut fenced = fixture("cte_fence_filter/fires/at_both_thresholds.json");
    fenced["plans"][0]["plan"]["Plan"]["Plan Rows"] = json!(30);
    let mut unpruned = fixture("partitions_not_pruned/fires/wrapped_key.json");
    unpruned["plans"][0]["plan"]["Plan"]["Plans"][7]["Actual Rows"] = json!(5_000);
    for (capture, kind) in [
        (fenced, "cte_fence_filter"),
        (unpruned, "partitions_not_pruned"),
    ] {
        let report = report(capture);
        let cause = of(&report, kind).explained_by.as_ref();
        let root = cause.unwrap_or(&of(&report, kind).id);
        let misestimate = of(&report, "row_misestimate");
        assert_eq!(misestimate.explained_by.as_ref(), Some(root), "{kind}");
    }
}

#[test]
fn a_cause_of_little_time_explains_nothing() {
    let mut capture = scanned(50_000.0);
    // Another node took nearly all of the time.
    let plan = &mut capture["plans"][0]["plan"];
    plan["Plan"] = json!({
        "Node Type": "Sort", "Startup Cost": 0.0, "Total Cost": 2000.0, "Plan Rows": 100, "Plan Width": 4,
        "Actual Startup Time": 90.0, "Actual Total Time": 100.0, "Actual Rows": 100, "Actual Loops": 1,
        "Plans": [plan["Plan"].clone()],
    });
    plan["Execution Time"] = json!(100.0);
    let report = report(capture);
    assert_eq!(of(&report, "slow_statement").explained_by, None);
    let cause = of(&report, "seq_scan_selective");
    assert!(cause.impact.share.unwrap() < 0.5);
}

#[test]
fn a_spill_explains_temporary_files_and_both_weigh_as_the_sort() {
    let mut capture = fixture("sort_spill/fires/external_merge.json");
    capture["statements"][0]["counters"]["temp"] =
        json!({"hit": 0, "read": 9_000_000, "dirtied": 0, "written": 9_000_000});
    let report = report(capture);
    let cause = of(&report, "sort_spill");
    let files = of(&report, "temp_spill_statement");
    assert_eq!(files.explained_by.as_ref(), Some(&cause.id));
    assert_eq!(files.severity, cause.severity);
    assert!(files.impact.time_ms <= cause.impact.time_ms);
}

/// How many rows a statement returns does not follow from how they are sorted; how many files it writes does, and both
/// ask for the same memory.
#[test]
fn a_spill_explains_its_files_and_not_the_size_of_the_result() {
    let mut capture = fixture("sort_spill/fires/external_merge.json");
    let plan = &mut capture["plans"][0]["plan"]["Plan"];
    plan["Actual Rows"] = json!(60_000);
    plan["Temp Written Blocks"] = json!(5_000);
    let report = report(capture);
    let cause = of(&report, "sort_spill");
    let files = of(&report, "temp_io");
    assert_eq!(files.explained_by.as_ref(), Some(&cause.id));
    assert_eq!(of(&report, "large_result").explained_by, None);
    let ddl = |finding: &Finding| finding.recommendation.ddl.clone();
    assert_eq!(ddl(files), ddl(cause));
}

#[test]
fn a_resource_explains_slowness_where_no_plan_does() {
    let mut slow = statement(1, "SELECT * FROM orders ORDER BY total", 200, 80_000.0);
    slow["counters"]["temp"] = json!({"hit": 0, "read": 0, "dirtied": 0, "written": 900_000});
    let report = report(with_statements(&[slow]));
    let files = of(&report, "temp_spill_statement");
    assert_eq!(files.explained_by, None);
    for symptom in ["slow_statement", "dominant_statement"] {
        assert_eq!(
            of(&report, symptom).explained_by.as_ref(),
            Some(&files.id),
            "{symptom}"
        );
    }
}

#[test]
fn less_than_a_second_is_at_most_medium() {
    for (total, severity) in [(25_000.0, Severity::Critical), (999.0, Severity::Medium)] {
        let slow = statement(1, "SELECT 1 FROM orders", 1, total);
        let mut capture = with_statements(&[slow]);
        capture["statements"][0]["counters"]["shared"] =
            json!({"hit": 0, "read": 5_000, "dirtied": 0, "written": 0});
        let report = report(capture);
        assert_eq!(of(&report, "io_bound_statement").severity, severity);
    }
}

#[test]
fn rows_that_nobody_deleted_are_not_what_a_foreign_key_costs() {
    for (fixture_name, text) in [
        (
            "updates_of_the_key",
            "rows of the referenced table: 900 updated; 900 calls, 90 s",
        ),
        ("deletes", "rows of the referenced table: "),
    ] {
        let report = report(fixture(&format!(
            "unindexed_foreign_key/fires/{fixture_name}.json"
        )));
        let told = &of(&report, "unindexed_foreign_key").impact.text;
        assert!(told.starts_with(text) && !told.contains(" 0 "), "{told}");
    }
}

#[test]
fn dominance_alone_is_no_bottleneck() {
    let report = report(with_statements(&[statement(
        1,
        "SELECT 1 FROM orders WHERE id = $1",
        1_000_000,
        90_000.0,
    )]));
    assert_eq!(of(&report, "dominant_statement").severity, Severity::Info);
    assert_eq!(report.bottlenecks.len(), 1);
    assert!(report.summary.starts_with("no bottleneck found"));
}

#[test]
fn the_same_table_in_two_statements_is_one_finding() {
    let mut capture = scanned(50_000.0);
    let mut second = capture["statements"][0].clone();
    second["key"]["queryid"] = json!("8");
    second["query"] = json!("SELECT count(*) FROM box WHERE shelf = $1");
    capture["statements"].as_array_mut().unwrap().push(second);
    let mut plan = capture["plans"][0].clone();
    plan["key"]["queryid"] = json!("8");
    capture["plans"].as_array_mut().unwrap().push(plan);
    let report = report(capture);
    let scans: Vec<&Finding> = report
        .bottlenecks
        .iter()
        .filter(|finding| finding.kind.as_str() == "seq_scan_selective")
        .collect();
    let [scan] = scans.as_slice() else {
        panic!("{scans:#?}");
    };
    assert_eq!(scan.location.queryids.len(), 2);
    assert_eq!(scan.impact.calls, Some(2_000));
    assert!(scan.impact.share.unwrap() > 0.9 && scan.impact.share.unwrap() <= 1.0);
    assert!(scan.impact.text.starts_with("2 statements, 2,000 calls"));
}

#[test]
fn the_costliest_families_are_probed_until_the_time_is_covered() {
    let statements = [
        statement(1, "BEGIN", 1_000_000, 500_000.0),
        statement(2, "SELECT a FROM t WHERE id IN ($1, $2)", 10, 200_000.0),
        statement(3, "SELECT a FROM t WHERE id IN ($1, $2, $3)", 10, 300_000.0),
        statement(4, "SELECT b FROM u WHERE id = $1", 2_000_000, 100_000.0),
        statement(5, "SELECT c FROM v WHERE id = $1", 10, 10.0),
    ];
    let snapshot = snapshot(with_statements(&statements));
    let order = candidates(&snapshot, &Config::default());
    assert_eq!(order, [2, 3, 4]);
    let config = Config {
        limits: Limits {
            top: 1,
            ..Limits::default()
        },
        ..Config::default()
    };
    assert_eq!(candidates(&snapshot, &config), [2]);
}

#[test]
fn a_family_with_a_hundredth_of_the_time_is_probed_whatever_the_others_take() {
    let statements = [
        statement(1, "SELECT a FROM t WHERE id = $1", 100, 960_000.0),
        statement(2, "SELECT b FROM t WHERE id = $1", 1_000, 15_000.0),
        statement(3, "SELECT c FROM t WHERE id = $1", 10, 5_000.0),
        statement(4, "SELECT d FROM t WHERE id = $1", 10, 4_000.0),
        statement(5, "SELECT e FROM t WHERE id = $1", 5_000, 100.0),
        statement(6, "SELECT f FROM t WHERE id = $1", 4_000, 90.0),
        statement(7, "SELECT g FROM t WHERE id = $1", 3_000, 80.0),
    ];
    let snapshot = snapshot(with_statements(&statements));
    let order = candidates(&snapshot, &Config::default());
    assert_eq!(order, [0, 1, 2, 3, 4, 5, 6]);
}

#[test]
fn percentiles_are_estimated_from_means_and_deviations_or_unknown() {
    let bare = report(with_statements(&[statement(
        1,
        "SELECT 1 FROM t",
        10,
        100.0,
    )]));
    let metrics = bare.baseline_metrics.unwrap();
    assert_eq!(metrics.p50_ms.value, None);
    assert_eq!(
        metrics.mean_ms.map(pgtriage::units::Millis::get),
        Some(10.0)
    );

    let spread = report(fixture("slow_statement/fires/often_20_ms.json"));
    let metrics = spread.baseline_metrics.unwrap();
    let value = |figure: pgtriage::finding::Estimated| figure.value.unwrap();
    assert!(value(metrics.p50_ms) < 20.0);
    assert!(value(metrics.p50_ms) < value(metrics.p95_ms));
    assert!(value(metrics.p95_ms) < value(metrics.p99_ms));
}

/// Captured while pgbench ran in its three protocols, and while a small shop ran whose statements are all served by
/// indexes.
#[test]
fn healthy_traffic_has_no_bottleneck() {
    for name in ["pgbench", "shop"] {
        let report = report(fixture(&format!("../healthy/{name}.json")));
        assert!(!report.statements.is_empty());
        for finding in &report.bottlenecks {
            assert!(finding.severity < Severity::Medium, "{name}: {finding:#?}");
            let kind = finding.kind.as_str();
            let never = ["n_plus_one", "missing_index", "seq_scan_selective"];
            assert!(!never.contains(&kind), "{name}: {finding:#?}");
        }
    }
}

#[test]
fn a_measured_window_counts_what_happened_within_it() {
    let report = report(fixture("slow_statement/fires/within_the_window.json"));
    let slow = of(&report, "slow_statement");
    assert_eq!(slow.impact.calls, Some(200));
    let window = report.window.unwrap();
    assert_eq!(window.seconds, Some(60.0));
}
