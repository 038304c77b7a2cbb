//! EXPLAIN's JSON as typed nodes. Iterative: the depth of a plan costs no stack.

use serde_json::{Map, Value};

use crate::ids::QueryId;
use crate::units::{Cost, Loops, PerLoop, Rows};

use super::error::PlanError;
use super::fields::Fields;
use super::node::{
    Actual, Condition, GatherInfo, ModifyInfo, Node, NodeId, Planned, Removed, Target, Worker,
};
use super::parse_usage as usage;
use super::usage::Trigger;
use super::vocabulary::{
    ConditionKind, JoinType, NodeType, Operation, PartialMode, Relationship, ScanDirection,
    Strategy,
};
use super::{Plan, PlanError as Error, text};

/// Levels of nodes that are read: more than [`crate::json`] reads. This limits values that were built by other means,
/// because every node carries its pointer.
const MAX_DEPTH: usize = 1000;

/// Levels of wrapping (rows of a driver, the array of EXPLAIN) around the EXPLAIN object.
const MAX_WRAPPING: usize = 4;

/// The EXPLAIN object within what a server, a driver or a log printed.
pub(super) fn explain_object(value: &Value) -> Result<&Map<String, Value>, PlanError> {
    let mut value = value;
    for _ in 0..MAX_WRAPPING {
        value = match value {
            Value::Object(map) if map.contains_key("Plan") => return Ok(map),
            Value::Object(map) => map.get("QUERY PLAN").ok_or(Error::NoPlan)?,
            Value::Array(items) => items.first().ok_or(Error::NoPlan)?,
            Value::String(words) if words.starts_with("Utility") => return Err(Error::Utility),
            Value::String(words) => return Err(text::format_of(words)),
            _ => return Err(Error::NoPlan),
        };
    }
    Err(Error::NoPlan)
}

/// A plan from the EXPLAIN object.
pub(super) fn plan(object: &Map<String, Value>) -> Result<Plan, PlanError> {
    let mut fields = Fields::new(object);
    let root = fields
        .read("Plan", Value::as_object)
        .filter(|root| root.contains_key("Node Type"))
        .ok_or(Error::NoPlan)?;
    let mut nodes = nodes(root)?.into_iter();
    let root = nodes.next().ok_or(Error::NoPlan)?;
    Ok(Plan {
        root,
        others: nodes.collect(),
        query_text: fields.text("Query Text"),
        query_parameters: fields.text("Query Parameters"),
        query_identifier: fields.count("Query Identifier").map(QueryId),
        planning_time: fields.millis("Planning Time"),
        execution_time: fields.millis("Execution Time"),
        planning: fields.object("Planning").map(usage::planning),
        triggers: fields
            .objects("Triggers")
            .into_iter()
            .map(trigger)
            .collect(),
        jit: fields.object("JIT").map(usage::jit),
        settings: fields
            .object("Settings")
            .map(Fields::rest)
            .unwrap_or_default()
            .into_iter()
            .map(|(name, value)| (name, value.as_str().map(str::to_owned)))
            .collect(),
        serialization: fields.object("Serialization").map(usage::serialization),
        extra: fields.rest(),
    })
}

/// A node still to be read: its object, pointer, parent and depth.
struct Pending<'a> {
    object: &'a Map<String, Value>,
    pointer: String,
    parent: Option<NodeId>,
    depth: usize,
}

/// The nodes in EXPLAIN's order, every one before its children.
fn nodes(root: &Map<String, Value>) -> Result<Vec<Node>, PlanError> {
    let mut nodes: Vec<Node> = Vec::new();
    let mut pending = vec![Pending {
        object: root,
        pointer: "/Plan".to_owned(),
        parent: None,
        depth: 1,
    }];
    while let Some(next) = pending.pop() {
        if next.depth > MAX_DEPTH {
            return Err(Error::TooDeep { limit: MAX_DEPTH });
        }
        let id = NodeId(nodes.len());
        let mut fields = Fields::new(next.object);
        let below = children(&mut fields, &next, id)?;
        let node = node(fields, id, &next).ok_or(Error::Damaged {
            pointer: next.pointer,
        })?;
        nodes.push(node);
        if let Some(parent) = next.parent.and_then(|parent| nodes.get_mut(parent.0)) {
            parent.children.push(id);
        }
        pending.extend(below.into_iter().rev());
    }
    Ok(nodes)
}

fn children<'a>(
    fields: &mut Fields<'a>,
    node: &Pending<'a>,
    id: NodeId,
) -> Result<Vec<Pending<'a>>, PlanError> {
    let Some(items) = fields.read("Plans", Value::as_array) else {
        return Ok(Vec::new());
    };
    items
        .iter()
        .enumerate()
        .map(|(index, item)| {
            let pointer = format!("{}/Plans/{index}", node.pointer);
            match item.as_object() {
                Some(object) => Ok(Pending {
                    object,
                    pointer,
                    parent: Some(id),
                    depth: node.depth + 1,
                }),
                None => Err(Error::Damaged { pointer }),
            }
        })
        .collect()
}

fn node(mut fields: Fields<'_>, id: NodeId, at: &Pending<'_>) -> Option<Node> {
    let node_type = fields.word("Node Type", NodeType::from_word)?;
    Some(Node {
        id,
        parent: at.parent,
        children: Vec::new(),
        pointer: at.pointer.clone(),
        strategy: fields.word("Strategy", Strategy::from_word),
        partial_mode: fields.word("Partial Mode", PartialMode::from_word),
        operation: fields.word("Operation", Operation::from_word),
        relationship: fields.word("Parent Relationship", Relationship::from_word),
        subplan_name: fields.text("Subplan Name"),
        custom_provider: fields.text("Custom Plan Provider"),
        parallel_aware: fields.flag("Parallel Aware").unwrap_or(false),
        async_capable: fields.flag("Async Capable").unwrap_or(false),
        disabled: fields.flag("Disabled"),
        target: target(&mut fields),
        scan_direction: fields.word("Scan Direction", ScanDirection::from_word),
        join_type: fields.word("Join Type", JoinType::from_word),
        inner_unique: fields.flag("Inner Unique").unwrap_or(false),
        set_command: fields.text("Command"),
        planned: planned(&mut fields),
        actual: actual(&mut fields),
        removed: removed(&mut fields),
        conditions: conditions(&mut fields),
        output: fields.texts("Output"),
        sort_key: fields.texts("Sort Key"),
        presorted_key: fields.texts("Presorted Key"),
        group_key: fields.texts("Group Key"),
        sort: usage::sort(&mut fields),
        full_sort_groups: usage::sort_groups(&mut fields, "Full-sort Groups"),
        presorted_groups: usage::sort_groups(&mut fields, "Pre-sorted Groups"),
        hash: match node_type {
            NodeType::Hash => usage::hash(&mut fields),
            _ => None,
        },
        hash_aggregate: match node_type {
            NodeType::Aggregate => usage::hash_aggregate(&mut fields),
            _ => None,
        },
        cache_key: fields.text("Cache Key"),
        cache_mode: fields.text("Cache Mode"),
        memoize: usage::memoize(&mut fields),
        storage: usage::storage(&mut fields),
        heap_blocks: usage::heap_blocks(&mut fields),
        heap_fetches: fields.count("Heap Fetches"),
        index_searches: fields.count("Index Searches"),
        gather: gather(&mut fields),
        subplans_removed: fields.count("Subplans Removed"),
        modify: match node_type {
            NodeType::ModifyTable => Some(modify(&mut fields)),
            _ => None,
        },
        buffers: usage::buffers(&mut fields),
        io_times: usage::io_times(&mut fields),
        wal: usage::wal(&mut fields),
        workers: fields
            .objects("Workers")
            .into_iter()
            .map(|worker_fields| worker(worker_fields, &node_type))
            .collect(),
        node_type,
        extra: fields.rest(),
    })
}

fn target(fields: &mut Fields<'_>) -> Target {
    Target {
        relation: fields.text("Relation Name"),
        schema: fields.text("Schema"),
        alias: fields.text("Alias"),
        index: fields.text("Index Name"),
        function: fields
            .text("Function Name")
            .or_else(|| fields.text("Table Function Name")),
        cte: fields.text("CTE Name"),
        tuplestore: fields.text("Tuplestore Name"),
    }
}

fn planned(fields: &mut Fields<'_>) -> Option<Planned> {
    Some(Planned {
        startup_cost: Cost(fields.number("Startup Cost")?),
        total_cost: Cost(fields.number("Total Cost")?),
        rows: PerLoop::new(Rows(fields.number("Plan Rows")?)),
        width: fields.count("Plan Width").unwrap_or(0),
    })
}

fn actual(fields: &mut Fields<'_>) -> Option<Actual> {
    let loops = fields.number("Actual Loops")?.max(0.0);
    let (rows, is_whole) = fields.read("Actual Rows", |value| {
        let rows = value.as_f64().filter(|rows| rows.is_finite())?;
        Some((rows, value.is_i64() || value.is_u64()))
    })?;
    let rounding = match (loops > 1.0, is_whole) {
        (false, _) => 0.0,
        (true, true) => 0.5,
        (true, false) => 0.005,
    };
    Some(Actual {
        startup_time: fields.millis("Actual Startup Time").map(PerLoop::new),
        total_time: fields.millis("Actual Total Time").map(PerLoop::new),
        rows: PerLoop::new(Rows(rows)),
        rows_rounding: PerLoop::new(Rows(rounding)),
        loops: Loops(loops),
    })
}

fn removed(fields: &mut Fields<'_>) -> Removed {
    let mut rows = |key| fields.number(key).map(|rows| PerLoop::new(Rows(rows)));
    Removed {
        filter: rows("Rows Removed by Filter"),
        join_filter: rows("Rows Removed by Join Filter"),
        index_recheck: rows("Rows Removed by Index Recheck"),
        conflict_filter: rows("Rows Removed by Conflict Filter"),
    }
}

fn conditions(fields: &mut Fields<'_>) -> Vec<Condition> {
    ConditionKind::KEYS
        .iter()
        .filter_map(|key| {
            Some(Condition {
                kind: ConditionKind::from_word(key),
                text: fields.text(key)?,
            })
        })
        .collect()
}

fn gather(fields: &mut Fields<'_>) -> Option<GatherInfo> {
    Some(GatherInfo {
        planned: fields.count("Workers Planned")?,
        launched: fields.count("Workers Launched"),
        single_copy: fields.flag("Single Copy").unwrap_or(false),
        params_evaluated: fields.texts("Params Evaluated"),
    })
}

fn modify(fields: &mut Fields<'_>) -> ModifyInfo {
    ModifyInfo {
        targets: fields
            .objects("Target Tables")
            .iter_mut()
            .map(target)
            .collect(),
        conflict_resolution: fields.text("Conflict Resolution"),
        arbiter_indexes: fields.texts("Conflict Arbiter Indexes"),
        inserted: fields.count("Tuples Inserted"),
        conflicting: fields.count("Conflicting Tuples"),
        updated: fields.count("Tuples Updated"),
        deleted: fields.count("Tuples Deleted"),
        skipped: fields.count("Tuples Skipped"),
    }
}

fn worker(mut fields: Fields<'_>, node_type: &NodeType) -> Worker {
    Worker {
        number: fields.count("Worker Number").unwrap_or(-1),
        actual: actual(&mut fields),
        sort: usage::sort(&mut fields),
        full_sort_groups: usage::sort_groups(&mut fields, "Full-sort Groups"),
        presorted_groups: usage::sort_groups(&mut fields, "Pre-sorted Groups"),
        hash_aggregate: match node_type {
            NodeType::Aggregate => usage::hash_aggregate(&mut fields),
            _ => None,
        },
        memoize: usage::memoize(&mut fields),
        heap_blocks: usage::heap_blocks(&mut fields),
        buffers: usage::buffers(&mut fields),
        jit: fields.object("JIT").map(usage::jit),
        extra: fields.rest(),
    }
}

fn trigger(mut fields: Fields<'_>) -> Trigger {
    Trigger {
        name: fields.text("Trigger Name").unwrap_or_default(),
        constraint: fields.text("Constraint Name"),
        relation: fields.text("Relation"),
        time: fields.millis("Time"),
        calls: fields.count("Calls").unwrap_or(0),
        extra: fields.rest().into_iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::units::Millis;

    fn parsed(value: &Value) -> Plan {
        Plan::parse(value).unwrap()
    }

    #[test]
    fn the_plan_is_found_in_its_wrappings() {
        let object = json!({"Plan": {"Node Type": "Result"}});
        for value in [
            object.clone(),
            json!([object]),
            json!([object, object]),
            json!([{"QUERY PLAN": [object]}]),
        ] {
            assert_eq!(parsed(&value).root().node_type, NodeType::Result);
        }
        for (value, error) in [
            (json!(null), Error::NoPlan),
            (json!([]), Error::NoPlan),
            (json!({"Plan": 1}), Error::NoPlan),
            (json!({"Plan": {}}), Error::NoPlan),
            (json!(["Utility Statement"]), Error::Utility),
            (
                json!("Seq Scan on t  (cost=0.00..1.00 rows=1 width=4)"),
                Error::TextFormat,
            ),
            (
                json!({"Plan": {"Node Type": "Limit", "Plans": [{"Node Type": "Sort", "Plans": [7]}]}}),
                Error::Damaged {
                    pointer: "/Plan/Plans/0/Plans/0".to_owned(),
                },
            ),
        ] {
            assert_eq!(Plan::parse(&value), Err(error), "{value}");
        }
    }

    #[test]
    fn what_is_not_understood_is_kept() {
        let plan = parsed(&json!({
            "Plan": {"Node Type": "Quantum Scan", "Plan Rows": "many", "Filter": 7, "Entanglement": {"a": [1]}},
            "Remarks": "none",
        }));
        assert_eq!(
            plan.root().node_type,
            NodeType::Other("Quantum Scan".to_owned())
        );
        let kept: Vec<&str> = plan.root().extra.keys().map(String::as_str).collect();
        assert_eq!(kept, ["Entanglement", "Filter", "Plan Rows"]);
        assert_eq!(plan.extra["Remarks"], "none");
    }

    #[test]
    fn names_that_versions_changed_mean_the_same() {
        for key in ["I/O Read Time", "Shared I/O Read Time"] {
            let plan = parsed(&json!({"Plan": {"Node Type": "Result", key: 1.5}}));
            assert_eq!(plan.root().io_times.shared_read, Some(Millis(1.5)));
        }
        for (generation, deform) in [
            (json!(2.5), None),
            (json!({"Deform": 0.5, "Total": 2.5}), Some(Millis(0.5))),
        ] {
            let jit = parsed(&json!({
                "Plan": {"Node Type": "Result"},
                "JIT": {"Functions": 3, "Options": {"Inlining": true},
                        "Timing": {"Generation": generation, "Inlining": 1.0, "Optimization": 4.0, "Emission": 3.0, "Total": 10.5}},
            }))
            .jit
            .unwrap();
            assert_eq!((jit.generation, jit.deform), (Some(Millis(2.5)), deform));
            assert_eq!(jit.total, Some(Millis(10.5)));
            assert_eq!(jit.options, [("Inlining".to_owned(), true)]);
        }
    }

    #[test]
    fn averages_are_as_exact_as_the_version_prints_them() {
        for (rows, loops, rounding) in [
            (json!(3), 1, 0.0),
            (json!(3), 10, 0.5),
            (json!(3.25), 10, 0.005),
        ] {
            let plan = parsed(
                &json!({"Plan": {"Node Type": "Result", "Actual Rows": rows, "Actual Loops": loops}}),
            );
            let actual = plan.root().actual.unwrap();
            assert_eq!(actual.rows_rounding.per_loop(), Rows(rounding));
            assert_eq!(actual.total_time, None);
        }
    }
}
