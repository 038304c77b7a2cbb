//! Where the entries of a file go, and the count of its lines.

use super::statements::{Entry, Statements};
use super::{Logged, Place, Tally};

pub(super) struct Sink<'a, F> {
    pub(super) statements: &'a mut Statements,
    pub(super) tally: &'a mut Tally,
    pub(super) each: F,
    pub(super) file: u32,
    pub(super) line: u64,
}

impl<F: FnMut(&Logged<'_>)> Sink<'_, F> {
    pub(super) fn entry(&mut self, entry: &Entry<'_>) {
        self.statements.entry(entry, self.tally, &mut self.each);
    }

    /// The line that is read now.
    pub(super) fn place(&self) -> Place {
        Place {
            file: self.file,
            line: self.line,
        }
    }

    /// Counts a line, and gives its place.
    pub(super) fn next_line(&mut self) -> Place {
        self.lines(1);
        self.place()
    }

    /// Counts lines.
    pub(super) fn lines(&mut self, count: u64) {
        self.line += count;
        self.tally.lines += count;
    }
}
