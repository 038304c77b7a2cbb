//! Normalised text that the server cannot prepare, or would understand differently, because constants became
//! parameters.
//!
//! `pg_stat_statements` puts `$n` where a constant stood (`generate_normalized_query()` in `pg_stat_statements.c`). The
//! grammar allows a constant, but no parameter, after a type name and in a few other places; and a constant's type
//! often followed from its being a number. All rules here were measured on a server: `testdata/sql/repairs.sql` holds
//! the texts.

mod grouping;
mod infer;
mod operands;
mod recursive;
mod typed;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::renumber::renumber;
use super::stream::{Edits, Stream};
use infer::Guess;

/// One kind of change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Repair {
    /// `interval $1` became `$1::interval`.
    TypedConstant,
    /// `extract($1 from x)` became `date_part($1, x)`.
    Extract,
    /// `normalize(x, $1)` and `x IS $1 NORMALIZED` became calls of the functions behind them.
    Normalize,
    /// A parameter got the type that the server could not infer, or would infer wrongly.
    Type,
    /// `= ANY (ARRAY[$1, $2])` became `IN ($1, $2)`.
    ArrayToList,
    /// A selected expression got the constants of the `GROUP BY` or `ORDER BY` expression that it must equal.
    Grouping,
}

impl fmt::Display for Repair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TypedConstant => "typed constants became casts",
            Self::Extract => "extract() became date_part()",
            Self::Normalize => "normalize() became a plain function call",
            Self::Type => "parameters were given types",
            Self::ArrayToList => "ANY (ARRAY[…]) became IN (…)",
            Self::Grouping => "GROUP BY expressions were made the same as selected ones",
        })
    }
}

/// A text to prepare.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repaired {
    /// The text, still exactly one statement, its parameters numbered from 1 without gaps (but for the text as
    /// written).
    pub text: String,
    /// What was changed; nothing in the text as written.
    pub what: BTreeSet<Repair>,
    /// The number in the original of each parameter, in the order of the new numbers.
    pub parameters: Vec<u32>,
}

/// Texts to prepare in the place of `text`, best first; `text` itself is among them, in the place where it belongs:
/// first when it needs no repair, last otherwise, because it may prepare and yet mean something else
/// (`substring(a from $1 for $2)` takes regular expressions then).
///
/// ```
/// use pgtriage::sql::rewrite::repair;
/// let text = "SELECT id FROM jobs WHERE run_at > now() - interval $1";
/// assert_eq!(repair(text)[0].text, "SELECT id FROM jobs WHERE run_at > now() - $1::interval");
/// ```
pub fn repair(text: &str) -> Vec<Repaired> {
    let mut found: Vec<Repaired> = Vec::new();
    if text.contains('$') {
        let mut what = BTreeSet::new();
        let grouped = grouping::repair(text, &mut what);
        let syntax = typed::repair(&grouped, &mut what);
        for guess in Guess::ALL {
            let mut what = what.clone();
            let typed = infer::repair(&syntax, guess, &mut what);
            let (repaired, parameters) = renumber(&typed);
            if found.iter().all(|known| known.text != repaired) {
                found.push(Repaired {
                    text: repaired,
                    what,
                    parameters,
                });
            }
        }
    }
    if found.iter().all(|known| known.text != text) {
        found.push(Repaired {
            text: text.to_owned(),
            what: BTreeSet::new(),
            parameters: renumber(text).1,
        });
    }
    found
}

/// `text` with a cast to its type behind each parameter that has none yet.
///
/// ```
/// use pgtriage::sql::rewrite::cast_parameters;
/// let types = [(1, "bigint".to_owned())].into();
/// let text = "DELETE FROM jobs USING (VALUES ($1), ($2::int)) AS v (id) WHERE jobs.id = v.id";
/// assert_eq!(
///     cast_parameters(text, &types),
///     "DELETE FROM jobs USING (VALUES ($1::bigint), ($2::int)) AS v (id) WHERE jobs.id = v.id"
/// );
/// ```
pub fn cast_parameters(text: &str, types: &BTreeMap<u32, String>) -> String {
    let stream = Stream::new(text);
    let mut edits = Edits::default();
    for index in 0..stream.len() {
        let name = stream
            .parameter(index)
            .and_then(|number| types.get(&number));
        if let (Some(name), Some(token)) = (name, stream.get(index))
            && !stream.sign(index + 1, "::")
        {
            edits.insert(token.span().end, format!("::{name}"));
        }
    }
    edits.apply(text)
}

/// The name before the parenthesis at `open`: the function that it calls.
fn callee<'a>(stream: &Stream<'a>, open: usize) -> Option<&'a str> {
    let token = stream.before(open)?;
    (stream.sign(open, "(") && token.is_name()).then_some(token.text)
}

#[cfg(test)]
mod tests;
