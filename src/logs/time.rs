//! Times as logs write them: `2026-01-31 23:59:59.123 CET`.

/// Microseconds in a second.
const SECOND: i64 = 1_000_000;

/// What stands before the fraction of a second.
const WHOLE: usize = "2026-01-31 23:59:59".len();

/// Abbreviations of time zones that mean one offset wherever they are in use, and their minutes east of UTC. `CST` and
/// `IST`, for example, are not here: Chicago and Shanghai, Dublin and Delhi write them.
const ZONES: &[(&[u8], i64)] = &[
    (b"UTC", 0),
    (b"GMT", 0),
    (b"UCT", 0),
    (b"Z", 0),
    (b"WET", 0),
    (b"WEST", 60),
    (b"BST", 60),
    (b"WAT", 60),
    (b"CET", 60),
    (b"CEST", 120),
    (b"CAT", 120),
    (b"EET", 120),
    (b"EEST", 180),
    (b"SAST", 120),
    (b"IDT", 180),
    (b"EAT", 180),
    (b"MSK", 180),
    (b"PKT", 300),
    (b"WIB", 420),
    (b"WITA", 480),
    (b"AWST", 480),
    (b"HKT", 480),
    (b"JST", 540),
    (b"KST", 540),
    (b"WIT", 540),
    (b"ACST", 570),
    (b"AEST", 600),
    (b"ACDT", 630),
    (b"AEDT", 660),
    (b"NZST", 720),
    (b"NZDT", 780),
    (b"NDT", -150),
    (b"ADT", -180),
    (b"NST", -210),
    (b"AST", -240),
    (b"EDT", -240),
    (b"EST", -300),
    (b"MDT", -360),
    (b"MST", -420),
    (b"PDT", -420),
    (b"AKDT", -480),
    (b"AKST", -540),
    (b"HDT", -540),
    (b"HST", -600),
];

/// A time in a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    /// Microseconds since 1970-01-01 UTC.
    pub(super) at: i64,
    /// Whether the zone is known; if not, `at` takes it for UTC.
    pub(super) zone_known: bool,
    /// Bytes of the text that it takes.
    pub(super) length: usize,
}

/// The time at the beginning of a text, with its zone where one follows.
pub(super) fn stamp(text: &[u8]) -> Option<Stamp> {
    let whole = text.first_chunk::<WHOLE>()?;
    if whole[4] != b'-' || whole[7] != b'-' || !matches!(whole[10], b' ' | b'T') {
        return None;
    }
    if whole[13] != b':' || whole[16] != b':' {
        return None;
    }
    let pair = |at: usize| two_digits(whole[at], whole[at + 1]);
    let year = pair(0)? * 100 + pair(2)?;
    let days = days(year, pair(5)?, pair(8)?)?;
    let (hour, minute, second) = (pair(11)?, pair(14)?, pair(17)?);
    // 60 is a leap second.
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let seconds = ((days * 24 + hour) * 60 + minute) * 60 + second;
    let (micros, length) = fraction(text, WHOLE);
    let (offset, length) = zone(text, length);
    Some(Stamp {
        at: seconds * SECOND + micros - offset.unwrap_or(0) * 60 * SECOND,
        zone_known: offset.is_some(),
        length,
    })
}

/// Seconds since 1970-01-01 with a fraction, as `%n` writes them, and the bytes that they take.
pub(super) fn epoch(text: &[u8]) -> Option<(i64, usize)> {
    let digits = digits(text);
    if !(9..=11).contains(&digits) || text.get(digits) != Some(&b'.') {
        return None;
    }
    let mut seconds = 0;
    for digit in &text[..digits] {
        seconds = seconds * 10 + i64::from(digit - b'0');
    }
    let (micros, length) = fraction(text, digits);
    Some((seconds * SECOND + micros, length))
}

/// How many digits a text begins with.
pub(super) fn digits(text: &[u8]) -> usize {
    text.iter()
        .position(|byte| !byte.is_ascii_digit())
        .unwrap_or(text.len())
}

fn two_digits(tens: u8, ones: u8) -> Option<i64> {
    let both = tens.is_ascii_digit() && ones.is_ascii_digit();
    both.then(|| i64::from(tens - b'0') * 10 + i64::from(ones - b'0'))
}

/// Microseconds of the fraction that may stand at `from`, and where it ends.
fn fraction(text: &[u8], from: usize) -> (i64, usize) {
    let Some((b'.', digits)) = text.get(from..).and_then(<[u8]>::split_first) else {
        return (0, from);
    };
    let (mut micros, mut unit, mut length) = (0, SECOND, from + 1);
    for digit in digits.iter().take_while(|byte| byte.is_ascii_digit()) {
        unit /= 10;
        micros += i64::from(digit - b'0') * unit;
        length += 1;
    }
    (micros, length)
}

/// Minutes east of UTC of the zone that may stand at `from`, after a space or at once, and where it ends.
fn zone(text: &[u8], from: usize) -> (Option<i64>, usize) {
    let rest = text.get(from..).unwrap_or_default();
    let space = usize::from(rest.first() == Some(&b' '));
    let name = &rest[space..];
    match name.first() {
        Some(sign @ (b'+' | b'-')) => {
            let (minutes, length) = numeric_zone(&name[1..]);
            let minutes = if *sign == b'-' { -minutes } else { minutes };
            (Some(minutes), from + space + 1 + length)
        }
        Some(first) if first.is_ascii_alphabetic() => {
            let letters = name.iter().take_while(|byte| byte.is_ascii_alphabetic());
            let length = letters.count();
            let known = ZONES.iter().find(|(zone, _)| *zone == &name[..length]);
            (known.map(|(_, minutes)| *minutes), from + space + length)
        }
        _ => (None, from),
    }
}

/// Minutes of `05`, `0530` or `05:30`, and the bytes that they take.
fn numeric_zone(text: &[u8]) -> (i64, usize) {
    let pair = |at: usize| match text.get(at..at + 2) {
        Some([tens, ones]) => two_digits(*tens, *ones),
        _ => None,
    };
    let Some(hours) = pair(0) else {
        return (0, 0);
    };
    if let Some(minutes) = pair(2) {
        return (hours * 60 + minutes, 4);
    }
    match (text.get(2), pair(3)) {
        (Some(b':'), Some(minutes)) => (hours * 60 + minutes, 5),
        _ => (hours * 60, 2),
    }
}

/// Days from 1970-01-01 to a date of the Gregorian calendar.
///
/// Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `days_from_civil`: years begin in March, so that the
/// day of February that comes and goes is the last one.
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    Some(era * 146_097 + day_of_era - 719_468)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (String, bool, &str) {
        let stamp = stamp(text.as_bytes()).unwrap();
        let at = jiff::Timestamp::from_microsecond(stamp.at).unwrap();
        (at.to_string(), stamp.zone_known, &text[stamp.length..])
    }

    #[test]
    fn times_are_read_with_their_zones() {
        for (text, expected, known, rest) in [
            (
                "2026-01-31 23:59:59.123 UTC [1] ",
                "2026-01-31T23:59:59.123Z",
                true,
                " [1] ",
            ),
            ("2026-01-31 23:59:59 CET", "2026-01-31T22:59:59Z", true, ""),
            (
                "2024-02-29 00:30:00 CEST:10.0.0.1",
                "2024-02-28T22:30:00Z",
                true,
                ":10.0.0.1",
            ),
            (
                "2024-02-29 00:30:00.5 +0530,",
                "2024-02-28T19:00:00.5Z",
                true,
                ",",
            ),
            (
                "2024-03-01 00:30:00 -03]",
                "2024-03-01T03:30:00Z",
                true,
                "]",
            ),
            (
                "2024-03-01T00:30:00.123456+02:00 host",
                "2024-02-29T22:30:00.123456Z",
                true,
                " host",
            ),
            (
                "2024-03-01T00:30:00Z host",
                "2024-03-01T00:30:00Z",
                true,
                " host",
            ),
            (
                "1999-12-31 12:00:00 IST ",
                "1999-12-31T12:00:00Z",
                false,
                " ",
            ),
            (
                "2000-01-01 12:00:00 [5]",
                "2000-01-01T12:00:00Z",
                false,
                " [5]",
            ),
            ("2000-01-01 12:00:00", "2000-01-01T12:00:00Z", false, ""),
            (
                "2024-01-01 10:00:00 UTC-65926f80",
                "2024-01-01T10:00:00Z",
                true,
                "-65926f80",
            ),
        ] {
            assert_eq!(read(text), (expected.to_owned(), known, rest), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in [
            "",
            "2026-01-31",
            "2026-13-01 00:00:00 UTC",
            "2026-01-00 00:00:00 UTC",
            "2026-01-31 24:00:00 UTC",
            "2026/01/31 23:00:00 UTC",
            "202x-01-31 23:00:00 UTC",
            "\u{662}026-01-31 23:00:00",
        ] {
            assert_eq!(stamp(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn seconds_of_the_epoch_are_read() {
        assert_eq!(
            epoch(b"1769904000.123 [4]"),
            Some((1_769_904_000_123_000, 14))
        );
        for text in ["1769904000", "17.5", "x", ""] {
            assert_eq!(epoch(text.as_bytes()), None, "{text}");
        }
    }
}
