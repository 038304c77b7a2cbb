//! `index_filter_inefficient`: an index finds many rows that a filter then throws away.

use super::support::{Scan, Told, Words, advice, each_node, filter_facts};
use super::{AnyThreshold, Case, CasePlan, Category, Check, CheckMeta, Proposal, Threshold};
use crate::finding::{Action, CheckId, Evidence, Recommendation, Unit};
use crate::format;
use crate::plan::{ConditionKind, Node, NodeType};
use crate::snapshot::Area;

static MIN_REMOVED: Threshold<f64> = Threshold {
    key: "index_filter_inefficient.min_rows_removed",
    default: 10_000.0,
    unit: Unit::Rows,
    what: "rows that the filter removes",
};

static MIN_FACTOR: Threshold<f64> = Threshold {
    key: "index_filter_inefficient.min_factor",
    default: 10.0,
    unit: Unit::Factor,
    what: "rows removed for each one kept",
};

/// What [`wasted`] asks.
pub const WASTED: &[&dyn AnyThreshold] = &[&MIN_REMOVED, &MIN_FACTOR];

/// The check's id.
pub const ID: CheckId = CheckId::new("index_filter_inefficient");

static META: CheckMeta = CheckMeta {
    id: ID,
    title: "index too coarse",
    summary: "an index scan's filter removes 10,000 rows or more and 10 times as many as it keeps",
    category: Category::Plan,
    needs: &[Area::Plans],
    thresholds: WASTED,
    page: include_str!("index_filter_inefficient.md"),
};

/// The check.
#[derive(Debug)]
pub struct IndexFilterInefficient;

impl Check for IndexFilterInefficient {
    fn meta(&self) -> &'static CheckMeta {
        &META
    }

    fn run(&self, case: &Case<'_>, found: &mut Vec<Proposal>) {
        each_node(case, found, propose);
    }
}

/// Rows that an index finds and a filter throws away.
#[derive(Debug)]
pub struct Wasted {
    /// Rows thrown away.
    pub removed: f64,
    /// Rows kept.
    pub kept: f64,
    /// The number that proves it.
    pub proof: Evidence,
    /// The other one of the two.
    pub other: Evidence,
}

/// What the filter of an executed index scan throws away; `None` where that is little.
pub fn wasted(case: &Case<'_>, plan: &CasePlan<'_>, node: &Node) -> Option<Wasted> {
    let kind = matches!(
        node.node_type,
        NodeType::IndexScan | NodeType::IndexOnlyScan | NodeType::BitmapHeapScan
    );
    if !kind || !plan.is_analyzed() {
        return None;
    }
    let metrics = plan.metrics_of(node);
    let removed = metrics.removed.filter?.get();
    let kept = metrics.kept.get();
    let label = "rows removed by the filter";
    (removed >= MIN_REMOVED.of(case) && removed >= MIN_FACTOR.of(case) * kept).then(|| Wasted {
        removed,
        kept,
        proof: plan.total(label, removed, node, "Rows Removed by Filter"),
        other: plan.total("rows kept", kept, node, "Actual Rows"),
    })
}

fn propose<'a>(case: &Case<'a>, plan: &CasePlan<'a>, node: &Node) -> Option<Proposal> {
    let wasted = wasted(case, plan, node)?;
    let conditions = [
        ConditionKind::IndexCond,
        ConditionKind::RecheckCond,
        ConditionKind::Filter,
    ];
    let scan = Scan::of_root(case, plan, node, &conditions)?;
    let title = format!(
        "index too coarse on {}: {} rows fetched and thrown away",
        scan.label(),
        format::count(wasted.removed)
    );
    let told = Told {
        title,
        proof: wasted.proof,
        others: vec![wasted.other],
        advice: finer(&scan, &alternatives(case, plan, node)),
    };
    Some(scan.proposal(case, plan, node, told))
}

fn finer(scan: &Scan<'_>, alternatives: &[String]) -> Recommendation {
    let name = &scan.name;
    let expected = "fetches the rows it keeps; missing_index gives the planner's answer where it could be asked";
    if alternatives.len() > 1 {
        let summary = format!(
            "index {name} by each alternative of the OR on its own: {}; in a join, write one alternative at a time and put the results together with UNION",
            alternatives.join("; ")
        );
        let words = Words {
            summary: &summary,
            expected,
            risk: "UNION removes equal rows: keep a key in the result where they must stay; every write keeps the indexes",
        };
        return advice(Action::CreateIndex, words);
    }
    let summary = format!(
        "index {name} by the index's columns and the filter's together: {}",
        scan.column_list()
    );
    let words = Words {
        summary: &summary,
        expected,
        risk: "a wider index; where it begins with an existing one's columns it can replace that one",
    };
    advice(Action::CreateIndex, words)
}

/// The columns of a filter that is an OR and nothing else: one index on all of them serves none of its parts.
fn alternatives(case: &Case<'_>, plan: &CasePlan<'_>, node: &Node) -> Vec<String> {
    let facts = filter_facts(case, plan, node);
    let predicates = facts.into_iter().flat_map(|facts| facts.relations);
    let mut columns: Vec<String> = Vec::new();
    let mut one = None;
    for predicate in predicates.flat_map(|scan| scan.predicates) {
        let Some(arm) = predicate.arms.first() else {
            return Vec::new();
        };
        if one
            .replace(arm.group)
            .is_some_and(|known| known != arm.group)
        {
            return Vec::new();
        }
        for column in predicate.operand.columns() {
            if !columns.contains(column) {
                columns.push(column.clone());
            }
        }
    }
    columns
}
