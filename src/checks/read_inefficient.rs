//! `read_inefficient`: a table whose blocks are nearly empty.

use super::support::{Scan, Told, Words, advice, each_node};
use super::{Case, CasePlan, Category, Check, CheckMeta, Proposal, Threshold};
use crate::finding::{Action, CheckId, Recommendation, Unit};
use crate::format;
use crate::plan::{Node, NodeType};
use crate::snapshot::Area;
use crate::units::float;

/// Blocks from which it matters: 4 MB at the usual block size.
static MIN_BLOCKS: Threshold<f64> = Threshold {
    key: "read_inefficient.min_blocks",
    default: 500.0,
    unit: Unit::Blocks,
    what: "blocks that a scan reads",
};

/// More blocks than the table has, by this factor, are those of its TOAST table: rows that are large, not few.
const TOAST: f64 = 1.1;

static META: CheckMeta = CheckMeta {
    id: CheckId::new("read_inefficient"),
    title: "sparse table",
    summary: "a sequential scan reads 500 blocks or more, and more blocks than rows",
    category: Category::Plan,
    needs: &[Area::Plans],
    thresholds: &[&MIN_BLOCKS],
    page: include_str!("read_inefficient.md"),
};

/// The check.
#[derive(Debug)]
pub struct ReadInefficient;

impl Check for ReadInefficient {
    fn meta(&self) -> &'static CheckMeta {
        &META
    }

    fn run(&self, case: &Case<'_>, found: &mut Vec<Proposal>) {
        each_node(case, found, propose);
    }
}

fn propose<'a>(case: &Case<'a>, plan: &CasePlan<'a>, node: &Node) -> Option<Proposal> {
    let metrics = plan.metrics_of(node);
    let whole = node.executed() && !metrics.stopped_early;
    if node.node_type != NodeType::SeqScan || !whole {
        return None;
    }
    let blocks = float(metrics.self_buffers?.accessed().get());
    let rows = metrics.filtered_input().get();
    if blocks < MIN_BLOCKS.of(case) || blocks <= rows {
        return None;
    }
    let scan = Scan::of(case, plan, node, &[])?;
    let scans = (metrics.loops.get() / metrics.processes).max(1.0);
    let own = scan.table.map(|table| float(table.table.pages.get()));
    if own.is_some_and(|own| own > 0.0 && blocks > own * scans * TOAST) {
        return None;
    }
    let told = Told {
        title: format!(
            "sparse table {}: {} blocks read for {} rows",
            scan.name,
            format::count(blocks),
            format::count(rows)
        ),
        proof: plan.own_blocks("blocks read", node)?,
        others: vec![plan.seen("rows in them", rows, node)],
        advice: rewrite(&scan),
    };
    Some(scan.proposal(case, plan, node, told))
}

fn rewrite(scan: &Scan<'_>) -> Recommendation {
    let name = &scan.name;
    let summary = format!(
        "write {name} anew (VACUUM FULL while nobody needs it, else pg_repack), and let autovacuum reach it before it grows so again"
    );
    let words = Words {
        summary: &summary,
        expected: "as many blocks as its rows fill",
        risk: "VACUUM FULL locks the table against everybody while it writes a copy, and needs the copy's space; pg_repack locks it for moments only",
    };
    let mut advice = advice(Action::Vacuum, words);
    advice.ddl.push(format!("VACUUM (FULL, ANALYZE) {name};"));
    advice
}
