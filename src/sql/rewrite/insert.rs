//! A statement that inserts one row, written so that it inserts many at once.

use std::ops::Range;

use super::{Edits, Stream};

/// The parts of `INSERT INTO t (a, b) VALUES ($1, $2)`.
struct OneRow<'a> {
    stream: Stream<'a>,
    /// The tokens from `VALUES` to the closing parenthesis.
    values: Range<usize>,
}

impl<'a> OneRow<'a> {
    fn of(text: &'a str) -> Option<Self> {
        let stream = Stream::new(text);
        let mut tokens = 0..stream.len();
        let start = tokens
            .find(|index| stream.opener(*index).is_none() && stream.word(*index, "values"))?;
        let close = stream
            .partner(start + 1)
            .filter(|_| stream.sign(start + 1, "("))?;
        let alone = stream.words(0, &["insert", "into"]) && !stream.sign(close + 1, ",");
        alone.then_some(Self {
            stream,
            values: start..close + 1,
        })
    }

    /// The columns, as the catalog spells them.
    fn columns(&self) -> Option<Vec<String>> {
        let before = (0..self.values.start).rev();
        let close = before.take(4).find(|index| self.stream.sign(*index, ")"))?;
        let open = self.stream.partner(close)?;
        let names = self.stream.arguments(open).into_iter().map(|range| {
            let [only] = [range.start].map(|index| self.stream.get(index));
            let name = only.filter(|_| range.len() == 1)?.text;
            Some(
                match name
                    .strip_prefix('"')
                    .and_then(|rest| rest.strip_suffix('"'))
                {
                    Some(quoted) => quoted.replace("\"\"", "\""),
                    None => name.to_lowercase(),
                },
            )
        });
        names.collect()
    }

    /// The parameters, where each value is one.
    fn parameters(&self) -> Option<Vec<u32>> {
        let values = self.stream.arguments(self.values.start + 1).into_iter();
        let numbers = values.map(|range| {
            let cast = range.len() == 1 || self.stream.sign(range.start + 1, "::");
            self.stream.parameter(range.start).filter(|_| cast)
        });
        numbers.collect()
    }
}

/// Whether a text inserts one row of `VALUES`.
pub fn inserts_one_row(text: &str) -> bool {
    OneRow::of(text).is_some()
}

/// `INSERT INTO t (a, b) VALUES ($1, $2)` as `INSERT INTO t (a, b) SELECT * FROM unnest($1::integer[], $2::text[])`:
/// each parameter becomes an array, one element a row. `None` where a value is no parameter, or where a column's type,
/// told by `type_of`, is unknown or an array itself.
pub fn insert_many(text: &str, type_of: impl Fn(&str) -> Option<String>) -> Option<String> {
    let text = text.trim().trim_end_matches(';').trim_end();
    let one = OneRow::of(text)?;
    let (columns, parameters) = (one.columns()?, one.parameters()?);
    if columns.is_empty() || columns.len() != parameters.len() {
        return None;
    }
    let arrays: Option<Vec<String>> = columns
        .iter()
        .zip(parameters)
        .map(|(column, number)| {
            let type_name = type_of(column).filter(|name| !name.ends_with(']'))?;
            Some(format!("${number}::{type_name}[]"))
        })
        .collect();
    let mut edits = Edits::default();
    edits.replace(
        one.stream.bytes(one.values.clone()),
        format!("SELECT * FROM unnest({})", arrays?.join(", ")),
    );
    Some(edits.apply(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn type_of(column: &str) -> Option<String> {
        let known = [
            ("a", "integer"),
            ("b", "text"),
            ("Odd \"name", "numeric(8,2)"),
            ("tags", "text[]"),
        ];
        let mut known = known.into_iter();
        known.find_map(|(name, of)| (name == column).then(|| of.to_owned()))
    }

    #[test]
    fn one_row_becomes_many() {
        for (text, expected) in [
            (
                "INSERT INTO t (a, B) VALUES ($1, $2);",
                "INSERT INTO t (a, B) SELECT * FROM unnest($1::integer[], $2::text[])",
            ),
            (
                "insert into s.t as x (b, \"Odd \"\"name\") values ($2::VARCHAR, $1) ON CONFLICT DO NOTHING RETURNING a",
                "insert into s.t as x (b, \"Odd \"\"name\") SELECT * FROM unnest($2::text[], $1::numeric(8,2)[]) ON CONFLICT DO NOTHING RETURNING a",
            ),
            (
                "INSERT INTO t (a) OVERRIDING SYSTEM VALUE VALUES ($1)",
                "INSERT INTO t (a) OVERRIDING SYSTEM VALUE SELECT * FROM unnest($1::integer[])",
            ),
        ] {
            assert_eq!(insert_many(text, type_of).as_deref(), Some(expected));
        }
    }

    #[test]
    fn what_cannot_be_is_left() {
        for text in [
            "INSERT INTO t (a, b) VALUES ($1, now())",
            "INSERT INTO t (a, unknown) VALUES ($1, $2)",
            "INSERT INTO t (tags) VALUES ($1)",
            "INSERT INTO t VALUES ($1, $2)",
            "INSERT INTO t (a, b) VALUES ($1, $2), ($3, $4)",
            "INSERT INTO t (a) SELECT $1",
            "",
        ] {
            assert_eq!(insert_many(text, type_of), None, "{text}");
        }
    }

    #[test]
    fn one_row_is_told_from_many() {
        for (text, expected) in [
            ("INSERT INTO t VALUES ($1, now())", true),
            ("INSERT INTO t (a) VALUES ($1), ($2)", false),
            ("INSERT INTO t (a) SELECT $1", false),
            ("INSERT INTO t DEFAULT VALUES", false),
            ("SELECT * FROM (VALUES ($1)) AS v", false),
        ] {
            assert_eq!(inserts_one_row(text), expected, "{text}");
        }
    }
}
