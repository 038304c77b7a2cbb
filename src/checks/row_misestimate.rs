//! `row_misestimate`: the planner expected other row counts than came, where the error begins.

use super::modified;
use super::support::{Scan, Words, advice, subject, with_setting};
use super::{Case, CasePlan, Category, Check, CheckMeta, Proposal, TableRef, Threshold};
use crate::finding::{Action, Cause, CheckId, Draft, Recommendation, Subject, Unit};
use crate::format;
use crate::ids::quote_ident;
use crate::plan::metrics::Direction;
use crate::plan::{ConditionKind, Node, NodeType};
use crate::snapshot::Area;
use crate::sql::lexer::truncated;
use crate::units::Rows;

/// The larger side over the smaller. Within a factor of ten plans seldom change (Leis et al., *How Good Are Query
/// Optimizers, Really?*, VLDB 2015, section 4).
static MIN_FACTOR: Threshold<f64> = Threshold {
    key: "row_misestimate.min_factor",
    default: 10.0,
    unit: Unit::Factor,
    what: "the larger row count over the smaller",
};

static MIN_ROWS: Threshold<Rows> = Threshold {
    key: "row_misestimate.min_rows",
    default: Rows(1_000.0),
    unit: Unit::Rows,
    what: "rows on the larger side, per loop",
};

/// Share of the time that must depend on the row count of a node that scans nothing: at the top of a plan, nothing was
/// chosen by it.
const MIN_BESIDE: f64 = 0.01;

/// Share of a table's rows modified since ANALYZE from which stale statistics may be the reason: the autovacuum default
/// (`autovacuum_analyze_scale_factor`).
pub const STALE_SHARE: f64 = 0.10;

/// The check's id.
pub const ID: CheckId = CheckId::new("row_misestimate");

static META: CheckMeta = CheckMeta {
    id: ID,
    title: "row misestimate",
    summary: "the planner's row count is off by 10 times or more, with 1,000 rows or more on the larger side",
    category: Category::Plan,
    needs: &[Area::Plans],
    thresholds: &[&MIN_FACTOR, &MIN_ROWS],
    page: include_str!("row_misestimate.md"),
};

/// The check.
#[derive(Debug)]
pub struct RowMisestimate;

impl Check for RowMisestimate {
    fn meta(&self) -> &'static CheckMeta {
        &META
    }

    fn run(&self, case: &Case<'_>, found: &mut Vec<Proposal>) {
        for plan in case.plans.iter().filter(|plan| plan.is_analyzed()) {
            let nodes = plan.metrics.deepest_misestimates(
                &plan.plan,
                MIN_FACTOR.of(case),
                MIN_ROWS.of(case),
            );
            found.extend(
                nodes
                    .into_iter()
                    .filter_map(|node| propose(case, plan, node)),
            );
        }
    }
}

/// The finding about the row count that was underestimated most within `top`, where there is one.
pub fn underestimate(case: &Case<'_>, plan: &CasePlan<'_>, top: &Node) -> Option<Cause> {
    let factor = |node: &Node| {
        let estimate = plan.metrics_of(node).estimate?;
        let low = estimate.direction == Direction::Under;
        low.then_some(estimate.factor)
    };
    let nodes =
        plan.metrics
            .deepest_misestimates(&plan.plan, MIN_FACTOR.of(case), MIN_ROWS.of(case));
    let within = nodes
        .into_iter()
        .filter(|node| plan.plan.is_within(node, top.id));
    let (_, worst) = within
        .filter_map(|node| Some((factor(node)?, node)))
        .max_by(|(one, _), (other, _)| one.total_cmp(other))?;
    let subject = propose(case, plan, worst)?.draft.subject().clone();
    Some(Cause { check: ID, subject })
}

fn propose<'a>(case: &Case<'a>, plan: &CasePlan<'a>, node: &Node) -> Option<Proposal> {
    let estimate = plan.metrics_of(node).estimate?;
    let estimated = estimate.estimated.per_loop().get();
    let actual = estimate.actual.per_loop().get();
    let scan = Scan::of(case, plan, node, &SCAN_CONDITIONS);
    let is_scan = scan.is_some() || node.target.function.is_some();
    if !is_scan && plan.share_beside(node) < MIN_BESIDE {
        return None;
    }
    let place = match &scan {
        Some(scan) => scan.label(),
        None => format!("{} in {}", plan.plan.label(node), case.label(plan)),
    };
    let title = format!(
        "row misestimate on {place}: {} expected, {} came",
        format::count(estimated),
        format::count(actual)
    );
    let advice = mend(scan.as_ref(), node);
    let subject = match &scan {
        Some(scan) => scan.subject(case, plan),
        None => node_subject(case, plan, node),
    };
    // Where either side is below one row, PostgreSQL counts it as one, and so does the factor.
    let rows = |key| format!("max(1, {})", plan.term(node, key));
    let (actual_term, estimated_term) = (rows("Actual Rows"), rows("Plan Rows"));
    let formula =
        format!("max({actual_term} / {estimated_term}, {estimated_term} / {actual_term})");
    let factor = plan.computed("off by", estimate.factor, Unit::Factor, formula);
    let mut draft = Draft::new(subject, title, factor, advice)
        .with(plan.read(
            "rows expected a loop",
            estimated,
            Unit::Rows,
            node,
            "Plan Rows",
        ))
        .with(plan.read(
            "rows that came a loop",
            actual,
            Unit::Rows,
            node,
            "Actual Rows",
        ));
    if let Some(scan) = scan {
        draft = draft.at(scan.location());
    }
    Some(case.of_node(plan, node, plan.share_beside(node), draft))
}

const SCAN_CONDITIONS: [ConditionKind; 3] = [
    ConditionKind::IndexCond,
    ConditionKind::RecheckCond,
    ConditionKind::Filter,
];

fn node_subject(case: &Case<'_>, plan: &CasePlan<'_>, node: &Node) -> Subject {
    subject(&format!(
        "{} in {}",
        plan.plan.label(node),
        case.shape(plan)
    ))
}

fn mend(scan: Option<&Scan<'_>>, node: &Node) -> Recommendation {
    if let Some(scan) = scan {
        return mend_scan(scan);
    }
    let function = node.target.function.as_deref();
    if let (NodeType::FunctionScan, Some(function)) = (&node.node_type, function) {
        let summary = format!("declare how many rows {function} returns: ALTER FUNCTION … ROWS");
        return advice(Action::AlterObject, words(&summary));
    }
    let summary = "look at what is joined or grouped here: columns that depend on each other need extended statistics, skewed ones n_distinct";
    advice(Action::Investigate, words(summary))
}

fn mend_scan(scan: &Scan<'_>) -> Recommendation {
    let name = &scan.name;
    let stale = scan
        .table
        .and_then(modified::since_analyze)
        .is_some_and(|modified| modified.share >= STALE_SHARE);
    if stale {
        let mut advice = advice(
            Action::Analyze,
            words(&format!("analyze {name}: its statistics are behind")),
        );
        advice.ddl.push(format!("ANALYZE {name};"));
        return advice;
    }
    match (scan.columns.as_slice(), scan.table) {
        ([_, _, ..], Some(table)) => extended_statistics(table, &scan.columns),
        ([column], Some(_)) => {
            let column = quote_ident(column);
            let summary = format!(
                "raise the statistics target of {name}.{column}, or set its n_distinct; where the condition is an expression, index or rewrite it"
            );
            let alter = format!("ALTER TABLE {name} ALTER COLUMN {column} SET STATISTICS");
            let mut advice = with_setting(
                advice(Action::CreateStatistics, words(&summary)),
                format!("{alter} 1000;"),
                format!("{alter} -1;"),
            );
            advice.ddl.push(format!("ANALYZE {name};"));
            advice
        }
        _ => advice(
            Action::Investigate,
            words(&format!("compare the statistics of {name} with its rows")),
        ),
    }
}

/// Columns of one statistics object at most (`STATS_MAX_DIMENSIONS`, `src/include/statistics/statistics.h`).
const MAX_COLUMNS: usize = 8;

fn extended_statistics(table: TableRef<'_>, columns: &[String]) -> Recommendation {
    let name = &table.table.name;
    let quoted: Vec<_> = columns
        .iter()
        .take(MAX_COLUMNS)
        .map(|column| quote_ident(column))
        .collect();
    let list = quoted.join(", ");
    let summary =
        format!("create extended statistics on {name} ({list}): the columns depend on each other");
    let mut advice = advice(Action::CreateStatistics, words(&summary));
    let base = format!("{}_{}_stats", name.name, columns.join("_"));
    let statistics = crate::ids::QualifiedName::new(&name.schema, truncated(base));
    advice.ddl.push(format!(
        "CREATE STATISTICS {statistics} (ndistinct, dependencies, mcv) ON {list} FROM {name};"
    ));
    advice.ddl.push(format!("ANALYZE {name};"));
    advice
        .rollback
        .push(format!("DROP STATISTICS {statistics};"));
    advice
}

fn words(summary: &str) -> Words<'_> {
    Words {
        summary,
        expected: "an estimate near the truth, and the plan that follows from it; unknown until it is tried",
        risk: "ANALYZE reads a sample of the table; other statements' plans may change, too",
    }
}
