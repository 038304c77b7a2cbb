//! JSON that is nested deeper than `serde_json` reads by itself, as plans of many joins are.

use serde::de::{DeserializeOwned, Error as _};
use serde_json::error::Category;

/// Levels of JSON that `serde_json` reads by itself.
const ORDINARY: usize = 127;

/// Levels of EXPLAIN's output that are read. Each node of a plan is two of them: an object in an array. What is read is
/// also walked, copied and dropped, each with a little stack a level, on threads that have 2 MB.
pub const PLAN_LEVELS: usize = 504;

/// Levels of a capture that are read: those of its plans, and what stands around them.
pub const CAPTURE_LEVELS: usize = PLAN_LEVELS + 8;

/// Stack for one level while it is read, in unoptimised builds too.
const BYTES_PER_LEVEL: usize = 16 * 1024;

/// Reads a value from the text of exactly one, up to so many levels deep.
///
/// # Errors
/// As `serde_json::from_slice`, and where the text is nested deeper.
pub fn from_slice<T: DeserializeOwned>(text: &[u8], levels: usize) -> serde_json::Result<T> {
    let error = match serde_json::from_slice(text) {
        Err(error) if error.classify() == Category::Syntax => error,
        other => return other,
    };
    match depth(text) {
        // It was something else.
        0..=ORDINARY => Err(error),
        deep if deep <= levels => {
            let stack = deep * BYTES_PER_LEVEL;
            stacker::maybe_grow(stack, stack + (1 << 20), || deep_from_slice(text))
        }
        deep => Err(serde_json::Error::custom(format!(
            "it is nested {deep} levels deep, of which {levels} are read"
        ))),
    }
}

fn deep_from_slice<T: DeserializeOwned>(text: &[u8]) -> serde_json::Result<T> {
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    deserializer.disable_recursion_limit();
    let value = T::deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(value)
}

/// How deep arrays and objects are nested.
fn depth(text: &[u8]) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let mut bytes = text.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'[' | b'{' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            b'"' => skip_string(&mut bytes),
            _ => {}
        }
    }
    deepest
}

/// Passes over the rest of a string.
fn skip_string<'a>(bytes: &mut impl Iterator<Item = &'a u8>) {
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => {
                bytes.next();
            }
            b'"' => return,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn nested(levels: usize) -> String {
        format!("{}{}", "[".repeat(levels), "]".repeat(levels))
    }

    #[test]
    fn depth_is_counted_outside_of_strings() {
        for (text, levels) in [
            ("1", 0),
            (r#"{"a": [1, {"b": []}]}"#, 4),
            (r#"["[[[", "\"[[", "\\", []]"#, 2),
            ("]]][", 1),
            (r#"["unfinished [["#, 1),
        ] {
            assert_eq!(depth(text.as_bytes()), levels, "{text}");
        }
    }

    #[test]
    fn deep_values_are_read_and_deeper_ones_refused() {
        let read = |levels: usize| from_slice::<Value>(nested(levels).as_bytes(), CAPTURE_LEVELS);
        for levels in [1, ORDINARY, ORDINARY + 1, CAPTURE_LEVELS] {
            let value = read(levels).unwrap();
            assert_eq!(value.to_string(), nested(levels));
        }
        for levels in [CAPTURE_LEVELS + 1, 1_000_000] {
            let refused = read(levels).unwrap_err();
            let told = format!("it is nested {levels} levels deep, of which 512 are read");
            assert_eq!(refused.to_string(), told);
        }
    }

    #[test]
    fn other_errors_stay_what_they_are() {
        for text in ["", "[1", "[1,]", "{} {}", "nonsense"] {
            let own = from_slice::<Value>(text.as_bytes(), CAPTURE_LEVELS).unwrap_err();
            let plain = serde_json::from_slice::<Value>(text.as_bytes()).unwrap_err();
            assert_eq!(own.to_string(), plain.to_string());
        }
        let broken = format!("{}!", nested(ORDINARY + 1));
        assert!(from_slice::<Value>(broken.as_bytes(), CAPTURE_LEVELS).is_err());
    }
}
