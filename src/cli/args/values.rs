//! How the values of flags are read.

use jiff::SignedDuration;

/// What the server's timeouts hold: milliseconds in a signed integer of 32 bits, in whole days.
const LONGEST: SignedDuration = SignedDuration::from_hours(24 * 24);

/// How long something may take: longer than zero, and no longer than the server's timeouts can say.
pub(super) fn duration(text: &str) -> Result<SignedDuration, String> {
    let parsed: SignedDuration = text
        .parse()
        .map_err(|_| "not a duration; write 10s, 500ms or 2min".to_owned())?;
    if parsed <= SignedDuration::ZERO {
        Err("must be longer than zero".to_owned())
    } else if parsed > LONGEST {
        Err(format!("must be at most {} days", LONGEST.as_hours() / 24))
    } else {
        Ok(parsed)
    }
}

/// A parameter's number and value; `None` is NULL. A value in single quotes is read as SQL reads it.
pub(super) fn parameter(text: &str) -> Result<(u32, Option<String>), String> {
    let (number, value) = text.split_once('=').ok_or("not N=VALUE, such as 1=42")?;
    let number = number
        .trim()
        .trim_start_matches('$')
        .parse()
        .ok()
        .filter(|number| *number > 0)
        .ok_or_else(|| format!("{number:?} is not the number of a parameter"))?;
    let quoted = value
        .strip_prefix('\'')
        .and_then(|rest| rest.strip_suffix('\''));
    Ok(match quoted {
        Some(inner) => (number, Some(inner.replace("''", "'"))),
        None if value.eq_ignore_ascii_case("null") => (number, None),
        None => (number, Some(value.to_owned())),
    })
}

/// A setting's name and value.
pub(super) fn assignment(text: &str) -> Result<(String, String), String> {
    let (name, value) = text
        .split_once('=')
        .ok_or("not NAME=VALUE, such as work_mem=64MB")?;
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
    if name.is_empty() || !name.chars().all(plain) {
        return Err(format!("{name:?} is not the name of a setting"));
    }
    Ok((name.to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_may_be_null_or_quoted() {
        for (text, value) in [
            ("1=42", Some("42")),
            ("$1=a=b", Some("a=b")),
            ("1=", Some("")),
            ("1=NULL", None),
            ("1='NULL'", Some("NULL")),
            ("1='it''s'", Some("it's")),
            ("1=it's", Some("it's")),
        ] {
            assert_eq!(parameter(text), Ok((1, value.map(str::to_owned))), "{text}");
        }
        for text in ["42", "0=1", "a=1", "=1"] {
            assert!(parameter(text).is_err(), "{text}");
        }
    }
}
