//! Answers to "what would this statement cost if that index existed", recorded so that advice can be replayed offline.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{QualifiedName, StatementKey, quote_ident};
use crate::units::{Bytes, Cost, Millis};

/// An index as advice speaks of it; a program can use it without parsing DDL.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct IndexDefinition {
    /// The table's schema.
    pub schema: String,
    /// The table.
    pub table: String,
    /// Access method.
    pub method: String,
    /// Keys in order.
    pub keys: Vec<IndexColumn>,
    /// Columns of INCLUDE.
    #[serde(default)]
    pub include: Vec<String>,
    /// The predicate of a partial index, as SQL.
    #[serde(default, rename = "where")]
    pub predicate: Option<String>,
    /// UNIQUE.
    #[serde(default)]
    pub unique: bool,
}

/// One key of such an index.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct IndexColumn {
    /// A quoted column name, or an expression as SQL.
    pub expr: String,
    /// Descending.
    #[serde(default)]
    pub desc: bool,
    /// The operator class, where it is not the default.
    #[serde(default)]
    pub opclass: Option<String>,
}

impl IndexDefinition {
    /// A plain btree index on columns, given unquoted.
    pub fn btree<'a>(table: &QualifiedName, columns: impl IntoIterator<Item = &'a str>) -> Self {
        Self {
            schema: table.schema.clone(),
            table: table.name.clone(),
            method: "btree".to_owned(),
            keys: columns
                .into_iter()
                .map(|column| IndexColumn {
                    expr: quote_ident(column).into_owned(),
                    desc: false,
                    opclass: None,
                })
                .collect(),
            include: Vec::new(),
            predicate: None,
            unique: false,
        }
    }

    /// The table.
    pub fn table(&self) -> QualifiedName {
        QualifiedName::new(&self.schema, &self.table)
    }

    /// The keys as SQL, such as `customer_id, created_at DESC`.
    pub fn key_list(&self) -> String {
        let keys = self.keys.iter().map(|key| {
            let opclass = key
                .opclass
                .as_deref()
                .map(|name| format!(" {name}"))
                .unwrap_or_default();
            let direction = if key.desc { " DESC" } else { "" };
            format!("{}{opclass}{direction}", key.expr)
        });
        keys.collect::<Vec<_>>().join(", ")
    }
}

/// On what an expectation stands.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum WhatIfBasis {
    /// The planner's cost with a hypothetical index (the `HypoPG` extension).
    Hypopg,
    /// Built in a transaction that was rolled back, and executed.
    Trial,
    /// Estimated by a formula from statistics or from the plan.
    Formula,
}

/// One answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WhatIf {
    /// Of which statement.
    pub key: StatementKey,
    /// The indexes that were assumed.
    pub indexes: Vec<IndexDefinition>,
    /// How it was found out.
    pub basis: WhatIfBasis,
    /// The statement's cost as things are.
    pub before_cost: Cost,
    /// The cost with the indexes.
    pub after_cost: Cost,
    /// Execution time as things are, where it was executed.
    #[serde(default)]
    pub before_ms: Option<Millis>,
    /// Execution time with the indexes, where it was executed.
    #[serde(default)]
    pub after_ms: Option<Millis>,
    /// Which of `indexes` (by position) the plan uses.
    #[serde(default)]
    pub used: Vec<usize>,
    /// The estimated size of each of `indexes`.
    #[serde(default)]
    pub size_bytes: Vec<Option<Bytes>>,
}
