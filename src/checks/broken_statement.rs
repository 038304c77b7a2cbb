//! `broken_statement`: the server rejects a statement, so that every execution of it fails.

use super::support::{Words, advice};
use super::{Case, Category, Check, CheckMeta, Proposal};
use crate::finding::{
    Action, CheckId, Draft, Evidence, Formula, Impact, Location, Source, Subject, Unit,
};
use crate::snapshot::Rejection;

/// The check's id.
pub const ID: CheckId = CheckId::new("broken_statement");

static META: CheckMeta = CheckMeta {
    id: ID,
    title: "broken statement",
    summary: "the server rejects a statement: it names what does not exist, or is no SQL (check only)",
    category: Category::Gate,
    needs: &[],
    thresholds: &[],
    page: include_str!("broken_statement.md"),
};

/// Errors for what a statement names and the database does not have: a schema, a function, a column, an object, a
/// table.
const NOT_FOUND: [&str; 5] = ["3F000", "42883", "42703", "42704", "42P01"];

/// The check.
#[derive(Debug)]
pub struct BrokenStatement;

impl Check for BrokenStatement {
    fn meta(&self) -> &'static CheckMeta {
        &META
    }

    /// What the server says is of one statement's probe, and only of files does it follow that they are wrong: see
    /// [`draft`].
    fn run(&self, _case: &Case<'_>, _found: &mut Vec<Proposal>) {}
}

/// The finding about a statement that was rejected with this message, `line` being that of its error in the file.
pub fn draft(statement: &str, message: &str, rejection: &Rejection, line: Option<u32>) -> Draft {
    let named = NOT_FOUND.contains(&rejection.sqlstate.as_str());
    let migration = if named {
        ", or the migration that took away what it names"
    } else {
        ""
    };
    let hint = rejection.hint.as_deref().map(|hint| format!(" ({hint})"));
    let summary = format!(
        "put the statement right{migration}{}",
        hint.unwrap_or_default()
    );
    let words = Words {
        summary: &summary,
        expected: "the statement can be executed",
        risk: "none",
    };
    let proof = Evidence::computed(
        format!("error {} of the server on planning it", rejection.sqlstate),
        1.0,
        Unit::Count,
        Source::Explain,
        Formula::new("1"),
    );
    Draft::new(
        Subject::new(statement),
        format!("the server rejects it: {message}"),
        proof,
        advice(Action::ChangeApplication, words),
    )
    .at(Location {
        line,
        ..Location::default()
    })
    .costing(Impact {
        text: "every execution fails".to_owned(),
        ..Impact::default()
    })
}
