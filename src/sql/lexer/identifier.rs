//! Identifiers as the server folds and cuts them.

use super::{Token, TokenKind, literal};

/// The longest identifier in bytes: `NAMEDATALEN - 1`.
pub const IDENTIFIER_BYTES: usize = 63;

pub(super) fn value(token: &Token<'_>, escape: char) -> Option<String> {
    whole(token, escape).map(truncated)
}

/// The name before it is cut. Where the server cuts depends on the encoding of its database.
pub(super) fn whole(token: &Token<'_>, escape: char) -> Option<String> {
    Some(match token.kind {
        TokenKind::Word => downcased(token.text),
        TokenKind::QuotedIdent => unquoted(token.text)?,
        TokenKind::UnicodeIdent => {
            literal::unicode_unescaped(&unquoted(token.text.get(2..)?)?, escape)
        }
        _ => return None,
    })
}

fn unquoted(text: &str) -> Option<String> {
    let body = text.strip_prefix('"')?.strip_suffix('"')?;
    Some(body.replace("\"\"", "\""))
}

/// Only ASCII letters fold: `downcase_identifier` leaves multibyte encodings' other letters alone.
fn downcased(word: &str) -> String {
    word.to_ascii_lowercase()
}

/// An unquoted identifier as the catalog has it.
pub fn folded(word: &str) -> String {
    truncated(downcased(word))
}

/// Cuts `name` to [`IDENTIFIER_BYTES`] at an end of a character, as `truncate_identifier` does.
pub fn truncated(mut name: String) -> String {
    name.truncate(clipped(&name, IDENTIFIER_BYTES).len());
    name
}

/// As much of `name` as fits into so many bytes, up to an end of a character.
pub fn clipped(name: &str, bytes: usize) -> &str {
    let mut end = name.len().min(bytes);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    name.get(..end).unwrap_or_default()
}
