//! What string constants stand for.

use std::iter::Peekable;
use std::str::Chars;

use super::{StringStyle, Token, TokenKind};

pub(super) fn value(token: &Token<'_>) -> Option<String> {
    let TokenKind::String(style) = token.kind else {
        return None;
    };
    match style {
        StringStyle::Dollar => {
            let delimiter = token.text.find('$').and_then(|first| {
                let second = token.text.get(first + 1..)?.find('$')?;
                token.text.get(first..=first + 1 + second)
            })?;
            let body = token.text.strip_prefix(delimiter)?;
            body.strip_suffix(delimiter).map(str::to_owned)
        }
        StringStyle::Standard => segments(token.text, Escapes::Doubled),
        StringStyle::Escape => segments(token.text.get(1..)?, Escapes::Backslash),
        StringStyle::National | StringStyle::Bits | StringStyle::Hex => {
            segments(token.text.get(1..)?, Escapes::Doubled)
        }
        StringStyle::Unicode => segments(token.text.get(2..)?, Escapes::Doubled)
            .map(|body| unicode_unescaped(&body, '\\')),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Escapes {
    /// Only `''`.
    Doubled,
    /// `''` and backslash sequences.
    Backslash,
}

/// The text between the quotes; what lies between one closing and the next opening quote (line ends, comments) is left
/// out.
fn segments(text: &str, escapes: Escapes) -> Option<String> {
    let mut characters = text.strip_prefix('\'')?.chars().peekable();
    let mut value = String::with_capacity(text.len());
    while let Some(character) = characters.next() {
        match character {
            '\'' if characters.next_if_eq(&'\'').is_some() => value.push('\''),
            '\'' => skip_to_continuation(&mut characters),
            '\\' if escapes == Escapes::Backslash => escaped(&mut characters, &mut value),
            other => value.push(other),
        }
    }
    Some(value)
}

fn skip_to_continuation(characters: &mut Peekable<Chars<'_>>) {
    while let Some(character) = characters.next() {
        if character == '\'' {
            return;
        }
        if character == '-' {
            while characters
                .next_if(|next| !matches!(next, '\n' | '\r'))
                .is_some()
            {}
        }
    }
}

/// One sequence after a backslash in `E'…'`: `\b \f \n \r \t \v`, octal, `\x`, `\u`, `\U`, any other character for
/// itself.
fn escaped(characters: &mut Peekable<Chars<'_>>, value: &mut String) {
    let Some(first) = characters.next() else {
        value.push('\\');
        return;
    };
    let code = match first {
        'b' => Some(0x08),
        'f' => Some(0x0c),
        'n' => Some(0x0a),
        'r' => Some(0x0d),
        't' => Some(0x09),
        'v' => Some(0x0b),
        '0'..='7' => octal(first, characters),
        'x' => hexadecimal(characters, 2),
        'u' => hexadecimal(characters, 4),
        'U' => hexadecimal(characters, 8),
        _ => None,
    };
    value.push(code.and_then(char::from_u32).unwrap_or(first));
}

fn octal(first: char, characters: &mut Peekable<Chars<'_>>) -> Option<u32> {
    let mut code = first.to_digit(8)?;
    for _ in 0..2 {
        match characters.next_if(|next| next.is_digit(8)) {
            Some(next) => code = code * 8 + next.to_digit(8)?,
            None => break,
        }
    }
    Some(code)
}

fn hexadecimal(characters: &mut Peekable<Chars<'_>>, most: usize) -> Option<u32> {
    let mut code = None;
    for _ in 0..most {
        match characters.next_if(char::is_ascii_hexdigit) {
            Some(next) => {
                code = Some(code.unwrap_or(0_u32).wrapping_mul(16) + next.to_digit(16)?);
            }
            None => break,
        }
    }
    code
}

/// Resolves `\XXXX`, `\+XXXXXX` and `\\` of `U&` constants and identifiers, surrogate pairs included. What is malformed
/// stays as written.
pub(super) fn unicode_unescaped(text: &str, escape: char) -> String {
    let mut value = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(escape) {
        value.push_str(before);
        if let Some(doubled) = after.strip_prefix(escape) {
            value.push(escape);
            rest = doubled;
            continue;
        }
        if let Some((character, after)) = code_point(after, escape) {
            value.push(character);
            rest = after;
        } else {
            value.push(escape);
            rest = after;
        }
    }
    value.push_str(rest);
    value
}

fn code_point(text: &str, escape: char) -> Option<(char, &str)> {
    let (code, rest) = code_unit(text)?;
    if let Some(character) = char::from_u32(code) {
        return Some((character, rest));
    }
    let (low, rest) = code_unit(rest.strip_prefix(escape)?)?;
    let pair = [u16::try_from(code).ok()?, u16::try_from(low).ok()?];
    let character = char::decode_utf16(pair).next()?.ok()?;
    Some((character, rest))
}

fn code_unit(text: &str) -> Option<(u32, &str)> {
    let (digits, rest) = match text.strip_prefix('+') {
        Some(long) => long.split_at_checked(6)?,
        None => text.split_at_checked(4)?,
    };
    let valid = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    let code = u32::from_str_radix(digits, 16).ok()?;
    valid.then_some((code, rest))
}
