//! Which statement's rows a look-up runs once for.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::checks::{Case, Threshold};
use crate::finding::Unit;
use crate::sql::facts::{Facts, Output, Role};
use crate::sql::parse::Kind;
use crate::units::ratio;

use super::fit::RATIO;
use super::groups::Group;
use super::measured::{Candidate, Parts, Proof};
use super::ties::{Basis, Tie, resolved, ties};

/// Look-ups from which a ratio is no coincidence: the rows of one page as paginators have it by default
/// (`will_paginate` 30, Kaminari and Spring Data 20 to 25).
pub static MIN_CALLS: Threshold<f64> = Threshold {
    key: "n_plus_one.min_calls",
    default: 20.0,
    unit: Unit::Calls,
    what: "calls of the look-up",
};

/// Rows a call from which a parent can be looped over.
const MIN_ROWS_PER_CALL: f64 = 2.0;

/// Look-ups for one call of the parent from which they are a loop: below, each call has its own look-up, as a request
/// has its user.
const MIN_LOOPS: f64 = 2.0;

/// Look-ups per row where nothing but their number says which rows they are for.
const RATIO_ALONE: std::ops::RangeInclusive<f64> = 0.9..=1.1;

/// How near rows and look-ups must be for a statement that returns one row a call to be the better explanation.
const SAME: f64 = 0.05;

/// A loop.
#[derive(Debug, Clone, PartialEq)]
pub struct Pair {
    /// Position of the look-up's group.
    pub child: usize,
    /// Positions of the groups whose rows it runs for, the one with the most rows first; several only where no single
    /// one explains the number of look-ups.
    pub parents: Vec<usize>,
    /// What ties them.
    pub tie: Tie,
    /// Calls of the outermost statement of the loop.
    pub root_calls: f64,
    /// What the parts of the window say, where they prove it.
    pub proof: Option<Proof>,
}

impl Pair {
    /// Rows of the parents.
    pub fn rows(&self, groups: &[Group]) -> f64 {
        let rows = self.parents.iter().filter_map(|parent| groups.get(*parent));
        rows.map(|group| group.rows).sum()
    }

    /// Round trips that one look-up for all rows of a call saves.
    pub fn saved(&self, child: &Group) -> f64 {
        (child.calls - self.root_calls).max(0.0)
    }
}

/// A group that returns the keys of a look-up.
struct Source {
    group: usize,
    tie: Tie,
}

/// The loops, each look-up with the parent that explains it best.
pub fn pairs(case: &Case<'_>, groups: &[Group]) -> Vec<Pair> {
    let sources: BTreeMap<usize, Vec<Source>> = groups
        .iter()
        .enumerate()
        .filter(|(_, group)| group.calls >= MIN_CALLS.of(case) && !group.keys.is_empty())
        .map(|(place, _)| (place, sources(case, groups, place)))
        .filter(|(_, sources)| !sources.is_empty())
        .collect();
    let parts = Parts::of(case, groups);
    let mut found: BTreeMap<usize, Pair> = BTreeMap::new();
    // A loop within a loop is known once the outer one is: as many rounds as there are look-ups.
    for _ in 0..=sources.len() {
        let next: BTreeMap<usize, Pair> = sources
            .keys()
            .filter_map(|child| {
                let search = Search {
                    groups,
                    all: &sources,
                    known: &found,
                    parts: parts.as_ref(),
                    windowed: case.snapshot.series.is_some(),
                };
                Some((*child, search.best(*child)?))
            })
            .collect();
        if next == found {
            break;
        }
        found = next;
    }
    drop_explained(groups, &sources, &mut found);
    found.into_values().collect()
}

/// The groups of the same role that return what a look-up is tied to.
fn sources(case: &Case<'_>, groups: &[Group], child: usize) -> Vec<Source> {
    let Some(look_up) = groups.get(child) else {
        return Vec::new();
    };
    if validates(case, groups, look_up) {
        return Vec::new();
    }
    let mut found = Vec::new();
    for tie in ties(case, look_up) {
        for (place, group) in groups.iter().enumerate() {
            let recursive = place == child && tie.within_a_table();
            let comparable = group.userid == look_up.userid
                && group.toplevel == look_up.toplevel
                && (group.family != look_up.family || recursive);
            let given = if comparable {
                gives(case, group, &tie)
            } else {
                None
            };
            if let Some(basis) = given {
                found.push(Source {
                    group: place,
                    tie: Tie {
                        basis,
                        ..tie.clone()
                    },
                });
            }
        }
    }
    found
}

/// What says that a group's statements hand out the keys: they return them, or insert the rows that hold them.
fn gives(case: &Case<'_>, group: &Group, tie: &Tie) -> Option<Basis> {
    let facts = group.facts(case)?;
    let returned = tie
        .returned_by(case, facts)
        .filter(|_| !facts.skips_locked());
    let inserted = group.kind == Kind::Insert && inserts(case, facts, tie);
    returned.or_else(|| inserted.then_some(tie.basis))
}

fn inserts(case: &Case<'_>, facts: &Facts, tie: &Tie) -> bool {
    facts.relations.iter().any(|used| {
        let into = used.role == Role::InsertTarget
            && resolved(case, used).is_some_and(|table| table.table.oid == tie.parent_table);
        into && tie
            .parent_columns
            .iter()
            .all(|column| used.written.contains(column))
    })
}

/// Whether it only asks if a row exists and its table is written as often: a validation before each write.
fn validates(case: &Case<'_>, groups: &[Group], look_up: &Group) -> bool {
    let Some(facts) = look_up.facts(case) else {
        return false;
    };
    let bare = facts
        .output()
        .iter()
        .all(|output| matches!(output, Output::Computed { .. }));
    let aggregates = facts.main().is_some_and(|level| level.aggregates);
    if !bare || aggregates {
        return false;
    }
    let tables: Vec<_> = facts
        .relations
        .iter()
        .filter_map(|used| resolved(case, used).map(|table| table.table.oid))
        .collect();
    let writes: f64 = groups
        .iter()
        .filter(|group| {
            group.userid == look_up.userid && matches!(group.kind, Kind::Insert | Kind::Update)
        })
        .filter(|group| {
            group.facts(case).is_some_and(|facts| {
                facts.relations.iter().any(|used| {
                    used.role != Role::Scan
                        && resolved(case, used)
                            .is_some_and(|table| tables.contains(&table.table.oid))
                })
            })
        })
        .map(|group| group.calls)
        .sum();
    writes >= look_up.calls / 2.0
}

/// How far a number of look-ups is from one per row.
fn distance(calls: f64, rows: f64) -> f64 {
    ratio(calls, rows).map_or(f64::INFINITY, |ratio| ratio.ln().abs())
}

fn is_loop(calls: f64, rows: f64, root_calls: f64) -> bool {
    ratio(calls, rows).is_some_and(|ratio| RATIO.contains(&ratio))
        && ratio(calls, root_calls).is_some_and(|loops| loops >= MIN_LOOPS)
}

/// A source that a look-up may run for, its group, and the calls of the outermost statement then.
type Eligible<'a> = (&'a Source, &'a Group, f64);

/// What is looked among for the parents of look-ups.
struct Search<'s> {
    groups: &'s [Group],
    all: &'s BTreeMap<usize, Vec<Source>>,
    known: &'s BTreeMap<usize, Pair>,
    parts: Option<&'s Parts>,
    /// Whether an interval was measured, which would have to prove what counters alone suggest but faintly.
    windowed: bool,
}

impl<'s> Search<'s> {
    fn best(&self, child: usize) -> Option<Pair> {
        let look_up = self.groups.get(child)?;
        let sources = self.all.get(&child)?;
        let eligible: Vec<Eligible<'s>> = sources
            .iter()
            .filter_map(|source| {
                let group = self.groups.get(source.group)?;
                let root_calls = root_calls(self.groups, source.group, child, self.known)?;
                Some((source, group, root_calls))
            })
            .collect();
        self.proven(child, sources, &eligible).or_else(|| {
            let counted: Vec<Eligible<'s>> = eligible
                .into_iter()
                .filter(|(source, group, _)| match source.tie.basis {
                    Basis::SameKey => false,
                    Basis::SameName => !self.windowed && one_each(look_up.calls, group.rows),
                    Basis::Typed | Basis::Named | Basis::Declared => true,
                })
                .collect();
            self.single(child, look_up, &counted)
                .or_else(|| recursive(self.groups, child, sources))
                .or_else(|| self.together(child, look_up, &counted))
        })
    }

    /// What the parts of the window prove, by the surest ties that suffice.
    fn proven(&self, child: usize, sources: &[Source], eligible: &[Eligible<'s>]) -> Option<Pair> {
        let parts = self.parts?;
        let look_up = self.groups.get(child)?;
        let rivals: Vec<usize> = sources
            .iter()
            .map(|source| source.group)
            .filter(|group| *group != child)
            .filter(|group| eligible.iter().all(|(other, _, _)| other.group != *group))
            .collect();
        let bases = [
            Basis::Declared,
            Basis::Named,
            Basis::Typed,
            Basis::SameName,
            Basis::SameKey,
        ];
        bases.into_iter().find_map(|least| {
            let mut sure: Vec<&Eligible<'s>> = eligible
                .iter()
                .filter(|(source, _, _)| source.tie.basis >= least)
                .collect();
            sure.sort_by_key(|(source, _, _)| (source.group, Reverse(source.tie.basis)));
            sure.dedup_by_key(|(source, _, _)| source.group);
            let candidates: Vec<Candidate> = sure.iter().copied().map(candidate).collect();
            let proof = parts.prove(self.groups, child, &candidates, &rivals)?;
            let of_proof = proof.parents.iter();
            let of_proof: Vec<&Eligible<'s>> = of_proof
                .filter_map(|parent| {
                    let mut sure = sure.iter().copied();
                    sure.find(|(source, _, _)| source.group == parent.group)
                })
                .collect();
            let root_calls = of_proof.iter().map(|(_, _, calls)| calls).sum();
            let often = ratio(look_up.calls, root_calls).is_some_and(|loops| loops >= MIN_LOOPS);
            let (first, _, _) = of_proof.first()?;
            let tie = first.tie.clone();
            often.then(|| Pair {
                child,
                parents: proof.parents.iter().map(|parent| parent.group).collect(),
                tie,
                root_calls,
                proof: Some(proof),
            })
        })
    }

    /// Whether the parts of the window show that the look-ups do not follow the rows of these.
    fn refuted(&self, child: usize, parents: &[&Eligible<'s>]) -> bool {
        let parents: Vec<Candidate> = parents.iter().copied().map(candidate).collect();
        self.parts
            .is_some_and(|parts| parts.refutes(child, &parents))
    }

    /// The one statement whose rows are nearest to the number of look-ups.
    fn single(&self, child: usize, look_up: &Group, eligible: &[Eligible<'s>]) -> Option<Pair> {
        let (source, _, root_calls) = eligible
            .iter()
            .filter(|(_, group, root_calls)| is_loop(look_up.calls, group.rows, *root_calls))
            .filter(|(source, group, _)| {
                source.tie.basis != Basis::Typed
                    || all_typed(self.groups, look_up, (source, group), self.all)
            })
            .filter(|(source, group, _)| {
                !source.tie.of_keys() || one_each(look_up.calls, group.rows)
            })
            .filter(|one| !self.refuted(child, &[one]))
            .min_by(|(one, one_group, _), (other, other_group, _)| {
                let order = other.tie.basis.cmp(&one.tie.basis);
                let far = |group: &Group| distance(look_up.calls, group.rows);
                let about = |group: &Group| (far(group) / SAME).floor();
                // A look-up that runs beside it for the same rows returns as many.
                let beside = |group: &Group| group.rows_per_call() < MIN_ROWS_PER_CALL;
                order
                    .then(about(one_group).total_cmp(&about(other_group)))
                    .then(beside(one_group).cmp(&beside(other_group)))
                    .then(far(one_group).total_cmp(&far(other_group)))
                    .then(one.group.cmp(&other.group))
            })?;
        Some(Pair {
            child,
            parents: vec![source.group],
            tie: source.tie.clone(),
            root_calls: *root_calls,
            proof: None,
        })
    }

    /// All statements of one tie together, where each one alone returns too few rows.
    fn together(&self, child: usize, look_up: &Group, eligible: &[Eligible<'s>]) -> Option<Pair> {
        let (first, _, _) = eligible
            .iter()
            .filter(|(source, _, _)| source.tie.basis >= Basis::Named && !source.tie.of_keys())
            .max_by(|(_, one, _), (_, other, _)| one.rows.total_cmp(&other.rows))?;
        let mut same: Vec<&Eligible<'s>> = eligible
            .iter()
            .filter(|(source, _, _)| source.tie == first.tie)
            .collect();
        same.sort_by(|(one, one_group, _), (other, other_group, _)| {
            let rows = other_group.rows.total_cmp(&one_group.rows);
            rows.then(one.group.cmp(&other.group))
        });
        let rows = same.iter().map(|(_, group, _)| group.rows).sum();
        let root_calls = same.iter().map(|(_, _, calls)| calls).sum();
        let enough = same.len() > 1 && is_loop(look_up.calls, rows, root_calls);
        (enough && !self.refuted(child, &same)).then(|| Pair {
            child,
            parents: same.iter().map(|(source, _, _)| source.group).collect(),
            tie: first.tie.clone(),
            root_calls,
            proof: None,
        })
    }
}

fn candidate((source, group, root_calls): &Eligible<'_>) -> Candidate {
    Candidate {
        group: source.group,
        burst: ratio(group.rows, *root_calls).unwrap_or(1.0),
    }
}

/// Whether the look-ups whose table only a column's values tell are together as many as the rows.
fn all_typed(
    groups: &[Group],
    look_up: &Group,
    (source, group): (&Source, &Group),
    all: &BTreeMap<usize, Vec<Source>>,
) -> bool {
    let alike = |other: &Source| {
        other.group == source.group
            && other.tie.basis == Basis::Typed
            && other.tie.unique
            && other.tie.parent_columns == source.tie.parent_columns
    };
    let calls = if source.tie.unique {
        let look_ups = all.iter().filter(|(_, sources)| sources.iter().any(alike));
        let look_ups = look_ups.filter_map(|(place, _)| groups.get(*place));
        look_ups.map(|group| group.calls).sum()
    } else {
        look_up.calls
    };
    one_each(calls, group.rows)
}

/// Whether there is about one look-up for each row.
fn one_each(calls: f64, rows: f64) -> bool {
    ratio(calls, rows).is_some_and(|ratio| RATIO_ALONE.contains(&ratio))
}

/// A look-up that runs for the rows of another statement and for its own, as a tree is read.
fn recursive(groups: &[Group], child: usize, sources: &[Source]) -> Option<Pair> {
    let look_up = groups.get(child)?;
    let own = sources.iter().find(|source| source.group == child)?;
    let mut roots = sources.iter().filter(|source| {
        source.group != child
            && source.tie == own.tie
            && groups.get(source.group).is_some_and(|root| {
                let rows = root.rows + look_up.rows;
                root.kind == Kind::Select
                    && is_loop(look_up.calls, rows, root.calls)
                    && distance(look_up.calls, rows) <= SAME
            })
    });
    let root = roots.next()?;
    Some(Pair {
        child,
        parents: vec![root.group, child],
        tie: own.tie.clone(),
        root_calls: groups.get(root.group)?.calls,
        proof: None,
    })
}

/// Calls of the statement that begins the loop which `parent` stands in; `None` where it returns one row a call and
/// stands in none, or where the loop would contain `child` itself.
fn root_calls(
    groups: &[Group],
    parent: usize,
    child: usize,
    known: &BTreeMap<usize, Pair>,
) -> Option<f64> {
    let group = groups.get(parent).filter(|group| group.returns)?;
    let mut above = parent;
    for _ in 0..=known.len() {
        if above == child {
            return None;
        }
        match known.get(&above).and_then(|pair| pair.parents.first()) {
            Some(next) => above = *next,
            None => break,
        }
    }
    match known.get(&parent) {
        Some(outer) => Some(outer.root_calls),
        None => (group.rows_per_call() >= MIN_ROWS_PER_CALL).then_some(group.calls),
    }
}

/// Takes out look-ups that a statement with one row a call explains as well or better: a request that loads its session
/// and then the session's user is no loop, whatever list of users is read elsewhere. What loops within them goes, too.
fn drop_explained(
    groups: &[Group],
    sources: &BTreeMap<usize, Vec<Source>>,
    found: &mut BTreeMap<usize, Pair>,
) {
    loop {
        let wrong = found.values().find(|pair| {
            let Some(look_up) = groups.get(pair.child) else {
                return true;
            };
            let recursive = pair.parents.contains(&pair.child);
            let orphaned = !recursive
                && pair.parents.iter().any(|parent| {
                    groups
                        .get(*parent)
                        .is_none_or(|group| group.rows_per_call() < MIN_ROWS_PER_CALL)
                        && !found.contains_key(parent)
                });
            let own = distance(look_up.calls, pair.rows(groups));
            let others = sources.get(&pair.child).into_iter().flatten();
            // What is proven was compared with them part by part.
            let others = others
                .filter(|source| source.tie.basis >= pair.tie.basis.min(Basis::Typed))
                .filter(|source| !source.tie.of_keys());
            let explained = pair.proof.is_none()
                && others
                    .filter(|source| !found.contains_key(&source.group))
                    .filter_map(|source| groups.get(source.group))
                    .filter(|group| group.rows_per_call() < MIN_ROWS_PER_CALL)
                    .any(|group| {
                        let distance = distance(look_up.calls, group.rows.max(inserted(group)));
                        distance <= SAME && distance <= own + SAME
                    });
            orphaned || explained
        });
        let Some(child) = wrong.map(|pair| pair.child) else {
            break;
        };
        found.remove(&child);
    }
}

/// Rows that an INSERT affected, at least one a call.
fn inserted(group: &Group) -> f64 {
    if group.kind == Kind::Insert {
        group.calls
    } else {
        0.0
    }
}
