//! Expected against actual rows, and what only looks like a misestimate.

use std::fmt;

use crate::plan::{Buffers, ConditionKind, HeapBlocks, Node, NodeId, NodeType, Plan, Relationship};
use crate::units::{Blocks, PerLoop, Rows, float};

use super::table::Table;

/// Which side was larger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Direction {
    /// The planner expected more rows than came.
    Over,
    /// The planner expected fewer.
    Under,
}

/// Why a difference is no misestimate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Excuse {
    /// The node was never started.
    NeverExecuted,
    /// A child of it, or of a node below that passes its rows on, was never started.
    InputNeverExecuted,
    /// Partitions were pruned when execution started; the estimate still counts them.
    SubplansRemoved,
    /// A Limit above had enough.
    BelowLimit,
    /// A semi, anti or inner-unique loop stops at the first match.
    SingleMatch,
    /// A Merge Join ends with its shorter side.
    BelowMergeJoin,
    /// A Merge Join reads inner rows again for equal outer rows, and they are counted again.
    MergeRescan,
    /// The condition on a window function ended the scan.
    BelowRunCondition,
    /// The Hash was empty, so that the outer side was not read.
    EmptyHashTable,
    /// A sub-plan that is asked for its first row or for one that decides.
    SubPlanFirstRow,
    /// Fewer workers were started than planned, so that each process had more rows.
    FewerProcesses,
    /// The table, or one whose rows it passes on, has no rows and fewer pages than the planner takes for granted,
    /// because it may have grown since ([`LEAST_PAGES`]).
    EmptyTable,
    /// The index knows pages only, and counts their rows by a rule of thumb (brin.c, `bringetbitmap()`).
    PagesOnly,
    /// The node has no row count of its own: `BitmapAnd`, `BitmapOr`, `ModifyTable`.
    NoRowCount,
}

impl fmt::Display for Excuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NeverExecuted => "never executed",
            Self::InputNeverExecuted => "an input was never executed",
            Self::SubplansRemoved => "partitions were pruned at run time",
            Self::BelowLimit => "stopped early by a Limit",
            Self::SingleMatch => "stopped at the first match",
            Self::BelowMergeJoin => "stopped early by a Merge Join",
            Self::MergeRescan => "read again by a Merge Join",
            Self::BelowRunCondition => "stopped early by a window's run condition",
            Self::EmptyHashTable => "not read, the hash table was empty",
            Self::SubPlanFirstRow => "asked for the first row only",
            Self::FewerProcesses => "fewer workers were launched than planned",
            Self::EmptyTable => "the table is empty, and the planner expects it to grow",
            Self::PagesOnly => "the index knows pages only",
            Self::NoRowCount => "the node has no row count of its own",
        })
    }
}

/// Whether the difference counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The difference, however small, is the planner's: how much is too much is the caller's to say.
    Misestimate,
    /// It has another reason.
    Excused(Excuse),
}

/// Expected against actual rows of one node. Per loop on both sides, because `Plan Rows` is of one loop (and of one
/// process below a Gather).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// `Plan Rows`.
    pub estimated: PerLoop<Rows>,
    /// `Actual Rows`.
    pub actual: PerLoop<Rows>,
    /// The larger side over the smaller; below one row counts as one, which is the least that the planner expects
    /// (costsize.c, `clamp_row_est`). At least 1.
    pub factor: f64,
    /// Which side is larger.
    pub direction: Direction,
    /// Whether it counts.
    pub verdict: Verdict,
}

impl Estimate {
    /// A misestimate by `min_factor` or more, with at least `min_rows` on the larger side (per loop).
    pub fn is_off_by(&self, min_factor: f64, min_rows: Rows) -> bool {
        let larger = match self.direction {
            Direction::Over => self.estimated,
            Direction::Under => self.actual,
        };
        self.verdict == Verdict::Misestimate
            && self.factor >= min_factor
            && larger.per_loop() >= min_rows
    }
}

/// The estimates of all nodes that have both sides.
pub(super) fn all(plan: &Plan, stopped: &Table<Option<Excuse>>) -> Table<Option<Estimate>> {
    let mut estimates = Table::new(plan);
    // From the leaves up: an excuse for missing rows passes upwards.
    for node in plan.nodes().rev() {
        estimates.set(node.id, estimate(plan, node, stopped, &estimates));
    }
    estimates
}

fn estimate(
    plan: &Plan,
    node: &Node,
    stopped: &Table<Option<Excuse>>,
    below: &Table<Option<Estimate>>,
) -> Option<Estimate> {
    let estimated = node.planned?.rows;
    let actual = node.actual?.rows;
    let (expected, came) = (
        estimated.per_loop().get().max(1.0),
        actual.per_loop().get().max(1.0),
    );
    let (factor, direction) = if came > expected {
        (came / expected, Direction::Under)
    } else {
        (expected / came, Direction::Over)
    };
    let excuse = if node.never_executed() {
        Some(Excuse::NeverExecuted)
    } else if matches!(
        node.node_type,
        // MultiExecBitmapAnd and -Or count no tuples; a ModifyTable returns rows only with RETURNING.
        NodeType::BitmapAnd | NodeType::BitmapOr | NodeType::ModifyTable
    ) {
        Some(Excuse::NoRowCount)
    } else if knows_pages_only(plan, node) {
        Some(Excuse::PagesOnly)
    } else if factor <= 1.0 {
        None
    } else {
        match direction {
            Direction::Over => stopped
                .get(node.id)
                .or_else(|| rows_missing(plan, node, below)),
            Direction::Under => rows_repeated(plan, node, factor),
        }
    };
    Some(Estimate {
        estimated,
        actual,
        factor,
        direction,
        verdict: excuse.map_or(Verdict::Misestimate, Verdict::Excused),
    })
}

/// Whether a Bitmap Index Scan found whole pages: a bitmap that only ran out of memory keeps some of its rows.
fn knows_pages_only(plan: &Plan, node: &Node) -> bool {
    let scan = plan
        .ancestors(node)
        .find(|ancestor| ancestor.node_type == NodeType::BitmapHeapScan);
    node.node_type == NodeType::BitmapIndexScan
        && scan
            .and_then(Node::heap_blocks_total)
            .is_some_and(HeapBlocks::is_of_pages)
}

/// Rows that the estimate counts and that could not come.
fn rows_missing(plan: &Plan, node: &Node, below: &Table<Option<Estimate>>) -> Option<Excuse> {
    if node.subplans_removed.is_some_and(|removed| removed > 0) {
        return Some(Excuse::SubplansRemoved);
    }
    if is_empty_table(node) {
        return Some(Excuse::EmptyTable);
    }
    plan.inputs(node)
        .filter(|child| child.relationship != Some(Relationship::SubPlan))
        .find_map(|child| match below.get(child.id)?.verdict {
            Verdict::Excused(Excuse::NeverExecuted | Excuse::InputNeverExecuted) => {
                Some(Excuse::InputNeverExecuted)
            }
            Verdict::Excused(excuse @ (Excuse::SubplansRemoved | Excuse::EmptyTable)) => {
                Some(excuse)
            }
            _ => None,
        })
}

/// Pages that the planner counts at the least for a table whose size it was never told (plancat.c,
/// `table_block_relation_estimate_size`).
const LEAST_PAGES: Blocks = Blocks(10);

fn is_empty_table(node: &Node) -> bool {
    let tiny = |buffers: Buffers| buffers.accessed() < LEAST_PAGES;
    node.node_type == NodeType::SeqScan
        && node.condition(&ConditionKind::Filter).is_none()
        && node
            .actual
            .is_some_and(|actual| actual.rows.per_loop() == Rows(0.0))
        && node.buffers.is_some_and(tiny)
}

/// Rows that came more often than the planner counts them.
fn rows_repeated(plan: &Plan, node: &Node, factor: f64) -> Option<Excuse> {
    let parent = plan.parent(node)?;
    // nodeMergejoin.c restores the inner side to the first of equal rows, unless `skip_mark_restore`.
    if parent.node_type == NodeType::MergeJoin
        && node.relationship == Some(Relationship::Inner)
        && !parent.inner_unique
    {
        return Some(Excuse::MergeRescan);
    }
    let gather = plan.gather_of(node)?.gather.as_ref()?;
    let launched = gather.launched?;
    // costsize.c, `get_parallel_divisor`: at most one share for each planned worker and one for the leader.
    let most = (float(gather.planned) + 1.0) / (float(launched) + 1.0);
    (launched < gather.planned && factor <= most).then_some(Excuse::FewerProcesses)
}

/// The nodes for which `is_off` holds and below which, along the inputs that make up a node's rows, it holds for none.
pub(super) fn deepest(plan: &Plan, is_off: impl Fn(NodeId) -> bool) -> Vec<&Node> {
    let mut off_within: Table<bool> = Table::new(plan);
    let mut found = Vec::new();
    for node in plan.nodes().rev() {
        let below = plan
            .inputs(node)
            .filter(|child| child.relationship != Some(Relationship::SubPlan))
            .any(|child| off_within.get(child.id))
            || plan
                .cte_of(node)
                .is_some_and(|cte| plan.subtree(cte).any(|below| is_off(below.id)));
        let here = is_off(node.id);
        if here && !below {
            found.push(node);
        }
        off_within.set(node.id, here || below);
    }
    found.reverse();
    found
}
