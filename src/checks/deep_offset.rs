//! `deep_offset`: a page far down a result, found by counting through all rows before it.

mod advice;

use std::collections::BTreeSet;

use super::support::{label, subject};
use super::workload::{Family, Field};
use super::{Case, CasePlan, Category, Check, CheckMeta, Proposal, Threshold};
use crate::finding::{CheckId, Draft, Evidence, Formula, Source, Unit};
use crate::format;
use crate::plan::{Node, NodeType};
use crate::snapshot::Area;
use crate::sql::lexer::{TokenKind, tokens};
use crate::sql::mentions::StatementClass;
use crate::sql::parameters::{ParameterUse, parameters};
use crate::units::{Millis, float, ratio};

/// Rows below the Limit: as many as make a call visibly slower than the first page's.
static MIN_PRODUCED: Threshold<f64> = Threshold {
    key: "deep_offset.min_rows_produced",
    default: 10_000.0,
    unit: Unit::Rows,
    what: "rows below the Limit",
};

static MAX_RETURNED: Threshold<f64> = Threshold {
    key: "deep_offset.max_returned_share",
    default: 0.1,
    unit: Unit::Ratio,
    what: "share of those rows that the Limit returns, at most",
};

static MIN_TIMES_FIRST_PAGE: Threshold<f64> = Threshold {
    key: "deep_offset.min_times_first_page",
    default: 10.0,
    unit: Unit::Factor,
    what: "time and blocks of a call over those of the first page",
};

/// The check's id.
pub const ID: CheckId = CheckId::new("deep_offset");

static META: CheckMeta = CheckMeta {
    id: ID,
    title: "deep OFFSET",
    summary: "a Limit throws away nine tenths of 10,000 rows or more, or a call costs ten times its first page",
    category: Category::Plan,
    needs: &[Area::Plans],
    thresholds: &[&MIN_PRODUCED, &MAX_RETURNED, &MIN_TIMES_FIRST_PAGE],
    page: include_str!("deep_offset.md"),
};

/// The check.
#[derive(Debug)]
pub struct DeepOffset;

impl Check for DeepOffset {
    fn meta(&self) -> &'static CheckMeta {
        &META
    }

    fn run(&self, case: &Case<'_>, found: &mut Vec<Proposal>) {
        for plan in case.plans.iter().filter(|plan| plan.is_analyzed()) {
            let limits = plan
                .plan
                .nodes()
                .filter(|node| node.node_type == NodeType::Limit);
            found.extend(limits.filter_map(|limit| skipped(case, plan, limit)));
        }
        let probed: BTreeSet<usize> = case.plans.iter().filter_map(|plan| plan.family).collect();
        found.extend(probed.into_iter().filter_map(|place| counted(case, place)));
    }
}

/// The plan itself shows the rows that were skipped.
fn skipped<'a>(case: &Case<'a>, plan: &CasePlan<'a>, limit: &Node) -> Option<Proposal> {
    let input = plan.plan.inputs(limit).next()?;
    let produced = plan.metrics_of(input).kept.get();
    let returned = plan.metrics_of(limit).kept.get();
    if produced < MIN_PRODUCED.of(case) || returned > produced * MAX_RETURNED.of(case) {
        return None;
    }
    let text = case.text(plan);
    let title = format!(
        "deep OFFSET: {} rows produced for {} returned in {}",
        format::count(produced),
        format::count(returned),
        case.label(plan)
    );
    let draft = Draft::new(
        subject(&case.shape(plan)),
        title,
        plan.total(
            "rows produced below the Limit",
            produced,
            input,
            "Actual Rows",
        ),
        advice::keyset(case, text),
    )
    .with(plan.total("rows returned", returned, limit, "Actual Rows"));
    let thrown_away = 1.0 - ratio(returned, produced).unwrap_or_default();
    let part = plan.share_within(limit) * thrown_away;
    Some(case.of_node(plan, limit, part, draft))
}

/// What the probe paid for the first page.
struct FirstPage<'c, 'a> {
    plan: &'c CasePlan<'a>,
    rows: f64,
    blocks: f64,
    time: Millis,
}

impl<'c, 'a> FirstPage<'c, 'a> {
    fn of(plan: &'c CasePlan<'a>) -> Option<Self> {
        let root = plan.plan.root();
        let skips = |limit: &Node| {
            let below: f64 = plan
                .plan
                .inputs(limit)
                .map(|input| plan.metrics_of(input).kept.get())
                .sum();
            below > plan.metrics_of(limit).kept.get()
        };
        let mut limits = plan
            .plan
            .nodes()
            .filter(|node| node.node_type == NodeType::Limit);
        if limits.any(skips) {
            return None;
        }
        let blocks = root.buffers?.shared;
        Some(Self {
            plan,
            rows: plan.metrics_of(root).kept.get(),
            blocks: float(blocks.hit.get()) + float(blocks.read.get()),
            time: plan.plan.execution_time?,
        })
    }

    fn blocks_term(&self) -> String {
        let root = self.plan.plan.root();
        let hit = self.plan.term(root, "Shared Hit Blocks");
        let read = self.plan.term(root, "Shared Read Blocks");
        format!("({hit} + {read})")
    }

    fn time_pointer(&self) -> String {
        format!("/plans/{}/plan/Execution Time", self.plan.place)
    }
}

/// What a call of the workload costs.
struct Call {
    rows: f64,
    blocks: f64,
    time: Millis,
}

/// The counters against the first page, which the probe read.
fn counted(case: &Case<'_>, place: usize) -> Option<Proposal> {
    let workload = &case.workload;
    let family = workload.families().get(place)?;
    let text = workload.text(family);
    if !family.toplevel()
        || !StatementClass::of(text).is_query()
        || !has_offset_parameter(case, text)
    {
        return None;
    }
    let calls = float(family.calls());
    let touched =
        family.sum(workload, Field::SharedHit)? + family.sum(workload, Field::SharedRead)?;
    let call = Call {
        rows: family.rows_per_call()?,
        blocks: ratio(touched, calls)?,
        time: family.mean()?,
    };
    let plans = case.plans.iter().filter(|plan| {
        plan.family == Some(place) && plan.is_analyzed() && plan.record.text.is_none()
    });
    let alone = only_pages(case, text);
    let first = plans
        .filter(|plan| alone || reads_in_order(plan))
        .filter_map(FirstPage::of)
        .max_by(|one, other| one.blocks.total_cmp(&other.blocks))?;
    // The probe's page may be shorter than the workload's.
    let longer = ratio(call.rows, first.rows).unwrap_or(1.0).max(1.0);
    let page = Call {
        rows: call.rows,
        blocks: first.blocks.max(1.0) * longer,
        time: Millis(first.time.get() * longer),
    };
    let deep = call.blocks >= MIN_TIMES_FIRST_PAGE.of(case) * page.blocks
        && call.time.get() >= MIN_TIMES_FIRST_PAGE.of(case) * page.time.get();
    if !deep {
        return None;
    }
    let title = format!(
        "deep OFFSET: {} blocks a call, {} for the first page in {}",
        format::count(call.blocks),
        format::count(first.blocks),
        label(text)
    );
    let mut draft = Draft::new(
        subject(family.fingerprint().as_str()),
        title,
        blocks_a_call(case, family, call.blocks)?,
        advice::keyset(case, text),
    );
    for evidence in beside(case, family, &first) {
        draft = draft.with(evidence);
    }
    let part = 1.0 - ratio(page.time.get(), call.time.get()).unwrap_or(1.0);
    let draft = draft
        .at(case.location(family))
        .costing(case.impact(family, part));
    Some(Proposal {
        families: vec![place],
        draft,
    })
}

fn blocks_a_call(case: &Case<'_>, family: &Family, value: f64) -> Option<Evidence> {
    let workload = &case.workload;
    let hit = family.term(workload, Field::SharedHit)?;
    let read = family.term(workload, Field::SharedRead)?;
    let calls = family.term(workload, Field::Calls)?;
    Some(Evidence::computed(
        "blocks touched a call",
        value,
        Unit::Blocks,
        Source::PgStatStatements,
        Formula::new(format!("({hit} + {read}) / {calls}")),
    ))
}

fn beside(case: &Case<'_>, family: &Family, first: &FirstPage<'_, '_>) -> Vec<Evidence> {
    let workload = &case.workload;
    let root = first.plan.plan.root();
    let quotient = |label: &str, field: Field, unit: Unit| {
        family.quotient(workload, label, (field, Field::Calls), unit)
    };
    [
        Some(first.plan.computed(
            "blocks touched for the first page",
            first.blocks,
            Unit::Blocks,
            first.blocks_term(),
        )),
        quotient("time a call", Field::ExecTime, Unit::Ms),
        Some(Evidence::read(
            "time of the first page",
            first.time.get(),
            Unit::Ms,
            Source::ExplainAnalyze,
            first.time_pointer(),
        )),
        quotient("rows a call", Field::Rows, Unit::Rows),
        Some(
            first
                .plan
                .total("rows of the first page", first.rows, root, "Actual Rows"),
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Whether `OFFSET` is given by a parameter.
fn has_offset_parameter(case: &Case<'_>, text: &str) -> bool {
    parameters(text, &case.catalog)
        .values()
        .any(|uses| uses.contains(&ParameterUse::Offset))
}

/// Whether its parameters are those of `LIMIT` and `OFFSET` alone, so that every call reads the same rows up to its
/// page.
fn only_pages(case: &Case<'_>, text: &str) -> bool {
    let known = parameters(text, &case.catalog);
    let pages = |uses: &Vec<ParameterUse>| {
        let page = |used: &ParameterUse| matches!(used, ParameterUse::Limit | ParameterUse::Offset);
        !uses.is_empty() && uses.iter().all(page)
    };
    let numbers = tokens(text)
        .filter(|token| token.kind == TokenKind::Param)
        .map(|token| token.text.strip_prefix('$')?.parse().ok());
    numbers
        .into_iter()
        .all(|number: Option<u32>| number.and_then(|n| known.get(&n)).is_some_and(pages))
}

/// Whether the first page costs about the same whatever the other parameters are: it is read in order, and what is read
/// is returned.
fn reads_in_order(plan: &CasePlan<'_>) -> bool {
    plan.plan.nodes().all(|node| {
        let streams = matches!(
            node.node_type,
            NodeType::Limit
                | NodeType::Result
                | NodeType::SubqueryScan
                | NodeType::IndexScan
                | NodeType::IndexOnlyScan
                | NodeType::SeqScan
        );
        let removed = plan.metrics_of(node).removed;
        streams && removed.filter.is_none() && removed.index_recheck.is_none()
    })
}
