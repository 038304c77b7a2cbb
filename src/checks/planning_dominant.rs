//! `planning_dominant`: a statement takes longer to plan than to run.

use std::iter;

use super::support::{Seen, Words, advice};
use super::{Case, CasePlan, Category, Check, CheckMeta, Proposal, Threshold, Thresholds};
use crate::finding::{Action, CheckId, Evidence, Recommendation, Severity, Unit};
use crate::format;
use crate::plan::Plan;
use crate::snapshot::Area;
use crate::units::{Millis, ratio};

/// Planning below this is lost in the noise of one measurement.
static MIN_PLANNING: Threshold<Millis> = Threshold {
    key: "planning_dominant.min_planning_ms",
    default: Millis(5.0),
    unit: Unit::Ms,
    what: "planning time",
};

static MIN_FACTOR: Threshold<f64> = Threshold {
    key: "planning_dominant.min_factor",
    default: 5.0,
    unit: Unit::Factor,
    what: "planning time over execution time",
};

/// A session's first look at a table reads the catalogs, which counts as planning. Where it was measured only once, so
/// many relations tell that the planning itself is work: that many are ordered exhaustively (`join_collapse_limit`).
const MANY_RELATIONS: usize = 8;

static META: CheckMeta = CheckMeta {
    id: CheckId::new("planning_dominant"),
    title: "slow planning",
    summary: "planning takes 5 ms or more, and 5 times as long as the execution",
    category: Category::Plan,
    needs: &[Area::Plans],
    thresholds: &[&MIN_PLANNING, &MIN_FACTOR],
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
        let seen = |plan| Some(look(case, plan)?.proposal(case, plan, plan.plan.root()));
        found.extend(case.plans.iter().filter_map(seen));
    }
}

/// Whether planning takes so much longer than the execution that it is worth a finding.
pub fn dominates(given: &impl AsRef<Thresholds>, planning: Millis, execution: Millis) -> bool {
    planning >= MIN_PLANNING.of(given) && planning.get() >= MIN_FACTOR.of(given) * execution.get()
}

fn look(case: &Case<'_>, plan: &CasePlan<'_>) -> Option<Seen> {
    let (planning, key) = least_planning(plan)?;
    let execution = plan.plan.execution_time?;
    let relations = relations(&plan.plan);
    let once = plan.record.planned_again_ms.is_empty();
    let cold = once && reads_catalogs(&plan.plan) && relations < MANY_RELATIONS;
    if !dominates(case, planning, execution) || cold {
        return None;
    }
    let time = |label: &str, value: Millis, key: &str| {
        let pointer = format!("/plans/{}/{key}", plan.place);
        Evidence::read(label, value.get(), Unit::Ms, plan.source(), pointer)
    };
    let label = if once {
        "planning time"
    } else {
        "planning time, the least of several"
    };
    Some(Seen {
        title: format!(
            "slow planning: {} to plan, {} to run",
            format::duration(planning),
            format::duration(execution)
        ),
        proof: time(label, planning, &key),
        others: vec![time("execution time", execution, "plan/Execution Time")],
        advice: plan_seldom(relations),
        share: ratio(planning.get(), planning.get() + execution.get()).unwrap_or_default(),
        causes: Vec::new(),
        // The counters of a statement do not hold its planning.
        at_most: Some(Severity::Medium),
    })
}

/// The shortest planning of the statement that was measured, and where in the plan's record it stands.
fn least_planning(plan: &CasePlan<'_>) -> Option<(Millis, String)> {
    let first = (plan.plan.planning_time?, "plan/Planning Time".to_owned());
    let again = plan.record.planned_again_ms.iter().enumerate();
    let all = iter::once(first)
        .chain(again.map(|(place, time)| (*time, format!("planned_again_ms/{place}"))));
    all.min_by(|(one, _), (other, _)| one.get().total_cmp(&other.get()))
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
