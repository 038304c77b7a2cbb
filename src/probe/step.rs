//! One transaction of a probe: guard, EXPLAIN, rollback.

use std::time::Duration;

use tokio::time::Instant;

use super::attempt::Attempt;
use super::explain::{InferredType, Style, Subject};
use super::fault::Fault;
use super::guard::{GuardNames, Hold, TextVerdict, Verdict, Writes, judge, judge_text};
use super::link::Access;
use crate::snapshot::{Execution, ParameterValue};
use crate::sql::mentions::Mentions;

/// How long planning may take. Whoever plans longer is a finding of its own; the probe gives up.
const PLAN_TIMEOUT: Duration = Duration::from_secs(5);

/// What is asked of a step; the guard may allow less.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wanted {
    Analyze,
    /// And why not more.
    Plan(Option<Hold>),
    Generic(Hold),
}

/// Faults of execution that planning does not have.
fn degrades(fault: &Fault) -> bool {
    fault.is_timeout() || fault.is_read_only()
}

/// One plan, or why there is none.
pub(super) enum Step {
    Plan {
        plan: serde_json::Value,
        elapsed: Duration,
        execution: Execution,
        hold: Option<Hold>,
    },
    Refused(Hold),
}

impl Attempt<'_> {
    /// One transaction: guard, EXPLAIN, rollback. Execution that runs out of time becomes a plan.
    pub(super) async fn step(
        &self,
        text: &str,
        values: &[ParameterValue],
        wanted: Wanted,
    ) -> Result<Step, Fault> {
        match self.once(text, values, &wanted).await {
            Err(fault) if wanted == Wanted::Analyze && degrades(&fault) => {
                let hold = Hold {
                    reason: format!("execution stopped: {fault}; planned instead"),
                    remedy: self.context.failure(&fault).remedy,
                };
                self.once(text, values, &Wanted::Plan(Some(hold))).await
            }
            done => done,
        }
    }

    pub(super) async fn once(
        &self,
        text: &str,
        values: &[ParameterValue],
        wanted: &Wanted,
    ) -> Result<Step, Fault> {
        let session = self.context.session;
        let verdict = self.begin(text, wanted).await?;
        let (style, hold) = match (verdict, wanted) {
            (Verdict::Refuse(hold), _) => {
                session.end().await?;
                return Ok(Step::Refused(hold));
            }
            (Verdict::PlanOnly(hold), Wanted::Generic(_)) => (Style::Generic, Some(hold)),
            (Verdict::Run, Wanted::Generic(hold)) => (Style::Generic, Some(hold.clone())),
            (Verdict::PlanOnly(hold), _) => (Style::Plan, Some(hold)),
            (Verdict::Run, Wanted::Plan(hold)) => (Style::Plan, hold.clone()),
            (Verdict::Run, Wanted::Analyze) => (Style::Analyze, None),
        };
        let limit = match style {
            Style::Analyze => self.run_limit(),
            Style::Plan | Style::Generic => PLAN_TIMEOUT,
        };
        let subject = Subject {
            text,
            schemas: self.path,
            settings: self.context.settings,
        };
        let explained = session.explain(subject, style, values, limit).await;
        let ended = session.end().await;
        let (plan, elapsed) = explained?;
        ended?;
        Ok(Step::Plan {
            plan,
            elapsed,
            execution: match style {
                Style::Analyze => Execution::Analyzed,
                Style::Plan | Style::Generic => Execution::Planned,
            },
            hold,
        })
    }

    /// Opens a guarded transaction that may write only if the text writes and shall be executed.
    pub(super) async fn begin(&self, text: &str, wanted: &Wanted) -> Result<Verdict, Fault> {
        let mentions = Mentions::of(text);
        let judged = judge_text(&mentions);
        let writes = self.context.options.writes;
        let modifies = matches!(judged, TextVerdict::Modifies(_));
        let access = if modifies && writes != Writes::Planned && *wanted == Wanted::Analyze {
            Access::Write
        } else {
            Access::Read
        };
        let objections = self
            .context
            .session
            .begin_guarded(
                access,
                &GuardNames::of(&mentions),
                self.path,
                &self.context.options.trust_owners,
            )
            .await;
        match objections {
            Ok(objections) => Ok(judge(judged, &objections, writes)),
            Err(fault) => {
                if !fault.is_lost() {
                    self.context.session.end().await?;
                }
                Err(fault)
            }
        }
    }

    pub(super) fn run_limit(&self) -> Duration {
        let left = self
            .context
            .budget_end
            .saturating_duration_since(Instant::now());
        self.context.options.timeout.min(left)
    }

    /// The types of the parameters, or why the text may not even be parsed.
    pub(super) async fn types(&self, text: &str) -> Result<Result<Vec<InferredType>, Hold>, Fault> {
        let session = self.context.session;
        if let Verdict::Refuse(hold) = self.begin(text, &Wanted::Plan(None)).await? {
            session.end().await?;
            return Ok(Err(hold));
        }
        let subject = Subject {
            text,
            schemas: self.path,
            settings: self.context.settings,
        };
        let types = session.infer_types(subject, PLAN_TIMEOUT).await;
        let ended = session.end().await;
        let types = types?;
        ended?;
        Ok(Ok(types))
    }
}
