//! Logs that were saved as UTF-16, or with a byte order mark, as programs on Windows do: read as UTF-8.

use std::io::{self, ErrorKind, Read};

/// Bytes at the beginning that tell the encoding.
const BEGINNING: usize = 64;

/// Bytes that are read at once where they are to be decoded.
const PIECE: usize = 64 * 1024;

const BYTE_ORDER_MARK: [u8; 3] = [0xEF, 0xBB, 0xBF];

/// In which order the bytes of a unit of UTF-16 stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    Little,
    Big,
}

impl Order {
    /// The order that a text begins in, and the length of its mark; `None` where it is no UTF-16.
    fn of(beginning: &[u8]) -> Option<(Self, usize)> {
        match beginning {
            [0xFF, 0xFE, ..] => return Some((Self::Little, 2)),
            [0xFE, 0xFF, ..] => return Some((Self::Big, 2)),
            _ => {}
        }
        // Logs begin with ASCII: a time, or a word.
        let pairs = beginning.chunks_exact(2);
        if pairs.len() < BEGINNING / 2 {
            return None;
        }
        let ascii = |text: u8, other: u8| text.is_ascii() && text != 0 && other == 0;
        if pairs.clone().all(|pair| ascii(pair[0], pair[1])) {
            Some((Self::Little, 0))
        } else if pairs.clone().all(|pair| ascii(pair[1], pair[0])) {
            Some((Self::Big, 0))
        } else {
            None
        }
    }

    fn unit(self, pair: [u8; 2]) -> u16 {
        match self {
            Self::Little => u16::from_le_bytes(pair),
            Self::Big => u16::from_be_bytes(pair),
        }
    }
}

/// A source, decoded where it is UTF-16.
pub(super) struct Decoded<R> {
    source: R,
    begun: bool,
    order: Option<Order>,
    /// Text that waits to be given.
    ready: Vec<u8>,
    given: usize,
    /// Bytes that wait for the rest of their character.
    rest: Vec<u8>,
    read: u64,
}

impl<R: Read> Decoded<R> {
    pub(super) fn new(source: R) -> Self {
        Self {
            source,
            begun: false,
            order: None,
            ready: Vec::new(),
            given: 0,
            rest: Vec::new(),
            read: 0,
        }
    }

    /// Bytes of the source that were read.
    pub(super) fn read(&self) -> u64 {
        self.read
    }

    /// Finds out the encoding.
    fn begin(&mut self) -> io::Result<()> {
        let mut beginning = Vec::with_capacity(BEGINNING);
        let limit = u64::try_from(BEGINNING).unwrap_or(u64::MAX);
        let result = self.source.by_ref().take(limit).read_to_end(&mut beginning);
        self.begun = true;
        self.count(beginning.len());
        if let Some((order, mark)) = Order::of(&beginning) {
            self.order = Some(order);
            self.decode(order, &beginning[mark..]);
        } else {
            let marked = beginning.starts_with(&BYTE_ORDER_MARK);
            let mark = if marked { BYTE_ORDER_MARK.len() } else { 0 };
            self.ready = beginning.split_off(mark);
        }
        result.map(drop)
    }

    fn count(&mut self, bytes: usize) {
        self.read += u64::try_from(bytes).unwrap_or(u64::MAX);
    }

    /// Puts text from the next bytes; what is no UTF-16 becomes U+FFFD.
    fn decode(&mut self, order: Order, bytes: &[u8]) {
        self.rest.extend_from_slice(bytes);
        let units = self.rest.chunks_exact(2);
        let mut units: Vec<u16> = units.map(|pair| order.unit([pair[0], pair[1]])).collect();
        if units
            .last()
            .is_some_and(|unit| (0xD800..0xDC00).contains(unit))
        {
            units.pop();
        }
        self.rest.drain(..units.len() * 2);
        self.ready.clear();
        self.given = 0;
        let text = char::decode_utf16(units);
        let text: String = text
            .map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER))
            .collect();
        self.ready.extend_from_slice(text.as_bytes());
    }

    fn give(&mut self, to: &mut [u8]) -> usize {
        let left = &self.ready[self.given..];
        let count = left.len().min(to.len());
        to[..count].copy_from_slice(&left[..count]);
        self.given += count;
        count
    }
}

impl<R: Read> Read for Decoded<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        if !self.begun {
            self.begin()?;
        }
        loop {
            let count = self.give(to);
            if count > 0 {
                return Ok(count);
            }
            let Some(order) = self.order else {
                let count = self.source.read(to)?;
                self.count(count);
                return Ok(count);
            };
            let mut piece = vec![0; PIECE];
            let count = match self.source.read(&mut piece) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                other => other?,
            };
            if count == 0 {
                return Ok(0);
            }
            self.count(count);
            self.decode(order, &piece[..count]);
        }
    }
}

/// A text that was read already.
pub(super) fn decoded(text: &[u8]) -> Vec<u8> {
    let mut output = Vec::with_capacity(text.len());
    // Bytes in memory can be read.
    let _ = Decoded::new(text).read_to_end(&mut output);
    output
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "2026-01-01 00:00:00.000 UTC [7] LOG:  duration: 1.000 ms  statement: SELECT 'Grüße, 漢字 🐘'\n";

    fn utf16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(bytes).collect()
    }

    /// One byte at a time.
    struct Bytes<'a>(&'a [u8]);

    impl Read for Bytes<'_> {
        fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
            let count = self.0.len().min(to.len()).min(1);
            let (now, later) = self.0.split_at(count);
            to[..count].copy_from_slice(now);
            self.0 = later;
            Ok(count)
        }
    }

    #[test]
    fn every_encoding_is_read_as_utf_8() {
        for text in [
            TEXT.as_bytes().to_vec(),
            format!("\u{feff}{TEXT}").into_bytes(),
            utf16(&format!("\u{feff}{TEXT}"), u16::to_le_bytes),
            utf16(&format!("\u{feff}{TEXT}"), u16::to_be_bytes),
            utf16(TEXT, u16::to_le_bytes),
            utf16(TEXT, u16::to_be_bytes),
        ] {
            assert_eq!(decoded(&text), TEXT.as_bytes());
            let mut source = Decoded::new(Bytes(&text));
            let mut output = Vec::new();
            source.read_to_end(&mut output).unwrap();
            assert_eq!(output, TEXT.as_bytes());
            assert_eq!(source.read(), u64::try_from(text.len()).unwrap());
        }
    }

    #[test]
    fn what_is_cut_off_or_no_utf_16_is_marked() {
        let mut text = utf16("\u{feff}ab", u16::to_le_bytes);
        text.extend(0xDC00_u16.to_le_bytes());
        text.push(b'x');
        assert_eq!(decoded(&text), "ab\u{fffd}".as_bytes());
        assert_eq!(decoded(b"\xff"), b"\xff");
        assert_eq!(decoded(b""), b"");
    }
}
