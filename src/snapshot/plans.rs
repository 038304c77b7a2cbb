//! What the probes found: each statement's outcome, and the plans.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Snapshot, Statement};
use crate::ids::StatementKey;
use crate::units::{Millis, float, ratio};

/// What became of a statement that was to be probed.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum ProbeStatus {
    /// Executed under EXPLAIN (ANALYZE).
    Analyzed,
    /// Planned under EXPLAIN, not executed; the reason says why not.
    Planned,
    /// Not given to the server at all, for safety; the reason names the object.
    Refused,
    /// The server gave an error or a timeout; the reason is its message.
    Failed,
    /// Not tried: probing was off, or the budget or `--top` ended before it.
    NotProbed,
}

/// The outcome for one statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProbeOutcome {
    /// Which statement.
    pub key: StatementKey,
    /// What became of it.
    pub status: ProbeStatus,
    /// Why it was not executed: a clause in lower case. Of an executed one, what may make its plan differ from the
    /// application's (row-level security); mostly `None`.
    #[serde(default)]
    pub reason: Option<String>,
    /// What would make it possible, such as `--trust-owner app` or a GRANT.
    #[serde(default)]
    pub remedy: Option<String>,
    /// Where the server rejected the text: the reason is its message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejection: Option<Rejection>,
}

/// What the server says of a text that it rejects, beside its message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Rejection {
    /// The error's code.
    pub sqlstate: String,
    /// The line of the text that the error is in, from 1; `None` where the server does not say.
    pub line: Option<u32>,
    /// The parameter that the error is at, or the last part of the name; `None` for whatever else stands there.
    #[serde(default)]
    pub word: Option<String>,
    /// The server's own hint.
    pub hint: Option<String>,
}

/// Which values the parameters had.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum ParameterVariant {
    /// The text has no parameters.
    None,
    /// No values: the generic plan.
    Generic,
    /// Typical values: the middle of the histogram.
    Typical,
    /// The most common values.
    MostCommon,
    /// Rare values.
    Rare,
    /// Values that the user gave.
    Given,
}

/// Whether the plan was run.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Execution {
    /// EXPLAIN (ANALYZE).
    Analyzed,
    /// EXPLAIN.
    Planned,
}

/// Which text the plan is of.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum PlannedText {
    /// The statement as it stands.
    AsWritten,
    /// The statement, rewritten because normalisation had left text that no longer parses or types.
    Repaired,
    /// The SELECT with the same FROM and WHERE, because the role may not write or lock.
    EquivalentSelect,
}

/// How free the planner was in its choice of scans.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Scans {
    /// As the role's settings have it.
    #[default]
    AsSet,
    /// With `enable_seqscan = off`, and joined row by row: what is read whole all the same, no index serves.
    ByIndex,
}

impl Scans {
    /// Whether the role's settings decided.
    pub const fn are_as_set(&self) -> bool {
        matches!(self, Self::AsSet)
    }
}

/// A parameter's value in a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ParameterValue {
    /// The number: 1 for `$1`.
    pub number: u32,
    /// The type that the server gave it.
    pub type_name: String,
    /// The value in text form (a token once redacted); `None` for NULL or for a generic plan.
    pub value: Option<String>,
    /// Where the value comes from, such as `most common value of public.orders.status`.
    pub origin: String,
    /// Whether it was seen in the target, as opposed to one that does for its type or its place anywhere.
    #[serde(default = "observed")]
    pub observed: bool,
}

const fn observed() -> bool {
    true
}

/// One plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PlanRecord {
    /// Of which statement.
    pub key: StatementKey,
    /// With which parameters.
    pub variant: ParameterVariant,
    /// Run or only planned.
    pub execution: Execution,
    /// Of which text.
    pub planned_text: PlannedText,
    /// With which scans.
    #[serde(default, skip_serializing_if = "Scans::are_as_set")]
    pub scans: Scans,
    /// The text itself, where it is not the statement's own.
    #[serde(default)]
    pub text: Option<String>,
    /// The parameters' values.
    #[serde(default)]
    pub parameters: Vec<ParameterValue>,
    /// Wall time of the round trip, seen by the client.
    #[serde(default)]
    pub round_trip_ms: Option<Millis>,
    /// `Execution Time` of each execution in their order, where there were several; the plan is of one of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub runs_ms: Vec<Millis>,
    /// `Planning Time` of the statement planned anew, where planning took long beside the execution: one measurement of
    /// it may have waited for the machine or read catalogs for the first time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub planned_again_ms: Vec<Millis>,
    /// The element of EXPLAIN (FORMAT JSON)'s array: `{"Plan": …, "Planning Time": …}`.
    pub plan: serde_json::Value,
}

/// How badly a plan that took `time` tells of calls that took `mean`: the logarithm of the factor between them.
/// Infinite where one of them is unknown.
pub fn off_mean(time: Option<Millis>, mean: Option<Millis>) -> f64 {
    let factor = time
        .zip(mean)
        .and_then(|(time, mean)| ratio(time.get(), mean.get()));
    match factor {
        Some(factor) if factor > 0.0 => factor.ln().abs(),
        _ => f64::INFINITY,
    }
}

impl Snapshot {
    /// The plan that tells most of a statement's calls: of those that were executed, the one whose time is nearest to
    /// the calls' mean, because plans of other parameter values may be quite different.
    pub fn plan_of(&self, statement: &Statement) -> Option<&PlanRecord> {
        let counters = &statement.counters;
        let mean = ratio(counters.total_exec_time_ms.get(), float(counters.calls)).map(Millis);
        let plans = self.plans.iter().filter(|plan| plan.key == statement.key);
        plans.min_by(|one, other| {
            let time = |plan: &PlanRecord| plan.plan.get("Execution Time")?.as_f64().map(Millis);
            off_mean(time(one), mean).total_cmp(&off_mean(time(other), mean))
        })
    }
}
