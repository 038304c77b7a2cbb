//! `heap_fetches_high`: an index-only scan that has to look into the table all the same.

use super::support::{Scan, Told, Words, advice, each_node};
use super::{Case, CasePlan, Category, Check, CheckMeta, Proposal, Threshold};
use crate::finding::{Action, CheckId, Recommendation, Unit};
use crate::format;
use crate::plan::{Node, NodeType};
use crate::snapshot::Area;
use crate::units::{float, ratio};

static MIN_FETCHES: Threshold<f64> = Threshold {
    key: "heap_fetches_high.min_fetches",
    default: 1_000.0,
    unit: Unit::Rows,
    what: "rows fetched from the table",
};

static MIN_SHARE: Threshold<f64> = Threshold {
    key: "heap_fetches_high.min_share",
    default: 0.50,
    unit: Unit::Ratio,
    what: "share of the rows read that are fetched",
};

static META: CheckMeta = CheckMeta {
    id: CheckId::new("heap_fetches_high"),
    title: "heap fetches",
    summary: "an index-only scan fetches 1,000 rows or more from the table, half of its rows",
    category: Category::Plan,
    needs: &[Area::Plans],
    thresholds: &[&MIN_FETCHES, &MIN_SHARE],
    page: include_str!("heap_fetches_high.md"),
};

/// The check.
#[derive(Debug)]
pub struct HeapFetchesHigh;

impl Check for HeapFetchesHigh {
    fn meta(&self) -> &'static CheckMeta {
        &META
    }

    fn run(&self, case: &Case<'_>, found: &mut Vec<Proposal>) {
        each_node(case, found, propose);
    }
}

fn propose<'a>(case: &Case<'a>, plan: &CasePlan<'a>, node: &Node) -> Option<Proposal> {
    if node.node_type != NodeType::IndexOnlyScan || !plan.is_analyzed() {
        return None;
    }
    let fetches = float(node.heap_fetches?);
    let rows = plan.metrics_of(node).filtered_input().get();
    let share = ratio(fetches, rows).unwrap_or(f64::INFINITY);
    if fetches < MIN_FETCHES.of(case) || share < MIN_SHARE.of(case) {
        return None;
    }
    let scan = Scan::of(case, plan, node, &[])?;
    let told = Told {
        title: format!(
            "heap fetches: an index-only scan looks up {} rows in {}",
            format::count(fetches),
            scan.name
        ),
        proof: plan.read("heap fetches", fetches, Unit::Rows, node, "Heap Fetches"),
        others: vec![plan.seen("rows read", rows, node)],
        advice: vacuum(&scan),
    };
    Some(scan.proposal(case, plan, node, told))
}

fn vacuum(scan: &Scan<'_>) -> Recommendation {
    let name = &scan.name;
    let summary = format!(
        "vacuum {name}, so that its pages are known to be visible to all; where that recurs, lower its autovacuum_vacuum_scale_factor and autovacuum_vacuum_insert_scale_factor"
    );
    let words = Words {
        summary: &summary,
        expected: "the scan reads the index alone; no index can do better",
        risk: "VACUUM reads the table and its indexes, and waits for nobody; a transaction that stays open keeps it from marking pages",
    };
    let mut advice = advice(Action::Vacuum, words);
    advice.ddl.push(format!("VACUUM {name};"));
    advice
}
