//! Rows of `pg_stat_statements`, in the columns of every extension version from 1.8 on.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::StatementKey;
use crate::units::{Blocks, Bytes, Millis};

/// The state of `pg_stat_statements` itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CounterSource {
    /// The extension's version, such as `1.10`.
    pub extension_version: String,
    /// The schema it lives in.
    pub schema: String,
    /// When all counters were last reset (1.9 and later).
    #[serde(default)]
    pub stats_reset: Option<Timestamp>,
    /// How many eviction passes there were since then (1.9 and later); not a number of statements.
    #[serde(default)]
    pub dealloc: Option<i64>,
    /// Rows of all databases together, to be compared with `pg_stat_statements.max`.
    #[serde(default)]
    pub entries: Option<i64>,
    /// Rows of this database whose text and id the role may not see.
    #[serde(default)]
    pub hidden: Option<HiddenStatements>,
}

/// Statements of other roles that are seen only as counters, summed up.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HiddenStatements {
    /// Rows.
    pub statements: i64,
    /// Calls of the toplevel ones.
    pub calls: i64,
    /// Execution time of the toplevel ones.
    pub total_exec_time_ms: Millis,
}

/// One visible row of `pg_stat_statements`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Statement {
    /// Its identity within the database.
    pub key: StatementKey,
    /// The role's name; `None` for a role that was dropped.
    #[serde(default)]
    pub role: Option<String>,
    /// The normalised text; `None` where `pg_stat_statements` lost it.
    pub query: Option<String>,
    /// The counters since `stats_since`, or since the extension's reset.
    pub counters: StatementCounters,
    /// When these counters began (1.11 and later).
    #[serde(default)]
    pub stats_since: Option<Timestamp>,
}

/// Counters that only grow. To divide one by time, take the difference of two moments first
/// (`snapshot::delta::Window`).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StatementCounters {
    /// Executions.
    pub calls: i64,
    /// Rows returned or affected.
    pub rows: i64,
    /// Execution time.
    pub total_exec_time_ms: Millis,
    /// Times planned; `None` without `track_planning`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plans: Option<i64>,
    /// Planning time; `None` without `track_planning`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_plan_time_ms: Option<Millis>,
    /// How execution times spread since the counters began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spread: Option<Spread>,
    /// Blocks of tables and indexes.
    #[serde(default)]
    pub shared: BlockCounters,
    /// Blocks of temporary tables.
    #[serde(default)]
    pub local: BlockCounters,
    /// Blocks of temporary files: sorts, hashes, materialisation (`hit` and `dirtied` stay 0).
    #[serde(default)]
    pub temp: BlockCounters,
    /// Times of shared block I/O; `None` without `track_io_timing`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shared_io: Option<IoTimes>,
    /// Times of temporary file I/O (1.10 and later); `None` without `track_io_timing`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temp_io: Option<IoTimes>,
    /// Write-ahead log.
    #[serde(default)]
    pub wal: WalCounters,
    /// Just-in-time compilation (1.10 and later).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jit: Option<JitCounters>,
    /// Parallel workers (1.12 and later).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parallel_workers: Option<ParallelWorkers>,
}

/// Minimum, maximum, mean and population standard deviation of execution time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Spread {
    /// Fastest execution.
    pub min_exec_time_ms: Millis,
    /// Slowest execution.
    pub max_exec_time_ms: Millis,
    /// Mean.
    pub mean_exec_time_ms: Millis,
    /// Population standard deviation.
    pub stddev_exec_time_ms: Millis,
}

/// Blocks by what happened to them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct BlockCounters {
    /// Found in buffers.
    pub hit: Blocks,
    /// Read from the operating system.
    pub read: Blocks,
    /// Dirtied.
    pub dirtied: Blocks,
    /// Written.
    pub written: Blocks,
}

/// Time spent on block I/O.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct IoTimes {
    /// Reading.
    pub read_ms: Millis,
    /// Writing.
    pub write_ms: Millis,
}

/// Write-ahead log produced.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct WalCounters {
    /// Records.
    pub records: i64,
    /// Full page images.
    pub full_page_images: i64,
    /// Bytes.
    pub bytes: Bytes,
}

/// Just-in-time compilation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct JitCounters {
    /// Functions compiled.
    pub functions: i64,
    /// Time for generation, inlining, optimisation and emission together (and deforming, 1.11 and later).
    pub total_ms: Millis,
}

/// Parallel workers of all executions together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ParallelWorkers {
    /// Planned.
    pub to_launch: i64,
    /// Started.
    pub launched: i64,
}
