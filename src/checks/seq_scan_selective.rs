//! `seq_scan_selective`: a whole table is read to keep a few of its rows.

use super::scan::Scan;
use super::support::{Words, advice, each_node};
use super::{Case, CasePlan, Category, Check, CheckMeta, Proposal, TableRef};
use crate::finding::{Action, CheckId, Draft, Evidence, Recommendation, Source, Unit};
use crate::format;
use crate::plan::{ConditionKind, Node, NodeType};
use crate::snapshot::Area;
use crate::units::{float, ratio};

/// Rows read from which it matters: below, a sequential scan is as good as anything.
const MIN_READ: f64 = 10_000.0;

/// Share of the rows read that an index can be expected to find faster: beyond a tenth the planner itself prefers to read
/// all (`random_page_cost` 4 against `seq_page_cost` 1).
const MAX_KEPT: f64 = 0.10;

static META: CheckMeta = CheckMeta {
    id: CheckId::new("seq_scan_selective"),
    title: "selective seq scan",
    summary: "a sequential scan reads 10,000 rows or more and keeps at most 10 %",
    category: Category::Plan,
    needs: &[Area::Plans],
    page: include_str!("seq_scan_selective.md"),
};

/// The check.
#[derive(Debug)]
pub struct SeqScanSelective;

impl Check for SeqScanSelective {
    fn meta(&self) -> &'static CheckMeta {
        &META
    }

    fn run(&self, case: &Case<'_>, found: &mut Vec<Proposal>) {
        each_node(case, found, propose);
    }
}

fn propose<'a>(case: &Case<'a>, plan: &CasePlan<'a>, node: &Node) -> Option<Proposal> {
    if node.node_type != NodeType::SeqScan || plan.plan.disabled(node) {
        return None;
    }
    node.condition(&ConditionKind::Filter)?;
    let scan = Scan::of(case, plan, node, &[ConditionKind::Filter])?;
    let rows = if plan.is_analyzed() {
        measured(plan, node)?
    } else {
        planned(plan, node, scan.table?)?
    };
    let title = format!(
        "selective seq scan on {}: {} of {} rows kept",
        scan.label(),
        format::count(rows.kept),
        format::count(rows.read),
    );
    let draft = Draft::new(scan.subject(case, plan), title, rows.proof, index(&scan))
        .with(rows.other)
        .at(scan.location());
    Some(case.of_node(plan, node, plan.own_share(node), draft))
}

struct Rows {
    kept: f64,
    read: f64,
    proof: Evidence,
    other: Evidence,
}

fn measured(plan: &CasePlan<'_>, node: &Node) -> Option<Rows> {
    let metrics = plan.metrics_of(node);
    if metrics.rescanned {
        return None;
    }
    let removed = metrics.removed.filter?.get();
    let kept = metrics.kept.get();
    let read = kept + removed;
    if read < MIN_READ || ratio(kept, read)? > MAX_KEPT {
        return None;
    }
    Some(Rows {
        kept,
        read,
        proof: plan.total(
            "rows removed by the filter",
            removed,
            node,
            "Rows Removed by Filter",
        ),
        other: plan.total("rows kept", kept, node, "Actual Rows"),
    })
}

fn planned(plan: &CasePlan<'_>, node: &Node, table: TableRef<'_>) -> Option<Rows> {
    // A Limit above may end it long before its end, and the inner side of a loop runs again and again.
    if plan.plan.under_limit_without_blocking(node).is_some() || loops(plan, node) {
        return None;
    }
    let read = table.table.tuples?.get();
    let gather = plan.plan.gather_of(node).filter(|_| node.parallel_aware);
    let workers = gather
        .and_then(|gather| gather.gather.as_ref())
        .map_or(0, |info| info.planned);
    let kept = node.planned?.rows.per_loop().get() * (float(workers) + 1.0);
    if read < MIN_READ || ratio(kept, read)? > MAX_KEPT {
        return None;
    }
    let rows = plan.term(node, "Plan Rows");
    let formula = match gather {
        Some(gather) => format!("{rows} * ({} + 1)", plan.term(gather, "Workers Planned")),
        None => rows,
    };
    let pointer = table.pointer("/tuples");
    Some(Rows {
        kept,
        read,
        proof: plan.computed(
            "rows that the planner expects to keep",
            kept,
            Unit::Rows,
            formula,
        ),
        other: Evidence::read(
            "rows in the table",
            read,
            Unit::Rows,
            Source::Catalog,
            pointer,
        ),
    })
}

/// Whether the node is on the inner side of a nested loop or in a sub-plan.
fn loops(plan: &CasePlan<'_>, node: &Node) -> bool {
    use crate::plan::Relationship;
    let mut below = node;
    for above in plan.plan.ancestors(node) {
        let inner = above.node_type == NodeType::NestedLoop
            && below.relationship == Some(Relationship::Inner);
        if inner || below.relationship == Some(Relationship::SubPlan) {
            return true;
        }
        below = above;
    }
    false
}

fn index(scan: &Scan<'_>) -> Recommendation {
    let name = &scan.name;
    let summary = if scan.columns.is_empty() {
        format!("look for an index on {name} that its filter can use")
    } else {
        format!(
            "index {name} by what it filters: {}; a partial index where the condition never changes",
            scan.column_list()
        )
    };
    let words = Words {
        summary: &summary,
        expected: "reads the rows it keeps instead of the table; missing_index gives the planner's answer where it could be asked",
        risk: "every write of the table keeps one more index",
    };
    advice(Action::CreateIndex, words)
}
