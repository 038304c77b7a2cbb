//! What to do, what it should bring, on what basis, and what it may cost.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::snapshot::{IndexDefinition, WhatIfBasis};
use crate::units::{Bytes, Cost, Millis};

/// The kind of a change.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Create an index.
    CreateIndex,
    /// Drop an index.
    DropIndex,
    /// Rebuild an index.
    Reindex,
    /// ANALYZE a table.
    Analyze,
    /// VACUUM a table, or change its vacuum settings.
    Vacuum,
    /// Create extended statistics, or change a statistics target.
    CreateStatistics,
    /// Change a setting for a role, a session or the server.
    ChangeSetting,
    /// Change a function's or table's declaration.
    AlterObject,
    /// Write the statement differently.
    RewriteQuery,
    /// Change how the application calls.
    ChangeApplication,
    /// Look further; nothing is advised on this evidence alone.
    Investigate,
}

/// What it should bring.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Expected {
    /// In one clause.
    pub text: String,
    /// Planner cost as things are.
    pub before_cost: Option<Cost>,
    /// Planner cost afterwards.
    pub after_cost: Option<Cost>,
    /// Time as things are.
    pub before_ms: Option<Millis>,
    /// Time afterwards.
    pub after_ms: Option<Millis>,
    /// `100 × (before − after) / before`, of the time where measured, else of the cost; `None` where unknown.
    pub improvement_percent: Option<f64>,
    /// On what that stands.
    pub basis: WhatIfBasis,
}

impl Expected {
    /// What no formula tells.
    pub fn in_words(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            before_cost: None,
            after_cost: None,
            before_ms: None,
            after_ms: None,
            improvement_percent: None,
            basis: WhatIfBasis::Formula,
        }
    }
}

/// What it may cost.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Risk {
    /// In one clause.
    pub text: String,
    /// Disk space.
    pub size_bytes: Option<Bytes>,
    /// Inserts, deletes and affected updates of the table a second.
    pub writes_per_second: Option<f64>,
    /// Share of updates that are heap-only now and would stop to be, 0..1.
    pub hot_ratio: Option<f64>,
}

impl Risk {
    /// What no formula tells.
    pub fn in_words(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            size_bytes: None,
            writes_per_second: None,
            hot_ratio: None,
        }
    }
}

/// Advice. The program never carries it out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Recommendation {
    /// The kind of change.
    pub kind: Action,
    /// In one line, imperative, lower case.
    #[serde(skip)]
    pub summary: String,
    /// Statements that carry it out, in order, ready to run; empty where it is no SQL.
    pub ddl: Vec<String>,
    /// Statements that undo it.
    pub rollback: Vec<String>,
    /// The statement written differently, where that is the advice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rewrite: Option<String>,
    /// The index, where one is to be created.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<IndexDefinition>,
    /// What it should bring.
    pub expected: Expected,
    /// What it may cost.
    pub risk: Risk,
}
