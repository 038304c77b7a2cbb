//! `workers_not_launched`: a parallel plan runs with fewer processes than it was made for.

use super::support::{Words, advice, each_node, subject};
use super::{Case, CasePlan, Category, Check, CheckMeta, Proposal};
use crate::finding::{Action, CheckId, Draft, Unit};
use crate::format;
use crate::plan::Node;
use crate::snapshot::Area;
use crate::units::{float, ratio};

static META: CheckMeta = CheckMeta {
    id: CheckId::new("workers_not_launched"),
    title: "workers missing",
    summary: "fewer parallel workers were started than planned",
    category: Category::Plan,
    needs: &[Area::Plans],
    thresholds: &[],
    page: include_str!("workers_not_launched.md"),
};

/// The check.
#[derive(Debug)]
pub struct WorkersNotLaunched;

impl Check for WorkersNotLaunched {
    fn meta(&self) -> &'static CheckMeta {
        &META
    }

    fn run(&self, case: &Case<'_>, found: &mut Vec<Proposal>) {
        each_node(case, found, propose);
    }
}

fn propose<'a>(case: &Case<'a>, plan: &CasePlan<'a>, node: &Node) -> Option<Proposal> {
    let gather = node.gather.as_ref().filter(|_| node.executed())?;
    let (planned, launched) = (float(gather.planned), float(gather.launched?));
    if launched >= planned {
        return None;
    }
    let title = format!(
        "workers missing: {} of {} started in {}",
        format::count(launched),
        format::count(planned),
        case.label(plan)
    );
    let words = Words {
        summary: "raise max_parallel_workers (and max_worker_processes, which needs a restart) to what runs at once, or lower max_parallel_workers_per_gather so that plans ask for what they get",
        expected: "as many processes as the plan was made for; at most the time that the missing ones would have shared",
        risk: "workers take processors and work_mem from other sessions",
    };
    let read = |label, value, key| plan.read(label, value, Unit::Count, node, key);
    let draft = Draft::new(
        subject(&case.shape(plan)),
        title,
        read("workers started", launched, "Workers Launched"),
        advice(Action::ChangeSetting, words),
    )
    .with(read("workers planned", planned, "Workers Planned"));
    // With all of them each process would have had so much less to do.
    let spared = 1.0 - ratio(launched + 1.0, planned + 1.0)?;
    Some(case.of_node(plan, node, plan.share_within(node) * spared, draft))
}
