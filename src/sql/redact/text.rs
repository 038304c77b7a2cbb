//! Constants in SQL text and in the expressions of plans.

use super::context::{Context, Keep};
use super::{Kind, Redactor};
use crate::sql::lexer::{Open, StringStyle, Token, TokenKind, redacted_tokens};

impl Redactor {
    /// SQL text with every constant replaced and every comment removed; also for the expressions of a plan.
    ///
    /// Kept, because they are part of the statement's shape: parameters, type modifiers (`numeric(8,2)`), array
    /// subscripts, positions in GROUP BY and ORDER BY, and the unit of `date_trunc('day', …)`. A literal that the end
    /// of the text cut off is replaced like any other. Where the text was evidently written for
    /// `standard_conforming_strings = off`, everything from the first string in doubt becomes one token.
    pub fn sql(&mut self, text: &str) -> String {
        let all: Vec<Token<'_>> = redacted_tokens(text).collect();
        let doubtful = first_doubtful_string(&all);
        let sure = all.get(..doubtful.unwrap_or(all.len())).unwrap_or(&all);
        let mut output = String::with_capacity(text.len());
        let mut context = Context::default();
        for (index, token) in sure.iter().enumerate() {
            let after = all.get(index + 1..).unwrap_or_default();
            if is_comment(token) {
                separate(&mut output, after.first());
                continue;
            }
            let keep = context.judge(token, after.iter().find(|next| !next.is_trivia()));
            output.push_str(&self.written(token, keep));
            context.pass(token);
        }
        if let Some(rest) = all
            .get(sure.len())
            .and_then(|first| text.get(first.start..))
        {
            output.push_str(&self.token(Kind::Text, rest));
        }
        output
    }

    fn written(&mut self, token: &Token<'_>, keep: Keep) -> String {
        match token.kind {
            TokenKind::Integer | TokenKind::String(_) if keep == Keep::AsWritten => {
                token.text.to_owned()
            }
            TokenKind::Integer | TokenKind::Decimal => self.token(Kind::Number, token.text),
            TokenKind::String(StringStyle::Bits | StringStyle::Hex) => {
                self.token(Kind::Bits, &token.string_value().unwrap_or_default())
            }
            TokenKind::String(_) => self.value(&token.string_value().unwrap_or_default()),
            TokenKind::Unterminated(_) => self.token(Kind::Text, token.text),
            TokenKind::Redacted => self.met(token.text),
            _ => token.text.to_owned(),
        }
    }
}

fn is_comment(token: &Token<'_>) -> bool {
    matches!(
        token.kind,
        TokenKind::LineComment
            | TokenKind::BlockComment
            | TokenKind::Unterminated(Open::BlockComment)
    )
}

/// Keeps the neighbours of a removed comment apart.
fn separate(output: &mut String, next: Option<&Token<'_>>) {
    let spaced = output.is_empty()
        || output.ends_with(|last: char| last.is_ascii_whitespace())
        || next.is_none_or(|next| next.kind == TokenKind::Whitespace);
    if !spaced {
        output.push(' ');
    }
}

/// The first string that ends in a backslash, if the rest of the text shows that this backslash escaped its quote.
///
/// With `standard_conforming_strings = off`, `'it\'s'` is one string. Read by the standard, an odd number of such
/// quotes leaves a literal open at the end, and of two the second's backslash lies outside of all literals, where none
/// can be.
fn first_doubtful_string(all: &[Token<'_>]) -> Option<usize> {
    let first = all.iter().position(|token| {
        token.kind == TokenKind::String(StringStyle::Standard)
            && token.text.strip_suffix('\'').is_some_and(|body| {
                body.bytes().rev().take_while(|byte| *byte == b'\\').count() % 2 == 1
            })
    })?;
    let contradicted = all.get(first + 1..)?.iter().any(|token| {
        matches!(token.kind, TokenKind::Unterminated(_))
            || (token.kind == TokenKind::Other && token.text == "\\")
    });
    contradicted.then_some(first)
}
