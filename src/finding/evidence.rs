//! Numbers that prove a claim, each with the place in the capture that it comes from.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Confidence, Formula};

/// The unit of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Tuples.
    Rows,
    /// Executions of a statement.
    Calls,
    /// Starts of a plan node.
    Loops,
    /// Milliseconds.
    Ms,
    /// Bytes.
    Bytes,
    /// Blocks of the server's block size.
    Blocks,
    /// Planner cost.
    Cost,
    /// 0..1.
    Ratio,
    /// So many times as much.
    Factor,
    /// A bare count.
    Count,
    /// Times a second.
    PerSecond,
}

/// Where a number was observed, which decides what a claim that it proves is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// EXPLAIN (ANALYZE).
    ExplainAnalyze,
    /// Built and executed in a transaction that was rolled back.
    Trial,
    /// EXPLAIN.
    Explain,
    /// EXPLAIN with a hypothetical index.
    Hypopg,
    /// `pg_stat_statements`.
    PgStatStatements,
    /// The server's log.
    Log,
    /// `pg_stat_statements`, read again and again within a measured window.
    SubWindows,
    /// Statistics views of tables, indexes or the database.
    PgStat,
    /// The catalog.
    Catalog,
    /// The planner's column statistics.
    PgStats,
    /// Settings.
    Settings,
    /// A formula over the above.
    Formula,
}

impl Source {
    /// The confidence of a claim that stands on this source.
    pub const fn confidence(self) -> Confidence {
        match self {
            Self::ExplainAnalyze | Self::Trial | Self::SubWindows | Self::Log => {
                Confidence::Measured
            }
            Self::Explain | Self::Hypopg => Confidence::Planned,
            Self::PgStatStatements | Self::PgStat | Self::Catalog => Confidence::Counted,
            Self::PgStats | Self::Settings | Self::Formula => Confidence::Inferred,
        }
    }

    /// As a person calls it.
    pub const fn label(self) -> &'static str {
        match self {
            Self::ExplainAnalyze => "EXPLAIN ANALYZE",
            Self::Trial => "trial",
            Self::Explain => "EXPLAIN",
            Self::Hypopg => "HypoPG",
            Self::PgStatStatements => "pg_stat_statements",
            Self::Log => "log",
            Self::SubWindows => "sub-windows",
            Self::PgStat => "statistics views",
            Self::Catalog => "catalog",
            Self::PgStats => "pg_stats",
            Self::Settings => "settings",
            Self::Formula => "formula",
        }
    }
}

/// One number.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Evidence {
    /// What it counts, such as `rows removed by filter`.
    pub label: String,
    /// The number.
    pub value: f64,
    /// Its unit.
    pub unit: Unit,
    /// Where it was observed.
    pub source: Source,
    /// The JSON pointer (RFC 6901) of the number in the capture; `None` where `formula` says it.
    pub pointer: Option<String>,
    /// How it follows from several numbers of the capture; `None` where `pointer` says it.
    pub formula: Option<Formula>,
}

impl Evidence {
    /// A number that stands in the capture at `pointer`.
    pub fn read(
        label: impl Into<String>,
        value: f64,
        unit: Unit,
        source: Source,
        pointer: impl Into<String>,
    ) -> Self {
        Self {
            label: label.into(),
            value,
            unit,
            source,
            pointer: Some(pointer.into()),
            formula: None,
        }
    }

    /// A number that `formula` computes from the capture.
    pub fn computed(
        label: impl Into<String>,
        value: f64,
        unit: Unit,
        source: Source,
        formula: Formula,
    ) -> Self {
        Self {
            label: label.into(),
            value,
            unit,
            source,
            pointer: None,
            formula: Some(formula),
        }
    }
}
