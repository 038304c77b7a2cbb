//! A statement on one line.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::sql::lexer::{Token, TokenKind, redacted_tokens};

/// What stands for something left out.
const ELLIPSIS: &str = "…";

/// A list of constants with more items than this is shown by its first.
const SHOWN_CONSTANTS: usize = 3;

/// `text` on one line of at most `width` columns, for reports.
///
/// White space and comments become single blanks, long lists of constants their first. What is still too wide loses the
/// end of its first select list, which says less than the tables and predicates behind it, and only then its end.
pub fn pretty(text: &str, width: usize) -> String {
    let pieces = pieces(text);
    let whole = joined(&pieces);
    if whole.width() <= width {
        return whole;
    }
    let shorter = without_outputs(&pieces, width).unwrap_or(whole);
    cut(&shorter, width)
}

/// A token's text, and whether a blank goes before it.
#[derive(Debug, Clone, Copy)]
struct Piece<'a> {
    token: Option<Token<'a>>,
    text: &'a str,
    blank: bool,
}

impl Piece<'_> {
    fn ellipsis(blank: bool) -> Self {
        Self {
            token: None,
            text: ELLIPSIS,
            blank,
        }
    }

    fn is_word(&self, word: &str) -> bool {
        self.token.is_some_and(|token| token.is_word(word))
    }
}

fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces: Vec<Piece<'_>> = Vec::new();
    let mut blank = false;
    for token in redacted_tokens(text) {
        if token.is_trivia() {
            blank = !pieces.is_empty();
            continue;
        }
        let blank = std::mem::take(&mut blank)
            && !matches!(token.text, ")" | ",")
            && pieces.last().is_none_or(|last| last.text != "(");
        pieces.push(Piece {
            token: Some(token),
            text: token.text,
            blank,
        });
        if token.text == ")" {
            shorten_list(&mut pieces);
        }
    }
    while pieces.last().is_some_and(|last| last.text == ";") {
        pieces.pop();
    }
    pieces
}

/// `($1, $2, $3, $4)` → `($1, …)`, for the parenthesis that was closed last.
fn shorten_list(pieces: &mut Vec<Piece<'_>>) {
    let mut constants = 0;
    let mut first_end = pieces.len();
    let inside = pieces.iter().enumerate().rev().skip(1);
    for (index, piece) in inside {
        match piece.token {
            Some(token) if token.is_literal() || token.kind == TokenKind::Param => {
                constants += 1;
                first_end = index + 1;
            }
            Some(token) if token.text == "," => {}
            Some(token) if token.text == "(" => break,
            _ => return,
        }
    }
    if constants <= SHOWN_CONSTANTS {
        return;
    }
    let close = pieces.pop();
    pieces.truncate(first_end + 1);
    pieces.push(Piece::ellipsis(true));
    pieces.extend(close);
}

fn joined(pieces: &[Piece<'_>]) -> String {
    let mut output = String::new();
    for piece in pieces {
        if piece.blank {
            output.push(' ');
        }
        // What a literal or a quoted name holds may not break the line.
        output.extend(piece.text.chars().map(|character| {
            if character.is_control() {
                ' '
            } else {
                character
            }
        }));
    }
    output
}

/// As many outputs of the first SELECT as leave room for the rest, but at least one column's worth.
fn without_outputs(pieces: &[Piece<'_>], width: usize) -> Option<String> {
    let start = pieces.iter().position(|piece| piece.is_word("select"))? + 1;
    let mut depth = 0_usize;
    let mut ends = Vec::new();
    let mut from = None;
    for (index, piece) in pieces.iter().enumerate().skip(start) {
        match piece.text {
            "(" | "[" => depth += 1,
            ")" | "]" if depth == 0 => break,
            ")" | "]" => depth -= 1,
            "," if depth == 0 => ends.push(index),
            _ if depth == 0 && piece.is_word("from") => {
                from = Some(index);
                break;
            }
            _ => {}
        }
    }
    let from = from?;
    let head = joined(pieces.get(..start)?);
    let tail = joined(pieces.get(from..)?);
    let room = width.checked_sub(head.width() + tail.width())?;
    // The first item stays even where the end of the statement goes for it.
    let first = joined(pieces.get(start..*ends.first()?)?);
    let kept = ends
        .iter()
        .map_while(|end| {
            let kept = joined(pieces.get(start..*end)?);
            (kept.width() + ", …".width() <= room).then_some(kept)
        })
        .last()
        .unwrap_or(first);
    Some(format!("{head}{kept}, {ELLIPSIS}{tail}"))
}

fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let room = width.saturating_sub(ELLIPSIS.width());
    let mut used = 0;
    let kept: String = text
        .chars()
        .take_while(|character| {
            used += character.width().unwrap_or(0);
            used <= room
        })
        .collect();
    format!("{}{ELLIPSIS}", kept.trim_end())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn statements_are_shortened_where_they_say_least() {
        let cases = [
            (
                "SELECT *\n  FROM t -- c\n WHERE a = $1 ;",
                80,
                "SELECT * FROM t WHERE a = $1",
            ),
            (
                "SELECT a FROM t WHERE a IN ( $1, $2,$3 /* x */ , $4)",
                80,
                "SELECT a FROM t WHERE a IN ($1, …)",
            ),
            (
                "SELECT a FROM t WHERE a IN ($1, $2)",
                80,
                "SELECT a FROM t WHERE a IN ($1, $2)",
            ),
            (
                "SELECT aaaa, bbbb, f(c, d), dddd FROM t WHERE a = $1",
                42,
                "SELECT aaaa, bbbb, … FROM t WHERE a = $1",
            ),
            (
                "SELECT aaaa, bbbb FROM t WHERE a = $1",
                20,
                "SELECT aaaa, bbbb F…",
            ),
            ("UPDATE t SET a = $1 WHERE b = $2", 12, "UPDATE t SE…"),
            ("SELECT 'a\nb'", 80, "SELECT 'a b'"),
        ];
        for (text, width, expected) in cases {
            assert_eq!(pretty(text, width), expected, "{text}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        #[test]
        fn any_text_fits(text in any::<String>(), width in 1_usize..60) {
            let line = pretty(&text, width);
            prop_assert!(line.width() <= width);
            prop_assert!(!line.contains('\n'));
        }
    }
}
