//! Everything that was observed of a server, at one moment (or, for a measured window, at several), and what the
//! probes added. Versioned, serialised as the capture file; every later step reads it and nothing else.
//!
//! `Option` stands for what a server version, a privilege or an extension can hide: unknown is never zero.

mod capture;
mod catalog;
pub mod delta;
mod distribution;
mod explained;
mod logs;
mod plans;
mod redact;
mod server;
mod statements;
mod what_if;
mod window_series;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use capture::CaptureError;
pub use catalog::{
    Column, ColumnStatistics, ForeignKey, ForeignKeyAction, Index, IndexCounters, IndexKey,
    RelationKind, Table, TableCounters, UNREADABLE,
};
pub use distribution::{
    ColumnGroup, Distribution, ExtendedStatistics, Values, element_kind, kind_of,
};
pub use logs::{
    Durations, Excerpt, ExcerptLine, LeftOut, LoggedFamily, LoggedLoop, Logs, LoopKind, Series,
    SkippedLines,
};
pub use plans::{
    Execution, ParameterValue, ParameterVariant, PlanRecord, PlannedText, ProbeOutcome,
    ProbeStatus, Rejection, Scans, off_mean,
};
pub use redact::redact;
pub use server::{DatabaseCounters, Extension, NEWEST_MAJOR, Role, Server, Setting, Settings};
pub use statements::{
    BlockCounters, CounterSource, HiddenStatements, IoTimes, JitCounters, ParallelWorkers, Spread,
    Statement, StatementCounters, WalCounters,
};
pub use what_if::{IndexColumn, IndexDefinition, WhatIf, WhatIfBasis};
pub use window_series::{MOST_KEPT, StatementSeries, WindowSeries};

use crate::ids::{Oid, StatementKey};

/// The layout of capture files that this program writes, and the newest one that it reads.
pub const CAPTURE_VERSION: u32 = 1;

/// All that was observed. A capture file is this value as JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Snapshot {
    /// The layout's version, see [`CAPTURE_VERSION`].
    pub capture_version: u32,
    /// The `pgtriage` version that wrote it.
    pub tool_version: String,
    /// The moment of observation by the server's clock: all counters are of this moment.
    pub captured_at: Timestamp,
    /// Whether literals have been replaced by tokens.
    #[serde(default)]
    pub redacted: bool,
    /// The server and the database.
    pub server: Server,
    /// The role that looked.
    pub role: Role,
    /// Whose executions `statements` counts.
    #[serde(default, skip_serializing_if = "Scope::is_workload")]
    pub scope: Scope,
    /// Planner, memory, tracking and vacuum settings as seen by a new session of the role.
    #[serde(default)]
    pub settings: Settings,
    /// Installed extensions.
    #[serde(default)]
    pub extensions: Vec<Extension>,
    /// Cumulative counters of the database; `None` where hidden.
    #[serde(default)]
    pub database: Option<DatabaseCounters>,
    /// Where `statements` come from; `None` without a usable `pg_stat_statements`.
    #[serde(default)]
    pub counter_source: Option<CounterSource>,
    /// Rows of `pg_stat_statements` of this database, this program's own statements left out.
    #[serde(default)]
    pub statements: Vec<Statement>,
    /// Tables, partitioned tables, materialized views and foreign tables outside the system schemas.
    #[serde(default)]
    pub tables: Vec<Table>,
    /// Their indexes.
    #[serde(default)]
    pub indexes: Vec<Index>,
    /// Their foreign keys.
    #[serde(default)]
    pub foreign_keys: Vec<ForeignKey>,
    /// How the values of their columns are distributed; read for capture files only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub distributions: Vec<Distribution>,
    /// Statistics over several columns; read for capture files only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub extended_statistics: Vec<ExtendedStatistics>,
    /// The beginning of a measured window; empty when counters are read since their reset.
    #[serde(default)]
    pub samples: Vec<Sample>,
    /// What happened within the window, part by part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub series: Option<WindowSeries>,
    /// What the server's logs tell; `None` where none were read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logs: Option<Logs>,
    /// What became of each statement that was to be probed.
    #[serde(default)]
    pub probes: Vec<ProbeOutcome>,
    /// Plans that the probes got.
    #[serde(default)]
    pub plans: Vec<PlanRecord>,
    /// The planner's answers about indexes that do not exist.
    #[serde(default)]
    pub what_if: Vec<WhatIf>,
    /// What could not be observed.
    #[serde(default)]
    pub gaps: Vec<Gap>,
}

/// Whose executions are counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// The applications': the counters are those of `pg_stat_statements`.
    #[default]
    Workload,
    /// Nobody's but the plans' own: each of `statements` was explained, and its counters are the executions that the
    /// plans tell of.
    Explained,
}

impl Scope {
    /// Whether the applications' executions are counted.
    pub const fn is_workload(&self) -> bool {
        matches!(self, Self::Workload)
    }
}

/// The counters at an earlier moment of a measured window.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Sample {
    /// The moment, by the server's clock.
    pub taken_at: Timestamp,
    /// When the server had started; a restart within the window invalidates all differences.
    pub started_at: Timestamp,
    /// The state of `pg_stat_statements` itself then.
    #[serde(default)]
    pub counter_source: Option<CounterSource>,
    /// Statement counters then.
    #[serde(default)]
    pub statements: Vec<SampledStatement>,
    /// Table counters then.
    #[serde(default)]
    pub tables: Vec<SampledTable>,
    /// Database counters then.
    #[serde(default)]
    pub database: Option<DatabaseCounters>,
}

/// One statement's counters at an earlier moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SampledStatement {
    /// Which statement.
    pub key: StatementKey,
    /// Its counters.
    pub counters: StatementCounters,
    /// When its counters began (`pg_stat_statements` 1.11 and later).
    #[serde(default)]
    pub stats_since: Option<Timestamp>,
}

/// One table's counters at an earlier moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SampledTable {
    /// Which table.
    pub oid: Oid,
    /// Its counters.
    pub counters: TableCounters,
}

/// An area of observation that a privilege, an extension or a setting can hide.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Area {
    /// The server as a whole, such as a version that this program does not know.
    Server,
    /// `pg_stat_statements`: rows and counters.
    Statements,
    /// The texts and ids of other roles' statements.
    StatementTexts,
    /// Times of block reads and writes (`track_io_timing`).
    IoTiming,
    /// Planning times (`pg_stat_statements.track_planning`).
    PlanTiming,
    /// Tables and their counters.
    Tables,
    /// Indexes and their counters.
    Indexes,
    /// Column statistics (`pg_stats`).
    ColumnStatistics,
    /// Foreign keys.
    ForeignKeys,
    /// Settings.
    Settings,
    /// Plans of statements.
    Plans,
    /// Hypothetical indexes (`HypoPG`).
    HypotheticalIndexes,
    /// The measured window.
    Window,
}

/// Something that could not be observed, why, and what would make it visible.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Gap {
    /// What is hidden.
    pub area: Area,
    /// Why, naming the object: a clause in lower case without a final stop.
    pub reason: String,
    /// The exact remedy: a SQL statement or a configuration line. `None` where nothing helps.
    #[serde(default)]
    pub remedy: Option<String>,
}

impl Snapshot {
    /// A server and a role of which nothing else has been observed yet.
    pub fn empty(server: Server, role: Role, captured_at: Timestamp) -> Self {
        Self {
            capture_version: CAPTURE_VERSION,
            tool_version: env!("CARGO_PKG_VERSION").to_owned(),
            captured_at,
            redacted: false,
            server,
            role,
            scope: Scope::default(),
            settings: Settings::new(),
            extensions: Vec::new(),
            database: None,
            counter_source: None,
            statements: Vec::new(),
            tables: Vec::new(),
            indexes: Vec::new(),
            foreign_keys: Vec::new(),
            distributions: Vec::new(),
            extended_statistics: Vec::new(),
            samples: Vec::new(),
            series: None,
            logs: None,
            probes: Vec::new(),
            plans: Vec::new(),
            what_if: Vec::new(),
            gaps: Vec::new(),
        }
    }

    /// Whether an extension is installed.
    pub fn has_extension(&self, name: &str) -> bool {
        self.extensions
            .iter()
            .any(|extension| extension.name == name)
    }

    /// The gap in an area, if something of it is hidden.
    pub fn gap(&self, area: Area) -> Option<&Gap> {
        self.gaps.iter().find(|gap| gap.area == area)
    }
}
