//! What the server's logs tell: executions, how long they took, and which of them came in loops.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::QueryId;
use crate::units::Millis;

/// What the logs tell of the database.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Logs {
    /// The files, in the order in which they were given.
    pub files: Vec<String>,
    /// Time of the first execution.
    pub from: Option<Timestamp>,
    /// Time of the last one.
    pub to: Option<Timestamp>,
    /// Executions.
    pub executions: i64,
    /// Sessions.
    pub sessions: i64,
    /// How long they took; `None` where no line has a duration.
    pub durations: Option<Durations>,
    /// When they were; `None` without times.
    pub rate: Option<Series>,
    /// Families of statements, the costliest first.
    pub families: Vec<LoggedFamily>,
    /// Statements that one session ran again and again, before it did something else.
    pub loops: Vec<LoggedLoop>,
    /// Executions that may belong to loops but whose parameters are not in the log.
    pub without_parameters: i64,
    /// Executions of which the log does not tell the session, so that no loop can be seen.
    pub without_session: i64,
    /// What is not in the other figures.
    pub left_out: LeftOut,
    /// Lines that were not understood.
    pub skipped: Vec<SkippedLines>,
}

/// How long executions took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Durations {
    /// Executions whose duration the log has.
    pub count: i64,
    /// Their sum.
    pub total_ms: Millis,
    /// The shortest.
    pub min_ms: Millis,
    /// The median; this and the other percentiles are within 1 % of the true value.
    pub p50_ms: Millis,
    /// 95th percentile.
    pub p95_ms: Millis,
    /// 99th percentile.
    pub p99_ms: Millis,
    /// The longest.
    pub max_ms: Millis,
}

/// Counts over time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Series {
    /// Begin of the first interval.
    pub from: Timestamp,
    /// Length of each interval.
    pub seconds: f64,
    /// How many there were in each.
    pub counts: Vec<i64>,
}

/// Executions of one shape.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct LoggedFamily {
    /// The canonical shape.
    pub family: String,
    /// A text of it, its constants replaced by parameters.
    pub query: String,
    /// The ids that the log gives its statements.
    pub queryids: Vec<QueryId>,
    /// Executions.
    pub executions: i64,
    /// How long they took.
    pub durations: Option<Durations>,
    /// When they were.
    pub rate: Option<Series>,
}

/// What the parameters of the executions of a loop are.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum LoopKind {
    /// Others each time: at least 80 % are distinct.
    #[default]
    Distinct,
    /// Some of them several times.
    Mixed,
    /// The same again and again: at most 20 % are distinct.
    Same,
}

/// A statement that sessions ran many times on end, all of its occurrences behind the same statements summed up.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct LoggedLoop {
    /// The statement: index into [`Logs::families`].
    pub statement: usize,
    /// The statements that it ran behind, the nearest first: indexes into [`Logs::families`]. Each loop is counted
    /// within one execution of the last of them; those before it may have been executed many times meanwhile.
    pub within: Vec<usize>,
    /// What the parameters are.
    pub kind: LoopKind,
    /// How often there was such a loop.
    pub loops: i64,
    /// Those of them that lie within one explicit transaction each.
    pub in_transaction: i64,
    /// Those of them in which nothing else ran between.
    pub unbroken: i64,
    /// Executions in all of them.
    pub executions: i64,
    /// Executions in the longest.
    pub longest: i64,
    /// Distinct parameters ÷ executions, over all of them.
    pub distinct_ratio: f64,
    /// How long the executions took; `None` where not all lines have a duration.
    pub total_ms: Option<Millis>,
    /// A few of them.
    pub excerpts: Vec<Excerpt>,
}

/// A place in a log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Excerpt {
    /// The session.
    pub session: String,
    /// The file.
    pub file: String,
    /// Statements of it in the order of the log: what came before the loop, and how it begins.
    pub lines: Vec<ExcerptLine>,
}

/// A statement in a log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ExcerptLine {
    /// The line in which it begins, counted from 1.
    pub line: u64,
    /// When it was logged.
    #[serde(default)]
    pub at: Option<Timestamp>,
    /// Its text, of which a long one is cut off.
    pub statement: String,
    /// Its parameters as the log has them.
    #[serde(default)]
    pub parameters: Option<String>,
}

/// What was read and is not in the other figures.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct LeftOut {
    /// Executions in other databases.
    pub other_databases: i64,
    /// Executions of this program itself.
    pub own: i64,
    /// Families with few executions each, for which there was no room.
    pub families: i64,
    /// Their executions, which count in the sums only.
    pub family_executions: i64,
    /// Loops of which there were too many kinds.
    pub loops: i64,
    /// Sessions of which so many were open at once that this one's loops were counted up before its end.
    pub sessions: i64,
}

/// Lines that were not understood, for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SkippedLines {
    /// What they are, such as `broken records`.
    pub reason: String,
    /// How many.
    pub count: i64,
    /// The first one's file.
    pub file: String,
    /// The first one's line, counted from 1.
    pub line: u64,
}
