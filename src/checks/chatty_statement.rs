//! `chatty_statement`: a statement that returns a row at most is called very often.

use std::collections::BTreeSet;

use super::n_plus_one::NPlusOne;
use super::support::{Counted, Words, advice, each_family};
use super::workload::{Family, Field};
use super::{Case, Category, Check, CheckMeta, Depth, Proposal, Threshold};
use crate::finding::{Action, CheckId, Severity, Unit, Weight};
use crate::format;
use crate::snapshot::Area;
use crate::sql::facts::Facts;
use crate::sql::mentions::StatementClass;

static MIN_CALLS: Threshold<i64> = Threshold {
    key: "chatty_statement.min_calls",
    default: 10_000,
    unit: Unit::Calls,
    what: "calls in the window",
};

static MIN_RATE: Threshold<f64> = Threshold {
    key: "chatty_statement.min_rate",
    default: 100.0,
    unit: Unit::PerSecond,
    what: "calls a second",
};

static MAX_ROWS_PER_CALL: Threshold<f64> = Threshold {
    key: "chatty_statement.max_rows_per_call",
    default: 1.0,
    unit: Unit::Rows,
    what: "rows that a call returns, at most",
};

static META: CheckMeta = CheckMeta {
    id: CheckId::new("chatty_statement"),
    title: "chatty",
    summary: "a query that returns a row at most runs 10,000 times, and 100 times a second, and no loop was proven",
    category: Category::Workload,
    needs: &[Area::Statements, Area::StatementTexts],
    thresholds: &[&MIN_CALLS, &MIN_RATE, &MAX_ROWS_PER_CALL],
    page: include_str!("chatty_statement.md"),
};

/// The check.
#[derive(Debug)]
pub struct ChattyStatement;

impl Check for ChattyStatement {
    fn meta(&self) -> &'static CheckMeta {
        &META
    }

    fn depth(&self) -> Depth {
        Depth::Resource
    }

    fn run(&self, case: &Case<'_>, found: &mut Vec<Proposal>) {
        let families = case.workload.families();
        if !families.iter().any(|family| is_chatty(case, family)) {
            return;
        }
        let mut loops = Vec::new();
        NPlusOne.run(case, &mut loops);
        let looped: BTreeSet<usize> = loops.into_iter().flat_map(|found| found.families).collect();
        let mut all = Vec::new();
        each_family(case, &mut all, look);
        let alone = |proposal: &Proposal| {
            let mut families = proposal.families.iter();
            families.all(|family| !looped.contains(family))
        };
        found.extend(all.into_iter().filter(alone));
    }
}

fn is_chatty(case: &Case<'_>, family: &Family) -> bool {
    let often = case.workload.rate(family.calls());
    family.toplevel()
        && family.calls() >= MIN_CALLS.of(case)
        && often.is_some_and(|rate| rate >= MIN_RATE.of(case))
        && family
            .rows_per_call()
            .is_some_and(|rows| rows <= MAX_ROWS_PER_CALL.of(case))
        && StatementClass::of(case.workload.text(family)).is_query()
}

fn look(case: &Case<'_>, family: &Family) -> Option<Counted> {
    let first = family.members().first()?;
    let polls = case.facts(first.statement).is_some_and(Facts::skips_locked);
    if polls || !is_chatty(case, family) {
        return None;
    }
    let workload = &case.workload;
    let seconds = workload.window().seconds?;
    let rate = workload.rate(family.calls())?;
    let words = Words {
        summary: "no loop was proven: no statement returned its keys as often. Where calls of one request follow each other, ask for all keys at once (= ANY($1)); keep what changes seldom in the application",
        expected: "fewer round trips; unknown how many until it is known who calls",
        risk: "what is kept may be out of date",
    };
    Some(Counted {
        title: format!("chatty: {} calls a second of", format::count(rate)),
        proof: workload.counted(
            "calls a second",
            rate,
            Unit::PerSecond,
            format!("{} / {seconds}", family.term(workload, Field::Calls)?),
        ),
        counters: &[
            ("calls", Field::Calls, Unit::Calls),
            ("rows", Field::Rows, Unit::Rows),
            ("execution time", Field::ExecTime, Unit::Ms),
        ],
        part: 1.0,
        // A busy server has such statements by right: nothing shows that one call too many is made.
        weight: Weight::AtMost(Severity::Low),
        advice: advice(Action::ChangeApplication, words),
    })
}
