//! One set of indexes for all statements: where one index can do what two do, it does.

use crate::checks::Case;
use crate::units::Millis;

use super::candidates::Candidate;
use super::oracle::CostOracle;
use super::winners::{Win, definitions, saved};
use super::{Helped, Proof};

/// An index takes another one's place if the statements keep so much of what they saved.
const KEPT: f64 = 0.9;

/// An index and the statements that it helps.
pub struct Choice {
    /// The index.
    pub candidate: Candidate,
    /// The statements, the one that gains most first.
    pub helped: Vec<Helped>,
}

/// The indexes of all wins, with those left out that others can replace.
pub fn merged(case: &Case<'_>, oracle: &mut dyn CostOracle, mut wins: Vec<Win>) -> Vec<Choice> {
    let mut indexes = all(&wins);
    // The least useful first, so that it is the one to go.
    indexes.sort_by(|one, other| {
        let order = benefit(case, &wins, one).total_cmp(&benefit(case, &wins, other));
        order.then_with(|| one.cmp(other))
    });
    let mut place = 0;
    while let Some(index) = indexes.get(place).cloned() {
        let others: Vec<Candidate> = indexes
            .iter()
            .filter(|other| !same(other, &index) && resembles(&index, other))
            // The shorter one goes: what the longer has more, a statement was found to need.
            .filter(|other| !prefix(other, &index))
            .cloned()
            .collect();
        let replaced = others
            .iter()
            .find_map(|other| replaced(case, oracle, &wins, &index, other));
        match replaced {
            Some(new) => {
                wins = new;
                indexes.remove(place);
            }
            None => place += 1,
        }
    }
    indexes
        .into_iter()
        .map(|candidate| Choice {
            helped: helped(case, oracle, &wins, &candidate),
            candidate,
        })
        .filter(|choice| !choice.helped.is_empty())
        .collect()
}

fn same(one: &Candidate, other: &Candidate) -> bool {
    one.table == other.table && one.keys == other.keys
}

fn all(wins: &[Win]) -> Vec<Candidate> {
    let mut indexes: Vec<Candidate> = Vec::new();
    for index in wins.iter().flat_map(|win| &win.indexes) {
        if !indexes.iter().any(|known| same(known, index)) {
            indexes.push(index.clone());
        }
    }
    indexes
}

fn time(case: &Case<'_>, win: &Win) -> f64 {
    let family = case.workload.families().get(win.family);
    family.map_or(0.0, |family| family.time().get() * win.saved)
}

fn benefit(case: &Case<'_>, wins: &[Win], index: &Candidate) -> f64 {
    wins.iter()
        .filter(|win| win.indexes.iter().any(|own| same(own, index)))
        .map(|win| time(case, win))
        .sum()
}

/// Whether it is worth asking if `other` can do what `index` does: it begins with its first column, or has it at all
/// where it is not shorter.
fn resembles(index: &Candidate, other: &Candidate) -> bool {
    let first = index.keys.first();
    let begins = other.keys.first() == first;
    let holds = first.is_some_and(|first| other.keys.contains(first));
    index.table == other.table && (begins || (holds && other.keys.len() >= index.keys.len()))
}

/// The wins with `other` in the place of `index`, if all of them stay nearly what they are.
fn replaced(
    case: &Case<'_>,
    oracle: &mut dyn CostOracle,
    wins: &[Win],
    index: &Candidate,
    other: &Candidate,
) -> Option<Vec<Win>> {
    wins.iter()
        .map(|win| {
            if !win.indexes.iter().any(|own| same(own, index)) {
                return Some(win.clone());
            }
            let mut indexes: Vec<Candidate> = win
                .indexes
                .iter()
                .filter(|own| !same(own, index) && !same(own, other))
                .cloned()
                .collect();
            indexes.push(other.clone());
            match &win.proof {
                Proof::Formula(_) => prefix(index, other).then(|| Win {
                    indexes,
                    ..win.clone()
                }),
                Proof::Answer(answer) => {
                    let answer = oracle.cost(&answer.key, &definitions(case, &indexes)?)?;
                    let now = saved(&answer);
                    (now >= win.saved * KEPT).then(|| Win {
                        family: win.family,
                        indexes,
                        saved: now,
                        proof: Proof::Answer(Box::new(answer)),
                    })
                }
            }
        })
        .collect()
}

/// Whether an index does all that a shorter one does, because it begins with it.
fn prefix(short: &Candidate, long: &Candidate) -> bool {
    long.keys.starts_with(&short.keys)
}

/// The statements that an index helps, each with its part of what the statement's indexes save together.
fn helped(
    case: &Case<'_>,
    oracle: &mut dyn CostOracle,
    wins: &[Win],
    index: &Candidate,
) -> Vec<Helped> {
    let mut helped: Vec<Helped> = Vec::new();
    for win in wins {
        if !win.indexes.iter().any(|own| same(own, index)) {
            continue;
        }
        let saved = part(case, oracle, win, index);
        let Some(family) = case.workload.families().get(win.family) else {
            continue;
        };
        helped.push(Helped {
            family: win.family,
            saved,
            time: Millis(family.time().get() * saved),
            proof: win.proof.clone(),
        });
    }
    helped.sort_by(|one, other| {
        let order = other.time.get().total_cmp(&one.time.get());
        order.then(one.family.cmp(&other.family))
    });
    helped
}

/// What is lost without the index, in proportion: the parts of a statement's indexes add up to the whole.
fn part(case: &Case<'_>, oracle: &mut dyn CostOracle, win: &Win, index: &Candidate) -> f64 {
    let Proof::Answer(answer) = &win.proof else {
        return win.saved;
    };
    if win.indexes.len() < 2 {
        return win.saved;
    }
    let mut lost = |index: &Candidate| -> Option<f64> {
        let rest: Vec<Candidate> = win
            .indexes
            .iter()
            .filter(|own| !same(own, index))
            .cloned()
            .collect();
        let without = oracle.cost(&answer.key, &definitions(case, &rest)?)?;
        Some((win.saved - saved(&without)).max(0.0))
    };
    let equal = win.saved / win.indexes.iter().fold(0.0, |count, _| count + 1.0);
    let all: Option<Vec<f64>> = win.indexes.iter().map(&mut lost).collect();
    let whole: f64 = all.iter().flatten().sum();
    match (all, lost(index)) {
        (Some(_), Some(own)) if whole > 0.0 => win.saved * own / whole,
        _ => equal,
    }
}
