//! Which columns a condition mentions. The server prints conditions in one shape: parenthesised, with casts as
//! `::type`.

use std::collections::BTreeSet;

use crate::sql::lexer::{Token, TokenKind, redacted_tokens};

/// A column as a condition names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ColumnRef {
    /// The alias before the dot; only with VERBOSE or where the statement has several tables.
    pub qualifier: Option<String>,
    /// The column.
    pub name: String,
}

/// Words that stand in a printed expression without being columns (ruleutils.c, `get_rule_expr`): the server quotes
/// columns of such names, save the non-reserved ones, which are listed only where they cannot be told from a column
/// otherwise.
const WORDS: &[&str] = &[
    "all",
    "and",
    "any",
    "array",
    "asc",
    "between",
    "case",
    "collate",
    "current_catalog",
    "current_date",
    "current_role",
    "current_schema",
    "current_time",
    "current_timestamp",
    "current_user",
    "desc",
    "distinct",
    "else",
    "end",
    "false",
    "first",
    "from",
    "hashed",
    "in",
    "initplan",
    "is",
    "isnull",
    "last",
    "like",
    "localtime",
    "localtimestamp",
    "not",
    "notnull",
    "null",
    "nulls",
    "or",
    "row",
    "session_user",
    "similar",
    "some",
    "subplan",
    "symmetric",
    "then",
    "true",
    "unknown",
    "user",
    "when",
];

/// Words that continue the name of a type: `timestamp without time zone`, `character varying`, `double precision`.
const TYPE_WORDS: &[&str] = &[
    "varying",
    "precision",
    "with",
    "without",
    "time",
    "zone",
    "year",
    "month",
    "day",
    "hour",
    "minute",
    "second",
    "to",
];

/// The columns that `condition` mentions, each once, in order.
pub fn columns(condition: &str) -> Vec<ColumnRef> {
    let tokens: Vec<Token<'_>> = redacted_tokens(condition)
        .filter(|token| !token.is_trivia())
        .collect();
    let mut found = Vec::new();
    let mut seen = BTreeSet::new();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        if token.text == "::" {
            at = after_type(&tokens, at + 1);
        } else if token.is_name() {
            let (column, next) = reference(&tokens, at);
            if let Some(column) = column
                && seen.insert(column.clone())
            {
                found.push(column);
            }
            at = next;
        } else {
            at += 1;
        }
    }
    found
}

/// The index after the type name that starts at `at`.
fn after_type(tokens: &[Token<'_>], mut at: usize) -> usize {
    at += 1;
    while let Some(token) = tokens.get(at) {
        match token.text {
            "." | "[" => at += 2,
            "(" => at = after_parenthesis(tokens, at),
            _ if TYPE_WORDS.iter().any(|word| token.is_word(word)) => at += 1,
            _ => break,
        }
    }
    at
}

fn after_parenthesis(tokens: &[Token<'_>], open: usize) -> usize {
    tokens
        .iter()
        .skip(open)
        .position(|token| token.text == ")")
        .map_or(tokens.len(), |offset| open + offset + 1)
}

/// The column that starts at `at`, unless it is a word of the syntax, a function or a member of a sub-plan's result;
/// and the index after it.
fn reference(tokens: &[Token<'_>], at: usize) -> (Option<ColumnRef>, usize) {
    let mut parts = Vec::new();
    let mut next = at;
    while let Some(token) = tokens.get(next).filter(|token| token.is_name()) {
        parts.push(token.identifier().unwrap_or_default());
        next += 1;
        if tokens.get(next).is_some_and(|token| token.text == ".") {
            next += 1;
        } else {
            break;
        }
    }
    let is_word = tokens.get(at).is_some_and(|token| {
        token.kind == TokenKind::Word && WORDS.iter().any(|word| token.is_word(word))
    });
    let is_member = at
        .checked_sub(1)
        .and_then(|before| tokens.get(before))
        .is_some_and(|token| token.text == ".");
    let is_call = tokens.get(next).is_some_and(|token| token.text == "(");
    let is_operator = tokens
        .get(at)
        .is_some_and(|token| token.is_word("operator"));
    if is_operator && is_call {
        // OPERATOR(schema.=)
        return (None, after_parenthesis(tokens, next));
    }
    if tokens.get(at).is_some_and(|token| token.is_word("collate")) {
        let (_, after) = reference(tokens, at + 1);
        return (None, after.max(at + 1));
    }
    if is_word && parts.len() == 1 || is_member || is_call {
        return (None, next);
    }
    let name = parts.pop().unwrap_or_default();
    let column = ColumnRef {
        qualifier: parts.pop(),
        name,
    };
    (Some(column), next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_told_from_types_functions_and_words() {
        for (condition, expected) in [
            ("(customer_id = 17)", "customer_id"),
            (
                "((orders.note ~~ '%x%'::text) AND (date_trunc('day'::text, orders.placed_at) = '2024-02-01'::timestamp without time zone))",
                "orders.note orders.placed_at",
            ),
            (
                "((o.\"Total\")::numeric(10,2) > ANY ('{1,2}'::numeric[]))",
                "o.Total",
            ),
            ("(NOT (hashed SubPlan 1))", ""),
            ("(amount > (InitPlan 2).col1)", "amount"),
            ("((quantity)::numeric > $0)", "quantity"),
            ("(status = ‹text#1›)", "status"),
            (
                "(CASE WHEN active THEN a ELSE b END IS NOT NULL)",
                "active a b",
            ),
            ("((a)::character varying(10) COLLATE \"C\" = b)", "a b"),
            ("(x OPERATOR(public.=) y)", "x y"),
            ("(id = id)", "id"),
            ("((at >= '2024-01-01'::date) AND (at < CURRENT_DATE))", "at"),
            ("", ""),
            ("(((", ""),
        ] {
            let found: Vec<String> = columns(condition)
                .into_iter()
                .map(|column| match column.qualifier {
                    Some(qualifier) => format!("{qualifier}.{}", column.name),
                    None => column.name,
                })
                .collect();
            assert_eq!(found.join(" "), expected, "{condition}");
        }
    }
}
