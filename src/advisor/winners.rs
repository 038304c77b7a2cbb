//! The indexes that each statement gains from: as few and as short as serve it.

use std::collections::BTreeMap;

use crate::checks::Case;
use crate::plan::{Node, NodeId};
use crate::snapshot::{IndexDefinition, WhatIf};
use crate::sql::facts::Facts;
use crate::units::{Cost, ratio};

use super::candidates::Candidate;
use super::oracle::CostOracle;
use super::refusal::{Reason, Refusal};
use super::wishes::{Use, Wish};
use super::{MIN_SAVED, Proof};
use super::{formula, ordered};

/// Families at most for which the planner is asked, the costliest: together they are nearly all of the time of any
/// workload.
const MAX_ASKED: usize = 50;

/// A shorter index that still saves so much of what the longer one saves takes its place.
const NEARLY_ALL: f64 = 0.99;

/// Where more than this share of a table passes, reading all of it is as good: an index scan reads nearly every block
/// as well.
const MOST: f64 = 0.5;

/// A statement's gain from some indexes together.
#[derive(Debug, Clone)]
pub struct Win {
    /// Position of the family.
    pub family: usize,
    /// The indexes.
    pub indexes: Vec<Candidate>,
    /// The share of the statement's cost that they save, 0..1.
    pub saved: f64,
    /// How that is known.
    pub proof: Proof,
}

/// The gains of all statements.
pub fn wins<'c>(
    case: &Case<'c>,
    oracle: &mut dyn CostOracle,
    wishes: impl Iterator<Item = Wish<'c>>,
    refusals: &mut Vec<Refusal>,
) -> Vec<Win> {
    let mut wins: Vec<Win> = Vec::new();
    for (place, wish) in wishes.enumerate() {
        let wish = &wish;
        let mut ask = Ask { case, oracle, wish };
        let answered = (place < MAX_ASKED).then(|| ask.all()).flatten();
        match answered {
            Some(whole) => match ask.smallest(whole) {
                Ok(win) => wins.push(win),
                Err(saved) => refusals.extend(little(wish, saved)),
            },
            None => wins.extend(
                wish.uses
                    .iter()
                    .filter_map(|used| by_formula(case, wish, used, refusals)),
            ),
        }
    }
    wins.retain(|win| {
        let refused = win.indexes.iter().find_map(|index| {
            keeps_most(case, win, index).or_else(|| takes_little(case, win, index))
        });
        let fine = refused.is_none();
        refusals.extend(refused);
        fine
    });
    wins
}

/// That an index would find most of the table, whatever the planner thinks of other values.
fn keeps_most(case: &Case<'_>, win: &Win, index: &Candidate) -> Option<Refusal> {
    let table = case.catalog.at(index.table)?;
    let columns = index.columns();
    let kept = formula::kept_of(case, win.family, table, &columns)?;
    let reason = if kept.by_index {
        let little = kept.share > 1.0 - MIN_SAVED.of(case) && !index.ordered;
        little.then_some(Reason::FindsLittleMore { kept: kept.share })
    } else {
        (kept.share > MOST).then_some(Reason::KeepsMost { kept: kept.share })
    };
    Some(Refusal {
        table: table.table.name.clone(),
        columns,
        families: vec![win.family],
        reason: reason?,
    })
}

/// That next to none of the measured time is spent on the table or on what is made of its rows, whatever share of the
/// cost the planner gives it: a hash join that finds its other side empty reads none of it.
fn takes_little(case: &Case<'_>, win: &Win, index: &Candidate) -> Option<Refusal> {
    let table = case.catalog.at(index.table)?;
    let plan = case.plans_of(win.family).into_iter().next()?;
    let scans = plan.plan.nodes().filter(|node| {
        let scanned = plan.table(&case.catalog, node);
        scanned.is_some_and(|scanned| case.catalog.root(scanned).place == table.place)
    });
    let mut touched: BTreeMap<NodeId, &Node> = BTreeMap::new();
    for scan in scans {
        touched.insert(scan.id, scan);
        touched.extend(plan.plan.ancestors(scan).map(|above| (above.id, above)));
    }
    let share: f64 = touched.values().map(|node| plan.own_share(node)).sum();
    let measured = plan.is_analyzed() && !touched.is_empty();
    (measured && share < MIN_SAVED.of(case)).then(|| Refusal {
        table: table.table.name.clone(),
        columns: index.columns(),
        families: vec![win.family],
        reason: Reason::TakesLittle { share },
    })
}

/// That the planner makes too little of any index: told for each table.
fn little<'w>(wish: &'w Wish<'_>, saved: f64) -> impl Iterator<Item = Refusal> + 'w {
    wish.uses.iter().map(move |used| Refusal {
        table: used.table.table.name.clone(),
        columns: Vec::new(),
        families: vec![wish.family],
        reason: Reason::SavesLittle { saved },
    })
}

/// The share of the cost that an answer saves, 0..1.
pub fn saved(answer: &WhatIf) -> f64 {
    let (before, after) = (answer.before_cost.get(), answer.after_cost.get());
    ratio(before - after, before).map_or(0.0, |share| share.clamp(0.0, 1.0))
}

struct Ask<'a, 'c> {
    case: &'a Case<'c>,
    oracle: &'a mut dyn CostOracle,
    wish: &'a Wish<'c>,
}

impl Ask<'_, '_> {
    fn cost(&mut self, indexes: &[Candidate]) -> Option<WhatIf> {
        let definitions = definitions(self.case, indexes)?;
        self.oracle.cost(self.wish.key, &definitions)
    }

    /// All candidates at once: the planner chooses among them.
    fn all(&mut self) -> Option<(Vec<Candidate>, WhatIf)> {
        let mut all: Vec<Candidate> = Vec::new();
        for relation in &self.wish.uses {
            all.extend_from_slice(&relation.candidates);
        }
        all.sort();
        all.dedup_by(|one, kept| {
            let same = one.table == kept.table && one.keys == kept.keys;
            kept.ordered |= same && one.ordered;
            same
        });
        let answer = self.cost(&all)?;
        Some((used(self.case, &all, &answer), answer))
    }

    /// The fewest and shortest of the chosen ones that save nearly as much, or else the share that all save.
    fn smallest(&mut self, (used, whole): (Vec<Candidate>, WhatIf)) -> Result<Win, f64> {
        let most = saved(&whole);
        if used.is_empty() || most < MIN_SAVED.of(self.case) {
            return Err(most);
        }
        // What all of them save must come from those that are used.
        let mut best = (used.clone(), self.cost(&used).unwrap_or(whole));
        if let Some(alone) = self.alone(&used, most) {
            best = alone;
        }
        best = self.fewer(best, most);
        best = self.shorter(best, most);
        let saved = saved(&best.1);
        if saved < MIN_SAVED.of(self.case) {
            return Err(saved);
        }
        Ok(Win {
            family: self.wish.family,
            indexes: best.0,
            saved,
            proof: Proof::Answer(Box::new(best.1)),
        })
    }

    /// The one index that does nearly all.
    fn alone(&mut self, used: &[Candidate], most: f64) -> Option<(Vec<Candidate>, WhatIf)> {
        if used.len() < 2 {
            return None;
        }
        let answers: Vec<_> = used
            .iter()
            .filter_map(|one| {
                let only = vec![one.clone()];
                let answer = self.cost(&only)?;
                Some((only, answer))
            })
            .collect();
        answers
            .into_iter()
            .filter(|(_, answer)| saved(answer) >= most * NEARLY_ALL)
            .max_by(|one, other| saved(&one.1).total_cmp(&saved(&other.1)))
    }

    /// Leaves out what nothing is lost by.
    fn fewer(&mut self, mut best: (Vec<Candidate>, WhatIf), most: f64) -> (Vec<Candidate>, WhatIf) {
        let mut place = 0;
        while best.0.len() > 1 && place < best.0.len() {
            let mut rest = best.0.clone();
            rest.remove(place);
            match self.cost(&rest) {
                Some(answer) if saved(&answer) >= most * NEARLY_ALL => best = (rest, answer),
                _ => place += 1,
            }
        }
        best
    }

    /// Cuts columns that nothing is lost by.
    fn shorter(
        &mut self,
        mut best: (Vec<Candidate>, WhatIf),
        most: f64,
    ) -> (Vec<Candidate>, WhatIf) {
        for place in 0..best.0.len() {
            let width = best.0.get(place).map_or(0, |index| index.keys.len());
            for length in 1..width {
                let mut cut = best.0.clone();
                let Some(index) = cut.get_mut(place) else {
                    continue;
                };
                let ordered = index.ordered;
                index.keys.truncate(length);
                index.ordered = false;
                index.equal = index.equal.min(length);
                index.bounded &= length > index.equal;
                if super::wishes::refused(self.case, index) {
                    continue;
                }
                if let Some(answer) = self.cost(&cut)
                    && saved(&answer) >= most * NEARLY_ALL
                    && !(ordered && sorts(self.case, answer.after_cost, best.1.after_cost))
                {
                    best = (cut, answer);
                    break;
                }
            }
        }
        best
    }
}

/// Whether the sort that an index leaves to do costs so much of what remains as an index must save to be worth its
/// keep. The share of the whole that [`NEARLY_ALL`] looks at would hide it: under a `Limit` a scan in order stops after
/// the first rows, whatever the value, and a sort reads them all.
fn sorts(case: &Case<'_>, with_sort: Cost, in_order: Cost) -> bool {
    let more = ratio(with_sort.get() - in_order.get(), with_sort.get());
    more.is_some_and(|more| more >= MIN_SAVED.of(case))
}

/// The indexes; `None` where a table is gone.
pub fn definitions(case: &Case<'_>, indexes: &[Candidate]) -> Option<Vec<IndexDefinition>> {
    indexes
        .iter()
        .map(|index| Some(index.definition(case.catalog.at(index.table)?.table)))
        .collect()
}

/// The candidates that the plan uses.
fn used(case: &Case<'_>, candidates: &[Candidate], answer: &WhatIf) -> Vec<Candidate> {
    let used = answer.used.iter();
    let definitions: Vec<&IndexDefinition> = used
        .filter_map(|place| answer.indexes.get(*place))
        .collect();
    let mut found: Vec<Candidate> = Vec::new();
    for candidate in candidates {
        let definition = case
            .catalog
            .at(candidate.table)
            .map(|table| candidate.definition(table.table));
        let chosen = definition
            .as_ref()
            .is_some_and(|own| definitions.contains(&own));
        let known = found
            .iter()
            .any(|other| other.table == candidate.table && other.keys == candidate.keys);
        if chosen && !known {
            found.push(candidate.clone());
        }
    }
    found
}

/// The best index for one relation use, where something proves that the table is read as a whole.
fn by_formula(
    case: &Case<'_>,
    wish: &Wish<'_>,
    used: &Use<'_>,
    refusals: &mut Vec<Refusal>,
) -> Option<Win> {
    let present = formula::present(case, wish.family, used.table);
    if present.is_none() && case.plans_of(wish.family).is_empty() {
        return None;
    }
    let estimates = |facts: &Facts| estimates(case, wish, used, (facts, present.as_ref()));
    let mut estimates = match &used.of_scan {
        Some(facts) => estimates(facts),
        None => case.glance(wish.statement, estimates)?,
    };
    estimates.sort_by(|(one, one_cost), (other, other_cost)| {
        let order = one_cost.after.value.total_cmp(&other_cost.after.value);
        order.then(one.keys.len().cmp(&other.keys.len()))
    });
    let (best, least) = estimates.first()?;
    let (most, least) = (least.saved(), Cost(least.after.value));
    let ordered = best.ordered;
    let (candidate, estimate) = estimates
        .into_iter()
        .filter(|(_, estimate)| estimate.saved() >= most * NEARLY_ALL)
        .filter(|(_, estimate)| !(ordered && sorts(case, Cost(estimate.after.value), least)))
        .min_by_key(|(candidate, _)| candidate.keys.len())?;
    if most < MIN_SAVED.of(case) {
        refusals.push(Refusal {
            table: used.table.table.name.clone(),
            columns: candidate.columns(),
            families: vec![wish.family],
            reason: Reason::SavesLittle { saved: most },
        });
        return None;
    }
    Some(Win {
        family: wish.family,
        indexes: vec![candidate.clone()],
        saved: estimate.saved(),
        proof: Proof::Formula(Box::new(estimate)),
    })
}

/// What each candidate would cost, as far as a formula can tell.
fn estimates<'u>(
    case: &Case<'_>,
    wish: &Wish<'_>,
    used: &'u Use<'_>,
    (facts, present): (&Facts, Option<&formula::Present>),
) -> Vec<(&'u Candidate, formula::Estimate)> {
    let at = (facts, used.relation);
    let candidates = used.candidates.iter();
    let estimate = |candidate: &'u Candidate| {
        let index = (used.table, candidate);
        let found = present.and_then(|present| formula::estimate(case, at, index, present));
        let first = ordered::estimate(case, wish.family, at, index);
        let estimates = found.into_iter().chain(first);
        let cheapest = estimates.min_by(|one, other| one.after.value.total_cmp(&other.after.value));
        Some((candidate, cheapest?))
    };
    candidates.filter_map(estimate).collect()
}
