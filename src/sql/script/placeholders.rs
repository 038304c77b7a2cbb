//! Parameters as libraries write them, turned into the server's own `$1`, `$2` ….

use std::collections::BTreeMap;

use crate::sql::lexer::{Token, TokenKind, tokens};

/// A text with numbered parameters.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Numbered {
    /// The text.
    pub text: String,
    /// The names that numbers stand for.
    pub names: BTreeMap<u32, String>,
}

/// The text with every placeholder as `$n`: one number a name, one for each nameless one, behind those that the text has
/// already.
pub(super) fn numbered(text: &str) -> Numbered {
    let all: Vec<Token<'_>> = tokens(text).collect();
    let own = all
        .iter()
        .filter(|token| token.kind == TokenKind::Param)
        .filter_map(|token| token.text.strip_prefix('$')?.parse().ok());
    let mut writer = Writer {
        out: String::with_capacity(text.len()),
        names: BTreeMap::new(),
        last: own.max().unwrap_or_default(),
        formats: all.iter().enumerate().any(|(at, _)| {
            let found = percent(all.get(at..).unwrap_or_default());
            found.is_some()
        }),
        brackets: 0,
    };
    let mut at = 0;
    while let Some(token) = all.get(at) {
        let found = placeholder(&all, at, writer.brackets);
        at += found.as_ref().map_or(1, |found| found.tokens);
        match found {
            Some(found) => writer.place(&all, at - found.tokens, &found),
            None => writer.copy(token),
        }
    }
    Numbered {
        text: writer.out,
        names: writer.names,
    }
}

/// A placeholder in the tokens.
#[derive(Debug, PartialEq, Eq)]
struct Placeholder<'t> {
    /// What stays of its first token: an operator that the lexer could not tell from it.
    before: &'t str,
    /// Its name; `None` for one that is counted.
    name: Option<String>,
    /// How many tokens it takes.
    tokens: usize,
    form: Form,
}

/// What a placeholder stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Value,
    /// A table's columns (`sqlc.embed`).
    Columns,
}

struct Writer {
    out: String,
    names: BTreeMap<u32, String>,
    last: u32,
    /// Whether `%` is written `%%`, because Python puts the values in.
    formats: bool,
    brackets: usize,
}

impl Writer {
    fn copy(&mut self, token: &Token<'_>) {
        match token.text {
            "[" => self.brackets += 1,
            "]" => self.brackets = self.brackets.saturating_sub(1),
            _ => {}
        }
        let doubled = matches!(token.kind, TokenKind::String(_) | TokenKind::Operator);
        if self.formats && doubled && token.text.contains("%%") {
            self.out.push_str(&token.text.replace("%%", "%"));
        } else {
            self.out.push_str(token.text);
        }
    }

    fn place(&mut self, all: &[Token<'_>], at: usize, found: &Placeholder<'_>) {
        self.out.push_str(found.before);
        if let (Form::Columns, Some(table)) = (found.form, &found.name) {
            self.out.push_str(table);
            self.out.push_str(".*");
            return;
        }
        let number = self.number(found.name.as_deref());
        // A library that fills in a list writes its parentheses, too.
        let list = before(all, at).is_some_and(|word| word.is_word("in"));
        let parameter = if list {
            format!("(${number})")
        } else {
            format!("${number}")
        };
        self.out.push_str(&parameter);
    }

    fn number(&mut self, name: Option<&str>) -> u32 {
        let known = name.and_then(|name| {
            let mut names = self.names.iter();
            names.find(|(_, known)| known.as_str() == name)
        });
        if let Some((number, _)) = known {
            return *number;
        }
        self.last += 1;
        if let Some(name) = name {
            self.names.insert(self.last, name.to_owned());
        }
        self.last
    }
}

/// The token before, white space and comments left out.
fn before<'a, 't>(all: &'a [Token<'t>], at: usize) -> Option<&'a Token<'t>> {
    all.get(..at)?.iter().rev().find(|token| !token.is_trivia())
}

fn placeholder<'t>(all: &[Token<'t>], at: usize, brackets: usize) -> Option<Placeholder<'t>> {
    let rest = all.get(at..)?;
    percent(rest)
        .or_else(|| sigil(rest))
        .or_else(|| sqlc(rest))
        .or_else(|| colon(rest).filter(|_| brackets == 0))
        .or_else(|| question(all, at))
}

/// `:name`, `:'name'` (psql), `:name!` (`PgTyped`), `:v:name`, `:v*:name` (`HugSQL`).
fn colon<'t>(rest: &[Token<'t>]) -> Option<Placeholder<'t>> {
    let [first, word, ..] = rest else {
        return None;
    };
    if first.text != ":" {
        return None;
    }
    let mut taken = 2;
    let mut name = match word.kind {
        TokenKind::Word => word.text.to_owned(),
        TokenKind::String(_) => word.string_value()?,
        _ => return None,
    };
    // The kind of a HugSQL parameter stands before its name.
    let kind = ["v", "value", "l", "p", "param"].contains(&name.as_str());
    match rest.get(2..).unwrap_or_default() {
        [colon, word, ..] if kind && colon.text == ":" && word.kind == TokenKind::Word => {
            word.text.clone_into(&mut name);
            taken = 4;
        }
        [star, colon, word, ..]
            if kind && star.text == "*" && colon.text == ":" && word.kind == TokenKind::Word =>
        {
            word.text.clone_into(&mut name);
            taken = 5;
        }
        [mark, ..] if mark.text == "!" => taken = 3,
        _ => {}
    }
    // Clojure's names may have hyphens and question marks.
    while let [hyphen, word, ..] = rest.get(taken..).unwrap_or_default()
        && taken >= 4
        && hyphen.text == "-"
        && word.kind == TokenKind::Word
    {
        name = format!("{name}-{}", word.text);
        taken += 2;
    }
    Some(Placeholder {
        before: "",
        name: Some(name),
        tokens: taken,
        form: Form::Value,
    })
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

/// `%s` and `%(name)s` (psycopg).
fn percent<'t>(rest: &[Token<'t>]) -> Option<Placeholder<'t>> {
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
const BEFORE_VALUE: [&str; 22] = [
    "and", "or", "not", "like", "ilike", "to", "between", "in", "limit", "offset", "values",
    "select", "where", "when", "then", "else", "case", "on", "by", "interval", "fetch", "any",
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
                BEFORE_VALUE.iter().any(|value| word.is_word(value))
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
