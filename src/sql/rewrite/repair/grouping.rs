//! `SELECT date_trunc($1, at) … GROUP BY date_trunc('day', at)`: the server no longer sees that they are the same.
//!
//! Normalisation walks the analysed query, in which `GROUP BY` and `ORDER BY` only point to the select list: their
//! constants stay in the text.

use std::collections::BTreeSet;
use std::ops::Range;

use super::Repair;
use crate::sql::lexer::TokenKind;
use crate::sql::rewrite::stream::{Edits, Stream};

/// The tokens of the longest expression that is looked for elsewhere.
const MAX_ITEM: usize = 200;

/// How many tokens are compared in all: far more than any statement that people write needs.
const MAX_EFFORT: usize = 1_000_000;

/// `text` with the constants of grouped, and of distinct and ordered, expressions made the same wherever the expression
/// is selected or ordered by.
pub fn repair(text: &str, what: &mut BTreeSet<Repair>) -> String {
    let stream = Stream::new(text);
    let mut edits = Edits::default();
    let mut effort = MAX_EFFORT;
    for index in 0..stream.len() {
        let group = stream.words(index, &["group", "by"]);
        let order = stream.words(index, &["order", "by"]);
        if !group && !order {
            continue;
        }
        let query = level_of(&stream, index);
        let Some(rest) = effort.checked_sub(query.len()) else {
            break;
        };
        effort = rest;
        if order && !is_distinct(&stream, query.start, index) {
            continue;
        }
        for item in items(&stream, index + 2, query.end) {
            effort = effort.saturating_sub(query.len());
            if effort == 0 {
                break;
            }
            unify(&stream, &query, index, &item, &mut edits);
        }
    }
    if edits.is_empty() {
        return text.to_owned();
    }
    what.insert(Repair::Grouping);
    edits.apply(text)
}

/// The tokens of the query that `index` is directly in.
fn level_of(stream: &Stream<'_>, index: usize) -> Range<usize> {
    match stream.opener(index) {
        Some(open) => open + 1..stream.partner(open).unwrap_or(stream.len()),
        None => 0..stream.len(),
    }
}

fn is_distinct(stream: &Stream<'_>, start: usize, end: usize) -> bool {
    stream
        .level(start, end)
        .any(|at| stream.words(at, &["select", "distinct"]))
}

/// The comma-separated items from `start` to the next clause.
fn items(stream: &Stream<'_>, start: usize, end: usize) -> Vec<Range<usize>> {
    let stop = stream
        .level(start, end)
        .find(|at| {
            stream.any_word(
                *at,
                &[
                    "group",
                    "having",
                    "window",
                    "order",
                    "limit",
                    "offset",
                    "fetch",
                    "for",
                    "union",
                    "except",
                    "intersect",
                    "returning",
                    "rows",
                    "range",
                    "groups",
                ],
            ) || stream.sign(*at, ";")
        })
        .unwrap_or(end);
    let mut parts = Vec::new();
    let mut from = start;
    for at in stream.level(start, stop) {
        if stream.sign(at, ",") {
            parts.push(from..at);
            from = at + 1;
        }
    }
    parts.push(from..stop);
    for part in &mut parts {
        while part.len() > 1
            && (stream.any_word(part.end - 1, &["asc", "desc", "nulls", "first", "last"]))
        {
            part.end -= 1;
        }
    }
    parts
        .into_iter()
        .flat_map(|part| grouped(stream, part))
        .collect()
}

/// The items in `CUBE (…)`, `ROLLUP (…)`, `GROUPING SETS (…)` or parentheses; else the item itself.
fn grouped(stream: &Stream<'_>, part: Range<usize>) -> Vec<Range<usize>> {
    let open = if stream.any_word(part.start, &["cube", "rollup"]) {
        part.start + 1
    } else if stream.words(part.start, &["grouping", "sets"]) {
        part.start + 2
    } else {
        part.start
    };
    let closed = stream.sign(open, "(")
        && stream
            .partner(open)
            .is_some_and(|close| close + 1 == part.end);
    if closed {
        items(stream, open + 1, part.end - 1)
    } else {
        vec![part]
    }
}

/// Gives every copy of the expression in the select list and after `clause` the same constants: those that are still in
/// one of them, else the parameters of the first one.
fn unify(
    stream: &Stream<'_>,
    query: &Range<usize>,
    clause: usize,
    item: &Range<usize>,
    edits: &mut Edits,
) {
    let constants = item.clone().any(|at| is_constant(stream, at));
    if !constants || !(2..=MAX_ITEM).contains(&item.len()) {
        return;
    }
    // What WHERE compares need not be what is grouped by.
    let from = stream
        .level(query.start, clause)
        .find(|at| stream.word(*at, "from"))
        .unwrap_or(clause);
    let places = (query.start..from).chain(clause..query.end);
    let copies: Vec<usize> = places.filter(|start| same(stream, *start, item)).collect();
    for offset in 0..item.len() {
        let written = copies
            .iter()
            .find(|copy| stream.parameter(*copy + offset).is_none())
            .or(copies.first());
        let Some(theirs) = written.and_then(|copy| stream.get(copy + offset)) else {
            continue;
        };
        for copy in &copies {
            if let Some(ours) = stream.get(copy + offset)
                && stream.parameter(copy + offset).is_some()
                && ours.text != theirs.text
            {
                edits.replace(ours.span(), theirs.text);
            }
        }
    }
}

/// A parameter, or what it may have stood for.
fn is_constant(stream: &Stream<'_>, index: usize) -> bool {
    let Some(token) = stream.get(index) else {
        return false;
    };
    let field = index >= 2
        && stream.word(index - 2, "extract")
        && stream.sign(index - 1, "(")
        && stream.word(index + 1, "from");
    token.kind == TokenKind::Param
        || token.is_literal()
        || stream.any_word(index, &["true", "false", "null"])
        || field
}

/// Whether the tokens from `start` are those of `item`, a constant being the same as any parameter.
fn same(stream: &Stream<'_>, start: usize, item: &Range<usize>) -> bool {
    item.clone().enumerate().all(|(offset, at)| {
        let (Some(a), Some(b)) = (stream.get(start + offset), stream.get(at)) else {
            return false;
        };
        let parameter = a.kind == TokenKind::Param || b.kind == TokenKind::Param;
        if parameter {
            return is_constant(stream, start + offset) && is_constant(stream, at);
        }
        a.kind == b.kind
            && (a.text == b.text
                || a.kind == TokenKind::Word && a.text.eq_ignore_ascii_case(b.text))
    })
}
