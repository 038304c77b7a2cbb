use serde_json::{Value, json};

use super::*;
use crate::ids::{Oid, StatementKey};
use crate::snapshot::Scans;

fn record(plan: Value) -> PlanRecord {
    PlanRecord {
        key: StatementKey {
            userid: Oid(10),
            queryid: None,
            toplevel: true,
        },
        variant: ParameterVariant::MostCommon,
        execution: Execution::Analyzed,
        planned_text: PlannedText::AsWritten,
        scans: Scans::AsSet,
        text: None,
        parameters: Vec::new(),
        round_trip_ms: None,
        runs_ms: Vec::new(),
        planned_again_ms: Vec::new(),
        plan,
    }
}

fn tree(plan: Value, marks: &Marks) -> PlanTree {
    PlanTree::of(3, Some("SELECT 1"), &record(plan), marks).unwrap()
}

/// The plans of one major version, by file name.
pub(in crate::report) fn real_plans(major: u32) -> Vec<(String, PlanRecord)> {
    let folder = format!("{}/testdata/plans/{major}", env!("CARGO_MANIFEST_DIR"));
    let mut plans: Vec<(String, PlanRecord)> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            let text = std::fs::read_to_string(&path).unwrap();
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            (name, record(serde_json::from_str(&text).unwrap()))
        })
        .collect();
    plans.sort_by(|one, other| one.0.cmp(&other.0));
    plans
}

fn spilling() -> Value {
    json!({"Plan": {
        "Node Type": "Sort", "Actual Rows": 40, "Plan Rows": 4000, "Actual Loops": 1, "Actual Total Time": 10.0,
        "Startup Cost": 0.0, "Total Cost": 9.0, "Plan Width": 4,
        "Sort Key": ["a"], "Sort Method": "external merge", "Sort Space Used": 2048, "Sort Space Type": "Disk",
        "Plans": [{
            "Node Type": "Seq Scan", "Parent Relationship": "Outer", "Relation Name": "t", "Alias": "t",
            "Actual Rows": 40, "Plan Rows": 4000, "Actual Loops": 1, "Actual Total Time": 4.0,
            "Startup Cost": 0.0, "Total Cost": 5.0, "Plan Width": 4,
            "Filter": "(a > 1)", "Rows Removed by Filter": 60
        }]
    }, "Execution Time": 10.5, "Triggers": [{"Trigger Name": "audit", "Time": 0.25, "Calls": 1}]})
}

#[test]
fn a_node_says_what_was_wasted() {
    let tree = tree(spilling(), &Marks::default());
    let [sort, scan] = &tree.nodes[..] else {
        panic!("{tree:?}");
    };
    assert_eq!(sort.self_time, Some(Millis(6.0)));
    assert_eq!(sort.time_share, Some(0.6));
    assert_eq!((scan.depth, scan.parent), (1, Some(0)));
    assert_eq!(
        scan.remarks,
        [
            "60 of 100 rows removed by the filter",
            "100 times fewer rows than expected"
        ]
    );
    assert!(
        sort.remarks
            .contains(&"sort spilled 2 MB to disk".to_owned())
    );
    assert_eq!(scan.conditions[0].value, "(a > 1)");
    assert_eq!(tree.circumstances, "executed with the most common values");
    assert_eq!(tree.times[1].value, "0.25 ms, 1 call");
}

#[test]
fn evidence_marks_the_deepest_node_that_holds_it() {
    let at = |key: &str| {
        let marks = Marks::from([(1, format!("/plans/3/plan/{key}"))]);
        let tree = tree(spilling(), &marks);
        tree.nodes.iter().position(|node| node.findings == [1])
    };
    assert_eq!(at("Plan/Sort Space Used"), Some(0));
    assert_eq!(at("Plan/Plans/0/Rows Removed by Filter"), Some(1));
    assert_eq!(at("Plan/Total Cost"), None, "the cost is of the whole plan");
    assert_eq!(at("Execution Time"), None);
    let elsewhere = Marks::from([(1, "/plans/31/plan/Plan/Actual Rows".to_owned())]);
    assert_eq!(tree(spilling(), &elsewhere).findings(), [0_usize; 0]);
}

#[test]
fn shares_of_time_are_the_whole_on_every_version() {
    for major in 13..=18 {
        for (name, record) in real_plans(major) {
            let tree = PlanTree::of(0, None, &record, &Marks::default()).unwrap();
            let shares: Vec<f64> = tree
                .nodes
                .iter()
                .filter_map(|node| node.time_share)
                .collect();
            let sum: f64 = shares.iter().sum();
            assert!(
                shares.is_empty() || (sum - 1.0).abs() < 1e-9,
                "{major} {name}: {sum}"
            );
            for (place, node) in tree.nodes.iter().enumerate() {
                let above = node.parent.map(|parent| tree.nodes[parent].depth + 1);
                assert_eq!(node.depth, above.unwrap_or(0), "{major} {name}");
                assert!(node.parent.is_none_or(|parent| parent < place));
            }
        }
    }
}
