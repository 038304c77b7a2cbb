//! `planning_dominant`: a statement takes longer to plan than to run.

use super::support::{Seen, Words, advice};
use super::{Case, CasePlan, Category, Check, CheckMeta, Proposal};
use crate::finding::{Action, CheckId, Evidence, Recommendation, Severity, Unit};
use crate::format;
use crate::plan::Plan;
use crate::snapshot::Area;
use crate::units::{Millis, ratio};

/// Planning below this is lost in the noise of one measurement.
const MIN_PLANNING: Millis = Millis(5.0);

/// So many times the execution time.
const MIN_FACTOR: f64 = 5.0;

/// A session's first look at a table reads the catalogs, which counts as planning. From so many relations on the
/// planning itself is work: that many are ordered exhaustively (`join_collapse_limit`).
const MANY_RELATIONS: usize = 8;

static META: CheckMeta = CheckMeta {
    id: CheckId::new("planning_dominant"),
    title: "slow planning",
    summary: "planning takes 5 ms or more, and 5 times as long as the execution",
    category: Category::Plan,
    needs: &[Area::Plans],
    page: include_str!("planning_dominant.md"),
};

/// The check.
#[derive(Debug)]
pub struct PlanningDominant;

impl Check for PlanningDominant {
    fn meta(&self) -> &'static CheckMeta {
        &META
    }

    fn run(&self, case: &Case<'_>, found: &mut Vec<Proposal>) {
        let seen = |plan| Some(look(plan)?.proposal(case, plan, plan.plan.root()));
        found.extend(case.plans.iter().filter_map(seen));
    }
}

fn look(plan: &CasePlan<'_>) -> Option<Seen> {
    let planning = plan.plan.planning_time?;
    let execution = plan.plan.execution_time?;
    let relations = relations(&plan.plan);
    let cold = reads_catalogs(&plan.plan) && relations < MANY_RELATIONS;
    if planning < MIN_PLANNING || planning.get() < MIN_FACTOR * execution.get() || cold {
        return None;
    }
    let time = |label: &str, value: Millis, key: &str| {
        let pointer = format!("/plans/{}/plan/{key}", plan.place);
        Evidence::read(label, value.get(), Unit::Ms, plan.source(), pointer)
    };
    Some(Seen {
        title: format!(
            "slow planning: {} to plan, {} to run",
            format::duration(planning),
            format::duration(execution)
        ),
        proof: time("planning time", planning, "Planning Time"),
        others: vec![time("execution time", execution, "Execution Time")],
        advice: plan_seldom(relations),
        share: ratio(planning.get(), planning.get() + execution.get()).unwrap_or_default(),
        causes: Vec::new(),
        // The counters of a statement do not hold its planning.
        at_most: Some(Severity::Medium),
    })
}

/// The relations that the plan scans.
fn relations(plan: &Plan) -> usize {
    plan.nodes()
        .filter(|node| node.target.relation.is_some())
        .count()
}

/// Whether the planner had to read system catalogs; unknown without BUFFERS.
fn reads_catalogs(plan: &Plan) -> bool {
    let buffers = plan.planning.as_ref().and_then(|planning| planning.buffers);
    buffers.is_some_and(|buffers| buffers.accessed().get() > 0)
}

fn plan_seldom(relations: usize) -> Recommendation {
    let summary = if relations >= MANY_RELATIONS {
        "prepare the statement, so that it is planned once a session, and let it name fewer tables or partitions"
    } else {
        "prepare the statement, so that it is planned once a session"
    };
    let words = Words {
        summary,
        expected: "a prepared statement's generic plan is planned once; a partition key among the conditions leaves fewer partitions to plan",
        risk: "a generic plan does not know the values (plan_cache_mode says when it is used)",
    };
    advice(Action::ChangeApplication, words)
}
