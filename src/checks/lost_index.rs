//! `lost_index`: a table that a statement reached by an index in the baseline is read whole.

use super::support::{Words, advice};
use super::{Case, Category, Check, CheckMeta, Proposal};
use crate::finding::{Action, CheckId, Draft, Evidence, Formula, Location, Source, Subject, Unit};

/// The check's id.
pub const ID: CheckId = CheckId::new("lost_index");

static META: CheckMeta = CheckMeta {
    id: ID,
    title: "lost index",
    summary: "a table that a statement reached by an index in the baseline is read whole (check only)",
    category: Category::Gate,
    needs: &[],
    thresholds: &[],
    page: include_str!("lost_index.md"),
};

/// The check.
#[derive(Debug)]
pub struct LostIndex;

impl Check for LostIndex {
    fn meta(&self) -> &'static CheckMeta {
        &META
    }

    /// What was is in the baseline: see [`draft`].
    fn run(&self, _case: &Case<'_>, _found: &mut Vec<Proposal>) {}
}

/// The finding about a table whose line in the plan was that one.
pub fn draft(table: &str, was: &str) -> Draft {
    let summary = format!(
        "give {table} back the index that served the statement ({was}), or take the change into the baseline: pgtriage check --update-baseline"
    );
    let words = Words {
        summary: &summary,
        expected: "the plan of the baseline",
        risk: "none beyond that of the index that was there",
    };
    let proof = Evidence::computed(
        "index scans of the baseline that are gone",
        1.0,
        Unit::Count,
        Source::Explain,
        Formula::new("1"),
    );
    Draft::new(
        Subject::new(table),
        format!("{table} is read whole, and was reached by {was}"),
        proof,
        advice(Action::CreateIndex, words),
    )
    .at(Location {
        table: Some(table.to_owned()),
        ..Location::default()
    })
}
