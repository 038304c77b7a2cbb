//! What is claimed, on what evidence, and what is advised. Types only; the checks fill them.
//!
//! A finding cannot be built without evidence: [`Draft::new`] demands the [`Evidence`] that proves it and the
//! [`Recommendation`] that answers it, and its fields are private. The engine stamps id, severity and confidence.
//!
//! ```compile_fail
//! use pgtriage::finding::Draft;
//! let unproven = Draft { evidence: Vec::new(), ..Draft::default() };
//! ```

mod caveat;
mod evidence;
mod formula;
mod recommendation;
mod report;
mod term;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use caveat::Caveat;
pub use evidence::{Evidence, Source, Unit};
pub use formula::{Formula, FormulaError};
pub use recommendation::{Action, Expected, Recommendation, Risk};
pub use report::{
    AllowedFinding, BaselineMetrics, CheckVerdict, CheckedStatement, EstimateBasis, Estimated,
    LogInfo, LogLimit, Looker, Probe, Report, ReportPlan, ReportStatement, Runs, SCHEMA_VERSION,
    Skipped, Status, Target, ToolInfo, WindowInfo,
};
pub use term::Term;

pub use crate::snapshot::delta::WindowKind;
pub use crate::snapshot::{Excerpt, ExcerptLine, Series};

use crate::ids::QueryId;
use crate::units::Millis;

/// How much a finding matters, by its share of the window's execution time.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth knowing; nothing to mend.
    Info,
    /// Below 2 %.
    Low,
    /// 2 % and more.
    Medium,
    /// 10 % and more.
    High,
    /// 25 % and more.
    Critical,
}

/// What a finding's proof stands on, the weakest first.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    /// Concluded from statistics or by a formula.
    Inferred,
    /// Counters of the server.
    Counted,
    /// The planner's answer, with a hypothetical index or without.
    Planned,
    /// Executed.
    Measured,
}

/// Where it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Location {
    /// The table, as `schema.name`.
    pub table: Option<String>,
    /// Columns of it.
    pub columns: Vec<String>,
    /// The statements.
    pub queryids: Vec<QueryId>,
    /// The text of the first.
    pub query: Option<String>,
    /// The plan node, such as `Seq Scan on orders`.
    pub node: Option<String>,
    /// The `.sql` file, where statements come from files.
    pub file: Option<String>,
    /// The line in it, from 1.
    pub line: Option<u32>,
    /// The name of the statement, where statements have names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statement: Option<String>,
}

/// What it costs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Impact {
    /// In one clause, such as `92,011 calls, 19.4 ms each`.
    pub text: String,
    /// Execution time at stake in the window; `None` without counters.
    pub time_ms: Option<Millis>,
    /// That time as a share of the window's execution time, 0..1; `None` without counters.
    pub share: Option<f64>,
    /// Calls in the window; `None` without counters.
    pub calls: Option<i64>,
}

/// What a finding is about: the part of its id after the check's id. Stable between runs, so it
/// holds names only, no measured number and no queryid.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Subject(String);

impl Subject {
    /// A subject from a stable name, such as `public.orders(customer_id)` or a family's label.
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Another finding that a check knows to be the reason of its own, whether or not it is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// The check that finds it.
    pub check: CheckId,
    /// What it is about.
    pub subject: Subject,
}

/// How the engine weighs a finding's severity.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Weight {
    /// By the share of the window's execution time in [`Impact::share`].
    Workload,
    /// By a share of the plan or statement, 0..1, where there is no workload to weigh it.
    Plan(f64),
    /// As [`Weight::Workload`], but never above this.
    AtMost(Severity),
    /// By what it is, where nothing tells how large the tables are that it will meet.
    Exactly(Severity),
}

/// A finding as a check proposes it: a subject, proof, advice. The engine makes a [`Finding`] of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    subject: Subject,
    title: String,
    location: Location,
    impact: Impact,
    evidence: Vec<Evidence>,
    excerpts: Vec<Excerpt>,
    recommendation: Recommendation,
    weight: Weight,
    confidence: Confidence,
    causes: Vec<Cause>,
}

impl Draft {
    /// A finding about `subject`, proven by `proof` (whose source decides the confidence), answered by `advice`.
    pub fn new(
        subject: Subject,
        title: impl Into<String>,
        proof: Evidence,
        advice: Recommendation,
    ) -> Self {
        Self {
            subject,
            title: title.into(),
            location: Location::default(),
            impact: Impact::default(),
            confidence: proof.source.confidence(),
            evidence: vec![proof],
            excerpts: Vec::new(),
            recommendation: advice,
            weight: Weight::Workload,
            causes: Vec::new(),
        }
    }

    /// Adds evidence beside the proof.
    #[must_use]
    pub fn with(mut self, evidence: Evidence) -> Self {
        self.evidence.push(evidence);
        self
    }

    /// Adds all of these beside the proof.
    #[must_use]
    pub fn with_all(mut self, evidence: impl IntoIterator<Item = Evidence>) -> Self {
        self.evidence.extend(evidence);
        self
    }

    /// Puts a further proof before what is there; the stronger of both decides the confidence.
    #[must_use]
    pub fn proven_by(mut self, proofs: impl IntoIterator<Item = Evidence>) -> Self {
        let proofs: Vec<Evidence> = proofs.into_iter().collect();
        let strongest = proofs.iter().map(|proof| proof.source.confidence()).max();
        self.confidence = strongest.map_or(self.confidence, |other| other.max(self.confidence));
        self.evidence.splice(0..0, proofs);
        self
    }

    /// Shows places of a log.
    #[must_use]
    pub fn showing(mut self, excerpts: Vec<Excerpt>) -> Self {
        self.excerpts = excerpts;
        self
    }

    /// Puts evidence before the proof, where a reader expects it first: what is, before what would be.
    #[must_use]
    pub fn after(mut self, evidence: Evidence) -> Self {
        self.evidence.insert(0, evidence);
        self
    }

    /// Says where it is.
    #[must_use]
    pub fn at(mut self, location: Location) -> Self {
        self.location = location;
        self
    }

    /// Says what it costs.
    #[must_use]
    pub fn costing(mut self, impact: Impact) -> Self {
        self.impact = impact;
        self
    }

    /// Says which findings explain it where they are found, the likeliest first.
    #[must_use]
    pub fn following(mut self, causes: impl IntoIterator<Item = Cause>) -> Self {
        self.causes.extend(causes);
        self
    }

    /// Says how severity is weighed, where the workload's share is not it.
    #[must_use]
    pub fn weighed(mut self, weight: Weight) -> Self {
        self.weight = weight;
        self
    }

    /// Leaves out the evidence of a source; `None` where that is the proof.
    #[must_use]
    pub fn without(mut self, source: Source) -> Option<Self> {
        self.evidence.retain(|evidence| evidence.source != source);
        let proves = |evidence: &Evidence| evidence.source.confidence() == self.confidence;
        self.evidence.iter().any(proves).then_some(self)
    }

    /// The subject.
    pub fn subject(&self) -> &Subject {
        &self.subject
    }

    /// The impact.
    pub fn impact(&self) -> &Impact {
        &self.impact
    }

    /// The place.
    pub fn location(&self) -> &Location {
        &self.location
    }

    /// The advice.
    pub fn recommendation(&self) -> &Recommendation {
        &self.recommendation
    }

    /// The findings that explain it where they are found.
    pub fn causes(&self) -> &[Cause] {
        &self.causes
    }

    /// How severity is weighed.
    pub fn weight(&self) -> Weight {
        self.weight
    }

    /// The confidence that the proof's source gives.
    pub fn confidence(&self) -> Confidence {
        self.confidence
    }

    /// Takes in another draft of the same subject, about other statements: their places and costs add up, and `text`
    /// says what they cost together. The evidence and the advice stay those of this one.
    pub fn absorb(&mut self, other: &Self, text: String) {
        for queryid in &other.location.queryids {
            if !self.location.queryids.contains(queryid) {
                self.location.queryids.push(*queryid);
            }
        }
        let impact = &mut self.impact;
        impact.time_ms = sum(impact.time_ms, other.impact.time_ms);
        impact.share = sum(impact.share, other.impact.share);
        impact.calls = sum(impact.calls, other.impact.calls);
        impact.text = text;
    }

    /// The finding, stamped.
    pub fn stamp(self, kind: CheckId, severity: Severity) -> Finding {
        let confidence = self.confidence();
        Finding {
            id: format!("{}:{}", kind.as_str(), self.subject.as_str()),
            kind,
            severity,
            confidence,
            title: self.title,
            location: self.location,
            impact: self.impact,
            evidence: self.evidence,
            excerpts: self.excerpts,
            fix: self.recommendation.summary.clone(),
            recommendation: self.recommendation,
            explained_by: None,
            related: Vec::new(),
        }
    }
}

fn sum<T: std::ops::Add<Output = T>>(one: Option<T>, other: Option<T>) -> Option<T> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one + other),
        (one, other) => one.or(other),
    }
}

/// A check's id, `snake_case`; only a check makes one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct CheckId(&'static str);

impl CheckId {
    /// An id; for the check itself.
    pub(crate) const fn new(id: &'static str) -> Self {
        Self(id)
    }

    /// The id.
    pub const fn as_str(self) -> &'static str {
        self.0
    }
}

impl std::fmt::Display for CheckId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

/// A bottleneck, proven and answered.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Finding {
    /// Stable between runs: the check's id, a colon, and the subject.
    pub id: String,
    /// The check.
    #[serde(rename = "type")]
    pub kind: CheckId,
    /// How much it matters.
    pub severity: Severity,
    /// What its proof stands on.
    pub confidence: Confidence,
    /// In one line.
    pub title: String,
    /// Where it is.
    pub location: Location,
    /// What it costs.
    pub impact: Impact,
    /// The numbers that prove it, in a reader's order.
    pub evidence: Vec<Evidence>,
    /// Places of a log that show it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub excerpts: Vec<Excerpt>,
    /// The advice in one line.
    pub fix: String,
    /// The advice in full.
    pub recommendation: Recommendation,
    /// The id of the finding whose advice mends this one, too; its time is part of that one's.
    pub explained_by: Option<String>,
    /// The ids of other findings about the same statements.
    pub related: Vec<String>,
}
