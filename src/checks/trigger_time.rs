//! `trigger_time`: a statement spends its time in triggers.

use super::support::{Seen, Words, advice};
use super::{
    Case, CasePlan, Category, Check, CheckMeta, Proposal, TableRef, Threshold,
    unindexed_foreign_key, with_columns,
};
use crate::finding::{Action, CheckId, Evidence, Formula, Location, Recommendation, Unit};
use crate::format;
use crate::plan::Trigger;
use crate::snapshot::{Area, ForeignKey};
use crate::units::{Millis, float, ratio};

static MIN_TIME: Threshold<Millis> = Threshold {
    key: "trigger_time.min_time_ms",
    default: Millis(50.0),
    unit: Unit::Ms,
    what: "time in triggers",
};

static MIN_SHARE: Threshold<f64> = Threshold {
    key: "trigger_time.min_share",
    default: 0.50,
    unit: Unit::Ratio,
    what: "share of the execution time",
};

static META: CheckMeta = CheckMeta {
    id: CheckId::new("trigger_time"),
    title: "slow triggers",
    summary: "triggers take 50 ms or more, and half of the execution time",
    category: Category::Plan,
    needs: &[Area::Plans],
    thresholds: &[&MIN_TIME, &MIN_SHARE],
    page: include_str!("trigger_time.md"),
};

/// The check.
#[derive(Debug)]
pub struct TriggerTime;

impl Check for TriggerTime {
    fn meta(&self) -> &'static CheckMeta {
        &META
    }

    fn run(&self, case: &Case<'_>, found: &mut Vec<Proposal>) {
        found.extend(case.plans.iter().filter_map(|plan| propose(case, plan)));
    }
}

fn propose(case: &Case<'_>, plan: &CasePlan<'_>) -> Option<Proposal> {
    let execution = plan.plan.execution_time?;
    let timed = plan.plan.triggers.iter().enumerate();
    let (place, slowest) =
        timed.max_by(|(_, one), (_, other)| time(one).total_cmp(&time(other)))?;
    let all: f64 = plan.plan.triggers.iter().map(time).sum();
    let share = ratio(all, execution.get())?;
    if all < MIN_TIME.of(case).get() || share < MIN_SHARE.of(case) {
        return None;
    }
    let pointer = |rest: &str| format!("/plans/{}/plan/{rest}", plan.place);
    let ms = |label: &str, value: f64, rest: &str| {
        Evidence::read(label, value, Unit::Ms, plan.source(), pointer(rest))
    };
    let every = pointer("Triggers/*/Time");
    let formula = Formula::sum([every.as_str()]);
    let name = slowest.constraint.as_ref().unwrap_or(&slowest.name);
    let calls = Evidence::read(
        format!("calls of {name}"),
        float(slowest.calls),
        Unit::Calls,
        plan.source(),
        pointer(&format!("Triggers/{place}/Calls")),
    );
    let reason = Reason::of(case, slowest);
    let seen = Seen {
        title: format!(
            "slow triggers: {} of the time, most of it in {name},",
            format::percent(share)
        ),
        proof: Evidence::computed("time in triggers", all, Unit::Ms, plan.source(), formula),
        others: vec![
            ms("execution time", execution.get(), "Execution Time"),
            ms(
                &format!("time in {name}"),
                time(slowest),
                &format!("Triggers/{place}/Time"),
            ),
            calls,
        ],
        advice: reason.advice(name),
        share,
        causes: Vec::new(),
        at_most: None,
    };
    let mut proposal = seen.proposal(case, plan, plan.plan.root());
    let place = Location {
        table: reason.table(slowest),
        columns: reason.columns(),
        ..proposal.draft.location().clone()
    };
    proposal.draft = proposal.draft.at(place);
    Some(proposal)
}

fn time(trigger: &Trigger) -> f64 {
    trigger.time.map_or(0.0, Millis::get)
}

/// Why a trigger is slow.
enum Reason<'a> {
    /// It looks for rows that refer to a deleted or changed one, and no index finds them.
    Unindexed {
        key: &'a ForeignKey,
        table: TableRef<'a>,
    },
    /// It enforces a constraint.
    Constraint,
    /// It runs a function.
    Function,
}

impl<'a> Reason<'a> {
    fn of(case: &Case<'a>, trigger: &Trigger) -> Self {
        let Some(constraint) = &trigger.constraint else {
            return Self::Function;
        };
        let mut keys = case.snapshot.foreign_keys.iter();
        let referenced = |key: &&ForeignKey| {
            let table = case.catalog.by_oid(key.referenced_table);
            let name = table.map(|table| table.table.name.name.as_str());
            key.name == *constraint && name == trigger.relation.as_deref()
        };
        let unindexed = keys.find(referenced).and_then(|key| {
            let table = case.catalog.by_oid(key.table)?;
            let indexed = unindexed_foreign_key::is_indexed(case, table, key);
            (!indexed).then_some(Self::Unindexed { key, table })
        });
        unindexed.unwrap_or(Self::Constraint)
    }

    fn table(&self, trigger: &Trigger) -> Option<String> {
        match self {
            Self::Unindexed { table, .. } => Some(table.table.name.to_string()),
            _ => trigger.relation.clone(),
        }
    }

    fn columns(&self) -> Vec<String> {
        match self {
            Self::Unindexed { key, .. } => key.columns.clone(),
            _ => Vec::new(),
        }
    }

    fn advice(&self, name: &str) -> Recommendation {
        match self {
            Self::Unindexed { key, table } => {
                let summary = format!(
                    "index {}: {name} searches the whole table for each row that is deleted or changed",
                    with_columns(&table.table.name.to_string(), &key.columns)
                );
                let words = Words {
                    summary: &summary,
                    expected: "each check becomes a look-up",
                    risk: "every write of the table keeps one more index",
                };
                advice(Action::CreateIndex, words)
            }
            Self::Constraint => {
                let summary = format!(
                    "index the referencing columns of {name} where no index begins with them; else write fewer rows a statement"
                );
                let words = Words {
                    summary: &summary,
                    expected: "each check of the constraint becomes a look-up",
                    risk: "every write of the referencing table keeps one more index",
                };
                advice(Action::Investigate, words)
            }
            Self::Function => {
                let summary = format!(
                    "look into the function of {name}: do its work once a statement (FOR EACH STATEMENT with transition tables), or later in a queue"
                );
                let words = Words {
                    summary: &summary,
                    expected: "the time of the trigger, in part or in full",
                    risk: "what the trigger keeps consistent becomes so a moment later",
                };
                advice(Action::ChangeApplication, words)
            }
        }
    }
}
