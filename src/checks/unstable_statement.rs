//! `unstable_statement`: execution times spread widely about their mean.

use super::support::{Counted, Words, advice, each_family};
use super::workload::{Family, Field};
use super::{Case, Category, Check, CheckMeta, Depth, Proposal, Threshold};
use crate::finding::{Action, CheckId, Severity, Unit, Weight};
use crate::format;
use crate::snapshot::Area;
use crate::units::{Millis, ratio};

/// Standard deviation ÷ mean from which times are unstable: twice that of an exponential distribution.
static MIN_SPREAD: Threshold<f64> = Threshold {
    key: "unstable_statement.min_spread",
    default: 2.0,
    unit: Unit::Factor,
    what: "standard deviation over mean",
};

static MIN_CALLS: Threshold<i64> = Threshold {
    key: "unstable_statement.min_calls",
    default: 100,
    unit: Unit::Calls,
    what: "calls, so that a deviation says something",
};

static MIN_SHARE: Threshold<f64> = Threshold {
    key: "unstable_statement.min_share",
    default: 0.01,
    unit: Unit::Ratio,
    what: "share of the execution time",
};

/// Deviation below which nobody waits: what `slow_statement` calls slow.
const FELT: Millis = Millis(20.0);

static META: CheckMeta = CheckMeta {
    id: CheckId::new("unstable_statement"),
    title: "unstable times",
    summary: "the standard deviation of a statement's times is twice their mean over 100 or more calls, at 1 % of the execution time",
    category: Category::Workload,
    needs: &[Area::Statements, Area::StatementTexts],
    thresholds: &[&MIN_SPREAD, &MIN_CALLS, &MIN_SHARE],
    page: include_str!("unstable_statement.md"),
};

/// The check.
#[derive(Debug)]
pub struct UnstableStatement;

impl Check for UnstableStatement {
    fn meta(&self) -> &'static CheckMeta {
        &META
    }

    fn depth(&self) -> Depth {
        Depth::Slowness
    }

    fn run(&self, case: &Case<'_>, found: &mut Vec<Proposal>) {
        each_family(case, found, look);
    }
}

fn look(case: &Case<'_>, family: &Family) -> Option<Counted> {
    let workload = &case.workload;
    let (mean, deviation) = (family.mean()?, family.stddev()?);
    let spread = ratio(deviation.get(), mean.get())?;
    let share = workload.share(family.time()).unwrap_or_default();
    if spread < MIN_SPREAD.of(case)
        || family.calls() < MIN_CALLS.of(case)
        || share < MIN_SHARE.of(case)
    {
        return None;
    }
    let squares = workload.squares_term(family)?;
    let calls = family.term(workload, Field::Calls)?;
    let time = family.term(workload, Field::ExecTime)?;
    let variance = format!("max(0, {squares} / {calls} - {time} / {calls} * {time} / {calls})");
    let words = Words {
        summary: "find out what the slow calls have in common: parameters that many rows match (see the plans of several values), locks that they wait for, or blocks that were not in memory",
        expected: "unknown until it is known which calls are slow",
        risk: "none: looking changes nothing",
    };
    Some(Counted {
        title: format!(
            "unstable times: {} on average, deviating by {}, in",
            format::duration(mean),
            format::duration(deviation)
        ),
        proof: workload.counted(
            "standard deviation / mean of the execution time",
            spread,
            Unit::Factor,
            format!("sqrt({variance}) / ({time} / {calls})"),
        ),
        counters: &[
            ("calls", Field::Calls, Unit::Calls),
            ("execution time", Field::ExecTime, Unit::Ms),
        ],
        part: 1.0,
        weight: if deviation < FELT {
            Weight::AtMost(Severity::Info)
        } else {
            Weight::Workload
        },
        advice: advice(Action::Investigate, words),
    })
}
