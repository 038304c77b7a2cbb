//! The `SELECT` that reads what a writing statement reads, for a role that may not write.

use std::ops::Range;

use super::locking::without_locking;
use super::renumber::renumber;
use super::stream::{Edits, Stream};

/// Which rows of the original an equivalent `SELECT` gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rows {
    /// Those that are updated, deleted or merged into.
    Target,
    /// Those that are inserted.
    Source,
    /// The same, without locking them or storing them in a table.
    Same,
}

/// A `SELECT` with the same `FROM`, `USING` and `WHERE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EquivalentSelect {
    /// The text, its parameters numbered from 1 without gaps.
    pub text: String,
    /// The number in the original of each parameter, in the order of the new numbers.
    pub parameters: Vec<u32>,
    /// What it stands for.
    pub rows: Rows,
}

/// Why there is no equivalent `SELECT`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum NoEquivalent {
    /// The statement is a plain `SELECT`.
    #[error("the statement only reads; plan it as it is")]
    OnlyReads,
    /// A `WITH` query writes, and its rows are used.
    #[error("a WITH query of the statement modifies data, and nothing else gives its rows")]
    ModifyingCte,
    /// `WHERE CURRENT OF`
    #[error("the statement takes its row from a cursor")]
    Cursor,
    /// `INSERT … DEFAULT VALUES`
    #[error("the statement inserts a row of defaults and reads nothing")]
    DefaultValues,
    /// No statement that reads rows, or none that is understood.
    #[error("the statement is no SELECT, INSERT, UPDATE, DELETE or MERGE that is understood")]
    NotUnderstood,
}

/// The `SELECT` that finds the rows which `text` writes or locks. `WITH` queries are kept; `RETURNING`, `ON CONFLICT`,
/// locks and the stored values are not, except for scalar subqueries in `SET`, which often are the cost.
///
/// # Errors
///
/// [`NoEquivalent`] says why there is none.
///
/// ```
/// use pgtriage::sql::rewrite::equivalent_select;
/// let select = equivalent_select("UPDATE jobs SET state = $1 WHERE id = $2 RETURNING *").unwrap();
/// assert_eq!(select.text, "SELECT jobs.* FROM jobs WHERE id = $1");
/// assert_eq!(select.parameters, [2]);
/// ```
pub fn equivalent_select(text: &str) -> Result<EquivalentSelect, NoEquivalent> {
    let stream = Stream::new(text);
    let end = (0..stream.len())
        .rev()
        .find(|index| !stream.sign(*index, ";"))
        .map_or(0, |last| last + 1);
    let verb = main_verb(&stream, end).ok_or(NoEquivalent::NotUnderstood)?;
    if modifies_below(&stream) {
        return Err(NoEquivalent::ModifyingCte);
    }
    let statement = Clauses {
        stream: &stream,
        verb,
        end,
    };
    let (select, rows) = statement.select()?;
    let unlocked = without_locking(&select).unwrap_or(select);
    let (text, parameters) = renumber(&unlocked);
    Ok(EquivalentSelect {
        text,
        parameters,
        rows,
    })
}

/// The word that says what the statement does, after its `WITH` queries.
fn main_verb(stream: &Stream<'_>, end: usize) -> Option<usize> {
    const VERBS: [&str; 7] = [
        "select", "insert", "update", "delete", "merge", "values", "table",
    ];
    if stream.any_word(0, &VERBS) || stream.sign(0, "(") {
        return Some(0);
    }
    if !stream.word(0, "with") {
        return None;
    }
    stream.level(1, end).find(|index| {
        stream.any_word(*index, &VERBS)
            && stream
                .before(*index)
                .is_some_and(|before| before.text == ")" || before.is_name())
            && !stream.word(index + 1, "as")
            && !stream.sign(index + 1, ",")
    })
}

/// Whether a statement within parentheses writes.
fn modifies_below(stream: &Stream<'_>) -> bool {
    (0..stream.len())
        .filter(|index| stream.opener(*index).is_some())
        .any(|index| {
            stream.words(index, &["insert", "into"])
                || stream.words(index, &["delete", "from"])
                || stream.words(index, &["merge", "into"])
                || stream.word(index, "update") && updates(stream, index)
        })
}

fn updates(stream: &Stream<'_>, index: usize) -> bool {
    let locks = stream
        .before(index)
        .is_some_and(|before| before.is_word("for") || before.is_word("key"));
    let end = stream
        .opener(index)
        .and_then(|open| stream.partner(open))
        .unwrap_or(stream.len());
    !locks
        && stream
            .level(index, end)
            .any(|at| stream.word(at, "set") && at > index + 1)
}

struct Clauses<'s, 'a> {
    stream: &'s Stream<'a>,
    verb: usize,
    end: usize,
}

/// A relation in front of `SET`, `USING` or `WHERE`.
struct Target<'a> {
    /// As it stands in `FROM`.
    from: &'a str,
    /// What qualifies its columns.
    name: &'a str,
}

impl<'a> Clauses<'_, 'a> {
    fn select(&self) -> Result<(String, Rows), NoEquivalent> {
        let stream = self.stream;
        if stream.words(self.verb, &["insert", "into"]) {
            return Ok((self.insert()?, Rows::Source));
        }
        let select = if stream.word(self.verb, "update") {
            self.update()
        } else if stream.words(self.verb, &["delete", "from"]) {
            self.delete()
        } else if stream.words(self.verb, &["merge", "into"]) {
            self.merge()
        } else {
            return Ok((self.read()?, Rows::Same));
        };
        Ok((select?, Rows::Target))
    }

    /// `WITH …`, with a blank after it.
    fn prefix(&self) -> String {
        match self.verb {
            0 => String::new(),
            verb => format!("{} ", self.stream.slice(0..verb)),
        }
    }

    /// The first of `words` from `from`, outside of parentheses.
    fn find(&self, from: usize, words: &[&str]) -> Option<usize> {
        let stream = self.stream;
        stream.level(from, self.end).find(|index| {
            stream.any_word(*index, words)
                && !stream
                    .before(*index)
                    .is_some_and(|before| before.is_word("distinct") || before.text == ".")
        })
    }

    /// Where the clause at `from` ends: at the first of `words`.
    fn until(&self, from: usize, words: &[&str]) -> usize {
        self.find(from, words).unwrap_or(self.end)
    }

    fn target(&self, range: Range<usize>) -> Option<Target<'a>> {
        let stream = self.stream;
        let mut at = range.start;
        if stream.word(at, "only") {
            at += 1;
        }
        if stream.sign(at, "(") {
            at += 1;
        }
        let first = at;
        while stream.sign(at + 1, ".") {
            at += 2;
        }
        let written = stream.slice(first..at + 1);
        let last = range.end.checked_sub(1)?;
        let alias = last > at
            && stream.get(last)?.is_name()
            && !stream.sign(last, ")")
            && !stream.sign(last, "*");
        if !stream.get(first)?.is_name() || at >= range.end {
            return None;
        }
        Some(Target {
            from: stream.slice(range),
            name: if alias {
                stream.slice(last..last + 1)
            } else {
                written
            },
        })
    }

    /// ` WHERE …` from the index of `WHERE`.
    fn condition(&self, place: Option<usize>) -> Result<String, NoEquivalent> {
        let Some(place) = place else {
            return Ok(String::new());
        };
        if self.stream.words(place + 1, &["current", "of"]) {
            return Err(NoEquivalent::Cursor);
        }
        let end = self.until(place + 1, &["returning"]);
        Ok(format!(" {}", self.stream.slice(place..end)))
    }

    fn update(&self) -> Result<String, NoEquivalent> {
        let set = self
            .find(self.verb + 1, &["set"])
            .ok_or(NoEquivalent::NotUnderstood)?;
        let target = self
            .target(self.verb + 1..set)
            .ok_or(NoEquivalent::NotUnderstood)?;
        let from = self.find(set, &["from", "where", "returning"]);
        let place = self.find(set, &["where", "returning"]);
        let assigned = from.unwrap_or(self.end);
        let from = from.filter(|index| self.stream.word(*index, "from"));
        let place = place.filter(|index| self.stream.word(*index, "where"));
        let others = from.map_or_else(String::new, |from| {
            let end = self.until(from + 1, &["where", "returning"]);
            format!(", {}", self.stream.slice(from + 1..end))
        });
        Ok(format!(
            "{}SELECT {}.*{} FROM {}{others}{}",
            self.prefix(),
            target.name,
            self.subqueries(set + 1..assigned),
            target.from,
            self.condition(place)?,
        ))
    }

    /// The scalar subqueries among the stored values. One for several columns cannot stand in a select list.
    fn subqueries(&self, assignments: Range<usize>) -> String {
        let stream = self.stream;
        let mut found = String::new();
        for open in assignments.clone() {
            let outermost = stream
                .opener(open)
                .is_none_or(|outer| !assignments.contains(&outer) || !is_query(stream, outer));
            if !(is_query(stream, open) && outermost) {
                continue;
            }
            let several = open
                .checked_sub(2)
                .is_some_and(|at| stream.sign(at, ")") && stream.sign(at + 1, "="));
            let called = stream.before(open).is_some_and(|before| {
                before.is_name() && !before.is_word("then") && !before.is_word("else")
            });
            if let (false, false, Some(close)) = (several, called, stream.partner(open)) {
                found.push_str(", ");
                found.push_str(stream.slice(open..close + 1));
            }
        }
        found
    }

    fn delete(&self) -> Result<String, NoEquivalent> {
        let start = self.verb + 2;
        let after = self.until(start, &["using", "where", "returning"]);
        let target = self
            .target(start..after)
            .ok_or(NoEquivalent::NotUnderstood)?;
        // A join's USING comes after that of DELETE, so the first one is it.
        let others = if self.stream.word(after, "using") {
            let end = self.until(after + 1, &["where", "returning"]);
            format!(", {}", self.stream.slice(after + 1..end))
        } else {
            String::new()
        };
        let place = self
            .find(start, &["where", "returning"])
            .filter(|index| self.stream.word(*index, "where"));
        Ok(format!(
            "{}SELECT {}.* FROM {}{others}{}",
            self.prefix(),
            target.name,
            target.from,
            self.condition(place)?,
        ))
    }

    fn merge(&self) -> Result<String, NoEquivalent> {
        let stream = self.stream;
        let clauses = || {
            let using = self.find(self.verb + 2, &["using"])?;
            let on = self.find(using, &["on"])?;
            let when = stream.level(on, self.end).find(|index| {
                stream.words(*index, &["when", "matched"])
                    || stream.words(*index, &["when", "not", "matched"])
            })?;
            Some((using, on, when))
        };
        let (using, on, when) = clauses().ok_or(NoEquivalent::NotUnderstood)?;
        let unmatched = |by_source: bool| {
            stream.level(when, self.end).any(|index| {
                stream.words(index, &["when", "not", "matched"])
                    && stream.words(index + 3, &["by", "source"]) == by_source
            })
        };
        // transform_MERGE_to_join() in prepjointree.c.
        let join = match (unmatched(false), unmatched(true)) {
            (false, false) => "JOIN",
            (true, false) => "LEFT JOIN",
            (false, true) => "RIGHT JOIN",
            (true, true) => "FULL JOIN",
        };
        Ok(format!(
            "{}SELECT * FROM {} {join} {} {}",
            self.prefix(),
            stream.slice(using + 1..on),
            stream.slice(self.verb + 2..using),
            stream.slice(on..when),
        ))
    }

    fn insert(&self) -> Result<String, NoEquivalent> {
        let stream = self.stream;
        let start = stream
            .level(self.verb + 2, self.end)
            .find(|index| {
                stream.any_word(*index, &["select", "values", "with", "table"])
                    || is_query(stream, *index)
                    || stream.words(*index, &["default", "values"])
            })
            .ok_or(NoEquivalent::NotUnderstood)?;
        if stream.word(start, "default") {
            return Err(NoEquivalent::DefaultValues);
        }
        let end = stream
            .level(start, self.end)
            .find(|index| stream.word(*index, "returning") || is_conflict(stream, *index))
            .unwrap_or(self.end);
        let source = if stream.word(start, "values") {
            self.values(start..end)
        } else {
            stream.slice(start..end).to_owned()
        };
        Ok(if self.verb > 0 && stream.word(start, "with") {
            format!("{}({source})", self.prefix())
        } else {
            format!("{}{source}", self.prefix())
        })
    }

    /// `VALUES` without `DEFAULT`, which means nothing outside of `INSERT`.
    fn values(&self, range: Range<usize>) -> String {
        let stream = self.stream;
        let bytes = stream.bytes(range.clone());
        let mut edits = Edits::default();
        for index in range.clone() {
            if stream.word(index, "default") {
                let word = stream.bytes(index..index + 1);
                edits.replace(word.start - bytes.start..word.end - bytes.start, "NULL");
            }
        }
        edits.apply(stream.slice(range))
    }

    /// A `SELECT` without its locks and its `INTO`.
    fn read(&self) -> Result<String, NoEquivalent> {
        let stream = self.stream;
        let text = stream.slice(0..self.end);
        let into = if stream.word(self.verb, "select") {
            stream
                .level(self.verb, self.end)
                .find(|index| stream.word(*index, "into"))
        } else {
            None
        };
        let Some(into) = into else {
            return without_locking(text).ok_or(NoEquivalent::OnlyReads);
        };
        let mut end = into + 1;
        while stream.any_word(
            end,
            &["temp", "temporary", "unlogged", "table", "local", "global"],
        ) {
            end += 1;
        }
        while stream.sign(end + 1, ".") {
            end += 2;
        }
        Ok(format!(
            "{} {}",
            stream.slice(0..into),
            stream.slice(end + 1..self.end)
        ))
    }
}

/// Whether the parenthesis at `index` holds a query.
fn is_query(stream: &Stream<'_>, index: usize) -> bool {
    let mut inner = index;
    while stream.sign(inner, "(") {
        inner += 1;
    }
    inner > index && stream.any_word(inner, &["select", "with", "values"])
}

/// `ON CONFLICT`, rather than a join on a column of that name.
fn is_conflict(stream: &Stream<'_>, index: usize) -> bool {
    stream.words(index, &["on", "conflict"])
        && (stream.sign(index + 2, "(") || stream.any_word(index + 2, &["do", "on"]))
}

#[cfg(test)]
mod tests;
