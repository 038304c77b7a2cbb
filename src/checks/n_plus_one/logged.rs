//! Loops that the log shows: which statement's rows a look-up ran for is told by what ran before it, in one session.

use std::collections::BTreeMap;

use crate::checks::support::{Words, advice, label};
use crate::checks::{Case, LoggedCase, LoopSum, Proposal, with_columns};
use crate::finding::{Action, Confidence, Draft, Impact, Location, Recommendation, Subject};
use crate::format;
use crate::snapshot::{LoggedLoop, LoopKind};
use crate::sql::cursor;
use crate::sql::facts::Facts;
use crate::sql::parse::Kind;
use crate::sql::rewrite::inserts_one_row;
use crate::units::{float, ratio};

use super::advice::{BATCHED, Said, replacement, summary};
use super::groups::{KeyColumn, keys};
use super::library::library;
use super::ties::{Tie, is_unique, resolved, ties_of};
use super::title;

/// The share of a look-up's loops that must stand behind statements which return its keys. Single look-ups of many
/// requests on one connection stand behind anything.
const EXPLAINED: f64 = 0.5;

/// Loops from which on it is no coincidence that one statement stands before them, where nothing ties the two.
const MIN_UNTIED: i64 = 3;

/// The share of a look-up's loops that stand behind that statement, and of those with nothing else between.
const MOSTLY: f64 = 0.8;

/// The share of that statement's executions that such a loop follows.
const FOLLOWED: f64 = 0.5;

/// Look-ups for each execution of a statement up to which they run beside it, not for its rows.
const ONCE: f64 = 1.1;

/// A look-up that runs for the rows of a statement.
struct Proven<'a> {
    /// Position of the look-up in [`crate::snapshot::Logs::families`].
    child: usize,
    /// Position of the statement.
    parent: usize,
    /// What ties them, where the catalog or the names say so.
    tie: Option<Tie>,
    loops: LoopSum<'a>,
}

/// The proposals that counters gave, with the log's proof; and those that only the log proves. What the log shows of a
/// look-up takes the place of what counters conclude of it.
pub fn join(case: &Case<'_>, counted: Vec<Proposal>) -> Vec<Proposal> {
    let Some(logged) = case.logged.as_ref().filter(|logged| logged.shows_loops()) else {
        return counted;
    };
    let mut joined = Vec::new();
    let mut counted = counted;
    for proven in proven(case, logged) {
        let place = logged.place(proven.child);
        let Some(proposal) = proven.proposal(case, logged) else {
            continue;
        };
        let same = |other: &Proposal| other.draft.subject() == proposal.draft.subject();
        if let Some(found) = counted.iter().position(same) {
            let Proposal { families, draft } = counted.swap_remove(found);
            let draft = draft
                .proven_by(proven.loops.evidence(LOOK_UPS))
                .showing(proven.loops.excerpts());
            joined.push(Proposal { families, draft });
        } else {
            joined.push(proposal);
        }
        // Another parent was concluded from counters alone.
        counted.retain(|other| {
            other.draft.confidence() == Confidence::Measured
                || place.is_none_or(|place| !other.families.contains(&place))
        });
    }
    joined.extend(counted);
    joined
}

const LOOK_UPS: &str = "look-ups";

/// A look-up of the log.
struct LookUp<'c> {
    family: usize,
    facts: &'c Facts,
    keys: Vec<KeyColumn>,
    ties: Vec<Tie>,
}

impl<'c> LookUp<'c> {
    fn of(case: &'c Case<'_>, logged: &'c LoggedCase<'_>, family: usize) -> Option<Self> {
        let facts = logged.facts(&case.catalog, family)?;
        let keys = keys(&logged.family(family)?.query, facts);
        // How many keys a list has, the log's digest does not keep.
        let one_each = !keys.is_empty() && !keys.iter().any(|key| key.listed);
        one_each.then(|| Self {
            family,
            ties: ties_of(case, facts, &keys),
            facts,
            keys,
        })
    }
}

impl LookUp<'_> {
    /// The tie to its own rows, where the look-up walks a tree.
    fn own_tie(&self, case: &Case<'_>) -> Option<Tie> {
        let own = |tie: &&Tie| {
            tie.child_table == tie.parent_table
                && tie.child_columns != tie.parent_columns
                && !tie.unique
                && tie.returned_by(case, self.facts).is_some()
        };
        self.ties.iter().find(own).cloned()
    }
}

fn proven<'a>(case: &Case<'a>, logged: &LoggedCase<'a>) -> Vec<Proven<'a>> {
    let mut by_statement: BTreeMap<usize, Vec<(usize, &'a LoggedLoop)>> = BTreeMap::new();
    let distinct = logged.loops(LoopKind::Distinct);
    for (place, found) in distinct.chain(logged.loops(LoopKind::Mixed)) {
        by_statement
            .entry(found.statement)
            .or_default()
            .push((place, found));
    }
    let of_statement = by_statement.into_iter().filter_map(|(family, loops)| {
        let look_up = LookUp::of(case, logged, family)?;
        let tied = tied(case, logged, &look_up, &loops);
        let explained: i64 = tied.iter().map(|proven| proven.loops.executions()).sum();
        // Those that stand behind nothing, or directly behind something.
        let all: i64 = loops
            .iter()
            .filter(|(_, found)| found.within.len() <= 1)
            .map(|(_, found)| found.executions)
            .sum();
        let all = float(all.max(explained));
        if ratio(float(explained), all).is_some_and(|share| share >= EXPLAINED) {
            return Some(tied);
        }
        let untied = untied(case, logged, &look_up, &loops, all)?;
        Some(vec![untied])
    });
    of_statement.flatten().collect()
}

/// The statement whose keys a look-up gets in a loop, with its place in the chain, and the tie: the nearest that
/// returns them, unless the look-up ran but once after each execution of it, and one further away returns them, too.
fn source(
    case: &Case<'_>,
    logged: &LoggedCase<'_>,
    ties: &[Tie],
    found: &LoggedLoop,
) -> Option<(usize, Tie)> {
    let mut sources = sources(case, logged, ties, &found.within).peekable();
    let mut best = sources.next()?;
    while once_a_round(logged, found, best.0)
        && let Some(further) = sources.next_if(|(_, tie)| tie.basis >= best.1.basis)
    {
        best = further;
    }
    Some(best)
}

/// Whether a look-up ran about once after each execution of a statement that itself ran in a loop: side by side with
/// it, for the rows of something else.
fn once_a_round(logged: &LoggedCase<'_>, found: &LoggedLoop, place: usize) -> bool {
    let Some((statement, beyond)) = found.within.get(place..).and_then(<[usize]>::split_first)
    else {
        return false;
    };
    let rounds: i64 = logged
        .logs()
        .loops
        .iter()
        .filter(|other| other.statement == *statement && other.within == beyond)
        .map(|other| other.executions)
        .sum();
    ratio(float(found.executions), float(rounds)).is_some_and(|each| each <= ONCE)
}

/// All statements of a chain that return the keys of a look-up, with their places in it, and the ties.
fn sources<'s>(
    case: &'s Case<'_>,
    logged: &'s LoggedCase<'_>,
    ties: &'s [Tie],
    within: &'s [usize],
) -> impl Iterator<Item = (usize, Tie)> + use<'s> {
    within
        .iter()
        .enumerate()
        .filter_map(move |(place, parent)| {
            let facts = logged.facts(&case.catalog, *parent)?;
            let tie = ties
                .iter()
                .filter_map(|tie| Some((tie.returned_by(case, facts)?, tie)))
                .max_by_key(|(basis, _)| *basis)
                .map(|(_, tie)| tie)?;
            let beyond = within.get(place + 1..).unwrap_or_default();
            let linked = if beyond.is_empty() {
                hands_out_rows(case, logged, *parent)
            } else {
                // A loop within a loop: the outer one's keys come from further away.
                let outer = LookUp::of(case, logged, *parent)?;
                sources(case, logged, &outer.ties, beyond).next().is_some()
            };
            linked.then(|| (place, tie.clone()))
        })
}

/// Whether a statement can return the keys of several rows.
fn hands_out_rows(case: &Case<'_>, logged: &LoggedCase<'_>, family: usize) -> bool {
    let Some(facts) = logged.facts(&case.catalog, family) else {
        return false;
    };
    let text = logged.family(family).map(|family| family.query.as_str());
    let keys = keys(text.unwrap_or_default(), facts);
    let one_row = || {
        let keys: Vec<&KeyColumn> = keys.iter().collect();
        match facts.relations.as_slice() {
            [only] => resolved(case, only).is_some_and(|table| is_unique(case, table.table, &keys)),
            _ => false,
        }
    };
    let summary = facts
        .main()
        .is_some_and(|level| level.aggregates && level.group_by.is_empty());
    let queries = facts.kind == Kind::Select && !summary && !one_row();
    let returns = facts.kind != Kind::Select
        && !facts.output().is_empty()
        && !text.is_some_and(inserts_one_row);
    (queries || returns) && !facts.skips_locked()
}

fn tied<'a>(
    case: &Case<'a>,
    logged: &LoggedCase<'a>,
    look_up: &LookUp<'_>,
    loops: &[(usize, &'a LoggedLoop)],
) -> Vec<Proven<'a>> {
    let mut accepted: Vec<(usize, &'a LoggedLoop, usize, Tie)> = Vec::new();
    let mut nearest: Vec<&(usize, &'a LoggedLoop)> = loops.iter().collect();
    nearest.sort_by_key(|(place, found)| (found.within.len(), *place));
    for (place, found) in nearest {
        // Loops behind a statement are told again behind what stands before that.
        let told = accepted
            .iter()
            .any(|(_, other, ..)| found.within.starts_with(&other.within));
        if told {
            continue;
        }
        let of_chain = source(case, logged, &look_up.ties, found)
            .and_then(|(at, tie)| Some((*found.within.get(at)?, tie)));
        let of_tree = || Some((look_up.family, look_up.own_tie(case)?));
        if let Some((parent, tie)) = of_chain.or_else(of_tree) {
            accepted.push((*place, found, parent, tie));
        }
    }
    let mut proven: Vec<Proven<'a>> = Vec::new();
    while let Some((_, _, parent, tie)) = accepted.first().cloned() {
        let same =
            |entry: &(usize, &'a LoggedLoop, usize, Tie)| entry.2 == parent && entry.3 == tie;
        let (of_parent, others) = accepted.into_iter().partition(same);
        accepted = others;
        let of_parent: Vec<(usize, &'a LoggedLoop, usize, Tie)> = of_parent;
        let loops = of_parent
            .into_iter()
            .map(|(place, found, ..)| (place, found));
        if let Some(loops) = LoopSum::of(loops.collect()) {
            proven.push(Proven {
                child: look_up.family,
                parent,
                tie: Some(tie),
                loops,
            });
        }
    }
    proven
}

/// The one statement that nearly all loops of a look-up stand behind, where nothing ties the two: no foreign key, and
/// other names.
fn untied<'a>(
    case: &Case<'a>,
    logged: &LoggedCase<'a>,
    look_up: &LookUp<'_>,
    loops: &[(usize, &'a LoggedLoop)],
    all: f64,
) -> Option<Proven<'a>> {
    let (place, found, parent) = loops.iter().find_map(|(place, found)| {
        let (parent, between) = found.within.split_last()?;
        let rows = |family: &usize| hands_out_rows(case, logged, *family);
        let first = rows(parent) && !between.iter().any(rows);
        let other = *parent != look_up.family && found.kind == LoopKind::Distinct;
        (first && other).then_some((*place, *found, *parent))
    })?;
    let followed = logged.family(parent)?.executions;
    let share = |part: i64, whole: f64| ratio(float(part), whole).unwrap_or_default();
    let certain = found.loops >= MIN_UNTIED
        && share(found.executions, all) >= MOSTLY
        && share(found.unbroken, float(found.loops)) >= MOSTLY
        && share(found.loops, float(followed)) >= FOLLOWED;
    let loops = LoopSum::of(vec![(place, found)])?;
    certain.then_some(Proven {
        child: look_up.family,
        parent,
        tie: None,
        loops,
    })
}

impl Proven<'_> {
    fn proposal(&self, case: &Case<'_>, logged: &LoggedCase<'_>) -> Option<Proposal> {
        let look_up = LookUp::of(case, logged, self.child)?;
        let family = logged.family(self.child)?;
        let place = logged.place(self.child);
        let (table, columns) = self.looked_up(case, &look_up)?;
        let looked_up = with_columns(&table, &columns);
        let parent = self.parent_name(case, logged)?;
        let id = crate::sql::family::id_of(&family.family);
        let subject = format!("{looked_up} for each of {parent} #{}", id.get(..8)?);
        let fetched = self.fetched(case, &look_up);
        let title = title(fetched.as_deref(), &looked_up, &parent);
        let mut evidence = self.loops.evidence(LOOK_UPS).into_iter();
        let workload = place.and_then(|place| case.workload.families().get(place));
        let of_workload = workload.map(|family| case.location(family));
        let location = of_workload.unwrap_or_else(|| Location {
            queryids: family.queryids.clone(),
            query: Some(family.query.clone()),
            ..Location::default()
        });
        let draft = Draft::new(
            Subject::new(subject),
            title,
            evidence.next()?,
            self.advice(case, logged, &look_up)?,
        )
        .with_all(evidence)
        .showing(self.loops.excerpts())
        .at(Location {
            table: Some(table),
            columns,
            ..location
        })
        .costing(self.impact(case, logged));
        Some(Proposal {
            families: place.into_iter().collect(),
            draft,
        })
    }

    /// The table that is looked up, and its columns.
    fn looked_up(&self, case: &Case<'_>, look_up: &LookUp<'_>) -> Option<(String, Vec<String>)> {
        if let Some(tie) = &self.tie {
            return Some((tie.child_name(case), tie.child_columns.clone()));
        }
        let relation = look_up.keys.first()?.relation;
        let table = resolved(case, look_up.facts.relations.get(relation)?)?;
        let keys = look_up.keys.iter().filter(|key| key.relation == relation);
        let columns = keys.map(|key| key.column.clone()).collect();
        Some((table.table.name.to_string(), columns))
    }

    /// The table that the look-up joins its way to.
    fn fetched(&self, case: &Case<'_>, look_up: &LookUp<'_>) -> Option<String> {
        self.tie.as_ref()?.fetched_name(case, look_up.facts)
    }

    fn parent_name(&self, case: &Case<'_>, logged: &LoggedCase<'_>) -> Option<String> {
        if let Some(tie) = &self.tie {
            return Some(tie.parent_name(case));
        }
        let facts = logged.facts(&case.catalog, self.parent)?;
        let table = facts.relations.iter().find_map(|used| resolved(case, used));
        match table {
            Some(table) => Some(table.table.name.to_string()),
            None => Some(label(&logged.family(self.parent)?.query)),
        }
    }

    fn advice(
        &self,
        case: &Case<'_>,
        logged: &LoggedCase<'_>,
        look_up: &LookUp<'_>,
    ) -> Option<Recommendation> {
        let text = &logged.family(self.child)?.query;
        let (table, _) = self.looked_up(case, look_up)?;
        let table = self.fetched(case, look_up).unwrap_or(table);
        let hint = library(text)
            .map(|library| format!(" ({library})"))
            .unwrap_or_default();
        let summary = summary(&table, &logged.family(self.parent)?.query, &hint);
        let expected = format!(
            "{} statements become {} in the time of the log",
            format::count(float(self.loops.executions())),
            format::count(float(self.loops.count()))
        );
        let said = |family: usize| {
            Some(Said {
                text: cursor::query(&logged.family(family)?.query),
                facts: logged.facts(&case.catalog, family)?,
            })
        };
        let tie = self.tie.as_ref();
        let outer = said(self.parent).filter(|_| self.parent != self.child);
        let written = tie.and_then(|tie| replacement(case, said(self.child)?, outer, (tie, false)));
        let words = Words {
            summary: &summary,
            expected: &expected,
            risk: written.as_ref().map_or(BATCHED, |(_, risk)| risk),
        };
        let mut advice = advice(Action::ChangeApplication, words);
        advice.rewrite = written.map(|(text, _)| text);
        Some(advice)
    }

    fn impact(&self, case: &Case<'_>, logged: &LoggedCase<'_>) -> Impact {
        let (executions, count) = (self.loops.executions(), self.loops.count());
        let text = format!(
            "{} look-ups in {} loops of one session each, and the network between; {} round trips too many",
            format::count(float(executions)),
            format::count(float(count)),
            format::count(float(executions - count)),
        );
        self.loops.impact(case, logged, self.child, text)
    }
}
