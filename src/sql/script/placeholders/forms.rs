//! What placeholders look like.

use crate::sql::lexer::{Token, TokenKind};

use super::place::{before, is_table};

/// A placeholder in the tokens.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Placeholder<'t> {
    /// What stays of its first token: an operator that the lexer could not tell from it.
    pub before: &'t str,
    /// Its name; `None` for one that is counted.
    pub name: Option<String>,
    /// How many tokens it takes.
    pub tokens: usize,
    pub form: Form,
}

/// What a placeholder stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Value,
    /// Values in parentheses.
    Row,
    /// A piece of SQL: a table, a list of columns, a condition.
    Text(Quotes),
    /// A table's columns (`sqlc.embed`).
    Columns,
}

/// How a piece of SQL is put into the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Quotes {
    /// As it is.
    None,
    /// As one identifier.
    Identifier,
}

/// What the kinds of `HugSQL` stand for: `:v*:ids`, `:i:table`.
const KINDS: [(&str, Form); 8] = [
    ("v", Form::Value),
    ("value", Form::Value),
    ("t", Form::Row),
    ("tuple", Form::Row),
    ("i", Form::Text(Quotes::None)),
    ("identifier", Form::Text(Quotes::None)),
    ("sql", Form::Text(Quotes::None)),
    ("snip", Form::Text(Quotes::None)),
];

pub(super) fn placeholder<'t>(
    all: &[Token<'t>],
    at: usize,
    brackets: usize,
) -> Option<Placeholder<'t>> {
    let rest = all.get(at..)?;
    percent(rest)
        .or_else(|| sigil(rest))
        .or_else(|| dollar(rest))
        .or_else(|| sqlc(rest))
        .or_else(|| colon(rest).filter(|_| brackets == 0 || !ends_operand(all, at)))
        .map(|found| in_its_place(found, all, at))
        .or_else(|| question(all, at))
}

/// What stands for a value elsewhere stands for a table where only the name of one can be.
fn in_its_place<'t>(found: Placeholder<'t>, all: &[Token<'t>], at: usize) -> Placeholder<'t> {
    let form = match found.form {
        Form::Value if is_table(all, at) => Form::Text(Quotes::None),
        form => form,
    };
    Placeholder { form, ..found }
}

/// Whether what comes before is an operand: then a colon in brackets divides the bounds of a slice.
fn ends_operand(all: &[Token<'_>], at: usize) -> bool {
    before(all, at).is_some_and(|token| {
        token.is_name()
            || token.is_literal()
            || token.kind == TokenKind::Param
            || matches!(token.text, ")" | "]")
    })
}

/// `:name`, `:'name'`, `:"name"` (psql), `:name!` (`PgTyped`), `:user.name` (aiosql), `:v:name`, `:v*:name` (`HugSQL`).
fn colon<'t>(rest: &[Token<'t>]) -> Option<Placeholder<'t>> {
    let [first, word, after @ ..] = rest else {
        return None;
    };
    if first.text != ":" {
        return None;
    }
    let (name, taken, form) = match word.kind {
        TokenKind::String(_) => (word.string_value()?, 0, Form::Value),
        TokenKind::QuotedIdent => (word.identifier()?, 0, Form::Text(Quotes::Identifier)),
        TokenKind::Word => {
            let typed = kind(word.text, after);
            let (first, before, form) = typed.unwrap_or((word.text, 0, Form::Value));
            let (name, more) = named(first, after.get(before..).unwrap_or_default());
            (name, before + more, form)
        }
        _ => return None,
    };
    Some(Placeholder {
        before: "",
        name: Some(name),
        tokens: 2 + taken,
        form,
    })
}

/// The name behind a kind of `HugSQL`, how many tokens it took to get there, and what the kind stands for.
fn kind<'t>(word: &str, after: &[Token<'t>]) -> Option<(&'t str, usize, Form)> {
    let (_, form) = KINDS.iter().find(|(kind, _)| *kind == word)?;
    match after {
        [colon, name, ..] if colon.text == ":" && name.kind == TokenKind::Word => {
            Some((name.text, 2, *form))
        }
        [star, colon, name, ..]
            if star.text == "*" && colon.text == ":" && name.kind == TokenKind::Word =>
        {
            Some((name.text, 3, *form))
        }
        _ => None,
    }
}

/// A name with what may belong to it: hyphens and a question mark (Clojure), fields, the mark of `PgTyped` for what is
/// never NULL. And how many tokens more it takes.
fn named(first: &str, after: &[Token<'_>]) -> (String, usize) {
    let mut name = first.to_owned();
    let mut taken = 0;
    while let [mark, word, ..] = after.get(taken..).unwrap_or_default()
        && matches!(mark.text, "-" | ".")
        && word.kind == TokenKind::Word
    {
        name.push_str(mark.text);
        name.push_str(word.text);
        taken += 2;
    }
    if let Some(mark) = after.get(taken)
        && matches!(mark.text, "!" | "?")
    {
        taken += 1;
    }
    (name, taken)
}
/// `@name` (sqlc), also right behind a comparison.
fn sigil<'t>(rest: &[Token<'t>]) -> Option<Placeholder<'t>> {
    let [sign, word, ..] = rest else {
        return None;
    };
    let before = sign.text.strip_suffix('@')?;
    let comparison = ["", "=", "<=", ">=", "<>", "!=", "+", "-", "*", "/", "||"];
    let fits = sign.kind == TokenKind::Operator && word.kind == TokenKind::Word;
    (fits && comparison.contains(&before)).then(|| Placeholder {
        before,
        name: Some(word.text.to_owned()),
        tokens: 2,
        form: Form::Value,
    })
}

/// `$name` (`SQLite` and its like), and braces, which hold what a template puts in: `${id}`, `#{id}`, `{{ id }}`.
fn dollar<'t>(rest: &[Token<'t>]) -> Option<Placeholder<'t>> {
    let (name, tokens, form) = match rest {
        [brace, ..] if brace.text == "{" => ("{…}", 1, Form::Text(Quotes::None)),
        [text, ..] if matches!(text.kind, TokenKind::String(_)) && holds_template(text.text) => {
            ("{…}", 1, Form::Text(Quotes::None))
        }
        [dollar, word, ..] if dollar.text == "$" && word.kind == TokenKind::Word => {
            (word.text, 2, Form::Value)
        }
        _ => return None,
    };
    Some(Placeholder {
        before: "",
        name: Some(name.to_owned()),
        tokens,
        form,
    })
}

/// Whether a template puts something into a string constant: `'{{ ds }}'`, `'${id}'`. An array (`'{{1,2},{3,4}}'`) has
/// commas.
fn holds_template(text: &str) -> bool {
    ["{{", "${", "#{"].iter().any(|open| {
        text.match_indices(open).any(|(at, _)| {
            let inner = text.get(at + open.len()..).unwrap_or_default();
            let name = inner.split_once('}').map(|(name, _)| name.trim());
            let fits = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | ' ' | '|' | '-');
            name.is_some_and(|name| {
                name.starts_with(|first: char| first.is_alphabetic() || first == '_')
                    && name.chars().all(fits)
            })
        })
    })
}

/// `%s` and `%(name)s` (psycopg).
pub(super) fn percent<'t>(rest: &[Token<'t>]) -> Option<Placeholder<'t>> {
    let sign = rest.first()?;
    let before = sign.text.strip_suffix('%')?;
    if sign.kind != TokenKind::Operator || before.ends_with('%') {
        return None;
    }
    let ends = |token: &Token<'_>| matches!(token.text, "s" | "b" | "t");
    let (name, tokens) = match rest.get(1..)? {
        [end, ..] if end.text == "s" => (None, 2),
        [open, name, close, end, ..] if open.text == "(" && close.text == ")" && ends(end) => {
            (Some(name.text.to_owned()), 5)
        }
        _ => return None,
    };
    Some(Placeholder {
        before,
        name,
        tokens,
        form: Form::Value,
    })
}

/// `sqlc.arg(name)`, `sqlc.narg('name')`, `sqlc.slice(name)`, `sqlc.embed(table)`.
fn sqlc<'t>(rest: &[Token<'t>]) -> Option<Placeholder<'t>> {
    let [sqlc, dot, function, open, argument, close, ..] = rest else {
        return None;
    };
    if !sqlc.is_word("sqlc") || dot.text != "." || open.text != "(" || close.text != ")" {
        return None;
    }
    let form = match function.text {
        "arg" | "narg" | "slice" => Form::Value,
        "embed" => Form::Columns,
        _ => return None,
    };
    let name = argument
        .string_value()
        .or_else(|| (argument.kind == TokenKind::Word).then(|| argument.text.to_owned()))?;
    Some(Placeholder {
        before: "",
        name: Some(name),
        tokens: 6,
        form,
    })
}

/// Words after which a value stands.
const BEFORE_VALUE: [&str; 31] = [
    "and",
    "or",
    "not",
    "like",
    "ilike",
    "to",
    "between",
    "in",
    "limit",
    "offset",
    "values",
    "select",
    "where",
    "when",
    "then",
    "else",
    "case",
    "on",
    "by",
    "interval",
    "fetch",
    "any",
    "all",
    "some",
    "from",
    "for",
    "escape",
    "having",
    "returning",
    "symmetric",
    "using",
];

/// Words after which a value may stand, and which may be the name of a column.
const PERHAPS_BEFORE_VALUE: [&str; 9] = [
    "first",
    "next",
    "zone",
    "rows",
    "range",
    "groups",
    "date",
    "timestamp",
    "timestamptz",
];

/// `?` (JDBC, ODBC) and `?1` (JPA), where an operand is missing: between two operands it is an operator of jsonb.
fn question<'t>(all: &[Token<'t>], at: usize) -> Option<Placeholder<'t>> {
    let sign = all.get(at)?;
    let head = sign.text.strip_suffix('?')?;
    if sign.kind != TokenKind::Operator || head.ends_with(['?', '@', '|', '&']) && head != "||" {
        return None;
    }
    let wants_value = !head.is_empty()
        || match before(all, at) {
            None => false,
            Some(word) if word.kind == TokenKind::Word => {
                let is_one_of = |words: &[&str]| words.iter().any(|value| word.is_word(value));
                is_one_of(&BEFORE_VALUE)
                    || is_one_of(&PERHAPS_BEFORE_VALUE) && !begins_operand(all, at + 1)
            }
            Some(other) => {
                matches!(other.text, "(" | "," | "[") || other.kind == TokenKind::Operator
            }
        };
    if !wants_value {
        return None;
    }
    let number = all
        .get(at + 1)
        .filter(|next| next.kind == TokenKind::Integer);
    Some(Placeholder {
        before: head,
        name: number.map(|number| number.text.to_owned()),
        tokens: 1 + usize::from(number.is_some()),
        form: Form::Value,
    })
}

/// Whether what comes there can only be an operand.
fn begins_operand(all: &[Token<'_>], at: usize) -> bool {
    let rest = all.get(at..).unwrap_or_default();
    let next = rest.iter().find(|token| !token.is_trivia());
    next.is_some_and(|token| {
        token.is_literal() || token.text == "(" || token.kind == TokenKind::Param
    })
}
