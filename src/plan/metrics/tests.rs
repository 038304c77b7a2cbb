//! Plans small enough to do the sums by hand.

use serde_json::{Value, json};

use super::*;

/// A node: type, relationship, milliseconds and rows a loop, loops, more keys, children.
fn node(
    node_type: &str,
    relationship: &str,
    (time, rows, loops): (f64, f64, f64),
    more: Value,
    plans: Vec<Value>,
) -> Value {
    let mut node = json!({
        "Node Type": node_type, "Parent Relationship": relationship,
        "Startup Cost": 0.0, "Total Cost": 1.0, "Plan Rows": rows, "Plan Width": 4,
        "Actual Startup Time": 0.0, "Actual Total Time": time, "Actual Rows": rows, "Actual Loops": loops,
    });
    if let (Value::Object(node), Value::Object(more)) = (&mut node, more) {
        node.extend(more);
        node.insert("Plans".to_owned(), Value::Array(plans));
    }
    node
}

fn analyzed(root: &Value, more: &Value) -> (Plan, Metrics) {
    let mut object = json!({ "Plan": root });
    if let (Value::Object(object), Value::Object(more)) = (&mut object, more) {
        object.extend(more.clone());
    }
    let plan = Plan::parse(&object).unwrap();
    let metrics = Metrics::of(&plan);
    (plan, metrics)
}

/// Self times in EXPLAIN's order, rounded to a thousandth.
fn self_times(root: &Value) -> Vec<f64> {
    let (plan, metrics) = analyzed(root, &json!({}));
    plan.nodes()
        .map(|node| metrics.node(node.id).self_time.unwrap().get())
        .map(|time| (time * 1000.0).round() / 1000.0)
        .collect()
}

fn worker(number: i64, time: f64, rows: f64) -> Value {
    json!({"Worker Number": number, "Actual Startup Time": 0.0, "Actual Total Time": time, "Actual Rows": rows, "Actual Loops": 1})
}

#[test]
fn loops_multiply_averages() {
    // The loop's inner side: 0.02 ms × 1000 = 20 ms. 50 − 5 − 20 = 25.
    let root = node(
        "Nested Loop",
        "",
        (50.0, 10.0, 1.0),
        json!({}),
        vec![
            node("Seq Scan", "Outer", (5.0, 1000.0, 1.0), json!({}), vec![]),
            node(
                "Index Scan",
                "Inner",
                (0.02, 3.0, 1000.0),
                json!({"Rows Removed by Filter": 2, "Filter": "(a = 1)"}),
                vec![],
            ),
        ],
    );
    assert_eq!(self_times(&root), [25.0, 5.0, 20.0]);
    let (plan, metrics) = analyzed(&root, &json!({}));
    let inner = plan.nodes().last().unwrap();
    let inner = metrics.node(inner.id);
    assert_eq!(inner.kept, Rows(3000.0));
    // Three decimals in JSON: a server from 18 on, exact to a hundredth.
    assert_eq!(inner.kept_error, Rows(5.0));
    assert_eq!(inner.removed.filter, Some(Rows(2000.0)));
    assert_eq!(inner.removed_error, Rows(500.0));
    assert_eq!(inner.filtered_input(), Rows(5000.0));
    assert!(inner.rescanned);
}

#[test]
fn rounding_never_makes_children_longer_than_their_parent() {
    // 0.002 ms × 10,000 = 20 ms ± 5: the loop took 18, or 18.0005 at most.
    let root = node(
        "Nested Loop",
        "",
        (18.0, 1.0, 1.0),
        json!({}),
        vec![
            node("Seq Scan", "Outer", (1.0, 10000.0, 1.0), json!({}), vec![]),
            node(
                "Index Scan",
                "Inner",
                (0.002, 1.0, 10000.0),
                json!({}),
                vec![],
            ),
        ],
    );
    assert_eq!(self_times(&root), [0.0, 1.0, 17.001]);
    // 0.000 ms × 10,000 may be 5 ms, of which the child took 2.
    let root = node(
        "Nested Loop",
        "",
        (18.0, 1.0, 1.0),
        json!({}),
        vec![node(
            "Memoize",
            "Inner",
            (0.0, 1.0, 10000.0),
            json!({}),
            vec![node(
                "Index Scan",
                "Outer",
                (0.02, 1.0, 100.0),
                json!({}),
                vec![],
            )],
        )],
    );
    assert_eq!(self_times(&root), [16.0, 0.0, 2.0]);
}

#[test]
fn init_plan_is_charged_to_the_node_that_mentions_it() {
    for (name, condition) in [
        ("InitPlan 1 (returns $0)", "(a > $0)"),
        ("InitPlan 1", "(a > (InitPlan 1).col1)"),
    ] {
        let root = node(
            "Aggregate",
            "",
            (30.0, 1.0, 1.0),
            json!({}),
            vec![
                node(
                    "Aggregate",
                    "InitPlan",
                    (20.0, 1.0, 1.0),
                    json!({"Subplan Name": name}),
                    vec![node(
                        "Seq Scan",
                        "Outer",
                        (15.0, 9.0, 1.0),
                        json!({}),
                        vec![],
                    )],
                ),
                node(
                    "Seq Scan",
                    "Outer",
                    (28.0, 9.0, 1.0),
                    json!({"Filter": condition}),
                    vec![],
                ),
            ],
        );
        // 30 − 28; 20 − 15; 15; 28 − 20.
        assert_eq!(self_times(&root), [2.0, 5.0, 15.0, 8.0]);
    }
}

#[test]
fn init_plan_of_a_result_runs_in_the_result() {
    // The One-Time Filter is evaluated before the child, which mentions the same value.
    let root = node(
        "Result",
        "",
        (30.0, 1.0, 1.0),
        json!({"One-Time Filter": "$0"}),
        vec![
            node(
                "Seq Scan",
                "InitPlan",
                (10.0, 1.0, 1.0),
                json!({"Subplan Name": "InitPlan 1 (returns $0)"}),
                vec![],
            ),
            node(
                "Seq Scan",
                "Outer",
                (15.0, 9.0, 1.0),
                json!({"Filter": "(b = $0)"}),
                vec![],
            ),
        ],
    );
    assert_eq!(self_times(&root), [5.0, 10.0, 15.0]);
}

#[test]
fn cte_is_charged_to_its_scans_in_proportion() {
    // The scans take 30 and 10 ms, the CTE 20: they pay 15 and 5.
    let cte = |name: &str| json!({"Subplan Name": format!("CTE {name}")});
    let scan = |time| {
        node(
            "CTE Scan",
            "Member",
            (time, 1.0, 1.0),
            json!({"CTE Name": "a"}),
            vec![],
        )
    };
    let root = node(
        "Append",
        "",
        (41.0, 2.0, 1.0),
        json!({}),
        vec![
            node("Seq Scan", "InitPlan", (20.0, 9.0, 1.0), cte("a"), vec![]),
            scan(30.0),
            scan(10.0),
        ],
    );
    assert_eq!(self_times(&root), [1.0, 20.0, 15.0, 5.0]);
    let (_, metrics) = analyzed(&root, &json!({"Execution Time": 41.5}));
    assert_eq!(metrics.accounting().unwrap().after_root, Millis(0.0));
}

#[test]
fn modifying_cte_without_a_reader_runs_after_the_root() {
    let root = node(
        "Result",
        "",
        (1.0, 1.0, 1.0),
        json!({}),
        vec![node(
            "ModifyTable",
            "InitPlan",
            (20.0, 0.0, 1.0),
            json!({"Subplan Name": "CTE a", "Operation": "Delete"}),
            vec![],
        )],
    );
    let (_, metrics) = analyzed(&root, &json!({"Execution Time": 22.0}));
    let accounting = metrics.accounting().unwrap();
    assert_eq!(accounting.after_root, Millis(20.0));
    assert_eq!(accounting.nodes, Millis(21.0));
    assert_eq!(accounting.executor, Some(Millis(1.0)));
}

#[test]
fn skewed_work_counts_as_the_longest_process() {
    // 3 processes, 30 ms on average: the leader 90 − 80 − 6 = 4 ms, one worker 80. Not 90 / 3 = 30.
    let workers = json!({"Workers": [worker(0, 80.0, 8.0), worker(1, 6.0, 1.0)]});
    let gather = |workers: Value| {
        node(
            "Gather",
            "",
            (85.0, 9.0, 1.0),
            json!({"Workers Planned": 2, "Workers Launched": 2}),
            vec![node("Seq Scan", "Outer", (30.0, 3.0, 3.0), workers, vec![])],
        )
    };
    assert_eq!(self_times(&gather(workers.clone())), [5.0, 80.0]);
    let (_, metrics) = analyzed(&gather(workers), &json!({}));
    let section = &metrics.sections()[0];
    assert_eq!(section.wall_time, Millis(80.0));
    assert_eq!(section.process_time, Millis(90.0));
    assert!((section.effective_processes - 1.125).abs() < 1e-9);
    assert_eq!(section.basis, WallBasis::Measured);

    // Without the workers' times it is at most the Gather's.
    let (plan, metrics) = analyzed(&gather(json!({})), &json!({}));
    assert_eq!(metrics.sections()[0].wall_time, Millis(85.0));
    assert_eq!(metrics.sections()[0].basis, WallBasis::UpperBound);
    let scan = metrics.node(plan.nodes().last().unwrap().id);
    assert!(!scan.rescanned);
    assert_eq!((scan.processes, scan.loops_per_process()), (3.0, 1.0));
}

#[test]
fn gather_runs_the_init_plan_that_its_workers_need() {
    // Gather 50 ms: 20 for the InitPlan, then workers: at most 30 of wall time.
    let root = node(
        "Aggregate",
        "",
        (51.0, 1.0, 1.0),
        json!({}),
        vec![
            node(
                "Seq Scan",
                "InitPlan",
                (20.0, 1.0, 1.0),
                json!({"Subplan Name": "InitPlan 1"}),
                vec![],
            ),
            node(
                "Gather",
                "Outer",
                (50.0, 1.0, 1.0),
                json!({"Workers Planned": 2, "Workers Launched": 2}),
                vec![node(
                    "Seq Scan",
                    "Outer",
                    (28.0, 1.0, 3.0),
                    json!({"Filter": "(a > (InitPlan 1).col1)"}),
                    vec![],
                )],
            ),
        ],
    );
    assert_eq!(self_times(&root), [1.0, 20.0, 0.0, 30.0]);
}

#[test]
fn before_triggers_are_within_the_nodes() {
    // 100 ms: nodes 60, of which a BEFORE trigger 25; after them 38 of triggers; 2 for the rest.
    let root = node(
        "ModifyTable",
        "",
        (60.0, 0.0, 1.0),
        json!({"Operation": "Update"}),
        vec![],
    );
    let (_, metrics) = analyzed(
        &root,
        &json!({"Execution Time": 100.0, "Triggers": [
            {"Trigger Name": "RI_1", "Constraint Name": "fk", "Relation": "t", "Time": 30.0, "Calls": 10},
            {"Trigger Name": "stamp", "Relation": "t", "Time": 25.0, "Calls": 10},
            {"Trigger Name": "log", "Relation": "t", "Time": 8.0, "Calls": 10},
        ]}),
    );
    let accounting = metrics.accounting().unwrap();
    assert_eq!(accounting.triggers_after, Millis(38.0));
    assert_eq!(accounting.triggers_within, Millis(25.0));
    assert_eq!(accounting.executor, Some(Millis(2.0)));
}

#[test]
fn own_blocks_leave_out_inputs_and_init_plans() {
    let blocks = |count: i64| json!({"Shared Hit Blocks": count});
    let with = |more: Value, count: i64| {
        let mut more = more;
        more["Shared Hit Blocks"] = json!(count);
        more
    };
    let root = node(
        "Aggregate",
        "",
        (30.0, 1.0, 1.0),
        blocks(110),
        vec![
            node(
                "Seq Scan",
                "InitPlan",
                (10.0, 1.0, 1.0),
                with(json!({"Subplan Name": "InitPlan 1 (returns $0)"}), 30),
                vec![],
            ),
            node(
                "Seq Scan",
                "Outer",
                (28.0, 1.0, 1.0),
                with(json!({"Filter": "(a > $0)"}), 105),
                vec![],
            ),
        ],
    );
    let (plan, metrics) = analyzed(&root, &json!({}));
    let own: Vec<i64> = plan
        .nodes()
        .map(|node| metrics.node(node.id).self_buffers.unwrap().shared.hit.get())
        .collect();
    assert_eq!(own, [5, 30, 75]);
}

/// The verdict on the scan below `above`, for its estimated and actual rows.
fn verdict(above: &[(&str, &str, Value)], (estimated, actual): (f64, f64)) -> Verdict {
    let mut plan = node(
        "Seq Scan",
        "Outer",
        (1.0, actual, 1.0),
        json!({"Plan Rows": estimated}),
        vec![],
    );
    for (node_type, relationship, more) in above {
        plan["Parent Relationship"] = json!(relationship);
        plan = node(
            node_type,
            "Outer",
            (1.0, 10.0, 1.0),
            more.clone(),
            vec![plan],
        );
    }
    let (plan, metrics) = analyzed(&plan, &json!({}));
    let scan = plan.nodes().last().unwrap();
    metrics.node(scan.id).estimate.unwrap().verdict
}

#[test]
fn what_is_not_a_misestimate() {
    let over = (100_000.0, 10.0);
    let under = (10.0, 100_000.0);
    let none = || json!({});
    let outer = |node_type: &'static str| (node_type, "Outer", none());
    for (above, rows, expected) in [
        (vec![], over, None),
        (vec![outer("Limit")], over, Some(Excuse::BelowLimit)),
        (vec![outer("Limit")], under, None),
        // It returned 10 rows of the 1000 that it was to: the input came to its end.
        (
            vec![("Limit", "Outer", json!({"Plan Rows": 1000}))],
            over,
            None,
        ),
        (vec![outer("Sort"), outer("Limit")], over, None),
        (
            vec![
                outer("Hash"),
                ("Hash Join", "Inner", none()),
                outer("Limit"),
            ],
            over,
            None,
        ),
        (
            vec![outer("Result"), outer("Limit")],
            over,
            Some(Excuse::BelowLimit),
        ),
        (
            vec![
                ("Aggregate", "Outer", json!({"Strategy": "Sorted"})),
                outer("Limit"),
            ],
            over,
            Some(Excuse::BelowLimit),
        ),
        (
            vec![
                ("Aggregate", "Outer", json!({"Strategy": "Hashed"})),
                outer("Limit"),
            ],
            over,
            None,
        ),
        (
            vec![("Nested Loop", "Inner", json!({"Join Type": "Semi"}))],
            over,
            Some(Excuse::SingleMatch),
        ),
        (
            vec![("Nested Loop", "Outer", json!({"Join Type": "Semi"}))],
            over,
            None,
        ),
        (
            vec![("Nested Loop", "Inner", json!({"Join Type": "Anti"}))],
            over,
            Some(Excuse::SingleMatch),
        ),
        (
            vec![
                outer("Materialize"),
                ("Nested Loop", "Inner", json!({"Inner Unique": true})),
            ],
            over,
            Some(Excuse::SingleMatch),
        ),
        (
            vec![("Hash Join", "Outer", json!({"Join Type": "Semi"}))],
            over,
            None,
        ),
        (
            vec![outer("Merge Join")],
            over,
            Some(Excuse::BelowMergeJoin),
        ),
        (vec![outer("Sort"), outer("Merge Join")], over, None),
        (
            vec![("Merge Join", "Inner", none())],
            under,
            Some(Excuse::MergeRescan),
        ),
        (
            vec![("Merge Join", "Inner", json!({"Inner Unique": true}))],
            under,
            None,
        ),
        (
            vec![("Seq Scan", "SubPlan", json!({"Filter": "(SubPlan 1)"}))],
            over,
            Some(Excuse::SubPlanFirstRow),
        ),
    ] {
        let expected = expected.map_or(Verdict::Misestimate, Verdict::Excused);
        assert_eq!(verdict(&above, rows), expected, "{above:?} {rows:?}");
    }
}

#[test]
fn fewer_workers_than_planned_give_each_more_rows() {
    // 3 processes were to share, 1 did it all.
    let gather = (
        "Gather",
        "Outer",
        json!({"Workers Planned": 2, "Workers Launched": 0}),
    );
    let below = |rows| verdict(std::slice::from_ref(&gather), rows);
    assert_eq!(
        below((1000.0, 2400.0)),
        Verdict::Excused(Excuse::FewerProcesses)
    );
    assert_eq!(below((1000.0, 24_000.0)), Verdict::Misestimate);
}

#[test]
fn only_the_deepest_misestimate_is_reported() {
    let wrong = |node_type: &str, relationship: &str, plans: Vec<Value>| {
        node(
            node_type,
            relationship,
            (1.0, 50_000.0, 1.0),
            json!({"Plan Rows": 10}),
            plans,
        )
    };
    let right = node("Seq Scan", "Inner", (1.0, 10.0, 1.0), json!({}), vec![]);
    let root = wrong(
        "Aggregate",
        "",
        vec![wrong(
            "Hash Join",
            "Outer",
            vec![wrong("Seq Scan", "Outer", vec![]), right],
        )],
    );
    let (plan, metrics) = analyzed(&root, &json!({}));
    let pointers = |min_rows| -> Vec<&str> {
        metrics
            .deepest_misestimates(&plan, 10.0, Rows(min_rows))
            .into_iter()
            .map(Node::pointer)
            .collect()
    };
    assert_eq!(pointers(1000.0), ["/Plan/Plans/0/Plans/0"]);
    assert_eq!(pointers(1e6), [""; 0]);
}

#[test]
fn without_times_there_are_still_rows() {
    let mut root = node("Seq Scan", "", (1.0, 10.0, 1.0), json!({}), vec![]);
    if let Value::Object(root) = &mut root {
        root.remove("Actual Total Time");
        root.remove("Actual Startup Time");
    }
    let (plan, metrics) = analyzed(&root, &json!({}));
    let scan = metrics.node(plan.root().id);
    assert_eq!((scan.self_time, scan.kept), (None, Rows(10.0)));
    assert!(metrics.accounting().is_none());
}
