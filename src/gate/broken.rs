//! Statements that the server rejects.

use crate::checks::broken_statement;
use crate::finding::{Finding, Severity};
use crate::snapshot::{ProbeOutcome, ProbeStatus, Rejection};
use crate::sql::family::Family;
use crate::sql::lexer::{TokenKind, tokens};

use super::Origin;

/// A relation does not exist.
const NO_TABLE: &str = "42P01";
/// A function or an operator does not exist.
const NO_FUNCTION: &str = "42883";

/// Errors of the text alone, whatever values a program gives (PostgreSQL's documentation, appendix A): names that do
/// not exist or are ambiguous, syntax, and rules about what may stand where.
const OF_TEXT: [&str; 14] = [
    "3F000", "42601", "42611", "42701", "42702", "42703", "42712", "42809", "428C9", NO_TABLE,
    "42P09", "42P19", "42P20", "42P21",
];

/// Errors that parameters may lead to: by their types, or because equal ones stand for an expression twice, in `GROUP
/// BY` or `SELECT DISTINCT … ORDER BY`.
const OF_PARAMETERS: [&str; 6] = ["42725", "42803", "42804", "42846", "42P10", NO_FUNCTION];

/// An object does not exist: a type or a collation of the text, or a setting that a function looks up as it runs.
const NO_OBJECT: &str = "42704";

/// Whether the statement reads what its own file creates and the database does not have, such as a temporary table.
pub(super) fn is_of_its_file(probe: Option<&ProbeOutcome>, origin: &Origin) -> bool {
    let rejection = probe.and_then(|probe| probe.rejection.as_ref());
    rejection.is_some_and(|told| {
        let name = told.word.as_deref().unwrap_or_default();
        told.sqlstate == NO_TABLE && origin.created.contains(name)
    })
}

/// The finding about a statement of a file, if it is wrong as it stands. What `pg_stat_statements` holds has been
/// executed, and is not as the program sent it.
pub(super) fn finding(
    probe: Option<&ProbeOutcome>,
    origin: &Origin,
    query: &str,
) -> Option<Finding> {
    let probe = probe.filter(|probe| probe.status == ProbeStatus::Failed)?;
    let (rejection, message) = (probe.rejection.as_ref()?, probe.reason.as_deref()?);
    if origin.file.is_none() || !is_of_text(rejection, message, query) {
        return None;
    }
    // A file's name may change, and its path depends on where from it is named.
    let family = || Family::of(query).fingerprint.id();
    let name = origin.name.clone().unwrap_or_else(family);
    let begin = origin.line.unwrap_or(1);
    let line = rejection.line.map(|line| begin + line - 1);
    let draft = broken_statement::draft(&name, message, rejection, line.or(origin.line));
    Some(draft.stamp(broken_statement::ID, Severity::Critical))
}

fn is_of_text(rejection: &Rejection, message: &str, query: &str) -> bool {
    let code = rejection.sqlstate.as_str();
    // There is a parameter where the server takes none: in the program it may be something else.
    if rejection
        .word
        .as_deref()
        .is_some_and(|word| word.starts_with('$'))
    {
        return false;
    }
    let pointed_at = rejection.line.is_some();
    if OF_TEXT.contains(&code) || code == NO_OBJECT && pointed_at {
        return true;
    }
    let has_parameters = tokens(query).any(|token| token.kind == TokenKind::Param);
    // A function goes by its arguments, which any constant would fit as well as a parameter does; an operator does not.
    let no_function = code == NO_FUNCTION && message.contains('(');
    // The server points at a constant of the text, and at no value that came beside it.
    let constant = code.starts_with("22") && pointed_at;
    no_function || constant || !has_parameters && OF_PARAMETERS.contains(&code)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(sqlstate: &str, line: Option<u32>, message: &str, query: &str) -> bool {
        let parameter = message.split('"').find(|word| word.starts_with('$'));
        let rejection = Rejection {
            sqlstate: sqlstate.to_owned(),
            line,
            word: parameter.map(str::to_owned),
            hint: None,
        };
        is_of_text(&rejection, message, query)
    }

    #[test]
    fn what_values_may_lead_to_is_not_held_against_the_text() {
        for (sqlstate, line, message, query, expected) in [
            (
                "42P01",
                Some(1),
                "relation \"gone\" does not exist",
                "a = $1",
                true,
            ),
            (
                "42703",
                Some(2),
                "column \"gone\" does not exist",
                "a = $1",
                true,
            ),
            (
                "42601",
                Some(1),
                "syntax error at or near \"form\"",
                "a = $1",
                true,
            ),
            (
                "42601",
                Some(1),
                "syntax error at or near \"$1\"",
                "a $1",
                false,
            ),
            (
                "42883",
                Some(1),
                "function f(unknown) does not exist",
                "f($1)",
                true,
            ),
            (
                "42883",
                Some(1),
                "operator does not exist: date > integer",
                "a > $1",
                false,
            ),
            (
                "42883",
                Some(1),
                "operator does not exist: date > integer",
                "a > b",
                true,
            ),
            (
                "22P02",
                Some(1),
                "invalid input value for enum s: \"x\"",
                "a = 'x' AND b = $1",
                true,
            ),
            (
                "22P02",
                None,
                "invalid input syntax for type integer: \"x\"",
                "a = $1",
                false,
            ),
            (
                "42704",
                None,
                "unrecognized configuration parameter \"app.tenant\"",
                "tenant = current_setting('app.tenant')::int",
                false,
            ),
            (
                "42704",
                Some(1),
                "type \"gone\" does not exist",
                "a = 'x'::gone",
                true,
            ),
            (
                "42803",
                Some(1),
                "column \"t.at\" must appear in the GROUP BY clause",
                "SELECT date_trunc($1, at) FROM t GROUP BY date_trunc($2, at)",
                false,
            ),
            ("42501", None, "permission denied for table t", "a", false),
            (
                "57014",
                None,
                "canceling statement due to statement timeout",
                "a",
                false,
            ),
        ] {
            assert_eq!(told(sqlstate, line, message, query), expected, "{message}");
        }
    }
}
