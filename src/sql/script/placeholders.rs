//! Parameters as libraries write them, turned into the server's own `$1`, `$2` ….

mod forms;
mod place;

use std::collections::BTreeMap;

use crate::ids::quote_ident;
use crate::sql::lexer::{Token, TokenKind, tokens};
use forms::{Form, Placeholder, Quotes, percent, placeholder};

/// What is known of parameters beside their places.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Known {
    /// Texts, for those that stand for a piece of SQL.
    pub texts: BTreeMap<String, String>,
    /// The fields of objects, in their order (`PgTyped`).
    pub fields: BTreeMap<String, Vec<String>>,
}

/// A text with numbered parameters.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Numbered {
    /// The text.
    pub text: String,
    /// The names that numbers stand for.
    pub names: BTreeMap<u32, String>,
    /// The first parameter that stands for a piece of SQL which nobody gives: the text cannot be planned.
    pub open: Option<String>,
}

/// The text with every placeholder as `$n`: one number a name, one for each nameless one, behind those that the text
/// has already.
pub(super) fn numbered(text: &str, known: &Known) -> Numbered {
    let all: Vec<Token<'_>> = tokens(text).collect();
    let own = all
        .iter()
        .filter(|token| token.kind == TokenKind::Param)
        .filter_map(|token| token.text.strip_prefix('$')?.parse().ok());
    let mut writer = Writer {
        known,
        out: String::with_capacity(text.len()),
        names: BTreeMap::new(),
        tested: BTreeMap::new(),
        last: own.max().unwrap_or_default(),
        formats: all.iter().enumerate().any(|(at, _)| {
            let found = percent(all.get(at..).unwrap_or_default());
            found.is_some()
        }),
        brackets: 0,
        open: None,
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
        open: writer.open,
    }
}

struct Writer<'k> {
    known: &'k Known,
    out: String,
    names: BTreeMap<u32, String>,
    /// Those that are only asked whether they are NULL, by their names.
    tested: BTreeMap<String, u32>,
    last: u32,
    /// Whether `%` is written `%%`, because Python puts the values in.
    formats: bool,
    brackets: usize,
    open: Option<String>,
}

impl Writer<'_> {
    fn copy(&mut self, token: &Token<'_>) {
        match token.text {
            "[" => self.brackets += 1,
            "]" => self.brackets = self.brackets.saturating_sub(1),
            _ => {}
        }
        match token.kind {
            // JDBC's way to write the operators of jsonb that begin with a question mark.
            TokenKind::Operator if token.text.contains("??") => {
                self.out.push_str(&token.text.replace("??", "?"));
            }
            TokenKind::Operator | TokenKind::String(_) if self.formats => {
                self.out.push_str(&formatted(token.text));
            }
            _ => self.out.push_str(token.text),
        }
    }

    fn place(&mut self, all: &[Token<'_>], at: usize, found: &Placeholder<'_>) {
        self.out.push_str(found.before);
        match (found.form, &found.name) {
            (Form::Columns, Some(table)) => {
                self.out.push_str(table);
                self.out.push_str(".*");
            }
            (Form::Text(quotes), name) => self.piece(name.as_deref(), quotes),
            _ => {
                let written = self.values(all, at, found);
                self.out.push_str(&written);
            }
        }
    }

    /// A piece of SQL in the place of its name.
    fn piece(&mut self, name: Option<&str>, quotes: Quotes) {
        let name = name.unwrap_or("?");
        match (self.known.texts.get(name), quotes) {
            (Some(text), Quotes::None) => self.out.push_str(text),
            (Some(text), Quotes::Identifier) => self.out.push_str(&quote_ident(text)),
            (None, _) => {
                self.open.get_or_insert_with(|| name.to_owned());
            }
        }
    }

    /// One value or a row of them, in the parentheses that a library would write.
    fn values(&mut self, all: &[Token<'_>], at: usize, found: &Placeholder<'_>) -> String {
        let (name, row, taken) = (found.name.as_deref(), found.form == Form::Row, found.tokens);
        let fields = name.and_then(|name| Some((name, self.known.fields.get(name)?)));
        let behind = place::before(all, at);
        let list = behind.is_some_and(|word| word.is_word("in"));
        let numbers: Vec<u32> = match (fields, place::width(all, at)) {
            (Some((name, fields)), _) => fields
                .iter()
                .map(|field| self.number(Some(&format!("{name}.{field}"))))
                .collect(),
            (None, Some(width)) => (0..width).map(|_| self.number(None)).collect(),
            (None, None) => {
                let number = match name {
                    Some(name) if place::is_tested(all, at + taken) => self.tested(name),
                    name => self.number(name),
                };
                return if list || row {
                    format!("(${number})")
                } else {
                    format!("${number}")
                };
            }
        };
        let values: Vec<String> = numbers.iter().map(|number| format!("${number}")).collect();
        let row = format!("({})", values.join(", "));
        if list { format!("({row})") } else { row }
    }

    /// A number of its own for `:name IS NULL`: the server takes no type from there, and would want the same one
    /// elsewhere.
    fn tested(&mut self, name: &str) -> u32 {
        if let Some(number) = self.tested.get(name) {
            return *number;
        }
        self.last += 1;
        self.names.insert(self.last, name.to_owned());
        self.tested.insert(name.to_owned(), self.last);
        self.last
    }

    fn number(&mut self, name: Option<&str>) -> u32 {
        let tested: Vec<u32> = self.tested.values().copied().collect();
        let known = name.and_then(|name| {
            let mut names = self.names.iter();
            names.find(|(number, known)| known.as_str() == name && !tested.contains(number))
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

/// A token as Python's formatting leaves it: it also fills in what stands in quotes, such as `interval '%s days'`.
fn formatted(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        out.push_str(before);
        let named = after
            .strip_prefix('(')
            .and_then(|name| name.split_once(")s"))
            .filter(|(name, _)| !name.contains(['(', ')', '%']));
        rest = if let Some(after) = after.strip_prefix('%') {
            out.push('%');
            after
        } else if let Some(after) = after.strip_prefix('s').or(named.map(|(_, after)| after)) {
            out.push('1');
            after
        } else {
            out.push('%');
            after
        };
    }
    out.push_str(rest);
    out
}
