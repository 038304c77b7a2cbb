//! Finding out a `log_line_prefix` from the lines that were written with it.

use super::super::severity::find_severity;
use super::super::time;
use super::field::{session, transaction};
use super::{Field, LinePrefix, Piece, push_literal};

/// Prefixes that servers are often set to: the default, then those of packages, hosting providers and guides.
pub(in super::super) const COMMON: &[&str] = &[
    "%m [%p] ",
    "%m [%p] %q%u@%d ",
    "%t [%p]: user=%u,db=%d,app=%a,client=%h ",
    "%t [%p]: [%l-1] user=%u,db=%d,app=%a,client=%h ",
    "%t [%p]: [%l-1] user=%u,db=%d ",
    "%t [%p-%l] %q%u@%d ",
    "%t:%r:%u@%d:[%p]:",
    "%t-%c-",
    "%m [%p] %q[user=%u,db=%d,app=%a] ",
    "%m [%p]: [%l-1] db=%d,user=%u ",
    "pid=%p,user=%u,db=%d,app=%a,client=%h ",
    "%m %u@%d %p %r ",
    "%m [%p] %r %u@%d ",
    "%m|%u|%d|%c|",
    "%t %u@%d %p ",
    "%t %u %d %p ",
    "%t [%p] ",
    "< %m >",
    "%n [%p] ",
    "%c %m ",
    "",
];

/// Names that prefixes give to their fields, before `=` or `:`.
const NAMES: &[(&[u8], Field)] = &[
    (b"user", Field::User),
    (b"usr", Field::User),
    (b"role", Field::User),
    (b"u", Field::User),
    (b"database", Field::Database),
    (b"dbname", Field::Database),
    (b"db", Field::Database),
    (b"d", Field::Database),
    (b"application_name", Field::Application),
    (b"application", Field::Application),
    (b"appname", Field::Application),
    (b"app", Field::Application),
    (b"a", Field::Application),
    (b"pid", Field::Process),
    (b"p", Field::Process),
    (b"process", Field::Process),
    (b"session_id", Field::Session),
    (b"session", Field::Session),
    (b"sid", Field::Session),
    (b"c", Field::Session),
    (b"vxid", Field::Transaction),
    (b"vtxid", Field::Transaction),
    (b"v", Field::Transaction),
    (b"query_id", Field::QueryId),
    (b"queryid", Field::QueryId),
    (b"qid", Field::QueryId),
    (b"Q", Field::QueryId),
    (b"client", Field::Text),
    (b"host", Field::Text),
    (b"remote", Field::Text),
    (b"ip", Field::Text),
    (b"h", Field::Text),
    (b"r", Field::Remote),
    (b"backend", Field::Text),
    (b"type", Field::Text),
    (b"b", Field::Text),
    (b"cmd", Field::Text),
    (b"tag", Field::Text),
    (b"i", Field::Text),
    (b"state", Field::Word),
    (b"sqlstate", Field::Word),
    (b"e", Field::Word),
    (b"xid", Field::Number),
    (b"txid", Field::Number),
    (b"tx", Field::Number),
    (b"line", Field::Number),
    (b"l", Field::Number),
];

/// The prefix that a line seems to have: what stands before its severity, each part by its look or the name before it.
pub(in super::super) fn infer(line: &[u8]) -> Option<LinePrefix> {
    let end = find_severity(line)?;
    let mut guess = Guess::default();
    let mut rest = &line[..end];
    while !rest.is_empty() {
        let length = guess.part(rest);
        rest = &rest[length..];
    }
    let prefix = LinePrefix::guess(guess.pieces);
    prefix.head(line).is_some().then_some(prefix)
}

#[derive(Default)]
struct Guess {
    pieces: Vec<Piece>,
    /// What stands before the next part, for the names in it.
    seen: Vec<u8>,
}

impl Guess {
    fn has(&self, field: Field) -> bool {
        self.pieces.contains(&Piece::Field(field))
    }

    /// Understands the part that a text begins with, and gives its length.
    fn part(&mut self, text: &[u8]) -> usize {
        let (length, field) = match self.value(text) {
            Some(found) => found,
            None => (1, None),
        };
        self.seen.extend_from_slice(&text[..length]);
        match field {
            Some(field) => {
                self.pieces.push(Piece::Field(field));
                // A value is no name of the next one, not even an empty value.
                self.seen.push(0);
            }
            None => text[..length]
                .iter()
                .for_each(|byte| push_literal(&mut self.pieces, *byte)),
        }
        length
    }

    fn value(&self, text: &[u8]) -> Option<(usize, Option<Field>)> {
        if let Some(stamp) = time::stamp(text) {
            let first = !self.has(Field::Time) && !self.has(Field::Epoch);
            let field = if first { Field::Time } else { Field::Started };
            return Some((stamp.length, Some(field)));
        }
        // `user: web`, but `user= db=` is without a user.
        let separated = text.first() == Some(&b' ') && self.seen.last() == Some(&b':');
        if let Some(field) = self.named().filter(|_| !separated) {
            return Some((value_length(text), Some(field)));
        }
        let boundary = self.seen.last().is_none_or(|byte| !is_word(*byte));
        if !boundary {
            return None;
        }
        if let Some((_, length)) = time::epoch(text) {
            return Some((length, Some(Field::Epoch)));
        }
        if let Some(length) = session(text).filter(|length| *length >= 10) {
            return Some((length, Some(Field::Session)));
        }
        if let Some(length) = Self::query_id(text) {
            return Some((length, Some(Field::QueryId)));
        }
        match transaction(text) {
            0 => {}
            length => return Some((length, Some(Field::Transaction))),
        }
        let word = text.iter().take_while(|byte| is_word(**byte)).count();
        self.word(text, word)
    }

    /// The field of the name that stands right before, as in `user=`.
    fn named(&self) -> Option<Field> {
        let before = self.seen.strip_suffix(b" ").unwrap_or(&self.seen);
        let name = before
            .strip_suffix(b"=")
            .or_else(|| before.strip_suffix(b":"))?;
        let from = name.iter().rposition(|byte| !is_word(*byte));
        let name = &name[from.map_or(0, |from| from + 1)..];
        known(name)
    }

    /// A number that is too long for any other.
    fn query_id(text: &[u8]) -> Option<usize> {
        let sign = usize::from(text.first() == Some(&b'-'));
        let digits = time::digits(&text[sign..]);
        (digits >= 13).then_some(sign + digits)
    }

    /// A word that has no name: a number, or `user@database`, or a text that may be anything.
    fn word(&self, text: &[u8], length: usize) -> Option<(usize, Option<Field>)> {
        let after = text.get(length);
        if length > 0 && time::digits(text) == length && !matches!(after, Some(b'.' | b':')) {
            let field = if self.has(Field::Process) || self.has(Field::Session) {
                Field::Number
            } else {
                Field::Process
            };
            return Some((length, Some(field)));
        }
        if self.seen.last() == Some(&b'@') && self.has(Field::User) {
            return Some((value_length(text), Some(Field::Database)));
        }
        match (length, after) {
            (0, _) if text.starts_with(b"[unknown]") || text.starts_with(b"[local]") => {
                Some((value_length(text), Some(Field::Text)))
            }
            (0, _) => None,
            // The name of what follows is part of the setting.
            (_, Some(b'=')) => Some((length, None)),
            (_, Some(b':')) if known(&text[..length]).is_some() => Some((length, None)),
            (_, Some(b'@')) => Some((length, Some(Field::User))),
            _ => Some((value_length(text), Some(Field::Text))),
        }
    }
}

/// The field that a name stands for.
fn known(name: &[u8]) -> Option<Field> {
    let found = NAMES
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(name));
    found.map(|(_, field)| *field)
}

/// What may stand in a name.
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

/// How far a value reaches: to what may separate it from the next.
fn value_length(text: &[u8]) -> usize {
    for unknown in [&b"[unknown]"[..], b"[local]"] {
        if text.starts_with(unknown) {
            return unknown.len();
        }
    }
    let ends = |byte: &u8| {
        matches!(
            byte,
            b' ' | b',' | b';' | b'|' | b']' | b'}' | b'>' | b'@' | b'/' | b'"' | b'\'' | b'\t'
        )
    };
    text.iter().position(ends).unwrap_or(text.len())
}
