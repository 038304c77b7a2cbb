//! `repeated_lookup`: one session asks for the same row again and again, while it does one thing.

use std::collections::BTreeMap;

use super::n_plus_one::keys;
use super::support::{Words, advice};
use super::{
    Case, Category, Check, CheckMeta, Depth, LoggedCase, LoopSum, Proposal, Unseen, with_columns,
};
use crate::finding::{Action, CheckId, Draft, Impact, Location, Subject};
use crate::format;
use crate::snapshot::{LoggedLoop, LoopKind};
use crate::units::{float, ratio};

static META: CheckMeta = CheckMeta {
    id: CheckId::new("repeated_lookup"),
    title: "repeated look-up",
    summary: "a session looks up the same key at least 5 times on end: a cache is missing",
    category: Category::Workload,
    needs: &[],
    thresholds: &[],
    page: include_str!("repeated_lookup.md"),
};

/// Loops from which on it is no coincidence that they follow one statement.
const MIN_FOLLOWING: i64 = 3;

/// The share of the executions of a statement that such a loop follows.
const FOLLOWED: f64 = 0.5;

/// The check.
#[derive(Debug)]
pub struct RepeatedLookup;

impl Check for RepeatedLookup {
    fn meta(&self) -> &'static CheckMeta {
        &META
    }

    fn depth(&self) -> Depth {
        Depth::Loop
    }

    fn unseen(&self, case: &Case<'_>) -> Vec<Unseen> {
        case.unlogged()
    }

    fn run(&self, case: &Case<'_>, found: &mut Vec<Proposal>) {
        let Some(logged) = case.logged.as_ref().filter(|logged| logged.shows_loops()) else {
            return;
        };
        let mut by_statement: BTreeMap<usize, Vec<(usize, &LoggedLoop)>> = BTreeMap::new();
        for (place, looped) in logged.loops(LoopKind::Same) {
            if is_one_thing(logged, looped) {
                let loops = by_statement.entry(looped.statement).or_default();
                // Loops behind a statement are told again behind what stands before that.
                if !loops
                    .iter()
                    .any(|(_, other)| other.within.len() < looped.within.len())
                {
                    loops.retain(|(_, other)| other.within.len() <= looped.within.len());
                    loops.push((place, looped));
                }
            }
        }
        let proposals = by_statement.into_iter().filter_map(|(statement, loops)| {
            propose(case, logged, statement, &LoopSum::of(loops)?)
        });
        found.extend(proposals);
    }
}

/// Whether the look-ups belong to one thing that the application does, not to requests of which each begins with the
/// same look-up: nothing else ran between, or it was one transaction, or they follow one statement again and again.
fn is_one_thing(logged: &LoggedCase<'_>, looped: &LoggedLoop) -> bool {
    let most = |part: i64| part * 2 >= looped.loops;
    let follows = || {
        let first = looped.within.last().and_then(|first| logged.family(*first));
        let followed = first.and_then(|first| ratio(float(looped.loops), float(first.executions)));
        looped.loops >= MIN_FOLLOWING && followed.is_some_and(|share| share >= FOLLOWED)
    };
    most(looped.unbroken) || most(looped.in_transaction) || follows()
}

fn propose(
    case: &Case<'_>,
    logged: &LoggedCase<'_>,
    statement: usize,
    loops: &LoopSum<'_>,
) -> Option<Proposal> {
    let family = logged.family(statement)?;
    let facts = logged.facts(&case.catalog, statement)?;
    let keys = keys(&family.query, facts);
    let relation = keys.first()?.relation;
    let table = case
        .catalog
        .named(facts.relations.get(relation)?.resolved.as_ref()?)?;
    let columns: Vec<String> = keys
        .iter()
        .filter(|key| key.relation == relation)
        .map(|key| key.column.clone())
        .collect();
    let looked_up = with_columns(&table.table.name.to_string(), &columns);
    let id = crate::sql::family::id_of(&family.family);
    let (executions, count) = (loops.executions(), loops.count());
    let expected = format!(
        "{} statements become {} in the time of the log",
        format::count(float(executions)),
        format::count(float(count))
    );
    let words = Words {
        summary: &format!("keep what {looked_up} returned for as long as the request or job lasts"),
        expected: &expected,
        risk: "a row that others change meanwhile is seen as it was",
    };
    let mut evidence = loops.evidence("look-ups").into_iter();
    let place = logged.place(statement);
    let workload = place.and_then(|place| case.workload.families().get(place));
    let location = workload.map_or_else(
        || Location {
            queryids: family.queryids.clone(),
            query: Some(family.query.clone()),
            ..Location::default()
        },
        |family| case.location(family),
    );
    let draft = Draft::new(
        Subject::new(format!("{looked_up} #{}", id.get(..8)?)),
        format!("repeated look-up: {looked_up} with the same key on end"),
        evidence.next()?,
        advice(Action::ChangeApplication, words),
    )
    .with_all(evidence)
    .showing(loops.excerpts())
    .at(Location {
        table: Some(table.table.name.to_string()),
        columns,
        ..location
    })
    .costing(impact(case, logged, statement, loops));
    Some(Proposal {
        families: place.into_iter().collect(),
        draft,
    })
}

fn impact(
    case: &Case<'_>,
    logged: &LoggedCase<'_>,
    statement: usize,
    loops: &LoopSum<'_>,
) -> Impact {
    let text = format!(
        "{} look-ups where {} would do, and the network between",
        format::count(float(loops.executions())),
        format::count(float(loops.count())),
    );
    loops.impact(case, logged, statement, text)
}
