//! Logs of lines, as servers write them to standard error: each entry begins with `log_line_prefix` and a severity, and
//! its further lines with a tab.

use std::io::Read;

use super::prefix::{COMMON, Head, LinePrefix, infer};
use super::severity::{Severity, find_severity};
use super::sink::Sink;
use super::statements::Entry;
use super::window::{Line, Step, Window};
use super::{Logged, Place, Reason};

/// Prefixes that are known at the same time.
const MOST_PREFIXES: usize = 16;

/// Lines at the beginning of a file, of which its prefix is found out, and prefixes that are tried.
const SAMPLE: usize = 100;
const MOST_CANDIDATES: usize = 32;

/// Lines that do not match, of which a prefix is sought.
const MOST_INFERRED: u32 = 1000;

/// The prefixes that were met, that of the file first.
#[derive(Debug, Default)]
pub(super) struct Prefixes {
    known: Vec<LinePrefix>,
    inferred: u32,
}

impl Prefixes {
    pub(super) fn new(given: Option<LinePrefix>) -> Self {
        Self {
            known: given.into_iter().collect(),
            inferred: 0,
        }
    }

    /// Whether a prefix is known that the lines of a file have, by its beginning.
    pub(super) fn fit(&self, beginning: &[u8]) -> bool {
        self.known_for(&sample(beginning))
    }

    fn known_for(&self, lines: &[&[u8]]) -> bool {
        let fitting = |prefix: &LinePrefix| {
            let fitting = lines.iter().filter(|line| prefix.head(line).is_some());
            fitting.count()
        };
        let mut known = self.known.iter();
        known.any(|known| fitting(known) * 2 > lines.len())
    }

    /// Finds out the prefix of a file from its beginning, unless one is known that its lines have.
    pub(super) fn learn(&mut self, beginning: &[u8]) {
        let lines = sample(beginning);
        if self.known_for(&lines) {
            return;
        }
        let mut candidates: Vec<LinePrefix> = COMMON
            .iter()
            .map(|setting| LinePrefix::common(setting))
            .collect();
        for line in &lines {
            if candidates.len() < MOST_CANDIDATES
                && let Some(inferred) = infer(line)
                && !candidates.contains(&inferred)
            {
                candidates.push(inferred);
            }
        }
        let known = |line: &&[u8], prefix: &LinePrefix| {
            prefix.head(line).map_or(0, |head| 1 + head.known())
        };
        let score =
            |prefix: &LinePrefix| lines.iter().map(|line| known(line, prefix)).sum::<usize>();
        // Of equals the first one, which is common, not inferred.
        let best = candidates.into_iter().rev().max_by_key(score);
        if let Some(best) = best.filter(|best| score(best) > 0) {
            self.known.insert(0, best);
            self.known.truncate(MOST_PREFIXES);
        }
    }

    /// Takes a line apart by a prefix that is known, or else by the one that it seems to have.
    pub(super) fn head(&mut self, line: &[u8]) -> Option<Head> {
        if let Some(head) = self.known.first().and_then(|prefix| prefix.head(line)) {
            return Some(head);
        }
        let mut others = self.known.iter().skip(1);
        if let Some(head) = others.find_map(|prefix| prefix.head(line)) {
            return Some(head);
        }
        if self.inferred >= MOST_INFERRED || find_severity(line).is_none() {
            return None;
        }
        self.inferred += 1;
        let mut common = COMMON.iter().map(|setting| LinePrefix::common(setting));
        let fits = |prefix: LinePrefix| prefix.head(line).map(|head| (prefix, head));
        let inferred = || infer(line).and_then(fits);
        let (prefix, head) = common.find_map(fits).or_else(inferred)?;
        self.known.truncate(MOST_PREFIXES - 1);
        self.known.push(prefix);
        Some(head)
    }
}

/// The first lines of a beginning that tell a prefix.
fn sample(beginning: &[u8]) -> Vec<&[u8]> {
    let lines = beginning.split(|byte| *byte == b'\n');
    let lines = lines.filter(|line| find_severity(line).is_some());
    lines.take(SAMPLE).collect()
}

/// The parts of an entry to which a further line may belong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Message,
    Detail,
    Further,
}

/// Where a text of one or more lines stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Extent {
    from: usize,
    to: usize,
    several_lines: bool,
}

/// An entry that may go on. It begins where its bytes do.
#[derive(Debug)]
struct Record {
    head: Head,
    place: Place,
    message: Extent,
    detail: Option<Extent>,
    open: Part,
}

/// Entries, put together from lines.
#[derive(Debug, Default)]
pub(super) struct Records {
    current: Option<Record>,
    message: Vec<u8>,
    detail: Vec<u8>,
    session: Vec<u8>,
    /// The process and the time that stand before the prefix.
    process: Vec<u8>,
    at: Option<i64>,
}

impl Records {
    /// Entries of a process, that was known with the time before the prefix was read.
    pub(super) fn of_process(process: &[u8], at: Option<i64>) -> Self {
        Self {
            process: process.to_vec(),
            at,
            ..Self::default()
        }
    }

    /// Takes a line of `bytes`, which begin where the entry before it does, and tells how many of them are done with.
    pub(super) fn line<F: FnMut(&Logged<'_>)>(
        &mut self,
        bytes: &[u8],
        line: Line,
        place: Place,
        prefixes: &mut Prefixes,
        sink: &mut Sink<'_, F>,
    ) -> usize {
        let text = without_return(&bytes[line.from..line.to]);
        if text.first() == Some(&b'\t') {
            self.further_line(line.from + text.len(), place, sink);
            return 0;
        }
        let Some(head) = prefixes.head(text) else {
            self.end(bytes, sink);
            if !text.is_empty() {
                sink.tally.skip(Reason::UnknownLine, place);
            }
            return line.to;
        };
        let extent = Extent {
            from: line.from + head.message,
            to: line.from + text.len(),
            several_lines: false,
        };
        if head.severity.continues() {
            if let Some(current) = &mut self.current
                && current.same_session(bytes, &head, text)
            {
                current.open = Part::Further;
                if head.severity == Severity::Detail {
                    current.detail = Some(extent);
                    current.open = Part::Detail;
                }
                return 0;
            }
            // The rest of an entry that another one came between.
            if head.severity == Severity::Further {
                self.end(bytes, sink);
                return line.to;
            }
        }
        self.end(bytes, sink);
        self.current = Some(Record {
            head,
            place,
            message: Extent {
                from: head.message,
                to: text.len(),
                several_lines: false,
            },
            detail: None,
            open: Part::Message,
        });
        line.from
    }

    fn further_line<F: FnMut(&Logged<'_>)>(
        &mut self,
        to: usize,
        place: Place,
        sink: &mut Sink<'_, F>,
    ) {
        let Some(current) = &mut self.current else {
            return sink.tally.skip(Reason::UnknownLine, place);
        };
        let extent = match current.open {
            Part::Message => Some(&mut current.message),
            Part::Detail => current.detail.as_mut(),
            Part::Further => None,
        };
        if let Some(extent) = extent {
            extent.to = to;
            extent.several_lines = true;
        }
    }

    /// Gives the entry that is complete now.
    pub(super) fn end<F: FnMut(&Logged<'_>)>(&mut self, bytes: &[u8], sink: &mut Sink<'_, F>) {
        let Some(record) = self.current.take() else {
            return;
        };
        let head = &record.head;
        let message = without_code(joined(bytes, record.message, &mut self.message));
        let detail = record
            .detail
            .map(|detail| joined(bytes, detail, &mut self.detail));
        let query_id = head.query_id.of(bytes).and_then(number);
        let session = session(bytes, head, &mut self.session);
        sink.entry(&Entry {
            session: if session.is_empty() {
                &self.process
            } else {
                session
            },
            at: head.at.or(self.at),
            zone_unknown: head.zone_unknown,
            user: head.user.of(bytes),
            database: head.database.of(bytes),
            application: head.application.of(bytes),
            transaction: head.transaction.of(bytes),
            query_id,
            severity: head.severity,
            message,
            detail,
            place: record.place,
        });
    }

    /// Gives up the entry that is too long.
    fn give_up(&mut self) -> Option<Place> {
        self.current.take().map(|record| record.place)
    }
}

impl Record {
    /// Whether a line that continues an entry has the same session as this one.
    fn same_session(&self, bytes: &[u8], head: &Head, line: &[u8]) -> bool {
        let own = &self.head;
        own.session.of(bytes) == head.session.of(line)
            && own.process.of(bytes) == head.process.of(line)
    }
}

/// What is passed over of an entry that is too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Passing {
    Nothing,
    /// The rest of a line, and then the further lines.
    Line,
    /// The further lines.
    Entry,
}

/// Reads such a log.
pub(super) fn read<R: Read, F: FnMut(&Logged<'_>)>(
    window: &mut Window<R>,
    prefixes: &mut Prefixes,
    sink: &mut Sink<'_, F>,
) {
    let mut records = Records::default();
    let mut passing = Passing::Nothing;
    loop {
        match window.line() {
            Step::Line(line) => {
                let place = sink.next_line();
                let bytes = window.bytes();
                let further = bytes.get(line.from) == Some(&b'\t');
                let done = match passing {
                    Passing::Line => line.to,
                    Passing::Entry if further => line.to,
                    Passing::Entry | Passing::Nothing => {
                        records.line(bytes, line, place, prefixes, sink)
                    }
                };
                passing = match passing {
                    Passing::Line => Passing::Entry,
                    Passing::Entry if further => Passing::Entry,
                    Passing::Entry | Passing::Nothing => Passing::Nothing,
                };
                window.release(done);
            }
            Step::Full => passing = make_room(window, &mut records, passing, sink),
            Step::End => {
                records.end(window.bytes(), sink);
                return;
            }
        }
    }
}

/// Gives up what does not fit into the window.
fn make_room<R: Read, F: FnMut(&Logged<'_>)>(
    window: &mut Window<R>,
    records: &mut Records,
    passing: Passing,
    sink: &mut Sink<'_, F>,
) -> Passing {
    let begun = window.pending();
    let further = window.bytes().get(begun) == Some(&b'\t');
    // The entry before the line is complete, or it is what is too long.
    if begun > 0 {
        if further && let Some(place) = records.give_up() {
            sink.tally.skip(Reason::TooLong, place);
            window.release(begun);
            return Passing::Entry;
        }
        records.end(window.bytes(), sink);
        window.release(begun);
        return passing;
    }
    if passing == Passing::Nothing || (passing == Passing::Entry && !further) {
        let place = sink.place();
        let line = place.line + 1;
        sink.tally.skip(Reason::TooLong, Place { line, ..place });
    }
    window.release(window.bytes().len());
    Passing::Line
}

/// What all lines of a session have in common.
fn session<'a>(line: &'a [u8], head: &Head, scratch: &'a mut Vec<u8>) -> &'a [u8] {
    if let Some(session) = head.session.of(line) {
        return session;
    }
    let process = head.process.of(line).unwrap_or_default();
    let Some(started) = head.started.of(line) else {
        return process;
    };
    scratch.clear();
    scratch.extend_from_slice(process);
    scratch.push(b'@');
    scratch.extend_from_slice(started);
    scratch
}

/// A text of several lines, without the tabs that they begin with.
fn joined<'a>(bytes: &'a [u8], extent: Extent, scratch: &'a mut Vec<u8>) -> &'a [u8] {
    let text = &bytes[extent.from..extent.to];
    if !extent.several_lines {
        return text;
    }
    scratch.clear();
    let mut rest = text;
    while let Some(end) = memchr::memchr(b'\n', rest) {
        scratch.extend_from_slice(without_return(&rest[..end]));
        scratch.push(b'\n');
        rest = &rest[end + 1..];
        rest = rest.strip_prefix(b"\t").unwrap_or(rest);
    }
    scratch.extend_from_slice(rest);
    scratch
}

/// A message without its SQLSTATE, which stands before it where `log_error_verbosity` is `verbose`.
fn without_code(message: &[u8]) -> &[u8] {
    match message.split_at_checked(7) {
        Some((code, rest)) if code.ends_with(b": ") => {
            let is_code = |byte: &u8| byte.is_ascii_digit() || byte.is_ascii_uppercase();
            if code[..5].iter().all(is_code) {
                rest
            } else {
                message
            }
        }
        _ => message,
    }
}

/// A line without the carriage return that it ends with on Windows.
fn without_return(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// A query identifier, if it is one: without it, the server writes 0.
pub(super) fn number(text: &[u8]) -> Option<i64> {
    let number = std::str::from_utf8(text).ok()?.parse().ok()?;
    (number != 0).then_some(number)
}
