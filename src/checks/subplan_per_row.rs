//! `subplan_per_row`: a sub-query runs once for each row.

use super::support::{Seen, Words, advice, each_seen, rewrite, rewritten, subject};
use super::{
    Case, CasePlan, Category, Check, CheckMeta, Proposal, Threshold, not_in_unhashed,
    repeated_seq_scan,
};
use crate::finding::{Action, Cause, CheckId, Evidence, Recommendation, Unit};
use crate::format;
use crate::plan::{Node, Relationship};
use crate::snapshot::Area;
use crate::sql::rewrite::joined;

static MIN_RUNS: Threshold<f64> = Threshold {
    key: "subplan_per_row.min_runs",
    default: 1_000.0,
    unit: Unit::Loops,
    what: "runs of the sub-query",
};

/// The check's id.
pub const ID: CheckId = CheckId::new("subplan_per_row");

static META: CheckMeta = CheckMeta {
    id: ID,
    title: "sub-query per row",
    summary: "a sub-query runs 1,000 times or more in one execution",
    category: Category::Plan,
    needs: &[Area::Plans],
    thresholds: &[&MIN_RUNS],
    page: include_str!("subplan_per_row.md"),
};

/// The check.
#[derive(Debug)]
pub struct SubplanPerRow;

impl Check for SubplanPerRow {
    fn meta(&self) -> &'static CheckMeta {
        &META
    }

    fn run(&self, case: &Case<'_>, found: &mut Vec<Proposal>) {
        each_seen(case, found, look);
    }
}

fn look(case: &Case<'_>, plan: &CasePlan<'_>, top: &Node) -> Option<Seen> {
    if top.relationship != Some(Relationship::SubPlan) {
        return None;
    }
    let (runs, proof) = if plan.is_analyzed() {
        measured(plan, top)
    } else {
        planned(plan, top)?
    };
    if runs < MIN_RUNS.of(case) {
        return None;
    }
    let not_in = Cause {
        check: not_in_unhashed::ID,
        subject: subject(&case.shape(plan)),
    };
    let of_not_in = not_in_unhashed::is_unhashed(case, plan, top).then_some(not_in);
    let scan = repeated_seq_scan::within(case, plan, top);
    Some(Seen {
        title: format!("sub-query per row: {} runs", format::count(runs)),
        proof,
        others: Vec::new(),
        advice: join(case, plan),
        share: 1.0 - plan.share_beside(top),
        causes: of_not_in.into_iter().chain(scan).collect(),
        at_most: None,
    })
}

fn measured(plan: &CasePlan<'_>, top: &Node) -> (f64, Evidence) {
    let runs = plan.metrics_of(top).loops.get();
    let label = "runs of the sub-query";
    let proof = plan.read(label, runs, Unit::Loops, top, "Actual Loops");
    (runs, proof)
}

/// Once for each row that its owner returns, and for those that the owner's filter removes as well. A hashed one runs
/// once.
fn planned(plan: &CasePlan<'_>, top: &Node) -> Option<(f64, Evidence)> {
    let owner = plan.plan.parent(top)?;
    let stopped = plan.plan.under_limit_without_blocking(owner).is_some();
    if stopped || plan.plan.is_hashed_sub_plan(top) {
        return None;
    }
    let rows = owner.planned?.rows.per_loop().get();
    let label = "runs of the sub-query that the planner expects at least";
    let proof = plan.read(label, rows, Unit::Loops, owner, "Plan Rows");
    Some((rows, proof))
}

fn join(case: &Case<'_>, plan: &CasePlan<'_>) -> Recommendation {
    let summary = format!(
        "write the sub-query of {} as a join: LEFT JOIN LATERAL keeps its meaning, a join with a grouped sub-query lets it be hashed",
        case.label(plan)
    );
    let words = Words {
        summary: &summary,
        expected: "one pass over what the sub-query reads, where a hash or merge join is cheaper than the look-ups",
        risk: "a scalar sub-query fails where two rows come and gives NULL where none does: the join must do the same",
    };
    let written = rewrite(case, plan, &|statement, catalog| joined(statement, catalog));
    rewritten(written, advice(Action::RewriteQuery, words))
}
