//! What PostgreSQL reads and the parser library does not, in words that it reads.

use crate::sql::lexer::TokenKind;
use crate::sql::rewrite::{Edits, Stream, locking_clause};

/// Redaction tokens as string constants. `None` when there are none.
pub fn literals(stream: &Stream<'_>) -> Option<String> {
    let mut edits = Edits::default();
    for index in 0..stream.len() {
        if let Some(token) = stream.get(index)
            && token.kind == TokenKind::Redacted
        {
            edits.replace(token.span(), format!("'{}'", token.text));
        }
    }
    (!edits.is_empty()).then(|| edits.apply(stream.text()))
}

/// `text` without the constructs that the parser lacks. `None` when it has none of them.
pub fn adapt(text: &str) -> Option<String> {
    let stream = Stream::new(text);
    let mut edits = Edits::default();
    for index in 0..stream.len() {
        one(&stream, index, &mut edits);
    }
    (!edits.is_empty()).then(|| edits.apply(text))
}

fn one(stream: &Stream<'_>, index: usize, edits: &mut Edits) {
    let Some(token) = stream.get(index) else {
        return;
    };
    if token.kind != TokenKind::Word {
        return;
    }
    let cut = |edits: &mut Edits, count: usize, new: &str| {
        edits.replace(stream.bytes(index..index + count), new);
    };
    match token.text.to_ascii_lowercase().as_str() {
        "for" => {
            if let Some(clause) = locking_clause(stream, index) {
                let wait = clause.wait(stream).map_or("", |wait| wait);
                cut(edits, clause.tokens(), &format!("FOR UPDATE{wait}"));
            }
        }
        "only" if names_relation(stream, index) => cut(edits, 1, ""),
        "variadic" if is_argument(stream, index) => cut(edits, 1, ""),
        "overriding" if stream.word(index + 2, "value") => cut(edits, 3, ""),
        "group"
            if stream.word(index + 1, "by") && stream.any_word(index + 2, &["distinct", "all"]) =>
        {
            cut(edits, 3, "GROUP BY");
        }
        "exclude" if stream.any_word(index + 1, &["current", "group", "ties", "no"]) => {
            let two = stream.any_word(index + 1, &["current", "no"]);
            cut(edits, if two { 3 } else { 2 }, "");
        }
        "rows" if stream.word(index + 1, "from") && stream.sign(index + 2, "(") => {
            cut(edits, 2, "rows_from");
        }
        "where" if stream.words(index + 1, &["current", "of"]) => cut(edits, 4, "WHERE true"),
        "search" if stream.any_word(index + 1, &["depth", "breadth"]) => {
            cut_clause(stream, index, edits);
        }
        "cycle"
            if stream
                .before(index)
                .is_some_and(|token| token.text == ")" || token.is_name()) =>
        {
            cut_cycle(stream, index, edits);
        }
        "where" if conflict_target(stream, index) => cut_until_do(stream, index, edits),
        "table" if starts_query(stream, index) => cut(edits, 1, "SELECT * FROM"),
        word => argument_keyword(stream, index, word, edits),
    }
}

/// Keywords within the parentheses of functions with a grammar of their own.
fn argument_keyword(stream: &Stream<'_>, index: usize, word: &str, edits: &mut Edits) {
    if !matches!(
        word,
        "name"
            | "document"
            | "content"
            | "passing"
            | "similar"
            | "escape"
            | "leading"
            | "trailing"
            | "both"
    ) {
        return;
    }
    let Some(open) = stream.opener(index) else {
        return;
    };
    let Some(function) = stream.before(open) else {
        return;
    };
    let first = index == open + 1;
    let calls = |name: &str| function.is_word(name);
    match word {
        "name" if first && (calls("xmlelement") || calls("xmlpi")) => {
            edits.replace(stream.bytes(index..index + 2), "'name'");
        }
        "document" | "content" if first && (calls("xmlparse") || calls("xmlserialize")) => {
            edits.replace(stream.bytes(index..index + 1), "");
        }
        "passing" if calls("xmlexists") => edits.replace(stream.bytes(index..index + 1), ","),
        "similar" | "escape" if calls("substring") => {
            edits.replace(stream.bytes(index..index + 1), ",");
        }
        // trim(leading from x)
        "leading" | "trailing" | "both"
            if first && calls("trim") && stream.word(index + 1, "from") =>
        {
            edits.replace(stream.bytes(index..index + 2), "");
        }
        _ => {}
    }
}

fn names_relation(stream: &Stream<'_>, index: usize) -> bool {
    stream.before(index).is_some_and(|token| {
        ["from", "join", "update", "into", "using", ","]
            .iter()
            .any(|word| token.is_word(word) || token.text == *word)
    }) && stream
        .get(index + 1)
        .is_some_and(|token| token.is_name() || token.text == "(")
}

fn is_argument(stream: &Stream<'_>, index: usize) -> bool {
    stream
        .before(index)
        .is_some_and(|token| matches!(token.text, "(" | ","))
}

fn starts_query(stream: &Stream<'_>, index: usize) -> bool {
    stream
        .get(index + 1)
        .is_some_and(crate::sql::lexer::Token::is_name)
        && stream.before(index).is_none_or(|token| {
            token.text == "("
                || ["union", "all", "except", "intersect"]
                    .iter()
                    .any(|w| token.is_word(w))
        })
}

/// `SEARCH … BY a, b SET c`, which follows a recursive `WITH` query.
fn cut_clause(stream: &Stream<'_>, index: usize, edits: &mut Edits) {
    if let Some(set) = (index..stream.len()).find(|at| stream.word(*at, "set")) {
        edits.replace(stream.bytes(index..set + 2), "");
    }
}

/// `CYCLE a, b SET c [TO x DEFAULT y] USING d`
fn cut_cycle(stream: &Stream<'_>, index: usize, edits: &mut Edits) {
    if let Some(using) = (index..stream.len()).find(|at| stream.word(*at, "using"))
        && (index..using).any(|at| stream.word(at, "set"))
    {
        edits.replace(stream.bytes(index..using + 2), "");
    }
}

/// Whether the `WHERE` at `index` belongs to `ON CONFLICT (…)`.
fn conflict_target(stream: &Stream<'_>, index: usize) -> bool {
    let open = index.checked_sub(1).and_then(|close| stream.partner(close));
    open.and_then(|open| open.checked_sub(2))
        .is_some_and(|on| stream.words(on, &["on", "conflict"]))
}

fn cut_until_do(stream: &Stream<'_>, index: usize, edits: &mut Edits) {
    if let Some(end) = (index..stream.len()).find(|at| stream.word(*at, "do")) {
        edits.replace(stream.bytes(index..end), "");
    }
}
