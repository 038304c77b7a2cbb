//! Advice about indexes: candidates, what they would bring, what they cost, and the statements that create them.
//!
//! [`advise`] asks a [`CostOracle`] and nothing else, so that advice from a live server and from its capture file are
//! the same: see [`RecordedAnswers`].

mod candidates;
mod coverage;
pub mod ddl;
mod formula;
mod oracle;
mod ordered;
mod refusal;
mod select;
pub mod size;
mod winners;
mod wishes;
mod writes;

use std::collections::{BTreeMap, BTreeSet};

pub use candidates::{MAX_WIDTH, pattern_class};
pub use formula::Estimate;
pub use oracle::{CostOracle, Question, RecordedAnswers};
pub use refusal::{Period, Reason, Refusal};
pub use writes::{WriteWindow, Writes};

use candidates::Candidate;

use crate::checks::{Case, TableRef, Threshold};
use crate::finding::Unit;
use crate::ids::QualifiedName;
use crate::snapshot::{Index, IndexDefinition, WhatIf, WhatIfBasis};
use crate::units::{Bytes, Millis};

/// Below this share of a statement's cost an index is not worth its keep: estimates are no more exact than that, and
/// every write pays.
pub static MIN_SAVED: Threshold<f64> = Threshold {
    key: "missing_index.min_saved_share",
    default: 0.10,
    unit: Unit::Ratio,
    what: "share of a statement's cost that an index saves",
};

/// Below so many rows, a dozen pages or so, a table is read about as fast as an index.
pub static MIN_ROWS: Threshold<f64> = Threshold {
    key: "missing_index.min_rows",
    default: 1_000.0,
    unit: Unit::Rows,
    what: "rows of the table",
};

/// What to create, and what was thought of and is not worth it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Advice {
    /// The indexes, the one that saves most first.
    pub indexes: Vec<Advised>,
    /// The refusals.
    pub refusals: Vec<Refusal>,
}

/// An index worth creating.
#[derive(Debug, Clone, PartialEq)]
pub struct Advised {
    /// The index.
    pub blueprint: Blueprint,
    /// The statements that it helps, the one that gains most first; never empty.
    pub helped: Vec<Helped>,
}

/// An index to be created, with its price.
#[derive(Debug, Clone, PartialEq)]
pub struct Blueprint {
    /// The index.
    pub definition: IndexDefinition,
    /// Position of the table in `Snapshot::tables`.
    pub table: usize,
    /// Its columns.
    pub columns: Vec<String>,
    /// Its size; `None` where the table was never analysed.
    pub size: Option<Bytes>,
    /// What creates and drops it.
    pub script: ddl::Script,
    /// The index that it makes superfluous, because it begins with the same keys.
    pub replaces: Option<Superfluous>,
    /// What writes will pay for it.
    pub writes: Writes,
}

/// An index that another one makes superfluous.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Superfluous {
    /// Its name.
    pub name: QualifiedName,
    /// The statement that drops it.
    pub drop: String,
}

/// A statement that an index helps.
#[derive(Debug, Clone, PartialEq)]
pub struct Helped {
    /// Position of the family.
    pub family: usize,
    /// The share of its cost that this index saves, 0..1.
    pub saved: f64,
    /// That share of its execution time.
    pub time: Millis,
    /// How that is known.
    pub proof: Proof,
}

/// How a gain is known.
#[derive(Debug, Clone, PartialEq)]
pub enum Proof {
    /// The planner's answer, or a trial's.
    Answer(Box<WhatIf>),
    /// A formula over statistics.
    Formula(Box<Estimate>),
}

impl Proof {
    /// On what it stands.
    pub fn basis(&self) -> WhatIfBasis {
        match self {
            Self::Answer(answer) => answer.basis,
            Self::Formula(_) => WhatIfBasis::Formula,
        }
    }

    /// Planner cost before and after.
    pub fn costs(&self) -> (f64, f64) {
        match self {
            Self::Answer(answer) => (answer.before_cost.get(), answer.after_cost.get()),
            Self::Formula(estimate) => (estimate.before.value, estimate.after.value),
        }
    }
}

impl Advised {
    /// The time that it saves in the window.
    pub fn saved(&self) -> Millis {
        self.helped.iter().map(|helped| helped.time).sum()
    }
}

/// The indexes that are worth creating for the statements of a case.
pub fn advise(case: &Case<'_>, oracle: &mut dyn CostOracle) -> Advice {
    let mut refusals = Vec::new();
    let mut unasked = Vec::new();
    let wishes = wishes::wishes(case, &mut unasked);
    let wins = winners::wins(case, oracle, wishes, &mut refusals);
    unasked.append(&mut refusals);
    let mut refusals = unasked;
    let chosen = select::merged(case, oracle, wins);
    let mut names = ddl::Names::of(&case.catalog);
    let mut indexes: Vec<Advised> = chosen
        .into_iter()
        .filter_map(|choice| advised(case, &mut names, choice, &mut refusals))
        .collect();
    indexes.sort_by(|one, other| {
        let saved = other.saved().get().total_cmp(&one.saved().get());
        saved.then_with(|| one.blueprint.definition.cmp(&other.blueprint.definition))
    });
    Advice {
        indexes,
        refusals: summed(refusals),
    }
}

fn advised(
    case: &Case<'_>,
    names: &mut ddl::Names<'_>,
    choice: select::Choice,
    refusals: &mut Vec<Refusal>,
) -> Option<Advised> {
    let blueprint = blueprint(case, names, &choice.candidate)?;
    let advised = Advised {
        blueprint,
        helped: choice.helped,
    };
    let Some(reason) = advised.blueprint.writes.outweighs(case, advised.saved()) else {
        return Some(advised);
    };
    refusals.push(Refusal {
        table: advised.blueprint.definition.table(),
        columns: advised.blueprint.columns,
        families: advised.helped.iter().map(|helped| helped.family).collect(),
        reason,
    });
    None
}

fn blueprint(
    case: &Case<'_>,
    names: &mut ddl::Names<'_>,
    candidate: &Candidate,
) -> Option<Blueprint> {
    let table = case.catalog.at(candidate.table)?;
    let columns = candidate.columns();
    let definition = candidate.definition(table.table);
    let server = &case.snapshot.server;
    let rows = case.catalog.tuples(table);
    let size = |rows| {
        let (block, major) = (server.block_size, server.major());
        size::btree(table.table, &columns, rows, block, major)
    };
    let extended = coverage::extended(&case.catalog, table.table.oid, candidate);
    Some(Blueprint {
        size: rows.and_then(size),
        script: ddl::script(&case.catalog, names, table, &definition, &columns),
        replaces: extended.map(|index| Superfluous {
            name: index.name.clone(),
            drop: ddl::drop(table.table.kind, &index.name),
        }),
        writes: Writes::of(case, table, &columns),
        table: candidate.table,
        definition,
        columns,
    })
}

/// A plain index on the columns of a table, in their order.
pub fn plain_index(case: &Case<'_>, table: TableRef<'_>, columns: &[String]) -> Option<Blueprint> {
    let candidate = Candidate::equality(table, columns);
    let mut names = ddl::Names::of(&case.catalog);
    blueprint(case, &mut names, &candidate)
}

/// An index of any method, called after `words`. Its size is left open, because that of the table which it is made for
/// is unknown.
pub fn defined_index(
    case: &Case<'_>,
    table: TableRef<'_>,
    definition: IndexDefinition,
    columns: &[String],
    words: &[String],
) -> Blueprint {
    let mut names = ddl::Names::of(&case.catalog);
    Blueprint {
        size: None,
        script: ddl::script(&case.catalog, &mut names, table, &definition, words),
        replaces: None,
        writes: Writes::of(case, table, columns),
        table: table.place,
        definition,
        columns: columns.to_vec(),
    }
}

/// The valid index over all rows that has these columns in front, in any order.
pub fn leading_index<'a>(
    case: &Case<'a>,
    table: TableRef<'_>,
    columns: &[String],
) -> Option<&'a Index> {
    let candidate = Candidate::equality(table, columns);
    coverage::leading(&case.catalog, table.table.oid, &candidate)
}

/// Each index refused once for the same reason, whatever the number of statements that asked for it.
fn summed(refusals: Vec<Refusal>) -> Vec<Refusal> {
    let mut sum: BTreeMap<(QualifiedName, Vec<String>, String), Refusal> = BTreeMap::new();
    for mut refusal in refusals {
        let key = (
            refusal.table.clone(),
            refusal.columns.clone(),
            refusal.reason.to_string(),
        );
        match sum.get_mut(&key) {
            Some(known) => known.families.append(&mut refusal.families),
            None => {
                sum.insert(key, refusal);
            }
        }
    }
    let each_once = |mut refusal: Refusal| {
        let mut seen = BTreeSet::new();
        refusal.families.retain(|family| seen.insert(*family));
        refusal
    };
    sum.into_values().map(each_once).collect()
}
