//! Logs whose lines went through a collector: entries are put together from them by what wrote them.

use std::collections::BTreeMap;
use std::io::Read;

use memchr::memchr;

use super::collector::{Chunk, chunk};
use super::sink::Sink;
use super::stderr::{Prefixes, Records};
use super::window::{LIMIT, Line, Step, Window};
use super::{Logged, Place, Reason, json};

/// Writers whose entries may be incomplete at the same time.
const MOST_SOURCES: usize = 4096;

/// What syslog daemons write for a tab.
const TAB: &[u8] = b"#011";

/// An entry that may go on.
#[derive(Debug, Default)]
struct Message {
    text: Vec<u8>,
    process: Vec<u8>,
    at: Option<i64>,
    place: Place,
    /// Whether the next piece belongs to its last line.
    goes_on: bool,
}

/// Entries by what writes them.
#[derive(Debug, Default)]
pub(super) struct Messages {
    open: BTreeMap<Vec<u8>, Message>,
}

impl Messages {
    /// Takes in the next line.
    pub(super) fn chunk<F: FnMut(&Logged<'_>)>(
        &mut self,
        chunk: &Chunk<'_>,
        prefixes: &mut Prefixes,
        sink: &mut Sink<'_, F>,
    ) {
        if self.adds(chunk, prefixes) {
            let message = self.open.get(chunk.source);
            let long = message.filter(|message| message.text.len() > LIMIT);
            if let Some(place) = long.map(|message| message.place) {
                sink.tally.skip(Reason::TooLong, place);
                self.open.remove(chunk.source);
            }
            return;
        }
        if !begins(chunk) {
            return sink.tally.skip(Reason::UnknownLine, sink.place());
        }
        if let Some(message) = self.open.remove(chunk.source) {
            message.give(prefixes, sink);
        }
        if self.open.len() >= MOST_SOURCES
            && let Some((_, message)) = self.open.pop_first()
        {
            message.give(prefixes, sink);
        }
        let message = Message {
            text: chunk.text.to_vec(),
            process: chunk.process.unwrap_or_default().to_vec(),
            at: chunk.at,
            place: sink.place(),
            goes_on: chunk.goes_on,
        };
        self.open.insert(chunk.source.to_vec(), message);
    }

    /// Adds a line to the entry that it belongs to, if there is one.
    fn adds(&mut self, chunk: &Chunk<'_>, prefixes: &mut Prefixes) -> bool {
        let Some(message) = self.open.get_mut(chunk.source) else {
            return false;
        };
        let cut = std::mem::replace(&mut message.goes_on, chunk.goes_on);
        let (tabs, rest) = untabbed(chunk.text);
        if cut {
            message.text.extend_from_slice(chunk.text);
            return true;
        }
        if chunk.number == Some(1) {
            return false;
        }
        // Without numbers, only the words tell that a line is a detail.
        let mut further = || {
            prefixes
                .head(rest)
                .is_some_and(|head| head.severity.continues())
        };
        if tabs > 0 {
            message.text.push(b'\n');
            message.text.resize(message.text.len() + tabs, b'\t');
        } else if chunk.text.first() != Some(&b'{') && further() {
            message.text.push(b'\n');
        } else if begins(chunk) {
            return false;
        }
        message.text.extend_from_slice(rest);
        true
    }

    /// Gives the entries that are left.
    pub(super) fn finish<F: FnMut(&Logged<'_>)>(
        self,
        prefixes: &mut Prefixes,
        sink: &mut Sink<'_, F>,
    ) {
        let mut left: Vec<Message> = self.open.into_values().collect();
        left.sort_by_key(|message| message.place);
        for message in left {
            message.give(prefixes, sink);
        }
    }
}

/// Whether a line may begin an entry.
fn begins(chunk: &Chunk<'_>) -> bool {
    chunk
        .number
        .map_or_else(|| untabbed(chunk.text).0 == 0, |number| number == 1)
}

impl Message {
    /// Reads the entry as one of stderr's format, or of jsonlog.
    fn give<F: FnMut(&Logged<'_>)>(&self, prefixes: &mut Prefixes, sink: &mut Sink<'_, F>) {
        if self.text.first() == Some(&b'{') {
            return json::entry(&self.text, self.place, sink);
        }
        let mut records = Records::of_process(&self.process, self.at);
        let mut bytes = self.text.as_slice();
        let mut next = 0;
        while next < bytes.len() {
            let rest = &bytes[next..];
            let to = next + memchr(b'\n', rest).unwrap_or(rest.len());
            let done = records.line(bytes, Line { from: next, to }, self.place, prefixes, sink);
            bytes = &bytes[done..];
            next = to + 1 - done.min(to + 1);
        }
        records.end(bytes, sink);
    }
}

/// How many tabs a text begins with, as they are or as syslog daemons write them, and what follows them.
fn untabbed(text: &[u8]) -> (usize, &[u8]) {
    let spaced = text.strip_prefix(b" ").filter(|rest| rest.starts_with(TAB));
    let (mut tabs, mut rest) = (0, spaced.unwrap_or(text));
    while let Some(after) = rest.strip_prefix(TAB).or_else(|| rest.strip_prefix(b"\t")) {
        tabs += 1;
        rest = after;
    }
    (tabs, rest)
}

/// Reads such a log.
pub(super) fn read<R: Read, F: FnMut(&Logged<'_>)>(
    window: &mut Window<R>,
    prefixes: &mut Prefixes,
    sink: &mut Sink<'_, F>,
) {
    let mut messages = Messages::default();
    // What wrote the last line: some services put nothing before further lines.
    let mut source = Vec::new();
    loop {
        match window.line() {
            Step::Line(line) => {
                let place = sink.next_line();
                let text = &window.bytes()[line.from..line.to];
                let text = text.strip_suffix(b"\r").unwrap_or(text);
                let further = || Chunk {
                    source: &source,
                    text,
                    ..Chunk::default()
                };
                match chunk(text) {
                    Some(chunk) => {
                        messages.chunk(&chunk, prefixes, sink);
                        if source != chunk.source {
                            source = chunk.source.to_vec();
                        }
                    }
                    None if text.is_empty() => {}
                    None if text.first() == Some(&b'\t') => {
                        messages.chunk(&further(), prefixes, sink);
                    }
                    None => sink.tally.skip(Reason::UnknownLine, place),
                }
                window.release(line.to);
            }
            Step::Full => {
                let place = sink.place();
                let line = place.line + 1;
                sink.tally.skip(Reason::TooLong, Place { line, ..place });
                window.release(window.bytes().len());
            }
            Step::End => break,
        }
    }
    messages.finish(prefixes, sink);
}
