//! Nodes that were not asked for all their rows. Their actual rows say nothing about an estimate that was too high.

use crate::plan::{ConditionKind, JoinType, Node, NodeType, Plan, Relationship};
use crate::units::Rows;

use super::estimate::Excuse;
use super::table::Table;

/// How often CTEs are looked at again: a CTE that is read by another needs that one's verdict first.
const MAX_PASSES: usize = 16;

/// Why each node may have been stopped before its end; `None` for a node that ran to it.
pub(super) fn stopped(plan: &Plan) -> Table<Option<Excuse>> {
    let mut stopped = Table::new(plan);
    for _ in 0..MAX_PASSES {
        let before = stopped.clone();
        for node in plan.nodes() {
            let why = plan
                .parent(node)
                .and_then(|parent| why(plan, node, parent, &stopped));
            stopped.set(node.id, why);
        }
        if stopped == before {
            break;
        }
    }
    stopped
}

fn why(plan: &Plan, node: &Node, parent: &Node, stopped: &Table<Option<Excuse>>) -> Option<Excuse> {
    if node.cte_name().is_some() {
        return cte(plan, node, stopped);
    }
    match node.relationship {
        // EXISTS and ANY take the first row that decides, a scalar sub-query one (nodeSubplan.c); the estimate is of
        // all rows.
        Some(Relationship::InitPlan) => Some(Excuse::SubPlanFirstRow),
        Some(Relationship::SubPlan) if !plan.is_hashed_sub_plan(node) => {
            Some(Excuse::SubPlanFirstRow)
        }
        Some(Relationship::SubPlan) => None,
        _ => by_parent(plan, node, parent).or_else(|| {
            if parent.is_blocking() {
                None
            } else {
                stopped.get(parent.id)
            }
        }),
    }
}

/// A CTE is read as far as its most patient reader goes.
fn cte(plan: &Plan, top: &Node, stopped: &Table<Option<Excuse>>) -> Option<Excuse> {
    if top.is_blocking() && top.node_type == NodeType::ModifyTable {
        return None;
    }
    let mut readers = plan
        .nodes()
        .filter(|scan| plan.cte_of(scan).is_some_and(|cte| cte.id == top.id))
        .map(|scan| stopped.get(scan.id));
    let first = readers.next()??;
    readers.all(|reader| reader.is_some()).then_some(first)
}

fn by_parent(plan: &Plan, node: &Node, parent: &Node) -> Option<Excuse> {
    let is_inner = node.relationship == Some(Relationship::Inner);
    match parent.node_type {
        NodeType::Limit if limit_was_reached(parent) => Some(Excuse::BelowLimit),
        // The loop goes on to the next outer row after the first match (nodeNestloop.c, `js.single_match`).
        NodeType::NestedLoop if is_inner && single_match(parent) => Some(Excuse::SingleMatch),
        // It ends as soon as one side does (nodeMergejoin.c).
        NodeType::MergeJoin => Some(Excuse::BelowMergeJoin),
        // An empty table needs no outer rows beyond the first (nodeHashjoin.c, HJ_BUILD_HASHTABLE).
        NodeType::HashJoin if !is_inner && hash_table_is_empty(plan, parent) => {
            Some(Excuse::EmptyHashTable)
        }
        // Rows past the condition need not be read (15; nodeWindowAgg.c, WINDOWAGG_PASSTHROUGH).
        NodeType::WindowAgg if parent.condition(&ConditionKind::RunCondition).is_some() => {
            Some(Excuse::BelowRunCondition)
        }
        _ => None,
    }
}

fn single_match(join: &Node) -> bool {
    join.inner_unique || matches!(join.join_type, Some(JoinType::Semi | JoinType::Anti))
}

/// A Limit that returned fewer rows than it was to return came to the end of its input, which therefore ran completely.
/// Of several loops some may have reached it, so that nothing is known.
fn limit_was_reached(limit: &Node) -> bool {
    let (Some(planned), Some(actual)) = (limit.planned, limit.actual) else {
        return true;
    };
    actual.loops.get() > 1.0 || actual.rows.per_loop() >= planned.rows.per_loop()
}

fn hash_table_is_empty(plan: &Plan, join: &Node) -> bool {
    let rows = |relationship| {
        let actual = plan.child(join, &relationship)?.actual?;
        Some(actual.rows.per_loop())
    };
    rows(Relationship::Inner).is_some_and(|inner| inner <= Rows(0.0))
        && rows(Relationship::Outer).is_some_and(|outer| outer <= Rows(1.0))
}
