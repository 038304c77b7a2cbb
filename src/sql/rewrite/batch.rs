//! A statement that looks up one key at a time, written so that it looks up many at once.

use std::ops::Range;

use super::renumber::renumber;
use super::together::{closed, unused, whole};
use super::{Edits, Stream};

/// A parameter that is compared with a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyParameter<'a> {
    /// Its number: 1 for `$1`.
    pub number: u32,
    /// The key column's type as SQL writes it.
    pub type_name: &'a str,
}

/// What the statement does with the rows of one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PerKey {
    /// Returns them all, the key among their columns: one list of keys may take the place of the one key.
    Rows,
    /// Returns the one row that there is at most, its key among its columns: as [`PerKey::Rows`], and a `LIMIT` says
    /// nothing.
    OneRow,
    /// Counts, limits or sorts them, or does not return the key: each key needs its own run, within one statement.
    Computed,
}

/// `text` for many keys at once: the parameter of the key becomes an array. `None` where the text does not have the
/// shape that is needed.
///
/// `SELECT id FROM books WHERE author_id = $1` becomes `SELECT id FROM books WHERE author_id = ANY($1::integer[])`;
/// where each key needs its own run, the text stands in a `LATERAL` subquery below `unnest` of the keys, which come
/// first in the result.
pub fn batch(text: &str, keys: &[KeyParameter<'_>], per_key: PerKey) -> Option<String> {
    let text = whole(text);
    if keys.is_empty() {
        return None;
    }
    let written = match (keys, per_key) {
        ([key], PerKey::Rows) => listed(text, *key, Tail::Kept),
        ([key], PerKey::OneRow) => listed(text, *key, Tail::Dropped),
        _ => None,
    };
    let written = written.or_else(|| lateral(text, keys))?;
    Some(renumber(&written).0)
}

/// What becomes of `LIMIT` and `OFFSET`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tail {
    Kept,
    Dropped,
}

/// `= $1` as `= ANY($1::type[])`.
fn listed(text: &str, key: KeyParameter<'_>, tail: Tail) -> Option<String> {
    let stream = Stream::new(text);
    let place = only_place(&stream, key.number)?;
    let end = after_cast(&stream, place);
    let list = format!("ANY(${}::{}[])", key.number, key.type_name);
    let mut edits = Edits::default();
    if stream.sign(place.checked_sub(1)?, "=") {
        edits.replace(stream.bytes(place..end), list);
    } else if let Some(start) = in_list(&stream, place, end) {
        edits.replace(stream.bytes(start..end + 1), format!("= {list}"));
    } else if stream.sign(end, "=") {
        let operand = column(&stream, end + 1)?;
        let name = stream.slice(operand.clone());
        edits.replace(stream.bytes(place..operand.end), format!("{name} = {list}"));
    } else {
        return None;
    }
    if tail == Tail::Dropped
        && let Some(limit) = limit(&stream)
    {
        edits.replace(limit, "");
    }
    Some(edits.apply(text).trim_end().to_owned())
}

/// The token of `$number`, when it stands in the text once.
fn only_place(stream: &Stream<'_>, number: u32) -> Option<usize> {
    let mut places = (0..stream.len()).filter(|index| stream.parameter(*index) == Some(number));
    let place = places.next()?;
    places.next().is_none().then_some(place)
}

/// The token after a parameter and the casts that follow it: `$1::character varying(20)`.
fn after_cast(stream: &Stream<'_>, parameter: usize) -> usize {
    let mut end = parameter + 1;
    while stream.sign(end, "::") {
        end += 2;
        while stream.sign(end, ".") {
            end += 2;
        }
        while stream.any_word(
            end,
            &["varying", "precision", "with", "without", "time", "zone"],
        ) {
            end += 1;
        }
        if stream.sign(end, "(") {
            end = stream.partner(end).map_or(end, |close| close + 1);
        }
    }
    end
}

/// The `IN` of `IN ($1)`.
fn in_list(stream: &Stream<'_>, parameter: usize, end: usize) -> Option<usize> {
    let word = parameter.checked_sub(2)?;
    let alone = stream.sign(parameter - 1, "(") && stream.sign(end, ")");
    let negated = word > 0 && stream.word(word - 1, "not");
    (alone && stream.word(word, "in") && !negated).then_some(word)
}

/// A dotted column name that starts at `start` and is a whole operand.
fn column(stream: &Stream<'_>, start: usize) -> Option<Range<usize>> {
    let mut end = start + 1;
    while stream.sign(end, ".") {
        end += 2;
    }
    let continued = stream.get(end).is_some_and(|token| {
        !(token.text == ")" || token.text == ";" || stream.any_word(end, &FOLLOWERS))
    });
    (stream.get(start).is_some() && !continued).then_some(start..end)
}

/// What may follow a condition.
const FOLLOWERS: [&str; 12] = [
    "and",
    "except",
    "fetch",
    "for",
    "group",
    "having",
    "intersect",
    "limit",
    "offset",
    "or",
    "order",
    "union",
];

/// The bytes of the last `LIMIT` and `OFFSET`, in any order, where nothing else follows.
pub(super) fn limit(stream: &Stream<'_>) -> Option<Range<usize>> {
    let start = stream
        .level(0, stream.len())
        .find(|index| stream.any_word(*index, &["limit", "offset", "fetch"]))?;
    let locks = stream
        .level(start, stream.len())
        .any(|index| stream.word(index, "for"));
    (!locks).then(|| stream.bytes(start..stream.len()))
}

/// The text below `unnest` of the keys.
fn lateral(text: &str, keys: &[KeyParameter<'_>]) -> Option<String> {
    let stream = Stream::new(text);
    let table = unused("keys", text);
    let mut edits = Edits::default();
    let names: Vec<String> = match keys.len() {
        1 => vec!["key".to_owned()],
        more => (1..=more).map(|number| format!("key{number}")).collect(),
    };
    for (key, name) in keys.iter().zip(&names) {
        let places: Vec<usize> = (0..stream.len())
            .filter(|index| stream.parameter(*index) == Some(key.number))
            .collect();
        if places.is_empty() {
            return None;
        }
        for place in places {
            edits.replace(stream.bytes(place..place + 1), format!("{table}.{name}"));
        }
    }
    let arrays: Vec<String> = keys
        .iter()
        .map(|key| format!("${}::{}[]", key.number, key.type_name))
        .collect();
    Some(format!(
        "SELECT {table}.*, found.* FROM unnest({}) AS {table} ({}) CROSS JOIN LATERAL ({}) AS found",
        arrays.join(", "),
        names.join(", "),
        closed(&edits.apply(text))
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::parse::parse;

    const INT: KeyParameter<'_> = KeyParameter {
        number: 1,
        type_name: "integer",
    };

    #[test]
    fn one_key_becomes_a_list() {
        for (text, per_key, expected) in [
            (
                "SELECT id FROM books WHERE author_id = $1",
                PerKey::Rows,
                "SELECT id FROM books WHERE author_id = ANY($1::integer[])",
            ),
            (
                "SELECT books.id FROM books WHERE $1::INTEGER = books.author_id",
                PerKey::Rows,
                "SELECT books.id FROM books WHERE books.author_id = ANY($1::integer[])",
            ),
            (
                "SELECT id FROM books WHERE author_id IN ($1) AND 1=1 ORDER BY id;",
                PerKey::Rows,
                "SELECT id FROM books WHERE author_id = ANY($1::integer[]) AND 1=1 ORDER BY id",
            ),
            (
                "SELECT \"t1\".\"id\" FROM \"authors\" AS \"t1\" WHERE (\"t1\".\"id\" = $1) LIMIT $2 OFFSET $3",
                PerKey::OneRow,
                "SELECT \"t1\".\"id\" FROM \"authors\" AS \"t1\" WHERE (\"t1\".\"id\" = ANY($1::integer[]))",
            ),
            (
                "SELECT a.id FROM a WHERE a.id = CAST($1 AS int)",
                PerKey::OneRow,
                "SELECT keys.*, found.* FROM unnest($1::integer[]) AS keys (key) CROSS JOIN LATERAL (SELECT a.id FROM a WHERE a.id = CAST(keys.key AS int)) AS found",
            ),
            (
                "SELECT count(*) FROM reviews WHERE book_id = $1",
                PerKey::Computed,
                "SELECT keys.*, found.* FROM unnest($1::integer[]) AS keys (key) CROSS JOIN LATERAL (SELECT count(*) FROM reviews WHERE book_id = keys.key) AS found",
            ),
        ] {
            let written = batch(text, &[INT], per_key).unwrap();
            assert_eq!(written, expected);
            assert!(parse(&written).is_ok(), "{written}");
        }
    }

    #[test]
    fn parameters_are_numbered_anew_where_some_are_gone() {
        let key = KeyParameter {
            number: 3,
            type_name: "character varying(20)",
        };
        let text = "SELECT sku, $1 FROM p WHERE sku = $3::varchar(20) LIMIT $2";
        assert_eq!(
            batch(text, &[key], PerKey::OneRow).unwrap(),
            "SELECT sku, $1 FROM p WHERE sku = ANY($2::character varying(20)[])"
        );
        assert_eq!(batch(text, &[], PerKey::OneRow), None);
        assert_eq!(batch("SELECT 1", &[key], PerKey::Rows), None);
    }

    #[test]
    fn keys_of_several_columns_go_together() {
        let keys = [
            INT,
            KeyParameter {
                number: 2,
                type_name: "text",
            },
        ];
        assert_eq!(
            batch(
                "SELECT x FROM t WHERE a = $1 AND b = $2",
                &keys,
                PerKey::Rows
            )
            .unwrap(),
            "SELECT keys.*, found.* FROM unnest($1::integer[], $2::text[]) AS keys (key1, key2) CROSS JOIN LATERAL (SELECT x FROM t WHERE a = keys.key1 AND b = keys.key2) AS found"
        );
    }
}
