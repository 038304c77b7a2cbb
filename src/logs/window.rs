//! A window over a source of bytes: what an entry needs stays in it, whatever the pieces that the source comes in, and
//! it never grows beyond a limit.

use std::io::{self, ErrorKind, Read};

use memchr::memchr;

/// Bytes that the window begins with.
const USUAL: usize = 256 * 1024;

/// Bytes that the window grows to for one entry.
pub(super) const LIMIT: usize = 16 * 1024 * 1024;

/// A line in a window, without the line feed. Positions count from the first byte that is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) from: usize,
    pub(super) to: usize,
}

/// What the search for a line came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Line(Line),
    /// The window is as large as it may get, and the line does not end in it.
    Full,
    End,
}

pub(super) struct Window<R> {
    source: R,
    buffer: Vec<u8>,
    /// Before this nothing is needed any more.
    kept: usize,
    /// Where the next line begins.
    next: usize,
    /// What is filled.
    end: usize,
    finished: bool,
    failure: Option<io::Error>,
}

impl<R: Read> Window<R> {
    pub(super) fn new(source: R, buffer: Vec<u8>) -> Self {
        let usual = buffer.len() == USUAL;
        Self {
            source,
            buffer: if usual { buffer } else { vec![0; USUAL] },
            kept: 0,
            next: 0,
            end: 0,
            finished: false,
            failure: None,
        }
    }

    /// All bytes that are kept and read.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.buffer[self.kept..self.end]
    }

    /// Where the bytes come from.
    pub(super) fn source(&self) -> &R {
        &self.source
    }

    /// Whether all of the source was read.
    pub(super) fn finished(&self) -> bool {
        self.finished
    }

    /// Why the source could not be read to its end, and the buffer, to be used again.
    pub(super) fn into_parts(self) -> (Option<io::Error>, Vec<u8>) {
        let mut buffer = self.buffer;
        // A huge entry in one file is no reason to keep its space for all others.
        buffer.truncate(USUAL);
        buffer.shrink_to_fit();
        (self.failure, buffer)
    }

    /// Where the next line begins.
    pub(super) fn pending(&self) -> usize {
        self.next - self.kept
    }

    /// Gives up the first `count` bytes.
    pub(super) fn release(&mut self, count: usize) {
        self.kept = (self.kept + count).min(self.end);
        self.next = self.next.max(self.kept);
    }

    /// Lets lines begin `count` bytes after the first that is kept.
    pub(super) fn seek(&mut self, count: usize) {
        self.next = (self.kept + count).min(self.end);
    }

    /// The next line.
    pub(super) fn line(&mut self) -> Step {
        let mut searched = self.next;
        loop {
            if let Some(found) = memchr(b'\n', &self.buffer[searched..self.end]) {
                let line = Line {
                    from: self.next - self.kept,
                    to: searched + found - self.kept,
                };
                self.next = searched + found + 1;
                return Step::Line(line);
            }
            let unsearched = self.end - self.kept;
            if self.finished {
                return self.last_line();
            }
            if !self.more() && !self.finished {
                return Step::Full;
            }
            searched = self.kept + unsearched;
        }
    }

    /// What follows the last line feed.
    fn last_line(&mut self) -> Step {
        if self.next == self.end {
            return Step::End;
        }
        let line = Line {
            from: self.next - self.kept,
            to: self.end - self.kept,
        };
        self.next = self.end;
        Step::Line(line)
    }

    /// Reads on. False where nothing was added, because the source is at its end or the window at its limit.
    pub(super) fn more(&mut self) -> bool {
        if self.finished {
            return false;
        }
        if self.end == self.buffer.len() && !self.make_room() {
            return false;
        }
        loop {
            match self.source.read(&mut self.buffer[self.end..]) {
                Ok(count) => {
                    self.finished = count == 0;
                    self.end += count;
                    return count > 0;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    self.failure = Some(error);
                    self.finished = true;
                    return false;
                }
            }
        }
    }

    /// Moves what is kept to the front, and grows where that is not enough.
    fn make_room(&mut self) -> bool {
        if self.kept > 0 {
            self.buffer.copy_within(self.kept..self.end, 0);
            self.next -= self.kept;
            self.end -= self.kept;
            self.kept = 0;
        }
        // Below half of it would be moved again and again.
        if self.end > self.buffer.len() / 2 && self.buffer.len() < LIMIT {
            let larger = (self.buffer.len() * 2).min(LIMIT);
            let mut buffer = vec![0; larger];
            buffer[..self.end].copy_from_slice(&self.buffer[..self.end]);
            self.buffer = buffer;
        }
        self.end < self.buffer.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives its bytes in pieces of one to seven, as a slow pipe does.
    struct Pieces<'a>(&'a [u8], usize);

    impl Read for Pieces<'_> {
        fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
            self.1 = self.1 % 7 + 1;
            let count = self.1.min(to.len()).min(self.0.len());
            let (now, later) = self.0.split_at(count);
            to[..count].copy_from_slice(now);
            self.0 = later;
            Ok(count)
        }
    }

    #[test]
    fn lines_are_the_same_in_any_pieces() {
        let lines: Vec<String> = (0..200_000).map(|line| format!("line {line}\n")).collect();
        let text = lines.concat() + "the last";
        let mut window = Window::new(Pieces(text.as_bytes(), 0), Vec::new());
        let mut expected = text.lines();
        while let Step::Line(line) = window.line() {
            let found = &window.bytes()[line.from..line.to];
            assert_eq!(Some(found), expected.next().map(str::as_bytes));
            window.release(line.to);
        }
        assert_eq!(expected.next(), None);
        assert_eq!(window.buffer.len(), USUAL);
    }

    #[test]
    fn what_is_kept_stays_and_the_window_is_bounded() {
        let text = vec![b'x'; LIMIT + 10];
        let mut window = Window::new(text.as_slice(), Vec::new());
        assert_eq!(window.line(), Step::Full);
        assert_eq!(window.bytes().len(), LIMIT);
        window.release(LIMIT);
        let Step::Line(line) = window.line() else {
            panic!("the rest");
        };
        assert_eq!((line.from, line.to), (0, 10));
        window.release(line.to);
        assert_eq!(window.line(), Step::End);
    }

    #[test]
    fn a_source_that_breaks_off_gives_what_it_had() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(ErrorKind::UnexpectedEof.into())
            }
        }
        let mut window = Window::new(b"one\ntw".chain(Broken), Vec::new());
        assert_eq!(window.line(), Step::Line(Line { from: 0, to: 3 }));
        assert_eq!(window.line(), Step::Line(Line { from: 4, to: 6 }));
        assert_eq!(window.line(), Step::End);
        assert!(window.into_parts().0.is_some());
    }
}
