//! `nested_loop_many_loops`: a nested loop runs its inner side more often than a loop is good for.

use super::support::{Seen, Words, advice, each_seen};
use super::{
    Case, CasePlan, Category, Check, CheckMeta, Proposal, Threshold, repeated_seq_scan,
    row_misestimate,
};
use crate::finding::{Action, CheckId, Recommendation, Severity, Unit};
use crate::format;
use crate::plan::metrics::Direction;
use crate::plan::{Node, NodeType, Relationship};
use crate::snapshot::Area;

/// Runs of the inner side by each process: a hash of a few thousand rows is built in about the time of so many
/// look-ups.
static MIN_LOOPS: Threshold<f64> = Threshold {
    key: "nested_loop_many_loops.min_loops",
    default: 1_000.0,
    unit: Unit::Loops,
    what: "runs of the inner side by each process",
};

/// So many times the rows of the outer side that were expected: from there on another join would have been planned.
const MIN_FACTOR: f64 = 10.0;

static META: CheckMeta = CheckMeta {
    id: CheckId::new("nested_loop_many_loops"),
    title: "nested loop",
    summary: "a nested loop runs its inner side 1,000 times or more",
    category: Category::Plan,
    needs: &[Area::Plans],
    thresholds: &[&MIN_LOOPS],
    page: include_str!("nested_loop_many_loops.md"),
};

/// The check.
#[derive(Debug)]
pub struct NestedLoopManyLoops;

impl Check for NestedLoopManyLoops {
    fn meta(&self) -> &'static CheckMeta {
        &META
    }

    fn run(&self, case: &Case<'_>, found: &mut Vec<Proposal>) {
        each_seen(case, found, look);
    }
}

fn look(case: &Case<'_>, plan: &CasePlan<'_>, join: &Node) -> Option<Seen> {
    if join.node_type != NodeType::NestedLoop || !plan.is_analyzed() {
        return None;
    }
    let inner = plan.plan.child(join, &Relationship::Inner)?;
    let outer = plan.plan.child(join, &Relationship::Outer)?;
    let metrics = plan.metrics_of(inner);
    if is_kept(inner)
        || is_recursion(plan, join)
        || metrics.loops_per_process() < MIN_LOOPS.of(case)
    {
        return None;
    }
    let loops = metrics.loops.get();
    let expected = outer.planned?.rows.per_loop().get();
    let arrived = outer.actual?.rows.per_loop().get();
    let estimate = plan.metrics_of(outer).estimate?;
    let surprised = estimate.direction == Direction::Under && estimate.factor >= MIN_FACTOR;
    let rows = |label, value, key| plan.read(label, value, Unit::Rows, outer, key);
    let causes = [
        row_misestimate::underestimate(case, plan, outer),
        repeated_seq_scan::within(case, plan, inner),
    ];
    Some(Seen {
        title: format!("nested loop: {} look-ups", format::count(loops)),
        proof: plan.read(
            "runs of the inner side",
            loops,
            Unit::Loops,
            inner,
            "Actual Loops",
        ),
        others: vec![
            rows("outer rows expected a loop", expected, "Plan Rows"),
            rows("outer rows that came a loop", arrived, "Actual Rows"),
        ],
        advice: another_join(&plan.plan.label(outer), surprised),
        share: plan.share_of_loop(join),
        causes: causes.into_iter().flatten().collect(),
        at_most: (!surprised).then_some(Severity::Low),
    })
}

/// A cache, or rows that are kept: running it again computes nothing.
fn is_kept(inner: &Node) -> bool {
    matches!(inner.node_type, NodeType::Memoize | NodeType::Materialize)
}

/// Each step of a recursion looks up what the step before it found, and nobody can know how much that is.
fn is_recursion(plan: &CasePlan<'_>, join: &Node) -> bool {
    let mut above = plan.plan.ancestors(join);
    above.any(|node| node.node_type == NodeType::RecursiveUnion)
}

fn another_join(outer: &str, surprised: bool) -> Recommendation {
    let summary = if surprised {
        format!(
            "mend the row estimate of {outer} (ANALYZE, extended statistics, or a condition that the planner can estimate): it expected far fewer look-ups"
        )
    } else {
        "compare with a hash join (enable_nestloop = off in a session that tests it): the planner expected so many look-ups and found them cheapest".to_owned()
    };
    let words = Words {
        summary: &summary,
        expected: "one pass over the inner table instead of a look-up for each outer row, where that is cheaper",
        risk: "a better estimate may change other plans of the table, too",
    };
    advice(Action::Investigate, words)
}
