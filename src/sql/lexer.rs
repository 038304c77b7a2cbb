//! Tokens of SQL text, cut where PostgreSQL cuts them.
//!
//! Follows `src/backend/parser/scan.l` (PostgreSQL 16 to 18, a superset of 13 to 15) with
//! `standard_conforming_strings = on`. What the server would reject is never an error here: an unterminated literal
//! becomes [`TokenKind::Unterminated`], anything unknown becomes [`TokenKind::Other`]. The tokens, trivia included,
//! cover the text without gaps, so joining them gives the text back.
//!
//! Versions before 15 let a number end where its letters begin (`1and 2`), which is followed here; only they would read
//! `0x1f`, `0o7`, `0b1` and `1_0` as a number and an alias.

mod identifier;
mod literal;
mod scan;

use std::ops::Range;

pub use identifier::{IDENTIFIER_BYTES, clipped, folded, truncated};

/// How a string constant is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum StringStyle {
    /// `'…'`
    Standard,
    /// `E'…'`, with backslash escapes.
    Escape,
    /// `U&'…'`, with Unicode escapes.
    Unicode,
    /// `N'…'`; the server reads it as `nchar` and a standard string.
    National,
    /// `$$…$$` or `$tag$…$tag$`
    Dollar,
    /// `B'…'`, a bit string.
    Bits,
    /// `X'…'`, a bit string in hexadecimal.
    Hex,
}

/// What the end of the text cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Open {
    /// A `/*` without its `*/`.
    BlockComment,
    /// A string constant.
    String(StringStyle),
    /// A `"`-quoted identifier.
    QuotedIdent,
    /// A `U&"`-quoted identifier.
    UnicodeIdent,
}

/// The kind of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TokenKind {
    /// Blanks, tabs, line ends, form feeds.
    Whitespace,
    /// `-- …`, without its line end.
    LineComment,
    /// `/* … */`, nested ones included.
    BlockComment,
    /// An unquoted word: an identifier or a keyword.
    Word,
    /// `"…"`
    QuotedIdent,
    /// `U&"…"`
    UnicodeIdent,
    /// A string constant, its continuations on later lines included.
    String(StringStyle),
    /// `$1`
    Param,
    /// `42`, `0x2a`, `0o52`, `0b101010`, `4_2`
    Integer,
    /// `4.2`, `4.`, `.2`, `4e2`
    Decimal,
    /// An operator, single characters such as `=` and `*` included.
    Operator,
    /// `::`
    Typecast,
    /// `..`
    DotDot,
    /// `:=`
    ColonEquals,
    /// `=>`
    EqualsGreater,
    /// One of `,` `(` `)` `[` `]` `.` `;` `:`
    Punctuation,
    /// A token of [`crate::sql::redact`], such as `‹text#1›`. Only [`redacted_tokens`] makes it.
    Redacted,
    /// A character that no token starts with.
    Other,
    /// The text ended inside of it.
    Unterminated(Open),
}

/// One token: its kind and the text it was cut from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token<'a> {
    /// What it is.
    pub kind: TokenKind,
    /// As written, quotes and prefix included.
    pub text: &'a str,
    /// The byte of the input where it starts.
    pub start: usize,
}

impl Token<'_> {
    /// The bytes of the input that it covers.
    pub fn span(&self) -> Range<usize> {
        self.start..self.start + self.text.len()
    }

    /// Whitespace or a comment: what the server's parser does not see.
    pub fn is_trivia(&self) -> bool {
        matches!(
            self.kind,
            TokenKind::Whitespace | TokenKind::LineComment | TokenKind::BlockComment
        )
    }

    /// An unquoted word equal to `word` in any case.
    pub fn is_word(&self, word: &str) -> bool {
        self.kind == TokenKind::Word && self.text.eq_ignore_ascii_case(word)
    }

    /// A constant: a string, a number, or what redaction left of one.
    pub fn is_literal(&self) -> bool {
        matches!(
            self.kind,
            TokenKind::String(_)
                | TokenKind::Integer
                | TokenKind::Decimal
                | TokenKind::Redacted
                | TokenKind::Unterminated(Open::String(_))
        )
    }

    /// An identifier or keyword, quoted or not.
    pub fn is_name(&self) -> bool {
        matches!(
            self.kind,
            TokenKind::Word | TokenKind::QuotedIdent | TokenKind::UnicodeIdent
        )
    }

    /// The name as the server sees it: unquoted words in lower case, quotes and Unicode escapes resolved (with the
    /// escape character `\`; see [`Token::identifier_escaped`]), cut to [`IDENTIFIER_BYTES`]. `None` when this is no
    /// identifier.
    pub fn identifier(&self) -> Option<String> {
        self.identifier_escaped('\\')
    }

    /// Like [`Token::identifier`], for a `U&"…"` that is followed by `UESCAPE 'c'`.
    pub fn identifier_escaped(&self, escape: char) -> Option<String> {
        identifier::value(self, escape)
    }

    /// Like [`Token::identifier_escaped`], not cut: where the server cuts depends on its database's encoding.
    pub fn whole_identifier(&self, escape: char) -> Option<String> {
        identifier::whole(self, escape)
    }

    /// The characters that a string constant stands for: quotes removed, escapes resolved, continued lines joined.
    /// `None` when this is no string.
    ///
    /// Bit strings give their digits. Escapes that the server rejects are kept as written.
    pub fn string_value(&self) -> Option<String> {
        literal::value(self)
    }
}

/// The tokens of `text`, trivia included, exactly as the server cuts it.
pub fn tokens(text: &str) -> Tokens<'_> {
    Tokens {
        scanner: scan::Scanner::new(text, scan::Redaction::Unknown),
    }
}

/// The tokens of `text`, where constants may have been replaced by redaction tokens (`‹text#1›`, which the server would
/// read as something else).
///
/// Not for deciding what is safe to run: use [`tokens`] there.
pub fn redacted_tokens(text: &str) -> Tokens<'_> {
    Tokens {
        scanner: scan::Scanner::new(text, scan::Redaction::Recognised),
    }
}

/// Iterator over the tokens of a text.
#[derive(Debug, Clone)]
pub struct Tokens<'a> {
    scanner: scan::Scanner<'a>,
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        self.scanner.token()
    }
}

#[cfg(test)]
mod tests;
