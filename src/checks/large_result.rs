//! `large_result`: a statement returns more rows than an application reads.

use super::support::{Words, advice, label, subject};
use super::workload::{Family, Field};
use super::{Case, CasePlan, Category, Check, CheckMeta, Depth, Proposal, Threshold};
use crate::finding::{Action, CheckId, Draft, Recommendation, Unit};
use crate::format;
use crate::plan::NodeType;
use crate::snapshot::Area;
use crate::sql::mentions::StatementClass;

static MIN_ROWS_OF_PLAN: Threshold<f64> = Threshold {
    key: "large_result.min_rows_of_plan",
    default: 50_000.0,
    unit: Unit::Rows,
    what: "rows that an executed plan returns",
};

/// Rows a call: a hundred pages of a hundred rows.
static MIN_ROWS_PER_CALL: Threshold<f64> = Threshold {
    key: "large_result.min_rows_per_call",
    default: 10_000.0,
    unit: Unit::Rows,
    what: "rows that a call returns",
};

static META: CheckMeta = CheckMeta {
    id: CheckId::new("large_result"),
    title: "large result",
    summary: "a statement returns 10,000 rows a call, or its plan 50,000",
    category: Category::Workload,
    needs: &[Area::Statements, Area::StatementTexts],
    thresholds: &[&MIN_ROWS_OF_PLAN, &MIN_ROWS_PER_CALL],
    page: include_str!("large_result.md"),
};

/// The check.
#[derive(Debug)]
pub struct LargeResult;

impl Check for LargeResult {
    fn meta(&self) -> &'static CheckMeta {
        &META
    }

    fn depth(&self) -> Depth {
        Depth::Resource
    }

    /// How much a statement returns is what its text asks for, however its plan finds it.
    fn may_follow(&self) -> bool {
        false
    }

    fn run(&self, case: &Case<'_>, found: &mut Vec<Proposal>) {
        let families = case.workload.families().iter().enumerate();
        found.extend(families.filter_map(|(place, family)| counted(case, place, family)));
        found.extend(case.plans.iter().filter_map(|plan| measured(case, plan)));
    }
}

fn measured<'a>(case: &Case<'a>, plan: &CasePlan<'a>) -> Option<Proposal> {
    let root = plan.plan.root();
    let rows = plan.metrics_of(root).kept.get();
    let text = case.text(plan);
    // A saved plan need not say its text.
    let returned = root.node_type != NodeType::ModifyTable
        && (text.is_empty() || StatementClass::of(text).is_query());
    if !plan.is_analyzed() || rows < MIN_ROWS_OF_PLAN.of(case) || !returned {
        return None;
    }
    let draft = Draft::new(
        subject(&case.shape(plan)),
        title(rows, &case.label(plan)),
        plan.total("rows returned", rows, root, "Actual Rows"),
        less(),
    );
    Some(case.of_node(plan, root, 1.0, draft))
}

fn title(rows: f64, statement: &str) -> String {
    format!(
        "large result: {} rows a call from {statement}",
        format::count(rows)
    )
}

fn less() -> Recommendation {
    let words = Words {
        summary: "return only what is shown: LIMIT with keyset paging, an aggregate in SQL, or a cursor for an export",
        expected: "unknown: depends on how many of the rows are needed",
        risk: "the application must ask for the next page",
    };
    advice(Action::RewriteQuery, words)
}

fn counted(case: &Case<'_>, place: usize, family: &Family) -> Option<Proposal> {
    let workload = &case.workload;
    let rows = family.rows_per_call()?;
    let text = workload.text(family);
    if rows < MIN_ROWS_PER_CALL.of(case)
        || !family.toplevel()
        || !StatementClass::of(text).is_query()
    {
        return None;
    }
    let fields = (Field::Rows, Field::Calls);
    let draft = Draft::new(
        subject(family.fingerprint().as_str()),
        title(rows, &label(text)),
        family.quotient(workload, "rows a call", fields, Unit::Rows)?,
        less(),
    )
    .with(family.evidence(workload, "rows", Field::Rows, Unit::Rows)?)
    .with(family.evidence(workload, "calls", Field::Calls, Unit::Calls)?)
    .at(case.location(family))
    .costing(case.impact(family, 1.0));
    Some(Proposal {
        families: vec![place],
        draft,
    })
}
