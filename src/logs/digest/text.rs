//! A statement's text without its constants, as a hash: one pass, nothing allocated.

use std::hash::Hasher;

use memchr::memchr;
use rustc_hash::FxHasher;

/// What one pass over a text tells.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Outline {
    /// Equal for texts that differ in constants and parameters, the length of lists of them, white space, comments and
    /// the case of words.
    pub hash: u64,
    /// Hash of the constants.
    pub constants: u64,
    /// Whether there are constants.
    pub has_constants: bool,
    /// Whether there are parameters (`$1`).
    pub has_parameters: bool,
    /// Whether there is a list of two or more keys behind IN or ARRAY: parameters, or constants where the text has no
    /// parameters at all.
    pub has_list: bool,
}

/// The hash of bytes as they are.
pub fn exact(bytes: &[u8]) -> u64 {
    let mut hasher = FxHasher::default();
    hasher.write(bytes);
    hasher.finish()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Space,
    Word,
    Digit,
    Quote,
    DoubleQuote,
    Dollar,
    Comma,
    Open,
    Close,
    /// `-` and `/`, which may begin a comment.
    Comment,
    Other,
}

const fn class(byte: u8) -> Class {
    match byte {
        b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c => Class::Space,
        b'a'..=b'z' | b'A'..=b'Z' | b'_' | 0x80..=0xff => Class::Word,
        b'0'..=b'9' => Class::Digit,
        b'\'' => Class::Quote,
        b'"' => Class::DoubleQuote,
        b'$' => Class::Dollar,
        b',' => Class::Comma,
        b'(' | b'[' => Class::Open,
        b')' | b']' => Class::Close,
        b'-' | b'/' => Class::Comment,
        _ => Class::Other,
    }
}

const CLASSES: [Class; 256] = {
    let mut classes = [Class::Other; 256];
    let mut byte = 0;
    while byte < 256 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::indexing_slicing,
            reason = "the loop ends at 256; evaluated at compile time"
        )]
        {
            classes[byte] = class(byte as u8);
        }
        byte += 1;
    }
    classes
};

fn class_of(byte: u8) -> Class {
    CLASSES
        .get(usize::from(byte))
        .copied()
        .unwrap_or(Class::Other)
}

/// A hash that takes in bytes eight at a time.
#[derive(Default)]
struct Mixer {
    state: u64,
    waiting: u64,
    count: u32,
}

const MULTIPLIER: u64 = 0xf135_7aea_2e62_a9c5;

impl Mixer {
    fn push(&mut self, byte: u8) {
        self.waiting = self.waiting << 8 | u64::from(byte);
        self.count += 1;
        if self.count == 8 {
            self.mix();
        }
    }

    fn mix(&mut self) {
        self.state = (self.state.rotate_left(23) ^ self.waiting).wrapping_mul(MULTIPLIER);
        self.waiting = 0;
        self.count = 0;
    }

    fn finish(mut self) -> u64 {
        self.push(0xff);
        self.mix();
        let folded = self.state ^ self.state >> 32;
        let mixed = folded.wrapping_mul(MULTIPLIER);
        mixed ^ mixed >> 29
    }
}

/// Where a list of constants may stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum List {
    No,
    /// Behind IN or ARRAY.
    Announced,
    /// Inside of the parentheses.
    Inside,
    /// Behind a constant in them.
    Constant,
    /// Behind a constant and a comma.
    Comma,
}

struct Scan<'t> {
    text: &'t [u8],
    at: usize,
    mixer: Mixer,
    outline: Outline,
    /// Whether the last thing taken in was a word, which must be kept apart from the next.
    after_word: bool,
    list: List,
    /// Whether there is a list of constants.
    lists_constants: bool,
    /// Whether there is one with parameters in it.
    lists_parameters: bool,
}

/// Outlines a text, which may be any bytes.
pub fn outline(text: &[u8]) -> Outline {
    let mut scan = Scan {
        text,
        at: 0,
        mixer: Mixer::default(),
        outline: Outline::default(),
        after_word: false,
        list: List::No,
        lists_constants: false,
        lists_parameters: false,
    };
    while let Some(byte) = scan.peek() {
        scan.token(byte);
    }
    if scan.lists_constants || scan.lists_parameters {
        scan.mixer.push(0xfe);
    }
    let has_list = scan.lists_parameters || scan.lists_constants && !scan.outline.has_parameters;
    Outline {
        hash: scan.mixer.finish(),
        has_list,
        ..scan.outline
    }
}

impl Scan<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn byte(&self, ahead: usize) -> u8 {
        self.text.get(self.at + ahead).copied().unwrap_or_default()
    }

    fn token(&mut self, byte: u8) {
        match class_of(byte) {
            Class::Space => self.at += 1,
            Class::Word => self.word(),
            Class::Digit => self.number(),
            Class::Quote => self.string(self.at, false),
            Class::DoubleQuote => self.quoted(),
            Class::Dollar => self.dollar(),
            Class::Comma => self.comma(),
            Class::Open => {
                let list = self.list == List::Announced;
                self.mark(byte);
                if list {
                    self.list = List::Inside;
                }
            }
            Class::Close => self.close(byte),
            Class::Comment => self.comment(byte),
            Class::Other => self.mark(byte),
        }
    }

    /// Takes in a single byte that is no part of a word.
    fn mark(&mut self, byte: u8) {
        self.leave_list();
        self.mixer.push(byte);
        self.after_word = false;
        self.at += 1;
    }

    /// A list that holds something else than constants is none.
    fn leave_list(&mut self) {
        if self.list == List::Comma {
            self.mixer.push(b',');
        }
        self.list = List::No;
    }

    fn close(&mut self, byte: u8) {
        if self.list == List::Constant {
            self.list = List::No;
        }
        self.mark(byte);
    }

    fn comma(&mut self) {
        if self.list == List::Constant {
            self.list = List::Comma;
            self.at += 1;
        } else {
            self.mark(b',');
        }
    }

    fn constant(&mut self) {
        match self.list {
            List::Comma => {
                self.lists_constants = true;
                self.list = List::Constant;
                return;
            }
            List::Inside => self.list = List::Constant,
            List::No | List::Announced | List::Constant => self.list = List::No,
        }
        self.mixer.push(b'?');
        self.after_word = false;
    }

    fn value(&mut self, from: usize) {
        let bytes = self.text.get(from..self.at).unwrap_or_default();
        self.outline.constants = self.outline.constants.rotate_left(7) ^ exact(bytes);
        self.outline.has_constants = true;
        self.constant();
    }

    fn word(&mut self) {
        let from = self.at;
        while self.peek().is_some_and(is_word) {
            self.at += 1;
        }
        let word = self.text.get(from..self.at).unwrap_or_default();
        if let ([prefix], b'\'') = (word, self.byte(0)) {
            match prefix.to_ascii_lowercase() {
                b'e' => return self.string(from, true),
                b'b' | b'x' | b'n' => return self.string(from, false),
                _ => {}
            }
        }
        self.leave_list();
        if self.after_word {
            self.mixer.push(b' ');
        }
        for byte in word {
            self.mixer.push(byte.to_ascii_lowercase());
        }
        self.after_word = true;
        let announces = match word.len() {
            2 => word.eq_ignore_ascii_case(b"in"),
            5 => word.eq_ignore_ascii_case(b"array"),
            _ => false,
        };
        if announces {
            self.list = List::Announced;
        }
    }

    fn number(&mut self) {
        let from = self.at;
        while let Some(byte) = self.peek() {
            let sign = matches!(byte, b'+' | b'-')
                && self.at > from
                && matches!(self.text.get(self.at - 1), Some(b'e' | b'E'));
            if !(byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_') || sign) {
                break;
            }
            self.at += 1;
        }
        self.value(from);
    }

    /// A string that begins at `from`; the cursor stands on its quote or behind its prefix.
    fn string(&mut self, from: usize, escapes: bool) {
        self.at += 1;
        loop {
            let rest = self.text.get(self.at..).unwrap_or_default();
            let end = if escapes {
                memchr::memchr2(b'\'', b'\\', rest)
            } else {
                memchr(b'\'', rest)
            };
            let Some(end) = end else {
                self.at = self.text.len();
                break;
            };
            self.at += end;
            if self.byte(0) == b'\\' || self.byte(1) == b'\'' {
                self.at = (self.at + 2).min(self.text.len());
            } else {
                self.at += 1;
                break;
            }
        }
        self.value(from);
    }

    fn quoted(&mut self) {
        let from = self.at;
        self.at += 1;
        let rest = self.text.get(self.at..).unwrap_or_default();
        self.at = memchr(b'"', rest).map_or(self.text.len(), |end| self.at + end + 1);
        self.leave_list();
        for byte in self.text.get(from..self.at).unwrap_or_default() {
            self.mixer.push(*byte);
        }
        self.after_word = false;
    }

    fn dollar(&mut self) {
        if self.byte(1).is_ascii_digit() {
            self.at += 1;
            while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
                self.at += 1;
            }
            self.outline.has_parameters = true;
            self.lists_parameters |= self.list == List::Comma;
            return self.constant();
        }
        let rest = self.text.get(self.at + 1..).unwrap_or_default();
        let tag = rest.iter().take_while(|byte| is_tag(**byte)).count();
        if rest.get(tag) != Some(&b'$') {
            return self.mark(b'$');
        }
        let from = self.at;
        let delimiter = self.text.get(from..from + tag + 2).unwrap_or_default();
        let body = from + delimiter.len();
        let found = memchr::memmem::find(self.text.get(body..).unwrap_or_default(), delimiter);
        self.at = found.map_or(self.text.len(), |end| body + end + delimiter.len());
        self.value(from);
    }

    fn comment(&mut self, byte: u8) {
        match (byte, self.byte(1)) {
            (b'-', b'-') => {
                let rest = self.text.get(self.at..).unwrap_or_default();
                self.at = memchr(b'\n', rest).map_or(self.text.len(), |end| self.at + end);
            }
            (b'/', b'*') => self.block_comment(),
            _ => self.mark(byte),
        }
    }

    fn block_comment(&mut self) {
        self.at += 2;
        let mut depth = 1_u32;
        while depth > 0 {
            let rest = self.text.get(self.at..).unwrap_or_default();
            let Some(next) = memchr::memchr2(b'*', b'/', rest) else {
                self.at = self.text.len();
                return;
            };
            self.at += next;
            match (self.byte(0), self.byte(1)) {
                (b'*', b'/') => depth -= 1,
                (b'/', b'*') => depth += 1,
                _ => {
                    self.at += 1;
                    continue;
                }
            }
            self.at += 2;
        }
    }
}

fn is_word(byte: u8) -> bool {
    matches!(class_of(byte), Class::Word | Class::Digit | Class::Dollar)
}

fn is_tag(byte: u8) -> bool {
    matches!(class_of(byte), Class::Word | Class::Digit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::family::Family;
    use proptest::prelude::*;

    fn hash(text: &str) -> u64 {
        outline(text.as_bytes()).hash
    }

    #[test]
    fn constants_and_layout_make_no_difference() {
        for (one, other) in [
            (
                "SELECT a FROM t WHERE b = 1",
                "select  a\nfrom T where b=$1",
            ),
            (
                "SELECT 'it''s', E'a\\'b', $$x'$$",
                "select $1, $2, $tag$ ' $tag$",
            ),
            (
                "SELECT 1.5e-3 /* a /* b */ c */ FROM t",
                "SELECT 2 -- x\nFROM t",
            ),
            ("SELECT a IN (1, 2)", "SELECT a IN ($1,$2,$3 , 4)"),
            ("SELECT ARRAY['a', 'b']", "SELECT ARRAY['a','b','c']"),
            ("SELECT b'1', x'ff'", "SELECT 1, 2"),
        ] {
            assert_eq!(hash(one), hash(other), "{one} | {other}");
        }
    }

    #[test]
    fn what_makes_another_statement_makes_another_hash() {
        for (one, other) in [
            ("SELECT a FROM t", "SELECT b FROM t"),
            ("SELECT a b", "SELECT ab"),
            ("SELECT a IN (1)", "SELECT a IN (1, 2)"),
            ("SELECT f(1)", "SELECT f(1, 2)"),
            ("SELECT \"A\"", "SELECT \"a\""),
            ("SELECT a IN (1, b, 2)", "SELECT a IN (1, b)"),
            ("SELECT a - 1", "SELECT a + 1"),
            ("VALUES (1), (2)", "VALUES (1)"),
        ] {
            assert_ne!(hash(one), hash(other), "{one} | {other}");
        }
    }

    #[test]
    fn constants_are_told_apart() {
        let of = |text: &str| outline(text.as_bytes());
        let (one, other) = (of("SELECT 1, 'a'"), of("SELECT 1, 'b'"));
        assert_eq!(one.hash, other.hash);
        assert_ne!(one.constants, other.constants);
        assert_eq!(one, of("select 1,'a'"));
        assert!(one.has_constants && !one.has_parameters && !one.has_list);
        let list = of("SELECT a IN ($1, $2)");
        assert!(!list.has_constants && list.has_parameters && list.has_list);
        assert!(of("SELECT a IN (1, 2)").has_list);
        assert!(of("SELECT a IN (1, $1)").has_list);
        assert!(!of("SELECT a IN (1, 2) AND b = $1").has_list);
    }

    /// Ways to write the same; all of one line are of one family.
    const WAYS: &[&[&str]] = &[
        &["1", "42", "$3", "'x'", "E'\\'a'", "$$z$$", "-- one\n 2.5"],
        &["AND", "and", "/* a /* b */ */ And"],
        &["IN (1, 2)", "in ($1,$2,$3)", "IN ('a', 'b' , 'c')"],
        &["a.b", "A.b", "a . b"],
        &["\"B\""],
    ];

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            outline(&bytes);
        }

        #[test]
        fn texts_of_one_outline_are_of_one_family(
            terms in proptest::collection::vec((0..WAYS.len(), 0..7_usize, 0..7_usize), 1..12)
        ) {
            let write = |pick: fn(&(usize, usize, usize)) -> usize| -> String {
                let terms = terms.iter().map(|term| {
                    let ways = WAYS[term.0];
                    match ways[pick(term) % ways.len()] {
                        list if list.starts_with(['I', 'i']) => format!("AND a {list}"),
                        and if and.eq_ignore_ascii_case("and") || and.starts_with("/*") => format!("{and} a = 1"),
                        value => format!("AND a = {value}"),
                    }
                });
                format!("SELECT a FROM a WHERE b = 1 {}", terms.collect::<Vec<_>>().join(" "))
            };
            let (one, other) = (write(|term| term.1), write(|term| term.2));
            prop_assert_eq!(hash(&one), hash(&other));
            prop_assert_eq!(Family::of(&one).fingerprint, Family::of(&other).fingerprint);
        }
    }
}
