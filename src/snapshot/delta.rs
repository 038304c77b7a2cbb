//! What happened within a span of time: differences of counters, which are of another type than counters.
//!
//! A counter divided by seconds that it did not count in is a wrong number that looks right. So [`Delta`] comes from
//! this module only, and every [`Window`] carries the span that its deltas belong to.

mod compute;
mod counters;
mod sub_windows;
#[cfg(test)]
mod tests;

use std::fmt;

pub use sub_windows::{NoRates, Rates, SubWindows};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{DatabaseCounters, HiddenStatements, StatementCounters, TableCounters};
use crate::ids::{Oid, StatementKey};
use crate::units::Millis;

/// What was counted within a window: a difference, or all that was counted since a reset.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Delta<T>(T);

impl<T> Delta<T> {
    /// The amounts. Divide by the seconds of the window that the delta came with, and by nothing else.
    pub const fn get(&self) -> &T {
        &self.0
    }
}

/// Where a window begins.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum WindowKind {
    /// With the last reset of the counters.
    SinceReset,
    /// With an earlier sample.
    Interval,
}

/// A span of time and what was counted within it.
#[derive(Debug, Clone, PartialEq)]
pub struct Window {
    /// Where it begins.
    pub kind: WindowKind,
    /// The beginning for statements; `None` where the server does not record it.
    pub from: Option<Timestamp>,
    /// The end.
    pub to: Timestamp,
    /// The length for statements; `None` where the beginning is unknown or not before the end.
    pub seconds: Option<f64>,
    /// The beginning for tables, indexes and the database, whose counters have a reset of their own; where there was
    /// none, that of the server's statistics as a whole.
    pub tables_from: Option<Timestamp>,
    /// The length for tables, indexes and the database.
    pub tables_seconds: Option<f64>,
    /// What each statement did, in the order of `Snapshot::statements`; those that did nothing are left out.
    pub statements: Vec<StatementDelta>,
    /// What each table saw, in the order of `Snapshot::tables`.
    pub tables: Vec<TableDelta>,
    /// What the database did.
    pub database: Option<Delta<DatabaseCounters>>,
    /// Sums over the toplevel statements.
    pub totals: WindowTotals,
    /// What has no valid difference, and why; never silently dropped.
    pub invalid: Vec<Invalid>,
    /// What limits the whole window.
    pub caveats: Vec<WindowCaveat>,
}

/// What one statement did within the window.
#[derive(Debug, Clone, PartialEq)]
pub struct StatementDelta {
    /// Its position in `Snapshot::statements`.
    pub index: usize,
    /// The position of its earlier counters in the sample; `None` where the whole counters fall into the window.
    pub base: Option<usize>,
    /// The amounts. `spread` is there only where the whole counters fall into the window.
    pub counters: Delta<StatementCounters>,
    /// Mean execution time within the window; `None` without a call.
    pub mean_exec_time_ms: Option<Millis>,
    /// Population standard deviation of execution time within the window, from the sums of squares of both moments.
    pub stddev_exec_time_ms: Option<Millis>,
}

/// What one table saw within the window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TableDelta {
    /// Its position in `Snapshot::tables`.
    pub index: usize,
    /// The position of its earlier counters in the sample; `None` where the whole counters fall into the window.
    pub base: Option<usize>,
    /// The amounts; the estimates of live and dead rows and of modifications are those of the window's end.
    pub counters: Delta<TableCounters>,
}

/// Sums over the toplevel statements; nested ones are counted inside those that called them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct WindowTotals {
    /// Toplevel statements with at least one call.
    pub statements: usize,
    /// Their sums; `spread` is `None`.
    pub counters: Delta<StatementCounters>,
    /// Those whose text is hidden, which `counters` leaves out; `None` where their number is unknown.
    pub hidden: Option<Delta<HiddenStatements>>,
}

/// What has no valid difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalid {
    /// Which thing.
    pub subject: Subject,
    /// Why.
    pub reason: InvalidReason,
}

/// A thing with counters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// A statement.
    Statement(StatementKey),
    /// A table.
    Table(Oid),
    /// The statements whose text is hidden, as a sum.
    HiddenStatements,
    /// The database's own counters.
    Database,
}

/// Why there is no valid difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum InvalidReason {
    /// A counter is lower than before.
    CountersFell,
    /// Its counters began anew within the window (`stats_since`, `stats_reset`).
    CountersReset,
    /// The server was restarted within the window.
    ServerRestarted,
    /// It is no longer there: evicted, or dropped.
    Gone,
}

impl fmt::Display for InvalidReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CountersFell => "its counters fell within the window",
            Self::CountersReset => "its counters were reset within the window",
            Self::ServerRestarted => "the server was restarted within the window",
            Self::Gone => "it was evicted or dropped within the window",
        })
    }
}

/// What limits a window as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum WindowCaveat {
    /// When the statement counters began is not recorded.
    UnknownStart,
    /// All statement counters were reset within the interval: it begins with the reset instead.
    ResetInside {
        /// The reset.
        at: Timestamp,
    },
    /// The server was restarted within the interval.
    RestartInside,
    /// Eviction passes took place: seldom statements are missing, and amounts may be too low.
    Evictions {
        /// How many passes.
        passes: i64,
    },
    /// Nested statements cannot be told from toplevel ones (before 1.9) and are counted twice, because
    /// `pg_stat_statements.track` is `all`.
    NestedCountedTwice,
    /// The two moments are not in order, or equal: there is no length.
    NoLength,
}

impl Window {
    /// The delta of the statement at that position of `Snapshot::statements`.
    pub fn statement(&self, index: usize) -> Option<&StatementDelta> {
        let position = self
            .statements
            .binary_search_by_key(&index, |delta| delta.index);
        self.statements.get(position.ok()?)
    }

    /// The delta of the table at that position of `Snapshot::tables`.
    pub fn table(&self, index: usize) -> Option<&TableDelta> {
        let position = self
            .tables
            .binary_search_by_key(&index, |delta| delta.index);
        self.tables.get(position.ok()?)
    }
}
