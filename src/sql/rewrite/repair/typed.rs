//! What the grammar does not allow a parameter in.

use std::collections::BTreeSet;

use super::Repair;
use crate::sql::lexer::TokenKind;
use crate::sql::rewrite::stream::{Edits, Stream};

/// Keywords that an expression may follow: what else stands right before a parameter is the name of a type. Sorted.
const BEFORE_EXPRESSION: [&str; 75] = [
    "all",
    "and",
    "any",
    "as",
    "asc",
    "asymmetric",
    "between",
    "both",
    "by",
    "case",
    "content",
    "default",
    "desc",
    "distinct",
    "document",
    "else",
    "escape",
    "except",
    "execute",
    "fetch",
    "filter",
    "first",
    "following",
    "for",
    "from",
    "full",
    "groups",
    "having",
    "ilike",
    "in",
    "intersect",
    "into",
    "is",
    "isnull",
    "key",
    "last",
    "leading",
    "like",
    "limit",
    "next",
    "not",
    "notnull",
    "of",
    "offset",
    "on",
    "only",
    "or",
    "over",
    "overlaps",
    "passing",
    "path",
    "placing",
    "preceding",
    "range",
    "returning",
    "rows",
    "select",
    "set",
    "similar",
    "some",
    "standalone",
    "symmetric",
    "then",
    "to",
    "trailing",
    "union",
    "using",
    "value",
    "values",
    "variadic",
    "version",
    "when",
    "where",
    "with",
    "zone",
];

/// `text` with typed constants, `extract` and `normalize` made fit for parameters.
pub fn repair(text: &str, what: &mut BTreeSet<Repair>) -> String {
    let stream = Stream::new(text);
    let mut edits = Edits::default();
    for index in 0..stream.len() {
        if stream.parameter(index).is_none() {
            continue;
        }
        if extract(&stream, index, &mut edits) {
            what.insert(Repair::Extract);
        } else if normalize(&stream, index, &mut edits) {
            what.insert(Repair::Normalize);
        } else if let Some(start) = type_before(&stream, index) {
            constant(&stream, start, index, &mut edits);
            what.insert(Repair::TypedConstant);
        }
    }
    edits.apply(text)
}

/// `type $1` → `$1::type`
fn constant(stream: &Stream<'_>, start: usize, index: usize, edits: &mut Edits) {
    let Some(token) = stream.get(index) else {
        return;
    };
    let name = stream.slice(start..index);
    let from = stream.bytes(start..index).start;
    edits.replace(from..token.span().end, format!("{}::{name}", token.text));
}

/// Where the type name starts that ends right before the parameter at `index`.
fn type_before(stream: &Stream<'_>, index: usize) -> Option<usize> {
    let last = index.checked_sub(1)?;
    if let Some(start) = zoned(stream, last) {
        return Some(start);
    }
    let mut name = last;
    if stream.sign(last, ")") {
        // A modifier: timestamp(3), numeric(10,2).
        let open = stream.partner(last)?;
        let digits = stream.arguments(open).iter().all(|part| {
            part.len() == 1
                && stream
                    .get(part.start)
                    .is_some_and(|t| t.kind == TokenKind::Integer)
        });
        if !digits || open + 1 == last {
            return None;
        }
        name = open.checked_sub(1)?;
    }
    let token = stream.get(name)?;
    if !token.is_name() || is_keyword(token.text) && token.kind == TokenKind::Word {
        return None;
    }
    let two = [
        ("double", "precision"),
        ("character", "varying"),
        ("char", "varying"),
        ("nchar", "varying"),
        ("bit", "varying"),
        ("national", "character"),
        ("national", "char"),
    ];
    let mut start = name;
    while let Some(before) = start.checked_sub(1) {
        if two
            .iter()
            .any(|(a, b)| stream.word(before, a) && stream.word(start, b))
        {
            start = before;
        } else if stream.sign(before, ".") && before > 0 {
            start = before - 1;
        } else {
            break;
        }
    }
    Some(start)
}

/// `timestamp(3) with time zone`
fn zoned(stream: &Stream<'_>, last: usize) -> Option<usize> {
    let with = last.checked_sub(2)?;
    let words = stream.words(with, &["with", "time", "zone"])
        || stream.words(with, &["without", "time", "zone"]);
    if !words {
        return None;
    }
    let mut start = with.checked_sub(1)?;
    if stream.sign(start, ")") {
        start = stream.partner(start)?.checked_sub(1)?;
    }
    stream
        .any_word(start, &["timestamp", "time"])
        .then_some(start)
}

fn is_keyword(word: &str) -> bool {
    BEFORE_EXPRESSION
        .binary_search(&word.to_ascii_lowercase().as_str())
        .is_ok()
}

/// `extract($1 from x)` → `date_part($1, x)`, which takes the field as a value on every version.
fn extract(stream: &Stream<'_>, index: usize, edits: &mut Edits) -> bool {
    let Some(name) = index.checked_sub(2) else {
        return false;
    };
    if !(stream.word(name, "extract")
        && stream.sign(name + 1, "(")
        && stream.word(index + 1, "from"))
    {
        return false;
    }
    edits.replace(stream.bytes(name..name + 1), "date_part");
    let end = stream.bytes(index..index + 1).end;
    let from = stream.bytes(index + 1..index + 2);
    edits.replace(end..from.end, ",");
    true
}

/// The form (`NFC` …) of `normalize` and `IS … NORMALIZED` is a keyword there and an argument of the functions.
fn normalize(stream: &Stream<'_>, index: usize, edits: &mut Edits) -> bool {
    if let Some(open) = stream.opener(index)
        && let Some(name) = open.checked_sub(1)
        && stream.word(name, "normalize")
        && stream.before(index).is_some_and(|token| token.text == ",")
    {
        edits.replace(stream.bytes(name..name + 1), "pg_catalog.\"normalize\"");
        return true;
    }
    if !stream.word(index + 1, "normalized") {
        return false;
    }
    let Some((is, not)) = is_before(stream, index) else {
        return false;
    };
    let Some(start) = is.checked_sub(1).and_then(|end| primary_start(stream, end)) else {
        return false;
    };
    let operand = stream.slice(start..is);
    let number = stream.slice(index..index + 1);
    let not = if not { "NOT " } else { "" };
    edits.replace(
        stream.bytes(start..index + 2),
        format!("{not}pg_catalog.is_normalized({operand}, {number})"),
    );
    true
}

/// The `IS` before the parameter at `index`, and whether `NOT` follows it.
fn is_before(stream: &Stream<'_>, index: usize) -> Option<(usize, bool)> {
    let last = index.checked_sub(1)?;
    if stream.word(last, "is") {
        return Some((last, false));
    }
    let is = last.checked_sub(1)?;
    stream.words(is, &["is", "not"]).then_some((is, true))
}

/// Where the simple expression starts that ends at `end`: a name, a call, a parenthesis, a constant.
fn primary_start(stream: &Stream<'_>, end: usize) -> Option<usize> {
    let mut start = end;
    if stream.sign(end, ")") {
        start = stream.partner(end)?;
        match start.checked_sub(1) {
            Some(name) if stream.get(name)?.is_name() && !is_keyword(stream.get(name)?.text) => {
                start = name;
            }
            _ => return Some(start),
        }
    }
    while start >= 2 && stream.sign(start - 1, ".") {
        start -= 2;
    }
    Some(start)
}

#[cfg(test)]
mod tests {
    #[test]
    fn keywords_are_sorted() {
        assert!(super::BEFORE_EXPRESSION.is_sorted());
    }
}
