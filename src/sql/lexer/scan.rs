//! The scanner's rules, one method a start condition of `scan.l`.

use super::{Open, StringStyle, Token, TokenKind};

/// Whether `‹text#1›` is one token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Redaction {
    /// No: the server's own reading.
    Unknown,
    /// Yes.
    Recognised,
}

/// `op_chars` of scan.l.
fn is_operator(byte: u8) -> bool {
    b"~!@#^&|`?+-*/%<>=".contains(&byte)
}

/// The characters that let an operator end in `+` or `-`: those no SQL-standard operator has.
fn is_extended_operator(byte: u8) -> bool {
    b"~!@#^&|`?%".contains(&byte)
}

/// `space` of scan.l; the vertical tab counts from version 16 on.
fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0c | 0x0b)
}

fn is_newline(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\r')
}

fn is_ident_start(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || byte >= 0x80
}

fn is_ident_continue(byte: u8) -> bool {
    is_ident_start(byte) || byte.is_ascii_digit() || byte == b'$'
}

/// Reads one token after the other. All ends of tokens are ends of characters: every byte above 0x7f belongs to a word,
/// a literal or a comment as a whole.
#[derive(Debug, Clone)]
pub(super) struct Scanner<'a> {
    text: &'a str,
    position: usize,
    redaction: Redaction,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str, redaction: Redaction) -> Self {
        Self {
            text,
            position: 0,
            redaction,
        }
    }

    /// The next token, `None` at the end.
    pub(super) fn token(&mut self) -> Option<Token<'a>> {
        let start = self.position;
        let first = self.at(start)?;
        let (kind, end) = self.scan(start, first);
        // A rule that failed to advance would loop; one character is always a token.
        let end = if end > start && self.text.is_char_boundary(end) {
            end
        } else {
            self.next_character(start)
        };
        self.position = end;
        Some(Token {
            kind,
            text: self.text.get(start..end).unwrap_or_default(),
            start,
        })
    }

    fn at(&self, position: usize) -> Option<u8> {
        self.text.as_bytes().get(position).copied()
    }

    fn is_at(&self, position: usize, byte: u8) -> bool {
        self.at(position) == Some(byte)
    }

    fn rest(&self, position: usize) -> &'a [u8] {
        self.text.as_bytes().get(position..).unwrap_or_default()
    }

    fn end(&self) -> usize {
        self.text.len()
    }

    fn next_character(&self, position: usize) -> usize {
        let length = self
            .text
            .get(position..)
            .and_then(|rest| rest.chars().next())
            .map_or(1, char::len_utf8);
        position + length
    }

    /// The first position from `position` on whose byte does not satisfy `belongs`.
    fn skip(&self, position: usize, belongs: impl Fn(u8) -> bool) -> usize {
        let length = self
            .rest(position)
            .iter()
            .take_while(|byte| belongs(**byte));
        position + length.count()
    }

    fn scan(&self, start: usize, first: u8) -> (TokenKind, usize) {
        if is_space(first) {
            return (TokenKind::Whitespace, self.skip(start, is_space));
        }
        if let Some(end) = self.redacted(start) {
            return (TokenKind::Redacted, end);
        }
        match first {
            b'\'' => self.string(start + 1, StringStyle::Standard),
            b'"' => self.quoted(start + 1, TokenKind::QuotedIdent, Open::QuotedIdent),
            b'$' => self.dollar(start),
            b'.' if self.at(start + 1).is_some_and(|byte| byte.is_ascii_digit()) => {
                self.number(start)
            }
            b'.' if self.is_at(start + 1, b'.') => (TokenKind::DotDot, start + 2),
            b':' if self.is_at(start + 1, b':') => (TokenKind::Typecast, start + 2),
            b':' if self.is_at(start + 1, b'=') => (TokenKind::ColonEquals, start + 2),
            b',' | b'(' | b')' | b'[' | b']' | b'.' | b';' | b':' => {
                (TokenKind::Punctuation, start + 1)
            }
            b'-' if self.is_at(start + 1, b'-') => (
                TokenKind::LineComment,
                self.skip(start, |byte| !is_newline(byte)),
            ),
            b'/' if self.is_at(start + 1, b'*') => self.block_comment(start),
            byte if is_operator(byte) => self.operator(start),
            byte if byte.is_ascii_digit() => self.number(start),
            byte if is_ident_start(byte) => self.word(start, byte),
            _ => (TokenKind::Other, self.next_character(start)),
        }
    }

    /// The end of the redaction token at `start`.
    fn redacted(&self, start: usize) -> Option<usize> {
        if self.redaction == Redaction::Unknown || !self.is_at(start, 0xe2) {
            return None;
        }
        let length = crate::sql::redact::token_length(self.text.get(start..)?)?;
        Some(start + length)
    }

    /// A word, or the literal that its first letters introduce.
    fn word(&self, start: usize, first: u8) -> (TokenKind, usize) {
        if self.is_at(start + 1, b'\'') {
            let style = match first {
                b'e' | b'E' => Some(StringStyle::Escape),
                b'b' | b'B' => Some(StringStyle::Bits),
                b'x' | b'X' => Some(StringStyle::Hex),
                b'n' | b'N' => Some(StringStyle::National),
                _ => None,
            };
            if let Some(style) = style {
                return self.string(start + 2, style);
            }
        }
        if matches!(first, b'u' | b'U') && self.is_at(start + 1, b'&') {
            if self.is_at(start + 2, b'\'') {
                return self.string(start + 3, StringStyle::Unicode);
            }
            if self.is_at(start + 2, b'"') {
                return self.quoted(start + 3, TokenKind::UnicodeIdent, Open::UnicodeIdent);
            }
        }
        let end = match self.redaction {
            Redaction::Unknown => self.skip(start, is_ident_continue),
            Redaction::Recognised => self.word_end_before_redacted(start),
        };
        (TokenKind::Word, end)
    }

    fn word_end_before_redacted(&self, start: usize) -> usize {
        let mut position = self.next_character(start);
        while self.at(position).is_some_and(is_ident_continue) && self.redacted(position).is_none()
        {
            position = self.next_character(position);
        }
        position
    }

    /// The body of a string constant from `position`, after its opening quote.
    fn string(&self, position: usize, style: StringStyle) -> (TokenKind, usize) {
        let mut position = position;
        loop {
            match self.at(position) {
                None => {
                    return (TokenKind::Unterminated(Open::String(style)), self.end());
                }
                Some(b'\\') if style == StringStyle::Escape => {
                    position = self.next_character(position + 1).min(self.end());
                }
                Some(b'\'') if self.doubles(position, style) => position += 2,
                Some(b'\'') => match self.continuation(position + 1) {
                    Some(reopened) => position = reopened,
                    None => return (TokenKind::String(style), position + 1),
                },
                Some(_) => position += 1,
            }
        }
    }

    /// Two quotes are one, except in bit strings, whose rules (`xb`, `xh`) end at the first.
    fn doubles(&self, position: usize, style: StringStyle) -> bool {
        !matches!(style, StringStyle::Bits | StringStyle::Hex) && self.is_at(position + 1, b'\'')
    }

    /// `quotecontinue`: white space with at least one line end, then a quote. Gives the position after that quote.
    ///
    /// A `--` comment counts as white space when a line end follows it; a block comment does not.
    fn continuation(&self, position: usize) -> Option<usize> {
        let mut position = position;
        let mut line_ended = false;
        loop {
            match self.at(position)? {
                b'\'' if line_ended => return Some(position + 1),
                byte if is_space(byte) => {
                    line_ended |= is_newline(byte);
                    position += 1;
                }
                b'-' if self.is_at(position + 1, b'-') => {
                    position = self.skip(position, |byte| !is_newline(byte));
                }
                _ => return None,
            }
        }
    }

    /// The body of a quoted identifier from `position`, after its opening quote.
    fn quoted(&self, position: usize, kind: TokenKind, open: Open) -> (TokenKind, usize) {
        let mut position = position;
        loop {
            position = self.skip(position, |byte| byte != b'"');
            if position >= self.end() {
                return (TokenKind::Unterminated(open), self.end());
            }
            if !self.is_at(position + 1, b'"') {
                return (kind, position + 1);
            }
            position += 2;
        }
    }

    /// `$1`, `$tag$…$tag$`, or a lone `$`.
    fn dollar(&self, start: usize) -> (TokenKind, usize) {
        let digits = self.skip(start + 1, |byte| byte.is_ascii_digit());
        if digits > start + 1 {
            return (TokenKind::Param, digits);
        }
        let tag = self.skip(start + 1, |byte| {
            is_ident_start(byte) || byte.is_ascii_digit()
        });
        if !self.is_at(tag, b'$') {
            return (TokenKind::Other, start + 1);
        }
        let body = tag + 1;
        let delimiter = self.text.get(start..body).unwrap_or_default();
        match self.text.get(body..).and_then(|rest| rest.find(delimiter)) {
            Some(length) => (
                TokenKind::String(StringStyle::Dollar),
                body + length + delimiter.len(),
            ),
            None => (
                TokenKind::Unterminated(Open::String(StringStyle::Dollar)),
                self.end(),
            ),
        }
    }

    fn block_comment(&self, start: usize) -> (TokenKind, usize) {
        let mut depth = 1_usize;
        let mut position = start + 2;
        while let Some(byte) = self.at(position) {
            match (byte, self.at(position + 1)) {
                (b'/', Some(b'*')) => {
                    depth += 1;
                    position += 2;
                }
                (b'*', Some(b'/')) => {
                    depth -= 1;
                    position += 2;
                    if depth == 0 {
                        return (TokenKind::BlockComment, position);
                    }
                }
                _ => position += 1,
            }
        }
        (TokenKind::Unterminated(Open::BlockComment), self.end())
    }

    /// The longest run of operator characters that holds no comment start and does not end in `+` or `-` unless it has
    /// a character that SQL's own operators lack: `=-` is two operators, `?-` is one.
    fn operator(&self, start: usize) -> (TokenKind, usize) {
        let run = self.skip(start, is_operator);
        let mut run = self.text.as_bytes().get(start..run).unwrap_or_default();
        let comment = run
            .windows(2)
            .position(|pair| matches!(pair, b"/*" | b"--"));
        if let Some(before) = comment.and_then(|length| run.get(..length)) {
            run = before;
        }
        while let [head @ .., b'+' | b'-'] = run {
            if head.is_empty() || head.iter().copied().any(is_extended_operator) {
                break;
            }
            run = head;
        }
        let kind = if run == b"=>" {
            TokenKind::EqualsGreater
        } else {
            TokenKind::Operator
        };
        (kind, start + run.len())
    }

    /// Digits from `position`, single underscores allowed between them. The end, which is `position` when there is no
    /// digit.
    fn digits(&self, position: usize, is_digit: impl Fn(u8) -> bool) -> usize {
        let mut end = self.skip(position, &is_digit);
        while end > position && self.is_at(end, b'_') && self.at(end + 1).is_some_and(&is_digit) {
            end = self.skip(end + 1, &is_digit);
        }
        end
    }

    fn number(&self, start: usize) -> (TokenKind, usize) {
        if let Some(end) = self.prefixed_integer(start) {
            return (TokenKind::Integer, end);
        }
        let whole = self.digits(start, |byte| byte.is_ascii_digit());
        let mut end = whole;
        // `1..2` is a range: the number ends before the dots.
        if self.is_at(end, b'.') && !self.is_at(end + 1, b'.') {
            end = self.digits(end + 1, |byte| byte.is_ascii_digit());
        }
        if let Some(after) = self.exponent(end) {
            end = after;
        }
        let kind = if end == whole {
            TokenKind::Integer
        } else {
            TokenKind::Decimal
        };
        (kind, end)
    }

    fn exponent(&self, position: usize) -> Option<usize> {
        if !matches!(self.at(position)?, b'e' | b'E') {
            return None;
        }
        let digits = if matches!(self.at(position + 1)?, b'+' | b'-') {
            position + 2
        } else {
            position + 1
        };
        let end = self.digits(digits, |byte| byte.is_ascii_digit());
        (end > digits).then_some(end)
    }

    /// `0x1f`, `0o17`, `0b11`, with an underscore allowed after the prefix as well.
    fn prefixed_integer(&self, start: usize) -> Option<usize> {
        if !self.is_at(start, b'0') {
            return None;
        }
        let is_digit: fn(u8) -> bool = match self.at(start + 1)? {
            b'x' | b'X' => |byte| byte.is_ascii_hexdigit(),
            b'o' | b'O' => |byte| matches!(byte, b'0'..=b'7'),
            b'b' | b'B' => |byte| matches!(byte, b'0' | b'1'),
            _ => return None,
        };
        let digits = if self.is_at(start + 2, b'_') {
            start + 3
        } else {
            start + 2
        };
        let end = self.digits(digits, is_digit);
        (end > digits).then_some(end)
    }
}
