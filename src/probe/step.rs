//! One transaction of a probe: guard, EXPLAIN, rollback.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::attempt::Attempt;
use super::explain::{InferredType, Style, Subject};
use super::fault::Fault;
use super::guard::{GuardNames, Hold, TextVerdict, Verdict, Writes, judge, judge_text};
use super::inquiry::{Inquiry, READER_WAITS_FOR, WRITER_WAITS_FOR};
use super::link::Access;
use crate::snapshot::{Execution, ParameterValue};
use crate::sql::mentions::Mentions;
use crate::units::Millis;

/// How long planning may take. Whoever plans longer is a finding of its own; the probe gives up.
pub(super) const PLAN_TIMEOUT: Duration = Duration::from_secs(5);

/// What is asked of a step; the guard may allow less.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wanted {
    Analyze,
    /// And why not more.
    Plan(Option<Hold>),
    Generic(Hold),
}

/// What the guard has said of texts. A verdict that is taken out is put back unless it proved wrong.
#[derive(Debug, Default)]
pub(super) struct Verdicts(Mutex<BTreeMap<(String, Access), Verdict>>);

impl Verdicts {
    fn all(&self) -> MutexGuard<'_, BTreeMap<(String, Access), Verdict>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, text: &str, access: Access) -> Option<Verdict> {
        self.all().remove(&(text.to_owned(), access))
    }

    fn keep(&self, text: &str, access: Access, verdict: Verdict) {
        self.all().insert((text.to_owned(), access), verdict);
    }
}

/// Faults of execution that planning does not have.
fn degrades(fault: &Fault) -> bool {
    fault.is_timeout() || fault.is_read_only() || fault.is_lock_timeout()
}

/// One plan, or why there is none.
pub(super) enum Step {
    Plan {
        plan: serde_json::Value,
        elapsed: Duration,
        execution: Execution,
        hold: Option<Hold>,
        /// The time of each execution, where there were several.
        runs: Vec<Millis>,
        /// The time of each planning after it, where the first took long beside the execution.
        planned_again: Vec<Millis>,
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
        match self.patient(text, values, &wanted).await {
            Err(fault) if wanted == Wanted::Analyze && degrades(&fault) => {
                let hold = Hold {
                    reason: format!("execution stopped: {fault}; planned instead"),
                    remedy: self.context.stopped(&fault).remedy,
                };
                let instead = Wanted::Plan(Some(hold));
                self.patient(text, values, &instead).await
            }
            done => done,
        }
    }

    async fn patient(
        &self,
        text: &str,
        values: &[ParameterValue],
        wanted: &Wanted,
    ) -> Result<Step, Fault> {
        let mut patience = self.context.session.patience();
        loop {
            let done = self.once(text, values, wanted).await;
            if !patience.again(done.as_ref().err()).await? {
                return done;
            }
        }
    }

    pub(super) async fn once(
        &self,
        text: &str,
        values: &[ParameterValue],
        wanted: &Wanted,
    ) -> Result<Step, Fault> {
        let session = self.context.session;
        let inquiry = self.inquiry(text, wanted);
        let verdict = self.begin(text, &inquiry).await?;
        let (style, hold) = match (verdict.clone(), wanted) {
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
            inquiry: &inquiry,
            settings: self.context.settings,
        };
        let explained = session.explain(subject, style, values, limit).await;
        let ended = session.end().await;
        if !matches!(explained, Err(Fault::Changed)) {
            self.verdicts.keep(text, inquiry.access, verdict);
        }
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
            runs: Vec::new(),
            planned_again: Vec::new(),
        })
    }

    /// What to ask the guard: the statement may write only if its text does and it shall be executed.
    pub(super) fn inquiry(&self, text: &str, wanted: &Wanted) -> Inquiry<'_> {
        let mentions = Mentions::of(text);
        let modifies = matches!(judge_text(&mentions), TextVerdict::Modifies(_));
        let writes = self.context.options.writes;
        let executed = writes != Writes::Planned;
        Inquiry {
            names: GuardNames::of(&mentions),
            schemas: self.path,
            trusted: &self.context.options.trust_owners,
            access: if modifies && executed && *wanted == Wanted::Analyze {
                Access::Write
            } else {
                Access::Read
            },
            writes,
            waits_for: if modifies {
                WRITER_WAITS_FOR
            } else {
                READER_WAITS_FOR
            },
        }
    }

    /// Opens a transaction and says what may be done in it. What was said of the same text before holds until the
    /// question that goes along with every request to the server is answered otherwise.
    pub(super) async fn begin(&self, text: &str, inquiry: &Inquiry<'_>) -> Result<Verdict, Fault> {
        let session = self.context.session;
        if let Some(verdict) = self.verdicts.take(text, inquiry.access) {
            session.begin(inquiry.access).await?;
            return Ok(verdict);
        }
        match session.begin_guarded(inquiry).await {
            Ok(objections) => {
                let judged = judge_text(&Mentions::of(text));
                Ok(judge(judged, &objections, self.context.options.writes))
            }
            Err(fault) => {
                if !fault.is_lost() {
                    session.end().await?;
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
        let mut patience = self.context.session.patience();
        loop {
            let done = self.types_once(text).await;
            if !patience.again(done.as_ref().err()).await? {
                return done;
            }
        }
    }

    async fn types_once(&self, text: &str) -> Result<Result<Vec<InferredType>, Hold>, Fault> {
        let session = self.context.session;
        let inquiry = self.inquiry(text, &Wanted::Plan(None));
        let verdict = self.begin(text, &inquiry).await?;
        if let Verdict::Refuse(hold) = verdict {
            session.end().await?;
            return Ok(Err(hold));
        }
        let subject = Subject {
            text,
            inquiry: &inquiry,
            settings: self.context.settings,
        };
        let types = session.infer_types(subject, PLAN_TIMEOUT).await;
        let ended = session.end().await;
        if !matches!(types, Err(Fault::Changed)) {
            self.verdicts.keep(text, inquiry.access, verdict);
        }
        let types = types?;
        ended?;
        Ok(Ok(types))
    }
}
