//! What writes pay for one more index.

use crate::checks::{Case, TableRef, TableUse};
use crate::snapshot::TableCounters;
use crate::snapshot::delta::WindowKind;
use crate::sql::facts::Role;
use crate::units::{Millis, float, ratio};

use super::refusal::{Period, Reason};

/// One entry of a btree with scattered keys: 9 µs (an integer) to 15 µs (an integer and a text) a row, measured with
/// 500,000 rows in one `INSERT` on PostgreSQL 15 with default settings, beyond the 4 µs of the row itself.
const ENTRY: Millis = Millis(0.01);

/// A statement that wrote less often than this many times loads or repairs a table, and says nothing of its days.
const ROUTINE: i64 = 20;

/// What a server did within so many seconds of its beginning says nothing of its days: its tables were loaded.
const SETTLED: f64 = 24.0 * 3_600.0;

/// From the version on whose `pg_stat_database.stats_reset` is a reset that somebody asked for, and not also the first
/// sight of the database.
const ASKED_RESET_MAJOR: u32 = 15;

/// Since when the writes of tables are counted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum WriteWindow {
    /// For so many seconds that writes may be divided by them.
    Seconds(f64),
    /// As [`WriteWindow::Seconds`], but from the beginning of the server's statistics: the loading of tables counts.
    SecondsWithLoading(f64),
    /// From that beginning, and so short that the loading may be the most of it.
    Loading,
    /// Unknown.
    Unknown,
}

impl WriteWindow {
    /// Of a case.
    pub fn of(case: &Case<'_>) -> Self {
        let window = case.workload.window();
        let Some(seconds) = window.tables_seconds else {
            return Self::Unknown;
        };
        let snapshot = case.snapshot;
        let database = snapshot.database.as_ref();
        let asked = snapshot.server.major() >= ASKED_RESET_MAJOR
            && database.is_some_and(|database| database.stats_reset.is_some());
        if asked || window.kind == WindowKind::Interval {
            Self::Seconds(seconds)
        } else if seconds >= SETTLED {
            Self::SecondsWithLoading(seconds)
        } else {
            Self::Loading
        }
    }

    /// What writes may be divided by.
    const fn seconds(self) -> Option<f64> {
        match self {
            Self::Seconds(seconds) | Self::SecondsWithLoading(seconds) => Some(seconds),
            Self::Loading | Self::Unknown => None,
        }
    }
}

/// What the table's counters say of writes.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Writes {
    /// Inserts, deletes and affected updates a second; `None` where they cannot be told, see [`WriteWindow`].
    pub per_second: Option<f64>,
    /// The share of updates that are heap-only now and would stop to be, 0..1; `None` without updates.
    pub hot_ratio: Option<f64>,
    /// Index entries that writes would have made in the window of the tables' counters.
    entries: f64,
    /// Those that the statements of the workload alone would have made, in the window of their counters.
    by_statements: f64,
}

impl Writes {
    /// What writes would pay for an index on `columns`.
    pub fn of(case: &Case<'_>, table: TableRef<'_>, columns: &[String]) -> Self {
        let counters = counters(case, table);
        let (all, hot) = (float(counters.n_tup_upd), float(counters.n_tup_hot_upd));
        let changes = case
            .usage()
            .updated()
            .get(&table.place)
            .is_some_and(|set| columns.iter().any(|column| set.contains(column)));
        let affected = if changes { all } else { all - hot };
        let hot_ratio = ratio(hot, all).map(|share| if changes { share } else { 0.0 });
        let inserts = float(counters.n_tup_ins);
        let writes = inserts + float(counters.n_tup_del) + affected;
        let seconds = WriteWindow::of(case).seconds();
        Self {
            per_second: seconds.and_then(|seconds| ratio(writes, seconds)),
            hot_ratio,
            entries: inserts + affected,
            by_statements: by_statements(case, table, columns),
        }
    }

    /// Why an index that saves so much in the window costs more than that; `None` where it pays or where either cannot
    /// be told.
    pub fn outweighs(&self, case: &Case<'_>, saved: Millis) -> Option<Reason> {
        let (period, saved, cost) = self.in_an_hour(case, saved).unwrap_or_else(|| {
            let cost = Millis(self.by_statements * ENTRY.get());
            (Period::Window, saved, cost)
        });
        (cost > saved).then_some(Reason::WritesCostMore {
            period,
            saved,
            cost,
        })
    }

    fn in_an_hour(&self, case: &Case<'_>, saved: Millis) -> Option<(Period, Millis, Millis)> {
        const HOUR: f64 = 3_600.0;
        let reads = case.workload.window().seconds?;
        let writes = WriteWindow::of(case).seconds()?;
        let cost = ratio(self.entries * ENTRY.get(), writes)? * HOUR;
        let saved = ratio(saved.get(), reads)? * HOUR;
        Some((Period::Hour, Millis(saved), Millis(cost)))
    }
}

/// Rows that the workload's statements inserted into the table, or whose `columns` they set.
fn by_statements(case: &Case<'_>, table: TableRef<'_>, columns: &[String]) -> f64 {
    let usage = case.usage();
    let makes_entries = |used: &&TableUse| match used.role {
        Role::InsertTarget => true,
        Role::UpdateTarget | Role::MergeTarget => usage.writes_any(used, columns),
        _ => false,
    };
    let writing = usage.of_table(table.place).iter().filter(makes_entries);
    writing
        .filter_map(|used| case.workload.families().get(used.family))
        .filter(|family| family.calls() >= ROUTINE)
        .map(|family| family.rows().get())
        .sum()
}

/// The table's counters in the window, of a partitioned table its leaves'.
fn counters(case: &Case<'_>, table: TableRef<'_>) -> TableCounters {
    let window = case.workload.window();
    let leaves = case.catalog.leaves(table);
    let each = leaves
        .into_iter()
        .filter_map(|leaf| window.table(leaf.place))
        .map(|delta| *delta.counters.get());
    each.fold(TableCounters::default(), |sum, one| TableCounters {
        n_tup_ins: sum.n_tup_ins + one.n_tup_ins,
        n_tup_upd: sum.n_tup_upd + one.n_tup_upd,
        n_tup_del: sum.n_tup_del + one.n_tup_del,
        n_tup_hot_upd: sum.n_tup_hot_upd + one.n_tup_hot_upd,
        ..sum
    })
}
