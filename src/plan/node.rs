//! One node of a plan, typed.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::units::{Cost, Loops, Millis, PerLoop, Rows};

use super::usage::{
    Buffers, HashAggregateUsage, HashUsage, HeapBlocks, IoTimes, Jit, MemoizeUsage, SortGroups,
    SortUsage, Storage, Wal,
};
use super::vocabulary::{
    ConditionKind, JoinType, NodeType, Operation, PartialMode, Relationship, ScanDirection,
    Strategy,
};

/// Which node of its plan: the position in EXPLAIN's own order, in which every node stands before its children.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub(super) usize);

impl NodeId {
    /// The position, from 0 for the root.
    pub const fn index(self) -> usize {
        self.0
    }
}

/// What the planner expected.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Planned {
    /// `Startup Cost`: cost until the first row.
    pub startup_cost: Cost,
    /// `Total Cost`, of one loop, children included.
    pub total_cost: Cost,
    /// `Plan Rows`: of one loop, and of one process below a Gather.
    pub rows: PerLoop<Rows>,
    /// `Plan Width`: bytes a row.
    pub width: i64,
}

/// What happened (EXPLAIN ANALYZE). Averages over the loops.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Actual {
    /// `Actual Startup Time`: until the first row; `None` with `TIMING OFF`.
    pub startup_time: Option<PerLoop<Millis>>,
    /// `Actual Total Time`, children included; `None` with `TIMING OFF`.
    pub total_time: Option<PerLoop<Millis>>,
    /// `Actual Rows`.
    pub rows: PerLoop<Rows>,
    /// By how much `rows` may be off: EXPLAIN rounds to whole rows before 18 and to hundredths from 18. Zero for a
    /// single loop.
    pub rows_rounding: PerLoop<Rows>,
    /// `Actual Loops`: starts, summed over the processes; 0 when the node never ran.
    pub loops: Loops,
}

/// `Rows Removed by …`: averages over the loops, rounded to whole rows in every version. `None` where the node has no
/// such condition, or was not executed.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Removed {
    /// By the Filter.
    pub filter: Option<PerLoop<Rows>>,
    /// By the Join Filter.
    pub join_filter: Option<PerLoop<Rows>>,
    /// By the recheck of an index condition: lossy bitmap pages and lossy operators.
    pub index_recheck: Option<PerLoop<Rows>>,
    /// By the WHERE of ON CONFLICT DO UPDATE.
    pub conflict_filter: Option<PerLoop<Rows>>,
}

/// What a node reads or writes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Target {
    /// `Relation Name`.
    pub relation: Option<String>,
    /// `Schema`: of the relation or the function; only with VERBOSE.
    pub schema: Option<String>,
    /// `Alias`.
    pub alias: Option<String>,
    /// `Index Name`.
    pub index: Option<String>,
    /// `Function Name` or `Table Function Name`.
    pub function: Option<String>,
    /// `CTE Name`.
    pub cte: Option<String>,
    /// `Tuplestore Name`: a transition table.
    pub tuplestore: Option<String>,
}

/// An expression, as the server prints it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// Under which key it stands.
    pub kind: ConditionKind,
    /// The expression: fully parenthesised, with casts written out.
    pub text: String,
}

/// A Gather or Gather Merge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GatherInfo {
    /// `Workers Planned`.
    pub planned: i64,
    /// `Workers Launched`, of the last loop; `None` when not executed.
    pub launched: Option<i64>,
    /// `Single Copy`: one worker does it all and the leader nothing.
    pub single_copy: bool,
    /// `Params Evaluated` (up to 16): the `InitPlan` results it computes before it starts the workers.
    pub params_evaluated: Vec<String>,
}

/// What a `ModifyTable` says beyond its children.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ModifyInfo {
    /// `Target Tables`: when there are several, or another than the one named in the statement.
    pub targets: Vec<Target>,
    /// `Conflict Resolution`: `NOTHING` or `UPDATE`.
    pub conflict_resolution: Option<String>,
    /// `Conflict Arbiter Indexes`.
    pub arbiter_indexes: Vec<String>,
    /// `Tuples Inserted`, by ON CONFLICT or MERGE; a total.
    pub inserted: Option<i64>,
    /// `Conflicting Tuples`; a total.
    pub conflicting: Option<i64>,
    /// `Tuples Updated`, by MERGE; a total.
    pub updated: Option<i64>,
    /// `Tuples Deleted`, by MERGE; a total.
    pub deleted: Option<i64>,
    /// `Tuples Skipped`, by MERGE; a total.
    pub skipped: Option<i64>,
}

/// What one parallel worker did in a node. Times, loops and buffers only with VERBOSE; sort, hash and cache figures
/// always.
#[derive(Debug, Clone, PartialEq)]
pub struct Worker {
    /// `Worker Number`, from 0.
    pub number: i64,
    /// Its times and rows; averages over its own loops.
    pub actual: Option<Actual>,
    /// How it sorted.
    pub sort: Option<SortUsage>,
    /// Its groups of an Incremental Sort.
    pub full_sort_groups: Option<SortGroups>,
    /// Its groups of an Incremental Sort that were already sorted by a prefix.
    pub presorted_groups: Option<SortGroups>,
    /// Its hash table of an Aggregate.
    pub hash_aggregate: Option<HashAggregateUsage>,
    /// Its cache of a Memoize.
    pub memoize: Option<MemoizeUsage>,
    /// The pages it read in a Bitmap Heap Scan (18).
    pub heap_blocks: Option<HeapBlocks>,
    /// Its blocks.
    pub buffers: Option<Buffers>,
    /// Its just-in-time compilation; stands in the topmost node below the Gather.
    pub jit: Option<Jit>,
    /// What else EXPLAIN said.
    pub extra: BTreeMap<String, Value>,
}

/// One node.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Which one.
    pub id: NodeId,
    /// The node that it stands under; `None` for the root.
    pub parent: Option<NodeId>,
    /// The nodes under it, in EXPLAIN's order.
    pub children: Vec<NodeId>,
    pub(super) pointer: String,
    /// `Node Type`.
    pub node_type: NodeType,
    /// `Strategy`.
    pub strategy: Option<Strategy>,
    /// `Partial Mode`.
    pub partial_mode: Option<PartialMode>,
    /// `Operation`.
    pub operation: Option<Operation>,
    /// `Parent Relationship`; `None` for the root.
    pub relationship: Option<Relationship>,
    /// `Subplan Name`, such as `InitPlan 1 (returns $0)`, `InitPlan 1` (17), `SubPlan 2`, `CTE spent`.
    pub subplan_name: Option<String>,
    /// `Custom Plan Provider`.
    pub custom_provider: Option<String>,
    /// `Parallel Aware`: the processes share its work.
    pub parallel_aware: bool,
    /// `Async Capable` (14).
    pub async_capable: bool,
    /// `Disabled` (18). Ask [`super::Plan::disabled`], which knows the older sign, too.
    pub disabled: Option<bool>,
    /// What it reads or writes.
    pub target: Target,
    /// `Scan Direction`.
    pub scan_direction: Option<ScanDirection>,
    /// `Join Type`.
    pub join_type: Option<JoinType>,
    /// `Inner Unique`: at most one inner row can match.
    pub inner_unique: bool,
    /// `Command` of a `SetOp`.
    pub set_command: Option<String>,
    /// The planner's expectation; `None` with `COSTS OFF`.
    pub planned: Option<Planned>,
    /// What happened; `None` without ANALYZE.
    pub actual: Option<Actual>,
    /// Rows removed by conditions.
    pub removed: Removed,
    /// The conditions and function calls, in a fixed order of kinds.
    pub conditions: Vec<Condition>,
    /// `Output`; only with VERBOSE.
    pub output: Vec<String>,
    /// `Sort Key`.
    pub sort_key: Vec<String>,
    /// `Presorted Key`.
    pub presorted_key: Vec<String>,
    /// `Group Key`.
    pub group_key: Vec<String>,
    /// How a Sort sorted, in the leader.
    pub sort: Option<SortUsage>,
    /// `Full-sort Groups` of an Incremental Sort, in the leader.
    pub full_sort_groups: Option<SortGroups>,
    /// `Pre-sorted Groups` of an Incremental Sort, in the leader.
    pub presorted_groups: Option<SortGroups>,
    /// The table of a Hash.
    pub hash: Option<HashUsage>,
    /// The hash table of an Aggregate, in the leader.
    pub hash_aggregate: Option<HashAggregateUsage>,
    /// `Cache Key` of a Memoize.
    pub cache_key: Option<String>,
    /// `Cache Mode` of a Memoize: `logical` or `binary`.
    pub cache_mode: Option<String>,
    /// The cache of a Memoize, in the leader.
    pub memoize: Option<MemoizeUsage>,
    /// Its tuple store (18).
    pub storage: Option<Storage>,
    /// The pages of a Bitmap Heap Scan, in the leader.
    pub heap_blocks: Option<HeapBlocks>,
    /// `Heap Fetches` of an Index Only Scan; a total over loops and processes.
    pub heap_fetches: Option<i64>,
    /// `Index Searches` (18); a total over loops and processes.
    pub index_searches: Option<i64>,
    /// For a Gather or Gather Merge.
    pub gather: Option<GatherInfo>,
    /// `Subplans Removed`: members of an Append that pruning removed when execution started.
    pub subplans_removed: Option<i64>,
    /// For a `ModifyTable`.
    pub modify: Option<ModifyInfo>,
    /// Blocks, children included; a total over loops and processes.
    pub buffers: Option<Buffers>,
    /// Time of block reads and writes, children included.
    pub io_times: IoTimes,
    /// WAL, children included.
    pub wal: Option<Wal>,
    /// What each worker did.
    pub workers: Vec<Worker>,
    /// What else EXPLAIN said: keys of newer servers and of extensions.
    pub extra: BTreeMap<String, Value>,
}

impl Node {
    /// The JSON pointer of this node below the EXPLAIN object: `/Plan/Plans/0`.
    pub fn pointer(&self) -> &str {
        &self.pointer
    }

    /// The JSON pointer of one key of this node: `/Plan/Plans/0/Rows Removed by Filter`.
    pub fn pointer_to(&self, key: &str) -> String {
        let escaped = key.replace('~', "~0").replace('/', "~1");
        format!("{}/{escaped}", self.pointer)
    }

    /// The condition of that kind.
    pub fn condition(&self, kind: &ConditionKind) -> Option<&str> {
        self.conditions
            .iter()
            .find(|condition| condition.kind == *kind)
            .map(|condition| condition.text.as_str())
    }

    /// Executed at least once.
    pub fn executed(&self) -> bool {
        self.actual.is_some_and(|actual| actual.loops.get() > 0.0)
    }

    /// EXPLAIN ANALYZE says that it was never started.
    pub fn never_executed(&self) -> bool {
        self.actual.is_some_and(|actual| actual.loops.get() <= 0.0)
    }

    /// An `InitPlan`: run once for all, by whoever first needs its result. CTEs are such, too.
    pub fn is_init_plan(&self) -> bool {
        self.relationship == Some(Relationship::InitPlan)
    }

    /// The name of the CTE that this node is the top of.
    pub fn cte_name(&self) -> Option<&str> {
        if self.is_init_plan() {
            self.subplan_name.as_deref()?.strip_prefix("CTE ")
        } else {
            None
        }
    }

    /// A node that collects what parallel workers produce.
    pub fn is_gather(&self) -> bool {
        matches!(self.node_type, NodeType::Gather | NodeType::GatherMerge)
    }

    /// Every expression of the node as text: conditions, output and keys.
    pub fn expressions(&self) -> impl Iterator<Item = &str> {
        let gathered = self.gather.iter().flat_map(|info| &info.params_evaluated);
        self.conditions
            .iter()
            .map(|condition| &condition.text)
            .chain(&self.output)
            .chain(&self.sort_key)
            .chain(&self.group_key)
            .chain(&self.cache_key)
            .chain(gathered)
            .map(String::as_str)
            .chain(self.extra.values().filter_map(Value::as_str))
    }
}
