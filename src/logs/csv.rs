//! csvlog: a row an entry, whose texts may hold line feeds.

use std::io::Read;
use std::ops::Range;

use memchr::{memchr, memchr_iter, memchr2};

use super::sink::Sink;
use super::statements::Entry;
use super::window::{Step, Window};
use super::{Logged, Reason, severity, stderr, time};

/// Columns of PostgreSQL 13; 14 has three more.
const LEAST_COLUMNS: usize = 23;

/// Columns that are looked at.
const COLUMNS: usize = 26;

/// Columns that a row may have: what has more is no row, and a quote that is missing makes it of several.
const MOST_COLUMNS: usize = 32;

const TIME: usize = 0;
const USER: usize = 1;
const DATABASE: usize = 2;
const PROCESS: usize = 3;
const SESSION: usize = 5;
const TRANSACTION: usize = 9;
const SEVERITY: usize = 11;
const MESSAGE: usize = 13;
const DETAIL: usize = 14;
const APPLICATION: usize = 22;
const QUERY_ID: usize = 25;

/// Where a value stands in a row, and whether quotes in it are doubled.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Cell {
    range: Range<usize>,
    doubled: bool,
}

#[derive(Debug, Default)]
struct Row {
    cells: [Cell; COLUMNS],
    columns: usize,
    length: usize,
}

#[derive(Debug, PartialEq, Eq)]
enum Scan {
    Complete,
    /// The row does not end in what was read yet.
    Open,
    Broken,
}

impl Row {
    /// Finds the values of the row at the beginning of `bytes`.
    fn scan(&mut self, bytes: &[u8]) -> Scan {
        self.columns = 0;
        let mut at = 0;
        loop {
            let value = if bytes.get(at) == Some(&b'"') {
                quoted(bytes, at + 1)
            } else {
                plain(bytes, at)
            };
            let Some((cell, end)) = value else {
                return Scan::Open;
            };
            // Later versions may have more.
            if let Some(place) = self.cells.get_mut(self.columns) {
                *place = cell;
            }
            self.columns += 1;
            if self.columns > MOST_COLUMNS {
                return Scan::Broken;
            }
            at = end;
            if bytes.get(at) == Some(&b'\r') && bytes.get(at + 1) == Some(&b'\n') {
                at += 1;
            }
            match bytes.get(at) {
                Some(b',') => at += 1,
                Some(b'\n') => {
                    self.length = at + 1;
                    return self.shape(bytes);
                }
                Some(_) => return Scan::Broken,
                None => return Scan::Open,
            }
        }
    }

    /// Whether this is a row of csvlog.
    fn shape(&self, bytes: &[u8]) -> Scan {
        let begins = self
            .cells
            .first()
            .and_then(|cell| bytes.get(cell.range.clone()));
        let timed = begins.is_some_and(|time| time::stamp(time).is_some());
        if timed && self.columns >= LEAST_COLUMNS {
            Scan::Complete
        } else {
            Scan::Broken
        }
    }

    fn raw<'a>(&self, column: usize, bytes: &'a [u8]) -> Option<&'a [u8]> {
        let cell = self.cells.get(column).filter(|_| column < self.columns)?;
        bytes
            .get(cell.range.clone())
            .filter(|text| !text.is_empty())
    }

    /// A text with its quotes as they were.
    fn text<'a>(
        &self,
        column: usize,
        bytes: &'a [u8],
        scratch: &'a mut Vec<u8>,
    ) -> Option<&'a [u8]> {
        let text = self.raw(column, bytes)?;
        if !self.cells[column].doubled {
            return Some(text);
        }
        scratch.clear();
        let mut rest = text;
        while let Some(quote) = memchr(b'"', rest) {
            scratch.extend_from_slice(&rest[..=quote]);
            rest = rest.get(quote + 2..).unwrap_or_default();
        }
        scratch.extend_from_slice(rest);
        Some(scratch)
    }
}

/// The value without quotes that begins at `from`, and what follows it.
fn plain(bytes: &[u8], from: usize) -> Option<(Cell, usize)> {
    let end = from + memchr2(b',', b'\n', bytes.get(from..)?)?;
    let range = from..end;
    Some((
        Cell {
            range,
            doubled: false,
        },
        end,
    ))
}

/// The value whose opening quote stands before `from`, and what follows its closing quote.
fn quoted(bytes: &[u8], from: usize) -> Option<(Cell, usize)> {
    let mut at = from;
    let mut doubled = false;
    loop {
        let quote = at + memchr(b'"', bytes.get(at..)?)?;
        // What follows decides: a quote inside is written twice.
        match bytes.get(quote + 1) {
            Some(b'"') => {
                doubled = true;
                at = quote + 2;
            }
            Some(_) => {
                let range = from..quote;
                return Some((Cell { range, doubled }, quote + 1));
            }
            None => return None,
        }
    }
}

#[derive(Debug, Default)]
struct Scratch {
    user: Vec<u8>,
    database: Vec<u8>,
    message: Vec<u8>,
    detail: Vec<u8>,
    application: Vec<u8>,
}

/// Reads such a log.
pub(super) fn read<R: Read, F: FnMut(&Logged<'_>)>(window: &mut Window<R>, sink: &mut Sink<'_, F>) {
    let mut row = Row::default();
    let mut scratch = Scratch::default();
    loop {
        match row.scan(window.bytes()) {
            Scan::Complete => {
                let bytes = &window.bytes()[..row.length];
                let lines = memchr_iter(b'\n', bytes).count();
                sink.line += 1;
                entry(bytes, &row, &mut scratch, sink);
                sink.line -= 1;
                sink.lines(u64::try_from(lines).unwrap_or(u64::MAX));
                window.release(row.length);
            }
            Scan::Open => {
                if more(window) {
                    continue;
                }
                if window.bytes().is_empty() {
                    return;
                }
                let reason = if window.finished() {
                    Reason::BrokenRecord
                } else {
                    Reason::TooLong
                };
                broken(reason, window, sink);
            }
            Scan::Broken => broken(Reason::BrokenRecord, window, sink),
        }
    }
}

/// Reads on until there is twice as much, so that a row that is long is not looked at again for every piece of it.
fn more<R: Read>(window: &mut Window<R>) -> bool {
    let before = window.bytes().len();
    let wanted = (before * 2).max(1);
    while window.bytes().len() < wanted && window.more() {}
    window.bytes().len() > before
}

/// Passes over a row that is no row, up to the next line that begins as one does.
fn broken<R: Read, F: FnMut(&Logged<'_>)>(
    reason: Reason,
    window: &mut Window<R>,
    sink: &mut Sink<'_, F>,
) {
    let mut passed = false;
    window.seek(0);
    loop {
        match window.line() {
            Step::Line(line) => {
                let text = &window.bytes()[line.from..line.to];
                if passed && begins_row(text) {
                    // It is read again, as a row.
                    window.release(line.from);
                    window.seek(0);
                    return;
                }
                let place = sink.next_line();
                if !std::mem::replace(&mut passed, true) && !text.trim_ascii().is_empty() {
                    sink.tally.skip(reason, place);
                }
                window.release(window.pending());
            }
            Step::Full => {
                passed = true;
                window.release(window.bytes().len());
            }
            Step::End => return,
        }
    }
}

/// Whether a line begins as rows do: with a time and its zone, and a comma.
pub(super) fn begins_row(line: &[u8]) -> bool {
    time::stamp(line).is_some_and(|stamp| line.get(stamp.length) == Some(&b','))
}

fn entry<F: FnMut(&Logged<'_>)>(
    bytes: &[u8],
    row: &Row,
    scratch: &mut Scratch,
    sink: &mut Sink<'_, F>,
) {
    let place = sink.place();
    let Some(severity) = row.raw(SEVERITY, bytes).and_then(severity::named) else {
        return sink.tally.skip(Reason::UnknownWords, place);
    };
    let stamp = row.raw(TIME, bytes).and_then(time::stamp);
    let session = row.raw(SESSION, bytes).or_else(|| row.raw(PROCESS, bytes));
    sink.entry(&Entry {
        session: session.unwrap_or_default(),
        at: stamp.map(|stamp| stamp.at),
        zone_unknown: stamp.is_some_and(|stamp| !stamp.zone_known),
        user: row.text(USER, bytes, &mut scratch.user),
        database: row.text(DATABASE, bytes, &mut scratch.database),
        application: row.text(APPLICATION, bytes, &mut scratch.application),
        transaction: row.raw(TRANSACTION, bytes),
        query_id: row.raw(QUERY_ID, bytes).and_then(stderr::number),
        severity,
        message: row
            .text(MESSAGE, bytes, &mut scratch.message)
            .unwrap_or_default(),
        detail: row.text(DETAIL, bytes, &mut scratch.detail),
        place,
    });
}
