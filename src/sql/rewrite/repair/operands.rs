//! What stands beside a parameter in arithmetic.

use super::callee;
use crate::sql::lexer::{Token, TokenKind};
use crate::sql::rewrite::stream::Stream;

/// The company of a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arithmetic {
    /// Another parameter, or nothing (`-$1`): no type anywhere.
    Alone,
    /// A date: days are added, but the server would take a date.
    WithDate,
    /// A timestamp: an interval is added, but the server would take a timestamp.
    WithTimestamp,
    /// Something of unknown type, by `+` or `-`.
    Offset,
}

fn is_arithmetic(token: &Token<'_>) -> bool {
    token.kind == TokenKind::Operator
        && matches!(
            token.text,
            "+" | "-" | "*" | "/" | "%" | "^" | "&" | "|" | "#" | "<<" | ">>"
        )
}

fn is_additive(token: &Token<'_>) -> bool {
    token.kind == TokenKind::Operator && matches!(token.text, "+" | "-")
}

/// The company of the parameter at `index`; `None` when it is in no arithmetic, or in such that tells its type.
pub fn arithmetic(stream: &Stream<'_>, index: usize) -> Option<Arithmetic> {
    let before = stream.before(index);
    let after = stream.get(index + 1);
    if let Some(operator) = before.filter(|token| is_arithmetic(token) || token.text == "~") {
        let Some(left) = index
            .checked_sub(2)
            .filter(|left| ends_operand(stream, *left))
        else {
            return Some(Arithmetic::Alone);
        };
        // `x - $1 * interval '1 day'`: the product binds first.
        let multiplied = after.is_some_and(|next| matches!(next.text, "*" | "/"));
        if is_additive(operator) && !multiplied {
            return match operand_type(stream, left) {
                Some(kind) => Some(kind),
                None if stream.parameter(left).is_some() => None,
                None => Some(Arithmetic::Offset),
            };
        }
    }
    let operator = after.filter(|token| is_arithmetic(token))?;
    let right = index + 2;
    if stream.parameter(right).is_some() && !stream.sign(right + 1, "::") {
        return Some(Arithmetic::Alone);
    }
    (operator.text == "+" && stream.word(right, "current_date")).then_some(Arithmetic::WithDate)
}

/// Whether the call whose parenthesis opens at `open` is an operand of arithmetic.
pub fn in_arithmetic(stream: &Stream<'_>, open: usize) -> bool {
    let before = open.checked_sub(1).and_then(|name| stream.before(name));
    let after = stream.partner(open).and_then(|close| stream.get(close + 1));
    before.is_some_and(is_arithmetic) || after.is_some_and(is_arithmetic)
}

/// Whether an operand ends at `index`, so that an operator after it is a binary one.
fn ends_operand(stream: &Stream<'_>, index: usize) -> bool {
    let Some(token) = stream.get(index) else {
        return false;
    };
    match token.kind {
        TokenKind::Word => ![
            "select",
            "and",
            "or",
            "not",
            "then",
            "else",
            "when",
            "case",
            "between",
            "in",
            "like",
            "ilike",
            "by",
            "where",
            "limit",
            "offset",
            "returning",
            "having",
            "on",
            "all",
            "distinct",
            "is",
            "set",
        ]
        .iter()
        .any(|word| token.is_word(word)),
        TokenKind::Punctuation => matches!(token.text, ")" | "]"),
        TokenKind::Operator => false,
        _ => true,
    }
}

/// What kind of time the operand that ends at `end` is, as far as the text says.
fn operand_type(stream: &Stream<'_>, end: usize) -> Option<Arithmetic> {
    let word = |words: &[&str]| stream.any_word(end, words);
    let cast = end.checked_sub(1).is_some_and(|at| stream.sign(at, "::"));
    if word(&["current_date"]) || cast && word(&["date"]) {
        return Some(Arithmetic::WithDate);
    }
    if word(&["current_timestamp", "localtimestamp"]) || cast && word(&["timestamp", "timestamptz"])
    {
        return Some(Arithmetic::WithTimestamp);
    }
    let open = stream
        .sign(end, ")")
        .then(|| stream.partner(end))
        .flatten()?;
    let name = callee(stream, open)?.to_ascii_lowercase();
    match name.as_str() {
        "date" | "to_date" | "make_date" => Some(Arithmetic::WithDate),
        "now"
        | "clock_timestamp"
        | "statement_timestamp"
        | "transaction_timestamp"
        | "current_timestamp"
        | "localtimestamp"
        | "date_trunc"
        | "to_timestamp"
        | "make_timestamp"
        | "make_timestamptz"
        | "timezone" => Some(Arithmetic::WithTimestamp),
        _ => None,
    }
}
