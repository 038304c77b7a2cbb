//! jsonlog: an object a line; and objects that collectors put lines and entries into.

use std::borrow::Cow;
use std::fmt;
use std::io::Read;

use serde::de::{Deserialize, Deserializer, Error, Visitor};

use super::collector::Chunk;
use super::messages::Messages;
use super::severity;
use super::sink::Sink;
use super::statements::Entry;
use super::stderr::Prefixes;
use super::window::{Step, Window};
use super::{Logged, Place, Reason, time};

/// The members that are asked for.
#[derive(serde::Deserialize)]
struct Object<'a> {
    #[serde(borrow, default)]
    timestamp: Text<'a>,
    #[serde(borrow, default)]
    user: Text<'a>,
    #[serde(borrow, default)]
    dbname: Text<'a>,
    #[serde(default)]
    pid: Option<u32>,
    #[serde(borrow, default)]
    session_id: Text<'a>,
    #[serde(borrow, default)]
    vxid: Text<'a>,
    #[serde(borrow)]
    error_severity: Text<'a>,
    #[serde(borrow, default)]
    message: Text<'a>,
    #[serde(borrow, default)]
    detail: Text<'a>,
    #[serde(borrow, default)]
    application_name: Text<'a>,
    #[serde(default)]
    query_id: Option<i64>,
}

/// The members in which collectors keep what they collected: container runtimes, journald, log services of cloud
/// providers.
#[derive(serde::Deserialize)]
struct Collected<'a> {
    #[serde(borrow, default)]
    log: Text<'a>,
    #[serde(borrow, default)]
    stream: Text<'a>,
    #[serde(borrow, default, rename = "textPayload")]
    text_payload: Text<'a>,
    #[serde(borrow, default, rename = "MESSAGE")]
    journal: Text<'a>,
    #[serde(borrow, default)]
    message: Text<'a>,
    #[serde(borrow, default)]
    properties: Option<Properties<'a>>,
    #[serde(borrow, default)]
    record: Option<Record<'a>>,
}

#[derive(serde::Deserialize)]
struct Properties<'a> {
    #[serde(borrow, default)]
    message: Text<'a>,
}

impl<'a> Collected<'a> {
    /// The lines.
    fn lines(self) -> Option<Told<'a>> {
        // Docker cuts long lines into pieces; only the last one ends with the line.
        let ends = self.log.get().is_none_or(|text| text.ends_with(b"\n"));
        let goes_on = !ends && self.stream.get().is_some();
        let properties = self.properties.map(|properties| properties.message);
        let texts = [self.log, self.text_payload, self.journal, self.message];
        let mut texts = texts.into_iter().chain(properties);
        let text = texts.find_map(|text| text.0)?;
        Some(Told::Lines { text, goes_on })
    }
}

/// A row of csvlog as an object, as the operator of `CloudNativePG` writes it. Its numbers are strings, so it is no
/// [`Object`] with other names.
#[derive(serde::Deserialize)]
struct Record<'a> {
    #[serde(borrow, default)]
    log_time: Text<'a>,
    #[serde(borrow, default)]
    user_name: Text<'a>,
    #[serde(borrow, default)]
    database_name: Text<'a>,
    #[serde(borrow, default)]
    session_id: Text<'a>,
    #[serde(borrow, default)]
    virtual_transaction_id: Text<'a>,
    #[serde(borrow)]
    error_severity: Text<'a>,
    #[serde(borrow, default)]
    message: Text<'a>,
    #[serde(borrow, default)]
    detail: Text<'a>,
    #[serde(borrow, default)]
    application_name: Text<'a>,
}

impl<'a> From<Record<'a>> for Object<'a> {
    fn from(record: Record<'a>) -> Self {
        Self {
            timestamp: record.log_time,
            user: record.user_name,
            dbname: record.database_name,
            pid: None,
            session_id: record.session_id,
            vxid: record.virtual_transaction_id,
            error_severity: record.error_severity,
            message: record.message,
            detail: record.detail,
            application_name: record.application_name,
            query_id: None,
        }
    }
}

/// A string in whatever encoding; borrowed where nothing in it is escaped.
#[derive(Default)]
struct Text<'a>(Option<Cow<'a, [u8]>>);

impl Text<'_> {
    fn get(&self) -> Option<&[u8]> {
        self.0.as_deref()
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bytes;
        impl<'de> Visitor<'de> for Bytes {
            type Value = Text<'de>;

            fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
                to.write_str("a string")
            }

            fn visit_borrowed_bytes<E: Error>(self, text: &'de [u8]) -> Result<Self::Value, E> {
                Ok(Text(Some(Cow::Borrowed(text))))
            }

            fn visit_bytes<E: Error>(self, text: &[u8]) -> Result<Self::Value, E> {
                Ok(Text(Some(Cow::Owned(text.to_owned()))))
            }
        }
        deserializer.deserialize_bytes(Bytes)
    }
}

/// Reads such a log.
pub(super) fn read<R: Read, F: FnMut(&Logged<'_>)>(
    window: &mut Window<R>,
    prefixes: &mut Prefixes,
    sink: &mut Sink<'_, F>,
) {
    let mut messages = Messages::default();
    // The rest of a line that was too long.
    let mut passing = false;
    loop {
        match window.line() {
            Step::Line(line) => {
                let place = sink.next_line();
                let text = window.bytes()[line.from..line.to].trim_ascii();
                if !std::mem::take(&mut passing) && !text.is_empty() {
                    match Told::of(text) {
                        Some(Told::Entry(object)) => object.give(place, sink),
                        Some(Told::Lines { text, goes_on }) => {
                            let mut lines = lines_of(&text).peekable();
                            while let Some(text) = lines.next() {
                                let line = Chunk {
                                    text,
                                    goes_on: goes_on && lines.peek().is_none(),
                                    ..Chunk::default()
                                };
                                messages.chunk(&line, prefixes, sink);
                            }
                        }
                        None => sink.tally.skip(Reason::BrokenRecord, place),
                    }
                }
                window.release(line.to);
            }
            Step::Full => {
                if !std::mem::replace(&mut passing, true) {
                    let place = sink.place();
                    let line = place.line + 1;
                    sink.tally.skip(Reason::TooLong, Place { line, ..place });
                }
                window.release(window.bytes().len());
            }
            Step::End => break,
        }
    }
    messages.finish(prefixes, sink);
}

/// What an object holds.
enum Told<'a> {
    Entry(Box<Object<'a>>),
    /// Lines of a log of another format.
    Lines {
        text: Cow<'a, [u8]>,
        /// Whether the next object goes on with the last one.
        goes_on: bool,
    },
}

impl<'a> Told<'a> {
    fn of(text: &'a [u8]) -> Option<Self> {
        if let Ok(object) = serde_json::from_slice::<Object<'_>>(text) {
            return Some(Self::Entry(Box::new(object)));
        }
        let mut collected = serde_json::from_slice::<Collected<'_>>(text).ok()?;
        match collected.record.take() {
            Some(record) => Some(Self::Entry(Box::new(record.into()))),
            None => collected.lines(),
        }
    }
}

fn lines_of(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let lines = text.split(|byte| *byte == b'\n');
    lines.filter(|line| !line.is_empty())
}

/// Gives the entry that an object holds.
pub(super) fn entry<F: FnMut(&Logged<'_>)>(text: &[u8], place: Place, sink: &mut Sink<'_, F>) {
    match Told::of(text) {
        Some(Told::Entry(object)) => object.give(place, sink),
        Some(Told::Lines { .. }) | None => sink.tally.skip(Reason::BrokenRecord, place),
    }
}

impl Object<'_> {
    fn give<F: FnMut(&Logged<'_>)>(&self, place: Place, sink: &mut Sink<'_, F>) {
        let Some(severity) = self.error_severity.get().and_then(severity::named) else {
            return sink.tally.skip(Reason::UnknownWords, place);
        };
        let stamp = self.timestamp.get().and_then(time::stamp);
        let mut process = [0; 10];
        let session = match (self.session_id.get(), self.pid) {
            (Some(session), _) => session,
            (None, Some(pid)) => decimal(pid, &mut process),
            (None, None) => b"",
        };
        sink.entry(&Entry {
            session,
            at: stamp.map(|stamp| stamp.at),
            zone_unknown: stamp.is_some_and(|stamp| !stamp.zone_known),
            user: self.user.get(),
            database: self.dbname.get(),
            application: self.application_name.get(),
            transaction: self.vxid.get(),
            query_id: self.query_id.filter(|id| *id != 0),
            severity,
            message: self.message.get().unwrap_or_default(),
            detail: self.detail.get(),
            place,
        });
    }
}

/// The lines of another format that a line holds.
pub(super) fn lines(line: &[u8]) -> Option<Cow<'_, [u8]>> {
    match Told::of(line.trim_ascii())? {
        Told::Lines { text, .. } => Some(text),
        Told::Entry(_) => None,
    }
}

/// The time of a line.
pub(super) fn time(line: &[u8]) -> Option<i64> {
    match Told::of(line.trim_ascii())? {
        Told::Entry(object) => Some(time::stamp(object.timestamp.get()?)?.at),
        Told::Lines { .. } => None,
    }
}

/// A number in decimal digits.
fn decimal(mut number: u32, digits: &mut [u8; 10]) -> &[u8] {
    let mut from = digits.len();
    loop {
        from -= 1;
        digits[from] = b"0123456789"[usize::try_from(number % 10).unwrap_or(0)];
        number /= 10;
        if number == 0 {
            return &digits[from..];
        }
    }
}
