//! Plans: EXPLAIN (FORMAT JSON) as typed nodes, and what follows from them.
//!
//! [`Plan::parse`] reads the output of PostgreSQL 13 to 18; what a newer server or an extension adds is kept, not
//! refused. [`metrics::Metrics`] derives times, rows and estimates from it.

mod condition;
mod error;
mod fields;
mod label;
pub mod metrics;
mod node;
mod parse;
mod parse_usage;
mod spill;
mod text;
mod usage;
mod vocabulary;
mod walk;

use std::collections::BTreeMap;
use std::iter;

use serde_json::Value;

use crate::ids::QueryId;
use crate::units::Millis;

pub use condition::{ColumnRef, columns};
pub use error::PlanError;
pub use node::{
    Actual, Condition, GatherInfo, ModifyInfo, Node, NodeId, Planned, Removed, Target, Worker,
};
pub use spill::HashAggregateSpill;
pub use text::{read_plans, read_text};
pub use usage::{
    BlockUsage, Buffers, GroupSpace, HashAggregateUsage, HashUsage, HeapBlocks, IoTimes, Jit,
    MemoizeUsage, Planning, Serialization, SortGroups, SortUsage, Storage, TempUsage, Trigger, Wal,
};
pub use vocabulary::{
    ConditionKind, JoinType, NodeType, Operation, PartialMode, Relationship, ScanDirection,
    SpaceType, Strategy,
};

/// One statement's plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    root: Node,
    /// The nodes after the root, in EXPLAIN's order.
    others: Vec<Node>,
    /// `Query Text` (`auto_explain`).
    pub query_text: Option<String>,
    /// `Query Parameters` (`auto_explain`).
    pub query_parameters: Option<String>,
    /// `Query Identifier` (14, with VERBOSE).
    pub query_identifier: Option<QueryId>,
    /// `Planning Time`.
    pub planning_time: Option<Millis>,
    /// `Execution Time`: the nodes, the triggers, starting up and shutting down.
    pub execution_time: Option<Millis>,
    /// `Planning`: what the planner used.
    pub planning: Option<Planning>,
    /// `Triggers`, in EXPLAIN's order.
    pub triggers: Vec<Trigger>,
    /// `JIT`.
    pub jit: Option<Jit>,
    /// `Settings` that differ from the default; `None` for a setting without a value.
    pub settings: BTreeMap<String, Option<String>>,
    /// `Serialization` (17).
    pub serialization: Option<Serialization>,
    /// What else the EXPLAIN object says.
    pub extra: BTreeMap<String, Value>,
}

impl Plan {
    /// Reads EXPLAIN (FORMAT JSON) output: the array that the server prints, its element, the rows of a driver that
    /// wrap it, or an `auto_explain` entry. Of several plans (a rule made several statements of one) the first.
    ///
    /// # Errors
    /// [`PlanError`] when it is something else, with what to run instead.
    pub fn parse(value: &Value) -> Result<Self, PlanError> {
        parse::plan(parse::explain_object(value)?)
    }

    /// The topmost node.
    pub const fn root(&self) -> &Node {
        &self.root
    }

    /// The node `id`. An id of another plan may give the root.
    pub fn node(&self, id: NodeId) -> &Node {
        id.0.checked_sub(1)
            .and_then(|index| self.others.get(index))
            .unwrap_or(&self.root)
    }

    /// All nodes in EXPLAIN's order: every node before its children.
    pub fn nodes(&self) -> impl DoubleEndedIterator<Item = &Node> + Clone {
        iter::once(&self.root).chain(&self.others)
    }

    /// How many nodes there are.
    pub fn node_count(&self) -> usize {
        self.others.len().saturating_add(1)
    }

    /// Executed (ANALYZE), rather than only planned.
    pub fn is_analyzed(&self) -> bool {
        self.root.actual.is_some()
    }
}
