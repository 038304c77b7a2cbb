//! The fields of a line's prefix.

use super::super::severity::Severity;
use super::super::time;

/// A part of a line; empty where the line does not have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in super::super) struct Span {
    pub(in super::super) from: usize,
    pub(in super::super) to: usize,
}

impl Span {
    pub(in super::super) fn new(from: usize, to: usize) -> Self {
        Self { from, to }
    }

    /// The text, where there is one that says something.
    pub(in super::super) fn of<'a>(&self, line: &'a [u8]) -> Option<&'a [u8]> {
        let text = line.get(self.from..self.to)?;
        (!text.is_empty() && text != b"[unknown]").then_some(text)
    }
}

/// What stands before the message of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in super::super) struct Head {
    pub(in super::super) at: Option<i64>,
    pub(in super::super) zone_unknown: bool,
    pub(in super::super) session: Span,
    pub(in super::super) process: Span,
    pub(in super::super) started: Span,
    pub(in super::super) user: Span,
    pub(in super::super) database: Span,
    pub(in super::super) application: Span,
    pub(in super::super) transaction: Span,
    pub(in super::super) query_id: Span,
    pub(in super::super) severity: Severity,
    /// Where the message begins.
    pub(in super::super) message: usize,
}

impl Head {
    /// How many fields are known.
    pub(in super::super) fn known(&self) -> usize {
        let spans = [
            self.session,
            self.process,
            self.started,
            self.user,
            self.database,
            self.application,
            self.transaction,
            self.query_id,
        ];
        let known = spans.iter().filter(|span| span.from < span.to).count();
        known + usize::from(self.at.is_some())
    }

    /// Remembers where the value of a field stands, if it is one of those that are asked for.
    pub(super) fn keep(&mut self, field: Field, span: Span) {
        match field {
            Field::Session => self.session = span,
            Field::Process => self.process = span,
            Field::Started => self.started = span,
            Field::User => self.user = span,
            Field::Database => self.database = span,
            Field::Application => self.application = span,
            Field::Transaction => self.transaction = span,
            Field::QueryId => self.query_id = span,
            Field::Time
            | Field::Epoch
            | Field::Number
            | Field::Word
            | Field::Remote
            | Field::Text => {}
        }
    }
}

/// The kinds of fields, as far as they differ here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Field {
    /// `%m`, `%t`
    Time,
    /// `%n`
    Epoch,
    /// `%s`
    Started,
    /// `%c`
    Session,
    /// `%p`
    Process,
    /// `%v`
    Transaction,
    /// `%Q`
    QueryId,
    /// `%u`
    User,
    /// `%d`
    Database,
    /// `%a`
    Application,
    /// Digits that tell nothing here, or none: `%l`, `%x`, `%P`
    Number,
    /// Letters and digits that tell nothing here: `%e`
    Word,
    /// A host with its port, or `[local]`: `%r`
    Remote,
    /// Any text that tells nothing here: `%h`, `%b`, `%i`, `%L`
    Text,
}

impl Field {
    /// Bytes of the longest text that a field is taken to have. Names have 63, hosts 255.
    pub(super) const LONGEST: usize = 320;

    /// The field that an escape stands for.
    pub(super) fn of_escape(escape: u8) -> Option<Self> {
        Some(match escape {
            b't' | b'm' => Self::Time,
            b'n' => Self::Epoch,
            b's' => Self::Started,
            b'c' => Self::Session,
            b'p' => Self::Process,
            b'v' => Self::Transaction,
            b'Q' => Self::QueryId,
            b'u' => Self::User,
            b'd' => Self::Database,
            b'a' => Self::Application,
            b'l' | b'x' | b'P' => Self::Number,
            b'e' => Self::Word,
            b'r' => Self::Remote,
            b'h' | b'b' | b'i' | b'L' => Self::Text,
            _ => return None,
        })
    }

    /// Whether only what follows tells where the value ends.
    pub(super) fn is_text(self) -> bool {
        matches!(
            self,
            Self::User | Self::Database | Self::Application | Self::Remote | Self::Text
        )
    }

    /// Whether a value may end with this text. The colons of an IPv6 address do not end it.
    pub(super) fn may_end(self, value: &[u8]) -> bool {
        self != Self::Remote || matches!(value.last(), None | Some(b')' | b']'))
    }

    /// Whether a text looks like a value of this field: names have no spaces in them.
    pub(super) fn may_be(self, value: &[u8]) -> bool {
        let name = matches!(self, Self::User | Self::Database);
        !name || !value.trim_ascii().contains(&b' ')
    }

    /// The length of the value at the beginning of a text. Times go into the head at once.
    pub(super) fn scan(self, text: &[u8], head: &mut Head) -> Option<usize> {
        match self {
            Self::Time => {
                let stamp = time::stamp(text)?;
                head.at = Some(stamp.at);
                head.zone_unknown = !stamp.zone_known;
                Some(stamp.length)
            }
            Self::Epoch => {
                let (at, length) = time::epoch(text)?;
                head.at = Some(at);
                Some(length)
            }
            Self::Started => time::stamp(text).map(|stamp| stamp.length),
            Self::Session => session(text),
            Self::Process => some(time::digits(text)),
            Self::Number => Some(time::digits(text)),
            Self::Transaction => Some(transaction(text)),
            Self::QueryId => {
                let sign = usize::from(text.first() == Some(&b'-'));
                some(time::digits(&text[sign..])).map(|digits| sign + digits)
            }
            Self::Word => Some(run(text, u8::is_ascii_alphanumeric)),
            Self::User | Self::Database | Self::Application | Self::Remote | Self::Text => None,
        }
    }
}

fn some(length: usize) -> Option<usize> {
    (length > 0).then_some(length)
}

fn run(text: &[u8], belongs: fn(&u8) -> bool) -> usize {
    text.iter()
        .position(|byte| !belongs(byte))
        .unwrap_or(text.len())
}

/// Two hexadecimal numbers with a dot between them: the session's start and its process.
pub(super) fn session(text: &[u8]) -> Option<usize> {
    let start = some(run(text, u8::is_ascii_hexdigit))?;
    if text.get(start) != Some(&b'.') {
        return None;
    }
    let process = some(run(&text[start + 1..], u8::is_ascii_hexdigit))?;
    Some(start + 1 + process)
}

/// Two numbers with a slash between them, or nothing.
pub(super) fn transaction(text: &[u8]) -> usize {
    let backend = time::digits(text);
    if backend == 0 || text.get(backend) != Some(&b'/') {
        return 0;
    }
    match time::digits(&text[backend + 1..]) {
        0 => 0,
        local => backend + 1 + local,
    }
}
