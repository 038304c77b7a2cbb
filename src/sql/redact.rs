//! Values of the target's data, replaced by stable tokens such as `‹text#1›`.
//!
//! One [`Redactor`] serves one report: equal values get equal tokens wherever they appear, numbered by first
//! appearance. The numbering is all that is kept of a value. Four kinds exist: `text`, `pattern` (a text that begins
//! with `%`, which no btree index can look up), `number` (also a quoted one: plans print `'42'::bigint` where the
//! statement says `42`), and `bits`.
//!
//! Redacting twice changes nothing, save that the numbers of the tokens that are met are given to no other value; and
//! [`crate::sql::lexer::redacted_tokens`] reads what comes out.

pub(super) mod context;
mod message;
mod plan;
mod text;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::lexer::{TokenKind, redacted_tokens};

/// The kinds of values, as they are written in tokens.
pub(super) const KINDS: [&str; 4] = ["text", "pattern", "number", "bits"];

/// What kind of value a token stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Text,
    Pattern,
    Number,
    Bits,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Pattern => "pattern",
            Self::Number => "number",
            Self::Bits => "bits",
        }
    }
}

/// Replaces values by tokens; see the module's documentation.
#[derive(Debug, Clone, Default)]
pub struct Redactor {
    numbers: BTreeMap<(Kind, String), usize>,
    /// The highest number that was given or met.
    last: usize,
    secrets: BTreeSet<String>,
}

impl Redactor {
    /// A redactor that has seen nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Remembers a value that no message may show, wherever in the message it stands: the values that were bound to a
    /// statement, for example.
    ///
    /// Words, numbers and values of one or two characters are replaced only where they stand alone, so that messages
    /// stay legible.
    pub fn learn_secret(&mut self, value: &str) {
        if !value.trim().is_empty() && !is_token(value) {
            self.secrets.insert(value.to_owned());
        }
    }

    /// A value of the target's data on its own, such as one of `most_common_vals`.
    pub fn value(&mut self, value: &str) -> String {
        if is_token(value) {
            return self.met(value);
        }
        let kind = if is_number(value) {
            Kind::Number
        } else if value.starts_with('%') {
            Kind::Pattern
        } else {
            Kind::Text
        };
        self.token(kind, value)
    }

    /// A list of values, in order.
    pub fn values<'a>(&mut self, values: impl IntoIterator<Item = &'a str>) -> Vec<String> {
        values.into_iter().map(|value| self.value(value)).collect()
    }

    fn token(&mut self, kind: Kind, value: &str) -> String {
        let next = self.last.saturating_add(1);
        let key = match kind {
            Kind::Number => canonical_number(value),
            Kind::Text | Kind::Pattern | Kind::Bits => value.to_owned(),
        };
        let number = *self.numbers.entry((kind, key)).or_insert(next);
        self.last = self.last.max(number);
        format!("‹{}#{number}›", kind.name())
    }

    /// A token as it is; its number is given to no other value.
    fn met(&mut self, token: &str) -> String {
        let number = token
            .split_once('#')
            .map(|(_, number)| number.trim_end_matches('›'));
        // No report has as many; a literal that only looks like a token may say any number.
        let number = number.and_then(|number| number.parse::<u32>().ok());
        let number = number.and_then(|number| usize::try_from(number).ok());
        self.last = self.last.max(number.unwrap_or_default());
        token.to_owned()
    }
}

/// Whether the whole of `text` is one token.
pub fn is_token(text: &str) -> bool {
    token_length(text).is_some_and(|length| length == text.len())
}

/// Whether the whole of `text` is the token of a text that begins with `%`.
pub fn is_pattern_token(text: &str) -> bool {
    is_token(text) && text.starts_with("‹pattern#")
}

/// `text` with every token made a string constant (`‹text#1›` becomes `'‹text#1›'`), for a parser of SQL.
pub fn quoted(text: &str) -> Cow<'_, str> {
    if !text.contains('‹') {
        return Cow::Borrowed(text);
    }
    let mut output = String::with_capacity(text.len() + 16);
    for token in redacted_tokens(text) {
        if token.kind == TokenKind::Redacted {
            output.push('\'');
            output.push_str(token.text);
            output.push('\'');
        } else {
            output.push_str(token.text);
        }
    }
    Cow::Owned(output)
}

/// The length in bytes of the token that `text` starts with.
pub(super) fn token_length(text: &str) -> Option<usize> {
    let body = text.strip_prefix('‹')?;
    let kind = KINDS.iter().find(|kind| body.starts_with(**kind))?;
    let number = body.strip_prefix(*kind)?.strip_prefix('#')?;
    let rest = number.trim_start_matches(|digit: char| digit.is_ascii_digit());
    let rest_after = rest.strip_prefix('›')?;
    (rest.len() < number.len()).then(|| text.len() - rest_after.len())
}

/// Whether `value` reads as a decimal number: sign, digits, fraction, exponent.
fn is_number(value: &str) -> bool {
    let unsigned = value.strip_prefix(['-', '+']).unwrap_or(value);
    unsigned.starts_with(|first: char| first.is_ascii_digit() || first == '.')
        && unsigned.ends_with(|last: char| last.is_ascii_digit())
        && value.parse::<f64>().is_ok()
}

/// One spelling for spellings of a number that differ in case, underscores, or a leading plus.
fn canonical_number(value: &str) -> String {
    value
        .strip_prefix('+')
        .unwrap_or(value)
        .replace('_', "")
        .to_ascii_lowercase()
}

#[cfg(test)]
mod tests;
