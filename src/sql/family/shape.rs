//! A text's tokens with what varies taken out.

use std::borrow::Cow;

use crate::sql::lexer::{Open, Token, TokenKind, redacted_tokens};
use crate::sql::mentions::is_reserved;
use crate::sql::redact::context::{Context, Keep};

/// The most pieces one inside of the other that are read as a tree. Dropping a tree recurses, and with it a chain of
/// operators, which is as deep as it is long: this many fit a stack of 2 MiB in an unoptimised build.
const MAX_DEPTH: usize = 3_000;

/// What a parenthesis counts for: sqlparser takes several calls to a level.
const PARENTHESIS: usize = 50;

/// Words that an operand follows, so that a minus behind them is a sign.
const BEFORE_OPERAND: [&str; 16] = [
    "select", "when", "then", "else", "and", "or", "not", "by", "limit", "offset", "like", "ilike",
    "between", "from", "for", "where",
];

/// The text of a constant in the canonical form.
pub(super) const CONSTANT: &str = "?";

/// The text of one or more constants in a list.
pub(super) const CONSTANTS: &str = "?…";

/// What a piece is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A constant or parameter.
    Constant,
    /// One or more of them in a list.
    Constants,
    /// An unquoted word, in lower case.
    Word,
    /// An identifier in quotes, normalised to `"…"`.
    Quoted,
    /// An integer that is part of the shape: a position, a type modifier, a subscript.
    Integer,
    /// An operator, `::`, `:=`, `=>`.
    Operator,
    /// A parenthesis, a comma, and the like.
    Punctuation,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Piece<'a> {
    kind: Kind,
    text: Cow<'a, str>,
}

impl Piece<'_> {
    fn is_word(&self, word: &str) -> bool {
        self.kind == Kind::Word && self.text == word
    }

    fn is_name(&self) -> bool {
        matches!(self.kind, Kind::Word | Kind::Quoted)
    }

    fn is(&self, text: &str) -> bool {
        matches!(self.kind, Kind::Punctuation | Kind::Operator) && self.text == text
    }
}

/// What [`Pieces::sql`] made of locking clauses, to be undone in the canonical text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lock {
    /// None, or FOR UPDATE and FOR SHARE.
    AsWritten,
    /// FOR NO KEY UPDATE, now FOR UPDATE.
    NoKeyUpdate,
    /// FOR KEY SHARE, now FOR SHARE.
    KeyShare,
    /// More than one, a weaker one among them.
    Several,
}

impl Lock {
    /// The canonical text with the lock that was written.
    pub(super) fn restored(self, canonical: String) -> Option<String> {
        let (from, to) = match self {
            Self::AsWritten => return Some(canonical),
            Self::NoKeyUpdate => (" FOR UPDATE", " FOR NO KEY UPDATE"),
            Self::KeyShare => (" FOR SHARE", " FOR KEY SHARE"),
            Self::Several => return None,
        };
        let (before, after) = canonical.rsplit_once(from)?;
        Some(format!("{before}{to}{after}"))
    }
}

/// The pieces of one text.
#[derive(Debug, Clone, Default)]
pub(super) struct Pieces<'a> {
    all: Vec<Piece<'a>>,
    /// Where the open parentheses and brackets stand.
    open: Vec<usize>,
    /// The row of a VALUES list that was closed last: its first piece and the one after its last.
    row: Option<(usize, usize)>,
}

impl<'a> Pieces<'a> {
    /// Comments and white space gone, constants replaced, lists of them and equal rows folded, words in lower case.
    pub(super) fn of(text: &'a str) -> Self {
        let tokens: Vec<Token<'a>> = redacted_tokens(text)
            .filter(|token| {
                !token.is_trivia() && token.kind != TokenKind::Unterminated(Open::BlockComment)
            })
            .collect();
        let mut pieces = Self::default();
        let mut context = Context::default();
        let mut index = 0;
        while let Some(token) = tokens.get(index) {
            let next = tokens.get(index + 1);
            let keep = context.judge(token, next);
            context.pass(token);
            let rest = tokens.get(index + 1..).unwrap_or_default();
            index += 1 + pieces.take(token, keep, rest);
        }
        pieces.end();
        pieces
    }

    /// Adds `token`. Gives how many of the tokens after it are covered too.
    fn take(&mut self, token: &Token<'a>, keep: Keep, rest: &[Token<'a>]) -> usize {
        match token.kind {
            TokenKind::Integer if keep == Keep::AsWritten => self.push(Kind::Integer, token.text),
            TokenKind::Param
            | TokenKind::Integer
            | TokenKind::Decimal
            | TokenKind::Redacted
            | TokenKind::String(_)
            | TokenKind::Unterminated(Open::String(_)) => {
                self.constant();
                if let [word, _, ..] = rest
                    && word.is_word("uescape")
                {
                    return 2;
                }
            }
            TokenKind::Typecast if self.ends_in_constant() => return type_length(rest),
            TokenKind::Word => self.word(token.text),
            TokenKind::QuotedIdent
            | TokenKind::UnicodeIdent
            | TokenKind::Unterminated(Open::QuotedIdent | Open::UnicodeIdent) => {
                self.push(Kind::Quoted, quoted(token));
            }
            TokenKind::Operator if token.text == "!=" => self.push(Kind::Operator, "<>"),
            TokenKind::Operator
            | TokenKind::Typecast
            | TokenKind::ColonEquals
            | TokenKind::EqualsGreater => self.push(Kind::Operator, token.text),
            TokenKind::Punctuation | TokenKind::DotDot | TokenKind::Other => {
                self.punctuation(token.text);
            }
            TokenKind::Whitespace
            | TokenKind::LineComment
            | TokenKind::BlockComment
            | TokenKind::Unterminated(Open::BlockComment) => {}
        }
        0
    }

    fn push(&mut self, kind: Kind, text: impl Into<Cow<'a, str>>) {
        self.all.push(Piece {
            kind,
            text: text.into(),
        });
    }

    fn word(&mut self, text: &'a str) {
        let is_value = ["null", "true", "false"]
            .iter()
            .any(|value| text.eq_ignore_ascii_case(value));
        // After words such as IS, NOT and SET these are syntax.
        if is_value && self.all.last().is_some_and(starts_operand) {
            self.push(Kind::Constant, CONSTANT);
        } else if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            self.push(Kind::Word, text.to_ascii_lowercase());
        } else {
            self.push(Kind::Word, text);
        }
    }

    fn ends_in_constant(&self) -> bool {
        self.all
            .last()
            .is_some_and(|piece| piece.kind == Kind::Constant)
    }

    /// A constant, which takes the sign before it along where that is no subtraction.
    fn constant(&mut self) {
        if let [before @ .., sign] = self.all.as_slice()
            && (sign.is("-") || sign.is("+"))
            && before.last().is_none_or(|before| {
                starts_operand(before) || BEFORE_OPERAND.iter().any(|word| before.is_word(word))
            })
        {
            self.all.pop();
        }
        self.push(Kind::Constant, CONSTANT);
    }

    fn punctuation(&mut self, text: &'a str) {
        match text {
            "(" | "[" => {
                self.open.push(self.all.len());
                self.push(Kind::Punctuation, text);
            }
            ")" | "]" => {
                self.push(Kind::Punctuation, text);
                if let Some(start) = self.open.pop() {
                    self.close(start);
                }
            }
            _ => self.push(Kind::Punctuation, text),
        }
    }

    /// Folds what the bracket at `start` encloses, now that it is closed.
    fn close(&mut self, start: usize) {
        let before = start.checked_sub(1).and_then(|index| self.all.get(index));
        let Some(before) = before.filter(|before| before.kind != Kind::Constant) else {
            return;
        };
        if before.is_word("array") && self.holds_constants(start) {
            self.all.truncate(start - 1);
            self.constant();
        } else if before.is_word("in") {
            self.fold_list(start);
        } else if before.is_word("any") || before.is_word("some") || before.is_word("all") {
            self.fold_array(start);
        } else if before.is_word("values") || before.is(",") {
            self.fold_row(start);
        }
    }

    /// Whether the bracket at `start`, the last one closed, holds constants and commas only, or nothing.
    fn holds_constants(&self, start: usize) -> bool {
        self.inside(start)
            .iter()
            .all(|piece| matches!(piece.kind, Kind::Constant | Kind::Constants) || piece.is(","))
    }

    fn inside(&self, start: usize) -> &[Piece<'a>] {
        let end = self.all.len().saturating_sub(1);
        self.all.get(start + 1..end).unwrap_or_default()
    }

    /// `(?, ?, ?)` → `(?…)`, and `((?, ?), (?, ?))` → `((?, ?), ?…)`.
    fn fold_list(&mut self, start: usize) {
        let keep = if self.holds_constants(start) && !self.inside(start).is_empty() {
            start + 1
        } else if let Some(length) = equal_rows(self.inside(start)) {
            let end = start + 1 + length;
            self.all.truncate(end);
            self.push(Kind::Punctuation, ",");
            end + 1
        } else {
            return;
        };
        self.all.truncate(keep);
        self.push(Kind::Constants, CONSTANTS);
        self.push(Kind::Punctuation, ")");
    }

    /// `= any (?)` → `in (?…)`, `<> all (?)` → `not in (?…)`.
    fn fold_array(&mut self, start: usize) {
        let single = matches!(self.inside(start), [piece] if piece.kind == Kind::Constant);
        let Some([operator, word]) = start
            .checked_sub(2)
            .and_then(|first| self.all.get(first..start))
        else {
            return;
        };
        let negated = operator.is("<>") && word.is_word("all");
        let plain = operator.is("=") && !word.is_word("all");
        if !single || !(negated || plain) {
            return;
        }
        self.all.truncate(start - 2);
        if negated {
            self.push(Kind::Word, "not");
        }
        self.push(Kind::Word, "in");
        self.push(Kind::Punctuation, "(");
        self.push(Kind::Constants, CONSTANTS);
        self.push(Kind::Punctuation, ")");
    }

    /// Drops a VALUES row that has the shape of the row before it.
    fn fold_row(&mut self, start: usize) {
        let end = self.all.len();
        let first = self
            .all
            .get(start - 1)
            .is_some_and(|before| before.is_word("values"));
        match self.row {
            _ if first => self.row = Some((start, end)),
            Some((before, before_end)) if before_end + 1 == start => {
                if self.all.get(before..before_end) == self.all.get(start..end) {
                    self.all.truncate(before_end);
                } else {
                    self.row = Some((start, end));
                }
            }
            _ => {}
        }
    }

    /// Drops closing semicolons, and names that programs number.
    fn end(&mut self) {
        while self.all.last().is_some_and(|piece| piece.is(";")) {
            self.all.pop();
        }
        let Some(first) = self.all.first() else {
            return;
        };
        let named = match first.text.as_ref() {
            "savepoint" | "release" | "rollback" | "deallocate" | "close" | "fetch" | "move" => {
                self.all.len() - 1
            }
            "declare" | "prepare" | "execute" => 1,
            _ => return,
        };
        if named == 0 || first.kind != Kind::Word {
            return;
        }
        if let Some(piece) = self.all.get_mut(named)
            && piece.is_name()
            && (piece.kind == Kind::Quoted || piece.text.bytes().any(|byte| byte.is_ascii_digit()))
        {
            piece.kind = Kind::Constant;
            piece.text = CONSTANT.into();
        }
    }

    /// Whether a tree of it could be too deep. What stands between two commas may nest as deep as it has pieces.
    pub(super) fn is_too_complex(&self) -> bool {
        let mut outer = Vec::new();
        let mut depth = 0_usize;
        let mut base = 0_usize;
        for piece in &self.all {
            if piece.is("(") || piece.is("[") {
                outer.push((base, depth));
                depth += PARENTHESIS;
                base = depth;
            } else if piece.is(")") || piece.is("]") {
                (base, depth) = outer.pop().unwrap_or((0, depth));
            } else if piece.is(",") {
                depth = base;
            }
            depth += 1;
            if depth > MAX_DEPTH {
                return true;
            }
        }
        false
    }

    /// As text that a parser of SQL reads: constants are `'?'`, `TABLE t` is a SELECT, and weaker locks are [`Lock`].
    pub(super) fn sql(&self) -> String {
        let weaker = self.weaker_locks();
        self.joined(|index, piece, output| match piece.kind {
            Kind::Constant | Kind::Constants => {
                output.push('\'');
                output.push_str(&piece.text);
                output.push('\'');
            }
            Kind::Word if index == 0 && piece.text == "table" => output.push_str("select * from"),
            Kind::Word if weaker.contains(&index) => {}
            _ => output.push_str(&piece.text),
        })
    }

    /// Where the words NO and KEY of FOR NO KEY UPDATE and FOR KEY SHARE stand, which the parser does not know.
    fn weaker_locks(&self) -> Vec<usize> {
        let mut words = Vec::new();
        for (index, piece) in self.all.iter().enumerate() {
            if !piece.is_word("for") {
                continue;
            }
            match self.all.get(index + 1..).unwrap_or_default() {
                [no, key, update, ..]
                    if no.is_word("no") && key.is_word("key") && update.is_word("update") =>
                {
                    words.extend([index + 1, index + 2]);
                }
                [key, share, ..] if key.is_word("key") && share.is_word("share") => {
                    words.push(index + 1);
                }
                _ => {}
            }
        }
        words
    }

    /// The locking clause of a text with one.
    pub(super) fn lock(&self) -> Lock {
        let clauses = self.all.windows(2).filter(|pair| match pair {
            [word, lock] => {
                word.is_word("for")
                    && ["update", "share", "no", "key"]
                        .iter()
                        .any(|known| lock.is_word(known))
            }
            _ => false,
        });
        match (clauses.count(), self.weaker_locks().len()) {
            (_, 0) => Lock::AsWritten,
            (1, 1) => Lock::KeyShare,
            (1, _) => Lock::NoKeyUpdate,
            _ => Lock::Several,
        }
    }

    /// As canonical text: words in lower case, blanks where a person would put them.
    pub(super) fn text(&self) -> String {
        self.joined(|_, piece, output| match piece.kind {
            Kind::Quoted => output.push_str(unquoted_if_plain(&piece.text)),
            _ => output.push_str(&piece.text),
        })
    }

    fn joined(&self, write: impl Fn(usize, &Piece<'_>, &mut String)) -> String {
        let mut output = String::new();
        let mut previous: Option<&Piece<'_>> = None;
        for (index, piece) in self.all.iter().enumerate() {
            if previous.is_some_and(|previous| spaced(previous, piece)) {
                output.push(' ');
            }
            write(index, piece, &mut output);
            previous = Some(piece);
        }
        output
    }
}

/// Whether an operand, and nothing else, follows `piece`.
fn starts_operand(piece: &Piece<'_>) -> bool {
    match piece.kind {
        Kind::Operator => true,
        Kind::Punctuation => matches!(piece.text.as_ref(), "(" | "," | "["),
        _ => false,
    }
}

/// Whether a blank stands between two pieces.
fn spaced(previous: &Piece<'_>, piece: &Piece<'_>) -> bool {
    let tight_after = ["(", "[", ".", "::", ":"]
        .iter()
        .any(|text| previous.is(text));
    let tight_before = [",", ")", "]", ".", "::", ";", ":", "["]
        .iter()
        .any(|text| piece.is(text));
    let call = piece.is("(") && previous.is_name() && !is_reserved(&previous.text);
    // `array[` is one word to the eye, `in [` is nothing.
    !(tight_after || tight_before || call)
}

/// The length of the first row when `inside` is two or more rows of one shape, or a single row.
fn equal_rows(inside: &[Piece<'_>]) -> Option<usize> {
    if !inside.first()?.is("(") {
        return None;
    }
    let end = inside.iter().position(|piece| piece.is(")"))?;
    let row = inside.get(..=end)?;
    let constant = row
        .get(1..end)?
        .iter()
        .all(|piece| matches!(piece.kind, Kind::Constant | Kind::Constants) || piece.is(","));
    let mut rest = inside.get(end + 1..)?;
    while let [comma, after @ ..] = rest {
        if !comma.is(",") || !after.starts_with(row) {
            return None;
        }
        rest = after.get(row.len()..)?;
    }
    constant.then_some(row.len())
}

/// How many tokens the type name at the start of `rest` takes, modifiers and array bounds included.
fn type_length(rest: &[Token<'_>]) -> usize {
    let mut length = 0;
    let word = |index: usize, words: &[&str]| {
        rest.get(index)
            .is_some_and(|token: &Token<'_>| words.iter().any(|word| token.is_word(word)))
    };
    let text = |index: usize| rest.get(index).map_or("", |token| token.text);
    if !rest.first().is_some_and(Token::is_name) {
        return 0;
    }
    length += 1;
    while text(length) == "." && rest.get(length + 1).is_some_and(Token::is_name) {
        length += 2;
    }
    if word(length, &["precision", "varying"]) {
        length += 1;
    }
    if text(length) == "(" {
        let close = rest.iter().skip(length).position(|token| token.text == ")");
        length += close.map_or(0, |close| close + 1);
    }
    if word(length, &["with", "without"])
        && word(length + 1, &["time"])
        && word(length + 2, &["zone"])
    {
        length += 3;
    }
    while text(length) == "[" {
        let close = rest.iter().skip(length).position(|token| token.text == "]");
        let Some(close) = close else {
            break;
        };
        length += close + 1;
    }
    length
}

/// The identifier in `"…"` form, Unicode escapes resolved.
fn quoted<'a>(token: &Token<'a>) -> Cow<'a, str> {
    match (token.kind, token.identifier()) {
        (TokenKind::UnicodeIdent, Some(name)) => {
            Cow::Owned(format!("\"{}\"", name.replace('"', "\"\"")))
        }
        _ => Cow::Borrowed(token.text),
    }
}

fn unquoted_if_plain(text: &str) -> &str {
    let name = text
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'));
    name.filter(|name| is_plain(name)).unwrap_or(text)
}

/// Whether an identifier means the same without quotes.
pub(super) fn is_plain(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_lowercase() || first == '_' || !first.is_ascii())
        && name.chars().all(|character| {
            character.is_ascii_lowercase()
                || character.is_ascii_digit()
                || matches!(character, '_' | '$')
                || !character.is_ascii()
        })
}
