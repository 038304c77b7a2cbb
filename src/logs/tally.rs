//! What a reader of logs met, what it did not understand, and what the log tells of its own completeness.

use std::collections::BTreeMap;

use super::Logged;

/// A line of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Place {
    /// The number of the file, as in [`Logged::file`].
    pub file: u32,
    /// The line, counted from 1.
    pub line: u64,
}

/// Why something in a log was passed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// A line that does not begin as the lines of its format do.
    UnknownLine,
    /// A row of csvlog, or an object of jsonlog, that is broken or cut off.
    BrokenRecord,
    /// A message in a language, or of a kind, whose words are not known.
    UnknownWords,
    /// An entry that is longer than the reader keeps.
    TooLong,
    /// A `DETAIL` whose statement does not stand before it.
    DetailAlone,
    /// A duration whose statement does not stand before it: `log_duration` is on and `log_statement` is not.
    DurationAlone,
    /// A statement that waited for its duration until too many others waited, too. It was given without one.
    Evicted,
    /// The rest of a file that cannot be read, such as a compressed file that is not complete.
    Unreadable,
}

impl Reason {
    /// The reason in words that follow a count: `12 lines without the log's prefix`.
    pub fn describe(self) -> &'static str {
        match self {
            Self::UnknownLine => "lines that do not begin as the log's lines do",
            Self::BrokenRecord => "broken records",
            Self::UnknownWords => "messages in words that are not known",
            Self::TooLong => "entries that are too long",
            Self::DetailAlone => "details without their statement",
            Self::DurationAlone => "durations without their statement",
            Self::Evicted => "statements whose durations did not come in time",
            Self::Unreadable => "files that cannot be read to their end",
        }
    }
}

/// How often something was passed over for one reason, and where first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Skipped {
    /// How often.
    pub count: u64,
    /// The first of these places.
    pub first: Place,
}

/// What was met in all files together.
///
/// Whether the server logs a sample only (`log_statement_sample_rate`, `log_transaction_sample_rate`) cannot be seen in
/// a log.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Tally {
    /// Bytes that were read, after decompression.
    pub bytes: u64,
    /// Lines that were read.
    pub lines: u64,
    /// Entries of the log: a message with its details.
    pub entries: u64,
    /// Executed statements that were given.
    pub statements: u64,
    /// Those of them whose duration the log has.
    pub with_duration: u64,
    /// The shortest of these durations in milliseconds. Where none is shorter than a round number, such as 100 or 1000,
    /// `log_min_duration_statement` lets only slow statements into the log.
    pub shortest_ms: Option<f64>,
    /// Durations of the steps before an execution (`parse`, `bind`), which are no executions.
    pub preparations: u64,
    /// Further rows fetched from a statement that was executed before (`execute fetch from`).
    pub fetches: u64,
    /// Plans that `auto_explain` logged.
    pub plans: u64,
    /// Messages of severity ERROR, FATAL or PANIC: among them are statements that failed.
    pub errors: u64,
    /// Entries whose time has an abbreviation of a time zone that is not known, or that has more than one meaning. They
    /// were read as UTC.
    pub unknown_zone: u64,
    /// The earliest and the latest time of an entry, in microseconds since 1970-01-01 UTC.
    pub span: Option<(i64, i64)>,
    /// What was passed over.
    pub skipped: BTreeMap<Reason, Skipped>,
}

impl Tally {
    /// Counts what is passed over at a place.
    pub fn skip(&mut self, reason: Reason, place: Place) {
        let entry = self.skipped.entry(reason).or_insert(Skipped {
            count: 0,
            first: place,
        });
        entry.count += 1;
        entry.first = entry.first.min(place);
    }

    /// How often something was passed over for this reason.
    pub fn skips(&self, reason: Reason) -> u64 {
        self.skipped.get(&reason).map_or(0, |skipped| skipped.count)
    }

    /// Counts a statement that is given.
    pub(super) fn statement(&mut self, logged: &Logged<'_>) {
        self.statements += 1;
        if let Some(duration) = logged.duration_ms {
            self.with_duration += 1;
            let shortest = self
                .shortest_ms
                .map_or(duration, |known| known.min(duration));
            self.shortest_ms = Some(shortest);
        }
    }

    /// Counts an entry and its time.
    pub(super) fn entry(&mut self, at: Option<i64>, zone_unknown: bool) {
        self.entries += 1;
        self.unknown_zone += u64::from(zone_unknown);
        if let Some(at) = at {
            let (first, last) = self.span.unwrap_or((at, at));
            self.span = Some((first.min(at), last.max(at)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_place_is_kept_whatever_the_order() {
        let mut tally = Tally::default();
        for line in [7, 3, 9] {
            tally.skip(Reason::UnknownLine, Place { file: 0, line });
        }
        assert_eq!(tally.skips(Reason::UnknownLine), 3);
        let first = tally.skipped.get(&Reason::UnknownLine).unwrap().first;
        assert_eq!(first, Place { file: 0, line: 3 });
        assert_eq!(tally.skips(Reason::TooLong), 0);
    }
}
