//! The report: the only definition of the JSON document, and the value that every other format renders.

use std::borrow::Cow;

use jiff::Timestamp;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Serialize, Serializer};

use super::{Caveat, CheckId, Finding};
use crate::ids::QueryId;
use crate::snapshot::delta::WindowKind;
use crate::snapshot::{LeftOut, PlanRecord, ProbeStatus, Series, SkippedLines};
use crate::units::{Millis, Rows};

/// The layout of the JSON report.
pub const SCHEMA_VERSION: u32 = 1;

/// What was found, and what could not be looked at.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Report {
    /// The layout's version, see [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// The program.
    pub tool: ToolInfo,
    /// Whether something in `skipped` limits the conclusion.
    pub status: Status,
    /// The verdict in one line.
    pub summary: String,
    /// What was looked at; `None` where plans came from a file.
    pub target: Option<Target>,
    /// The time that the counters cover; `None` without counters.
    pub window: Option<WindowInfo>,
    /// The workload as it is, before any change; `None` without counters.
    pub baseline_metrics: Option<BaselineMetrics>,
    /// What was read of the server's logs; `None` where none were given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log: Option<LogInfo>,
    /// Statement families, the costliest first.
    pub statements: Vec<ReportStatement>,
    /// Findings, the worst first.
    pub bottlenecks: Vec<Finding>,
    /// The plans, where statements were explained: pointers such as `/plans/0/plan/Plan/Actual Rows` lead into them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub plans: Vec<ReportPlan>,
    /// The plans of a workload's statements, for formats that draw them. The JSON document leaves them to the capture,
    /// which its pointers lead into.
    #[serde(skip)]
    pub probed_plans: Vec<ReportPlan>,
    /// Statements that were checked one by one, in the order of their files.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub checked: Vec<CheckedStatement>,
    /// What could not be looked at, why, and the remedy.
    pub skipped: Vec<Skipped>,
    /// What a reader must know to weigh the numbers.
    pub caveats: Vec<Caveat>,
}

/// The program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ToolInfo {
    /// `pgtriage`.
    pub name: &'static str,
    /// Its version.
    pub version: &'static str,
}

/// Whether the report is whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Nothing in `skipped` limits the conclusion.
    Completed,
    /// Something does.
    Partial,
}

/// What was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Target {
    /// The database.
    pub database: String,
    /// Host and port as the user reached it; `None` for a capture that does not say.
    pub address: Option<String>,
    /// The server's version, such as `15.18`.
    pub server_version: String,
    /// The role that looked.
    pub role: String,
    /// Whether it is a superuser.
    pub superuser: bool,
    /// Whether the server is a standby.
    pub in_recovery: bool,
    /// The moment of observation; `None` of a check, whose reports on the same state are equal.
    pub captured_at: Option<Timestamp>,
}

/// The time that the counters cover.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct WindowInfo {
    /// What kind of time.
    pub kind: WindowKind,
    /// Its begin; `None` where the server does not tell.
    pub from: Option<Timestamp>,
    /// Its end.
    pub to: Timestamp,
    /// Its length.
    pub seconds: Option<f64>,
}

/// What was read of the server's logs.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct LogInfo {
    /// The files.
    pub files: Vec<String>,
    /// Time of the first execution.
    pub from: Option<Timestamp>,
    /// Time of the last one.
    pub to: Option<Timestamp>,
    /// Executions.
    pub executions: i64,
    /// Those of them with a duration.
    pub durations: i64,
    /// Sessions.
    pub sessions: i64,
    /// What was read and is not in the other figures.
    pub left_out: LeftOut,
    /// Lines that were not understood.
    pub skipped: Vec<SkippedLines>,
    /// Why the log does not tell everything, and what would.
    pub limits: Vec<LogLimit>,
}

/// Why a log does not tell everything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct LogLimit {
    /// Why.
    pub reason: String,
    /// The setting that would lift it.
    pub remedy: String,
}

/// How a figure was obtained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EstimateBasis {
    /// From single durations.
    Measured,
    /// From means and standard deviations, assuming log-normal durations.
    Estimated,
}

/// A figure and how it was obtained.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct Estimated {
    /// The figure; `None` where it cannot be told.
    pub value: Option<f64>,
    /// How it was obtained.
    pub basis: EstimateBasis,
}

/// The workload as it is.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct BaselineMetrics {
    /// Rows of `pg_stat_statements`.
    pub statements: usize,
    /// Families of them.
    pub families: usize,
    /// Toplevel calls.
    pub calls: i64,
    /// Execution time of toplevel statements.
    pub total_exec_time_ms: Millis,
    /// Calls a second; `None` where the window's length is unknown.
    pub throughput_qps: Option<f64>,
    /// Mean execution time.
    pub mean_ms: Option<Millis>,
    /// Blocks found in shared buffers, 0..1; `None` without block access.
    pub cache_hit_ratio: Option<f64>,
    /// Median execution time.
    pub p50_ms: Estimated,
    /// 95th percentile.
    pub p95_ms: Estimated,
    /// 99th percentile.
    pub p99_ms: Estimated,
    /// Calls over time; `None` where no log with times was read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calls_over_time: Option<Series>,
}

/// A statement family.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ReportStatement {
    /// The costliest member; `None` where hidden.
    pub queryid: Option<QueryId>,
    /// The family's canonical shape.
    pub family: String,
    /// All members, the costliest first.
    pub members: Vec<QueryId>,
    /// The costliest member's text.
    pub query: String,
    /// The role that ran it.
    pub role: Option<String>,
    /// Whether a client sent it; nested statements are part of their callers and not of the totals.
    pub toplevel: bool,
    /// Calls.
    pub calls: i64,
    /// Rows returned or affected; `None` where only a log tells of it.
    pub rows: Option<Rows>,
    /// Execution time.
    pub total_exec_time_ms: Millis,
    /// Mean execution time.
    pub mean_exec_time_ms: Option<Millis>,
    /// Median execution time.
    pub p50_ms: Estimated,
    /// 95th percentile.
    pub p95_ms: Estimated,
    /// 99th percentile.
    pub p99_ms: Estimated,
    /// Calls over time; `None` where no log with times was read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calls_over_time: Option<Series>,
    /// Share of the window's execution time, 0..1.
    pub share: Option<f64>,
    /// What became of its probe.
    pub probe: Probe,
}

/// A statement that was checked for itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct CheckedStatement {
    /// Its name, or its file and its place in it.
    pub name: String,
    /// The file; `None` of a statement of `pg_stat_statements`.
    pub file: Option<String>,
    /// Its line in the file, from 1.
    pub line: Option<u32>,
    /// Sixteen hexadecimal digits of its family: what stays the same when it moves to another line.
    pub family: String,
    /// Its text.
    pub query: String,
    /// The verdict.
    pub verdict: CheckVerdict,
    /// Why there is no plan; `None` where there is one, and where a finding tells.
    pub reason: Option<String>,
    /// What would make it possible.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
    /// The findings that a comment lets pass.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allowed: Vec<AllowedFinding>,
    /// Its plan without costs: a node a line, what is below another one indented.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub plan: Vec<String>,
}

/// What became of a statement that was checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CheckVerdict {
    /// No finding at or above `--fail-on`.
    Passed,
    /// Such a finding.
    Failed,
    /// No plan.
    NotPlanned,
}

/// A finding that a comment lets pass.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct AllowedFinding {
    /// The finding's id.
    pub id: String,
    /// The reason that the comment gives.
    pub reason: String,
    /// The last day on which it counts.
    pub until: Option<String>,
}

/// A plan, as the capture has it, and its statement's text.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ReportPlan {
    /// The planned text; `None` where a saved plan does not say.
    pub query: Option<String>,
    /// How long its executions took, where there were several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runs: Option<Runs>,
    /// The plan, with what it was got by.
    #[serde(flatten)]
    pub record: PlanRecord,
}

/// How long several executions took. The first may have found a cold cache, so it is left out of the others' figures.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct Runs {
    /// Executions, the first included.
    pub count: usize,
    /// The first.
    pub first_ms: Millis,
    /// The fastest of the others.
    pub min_ms: Millis,
    /// Their median.
    pub p50_ms: Millis,
    /// Their 95th percentile: the value of the nearest rank.
    pub p95_ms: Millis,
    /// The slowest of them.
    pub max_ms: Millis,
}

impl Runs {
    /// The figures of execution times in their order; `None` for less than two.
    pub fn of(times: &[Millis]) -> Option<Self> {
        let (first, others) = times.split_first()?;
        let mut others = others.to_vec();
        others.sort_by(|one, other| one.get().total_cmp(&other.get()));
        // The smallest value that so many of a hundred are not above.
        let rank = |percent: usize| {
            others
                .get((others.len() * percent).div_ceil(100).max(1) - 1)
                .copied()
        };
        Some(Self {
            count: times.len(),
            first_ms: *first,
            min_ms: *others.first()?,
            p50_ms: rank(50)?,
            p95_ms: rank(95)?,
            max_ms: *others.last()?,
        })
    }
}

/// What became of a probe.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Probe {
    /// The outcome.
    pub status: ProbeStatus,
    /// Why it was not executed; `None` where it was.
    pub reason: Option<String>,
    /// What would make it possible.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

/// Who could not look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Looker {
    /// A check.
    Check(CheckId),
    /// The probe of one statement; `None` of one without an id.
    Probe(Option<QueryId>),
    /// Probes as such.
    Probes,
}

impl Looker {
    /// The check's id, or `probe`.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Check(id) => id.as_str(),
            Self::Probe(_) | Self::Probes => "probe",
        }
    }
}

impl Serialize for Looker {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl JsonSchema for Looker {
    fn schema_name() -> Cow<'static, str> {
        String::schema_name()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        String::json_schema(generator)
    }
}

/// Something that could not be looked at.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct Skipped {
    /// Who: a check's id, or `probe`.
    pub check: Looker,
    /// Why.
    pub reason: String,
    /// What would make it possible; `None` where nothing does.
    pub remedy: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_several_runs_is_told_apart() {
        let times: Vec<Millis> = [90.0, 3.0, 1.0, 2.0, 4.0].map(Millis).to_vec();
        let runs = Runs::of(&times).unwrap();
        assert_eq!((runs.count, runs.first_ms), (5, Millis(90.0)));
        assert_eq!((runs.min_ms, runs.p50_ms), (Millis(1.0), Millis(2.0)));
        assert_eq!((runs.p95_ms, runs.max_ms), (Millis(4.0), Millis(4.0)));
        let hundred: Vec<Millis> = (0..=100).map(|n| Millis(f64::from(n))).collect();
        let runs = Runs::of(&hundred).unwrap();
        assert_eq!((runs.p50_ms, runs.p95_ms), (Millis(50.0), Millis(95.0)));
        assert_eq!(Runs::of(&[Millis(1.0)]), None);
    }
}
