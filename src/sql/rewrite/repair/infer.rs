//! Types that the server cannot infer for a parameter, or would infer wrongly.

use std::collections::{BTreeMap, BTreeSet};

use super::operands::{self, Arithmetic};
use super::{Repair, callee, recursive};
use crate::sql::rewrite::stream::{Edits, Stream};

/// What to assume where the text does not tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guess {
    /// Nothing.
    None,
    /// `x + $1` is over integers; so are arrays.
    Integer,
    /// `x + $1` is over timestamps; arrays hold bigints.
    Interval,
    /// Arrays hold UUIDs; JSON keys are array indexes.
    Uuid,
}

impl Guess {
    /// In the order of their likelihood.
    pub const ALL: [Self; 4] = [Self::None, Self::Integer, Self::Interval, Self::Uuid];

    fn offset(self) -> Option<&'static str> {
        match self {
            Self::None | Self::Uuid => None,
            Self::Integer => Some("int"),
            Self::Interval => Some("interval"),
        }
    }

    fn array(self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Integer => Some("int[]"),
            Self::Interval => Some("bigint[]"),
            Self::Uuid => Some("uuid[]"),
        }
    }
}

/// `text` with casts.
pub fn repair(text: &str, guess: Guess, what: &mut BTreeSet<Repair>) -> String {
    let stream = Stream::new(text);
    let recursive = recursive::counters(&stream);
    let mut uses: BTreeMap<u32, usize> = BTreeMap::new();
    for number in (0..stream.len()).filter_map(|index| stream.parameter(index)) {
        *uses.entry(number).or_default() += 1;
    }
    let mut edits = Edits::default();
    for index in 0..stream.len() {
        if stream.word(index, "array") && stream.sign(index + 1, "[") {
            array(&stream, index, guess, &mut edits, what);
        }
        if stream.parameter(index).is_none() || stream.sign(index + 1, "::") {
            continue;
        }
        let name = argument(&stream, index)
            .or_else(|| special(&stream, index))
            .or_else(|| summed(&stream, index))
            .or_else(|| arithmetic(&stream, index, guess))
            .or_else(|| tested(&stream, index, &uses))
            .or_else(|| recursive.contains(&index).then_some("int"))
            .or_else(|| json_index(&stream, index, guess))
            .or_else(|| listed(&stream, index, guess));
        if let (Some(name), Some(token)) = (name, stream.get(index)) {
            edits.insert(token.span().end, format!("::{name}"));
            what.insert(Repair::Type);
        }
    }
    edits.apply(text)
}

/// A parameter that is a whole argument of a function which takes more than one type.
fn argument(stream: &Stream<'_>, index: usize) -> Option<&'static str> {
    let open = stream.opener(index)?;
    let name = callee(stream, open)?.to_ascii_lowercase();
    let before = stream.before(index)?;
    let starts = matches!(before.text, "(" | ",") || before.is_word("distinct");
    let next = stream.get(index + 1)?;
    if !starts || !(matches!(next.text, ")" | ",") || next.is_word("as") || next.is_word("order")) {
        return None;
    }
    let all_bare = || {
        stream
            .arguments(open)
            .iter()
            .all(|part| part.len() == 1 && stream.parameter(part.start).is_some())
    };
    Some(match (name.as_str(), stream.position(index)) {
        (
            "concat" | "num_nulls" | "num_nonnulls" | "json_build_object" | "jsonb_build_object"
            | "json_build_array" | "jsonb_build_array" | "to_json" | "to_jsonb" | "count"
            | "array_agg" | "json_agg" | "jsonb_agg" | "json_object_agg" | "jsonb_object_agg"
            | "pg_typeof" | "pg_column_size" | "xmlforest" | "xmlattributes",
            _,
        )
        | ("lag" | "lead" | "first_value" | "last_value" | "nth_value", 0)
        | ("concat_ws" | "format" | "xmlelement", 1..) => "text",
        ("row", _) if !compared(stream, open) => "text",
        ("sum" | "avg" | "array_fill", 0) | ("substring", 1 | 2) => "int",
        ("mod" | "gcd" | "lcm" | "generate_series", _) if all_bare() => "int",
        ("nullif" | "coalesce" | "greatest" | "least", 0)
            if all_bare() && operands::in_arithmetic(stream, open) =>
        {
            "int"
        }
        ("trunc", 0) if all_bare() => "numeric",
        ("date_trunc" | "date_part" | "date_bin", 1) | ("to_char" | "isfinite", 0) => "timestamptz",
        ("age", 0) if all_bare() => "timestamptz",
        ("unnest" | "cardinality" | "array_to_string" | "array_length" | "array_upper", 0) => {
            "text[]"
        }
        ("isempty" | "range_merge", _) => "int4range",
        _ => return None,
    })
}

/// Whether the row constructor whose parenthesis opens at `open` is compared with something: that gives its fields
/// their types.
fn compared(stream: &Stream<'_>, open: usize) -> bool {
    let after = stream.partner(open).and_then(|close| stream.get(close + 1));
    let before = open.checked_sub(1).and_then(|name| stream.before(name));
    [before, after].into_iter().flatten().any(|token| {
        token.kind == crate::sql::lexer::TokenKind::Operator
            || ["in", "between", "and", "is", "not", "overlaps", "values"]
                .iter()
                .any(|word| token.is_word(word))
    })
}

/// Functions with a grammar of their own: `substring(a from $1 for $2)`, `extract(epoch from $1)`.
fn special(stream: &Stream<'_>, index: usize) -> Option<&'static str> {
    let name = callee(stream, stream.opener(index)?)?.to_ascii_lowercase();
    let before = stream.before(index)?;
    match name.as_str() {
        "substring" if before.is_word("from") || before.is_word("for") => Some("int"),
        "extract" if before.is_word("from") => Some("timestamptz"),
        _ => None,
    }
}

/// `sum(CASE WHEN … THEN $1 ELSE $2 END)`: text cannot be summed.
fn summed(stream: &Stream<'_>, index: usize) -> Option<&'static str> {
    let before = stream.before(index)?;
    let branch = before.is_word("then") || before.is_word("else");
    let mut open = stream.opener(index)?;
    let alternative = matches!(before.text, "(" | ",")
        && callee(stream, open).is_some_and(|name| {
            ["coalesce", "greatest", "least", "nullif"]
                .iter()
                .any(|known| name.eq_ignore_ascii_case(known))
        });
    if !branch && !alternative {
        return None;
    }
    loop {
        if stream.word(open + 1, "select") {
            return None;
        }
        if callee(stream, open).is_some_and(|name| {
            name.eq_ignore_ascii_case("sum") || name.eq_ignore_ascii_case("avg")
        }) {
            return Some("int");
        }
        open = stream.opener(open)?;
    }
}

/// A parameter next to `+`, `-`, `*` …
fn arithmetic(stream: &Stream<'_>, index: usize, guess: Guess) -> Option<&'static str> {
    match operands::arithmetic(stream, index)? {
        Arithmetic::Alone => Some("int"),
        Arithmetic::WithDate => Some(if guess == Guess::Interval {
            "interval"
        } else {
            "int"
        }),
        Arithmetic::WithTimestamp => Some("interval"),
        Arithmetic::Offset => guess.offset(),
    }
}

/// `$1 IS NULL` where nothing else tells the type.
fn tested(stream: &Stream<'_>, index: usize, uses: &BTreeMap<u32, usize>) -> Option<&'static str> {
    let null = stream.words(index + 1, &["is", "null"])
        || stream.words(index + 1, &["is", "not", "null"])
        || stream.any_word(index + 1, &["isnull", "notnull"]);
    let once = uses.get(&stream.parameter(index)?) == Some(&1);
    (null && once).then_some("text")
}

/// `attrs -> $1`: a key unless guessed otherwise.
fn json_index(stream: &Stream<'_>, index: usize, guess: Guess) -> Option<&'static str> {
    let before = stream.before(index)?;
    (guess == Guess::Integer && matches!(before.text, "->" | "->>")).then_some("int")
}

/// The first field of a `VALUES` list in `FROM`, which is text to the server and mostly a key.
fn listed(stream: &Stream<'_>, index: usize, guess: Guess) -> Option<&'static str> {
    let row = index
        .checked_sub(1)
        .filter(|open| stream.sign(*open, "("))?;
    let values = row.checked_sub(1).filter(|at| stream.word(*at, "values"))?;
    stream.opener(values)?;
    match guess {
        Guess::None => None,
        Guess::Integer | Guess::Interval => Some("bigint"),
        Guess::Uuid => Some("uuid"),
    }
}

/// `ARRAY[$1, $2]` is `text[]` to the server.
fn array(
    stream: &Stream<'_>,
    index: usize,
    guess: Guess,
    edits: &mut Edits,
    what: &mut BTreeSet<Repair>,
) {
    let open = index + 1;
    let Some(close) = stream.partner(open) else {
        return;
    };
    let bare = stream
        .arguments(open)
        .iter()
        .all(|part| part.len() == 1 && stream.parameter(part.start).is_some());
    if !bare || close == open + 1 || stream.sign(close + 1, "::") {
        return;
    }
    if let Some((start, word)) = membership(stream, index, close) {
        edits.replace(stream.bytes(start..open + 1), format!("{word} ("));
        edits.replace(stream.bytes(close..close + 2), ")");
        what.insert(Repair::ArrayToList);
    } else if let Some(name) = guess.array() {
        edits.insert(stream.bytes(close..close + 1).end, format!("::{name}"));
        what.insert(Repair::Type);
    }
}

/// `= ANY (ARRAY[…])` and `<> ALL (ARRAY[…])`: the operator's place, and the keyword that says the same.
fn membership(stream: &Stream<'_>, array: usize, close: usize) -> Option<(usize, &'static str)> {
    let start = array.checked_sub(3)?;
    if !(stream.sign(start + 2, "(") && stream.sign(close + 1, ")")) {
        return None;
    }
    if stream.sign(start, "=") && stream.any_word(start + 1, &["any", "some"]) {
        return Some((start, "IN"));
    }
    let differs = stream.sign(start, "<>") || stream.sign(start, "!=");
    (differs && stream.word(start + 1, "all")).then_some((start, "NOT IN"))
}
