//! Cuts a file into statements where psql would, and where a comment names the next one.

use crate::sql::lexer::{Token, TokenKind, tokens};

use super::comments::{names, speaks_to_us};

/// A stretch of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece<'t> {
    /// The line of its first word, from 1.
    pub line: u32,
    /// What it is.
    pub content: Content<'t>,
}

/// What a stretch of a file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Content<'t> {
    /// A statement without its semicolon, and the comments above it, each with its line; those for this program may
    /// stand in it, too, or behind it on its last line.
    Statement {
        text: &'t str,
        comments: Vec<(u32, &'t str)>,
    },
    /// A line for psql itself.
    Meta(&'t str),
    /// The rows after COPY … FROM STDIN.
    Data,
    /// Comments below the last statement, each with its line.
    Comments(Vec<(u32, &'t str)>),
}

impl Content<'_> {
    /// What it is called.
    pub(super) const fn word(&self) -> &'static str {
        match self {
            Self::Statement { .. } => "statement",
            Self::Meta(_) => "psql meta-command",
            Self::Data => "COPY data",
            Self::Comments(_) => "comments",
        }
    }
}

/// The stretches of a file in their order.
pub(super) fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut cutter = Cutter {
        text,
        lines: Lines::of(text),
        pieces: Vec::new(),
        comments: Vec::new(),
        open: None,
        end: 0,
        nesting: Nesting::default(),
    };
    cutter.cut();
    cutter.pieces
}

/// The beginnings of psql's commands that send the statement before them.
const SENDING: [&str; 5] = ["\\g", "\\;", "\\bind", "\\crosstabview", "\\watch"];

struct Cutter<'t> {
    text: &'t str,
    lines: Lines,
    pieces: Vec<Piece<'t>>,
    /// The comments above the statement to come.
    comments: Vec<(u32, &'t str)>,
    /// Where the statement at hand began.
    open: Option<usize>,
    /// Where its last word ended.
    end: usize,
    nesting: Nesting,
}

impl<'t> Cutter<'t> {
    fn cut(&mut self) {
        let mut from = 0;
        while let Some(rest) = self.text.get(from..).filter(|rest| !rest.is_empty()) {
            from = self.cut_from(from, rest);
        }
        self.close();
        if let Some((line, _)) = self.comments.first() {
            self.pieces.push(Piece {
                line: *line,
                content: Content::Comments(std::mem::take(&mut self.comments)),
            });
        }
    }

    /// Reads tokens until something makes it begin anew behind: a meta-command, or data. Returns where.
    fn cut_from(&mut self, from: usize, rest: &'t str) -> usize {
        for token in tokens(rest) {
            let start = from + token.start;
            let end = start + token.text.len();
            match token.kind {
                TokenKind::Whitespace => {}
                TokenKind::LineComment | TokenKind::BlockComment => self.comment(start, &token),
                TokenKind::Other if token.text == "\\" => return self.meta(start),
                TokenKind::Punctuation if token.text == ";" && self.nesting.is_top() => {
                    let copies = self.open.is_some_and(|open| {
                        copies_from_stdin(self.text.get(open..self.end).unwrap_or_default())
                    });
                    self.close();
                    if copies {
                        return self.data(end);
                    }
                }
                _ => {
                    self.open.get_or_insert(start);
                    self.end = end;
                    self.nesting.see(&token);
                }
            }
        }
        self.text.len()
    }

    /// A comment above a statement belongs to it; one inside belongs to the text, unless it names the next statement:
    /// several tools let that stand for the semicolon.
    fn comment(&mut self, start: usize, token: &Token<'t>) {
        if self.open.is_some() && self.nesting.is_top() && names(token.text) {
            self.close();
        }
        let own = speaks_to_us(token.text) && !names(token.text);
        if self.open.is_some() && !own {
            return;
        }
        let comment = (self.lines.line(start), token.text);
        match self.ended_on(comment.0).filter(|_| own) {
            Some(comments) => comments.push(comment),
            None => self.comments.push(comment),
        }
    }

    /// The comments of the statement that has ended on this line, while there is no other one.
    fn ended_on(&mut self, line: u32) -> Option<&mut Vec<(u32, &'t str)>> {
        let last = self.end.checked_sub(1)?;
        if self.open.is_some() || self.lines.line(last) != line {
            return None;
        }
        match &mut self.pieces.last_mut()?.content {
            Content::Statement { comments, .. } => Some(comments),
            Content::Meta(_) | Content::Data | Content::Comments(_) => None,
        }
    }

    fn close(&mut self) {
        self.nesting = Nesting::default();
        if let Some(open) = self.open.take()
            && let Some(text) = self.text.get(open..self.end)
        {
            let comments = std::mem::take(&mut self.comments);
            self.pieces.push(Piece {
                line: self.lines.line(open),
                content: Content::Statement { text, comments },
            });
        }
    }

    /// A backslash outside of literals begins a command of psql, which ends with its line. `\g` and the like send the
    /// statement before it.
    fn meta(&mut self, start: usize) -> usize {
        let line = self.lines.line(start);
        let rest = self.text.get(start..).unwrap_or_default();
        let length = rest.find('\n').map_or(rest.len(), |at| at + 1);
        let command = rest.get(..length).unwrap_or_default().trim_end();
        if SENDING.iter().any(|sending| command.starts_with(sending)) {
            self.close();
        }
        self.pieces.push(Piece {
            line,
            content: Content::Meta(command),
        });
        if command.starts_with("\\copy") && copies_from_stdin(command.get(1..).unwrap_or_default())
        {
            return self.data(start + length);
        }
        start + length
    }

    /// The rows end with a line `\.`, or with the file. They begin on the line below that of the byte before `end`.
    fn data(&mut self, end: usize) -> usize {
        let rest = self.text.get(end..).unwrap_or_default();
        let begun = self
            .text
            .get(..end)
            .is_some_and(|before| before.ends_with('\n'));
        let mut at = if begun {
            0
        } else {
            rest.find('\n').map_or(rest.len(), |at| at + 1)
        };
        self.pieces.push(Piece {
            line: self.lines.line(end + at),
            content: Content::Data,
        });
        while let Some(line) = rest
            .get(at..)
            .and_then(|rest| rest.split_inclusive('\n').next())
        {
            at += line.len();
            if line.trim_end() == "\\." {
                break;
            }
        }
        end + at
    }
}

/// Where a semicolon does not end a statement: in parentheses (CREATE RULE), and in the body of a function (BEGIN
/// ATOMIC … END).
#[derive(Debug, Clone, Copy, Default)]
struct Nesting {
    parentheses: usize,
    blocks: usize,
    after_begin: bool,
}

impl Nesting {
    const fn is_top(self) -> bool {
        self.parentheses == 0 && self.blocks == 0
    }

    fn see(&mut self, token: &Token<'_>) {
        match token.text {
            "(" => self.parentheses += 1,
            ")" => self.parentheses = self.parentheses.saturating_sub(1),
            _ => {}
        }
        if self.after_begin && token.is_word("atomic") {
            self.blocks = 1;
        } else if self.blocks > 0 && token.is_word("case") {
            self.blocks += 1;
        } else if self.blocks > 0 && token.is_word("end") {
            self.blocks -= 1;
        }
        self.after_begin = token.is_word("begin");
    }
}

fn copies_from_stdin(text: &str) -> bool {
    let words: Vec<Token<'_>> = tokens(text).filter(|token| !token.is_trivia()).collect();
    words.first().is_some_and(|word| word.is_word("copy"))
        && words.windows(2).any(
            |pair| matches!(pair, [from, stdin] if from.is_word("from") && stdin.is_word("stdin")),
        )
}

/// Where the lines of a text begin.
struct Lines(Vec<usize>);

impl Lines {
    fn of(text: &str) -> Self {
        Self(memchr::memchr_iter(b'\n', text.as_bytes()).collect())
    }

    /// The line of a byte, from 1.
    fn line(&self, byte: usize) -> u32 {
        let before = self.0.partition_point(|end| *end < byte);
        u32::try_from(before + 1).unwrap_or(u32::MAX)
    }
}
