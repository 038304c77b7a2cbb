//! `jit_overhead`: compiling a plan takes a good part of running it.

use super::support::{Seen, Words, advice, for_role};
use super::{Case, CasePlan, Category, Check, CheckMeta, Proposal, Threshold};
use crate::finding::{Action, CheckId, Evidence, Recommendation, Unit};
use crate::format;
use crate::plan::{Node, Plan};
use crate::snapshot::Area;
use crate::units::{Millis, float, ratio};

static MIN_TIME: Threshold<Millis> = Threshold {
    key: "jit_overhead.min_time_ms",
    default: Millis(20.0),
    unit: Unit::Ms,
    what: "time of the compilation",
};

static MIN_SHARE: Threshold<f64> = Threshold {
    key: "jit_overhead.min_share",
    default: 0.25,
    unit: Unit::Ratio,
    what: "share of the execution time",
};

/// So many times the plan's cost `jit_above_cost` is advised to be, so that somewhat larger plans are spared, too.
const ROOM: f64 = 2.0;

static META: CheckMeta = CheckMeta {
    id: CheckId::new("jit_overhead"),
    title: "JIT overhead",
    summary: "just-in-time compilation takes 20 ms or more, and a quarter of the execution time",
    category: Category::Plan,
    needs: &[Area::Plans],
    thresholds: &[&MIN_TIME, &MIN_SHARE],
    page: include_str!("jit_overhead.md"),
};

/// The check.
#[derive(Debug)]
pub struct JitOverhead;

impl Check for JitOverhead {
    fn meta(&self) -> &'static CheckMeta {
        &META
    }

    fn run(&self, case: &Case<'_>, found: &mut Vec<Proposal>) {
        let seen = |plan| Some(look(case, plan)?.proposal(case, plan, plan.plan.root()));
        found.extend(case.plans.iter().filter_map(seen));
    }
}

fn look(case: &Case<'_>, plan: &CasePlan<'_>) -> Option<Seen> {
    let jit = plan.plan.jit.as_ref()?;
    let execution = plan.plan.execution_time?;
    let total = jit.total?;
    let time = Millis(total.get() / processes(&plan.plan));
    let share = ratio(time.get(), execution.get())?;
    if time < MIN_TIME.of(case) || share < MIN_SHARE.of(case) {
        return None;
    }
    let pointer = |rest: &str| format!("/plans/{}/plan/{rest}", plan.place);
    let read = |label: &str, value: f64, unit, rest: &str| {
        Evidence::read(label, value, unit, plan.source(), pointer(rest))
    };
    Some(Seen {
        title: format!(
            "JIT overhead: {} of {} spent compiling",
            format::duration(time),
            format::duration(execution)
        ),
        proof: compilation(plan, time),
        others: vec![
            read(
                "execution time",
                execution.get(),
                Unit::Ms,
                "Execution Time",
            ),
            read(
                "functions compiled",
                float(jit.functions),
                Unit::Count,
                "JIT/Functions",
            ),
        ],
        advice: less(case, plan),
        share,
        causes: Vec::new(),
        at_most: None,
    })
}

/// EXPLAIN sums the time over the leader and its workers, which compile side by side (explain.c,
/// `ExplainPrintJITSummary()`).
fn compilation(plan: &CasePlan<'_>, time: Millis) -> Evidence {
    let total = format!("/plans/{}/plan/JIT/Timing/Total", plan.place);
    let launched: Vec<String> = gathers(&plan.plan)
        .map(|gather| plan.term(gather, "Workers Launched"))
        .collect();
    if launched.is_empty() {
        return Evidence::read("compilation", time.get(), Unit::Ms, plan.source(), total);
    }
    let formula = format!("{{{total}}} / (1 + {})", launched.join(" + "));
    plan.computed("compilation, a process", time.get(), Unit::Ms, formula)
}

fn gathers(plan: &Plan) -> impl Iterator<Item = &Node> {
    plan.nodes().filter(|node| launched(node).is_some())
}

fn launched(node: &Node) -> Option<i64> {
    node.gather.as_ref()?.launched
}

fn processes(plan: &Plan) -> f64 {
    let workers: i64 = gathers(plan).filter_map(launched).sum();
    1.0 + float(workers)
}

fn less(case: &Case<'_>, plan: &CasePlan<'_>) -> Recommendation {
    let root = plan.plan.root();
    let cost = root.planned.map(|planned| planned.total_cost.get());
    let disabled = plan.plan.nodes().any(|node| plan.plan.disabled(node));
    let (setting, value) = match cost.filter(|_| !disabled) {
        Some(cost) => ("jit_above_cost", format!("{:.0}", (cost * ROOM).ceil())),
        None => ("jit", "off".to_owned()),
    };
    let summary =
        format!("compile larger plans only: {setting} = {value} for the statement or its role");
    let words = Words {
        summary: &summary,
        expected: "the time of the compilation, less what the compiled code saved",
        risk: "statements of the role whose plans cost less are not compiled any more: long ones may get slower",
    };
    for_role(
        case,
        plan,
        advice(Action::ChangeSetting, words),
        (setting, &value),
    )
}
