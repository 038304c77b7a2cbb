//! `log_line_prefix`: what stands before the message of a line, taken apart.

mod field;
mod guess;

pub(super) use field::{Field, Head, Span};
pub(super) use guess::{COMMON, infer};

use super::severity::{Severity, severity};

/// How often a line is tried again with a longer text in one of its fields.
const ATTEMPTS: u32 = 200;

/// The setting `log_line_prefix` of a server, ready to be matched against lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinePrefix {
    pieces: Vec<Piece>,
    /// It was found out: names are taken for names only where they look like some.
    guessed: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    Literal(Vec<u8>),
    Field(Field),
    /// `%q`: processes that serve no session stop here.
    Stop,
}

impl LinePrefix {
    /// Understands the setting as the server does: unknown escapes are ignored, and so is the width that a field is
    /// padded to, since spaces around a value are no part of it.
    pub fn new(setting: &str) -> Self {
        let mut pieces = Vec::new();
        let mut rest = setting.as_bytes();
        while let Some((&byte, after)) = rest.split_first() {
            if byte != b'%' {
                push_literal(&mut pieces, byte);
                rest = after;
                continue;
            }
            let width = after
                .iter()
                .take_while(|byte| matches!(byte, b'-' | b'0'..=b'9'))
                .count();
            let Some((&escape, after)) = after[width..].split_first() else {
                break;
            };
            match escape {
                b'%' => push_literal(&mut pieces, b'%'),
                b'q' => pieces.push(Piece::Stop),
                _ => pieces.extend(Field::of_escape(escape).map(Piece::Field)),
            }
            rest = after;
        }
        Self {
            pieces,
            guessed: false,
        }
    }

    /// A setting that a server may have.
    pub(super) fn common(setting: &str) -> Self {
        Self::guess(Self::new(setting).pieces)
    }

    fn guess(pieces: Vec<Piece>) -> Self {
        Self {
            pieces,
            guessed: true,
        }
    }

    /// Takes a line apart, if it begins with this prefix and a severity.
    pub(super) fn head(&self, line: &[u8]) -> Option<Head> {
        // Names seldom have spaces in them, and what stands before them often does.
        let plain = Matching::head(&self.pieces, line, true);
        plain.or_else(|| {
            if self.guessed {
                None
            } else {
                Matching::head(&self.pieces, line, false)
            }
        })
    }
}

fn push_literal(pieces: &mut Vec<Piece>, byte: u8) {
    if let Some(Piece::Literal(literal)) = pieces.last_mut() {
        literal.push(byte);
    } else {
        pieces.push(Piece::Literal(vec![byte]));
    }
}

struct Matching<'a> {
    line: &'a [u8],
    head: Head,
    attempts: u32,
    plain_names: bool,
}

impl Matching<'_> {
    fn head(pieces: &[Piece], line: &[u8], plain_names: bool) -> Option<Head> {
        let mut matching = Matching {
            line,
            head: Head::default(),
            attempts: ATTEMPTS,
            plain_names,
        };
        let (severity, message) = matching.pieces(pieces, 0)?;
        matching.head.severity = severity;
        matching.head.message = message;
        Some(matching.head)
    }

    /// Matches what is left of the prefix, and gives the severity behind it and where the message begins.
    fn pieces(&mut self, pieces: &[Piece], from: usize) -> Option<(Severity, usize)> {
        let mut at = from;
        let mut left = pieces.iter();
        while let Some(piece) = left.next() {
            match piece {
                Piece::Literal(literal) => {
                    if !self.line[at..].starts_with(literal) {
                        return None;
                    }
                    at += literal.len();
                }
                Piece::Stop => {
                    let session = self.pieces(left.as_slice(), at);
                    return session.or_else(|| severity(self.line, at));
                }
                Piece::Field(field) if field.is_text() => {
                    return self.text(*field, left.as_slice(), at);
                }
                Piece::Field(field) => {
                    let value = at + spaces(&self.line[at..]);
                    let length = field.scan(&self.line[value..], &mut self.head)?;
                    if length > 0 {
                        at = value + length;
                        self.head.keep(*field, Span::new(value, at));
                    }
                    at = self.after_padding(at, left.as_slice());
                }
            }
        }
        severity(self.line, at)
    }

    /// Passes over the spaces that pad a value, but not over those that the prefix itself has next.
    fn after_padding(&self, at: usize, next: &[Piece]) -> usize {
        let padding = spaces(&self.line[at..]);
        if padding == 0 {
            return at;
        }
        match next.first() {
            Some(Piece::Literal(literal)) => at + padding.saturating_sub(spaces(literal)),
            _ => at + padding,
        }
    }

    /// Matches a field that may hold anything: the shortest text that lets the rest match is it.
    fn text(&mut self, field: Field, next: &[Piece], from: usize) -> Option<(Severity, usize)> {
        let rest = self.line.get(from..)?;
        let first = match next.first() {
            Some(Piece::Literal(literal)) => literal.first(),
            _ => None,
        };
        for length in 0..=rest.len().min(Field::LONGEST) {
            if (first.is_some() && rest.get(length) != first) || !field.may_end(&rest[..length]) {
                continue;
            }
            if self.plain_names && !field.may_be(&rest[..length]) {
                return None;
            }
            self.attempts = self.attempts.checked_sub(1)?;
            if let Some(found) = self.pieces(next, from + length) {
                self.head
                    .keep(field, trimmed(self.line, from, from + length));
                return Some(found);
            }
        }
        None
    }
}

/// How many spaces a text begins with.
fn spaces(text: &[u8]) -> usize {
    text.iter().take_while(|byte| **byte == b' ').count()
}

/// A value without the spaces that pad it.
fn trimmed(line: &[u8], from: usize, to: usize) -> Span {
    let value = line[from..to].trim_ascii_start();
    let from = to - value.len();
    Span::new(from, from + value.trim_ascii_end().len())
}

#[cfg(test)]
mod tests;
