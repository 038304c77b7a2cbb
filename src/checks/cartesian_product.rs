//! `cartesian_product`: every row of one side is joined with every row of the other.

mod links;

use super::support::{Seen, Words, advice, each_seen};
use super::{Case, CasePlan, Category, Check, CheckMeta, Proposal, Threshold};
use crate::finding::{Action, CheckId, Recommendation, Unit};
use crate::format;
use crate::plan::{ConditionKind, JoinType, Node, NodeType, Relationship};
use crate::snapshot::Area;

static MIN_ROWS: Threshold<f64> = Threshold {
    key: "cartesian_product.min_rows",
    default: 100_000.0,
    unit: Unit::Rows,
    what: "rows of the product",
};

/// More rows than this on each side: one row multiplies nothing.
const ONE: f64 = 1.0;

static META: CheckMeta = CheckMeta {
    id: CheckId::new("cartesian_product"),
    title: "cartesian product",
    summary: "a join without any condition makes 100,000 rows or more",
    category: Category::Plan,
    needs: &[Area::Plans],
    thresholds: &[&MIN_ROWS],
    page: include_str!("cartesian_product.md"),
};

/// The check.
#[derive(Debug)]
pub struct CartesianProduct;

impl Check for CartesianProduct {
    fn meta(&self) -> &'static CheckMeta {
        &META
    }

    fn run(&self, case: &Case<'_>, found: &mut Vec<Proposal>) {
        each_seen(case, found, look);
    }
}

fn look(case: &Case<'_>, plan: &CasePlan<'_>, join: &Node) -> Option<Seen> {
    if join.node_type != NodeType::NestedLoop
        || join.condition(&ConditionKind::JoinFilter).is_some()
    {
        return None;
    }
    let outer = plan.plan.child(join, &Relationship::Outer)?;
    let inner = plan.plan.child(join, &Relationship::Inner)?;
    let rows = rows(plan, join)?;
    let sides = [rows_a_loop(plan, outer)?, rows_a_loop(plan, inner)?];
    let multiplies = sides.iter().all(|rows| *rows > ONE) && !stops_at_first_match(join);
    if rows < MIN_ROWS.of(case) || !multiplies || links::linked(&plan.plan, outer, inner) {
        return None;
    }
    let (key, label) = if plan.is_analyzed() {
        ("Actual Rows", "rows of the product")
    } else {
        ("Plan Rows", "rows of the product that the planner expects")
    };
    let proof = if plan.is_analyzed() {
        plan.total(label, rows, join, key)
    } else {
        plan.read(label, rows, Unit::Rows, join, key)
    };
    let side = |node, rows, which: &str| {
        plan.read(&format!("{which} rows a loop"), rows, Unit::Rows, node, key)
    };
    let [of_outer, of_inner] = sides;
    Some(Seen {
        title: format!("cartesian product: {} rows", format::count(rows)),
        proof,
        others: vec![
            side(outer, of_outer, "outer"),
            side(inner, of_inner, "inner"),
        ],
        advice: condition(&names(plan, outer), &names(plan, inner)),
        share: plan.share_of_loop(join),
        causes: Vec::new(),
        at_most: None,
    })
}

fn rows(plan: &CasePlan<'_>, join: &Node) -> Option<f64> {
    if plan.is_analyzed() {
        Some(plan.metrics_of(join).kept.get())
    } else {
        rows_a_loop(plan, join)
    }
}

fn rows_a_loop(plan: &CasePlan<'_>, node: &Node) -> Option<f64> {
    let rows = if plan.is_analyzed() {
        node.actual?.rows
    } else {
        node.planned?.rows
    };
    Some(rows.per_loop().get())
}

fn stops_at_first_match(join: &Node) -> bool {
    !matches!(
        join.join_type,
        None | Some(JoinType::Inner | JoinType::Left | JoinType::Right | JoinType::Full)
    )
}

/// The relations of a side, as the statement calls them.
fn names(plan: &CasePlan<'_>, side: &Node) -> String {
    let aliases: Vec<&str> = plan
        .plan
        .subtree(side)
        .filter_map(|node| node.target.alias.as_deref())
        .take(NAMED)
        .collect();
    if aliases.is_empty() {
        return plan.plan.label(side);
    }
    aliases.join(", ")
}

/// Relations of a side that the advice names.
const NAMED: usize = 3;

fn condition(outer: &str, inner: &str) -> Recommendation {
    let summary = format!(
        "add the condition that joins {outer} with {inner}; where every pair is meant, make them from fewer rows"
    );
    let words = Words {
        summary: &summary,
        expected: "only the pairs that belong together",
        risk: "the result changes: today every row of one side comes with every row of the other",
    };
    advice(Action::RewriteQuery, words)
}
