//! Numbers as people read them: grouped, rounded to what matters, never without a unit.

use crate::units::{Bytes, Millis, float};

/// A count with grouped thousands: `92,011`.
pub fn count(value: f64) -> String {
    if !value.is_finite() {
        return "unknown".to_owned();
    }
    let digits = format!("{:.0}", value.abs());
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3 + 1);
    if value <= -0.5 {
        grouped.push('-');
    }
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// A count that may be below ten or an average, with up to three significant digits there: `2.5`, `0.031`, `92,011`.
pub fn quantity(value: f64) -> String {
    let magnitude = value.abs();
    if magnitude >= 100.0 || value.fract().abs() < f64::EPSILON {
        return count(value);
    }
    let decimals = match magnitude {
        m if m >= 10.0 => 1,
        m if m >= 1.0 => 2,
        m if m >= 0.1 => 3,
        _ => return significant(value),
    };
    trim_zeros(&format!("{value:.decimals$}"))
}

/// A magnitude below what four decimals show.
const LEAST_SHOWN: f64 = 0.000_1;

fn significant(value: f64) -> String {
    if value > 0.0 && value < LEAST_SHOWN {
        format!("< {LEAST_SHOWN}")
    } else {
        trim_zeros(&format!("{value:.4}"))
    }
}

fn trim_zeros(text: &str) -> String {
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text.to_owned()
    }
}

/// Calls with their unit: `1 call`, `1.2 M calls`.
pub fn calls(count: i64) -> String {
    let unit = if count == 1 { "call" } else { "calls" };
    format!("{} {unit}", short_count(float(count)))
}

/// A large count in short: `1.2 M`, `840 k`, `512`.
pub fn short_count(value: f64) -> String {
    match value.abs() {
        m if m >= 999_500_000.0 => format!("{} G", one_decimal(value / 1e9)),
        m if m >= 999_500.0 => format!("{} M", one_decimal(value / 1e6)),
        m if m >= 10_000.0 => format!("{} k", one_decimal(value / 1e3)),
        _ => count(value),
    }
}

fn one_decimal(value: f64) -> String {
    if value.abs() >= 99.95 {
        format!("{value:.0}")
    } else {
        trim_zeros(&format!("{value:.1}"))
    }
}

/// A duration in the unit that fits: `0.06 ms`, `19.4 ms`, `3.2 s`, `54 min`, `1.8 h`, `6 d 4 h`.
pub fn duration(time: Millis) -> String {
    const SECOND: f64 = 1_000.0;
    const MINUTE: f64 = 60.0 * SECOND;
    const HOUR: f64 = 60.0 * MINUTE;
    const DAY: f64 = 24.0 * HOUR;
    let ms = time.get();
    // Half a unit below, the number would be rounded to the next unit's first.
    match ms.abs() {
        m if !m.is_finite() => "unknown".to_owned(),
        m if m >= 2.0 * DAY => {
            let days = (ms / DAY).trunc();
            format!(
                "{days:.0} d {:.0} h",
                ((ms - days * DAY) / HOUR).abs().trunc()
            )
        }
        m if m >= 1.5 * HOUR => format!("{} h", one_decimal(ms / HOUR)),
        m if m >= 2.0 * MINUTE => format!("{} min", one_decimal(ms / MINUTE)),
        m if m >= SECOND - 0.5 => format!("{} s", one_decimal(ms / SECOND)),
        m if m >= 99.95 => format!("{ms:.0} ms"),
        m if m >= 9.995 => format!("{ms:.1} ms"),
        m if m >= 0.01 || m == 0.0 => format!("{} ms", trim_zeros(&format!("{ms:.2}"))),
        _ => format!("{} ms", significant(ms)),
    }
}

/// A size with PostgreSQL's units (powers of 1024, as `pg_size_pretty()`): `512 bytes`, `64 MB`.
pub fn bytes(size: Bytes) -> String {
    const UNITS: [&str; 5] = ["kB", "MB", "GB", "TB", "PB"];
    let mut value = float(size.get());
    if value.abs() < 1024.0 {
        return format!("{} bytes", count(value));
    }
    let mut name = "bytes";
    for unit in UNITS {
        if value.abs() < 1023.95 {
            break;
        }
        value /= 1024.0;
        name = unit;
    }
    format!("{} {name}", one_decimal(value))
}

/// A share of 0..1 as a percentage: `43 %`, `2.1 %`, `< 0.1 %`. Nearly all is never rounded to all: `99.9 %`.
pub fn percent(share: f64) -> String {
    match share * 100.0 {
        p if !p.is_finite() => "unknown".to_owned(),
        p if (99.0..100.0).contains(&p) => format!("{:.1} %", (p * 10.0).floor() / 10.0),
        p if p.abs() >= 10.0 => format!("{p:.0} %"),
        p if p.abs() >= 0.1 || p == 0.0 => format!("{} %", trim_zeros(&format!("{p:.1}"))),
        p if p > 0.0 => "< 0.1 %".to_owned(),
        _ => "> −0.1 %".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_grouped() {
        for (value, text) in [
            (0.0, "0"),
            (999.0, "999"),
            (1_000.0, "1,000"),
            (92_011.4, "92,011"),
            (-1_234_567.0, "-1,234,567"),
            (f64::NAN, "unknown"),
        ] {
            assert_eq!(count(value), text);
        }
    }

    #[test]
    fn small_quantities_keep_their_digits() {
        for (value, text) in [
            (2.5, "2.5"),
            (0.031, "0.031"),
            (12.34, "12.3"),
            (41.0, "41"),
            (9_999.7, "10,000"),
            (0.000_04, "< 0.0001"),
            (0.0, "0"),
        ] {
            assert_eq!(quantity(value), text);
        }
    }

    #[test]
    fn large_counts_are_short() {
        for (value, text) in [
            (812.0, "812"),
            (9_999.0, "9,999"),
            (84_000.0, "84 k"),
            (1_200_000.0, "1.2 M"),
            (999_900.0, "1 M"),
            (3_000_000_000.0, "3 G"),
        ] {
            assert_eq!(short_count(value), text);
        }
    }

    #[test]
    fn durations_choose_their_unit() {
        for (ms, text) in [
            (0.0, "0 ms"),
            (0.000_04, "< 0.0001 ms"),
            (0.0042, "0.0042 ms"),
            (9.996, "10.0 ms"),
            (99.96, "100 ms"),
            (999.4, "999 ms"),
            (999.6, "1 s"),
            (0.06, "0.06 ms"),
            (19.44, "19.4 ms"),
            (401.2, "401 ms"),
            (3_210.0, "3.2 s"),
            (3_240_000.0, "54 min"),
            (6_480_000.0, "1.8 h"),
            (14_760_000.0, "4.1 h"),
            (532_800_000.0, "6 d 4 h"),
        ] {
            assert_eq!(duration(Millis(ms)), text);
        }
    }

    #[test]
    fn sizes_follow_pg_size_pretty() {
        for (size, text) in [
            (12, "12 bytes"),
            (8_192, "8 kB"),
            (11_534_336, "11 MB"),
            (1_610_612_736, "1.5 GB"),
        ] {
            assert_eq!(bytes(Bytes(size)), text);
        }
    }

    #[test]
    fn shares_are_percentages() {
        for (share, text) in [
            (0.43, "43 %"),
            (0.021, "2.1 %"),
            (0.985, "98 %"),
            (0.997_95, "99.7 %"),
            (0.999_99, "99.9 %"),
            (0.000_2, "< 0.1 %"),
            (0.0, "0 %"),
            (1.0, "100 %"),
        ] {
            assert_eq!(percent(share), text);
        }
    }
}
