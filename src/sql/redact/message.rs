//! Values in the server's messages.
//!
//! Messages quote names and values alike. What stands in quotes is a value unless the words around it say that it names
//! something; `Key (…)=(…)` and `Failing row contains (…)` hold values without quotes. The server does not escape what
//! it quotes, so a value that a message ends with reaches to the last quote.

use super::{Kind, Redactor, is_number, token_length};

/// Words before a quoted part that make it a name.
const NAMING_WORDS: [&str; 56] = [
    "aggregate",
    "alias",
    "attribute",
    "authorization",
    "cast",
    "class",
    "collation",
    "column",
    "configuration",
    "constraint",
    "conversion",
    "cursor",
    "database",
    "dictionary",
    "domain",
    "encoding",
    "extension",
    "family",
    "field",
    "file",
    "function",
    "group",
    "index",
    "language",
    "library",
    "method",
    "name",
    "object",
    "operator",
    "option",
    "parameter",
    "parser",
    "partition",
    "policy",
    "portal",
    "procedure",
    "publication",
    "record",
    "reference",
    "relation",
    "role",
    "routine",
    "rule",
    "savepoint",
    "schema",
    "sequence",
    "server",
    "slot",
    "statistics",
    "table",
    "tablespace",
    "trigger",
    "type",
    "user",
    "variable",
    "view",
];

/// Words before a quoted part that make it SQL.
const SQL_WORDS: [&str; 5] = ["assignment", "expression", "near", "query", "statement"];

/// What a relation can turn out to be: `"x" is not a table`.
const RELATION_KINDS: [&str; 9] = [
    "table",
    "view",
    "index",
    "sequence",
    "materialized view",
    "foreign table",
    "partitioned",
    "composite type",
    "system",
];

/// The quotes that message catalogues use, opening and closing.
const QUOTES: [(char, char); 6] = [
    ('"', '"'),
    ('\'', '\''),
    ('«', '»'),
    ('“', '”'),
    ('„', '“'),
    ('「', '」'),
];

/// What follows the values of a key in a message's detail.
const AFTER_KEY: [&str; 5] = [
    ") already exists",
    ") is not present in table",
    ") is still referenced from table",
    ") is duplicated",
    ") conflicts with existing key (",
];

/// Secrets up to this many bytes are replaced only where they stand alone.
const SHORT_SECRET: usize = 2;

/// What a quoted part is, by the words before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Quoted {
    Name,
    Sql,
    /// A value that the message ends with.
    LastValue,
    Value,
}

impl Redactor {
    /// A server message, or its detail, hint or context (one at a time: a value may reach to the end of what is given),
    /// without the values in it.
    ///
    /// Names stay where the message says that they are names; what is in doubt is replaced. Values learnt by
    /// [`Redactor::learn_secret`] are replaced everywhere.
    pub fn message(&mut self, message: &str) -> String {
        let hidden = self.without_secrets(message);
        let mut output = String::with_capacity(hidden.len());
        let mut rest = hidden.as_str();
        while let Some(first) = rest.chars().next() {
            let length = self
                .copied_token(rest, &mut output)
                .or_else(|| self.key_values(rest, &mut output))
                .or_else(|| self.row(rest, &mut output))
                .or_else(|| self.bytes(rest, &mut output))
                .or_else(|| self.quoted(rest, first, &mut output))
                .unwrap_or_else(|| {
                    output.push(first);
                    first.len_utf8()
                });
            rest = rest.get(length..).unwrap_or_default();
        }
        output
    }

    /// `)=(values)` and `) = (values)`. Gives the length of what was passed: up to the values' end.
    fn key_values(&mut self, rest: &str, output: &mut String) -> Option<usize> {
        let opening = [")=(", ") = ("]
            .into_iter()
            .find(|opening| rest.starts_with(opening))?;
        let columns = output
            .rsplit_once('(')
            .map_or(1, |(_, columns)| columns.matches(", ").count() + 1);
        let values = rest.get(opening.len()..)?;
        let values = values.get(..key_end(values))?;
        output.push_str(opening);
        let parts: Vec<&str> = values.split(", ").collect();
        if parts.len() == columns {
            output.push_str(&self.values(parts).join(", "));
        } else {
            output.push_str(&self.value(values));
        }
        Some(opening.len() + values.len())
    }

    /// `row contains (values)`, and `JSON data, line 1: data`.
    fn row(&mut self, rest: &str, output: &mut String) -> Option<usize> {
        let opening = ["row contains (", "JSON data, line "]
            .into_iter()
            .find(|opening| rest.starts_with(opening))?;
        let start = match opening {
            "row contains (" => opening.len(),
            _ => rest.find(": ")? + 2,
        };
        let values = rest.get(start..)?;
        let end = match opening {
            "row contains (" => values.rfind(')').unwrap_or(values.len()),
            _ => values.len(),
        };
        output.push_str(rest.get(..start)?);
        output.push_str(&self.value(values.get(..end)?));
        Some(start + end)
    }

    /// `0xe2 0x82`, the bytes of a value that the encoding rejects.
    fn bytes(&mut self, rest: &str, output: &mut String) -> Option<usize> {
        let digits = rest.strip_prefix("0x")?;
        let end = digits
            .find(|character: char| !character.is_ascii_hexdigit())
            .unwrap_or(digits.len());
        if end == 0 || ends_in_word(output) {
            return None;
        }
        let bytes = rest.get(..2 + end)?;
        output.push_str(&self.token(Kind::Text, bytes));
        Some(bytes.len())
    }

    fn quoted(&mut self, rest: &str, first: char, output: &mut String) -> Option<usize> {
        let (_, close) = QUOTES.into_iter().find(|(open, _)| *open == first)?;
        if first == '\'' && ends_in_word(output) {
            return None;
        }
        let inside = rest.get(first.len_utf8()..)?;
        let role = role(output, first);
        let end = match role {
            Quoted::Name | Quoted::Value => next_quote(inside, close),
            Quoted::Sql | Quoted::LastValue => inside.rfind(close),
        };
        let content = inside.get(..end.unwrap_or(inside.len()))?;
        let after = inside.get(content.len()..)?.strip_prefix(close);
        let shown = match role {
            Quoted::Name => content.to_owned(),
            Quoted::Sql => self.sql(content),
            Quoted::Value if names_relation(after.unwrap_or_default()) => content.to_owned(),
            Quoted::Value | Quoted::LastValue if content.is_empty() => String::new(),
            Quoted::Value | Quoted::LastValue => self.value(content),
        };
        output.push(first);
        output.push_str(&shown);
        if after.is_some() {
            output.push(close);
        }
        let closing = after.map_or(0, |_| close.len_utf8());
        Some(first.len_utf8() + content.len() + closing)
    }

    fn without_secrets(&mut self, message: &str) -> String {
        let mut secrets: Vec<String> = self.secrets.iter().cloned().collect();
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        secrets.iter().fold(message.to_owned(), |message, secret| {
            if !message.contains(secret.as_str()) {
                return message;
            }
            self.without_secret(&message, secret)
        })
    }

    fn without_secret(&mut self, message: &str, secret: &str) -> String {
        let alone_only = secret.len() <= SHORT_SECRET
            || secret.chars().all(char::is_alphabetic)
            || is_number(secret);
        let mut output = String::with_capacity(message.len());
        let mut rest = message;
        while let Some(first) = rest.chars().next() {
            let token = token_length(rest);
            let found = token.is_none()
                && rest.strip_prefix(secret).is_some_and(|after| {
                    !alone_only || !(ends_in_word(&output) || starts_word(after))
                });
            let length = if found {
                output.push_str(&self.value(secret));
                secret.len()
            } else {
                let length = token.unwrap_or(first.len_utf8());
                output.push_str(rest.get(..length).unwrap_or_default());
                length
            };
            rest = rest.get(length..).unwrap_or_default();
        }
        output
    }

    fn copied_token(&mut self, rest: &str, output: &mut String) -> Option<usize> {
        let length = token_length(rest)?;
        output.push_str(&self.met(rest.get(..length)?));
        Some(length)
    }
}

/// Where the values of a key end. In doubt, which a value that looks like the message's own words makes, at the last
/// parenthesis.
fn key_end(values: &str) -> usize {
    let mut ends = AFTER_KEY
        .iter()
        .flat_map(|after| values.match_indices(after));
    match (ends.next(), ends.next()) {
        (Some((end, _)), None) => end,
        _ => values.rfind(')').unwrap_or(values.len()),
    }
}

/// What the words before an opening quote say of it.
fn role(before: &str, quote: char) -> Quoted {
    let Some(before) = before.strip_suffix(' ') else {
        return Quoted::Value;
    };
    if before.ends_with(':') {
        return Quoted::LastValue;
    }
    if quote == '\'' {
        return Quoted::Value;
    }
    let start = before
        .rfind(|character: char| !character.is_ascii_alphabetic())
        .map_or(0, |end| end + 1);
    let word = before.get(start..).unwrap_or_default();
    if NAMING_WORDS.contains(&word) {
        Quoted::Name
    } else if SQL_WORDS.contains(&word) {
        Quoted::Sql
    } else {
        Quoted::Value
    }
}

/// The next `close` that is not doubled.
fn next_quote(inside: &str, close: char) -> Option<usize> {
    let mut from = 0;
    loop {
        let end = from + inside.get(from..)?.find(close)?;
        let after = inside.get(end + close.len_utf8()..)?;
        if !after.starts_with(close) {
            return Some(end);
        }
        from = end + 2 * close.len_utf8();
    }
}

fn names_relation(after: &str) -> bool {
    [" is not a ", " is not an ", " is a ", " is an "]
        .iter()
        .filter_map(|is| after.strip_prefix(is))
        .any(|kind| RELATION_KINDS.iter().any(|known| kind.starts_with(known)))
}

fn ends_in_word(text: &str) -> bool {
    text.ends_with(|last: char| last.is_alphanumeric() || matches!(last, '_' | '$' | '›'))
}

fn starts_word(text: &str) -> bool {
    text.starts_with(|first: char| first.is_alphanumeric() || matches!(first, '_' | '$'))
}
