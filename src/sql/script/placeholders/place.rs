//! What the place of a placeholder says of it.

use crate::sql::lexer::Token;

/// Words after which the name of a table stands.
const BEFORE_TABLE: [&str; 5] = ["join", "into", "update", "table", "only"];

/// Words after which parentheses hold a row or a condition, and no arguments.
const BEFORE_ROW: [&str; 13] = [
    "where", "and", "or", "not", "on", "when", "having", "select", "case", "then", "by", "in",
    "filter",
];

/// The token before, white space and comments left out.
pub(super) fn before<'a, 't>(all: &'a [Token<'t>], at: usize) -> Option<&'a Token<'t>> {
    all.get(last(all, at)?)
}

/// Where that token is.
fn last(all: &[Token<'_>], at: usize) -> Option<usize> {
    let until = all.get(..at)?;
    until.iter().rposition(|token| !token.is_trivia())
}

/// How many values stand there, where it is a row of them: behind VALUES as many as the INSERT has columns, beside
/// another row as many as that has.
pub(super) fn width(all: &[Token<'_>], at: usize) -> Option<usize> {
    let mut end = last(all, at)?;
    if all.get(end)?.is_word("values") {
        let columns = last(all, end).and_then(|close| group(all, close));
        return Some(columns.map_or(1, |(_, width)| width));
    }
    if all.get(end)?.text == "(" {
        end = last(all, end)?;
        all.get(end).filter(|word| word.is_word("in"))?;
    }
    let word = all.get(end)?;
    let compares = matches!(word.text, "=" | "<>" | "<" | ">" | "<=" | ">=") || word.is_word("in");
    if !compares {
        return None;
    }
    let mut close = last(all, end)?;
    if all.get(close)?.is_word("not") {
        close = last(all, close)?;
    }
    let (open, width) = group(all, close)?;
    let calls = before(all, open).is_some_and(|callee| {
        callee.is_name() && !BEFORE_ROW.iter().any(|word| callee.is_word(word))
    });
    (width > 1 && !calls).then_some(width)
}

/// The parentheses that end there: where they begin, and how many parts commas divide them into.
fn group(all: &[Token<'_>], close: usize) -> Option<(usize, usize)> {
    all.get(close).filter(|token| token.text == ")")?;
    let mut depth = 0_usize;
    let mut parts = 1;
    for (at, token) in all.get(..=close)?.iter().enumerate().rev() {
        match token.text {
            ")" => depth += 1,
            "(" => depth -= 1,
            "," if depth == 1 => parts += 1,
            _ => {}
        }
        if depth == 0 {
            return Some((at, parts));
        }
    }
    None
}

/// Whether the name of a table stands there, which no value can take the place of.
pub(super) fn is_table(all: &[Token<'_>], at: usize) -> bool {
    let Some(place) = last(all, at) else {
        return false;
    };
    let Some(word) = all.get(place) else {
        return false;
    };
    BEFORE_TABLE.iter().any(|table| word.is_word(table))
        || word.is_word("from") && begins_a_list(all, place)
}

/// Whether FROM at that place is that of SELECT or DELETE, and not part of a function's arguments or of IS DISTINCT
/// FROM.
fn begins_a_list(all: &[Token<'_>], from: usize) -> bool {
    let until = all.get(..from).unwrap_or_default();
    if before(all, from).is_some_and(|word| word.is_word("distinct")) {
        return false;
    }
    let mut depth = 0_usize;
    for token in until.iter().rev() {
        match token.text {
            ")" => depth += 1,
            "(" if depth == 0 => return false,
            "(" => depth -= 1,
            _ if depth == 0 && (token.is_word("select") || token.is_word("delete")) => {
                return true;
            }
            _ => {}
        }
    }
    false
}

/// Whether what comes there asks if the value before is NULL.
pub(super) fn is_tested(all: &[Token<'_>], at: usize) -> bool {
    let mut words = all
        .get(at..)
        .unwrap_or_default()
        .iter()
        .filter(|token| !token.is_trivia());
    let is = words.next().is_some_and(|word| word.is_word("is"));
    let null = words.find(|word| !word.is_word("not"));
    is && null.is_some_and(|word| word.is_word("null"))
}
