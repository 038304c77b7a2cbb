//! A statement and the look-up that runs once for each of its rows, as one statement.

use super::batch::{PerKey, limit};
use super::renumber::renumber;
use super::{Edits, Stream};
use crate::ids::quote_ident;

/// A parameter of a look-up, and the column of the other statement's rows that its values come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeySource<'a> {
    /// Its number: 1 for `$1`.
    pub number: u32,
    /// The output column.
    pub column: &'a str,
}

/// `outer` and `look_up` as one statement: each row of the first beside what the second returns for it, and beside
/// NULLs where that is nothing. `None` where the look-up lacks one of the parameters.
///
/// The planner joins the two in whatever way is best; only where the look-up limits its rows does it run once a row.
/// Parameters of the look-up that are no keys come after those of `outer`.
pub fn together(
    outer: &str,
    look_up: &str,
    keys: &[KeySource<'_>],
    per_key: PerKey,
) -> Option<String> {
    let (outer, look_up) = (whole(outer), whole(look_up));
    let stream = Stream::new(look_up);
    let parent = unused("parent", look_up);
    let before = most(&Stream::new(outer));
    let mut edits = Edits::default();
    let mut found = 0;
    for index in 0..stream.len() {
        let Some(number) = stream.parameter(index) else {
            continue;
        };
        let key = keys.iter().find(|key| key.number == number);
        let text = match key {
            Some(key) => format!("{parent}.{}", quote_ident(key.column)),
            None => format!("${}", before + number),
        };
        found += usize::from(key.is_some());
        edits.replace(stream.bytes(index..index + 1), text);
    }
    if keys.is_empty() || found < keys.len() {
        return None;
    }
    if per_key == PerKey::OneRow
        && let Some(limit) = limit(&stream)
    {
        edits.replace(limit, "");
    }
    let look_up = edits.apply(look_up);
    let written = format!(
        "SELECT {parent}.*, child.* FROM ({}) AS {parent} LEFT JOIN LATERAL ({}) AS child ON true",
        closed(outer),
        closed(look_up.trim_end()),
    );
    Some(renumber(&written).0)
}

/// The text without a semicolon at its end.
pub(super) fn whole(text: &str) -> &str {
    text.trim().trim_end_matches(';').trim_end()
}

/// A text that a parenthesis may follow: a comment up to the end of its line must not swallow it.
pub(super) fn closed(text: &str) -> String {
    let line_end = if text.contains("--") { "\n" } else { "" };
    format!("{text}{line_end}")
}

/// A name that stands nowhere in a text: `parent`, `parent_1` and so on.
pub(super) fn unused(name: &str, text: &str) -> String {
    let text = text.to_lowercase();
    let numbered = (1_u32..).map(|number| format!("{name}_{number}"));
    std::iter::once(name.to_owned())
        .chain(numbered)
        .find(|name| !text.contains(name.as_str()))
        .unwrap_or_default()
}

/// The highest number of a parameter.
fn most(stream: &Stream<'_>) -> u32 {
    let numbers = (0..stream.len()).filter_map(|index| stream.parameter(index));
    numbers.max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::parse::parse;

    #[test]
    fn a_loop_becomes_a_join() {
        let key = |number, column| [KeySource { number, column }];
        for (outer, look_up, keys, per_key, expected) in [
            (
                "SELECT * FROM books ORDER BY id LIMIT $1;",
                "SELECT name FROM authors WHERE id = $1 LIMIT $2",
                key(1, "author_id"),
                PerKey::OneRow,
                "SELECT parent.*, child.* FROM (SELECT * FROM books ORDER BY id LIMIT $1) AS parent \
                 LEFT JOIN LATERAL (SELECT name FROM authors WHERE id = parent.author_id) AS child ON true",
            ),
            (
                "SELECT \"Id\" FROM c WHERE kind = $2",
                "SELECT count(*) FROM parent WHERE \"state\" = $1 AND c = $2 -- all",
                key(2, "Id"),
                PerKey::Computed,
                "SELECT parent_1.*, child.* FROM (SELECT \"Id\" FROM c WHERE kind = $1) AS parent_1 LEFT JOIN LATERAL \
                 (SELECT count(*) FROM parent WHERE \"state\" = $2 AND c = parent_1.\"Id\" -- all\n) AS child ON true",
            ),
        ] {
            let written = together(outer, look_up, &keys, per_key).unwrap();
            assert_eq!(written, expected);
            assert!(parse(&written).is_ok(), "{written}");
        }
        let missing = key(3, "id");
        assert_eq!(
            together("SELECT 1", "SELECT $1", &missing, PerKey::Rows),
            None
        );
    }
}
