//! Counters of recursive queries: `SELECT $1 AS depth … UNION ALL SELECT depth + $2 …`, where the first `$1` would be
//! text.

use std::collections::BTreeSet;

use crate::sql::lexer::{Token, TokenKind};
use crate::sql::rewrite::stream::Stream;

/// The tokens that are such parameters.
pub fn counters(stream: &Stream<'_>) -> BTreeSet<usize> {
    if !(0..stream.len()).any(|index| stream.words(index, &["with", "recursive"])) {
        return BTreeSet::new();
    }
    let counted = counted(stream);
    (0..stream.len())
        .filter(|index| stream.parameter(*index).is_some())
        .filter(|index| output_name(stream, *index).is_some_and(|name| counted.contains(&name)))
        .collect()
}

/// The names that something is added to.
fn counted(stream: &Stream<'_>) -> BTreeSet<String> {
    (0..stream.len())
        .filter(|index| {
            [stream.before(*index), stream.get(index + 1)]
                .into_iter()
                .flatten()
                .any(|beside| {
                    beside.kind == TokenKind::Operator
                        && matches!(beside.text, "+" | "-" | "*" | "/" | "%")
                })
        })
        .filter_map(|index| stream.get(index)?.identifier())
        .collect()
}

/// The output column that the parameter at `index` alone makes in the first arm of a `WITH` query.
fn output_name(stream: &Stream<'_>, index: usize) -> Option<String> {
    let before = stream.before(index)?;
    if !(before.is_word("select") || matches!(before.text, "," | "(")) {
        return None;
    }
    let next = stream.get(index + 1)?;
    if next.is_word("as") {
        return stream.get(index + 2)?.identifier();
    }
    let ends = matches!(next.text, "," | ")")
        || ["from", "union", "where"].iter().any(|w| next.is_word(w));
    if !ends {
        return next.is_name().then(|| next.identifier()).flatten();
    }
    let list = stream.opener(index)?;
    let values = list
        .checked_sub(1)
        .is_some_and(|at| stream.word(at, "values"));
    let query = if values { stream.opener(list)? } else { list };
    column(stream, query, stream.position(index))
}

/// The column at `position` of `name (a, b) AS (` whose parenthesis opens at `query`.
fn column(stream: &Stream<'_>, query: usize, position: usize) -> Option<String> {
    let mut at = query.checked_sub(1)?;
    while stream.any_word(at, &["as", "materialized", "not"]) {
        at = at.checked_sub(1)?;
    }
    let names = stream.sign(at, ")").then(|| stream.partner(at)).flatten()?;
    let part = stream.arguments(names).into_iter().nth(position)?;
    stream.get(part.start).and_then(Token::identifier)
}
