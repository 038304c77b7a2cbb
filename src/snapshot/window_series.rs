//! Calls and rows of the statements at many moments within a measured window.
//!
//! The counters of the window's two ends say how much a statement ran; what rises and falls together is seen between
//! them. That takes two counters of the statements that moved, not all counters of all.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::StatementKey;

/// So many statements are kept for their calls, and as many for their rows: `pg_stat_statements.max`'s default. What is
/// left out has fewer of both than five thousand others.
pub const MOST_KEPT: usize = 5_000;

/// Cumulative counters by moment. Lists run parallel to [`WindowSeries::seconds`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WindowSeries {
    /// The first moment, by the server's clock.
    pub from: Timestamp,
    /// Seconds from the first moment to each, itself included: 0, then growing.
    pub seconds: Vec<f64>,
    /// The statements that ran between the first moment and the last, in the order of their keys.
    pub statements: Vec<StatementSeries>,
}

/// One statement's counters at each moment, 0 before it was first there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StatementSeries {
    /// Which statement.
    pub key: StatementKey,
    /// Executions.
    pub calls: Vec<i64>,
    /// Rows returned or affected.
    pub rows: Vec<i64>,
}
