//! Logs that went through syslog: each line of an entry is a message of its own, behind a head such as
//! `Jan 31 23:59:59 db1 postgres[71]: [5-2] `, where 5 is the entry and 2 its line.

use std::collections::BTreeMap;
use std::io::Read;

use memchr::{memchr, memmem};

use super::sink::Sink;
use super::stderr::{Prefixes, Records};
use super::window::{LIMIT, Line, Step, Window};
use super::{Logged, Place, Reason, time};

/// Processes whose entries may be incomplete at the same time.
const MOST_PROCESSES: usize = 4096;

/// Bytes in which the head of a line stands.
const LONGEST_HEAD: usize = 256;

/// What syslog daemons write for a tab.
const TAB: &[u8] = b"#011";

/// A line, taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Chunk<'a> {
    process: &'a [u8],
    /// The line of the entry, where the server numbers them (`syslog_sequence_numbers`).
    number: Option<u32>,
    at: Option<i64>,
    pub(super) text: &'a [u8],
}

/// Takes a line apart, if it is one of syslog.
pub(super) fn chunk(line: &[u8]) -> Option<Chunk<'_>> {
    let at = time::stamp(line).filter(|_| line.get(10) == Some(&b'T'));
    if at.is_none() && !begins_with_month(line) {
        return None;
    }
    let head = &line[..line.len().min(LONGEST_HEAD)];
    let end = memmem::find(head, b"]: ")?;
    let before = &line[..end];
    let process = before.len()
        - before
            .iter()
            .rev()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
    let [.., program, b'['] = &before[..process] else {
        return None;
    };
    if process == before.len() || !program.is_ascii_alphanumeric() {
        return None;
    }
    let text = &line[end + 3..];
    let (number, text) = numbered(text).map_or((None, text), |(number, text)| (Some(number), text));
    Some(Chunk {
        process: &before[process..],
        number,
        at: at.map(|stamp| stamp.at),
        text,
    })
}

/// The number of the line in `[5-2] `, and what follows.
fn numbered(text: &[u8]) -> Option<(u32, &[u8])> {
    let text = text.strip_prefix(b"[")?;
    let text = text[time::digits(text)..].strip_prefix(b"-")?;
    let length = time::digits(text);
    let number = std::str::from_utf8(&text[..length]).ok()?.parse().ok()?;
    Some((number, text[length..].strip_prefix(b"] ")?))
}

/// `Jan  1 10:00:00 `
fn begins_with_month(line: &[u8]) -> bool {
    const MONTHS: &[u8] = b"JanFebMarAprMayJunJulAugSepOctNovDec";
    let Some((month, rest)) = line.split_at_checked(3) else {
        return false;
    };
    MONTHS.chunks(3).any(|known| known == month) && rest.first() == Some(&b' ')
}

/// An entry that may go on.
#[derive(Debug, Default)]
struct Message {
    text: Vec<u8>,
    at: Option<i64>,
    place: Place,
}

/// Entries by their processes.
#[derive(Debug, Default)]
struct Messages {
    open: BTreeMap<Vec<u8>, Message>,
}

impl Messages {
    fn chunk<F: FnMut(&Logged<'_>)>(
        &mut self,
        chunk: &Chunk<'_>,
        prefixes: &mut Prefixes,
        sink: &mut Sink<'_, F>,
    ) {
        let text = chunk.text;
        let tabs = leading_tabs(text);
        let begins = chunk.number.map_or(tabs.0 == 0, |number| number == 1);
        if !begins && let Some(message) = self.open.get_mut(chunk.process) {
            if tabs.0 > 0 {
                message.text.push(b'\n');
                message.text.resize(message.text.len() + tabs.0, b'\t');
            } else if prefixes
                .head(text)
                .is_some_and(|head| head.severity.continues())
            {
                message.text.push(b'\n');
            }
            message.text.extend_from_slice(&text[tabs.1..]);
            if message.text.len() > LIMIT {
                sink.tally.skip(Reason::TooLong, message.place);
                self.open.remove(chunk.process);
            }
            return;
        }
        if !begins {
            return sink.tally.skip(Reason::UnknownLine, sink.place());
        }
        // Without numbers, only the words tell that a line is a detail.
        if chunk.number.is_none()
            && let Some(message) = self.open.get_mut(chunk.process)
            && prefixes
                .head(text)
                .is_some_and(|head| head.severity.continues())
        {
            message.text.push(b'\n');
            message.text.extend_from_slice(text);
            return;
        }
        self.end(chunk.process, prefixes, sink);
        if self.open.len() >= MOST_PROCESSES
            && let Some((process, message)) = self.open.pop_first()
        {
            message.give(&process, prefixes, sink);
        }
        let message = Message {
            text: text.to_vec(),
            at: chunk.at,
            place: sink.place(),
        };
        self.open.insert(chunk.process.to_vec(), message);
    }

    fn end<F: FnMut(&Logged<'_>)>(
        &mut self,
        process: &[u8],
        prefixes: &mut Prefixes,
        sink: &mut Sink<'_, F>,
    ) {
        if let Some(message) = self.open.remove(process) {
            message.give(process, prefixes, sink);
        }
    }
}

impl Message {
    /// Reads the entry as one of stderr's format.
    fn give<F: FnMut(&Logged<'_>)>(
        &self,
        process: &[u8],
        prefixes: &mut Prefixes,
        sink: &mut Sink<'_, F>,
    ) {
        let mut records = Records::of_process(process, self.at);
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

/// Tabs at the beginning of a text, as they are or as syslog daemons write them, and the bytes that they take.
fn leading_tabs(text: &[u8]) -> (usize, usize) {
    let (mut tabs, mut rest) = (0, text);
    while let Some(after) = rest.strip_prefix(TAB).or_else(|| rest.strip_prefix(b"\t")) {
        tabs += 1;
        rest = after;
    }
    (tabs, text.len() - rest.len())
}

/// Reads such a log.
pub(super) fn read<R: Read, F: FnMut(&Logged<'_>)>(
    window: &mut Window<R>,
    prefixes: &mut Prefixes,
    sink: &mut Sink<'_, F>,
) {
    let mut messages = Messages::default();
    loop {
        match window.line() {
            Step::Line(line) => {
                let place = sink.next_line();
                let text = &window.bytes()[line.from..line.to];
                match chunk(text) {
                    Some(chunk) => messages.chunk(&chunk, prefixes, sink),
                    None if text.is_empty() => {}
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
    let mut left: Vec<(Vec<u8>, Message)> = messages.open.into_iter().collect();
    left.sort_by_key(|(_, message)| message.place);
    for (process, message) in left {
        message.give(&process, prefixes, sink);
    }
}
