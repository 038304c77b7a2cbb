//! Findings about tables that a statement reads from end to end.

use super::{Scan, Told, each_node};
use crate::checks::{AnyThreshold, Case, CasePlan, Proposal, TableRef, Threshold};
use crate::finding::{Evidence, Source, Unit};
use crate::plan::{ConditionKind, Node, NodeType, Relationship};
use crate::units::{float, ratio};

/// Rows read from which it matters: below, a sequential scan is as good as anything.
static MIN_READ: Threshold<f64> = Threshold {
    key: "seq_scan_selective.min_rows_read",
    default: 10_000.0,
    unit: Unit::Rows,
    what: "rows that a scan reads",
};

/// Share of the rows read that an index can be expected to find faster: beyond a tenth the planner itself prefers to
/// read all (`random_page_cost` 4 against `seq_page_cost` 1).
static MAX_KEPT: Threshold<f64> = Threshold {
    key: "seq_scan_selective.max_kept_share",
    default: 0.10,
    unit: Unit::Ratio,
    what: "share of them that it keeps, at most",
};

/// What [`selective`] asks.
pub const SELECTIVE: &[&dyn AnyThreshold] = &[&MIN_READ, &MAX_KEPT];

/// What of its own part the leader of a parallel scan loses to each worker that it serves (costsize.c,
/// `get_parallel_divisor`).
const LEADER_PER_WORKER: f64 = 0.3;

/// Proposes for each sequential scan that no setting forces: `read` says what it reads where that is too much, and
/// `tell` what is wrong with it, and of which of the filter's columns.
pub fn each_seq_scan<'a, R>(
    case: &Case<'a>,
    found: &mut Vec<Proposal>,
    read: impl Fn(&Case<'a>, &CasePlan<'a>, &Node, Option<TableRef<'a>>) -> Option<R>,
    tell: impl Fn(&Case<'a>, &CasePlan<'a>, &Node, &mut Scan<'a>, R) -> Option<Told>,
) {
    each_node(case, found, |case, plan, node| {
        if node.node_type != NodeType::SeqScan || plan.plan.disabled(node) {
            return None;
        }
        let reads = read(case, plan, node, plan.table(&case.catalog, node))?;
        let mut scan = Scan::of_root(case, plan, node, &[ConditionKind::Filter])?;
        let told = tell(case, plan, node, &mut scan, reads)?;
        Some(scan.proposal(case, plan, node, told))
    });
}

/// The rows of a scan that reads many to keep few.
#[derive(Debug)]
pub struct Selective {
    /// Rows that its filter lets pass.
    pub kept: f64,
    /// Rows that it reads.
    pub read: f64,
    /// The number that proves it.
    pub proof: Evidence,
    /// The other one of the two.
    pub other: Evidence,
}

/// What a sequential scan reads and keeps; `None` where it keeps much of it, reads little, or runs again and again.
pub fn selective(
    case: &Case<'_>,
    plan: &CasePlan<'_>,
    node: &Node,
    table: Option<TableRef<'_>>,
) -> Option<Selective> {
    node.condition(&ConditionKind::Filter)?;
    let rows = if plan.is_analyzed() {
        measured(plan, node)?
    } else {
        planned(plan, node, table?)?
    };
    let few = ratio(rows.kept, rows.read)? <= MAX_KEPT.of(case);
    (rows.read >= MIN_READ.of(case) && few).then_some(rows)
}

fn measured(plan: &CasePlan<'_>, node: &Node) -> Option<Selective> {
    let metrics = plan.metrics_of(node);
    if metrics.rescanned {
        return None;
    }
    let removed = metrics.removed.filter?.get();
    let kept = metrics.kept.get();
    let label = "rows removed by the filter";
    Some(Selective {
        kept,
        read: kept + removed,
        proof: plan.total(label, removed, node, "Rows Removed by Filter"),
        other: plan.total("rows kept", kept, node, "Actual Rows"),
    })
}

fn planned(plan: &CasePlan<'_>, node: &Node, table: TableRef<'_>) -> Option<Selective> {
    // A Limit above may end it long before its end, and the inner side of a loop runs again and again.
    if plan.plan.under_limit_without_blocking(node).is_some() || loops(plan, node) {
        return None;
    }
    let read = table.table.tuples?.get();
    let gather = plan.plan.gather_of(node).filter(|_| node.parallel_aware);
    let workers = gather
        .and_then(|gather| gather.gather.as_ref())
        .map_or(0, |info| info.planned);
    let leader = (1.0 - LEADER_PER_WORKER * float(workers)).max(0.0);
    let kept = node.planned?.rows.per_loop().get() * (float(workers) + leader);
    let rows = plan.term(node, "Plan Rows");
    let formula = match gather {
        Some(gather) => format!(
            "{rows} * ({} + {leader})",
            plan.term(gather, "Workers Planned")
        ),
        None => rows,
    };
    let label = "rows that the planner expects to keep";
    let pointer = table.pointer("/tuples");
    Some(Selective {
        kept,
        read,
        proof: plan.computed(label, kept, Unit::Rows, formula),
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
