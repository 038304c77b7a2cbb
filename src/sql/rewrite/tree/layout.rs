//! A statement on several lines, as a person would write it.

use std::ops::Range;

use crate::sql::lexer::TokenKind;
use crate::sql::redact;
use crate::sql::rewrite::Stream;

/// What fits stays on one line.
const LINE: usize = 88;

/// A subquery of so many characters stays on one line.
const SHORT_QUERY: usize = 72;

/// How far a subquery and what continues a clause are indented.
const INDENT: usize = 2;

/// `text` with a line for each clause, and redaction tokens as redaction leaves them.
pub fn laid_out(text: &str) -> String {
    let stream = Stream::new(text);
    let mut layout = Layout {
        stream: &stream,
        out: String::with_capacity(text.len() + 64),
        indent: 0,
    };
    let all = 0..stream.len();
    if layout.on_one_line(all.clone()).chars().count() <= LINE {
        return layout.on_one_line(all);
    }
    layout.query(all, 0);
    layout.out
}

struct Layout<'s, 'a> {
    stream: &'s Stream<'a>,
    out: String,
    /// How far the last line is indented.
    indent: usize,
}

/// What a line begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Break {
    Clause,
    Condition,
}

impl Layout<'_, '_> {
    fn on_one_line(&self, range: Range<usize>) -> String {
        let mut line = String::new();
        for index in range.clone() {
            if index > range.start && self.is_apart(index) {
                line.push(' ');
            }
            line.push_str(&self.word(index));
        }
        line
    }

    /// Whether white space stands before a token.
    fn is_apart(&self, index: usize) -> bool {
        let before = self.stream.before(index).map(|token| token.span().end);
        let start = self.stream.get(index).map(|token| token.start);
        before != start
    }

    /// A token as it is printed.
    fn word(&self, index: usize) -> String {
        let Some(token) = self.stream.get(index) else {
            return String::new();
        };
        match token.kind {
            TokenKind::String(_) => token
                .string_value()
                .filter(|value| redact::is_token(value))
                .unwrap_or_else(|| token.text.to_owned()),
            TokenKind::Word if self.is_type(index) => token.text.to_lowercase(),
            TokenKind::Word if token.is_word("interval") => token.text.to_lowercase(),
            _ => token.text.to_owned(),
        }
    }

    /// Whether a word names a type after `::`.
    fn is_type(&self, index: usize) -> bool {
        let Some(before) = index.checked_sub(1) else {
            return false;
        };
        self.stream.sign(before, "::")
            || self
                .stream
                .any_word(index, &["precision", "varying", "with", "without", "zone"])
                && self.is_type(before)
            || self.stream.word(index, "time") && self.is_type(before)
    }

    /// A query's clauses, each on its own line.
    fn query(&mut self, range: Range<usize>, indent: usize) {
        let mut between = false;
        let mut index = range.start;
        while index < range.end {
            let stream = self.stream;
            let broken = (index > range.start)
                .then(|| breaks(stream, range.start, index))
                .flatten()
                .filter(|kind| *kind == Break::Clause || !between);
            if stream.word(index, "and") || broken == Some(Break::Clause) {
                between = false;
            } else if stream.word(index, "between") {
                between = true;
            }
            match broken {
                Some(Break::Clause) => self.line(indent),
                Some(Break::Condition) => self.line(indent + INDENT),
                None if index > range.start && self.is_apart(index) => self.out.push(' '),
                None => {}
            }
            let word = self.word(index);
            self.out.push_str(&word);
            index = match stream.partner(index) {
                Some(close) if close > index => {
                    self.parenthesis(index, close);
                    close
                }
                _ => index + 1,
            };
        }
    }

    /// What parentheses hold, up to the one that closes.
    fn parenthesis(&mut self, open: usize, close: usize) {
        let indent = self.indent;
        let inner = open + 1..close;
        let line = self.on_one_line(inner.clone());
        let is_query = self
            .stream
            .any_word(open + 1, &["select", "with", "values"]);
        if is_query && line.chars().count() > SHORT_QUERY {
            self.line(indent + INDENT);
            self.query(inner, indent + INDENT);
            self.line(indent);
        } else if is_query || !self.holds_long_query(inner.clone()) {
            self.out.push_str(&line);
        } else {
            self.query(inner, indent + INDENT);
        }
    }

    fn holds_long_query(&self, range: Range<usize>) -> bool {
        range.clone().any(|index| {
            self.stream.sign(index, "(")
                && self.stream.any_word(index + 1, &["select", "with"])
                && self
                    .stream
                    .partner(index)
                    .is_some_and(|close| self.on_one_line(index..close).len() > SHORT_QUERY)
        })
    }

    fn line(&mut self, indent: usize) {
        let end = self.out.trim_end().len();
        self.out.truncate(end);
        self.indent = indent;
        self.out.push('\n');
        self.out.extend(std::iter::repeat_n(' ', indent));
    }
}

/// Words that begin a clause wherever they stand in a query's own level.
const CLAUSES: [&str; 15] = [
    "except",
    "fetch",
    "from",
    "group",
    "having",
    "intersect",
    "limit",
    "offset",
    "order",
    "returning",
    "select",
    "set",
    "union",
    "using",
    "where",
];

/// Words that may stand before `JOIN`.
const JOIN_WORDS: [&str; 7] = [
    "cross", "full", "inner", "left", "natural", "outer", "right",
];

fn breaks(stream: &Stream<'_>, start: usize, index: usize) -> Option<Break> {
    let before = |words: &[&str]| index > start && stream.any_word(index - 1, words);
    if stream.any_word(index, &["and", "or"]) {
        return Some(Break::Condition);
    }
    let joins = stream.word(index, "join")
        || stream.any_word(index, &JOIN_WORDS) && !stream.sign(index + 1, "(");
    if joins {
        return (!before(&JOIN_WORDS)).then_some(Break::Clause);
    }
    if !stream.any_word(index, &CLAUSES) {
        return None;
    }
    let goes_on = stream.word(index, "from") && before(&["delete", "distinct"])
        || stream.word(index, "using") && stream.sign(index + 1, "(")
        || stream.any_word(index, &["group", "order"]) && !stream.word(index + 1, "by")
        || index > start && stream.sign(index - 1, ".");
    (!goes_on).then_some(Break::Clause)
}
