//! `recheck_false_positives`: an index finds rows that do not meet its own condition.

use super::support::{Scan, Told, Words, advice, each_node};
use super::{Case, CasePlan, Category, Check, CheckMeta, Proposal, Threshold};
use crate::finding::{Action, CheckId, Unit};
use crate::format;
use crate::plan::{ConditionKind, HeapBlocks, Node, NodeType};
use crate::snapshot::Area;

static MIN_REMOVED: Threshold<f64> = Threshold {
    key: "recheck_false_positives.min_rows_removed",
    default: 1_000.0,
    unit: Unit::Rows,
    what: "rows that the recheck removes",
};

static META: CheckMeta = CheckMeta {
    id: CheckId::new("recheck_false_positives"),
    title: "false index matches",
    summary: "an index finds 1,000 rows or more that its recheck refuses, as many as it lets pass",
    category: Category::Plan,
    needs: &[Area::Plans],
    thresholds: &[&MIN_REMOVED],
    page: include_str!("recheck_false_positives.md"),
};

/// The check.
#[derive(Debug)]
pub struct RecheckFalsePositives;

impl Check for RecheckFalsePositives {
    fn meta(&self) -> &'static CheckMeta {
        &META
    }

    fn run(&self, case: &Case<'_>, found: &mut Vec<Proposal>) {
        each_node(case, found, propose);
    }
}

fn propose<'a>(case: &Case<'a>, plan: &CasePlan<'a>, node: &Node) -> Option<Proposal> {
    let by_index = matches!(
        node.node_type,
        NodeType::IndexScan | NodeType::IndexOnlyScan | NodeType::BitmapHeapScan
    );
    let exact = node
        .heap_blocks_total()
        .is_none_or(|HeapBlocks { lossy, .. }| lossy == 0);
    if !by_index || !exact || !plan.is_analyzed() {
        return None;
    }
    let metrics = plan.metrics_of(node);
    let removed = metrics.removed.index_recheck?.get();
    let passed = metrics.filtered_input().get();
    if removed < MIN_REMOVED.of(case) || removed < passed {
        return None;
    }
    let conditions = [ConditionKind::IndexCond, ConditionKind::RecheckCond];
    let scan = Scan::of_root(case, plan, node, &conditions)?;
    let title = format!(
        "false index matches on {}: {} of {} rows refused by the recheck",
        scan.label(),
        format::count(removed),
        format::count(removed + passed)
    );
    let summary = format!(
        "index {} by an operator class that holds more of what is asked: larger signatures (siglen) or another method instead of a lossy GiST, jsonb_path_ops for paths, longer words for trigrams",
        scan.column_list()
    );
    let words = Words {
        summary: &summary,
        expected: "fewer rows fetched only to be refused; how many fewer shows when it is tried",
        risk: "a larger index, or one that answers fewer operators",
    };
    let label = "rows removed by the recheck";
    let told = Told {
        title,
        proof: plan.total(label, removed, node, "Rows Removed by Index Recheck"),
        others: vec![plan.seen("rows that passed it", passed, node)],
        advice: advice(Action::CreateIndex, words),
    };
    Some(scan.proposal(case, plan, node, told))
}
