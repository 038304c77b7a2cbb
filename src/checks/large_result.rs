//! `large_result`: a statement returns more rows than an application reads.

use super::support::{Verb, Words, advice, label, subject, verb};
use super::workload::{Family, Field};
use super::{Case, Category, Check, CheckMeta, Proposal};
use crate::finding::{Action, CheckId, Draft, Unit};
use crate::format;
use crate::snapshot::Area;

/// Rows a call: a hundred pages of a hundred rows.
const MIN_ROWS_PER_CALL: f64 = 10_000.0;

static META: CheckMeta = CheckMeta {
    id: CheckId::new("large_result"),
    title: "large result",
    summary: "a statement returns 10,000 rows a call, or its plan 50,000",
    category: Category::Workload,
    needs: &[Area::Statements, Area::StatementTexts],
    page: include_str!("large_result.md"),
};

/// The check.
#[derive(Debug)]
pub struct LargeResult;

impl Check for LargeResult {
    fn meta(&self) -> &'static CheckMeta {
        &META
    }

    fn run(&self, case: &Case<'_>, found: &mut Vec<Proposal>) {
        let families = case.workload.families().iter().enumerate();
        found.extend(families.filter_map(|(place, family)| propose(case, place, family)));
    }
}

fn propose(case: &Case<'_>, place: usize, family: &Family) -> Option<Proposal> {
    let workload = &case.workload;
    let rows = family.rows_per_call()?;
    let text = workload.text(family);
    if rows < MIN_ROWS_PER_CALL || !family.toplevel() || verb(text) != Verb::Read {
        return None;
    }
    let title = format!(
        "large result: {} rows a call from {}",
        format::count(rows),
        label(text)
    );
    let words = Words {
        summary: "return only what is shown: LIMIT with keyset paging, an aggregate in SQL, or a cursor for an export",
        expected: "unknown: depends on how many of the rows are needed",
        risk: "the application must ask for the next page",
    };
    let fields = (Field::Rows, Field::Calls);
    let draft = Draft::new(
        subject(family.fingerprint()),
        title,
        family.quotient(workload, "rows a call", fields, Unit::Rows)?,
        advice(Action::RewriteQuery, words),
    )
    .with(family.evidence(workload, "rows", Field::Rows, Unit::Rows)?)
    .with(family.evidence(workload, "calls", Field::Calls, Unit::Calls)?)
    .at(case.location(family))
    .costing(case.impact(family, 1.0));
    Some(Proposal {
        families: vec![place],
        draft,
    })
}
