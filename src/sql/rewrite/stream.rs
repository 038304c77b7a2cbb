//! Statement text as tokens whose parentheses are matched, and edits of that text.

use std::ops::Range;

use crate::sql::lexer::{self, Token, TokenKind};

/// The tokens of a text without its trivia. Every look-up is total: what lies outside is `None` or `false`.
#[derive(Debug, Clone)]
pub struct Stream<'a> {
    text: &'a str,
    tokens: Vec<Token<'a>>,
    partner: Vec<Option<usize>>,
    opener: Vec<Option<usize>>,
    position: Vec<usize>,
}

impl<'a> Stream<'a> {
    /// Cuts `text`, where constants may have been replaced by redaction tokens.
    pub fn new(text: &'a str) -> Self {
        let tokens: Vec<_> = lexer::redacted_tokens(text)
            .filter(|token| !token.is_trivia())
            .collect();
        let mut partner = vec![None; tokens.len()];
        let mut opener = Vec::with_capacity(tokens.len());
        let mut position = Vec::with_capacity(tokens.len());
        let mut open: Vec<usize> = Vec::new();
        let mut commas = vec![0];
        for (index, token) in tokens.iter().enumerate() {
            if let (true, Some(start)) = (matches!(token.text, ")" | "]"), open.last().copied()) {
                open.pop();
                commas.pop();
                if let Some(slot) = partner.get_mut(start) {
                    *slot = Some(index);
                }
                if let Some(slot) = partner.get_mut(index) {
                    *slot = Some(start);
                }
            }
            opener.push(open.last().copied());
            position.push(commas.last().copied().unwrap_or_default());
            if token.kind == TokenKind::Punctuation && matches!(token.text, "(" | "[") {
                open.push(index);
                commas.push(0);
            } else if token.text == ","
                && let Some(count) = commas.last_mut()
            {
                *count += 1;
            }
        }
        Self {
            text,
            tokens,
            partner,
            opener,
            position,
        }
    }

    /// The text that was cut.
    pub fn text(&self) -> &'a str {
        self.text
    }

    /// How many tokens there are.
    pub fn len(&self) -> usize {
        self.tokens.len()
    }

    /// The token at `index`.
    pub fn get(&self, index: usize) -> Option<&Token<'a>> {
        self.tokens.get(index)
    }

    /// The token before `index`.
    pub fn before(&self, index: usize) -> Option<&Token<'a>> {
        self.tokens.get(index.checked_sub(1)?)
    }

    /// Whether an unquoted word equal to `word` stands at `index`.
    pub fn word(&self, index: usize, word: &str) -> bool {
        self.get(index).is_some_and(|token| token.is_word(word))
    }

    /// Whether one of `words` stands unquoted at `index`.
    pub fn any_word(&self, index: usize, words: &[&str]) -> bool {
        words.iter().any(|word| self.word(index, word))
    }

    /// Whether `words` stand one after the other from `index`.
    pub fn words(&self, index: usize, words: &[&str]) -> bool {
        words
            .iter()
            .enumerate()
            .all(|(offset, word)| self.word(index + offset, word))
    }

    /// Whether the punctuation or operator `sign` stands at `index`.
    pub fn sign(&self, index: usize, sign: &str) -> bool {
        self.get(index).is_some_and(|token| {
            token.text == sign
                && matches!(
                    token.kind,
                    TokenKind::Punctuation | TokenKind::Operator | TokenKind::Typecast
                )
        })
    }

    /// The number of the parameter at `index`.
    pub fn parameter(&self, index: usize) -> Option<u32> {
        parameter_number(self.get(index)?)
    }

    /// The other end of the parenthesis or bracket at `index`.
    pub fn partner(&self, index: usize) -> Option<usize> {
        self.partner.get(index).copied().flatten()
    }

    /// The innermost `(` or `[` around the token at `index`.
    pub fn opener(&self, index: usize) -> Option<usize> {
        self.opener.get(index).copied().flatten()
    }

    /// How many commas stand before the token at `index` in the same parentheses: which argument, column or value it
    /// belongs to.
    pub fn position(&self, index: usize) -> usize {
        self.position.get(index).copied().unwrap_or_default()
    }

    /// The tokens from `from` up to, and without, `to` that are in the same parentheses as `from`; a parenthesis itself
    /// counts, its contents do not.
    pub fn level(&self, from: usize, to: usize) -> impl Iterator<Item = usize> + '_ {
        let mut next = from;
        std::iter::from_fn(move || {
            let index = next;
            if index >= to.min(self.len()) {
                return None;
            }
            next = match self.partner(index) {
                Some(end) if end > index + 1 => end,
                _ => index + 1,
            };
            Some(index)
        })
    }

    /// The parts between commas of what the parentheses opened at `open` hold, as token ranges. Empty parentheses have
    /// none.
    pub fn arguments(&self, open: usize) -> Vec<Range<usize>> {
        let Some(close) = self.partner(open) else {
            return Vec::new();
        };
        if close <= open + 1 {
            return Vec::new();
        }
        let mut parts = Vec::new();
        let mut start = open + 1;
        for index in self.level(open + 1, close) {
            if self.sign(index, ",") {
                parts.push(start..index);
                start = index + 1;
            }
        }
        parts.push(start..close);
        parts
    }

    /// The text from token `range.start` up to, and without, token `range.end`, comments between them included.
    pub fn slice(&self, range: Range<usize>) -> &'a str {
        let Some(last) = range.end.checked_sub(1).filter(|last| *last >= range.start) else {
            return "";
        };
        match (self.get(range.start), self.get(last)) {
            (Some(first), Some(last)) => self
                .text
                .get(first.start..last.span().end)
                .unwrap_or_default(),
            _ => "",
        }
    }

    /// The bytes that the tokens of `range` cover.
    pub fn bytes(&self, range: Range<usize>) -> Range<usize> {
        let start = self
            .get(range.start)
            .map_or(self.text.len(), |token| token.start);
        let end = range
            .end
            .checked_sub(1)
            .and_then(|last| self.get(last))
            .map_or(start, |token| token.span().end);
        start..end.max(start)
    }
}

/// The number of a `$n` token. `None` for other tokens and for numbers beyond the 65,535 parameters that the protocol
/// can bind.
pub fn parameter_number(token: &Token<'_>) -> Option<u32> {
    if token.kind != TokenKind::Param {
        return None;
    }
    token.text.get(1..)?.parse().ok().filter(|n| *n <= 65_535)
}

/// Replacements in a text, applied at once.
#[derive(Debug, Clone, Default)]
pub struct Edits {
    edits: Vec<(Range<usize>, String)>,
}

impl Edits {
    /// Puts `text` in the place of the bytes of `range`.
    pub fn replace(&mut self, range: Range<usize>, text: impl Into<String>) {
        self.edits.push((range, text.into()));
    }

    /// Puts `text` before the byte `at`.
    pub fn insert(&mut self, at: usize, text: impl Into<String>) {
        self.replace(at..at, text);
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.edits.is_empty()
    }

    /// `text` with the edits made. An edit inside another one's range is dropped: the first one counts.
    pub fn apply(mut self, text: &str) -> String {
        self.edits
            .sort_by_key(|(range, _)| (range.start, range.end));
        let mut out = String::with_capacity(text.len() + 16 * self.edits.len());
        let mut done = 0;
        for (range, new) in self.edits {
            if range.start < done {
                continue;
            }
            out.push_str(text.get(done..range.start).unwrap_or_default());
            out.push_str(&new);
            done = range.end;
        }
        out.push_str(text.get(done..).unwrap_or_default());
        out
    }
}
