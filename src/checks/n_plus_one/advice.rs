//! The one statement that takes the place of the loop, and how libraries write it.

use std::fmt::Write;

use crate::checks::Case;
use crate::checks::support::{Words, advice, shortened};
use crate::finding::{Action, Recommendation};
use crate::format;
use crate::sql::facts::{Distinct, Facts, Output};
use crate::sql::parse::Kind;
use crate::sql::rewrite::{KeyParameter, KeySource, PerKey, batch, together};
use crate::units::{Millis, ratio};

use super::groups::Group;
use super::library::library;
use super::pairs::Pair;
use super::ties::Tie;

/// A statement's text and what it asks for.
#[derive(Clone, Copy)]
pub struct Said<'a> {
    /// The text.
    pub text: &'a str,
    /// What it asks for.
    pub facts: &'a Facts,
}

/// The advice for a loop.
pub fn recommendation(case: &Case<'_>, groups: &[Group], pair: &Pair) -> Option<Recommendation> {
    let child = groups.get(pair.child)?;
    let parent = groups.get(*pair.parents.first()?)?;
    let hint = library(child.text(case))
        .map(|library| format!(" ({library})"))
        .unwrap_or_default();
    let fetched = pair.tie.fetched_name(case, child.facts(case)?);
    let table = fetched.unwrap_or_else(|| pair.tie.child_name(case));
    let summary = summary(&table, parent.text(case), &hint);
    let outer = said(case, parent).filter(|_| pair.parents.len() == 1);
    let listed = child.keys.iter().any(|key| key.listed);
    let written = said(case, child).and_then(|look_up| {
        if listed {
            // It takes all keys as it is.
            return Some((look_up.text.to_owned(), BATCHED));
        }
        let limited = child.rows <= child.calls;
        replacement(case, look_up, outer, (&pair.tie, limited))
    });
    let words = Words {
        summary: &summary,
        expected: &expected(case, groups, child, pair),
        risk: written.as_ref().map_or(BATCHED, |(_, risk)| risk),
    };
    let mut advice = advice(Action::ChangeApplication, words);
    advice.rewrite = written.map(|(text, _)| text);
    Some(advice)
}

fn said<'a>(case: &'a Case<'_>, group: &'a Group) -> Option<Said<'a>> {
    Some(Said {
        text: group.text(case),
        facts: group.facts(case)?,
    })
}

/// Longer texts of statements are cut in a sentence.
const TEXT_CHARS: usize = 160;

/// What to do with a look-up of `table` for each row of the statement `parent`; `hint` is how a library calls it.
pub fn summary(table: &str, parent: &str, hint: &str) -> String {
    format!(
        "look up {table} once for all rows of \"{}\"{hint}, not once for each",
        shortened(parent, TEXT_CHARS),
    )
}

/// What is to be known of the look-up joined to the statement that it runs for.
const JOINED: &str = "a row without a match stands beside NULLs; parameters that are no keys must be the same for all rows";

/// What is to be known of the look-up for many keys.
pub const BATCHED: &str = "rows of many keys come at once: where there are very many, page them; `= ANY` returns the rows \
     of a key once, however often it is asked for, and other parameters must be the same for all keys";

/// One statement for all of a loop, and what is to be known of it: joined to the statement that it runs for where that
/// returns as many rows, else for a list of keys. `limited` says that a look-up with a limit returned one row at most.
pub fn replacement(
    case: &Case<'_>,
    look_up: Said<'_>,
    outer: Option<Said<'_>>,
    (tie, limited): (&Tie, bool),
) -> Option<(String, &'static str)> {
    let joined = outer.and_then(|outer| joined(case, look_up, outer, (tie, limited)));
    let batched = || batched(case, look_up, tie);
    let joined = joined.map(|text| (text, JOINED));
    joined.or_else(|| Some((batched()?, BATCHED)))
}

/// What becomes of the round trips, and the time on the network by the round trip that was measured.
fn expected(case: &Case<'_>, groups: &[Group], child: &Group, pair: &Pair) -> String {
    let count = format::count;
    let parents = pair.parents.iter().filter(|parent| **parent != pair.child);
    let parents = parents.filter_map(|parent| groups.get(*parent));
    let rounds: f64 = parents.map(|parent| parent.calls).sum();
    let (all, least) = (count(child.calls), count(child.calls - pair.saved(child)));
    let within = rounds > pair.root_calls && rounds < child.calls && count(rounds) != least;
    let (mut text, saved) = if within {
        let text = format!(
            "{all} statements become {}, and {least} once the loop around them is mended, too",
            count(rounds)
        );
        (text, child.calls - rounds)
    } else {
        (
            format!("{all} statements become {least}"),
            pair.saved(child),
        )
    };
    let seconds = case.workload.window().seconds;
    let a_day = seconds
        .filter(|seconds| *seconds >= HOUR)
        .and_then(|seconds| ratio(DAY, seconds));
    if let Some(a_day) = a_day {
        let _ = write!(text, ", {} fewer a day", format::count(saved * a_day));
    }
    if let Some(trip) = case.snapshot.server.round_trip_ms {
        let waited = Millis(trip.get() * saved * a_day.unwrap_or(1.0));
        let _ = write!(
            text,
            "; {} less of waiting for the network{} at {} a round trip, as measured from here",
            format::duration(waited),
            if a_day.is_some() { " a day" } else { "" },
            format::duration(trip),
        );
    }
    text
}

/// Seconds.
const DAY: f64 = 86_400.0;

/// Seconds: a shorter window says nothing of a day.
const HOUR: f64 = 3_600.0;

/// The two statements as one, where that returns as many rows as the first: a look-up of one row at most.
fn joined(
    case: &Case<'_>,
    look_up: Said<'_>,
    outer: Said<'_>,
    (tie, limited): (&Tie, bool),
) -> Option<String> {
    let level = look_up.facts.main()?;
    let per_key = per_key(look_up.facts, tie);
    let answer = level.aggregates && level.group_by.is_empty() || level.relations.is_empty();
    let one_row = tie.unique && per_key == PerKey::OneRow;
    let limited = level.limit.is_some() && limited;
    let mut levels = outer.facts.levels.iter();
    let plain = outer.facts.kind == Kind::Select && levels.all(|level| level.locking.is_none());
    if !plain || !(one_row || answer || limited) {
        return None;
    }
    let keys: Option<Vec<KeySource<'_>>> = tie
        .parameters
        .iter()
        .zip(&tie.parent_columns)
        .map(|(number, column)| {
            Some(KeySource {
                number: *number,
                column: output_of(case, outer.facts, (tie, column))?,
            })
        })
        .collect();
    together(outer.text, look_up.text, &keys?, per_key)
}

/// What a statement calls the column that it returns a key's values in, where no other one is called the same.
fn output_of<'f>(
    case: &Case<'_>,
    facts: &'f Facts,
    (tie, column): (&Tie, &str),
) -> Option<&'f str> {
    let named = facts.output().iter().find_map(|output| match output {
        Output::Column { name, sources } => {
            tie.names(case, facts, (sources, column)).then_some(name)
        }
        Output::All { .. } | Output::Computed { .. } => None,
    })?;
    let same = facts.output().iter().filter(|output| match output {
        Output::Column { name, .. } => name == named,
        Output::Computed { name } => name.as_ref() == Some(named),
        Output::All { .. } => true,
    });
    (same.count() == 1).then_some(named.as_str())
}

/// The look-up for many keys.
fn batched(case: &Case<'_>, look_up: Said<'_>, tie: &Tie) -> Option<String> {
    let table = case.catalog.by_oid(tie.child_table)?.table;
    let keys: Vec<KeyParameter<'_>> = tie
        .parameters
        .iter()
        .zip(&tie.child_columns)
        .filter_map(|(number, column)| {
            Some(KeyParameter {
                number: *number,
                type_name: &table.column(column)?.type_name,
            })
        })
        .collect();
    batch(look_up.text, &keys, per_key(look_up.facts, tie))
}

fn per_key(facts: &Facts, tie: &Tie) -> PerKey {
    let Some(level) = facts.main() else {
        return PerKey::Computed;
    };
    let returned = tie.child_columns.iter().all(|column| {
        level.output.iter().any(|output| match output {
            Output::Column { sources, .. } => sources.iter().any(|source| source.column == *column),
            Output::All { .. } => true,
            Output::Computed { .. } => false,
        })
    });
    let plain = returned
        && !level.aggregates
        && !level.set_operation
        && level.distinct == Distinct::No
        && level.windows.is_empty()
        && facts.levels.len() == 1;
    let bounded = level.limit.is_some() || level.offset.is_some();
    match (plain, tie.unique, bounded) {
        (true, true, _) => PerKey::OneRow,
        (true, false, false) => PerKey::Rows,
        _ => PerKey::Computed,
    }
}
