//! What the messages about statements say, in the languages that servers write.

mod words;

use std::ops::Range;

use memchr::memmem;

pub(super) use words::parameters;
use words::{LANGUAGES, Pattern};

/// Bytes in which the name of a prepared statement and its portal end.
const LONGEST_NAME: usize = 256;

/// Bytes in which a number stands that is a duration.
const LONGEST_WORD: usize = 64;

/// The kinds of messages that tell of statements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// `duration: … ms  statement: …`
    TimedStatement,
    /// `duration: … ms  execute …: …`
    TimedExecute,
    /// `duration: … ms  execute fetch from …: …`
    TimedFetch,
    /// `duration: … ms  parse …: …`
    TimedParse,
    /// `duration: … ms  bind …: …`
    TimedBind,
    /// `duration: … ms  plan:`
    Plan,
    /// `duration: … ms`
    Duration,
    /// `statement: …`
    Statement,
    /// `execute …: …`
    Execute,
    /// `execute fetch from …: …`
    Fetch,
}

impl Kind {
    /// Whether a duration comes first.
    fn timed(self) -> bool {
        !matches!(self, Self::Statement | Self::Execute | Self::Fetch)
    }
}

/// What a message says of a statement.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Told {
    pub(super) kind: Kind,
    pub(super) duration_ms: Option<f64>,
    /// Where in the message the text of the statement stands.
    pub(super) text: Range<usize>,
}

/// Understands a message of severity LOG. `language` is the one that was understood last.
pub(super) fn understand(message: &[u8], language: &mut usize) -> Option<Told> {
    let in_language = |index: usize| {
        let patterns = LANGUAGES.get(index)?.patterns;
        patterns.iter().find_map(|pattern| pattern.told(message))
    };
    if let Some(told) = in_language(*language) {
        return Some(told);
    }
    let mut others = (0..LANGUAGES.len()).filter(|index| index != language);
    let (index, told) = others.find_map(|index| Some((index, in_language(index)?)))?;
    *language = index;
    Some(told)
}

/// Whether a message seems to tell of a duration, in words that are not known: its first number is one of milliseconds
/// with their microseconds, and stands between words.
pub(super) fn seems_timed(message: &[u8]) -> bool {
    let beginning = &message[..message.len().min(LONGEST_WORD)];
    let first = beginning.iter().position(u8::is_ascii_digit);
    first.is_some_and(|first| {
        first > 0
            && number(&beginning[first..])
                .is_some_and(|(_, length)| beginning.get(first + length) == Some(&b' '))
    })
}

impl Pattern {
    fn told(&self, message: &[u8]) -> Option<Told> {
        let (first, rest) = self.parts.split_first()?;
        let mut at = message
            .starts_with(first.as_bytes())
            .then_some(first.len())?;
        let mut rest = rest.iter();
        let mut duration_ms = None;
        if self.kind.timed() {
            let (value, length) = number(&message[at..])?;
            duration_ms = Some(value);
            at += length;
            let unit = rest.next()?.as_bytes();
            at = message[at..].starts_with(unit).then_some(at + unit.len())?;
        }
        if let Some(part) = rest.next() {
            let name = &message[at..message.len().min(at + LONGEST_NAME)];
            at += memmem::find(name, part.as_bytes())? + part.len();
        }
        // Nothing follows a duration that stands alone.
        if self.kind == Kind::Duration && at < message.len() {
            return None;
        }
        Some(Told {
            kind: self.kind,
            duration_ms,
            text: at..message.len(),
        })
    }
}

/// Milliseconds with three digits behind the point, and the bytes that they take.
fn number(text: &[u8]) -> Option<(f64, usize)> {
    let mut micros = 0_i32;
    let mut wide = 0.0_f64;
    let mut length = 0;
    let mut fraction = None;
    for byte in text.iter().take(24) {
        match (byte, fraction) {
            (b'0'..=b'9', Some(3)) => return None,
            (b'0'..=b'9', _) => {
                let digit = i32::from(byte - b'0');
                // A day in microseconds does not fit into 32 bits, and 32 bits convert without rounding.
                match micros
                    .checked_mul(10)
                    .and_then(|value| value.checked_add(digit))
                {
                    Some(value) if wide == 0.0 => micros = value,
                    _ => {
                        if wide == 0.0 {
                            wide = f64::from(micros);
                        }
                        wide = wide * 10.0 + f64::from(digit);
                    }
                }
                fraction = fraction.map(|digits| digits + 1);
            }
            (b'.', None) if length > 0 => fraction = Some(0),
            _ => break,
        }
        length += 1;
    }
    let micros = if wide > 0.0 { wide } else { f64::from(micros) };
    (fraction == Some(3)).then_some((micros / 1000.0, length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_numbers_with_three_digits_behind_the_point() {
        for (text, expected) in [
            ("0.057 ms", Some((0.057, 5))),
            ("12.345 ms", Some((12.345, 6))),
            ("86400000.001 ms", Some((86_400_000.001, 12))),
            ("123456789012.345", Some((123_456_789_012.345, 16))),
            ("1.5 ms", None),
            ("1.2345 ms", None),
            ("12 ms", None),
            (".123", None),
            ("", None),
        ] {
            assert_eq!(number(text.as_bytes()), expected, "{text}");
        }
    }

    const MESSAGES: &[(&str, Kind, Option<f64>, &str)] = &[
        (
            "duration: 0.123 ms  statement: SELECT 1",
            Kind::TimedStatement,
            Some(0.123),
            "SELECT 1",
        ),
        (
            "duration: 0.123 ms  execute S_1: SELECT $1",
            Kind::TimedExecute,
            Some(0.123),
            "SELECT $1",
        ),
        (
            "duration: 0.123 ms  execute <unnamed>/C_1: SELECT 'a: b'",
            Kind::TimedExecute,
            Some(0.123),
            "SELECT 'a: b'",
        ),
        (
            "duration: 0.123 ms  execute fetch from S_1/C_1: SELECT 1",
            Kind::TimedFetch,
            Some(0.123),
            "SELECT 1",
        ),
        (
            "duration: 0.123 ms  parse <unnamed>: SELECT 1",
            Kind::TimedParse,
            Some(0.123),
            "SELECT 1",
        ),
        (
            "duration: 0.123 ms  bind S_1: SELECT 1",
            Kind::TimedBind,
            Some(0.123),
            "SELECT 1",
        ),
        (
            "duration: 0.123 ms  plan:\nQuery Text: SELECT 1",
            Kind::Plan,
            Some(0.123),
            "\nQuery Text: SELECT 1",
        ),
        ("duration: 0.123 ms", Kind::Duration, Some(0.123), ""),
        ("statement: SELECT 1", Kind::Statement, None, "SELECT 1"),
        ("execute a: SELECT 1", Kind::Execute, None, "SELECT 1"),
        (
            "execute fetch from a: SELECT 1",
            Kind::Fetch,
            None,
            "SELECT 1",
        ),
        (
            "Dauer: 0.123 ms  Anweisung: SELECT 1",
            Kind::TimedStatement,
            Some(0.123),
            "SELECT 1",
        ),
        (
            "Dauer: 0.123 ms  Ausführen S_1: SELECT 1",
            Kind::TimedExecute,
            Some(0.123),
            "SELECT 1",
        ),
        (
            "durée : 0.123 ms, instruction : SELECT 1",
            Kind::TimedStatement,
            Some(0.123),
            "SELECT 1",
        ),
        (
            "durée : 0.123 ms, lien S_1 : SELECT 1",
            Kind::TimedBind,
            Some(0.123),
            "SELECT 1",
        ),
        (
            "продолжительность: 0.123 мс  выполнение <unnamed>: SELECT 1",
            Kind::TimedExecute,
            Some(0.123),
            "SELECT 1",
        ),
        (
            "실행시간: 0.123 ms  S_1 구문분석: SELECT 1",
            Kind::TimedParse,
            Some(0.123),
            "SELECT 1",
        ),
        (
            "수행시간: 0.123 ms  쿼리실행 S_1: SELECT 1",
            Kind::TimedExecute,
            Some(0.123),
            "SELECT 1",
        ),
        (
            "执行时间: 0.123 ms 语句: SELECT 1",
            Kind::TimedStatement,
            Some(0.123),
            "SELECT 1",
        ),
        ("varaktighet 0.123 ms", Kind::Duration, Some(0.123), ""),
        (
            "czas trwania: 0.123 ms  wykonanie S_1/C_1: SELECT 1",
            Kind::TimedExecute,
            Some(0.123),
            "SELECT 1",
        ),
        (
            "duração: 0.123 ms  análise de S_1: SELECT 1",
            Kind::TimedParse,
            Some(0.123),
            "SELECT 1",
        ),
    ];

    #[test]
    fn messages_are_understood_in_any_language() {
        for (message, kind, duration, text) in MESSAGES {
            for language in 0..LANGUAGES.len() {
                let told = understand(message.as_bytes(), &mut { language })
                    .unwrap_or_else(|| panic!("{message}"));
                let found = &message[told.text];
                assert_eq!(
                    (told.kind, told.duration_ms, found),
                    (*kind, *duration, *text),
                    "{message}"
                );
            }
        }
    }

    #[test]
    fn other_messages_are_not_of_statements() {
        for message in [
            "checkpoint complete: wrote 3 buffers (0.0%); write=0.210 s",
            "duration: x ms",
            "duration: 1.000 ms  something else",
            "",
        ] {
            assert_eq!(understand(message.as_bytes(), &mut 0), None, "{message}");
        }
        assert!(seems_timed("aika: 0.123 ms  lause: SELECT 1".as_bytes()));
        assert!(!seems_timed(
            "checkpoint complete: wrote 3 buffers; write=0.210 s".as_bytes()
        ));
        assert!(!seems_timed(
            "connection received: host=127.0.0.1 port=5".as_bytes()
        ));
    }
}
