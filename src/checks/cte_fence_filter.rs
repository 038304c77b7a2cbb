//! `cte_fence_filter`: a CTE is computed in full, and a filter then throws most of it away.

use super::support::{Seen, Words, advice, each_seen};
use super::{Case, CasePlan, Category, Check, CheckMeta, Proposal, Threshold};
use crate::finding::{Action, CheckId, Evidence, Recommendation, Unit};
use crate::format;
use crate::plan::{ConditionKind, Node, NodeType, columns};
use crate::snapshot::Area;
use crate::units::Rows;

static MIN_REMOVED: Threshold<f64> = Threshold {
    key: "cte_fence_filter.min_rows_removed",
    default: 10_000.0,
    unit: Unit::Rows,
    what: "rows of the CTE thrown away",
};

static MIN_FACTOR: Threshold<f64> = Threshold {
    key: "cte_fence_filter.min_factor",
    default: 10.0,
    unit: Unit::Factor,
    what: "rows thrown away for each one kept",
};

/// The check's id.
pub const ID: CheckId = CheckId::new("cte_fence_filter");

static META: CheckMeta = CheckMeta {
    id: ID,
    title: "filter above a CTE",
    summary: "the filters on a CTE throw away 10,000 of its rows or more, and 10 times as many as they keep",
    category: Category::Plan,
    needs: &[Area::Plans],
    thresholds: &[&MIN_REMOVED, &MIN_FACTOR],
    page: include_str!("cte_fence_filter.md"),
};

/// The check.
#[derive(Debug)]
pub struct CteFenceFilter;

impl Check for CteFenceFilter {
    fn meta(&self) -> &'static CheckMeta {
        &META
    }

    fn run(&self, case: &Case<'_>, found: &mut Vec<Proposal>) {
        each_seen(case, found, look);
    }
}

fn look(case: &Case<'_>, plan: &CasePlan<'_>, cte: &Node) -> Option<Seen> {
    let name = cte.cte_name()?;
    let scans: Vec<&Node> = scans(plan, cte).collect();
    if !can_be_inlined(plan, cte, &scans) {
        return None;
    }
    let rows = if plan.is_analyzed() {
        measured(plan, &scans)?
    } else {
        planned(plan, cte, &scans)?
    };
    if rows.removed < MIN_REMOVED.of(case) || rows.removed < MIN_FACTOR.of(case) * rows.kept {
        return None;
    }
    let own: f64 = scans.iter().map(|scan| plan.own_share(scan)).sum();
    Some(Seen {
        title: format!(
            "filter above a CTE: {} of {} rows of {name} thrown away",
            format::count(rows.removed),
            format::count(rows.removed + rows.kept)
        ),
        proof: rows.proof,
        others: vec![rows.other],
        advice: inline(name),
        share: (1.0 - plan.share_beside(cte) + own).min(1.0),
        causes: Vec::new(),
        at_most: None,
    })
}

/// The scans that read a CTE.
fn scans<'p>(plan: &'p CasePlan<'_>, cte: &'p Node) -> impl Iterator<Item = &'p Node> {
    let nodes = plan.plan.nodes();
    nodes.filter(|scan| plan.plan.cte_of(scan).is_some_and(|read| read.id == cte.id))
}

/// Whether `NOT MATERIALIZED` would have an effect, and let the filters reach the tables: not where the CTE is
/// recursive or writes, and not through a LIMIT, a window or the result of an aggregate.
fn can_be_inlined(plan: &CasePlan<'_>, cte: &Node, scans: &[&Node]) -> bool {
    match cte.node_type {
        NodeType::RecursiveUnion
        | NodeType::ModifyTable
        | NodeType::LockRows
        | NodeType::Limit
        | NodeType::WindowAgg => false,
        NodeType::Aggregate | NodeType::Group => {
            let keys: Vec<String> = cte
                .group_key
                .iter()
                .flat_map(|key| columns(key))
                .map(|column| column.name)
                .collect();
            scans.iter().all(|scan| {
                let filter = scan.condition(&ConditionKind::Filter).unwrap_or_default();
                columns(filter)
                    .iter()
                    .all(|column| keys.contains(&column.name))
            })
        }
        // What a SELECT list computes from a group, a window or a set of pages.
        NodeType::SubqueryScan | NodeType::Sort | NodeType::Result | NodeType::Unique => plan
            .plan
            .inputs(cte)
            .all(|input| can_be_inlined(plan, input, scans)),
        _ => true,
    }
}

struct Filtered {
    removed: f64,
    kept: f64,
    proof: Evidence,
    other: Evidence,
}

const REMOVED: &str = "rows of the CTE thrown away";
const KEPT: &str = "rows of it kept";

/// Over all scans of the CTE: where one of them needs all rows, computing them once is right.
fn measured(plan: &CasePlan<'_>, scans: &[&Node]) -> Option<Filtered> {
    let ran: Vec<&Node> = scans
        .iter()
        .copied()
        .filter(|scan| scan.executed())
        .collect();
    let metrics = |scan: &&Node| plan.metrics_of(scan).clone();
    let removed = |scan: &&Node| metrics(scan).removed.filter.map(Rows::get);
    let filtered: Vec<&Node> = ran
        .iter()
        .copied()
        .filter(|scan| removed(scan).is_some())
        .collect();
    let total = |key: &str, nodes: &[&Node]| {
        let terms: Vec<String> = nodes
            .iter()
            .map(|scan| {
                format!(
                    "{} * {}",
                    plan.term(scan, key),
                    plan.term(scan, "Actual Loops")
                )
            })
            .collect();
        terms.join(" + ")
    };
    if filtered.is_empty() {
        return None;
    }
    let thrown_away: f64 = filtered.iter().filter_map(removed).sum();
    let kept: f64 = ran.iter().map(|scan| metrics(scan).kept.get()).sum();
    let rows = |label, value, formula| plan.computed(label, value, Unit::Rows, formula);
    Some(Filtered {
        removed: thrown_away,
        kept,
        proof: rows(
            REMOVED,
            thrown_away,
            total("Rows Removed by Filter", &filtered),
        ),
        other: rows(KEPT, kept, total("Actual Rows", &ran)),
    })
}

fn planned(plan: &CasePlan<'_>, cte: &Node, scans: &[&Node]) -> Option<Filtered> {
    let rows = |node: &Node| Some(node.planned?.rows.per_loop().get());
    let mut filters = scans
        .iter()
        .map(|scan| scan.condition(&ConditionKind::Filter));
    if scans.is_empty() || filters.any(|filter| filter.is_none()) {
        return None;
    }
    let whole = rows(cte)?;
    let read: f64 = scans.iter().map(|_| whole).sum();
    let kept: Option<f64> = scans.iter().map(|scan| rows(scan)).sum();
    let kept = kept?;
    let terms: Vec<String> = scans
        .iter()
        .map(|scan| plan.term(scan, "Plan Rows"))
        .collect();
    let kept_formula = terms.join(" + ");
    let formula = format!(
        "{} * {} - ({kept_formula})",
        plan.term(cte, "Plan Rows"),
        scans.len()
    );
    let evidence = |label, value, formula| plan.computed(label, value, Unit::Rows, formula);
    Some(Filtered {
        removed: read - kept,
        kept,
        proof: evidence(
            "rows of the CTE that the planner expects to throw away",
            read - kept,
            formula,
        ),
        other: evidence("rows of it that it expects to keep", kept, kept_formula),
    })
}

fn inline(name: &str) -> Recommendation {
    let summary = format!(
        "write WITH {name} AS NOT MATERIALIZED (…), or a sub-query in FROM: the filter then reaches the tables and their indexes"
    );
    let words = Words {
        summary: &summary,
        expected: "only the rows that pass the filter are computed",
        risk: "what the CTE computes is computed for each of its uses; volatile functions in it keep it apart",
    };
    advice(Action::RewriteQuery, words)
}
