//! `cost_regression`: a statement's plan costs more than in the baseline.

use super::support::{Words, advice};
use super::{Case, Category, Check, CheckMeta, Proposal, Threshold};
use crate::finding::{Action, CheckId, Draft, Evidence, Formula, Source, Subject, Unit};
use crate::format;

/// The cost now over the cost in the baseline.
pub static MIN_FACTOR: Threshold<f64> = Threshold {
    key: "cost_regression.min_factor",
    default: 1.1,
    unit: Unit::Factor,
    what: "cost over that in the baseline",
};

/// The costs of small tables are near one another.
pub static MIN_MORE: Threshold<f64> = Threshold {
    key: "cost_regression.min_cost_more",
    default: 10.0,
    unit: Unit::Cost,
    what: "cost more than in the baseline",
};

/// The check's id.
pub const ID: CheckId = CheckId::new("cost_regression");

static META: CheckMeta = CheckMeta {
    id: ID,
    title: "cost regression",
    summary: "a statement's plan costs 1.1 times as much as in the baseline and 10 units more (check only)",
    category: Category::Gate,
    needs: &[],
    thresholds: &[&MIN_FACTOR, &MIN_MORE],
    page: include_str!("cost_regression.md"),
};

/// The check.
#[derive(Debug)]
pub struct CostRegression;

impl Check for CostRegression {
    fn meta(&self) -> &'static CheckMeta {
        &META
    }

    /// What was is in the baseline: see [`draft`].
    fn run(&self, _case: &Case<'_>, _found: &mut Vec<Proposal>) {}
}

/// The finding about a statement's cost; `grown` says whether its tables have grown as much.
pub fn draft(statement: &str, before: f64, after: f64, grown: bool) -> Draft {
    let because = if grown { ", as its tables grew" } else { "" };
    let words = Words {
        summary: "compare the plans (pgtriage explain), or take the change into the baseline: pgtriage check --update-baseline",
        expected: "the cost of the baseline",
        risk: "none",
    };
    let cost = |label: &str, value: f64, source: Source| {
        let formula = Formula::new(value.to_string());
        Evidence::computed(label, value, Unit::Cost, source, formula)
    };
    Draft::new(
        Subject::new(statement),
        format!(
            "planner cost {} instead of {}{because}",
            format::quantity(after),
            format::quantity(before)
        ),
        cost("planner cost now", after, Source::Explain),
        advice(Action::Investigate, words),
    )
    .with(cost(
        "planner cost in the baseline",
        before,
        Source::Explain,
    ))
}
