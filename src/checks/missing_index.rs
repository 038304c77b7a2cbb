//! `missing_index`: an index that does not exist would make the workload cheaper than it makes writes dearer.

use super::support::{MEDIUM_SHARE, create_index};
use super::workload::Field;
use super::{Case, Category, Check, CheckMeta, Depth, Proposal, TableRef, Unseen, with_columns};
use crate::advisor::{Advised, Helped, MIN_ROWS, MIN_SAVED, Proof};
use crate::finding::{
    CheckId, Draft, Evidence, Expected, Impact, Location, Source, Subject, Unit, Weight,
};
use crate::format;
use crate::plan::ConditionKind;
use crate::snapshot::{Area, WhatIf, WhatIfBasis};
use crate::units::{Cost, Millis, float, ratio};

static META: CheckMeta = CheckMeta {
    id: CheckId::new("missing_index"),
    title: "missing index",
    summary: "an index would save 10 % or more of a statement's cost, and more than writes pay for it",
    category: Category::Schema,
    needs: &[
        Area::Statements,
        Area::StatementTexts,
        Area::Tables,
        Area::Indexes,
        Area::ColumnStatistics,
        Area::HypotheticalIndexes,
    ],
    thresholds: &[&MIN_SAVED, &MIN_ROWS],
    page: include_str!("missing_index.md"),
};

/// The check.
#[derive(Debug)]
pub struct MissingIndex;

impl Check for MissingIndex {
    fn meta(&self) -> &'static CheckMeta {
        &META
    }

    fn depth(&self) -> Depth {
        Depth::Index
    }

    fn run(&self, case: &Case<'_>, found: &mut Vec<Proposal>) {
        let indexes = case.advice().indexes.iter();
        found.extend(indexes.filter_map(|advised| propose(case, advised)));
    }

    fn unseen(&self, case: &Case<'_>) -> Vec<Unseen> {
        let refusals = case.advice().refusals.iter();
        let told = refusals.filter(|refusal| {
            let families = case.workload.families();
            let time: Millis = refusal
                .families
                .iter()
                .filter_map(|family| families.get(*family))
                .map(super::workload::Family::time)
                .sum();
            let share = case.workload.share(time).unwrap_or_default();
            refusal.reason.is_told() && share >= MEDIUM_SHARE.of(case)
        });
        told.map(|refusal| Unseen {
            reason: refusal.to_string(),
            remedy: refusal.reason.remedy(&refusal.table),
            limits: refusal.reason.limits(),
        })
        .collect()
    }
}

fn propose(case: &Case<'_>, advised: &Advised) -> Option<Proposal> {
    let blueprint = &advised.blueprint;
    let table = case.catalog.at(blueprint.table)?;
    let first = advised.helped.first()?;
    let proof = proof(case, first)?;
    let title = format!(
        "missing index on {} ({})",
        table.table.name,
        blueprint.definition.key_list()
    );
    let subject = with_columns(&table.table.name.to_string(), &blueprint.columns);
    let numbers = proof.times.into_iter().chain(rows(case, first, table));
    let draft = Draft::new(
        Subject::new(subject),
        title,
        proof.with,
        create_index(blueprint, table, expected(case, advised)),
    )
    .after(proof.without)
    .with_all(numbers.chain(counters(case, advised)));
    let helped = advised.helped.iter().map(|helped| helped.family);
    let draft = draft.at(Location {
        table: Some(table.table.name.to_string()),
        columns: blueprint.columns.clone(),
        ..case.location_of(helped)
    });
    let timed = advised.helped.iter().any(|helped| helped.time.get() > 0.0);
    let draft = if timed {
        draft.costing(impact(case, advised))
    } else {
        // Planned only: the cost that it saves is all that is known.
        let impact = Impact {
            text: format!(
                "{} of the plan's cost would be saved",
                format::percent(first.saved)
            ),
            ..Impact::default()
        };
        draft.costing(impact).weighed(Weight::Plan(first.saved))
    };
    Some(Proposal {
        families: advised.helped.iter().map(|helped| helped.family).collect(),
        draft,
    })
}

/// What the gain of the statement that gains most stands on.
struct Gain {
    without: Evidence,
    /// What a claim about the index is worth.
    with: Evidence,
    times: Vec<Evidence>,
}

fn proof(case: &Case<'_>, helped: &Helped) -> Option<Gain> {
    match &helped.proof {
        Proof::Answer(answer) => {
            let mut recorded = case.snapshot.what_if.iter();
            let place = recorded.position(|known| *known == **answer)?;
            Some(answered(answer, place))
        }
        Proof::Formula(estimate) => Some(Gain {
            without: Evidence::computed(
                WITHOUT,
                estimate.before.value,
                Unit::Cost,
                estimate.source,
                estimate.before.formula(),
            ),
            with: Evidence::computed(
                format!("{WITH}, by formula"),
                estimate.after.value,
                Unit::Cost,
                Source::Formula,
                estimate.after.formula(),
            ),
            times: Vec::new(),
        }),
    }
}

const WITHOUT: &str = "planner cost without the index";
const WITH: &str = "planner cost with the index";

fn answered(answer: &WhatIf, place: usize) -> Gain {
    let source = match answer.basis {
        WhatIfBasis::Hypopg => Source::Hypopg,
        WhatIfBasis::Trial => Source::Trial,
        WhatIfBasis::Formula => Source::Formula,
    };
    let read = |label: &str, value: f64, unit: Unit, field: &str| {
        let pointer = format!("/what_if/{place}/{field}");
        Evidence::read(label, value, unit, source, pointer)
    };
    let time = |label: &str, time: Option<Millis>, field: &str| {
        time.map(|time| read(label, time.get(), Unit::Ms, field))
    };
    let cost = |label: &str, cost: Cost, field: &str| read(label, cost.get(), Unit::Cost, field);
    let times = [
        time(
            "execution time without the index",
            answer.before_ms,
            "before_ms",
        ),
        time("execution time with the index", answer.after_ms, "after_ms"),
    ];
    Gain {
        without: cost(WITHOUT, answer.before_cost, "before_cost"),
        with: cost(WITH, answer.after_cost, "after_cost"),
        times: times.into_iter().flatten().collect(),
    }
}

/// Rows that the statement reads of the table and throws away, and those it keeps, from its plan; else blocks a call.
fn rows(case: &Case<'_>, helped: &Helped, table: TableRef<'_>) -> Vec<Evidence> {
    let plans = case.plans_of(helped.family).into_iter();
    for plan in plans.filter(|plan| plan.is_analyzed()) {
        let scan = plan.plan.nodes().find(|node| {
            let scanned = plan.table(&case.catalog, node);
            node.condition(&ConditionKind::Filter).is_some()
                && node.executed()
                && scanned.is_some_and(|scanned| {
                    case.catalog.root(scanned).table.oid == table.table.oid
                        || scanned.table.oid == table.table.oid
                })
        });
        if let Some(node) = scan
            && let Some(removed) = plan.metrics_of(node).removed.filter
        {
            let kept = plan.metrics_of(node).kept.get();
            return vec![
                plan.total(
                    "rows removed by the filter",
                    removed.get(),
                    node,
                    "Rows Removed by Filter",
                ),
                plan.total("rows kept", kept, node, "Actual Rows"),
            ];
        }
    }
    blocks(case, helped, table)
}

fn blocks(case: &Case<'_>, helped: &Helped, table: TableRef<'_>) -> Vec<Evidence> {
    let workload = &case.workload;
    let a_call = || {
        let family = workload.families().get(helped.family)?;
        let sum = |field| Some((family.sum(workload, field)?, family.term(workload, field)?));
        let (hit, hit_term) = sum(Field::SharedHit)?;
        let (read, read_term) = sum(Field::SharedRead)?;
        let (calls, calls_term) = sum(Field::Calls)?;
        let value = ratio(hit + read, calls).filter(|blocks| *blocks > 0.0)?;
        let formula = format!("({hit_term} + {read_term}) / {calls_term}");
        Some(workload.counted("blocks a call", value, Unit::Blocks, formula))
    };
    let pages = float(table.table.pages.get());
    let whole = (pages > 0.0).then(|| {
        let pointer = table.pointer("/pages");
        Evidence::read(
            "blocks of the table",
            pages,
            Unit::Blocks,
            Source::Catalog,
            pointer,
        )
    });
    a_call().into_iter().chain(whole).collect()
}

/// Calls and time of all statements that it helps.
fn counters(case: &Case<'_>, advised: &Advised) -> Vec<Evidence> {
    let workload = &case.workload;
    let helped: Vec<usize> = advised.helped.iter().map(|helped| helped.family).collect();
    let sum = |label: &str, field: Field, unit: Unit| {
        let (value, term) = workload.sum_over(&helped, field)?;
        Some(workload.counted(label, value, unit, term))
    };
    [
        sum(
            "calls of the statements that it helps",
            Field::Calls,
            Unit::Calls,
        ),
        sum("their execution time", Field::ExecTime, Unit::Ms),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn impact(case: &Case<'_>, advised: &Advised) -> Impact {
    let families = advised
        .helped
        .iter()
        .filter_map(|helped| case.workload.families().get(helped.family));
    let calls: i64 = families.clone().map(super::workload::Family::calls).sum();
    let time: Millis = families.map(super::workload::Family::time).sum();
    let saved = advised.saved();
    let statements = match advised.helped.len() {
        1 => String::new(),
        more => format!("{more} statements, "),
    };
    let counted = case.snapshot.scope.is_workload();
    let text = if counted {
        format!(
            "{statements}{} calls, {}, of which {} would be saved",
            format::count(float(calls)),
            format::duration(time),
            format::duration(saved)
        )
    } else {
        format!(
            "{} of {} would be saved",
            format::duration(saved),
            format::duration(time)
        )
    };
    Impact {
        text,
        time_ms: Some(saved),
        share: case.workload.share(saved),
        calls: counted.then_some(calls),
    }
}

fn expected(case: &Case<'_>, advised: &Advised) -> Expected {
    let first = advised.helped.first();
    let costs = first.map(|helped| helped.proof.costs());
    let times = first.and_then(|helped| match &helped.proof {
        Proof::Answer(answer) => answer.before_ms.zip(answer.after_ms),
        Proof::Formula(_) => None,
    });
    let percent = match (times, costs) {
        (Some((before, after)), _) => ratio(before.get() - after.get(), before.get()),
        (None, Some((before, after))) => ratio(before - after, before),
        (None, None) => None,
    };
    let mean = first.and_then(|helped| case.workload.families().get(helped.family)?.mean());
    let basis = first.map_or(WhatIfBasis::Formula, |helped| helped.proof.basis());
    let word = match basis {
        WhatIfBasis::Hypopg => "planner cost",
        WhatIfBasis::Trial => "planner cost and a trial",
        WhatIfBasis::Formula => "estimated planner cost",
    };
    let text = costs.map_or_else(String::new, |(before, after)| {
        let saved = percent.unwrap_or_default();
        format!(
            "{} less: {word} {} instead of {}",
            format::percent(saved),
            format::quantity(after),
            format::quantity(before)
        )
    });
    Expected {
        text,
        before_cost: costs.map(|(before, _)| Cost(before)),
        after_cost: costs.map(|(_, after)| Cost(after)),
        before_ms: times.map(|(before, _)| before).or(mean),
        after_ms: times.map(|(_, after)| after),
        improvement_percent: percent.map(|share| share * 100.0),
        basis,
    }
}
