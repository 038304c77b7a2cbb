//! The reader of log files, one after the other.

use std::borrow::Cow;
use std::io::{self, ErrorKind, Read};

use super::encoding::{Decoded, decoded};
use super::prefix::LinePrefix;
use super::sink::Sink;
use super::statements::Statements;
use super::stderr::Prefixes;
use super::window::Window;
use super::{Logged, Reason, Tally, collector, csv, json, messages, stderr, time};

/// Bytes at the beginning of a file that tell its format.
const BEGINNING: usize = 64 * 1024;

/// The formats of logs (`log_destination`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Format {
    Stderr,
    /// Lines behind what a collector put before them, such as syslog.
    Collected,
    Csv,
    Json,
}

impl Format {
    /// The format of most lines.
    fn of(beginning: &[u8]) -> Self {
        let (mut csv, mut json, mut collected, mut other) = (0, 0, 0, 0);
        for line in beginning.split(|byte| *byte == b'\n') {
            match line.first() {
                Some(b'{') => json += 1,
                Some(b'0'..=b'9') if csv::begins_row(line) => csv += 1,
                Some(_) if collector::chunk(line).is_some() => collected += 1,
                // Further lines of an entry tell nothing.
                Some(b'0'..=b'9' | b'A'..=b'Z') => other += 1,
                _ => {}
            }
        }
        match (csv, json) {
            _ if json > csv.max(other).max(collected) => Self::Json,
            _ if collected > csv.max(other) => Self::Collected,
            _ if csv > 0 && csv * 4 >= other => Self::Csv,
            _ => Self::Stderr,
        }
    }

    /// The lines of a beginning as a server writes them to standard error.
    fn lines(self, beginning: &[u8]) -> Cow<'_, [u8]> {
        let lines = beginning.split(|byte| *byte == b'\n');
        match self {
            Self::Stderr | Self::Csv => Cow::Borrowed(beginning),
            Self::Collected => {
                let texts = lines.filter_map(|line| Some(collector::chunk(line)?.text));
                Cow::Owned(texts.collect::<Vec<_>>().join(&b'\n'))
            }
            Self::Json => {
                let texts = lines.filter_map(json::lines);
                Cow::Owned(texts.collect::<Vec<_>>().join(&b'\n'))
            }
        }
    }
}

/// Reads the files of a log in the order in which they were written.
///
/// Statements may begin in one file and end in the next, so a reader takes all files, and [`Reader::finish`] gives what
/// is left.
#[derive(Debug, Default)]
pub struct Reader {
    prefixes: Prefixes,
    statements: Statements,
    tally: Tally,
    files: u32,
    buffer: Vec<u8>,
}

impl Reader {
    /// A reader for lines that have this prefix. Without one, and for lines that have another, it is found out.
    pub fn new(prefix: Option<LinePrefix>) -> Self {
        Self {
            prefixes: Prefixes::new(prefix),
            ..Self::default()
        }
    }

    /// Reads the next file and gives its statements to `each`, as soon as all that belongs to them was read.
    ///
    /// # Errors
    /// Where nothing can be read at all. A file that breaks off later is counted in the tally.
    pub fn read<R: Read>(&mut self, source: R, each: impl FnMut(&Logged<'_>)) -> io::Result<()> {
        let source = Decoded::new(source);
        let mut window = Window::new(source, std::mem::take(&mut self.buffer));
        while window.bytes().len() < BEGINNING && window.more() {}
        let format = self.format(window.bytes());
        let mut sink = Sink {
            statements: &mut self.statements,
            tally: &mut self.tally,
            each,
            file: self.files,
            line: 0,
        };
        match format {
            Format::Stderr => stderr::read(&mut window, &mut self.prefixes, &mut sink),
            Format::Collected => messages::read(&mut window, &mut self.prefixes, &mut sink),
            Format::Csv => csv::read(&mut window, &mut sink),
            Format::Json => json::read(&mut window, &mut self.prefixes, &mut sink),
        }
        let place = sink.place();
        self.files = self.files.saturating_add(1);
        let read = window.source().read();
        self.tally.bytes += read;
        let nothing = read == 0;
        let (failure, buffer) = window.into_parts();
        self.buffer = buffer;
        match failure {
            Some(error) if nothing && error.kind() != ErrorKind::UnexpectedEof => Err(error),
            Some(_) => {
                self.tally.skip(Reason::Unreadable, place);
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Gives the statements that still wait for something, and tells what was met.
    pub fn finish(mut self, mut each: impl FnMut(&Logged<'_>)) -> Tally {
        self.statements.finish(&mut self.tally, &mut each);
        self.tally
    }

    /// The format of a file, by its beginning; its prefix is found out, if it has one.
    fn format(&mut self, beginning: &[u8]) -> Format {
        let format = match Format::of(beginning) {
            // What a collector may have put there is part of the prefix.
            Format::Collected if self.prefixes.fit(beginning) => Format::Stderr,
            other => other,
        };
        if format != Format::Csv {
            self.prefixes.learn(&format.lines(beginning));
        }
        format
    }

    /// The first time in a file, of which this is the beginning, in microseconds since 1970-01-01 UTC: what files are
    /// ordered by.
    pub fn first_time(&mut self, beginning: &[u8]) -> Option<i64> {
        let beginning = decoded(beginning);
        let format = self.format(&beginning);
        let mut lines = beginning.split(|byte| *byte == b'\n');
        match format {
            Format::Json => lines.clone().find_map(json::time),
            Format::Csv => lines
                .clone()
                .filter(|line| csv::begins_row(line))
                .find_map(|line| Some(time::stamp(line)?.at)),
            Format::Stderr | Format::Collected => None,
        }
        .or_else(|| {
            let lines = format.lines(&beginning);
            let mut lines = lines.split(|byte| *byte == b'\n');
            lines.find_map(|line| self.prefixes.head(line)?.at)
        })
        .or_else(|| lines.find_map(|line| collector::chunk(line)?.at))
    }
}
