//! `FOR UPDATE` and its kin.

use super::stream::{Edits, Stream};

/// A row-locking clause as a range of tokens.
#[derive(Debug, Clone, Copy)]
pub struct LockingClause {
    start: usize,
    end: usize,
}

impl LockingClause {
    /// How many tokens it has.
    pub fn tokens(self) -> usize {
        self.end.saturating_sub(self.start)
    }

    /// ` NOWAIT` or ` SKIP LOCKED`, when it ends with that.
    pub fn wait(self, stream: &Stream<'_>) -> Option<&'static str> {
        let last = self.end.checked_sub(1)?;
        if stream.word(last, "nowait") {
            Some(" NOWAIT")
        } else if stream.word(last, "locked") {
            Some(" SKIP LOCKED")
        } else {
            None
        }
    }
}

/// The locking clause that starts with the `FOR` at `index`.
///
/// `FOR` also stands within `substring(a from b for c)` and `overlay(…)`: those parentheses hold no query, so a `FOR`
/// directly inside of parentheses counts only when they start a query.
pub fn locking_clause(stream: &Stream<'_>, index: usize) -> Option<LockingClause> {
    if !stream.word(index, "for") || !in_query(stream, index) {
        return None;
    }
    let strength = [
        &["no", "key", "update"][..],
        &["key", "share"],
        &["update"],
        &["share"],
    ]
    .into_iter()
    .find(|words| stream.words(index + 1, words))?;
    let mut end = index + 1 + strength.len();
    if stream.word(end, "of") {
        end += 2;
        while stream.sign(end, ",") || stream.sign(end, ".") {
            end += 2;
        }
    }
    if stream.word(end, "nowait") {
        end += 1;
    } else if stream.words(end, &["skip", "locked"]) {
        end += 2;
    }
    Some(LockingClause { start: index, end })
}

fn in_query(stream: &Stream<'_>, index: usize) -> bool {
    stream.opener(index).is_none_or(|open| {
        stream.any_word(open + 1, &["select", "with", "values", "table"])
            || stream.sign(open + 1, "(")
    })
}

/// `text` without its row-locking clauses, in subqueries too. `None` when it has none.
///
/// ```
/// use pgtriage::sql::rewrite::without_locking;
/// let text = "SELECT id FROM jobs WHERE state = $1 LIMIT 1 FOR UPDATE OF jobs SKIP LOCKED";
/// assert_eq!(without_locking(text).as_deref(), Some("SELECT id FROM jobs WHERE state = $1 LIMIT 1"));
/// ```
pub fn without_locking(text: &str) -> Option<String> {
    let stream = Stream::new(text);
    let mut edits = Edits::default();
    for index in 0..stream.len() {
        if let Some(clause) = locking_clause(&stream, index) {
            let mut bytes = stream.bytes(clause.start..clause.end);
            let blanks = text
                .get(..bytes.start)
                .map_or(0, |before| before.len() - before.trim_end().len());
            bytes.start -= blanks;
            edits.replace(bytes, "");
        }
    }
    (!edits.is_empty()).then(|| edits.apply(text))
}

#[cfg(test)]
mod tests {
    use super::without_locking;

    #[test]
    fn locking_clauses_go_and_nothing_else() {
        for (text, expected) in [
            ("select 1 for update", Some("select 1")),
            (
                "select 1 FOR NO KEY UPDATE OF a, b.c NOWAIT",
                Some("select 1"),
            ),
            (
                "select 1 for key share for share of x skip locked limit 1",
                Some("select 1 limit 1"),
            ),
            (
                "delete from t where id in (select id from t order by id for update skip locked limit $1)",
                Some("delete from t where id in (select id from t order by id limit $1)"),
            ),
            ("select substring(a for share) from t", None),
            ("select 'for update' -- for update", None),
            ("select a from t for", None),
            ("", None),
        ] {
            assert_eq!(without_locking(text).as_deref(), expected, "{text}");
        }
    }
}
