//! Several executions with the same values: how far their times spread, and the plan of a middling one.

use tokio::time::Instant;

use super::attempt::Attempt;
use super::fault::Fault;
use super::step::{Step, Wanted};
use crate::checks::planning_dominant::dominates;
use crate::snapshot::{Execution, ParameterValue};
use crate::units::Millis;

/// How often a statement is planned anew whose planning took long.
const PLANNED_AGAIN: u32 = 2;

impl Attempt<'_> {
    /// As [`Attempt::step`], as often as the user asked and the budget allows. The plan is the one whose time is the
    /// median of all but the first, which may have found a cold cache.
    pub(super) async fn runs(
        &self,
        text: &str,
        values: &[ParameterValue],
        wanted: Wanted,
    ) -> Result<Step, Fault> {
        let first = self.step(text, values, wanted).await?;
        let Some(time) = time(&first) else {
            return Ok(first);
        };
        let mut done = vec![(time, first)];
        for _ in 1..self.context.options.runs {
            if Instant::now() >= self.context.budget_end {
                break;
            }
            match self.once(text, values, &Wanted::Analyze).await {
                Err(fault) if fault.is_lost() => return Err(fault),
                Err(_) => break,
                Ok(step) => match self::time(&step) {
                    Some(time) => done.push((time, step)),
                    None => break,
                },
            }
        }
        let mut step = median(done);
        self.plan_again(text, values, &mut step).await?;
        Ok(step)
    }

    /// Plans a statement anew whose planning took long beside its execution: once might be the machine's doing.
    async fn plan_again(
        &self,
        text: &str,
        values: &[ParameterValue],
        step: &mut Step,
    ) -> Result<(), Fault> {
        let Step::Plan {
            plan,
            planned_again,
            ..
        } = step
        else {
            return Ok(());
        };
        let times = millis(plan, "Planning Time").zip(millis(plan, "Execution Time"));
        let thresholds = &self.context.options.thresholds;
        let long = |(planning, execution)| dominates(thresholds, planning, execution);
        if !times.is_some_and(long) {
            return Ok(());
        }
        for _ in 0..PLANNED_AGAIN {
            match self.once(text, values, &Wanted::Plan(None)).await {
                Err(fault) if fault.is_lost() => return Err(fault),
                Ok(Step::Plan { plan, .. }) => {
                    planned_again.extend(millis(&plan, "Planning Time"));
                }
                Ok(Step::Refused(_)) | Err(_) => break,
            }
        }
        Ok(())
    }
}

/// `Execution Time`; `None` for what was not executed.
fn time(step: &Step) -> Option<Millis> {
    match step {
        Step::Plan {
            plan,
            execution: Execution::Analyzed,
            ..
        } => millis(plan, "Execution Time"),
        _ => None,
    }
}

fn millis(plan: &serde_json::Value, key: &str) -> Option<Millis> {
    plan.get(key)?.as_f64().map(Millis)
}

fn median(mut done: Vec<(Millis, Step)>) -> Step {
    let times: Vec<Millis> = done.iter().map(|(time, _)| *time).collect();
    let several = times.len() > 1;
    let mut order: Vec<usize> = (usize::from(several)..times.len()).collect();
    order.sort_by(|one, other| {
        let at = |place: &usize| times.get(*place).map_or(0.0, |time| time.get());
        at(one).total_cmp(&at(other))
    });
    let middle = order
        .get((order.len().max(1) - 1) / 2)
        .copied()
        .unwrap_or(0);
    let (_, mut step) = done.swap_remove(middle);
    if let (Step::Plan { runs, .. }, true) = (&mut step, several) {
        *runs = times;
    }
    step
}
