//! `slow_statement`: executions take long on average.

use super::support::{Counted, Words, advice, each_family};
use super::workload::{Family, Field};
use super::{Case, Category, Check, CheckMeta, Depth, Proposal, Threshold};
use crate::finding::{Action, CheckId, Unit, Weight};
use crate::format;
use crate::snapshot::Area;
use crate::units::Millis;

/// Mean time from which a statement that runs often is slow: beyond it a page of a few statements feels slow
/// (100 ms is the limit of what seems instantaneous; Nielsen, *Usability Engineering*, 1993, ch. 5).
static MIN_MEAN: Threshold<Millis> = Threshold {
    key: "slow_statement.min_mean_ms",
    default: Millis(20.0),
    unit: Unit::Ms,
    what: "mean time of a statement that runs often",
};

static MIN_CALLS: Threshold<i64> = Threshold {
    key: "slow_statement.min_calls",
    default: 100,
    unit: Unit::Calls,
    what: "calls of a statement that runs often",
};

/// Mean time from which a statement is slow however seldom it runs: the limit of an uninterrupted flow of thought (same
/// source).
static MIN_MEAN_ALONE: Threshold<Millis> = Threshold {
    key: "slow_statement.min_mean_alone_ms",
    default: Millis(1_000.0),
    unit: Unit::Ms,
    what: "mean time of a statement that runs however seldom",
};

static META: CheckMeta = CheckMeta {
    id: CheckId::new("slow_statement"),
    title: "slow statement",
    summary: "a statement takes 20 ms on average over 100 or more calls, or 1 s",
    category: Category::Workload,
    needs: &[Area::Statements, Area::StatementTexts],
    thresholds: &[&MIN_MEAN, &MIN_CALLS, &MIN_MEAN_ALONE],
    page: include_str!("slow_statement.md"),
};

/// The check.
#[derive(Debug)]
pub struct SlowStatement;

impl Check for SlowStatement {
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
    let mean = family.mean()?;
    let often = family.calls() >= MIN_CALLS.of(case) && mean >= MIN_MEAN.of(case);
    if !often && mean < MIN_MEAN_ALONE.of(case) {
        return None;
    }
    let words = Words {
        summary: "no finding about its plan explains it: look at what it waits for, locks first, and at what its parameters make it read",
        expected: "unknown until it is known where the time goes",
        risk: "none: looking changes nothing",
    };
    let per_call = (Field::ExecTime, Field::Calls);
    let workload = &case.workload;
    Some(Counted {
        title: format!("slow statement: {} on average in", format::duration(mean)),
        proof: family.quotient(workload, "mean execution time", per_call, Unit::Ms)?,
        counters: &[
            ("calls", Field::Calls, Unit::Calls),
            ("execution time", Field::ExecTime, Unit::Ms),
        ],
        part: 1.0,
        weight: Weight::Workload,
        advice: advice(Action::Investigate, words),
    })
}
