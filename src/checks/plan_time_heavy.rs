//! `plan_time_heavy`: planning a statement takes as long as executing it.

use super::support::{Counted, MATTERS, MEDIUM_SHARE, Words, advice, each_family};
use super::workload::{Family, Field};
use super::{Case, Category, Check, CheckMeta, Depth, Proposal, Threshold};
use crate::finding::{Action, CheckId, Unit, Weight};
use crate::format;
use crate::snapshot::Area;
use crate::units::Millis;

static MIN_FACTOR: Threshold<f64> = Threshold {
    key: "plan_time_heavy.min_factor",
    default: 1.0,
    unit: Unit::Factor,
    what: "planning time over execution time",
};

static META: CheckMeta = CheckMeta {
    id: CheckId::new("plan_time_heavy"),
    title: "planning takes long",
    summary: "a statement is planned for as long as it is executed, or longer",
    category: Category::Workload,
    needs: &[Area::Statements, Area::StatementTexts, Area::PlanTiming],
    thresholds: &[&MIN_FACTOR, &MEDIUM_SHARE, &MATTERS],
    page: include_str!("plan_time_heavy.md"),
};

/// The check.
#[derive(Debug)]
pub struct PlanTimeHeavy;

impl Check for PlanTimeHeavy {
    fn meta(&self) -> &'static CheckMeta {
        &META
    }

    fn depth(&self) -> Depth {
        Depth::Resource
    }

    fn run(&self, case: &Case<'_>, found: &mut Vec<Proposal>) {
        each_family(case, found, look);
    }
}

fn look(case: &Case<'_>, family: &Family) -> Option<Counted> {
    let workload = &case.workload;
    let fields = (Field::PlanTime, Field::ExecTime);
    let label = "planning time / execution time";
    let proof = family.quotient(workload, label, fields, Unit::Factor)?;
    let planned = Millis(family.sum(workload, Field::PlanTime)?);
    // Statements that take next to no time are planned for as long: it must be worth something.
    let share = workload.share(planned).unwrap_or_default();
    if proof.value < MIN_FACTOR.of(case)
        || (planned < MATTERS.of(case) && share < MEDIUM_SHARE.of(case))
    {
        return None;
    }
    let words = Words {
        summary: "prepare it once a connection and execute it many times; where it joins many tables or partitions, let it name fewer",
        expected: "up to all of its planning time",
        risk: "a generic plan may suit some values badly: plan_cache_mode decides; a pooler in transaction mode must support prepared statements",
    };
    Some(Counted {
        title: format!("planning takes {} for", format::duration(planned)),
        proof,
        counters: &[
            ("planning time", Field::PlanTime, Unit::Ms),
            ("execution time", Field::ExecTime, Unit::Ms),
            ("plans", Field::Plans, Unit::Count),
            ("calls", Field::Calls, Unit::Calls),
        ],
        part: 1.0,
        weight: Weight::Workload,
        advice: advice(Action::ChangeApplication, words),
    })
}
