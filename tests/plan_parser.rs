//! Nothing that looks like a plan makes the parser or the metrics panic.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs;
use std::path::Path;

use pgtriage::plan::metrics::Metrics;
use pgtriage::plan::{Plan, columns, read_text};
use pgtriage::units::Rows;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Map, Value, json};

/// Every captured plan.
fn captured() -> Vec<Value> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/plans");
    let mut paths: Vec<_> = (13..=18)
        .flat_map(|major| fs::read_dir(directory.join(major.to_string())).unwrap())
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    paths
        .iter()
        .map(|path| read_text(&fs::read_to_string(path).unwrap()).unwrap())
        .collect()
}

/// All that is derived from a plan; must not panic whatever the plan says.
fn exercise(value: &Value) {
    let Ok(plan) = Plan::parse(value) else {
        return;
    };
    let metrics = Metrics::of(&plan);
    metrics.deepest_misestimates(&plan, 2.0, Rows(1.0));
    for node in plan.nodes() {
        plan.label(node);
        plan.disabled(node);
        plan.under_limit_without_blocking(node);
        plan.cte_of(node);
        plan.subtree(node).count();
        metrics.node(node.id).loops_per_process();
        for text in node.expressions() {
            columns(text);
        }
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any_word().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 60, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((any_word(), inner), 0..10)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

fn any_word() -> impl Strategy<Value = String> {
    select(vec![
        "Plan",
        "Plans",
        "Node Type",
        "Seq Scan",
        "Gather",
        "Nested Loop",
        "Merge Join",
        "Hash",
        "CTE Scan",
        "Limit",
        "Parent Relationship",
        "Outer",
        "Inner",
        "InitPlan",
        "SubPlan",
        "Subplan Name",
        "CTE a",
        "InitPlan 1 (returns $0)",
        "CTE Name",
        "a",
        "Filter",
        "$0",
        "Actual Rows",
        "Actual Loops",
        "Actual Total Time",
        "Plan Rows",
        "Total Cost",
        "Startup Cost",
        "Workers",
        "Workers Planned",
        "Workers Launched",
        "Shared Hit Blocks",
        "Temp Read Blocks",
        "Triggers",
        "Time",
        "JIT",
        "Timing",
        "Generation",
        "Full-sort Groups",
        "Execution Time",
        "Query Text",
        "QUERY PLAN",
    ])
    .prop_map(str::to_owned)
}

/// One change to a plan: a value, by its position among all values, becomes another, or disappears, or is doubled.
#[derive(Debug, Clone)]
struct Mutation {
    at: Index,
    with: Option<Value>,
}

fn any_mutation() -> impl Strategy<Value = Mutation> {
    let value = prop_oneof![
        4 => any_json().prop_map(Some),
        2 => select(vec![0.0, -1.0, 1e300, 0.5, 1e9]).prop_map(|number| Some(json!(number))),
        1 => select(vec![i64::MAX, i64::MIN, -1, 0]).prop_map(|number| Some(json!(number))),
        1 => any_word().prop_map(|word| Some(json!(word))),
        2 => Just(None),
    ];
    (any::<Index>(), value).prop_map(|(at, with)| Mutation { at, with })
}

fn count(value: &Value) -> usize {
    match value {
        Value::Array(items) => items.iter().map(|item| 1 + count(item)).sum(),
        Value::Object(map) => map.values().map(|item| 1 + count(item)).sum(),
        _ => 0,
    }
}

/// Applies `with` to the value number `at`, counted depth first; `at` is counted down.
fn replace(value: &mut Value, at: &mut usize, with: Option<&Value>) {
    let take = |at: &mut usize| {
        let here = *at == 0;
        *at = at.wrapping_sub(1);
        here
    };
    match value {
        Value::Array(items) => {
            for index in 0..items.len() {
                if take(at) {
                    match with {
                        Some(with) => items[index] = with.clone(),
                        None => items.push(items[index].clone()),
                    }
                    return;
                }
                replace(&mut items[index], at, with);
            }
        }
        Value::Object(map) => {
            let keys: Vec<String> = map.keys().cloned().collect();
            for key in keys {
                if take(at) {
                    match with {
                        Some(with) => map.insert(key, with.clone()),
                        None => map.remove(&key),
                    };
                    return;
                }
                replace(&mut map[&key], at, with);
            }
        }
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 5000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_json_never_panics(value in any_json()) {
        exercise(&value);
        let mut node = Map::new();
        node.insert("Node Type".to_owned(), json!("Append"));
        node.insert("Plans".to_owned(), json!([{"Node Type": "Result", "Plans": [value.clone()]}]));
        node.extend(value.as_object().cloned().unwrap_or_default());
        exercise(&json!({ "Plan": node }));
    }

    #[test]
    fn arbitrary_text_never_panics(text in "\\PC{0,80}") {
        let _ = read_text(&text);
        columns(&text);
    }
}

#[test]
fn mutated_plans_never_panic() {
    let plans = captured();
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: 10_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let cases = (any::<Index>(), prop::collection::vec(any_mutation(), 1..5));
    runner
        .run(&cases, |(which, mutations)| {
            let mut plan = plans[which.index(plans.len())].clone();
            for mutation in mutations {
                let mut at = mutation.at.index(count(&plan).max(1));
                replace(&mut plan, &mut at, mutation.with.as_ref());
            }
            exercise(&plan);
            Ok(())
        })
        .unwrap();
}

#[test]
fn depth_costs_no_stack() {
    let mut node = json!({"Node Type": "Result"});
    for _ in 0..900 {
        node = json!({"Node Type": "Limit", "Parent Relationship": "Outer", "Plans": [node]});
    }
    let value = json!({ "Plan": node });
    assert_eq!(Plan::parse(&value).unwrap().node_count(), 901);
    exercise(&value);
}
