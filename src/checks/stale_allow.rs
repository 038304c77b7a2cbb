//! `stale_allow`: a comment that is to let a finding pass and does not, or need not.

use super::support::{Words, advice};
use super::{Case, Category, Check, CheckMeta, Proposal};
use crate::finding::{Action, CheckId, Draft, Evidence, Formula, Location, Source, Subject, Unit};
use crate::sql::script::Allow;

/// The check's id.
pub const ID: CheckId = CheckId::new("stale_allow");

static META: CheckMeta = CheckMeta {
    id: ID,
    title: "stale allow",
    summary: "a comment that allows a finding is unused, expired, without a reason, or of an unknown check (check only)",
    category: Category::Gate,
    needs: &[],
    thresholds: &[],
    page: include_str!("stale_allow.md"),
};

/// The check.
#[derive(Debug)]
pub struct StaleAllow;

impl Check for StaleAllow {
    fn meta(&self) -> &'static CheckMeta {
        &META
    }

    /// Whether a comment is of use follows from what all the others find: see [`draft`].
    fn run(&self, _case: &Case<'_>, _found: &mut Vec<Proposal>) {}
}

/// The finding about a comment above a statement.
pub fn draft(allow: &Allow, statement: &str, why: &str) -> Draft {
    let words = Words {
        summary: "remove the comment, or write: -- pgtriage: allow ID because REASON [until YYYY-MM-DD]",
        expected: "each comment that allows something says why, and is gone when the reason is",
        risk: "none",
    };
    let proof = Evidence::computed(
        "findings that it lets pass",
        0.0,
        Unit::Count,
        Source::Formula,
        Formula::new("0"),
    );
    let what = match allow.check.as_str() {
        "" => "comment".to_owned(),
        check => format!("allow {check}"),
    };
    Draft::new(
        Subject::new(format!("{} above {statement}", allow.check)),
        format!("{what} does not count: {why}"),
        proof,
        advice(Action::ChangeApplication, words),
    )
    .at(Location {
        line: Some(allow.line),
        ..Location::default()
    })
}
