//! Loops that were found, those of the same statements summed up, in constant memory.

use rustc_hash::FxHashMap;

use super::parameters::Parameters;
use crate::snapshot::LoopKind;

/// So many executions on end are a loop.
pub const FEWEST: i64 = 5;

/// So many statements before a loop are told.
pub const LONGEST_CHAIN: usize = 4;

/// Share of distinct parameters from which on a loop asks for something else each time.
const DISTINCT: f64 = 0.8;

/// Share of distinct parameters up to which a loop asks for the same each time.
const SAME: f64 = 0.2;

/// Kinds of loops that are kept.
const MOST_KINDS: usize = 10_000;

/// Excerpts that are kept of a kind of loop.
const EXCERPTS: usize = 3;

/// The number of a family, never given twice.
pub type FamilyId = u32;

/// Executions of one statement on end.
#[derive(Debug, Clone, Default)]
pub struct Run {
    /// Executions.
    pub count: i64,
    /// Their parameters.
    pub parameters: Parameters,
    /// Executions whose parameters are not in the log.
    pub without_parameters: i64,
    /// Whether something else ran between.
    pub broken: bool,
    /// The explicit transaction that all belong to.
    pub transaction: Option<u64>,
    /// Executions whose duration is known.
    pub timed: i64,
    /// Their sum.
    pub total_ms: f64,
}

impl Run {
    /// Takes in a run of the same statement that came later.
    pub fn merge(&mut self, later: &Self) {
        self.count += later.count;
        self.parameters.merge(&later.parameters);
        self.without_parameters += later.without_parameters;
        self.broken = true;
        if self.transaction != later.transaction {
            self.transaction = None;
        }
        self.timed += later.timed;
        self.total_ms += later.total_ms;
    }

    fn kind(&self) -> LoopKind {
        let share = self.parameters.distinct_ratio();
        if share >= DISTINCT {
            LoopKind::Distinct
        } else if share <= SAME {
            LoopKind::Same
        } else {
            LoopKind::Mixed
        }
    }
}

/// The statements that a loop ran behind, the nearest first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Chain {
    families: [FamilyId; LONGEST_CHAIN],
    len: usize,
}

impl Chain {
    /// The chain with one more, further away; `None` where it is long enough.
    pub fn behind(mut self, family: FamilyId) -> Option<Self> {
        *self.families.get_mut(self.len)? = family;
        self.len += 1;
        Some(self)
    }

    /// The statements, the nearest first.
    pub fn families(&self) -> &[FamilyId] {
        self.families.get(..self.len).unwrap_or_default()
    }
}

/// A statement in the log, of which a long one is cut off.
#[derive(Debug, Clone, Default)]
pub struct Sight {
    /// The file's number.
    pub file: u32,
    /// The line.
    pub line: u64,
    /// Microseconds since 1970.
    pub at: Option<i64>,
    /// The text.
    pub statement: Vec<u8>,
    /// The parameters; empty where the log has none.
    pub parameters: Vec<u8>,
}

/// A place in the log.
#[derive(Debug, Clone)]
pub struct RawExcerpt {
    /// The session.
    pub session: Vec<u8>,
    /// What stands there.
    pub sights: Vec<Sight>,
}

/// What is known of the loops of one kind.
#[derive(Debug, Default)]
pub struct Record {
    /// How many there were.
    pub loops: i64,
    /// Those within one transaction each.
    pub in_transaction: i64,
    /// Those with nothing else between.
    pub unbroken: i64,
    /// Executions.
    pub executions: i64,
    /// Those of the longest.
    pub longest: i64,
    /// Σ share of distinct parameters × executions.
    pub distinct: f64,
    /// Executions whose duration is known.
    pub timed: i64,
    /// Their sum.
    pub total_ms: f64,
    /// Some of them.
    pub excerpts: Vec<RawExcerpt>,
}

/// What tells kinds of loops apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key {
    /// The statement.
    pub statement: FamilyId,
    /// What it ran behind.
    pub chain: Chain,
    /// What its parameters are.
    pub kind: LoopKind,
}

/// All loops.
#[derive(Debug, Default)]
pub struct Found {
    /// The kinds.
    pub records: FxHashMap<Key, Record>,
    /// Executions that may belong to loops but whose parameters are not in the log.
    pub without_parameters: i64,
    /// Loops of kinds for which there was no room.
    pub left_out: i64,
}

impl Found {
    /// Takes in a run, which is a loop where it is long enough.
    pub fn add(
        &mut self,
        statement: FamilyId,
        chain: Chain,
        run: &Run,
        excerpt: impl FnOnce() -> RawExcerpt,
    ) {
        if run.count < FEWEST {
            return;
        }
        if run.without_parameters > 0 {
            if chain.len <= 1 {
                self.without_parameters += run.count;
            }
            return;
        }
        let key = Key {
            statement,
            chain,
            kind: run.kind(),
        };
        if self.records.len() >= MOST_KINDS && !self.records.contains_key(&key) {
            self.left_out += 1;
            return;
        }
        let record = self.records.entry(key).or_default();
        record.loops += 1;
        record.in_transaction += i64::from(run.transaction.is_some());
        record.unbroken += i64::from(!run.broken);
        record.executions += run.count;
        record.longest = record.longest.max(run.count);
        record.distinct += run.parameters.distinct_ratio() * crate::units::float(run.count);
        record.timed += run.timed;
        record.total_ms += run.total_ms;
        if record.excerpts.len() < EXCERPTS {
            record.excerpts.push(excerpt());
        }
    }
}
