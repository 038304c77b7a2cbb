//! `lossy_bitmap`: a bitmap that does not fit into `work_mem` forgets which rows of a page it found.

use super::support::{Scan, Told, Words, advice, each_node, more_work_mem};
use super::{Case, CasePlan, Category, Check, CheckMeta, Proposal, Threshold};
use crate::finding::{Action, CheckId, Evidence, Recommendation, Unit};
use crate::format;
use crate::plan::{ConditionKind, HeapBlocks, Node, NodeType};
use crate::snapshot::Area;
use crate::units::{Bytes, float, ratio};

static MIN_LOSSY: Threshold<f64> = Threshold {
    key: "lossy_bitmap.min_lossy_share",
    default: 0.10,
    unit: Unit::Ratio,
    what: "lossy pages as a share of all pages of the bitmap",
};

static MIN_REMOVED: Threshold<f64> = Threshold {
    key: "lossy_bitmap.min_rows_removed",
    default: 1_000.0,
    unit: Unit::Rows,
    what: "rows that the recheck removes",
};

/// Memory of a page in a bitmap: its `PagetableEntry` and two pointers (tidbitmap.c, `tbm_calculate_entries()`).
const BYTES_PER_PAGE: i64 = 64;

static META: CheckMeta = CheckMeta {
    id: CheckId::new("lossy_bitmap"),
    title: "lossy bitmap",
    summary: "10 % or more of a bitmap's pages are lossy, and 1,000 rows or more are rechecked in vain",
    category: Category::Plan,
    needs: &[Area::Plans],
    thresholds: &[&MIN_LOSSY, &MIN_REMOVED],
    page: include_str!("lossy_bitmap.md"),
};

/// The check.
#[derive(Debug)]
pub struct LossyBitmap;

impl Check for LossyBitmap {
    fn meta(&self) -> &'static CheckMeta {
        &META
    }

    fn run(&self, case: &Case<'_>, found: &mut Vec<Proposal>) {
        each_node(case, found, propose);
    }
}

fn propose<'a>(case: &Case<'a>, plan: &CasePlan<'a>, node: &Node) -> Option<Proposal> {
    if node.node_type != NodeType::BitmapHeapScan || !plan.is_analyzed() {
        return None;
    }
    let HeapBlocks { exact, lossy } = node.heap_blocks_total()?;
    let pages = exact.saturating_add(lossy);
    let share = ratio(float(lossy), float(pages))?;
    let removed = plan.metrics_of(node).removed.index_recheck?.get();
    if share < MIN_LOSSY.of(case) || removed < MIN_REMOVED.of(case) {
        return None;
    }
    let scan = Scan::of_root(case, plan, node, &[ConditionKind::RecheckCond])?;
    let advice = if node.heap_blocks_total()?.is_of_pages() {
        finer_index(&scan)
    } else {
        let needed = Bytes(pages.saturating_mul(BYTES_PER_PAGE));
        let mut advice = more_work_mem(case, plan, needed, "find fewer rows with a narrower index");
        EXPECTED.clone_into(&mut advice.expected.text);
        advice
    };
    let told = Told {
        title: format!(
            "lossy bitmap on {}: {} of its pages, {} rows rechecked in vain",
            scan.label(),
            format::percent(share),
            format::count(removed)
        ),
        proof: share_of_lossy(plan, node, share),
        others: vec![plan.total(
            "rows removed by the recheck",
            removed,
            node,
            "Rows Removed by Index Recheck",
        )],
        advice,
    };
    Some(scan.proposal(case, plan, node, told))
}

const EXPECTED: &str = "the bitmap knows each row, and no row is fetched only to be thrown away";

/// Where the index itself knows pages only, no memory makes them rows.
fn finer_index(scan: &Scan<'_>) -> Recommendation {
    let summary = format!(
        "replace the index by a btree: it knows ranges of pages only, as BRIN does, and the rows of {} do not lie in its order, so that work_mem changes nothing; where they nearly do, a smaller pages_per_range is enough",
        scan.label()
    );
    let words = Words {
        summary: &summary,
        expected: EXPECTED,
        risk: "a btree is hundreds of times as large as a BRIN index, and every write keeps it",
    };
    advice(Action::CreateIndex, words)
}

fn share_of_lossy(plan: &CasePlan<'_>, node: &Node, share: f64) -> Evidence {
    let of = |key: &str| {
        let own = node.heap_blocks.map(|_| plan.term(node, key));
        let workers = node.workers.iter().enumerate();
        let of_workers = workers
            .filter(|(_, worker)| worker.heap_blocks.is_some())
            .map(|(place, _)| plan.term_within(node, &format!("/Workers/{place}/{key}")));
        let terms: Vec<String> = own.into_iter().chain(of_workers).collect();
        terms.join(", ")
    };
    let (lossy, exact) = (of("Lossy Heap Blocks"), of("Exact Heap Blocks"));
    let formula = format!("sum({lossy}) / sum({lossy}, {exact})");
    plan.computed("lossy pages of the bitmap", share, Unit::Ratio, formula)
}
