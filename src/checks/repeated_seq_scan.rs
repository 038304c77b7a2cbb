//! `repeated_seq_scan`: a table is read from end to end again and again within one statement.

use super::support::{Scan, Told, Words, advice, each_seq_scan};
use super::{Case, CasePlan, Category, Check, CheckMeta, Proposal, TableRef, Threshold};
use crate::finding::{Action, Cause, CheckId, Evidence, Formula, Recommendation, Source, Unit};
use crate::format;
use crate::plan::{ConditionKind, JoinType, Node, NodeType, Relationship};
use crate::snapshot::Area;

static MIN_SCANS: Threshold<f64> = Threshold {
    key: "repeated_seq_scan.min_scans",
    default: 10.0,
    unit: Unit::Loops,
    what: "scans by each process",
};

static MIN_READ: Threshold<f64> = Threshold {
    key: "repeated_seq_scan.min_rows_read",
    default: 100_000.0,
    unit: Unit::Rows,
    what: "rows read by all of them",
};

/// The part of a loop's or sub-plan's time from which the scan is what makes it slow.
const MIN_PART: f64 = 0.5;

const ID: CheckId = CheckId::new("repeated_seq_scan");

static META: CheckMeta = CheckMeta {
    id: ID,
    title: "repeated seq scan",
    summary: "a table is read from end to end 10 times or more in one execution, 100,000 rows in all",
    category: Category::Plan,
    needs: &[Area::Plans],
    thresholds: &[&MIN_SCANS, &MIN_READ],
    page: include_str!("repeated_seq_scan.md"),
};

/// The check.
#[derive(Debug)]
pub struct RepeatedSeqScan;

impl Check for RepeatedSeqScan {
    fn meta(&self) -> &'static CheckMeta {
        &META
    }

    fn run(&self, case: &Case<'_>, found: &mut Vec<Proposal>) {
        each_seq_scan(case, found, read, |case, plan, node, scan, scans| {
            look_up(case, plan, node, scan);
            Some(tell(scan, scans))
        });
    }
}

/// The finding about the scan that takes most of the time of `top` and what is below it, where there is one.
pub fn within(case: &Case<'_>, plan: &CasePlan<'_>, top: &Node) -> Option<Cause> {
    let whole = 1.0 - plan.share_beside(top);
    let scan = plan.plan.subtree(top).find(|node| {
        let table = plan.table(&case.catalog, node);
        node.node_type == NodeType::SeqScan
            && plan.own_share(node) >= MIN_PART * whole
            && read(case, plan, node, table).is_some()
    })?;
    let mut found = Scan::of_root(case, plan, scan, &[ConditionKind::Filter])?;
    look_up(case, plan, scan, &mut found);
    let subject = found.subject(case, plan);
    Some(Cause { check: ID, subject })
}

/// What a scan without a filter is joined by.
fn look_up(case: &Case<'_>, plan: &CasePlan<'_>, node: &Node, scan: &mut Scan<'_>) {
    if !scan.columns.is_empty() {
        return;
    }
    let joins = |ancestor: &&Node| !PASSING.contains(&ancestor.node_type);
    let Some(join) = plan.plan.ancestors(node).find(joins) else {
        return;
    };
    let table = plan.table(&case.catalog, node);
    for text in JOIN_CONDITIONS
        .iter()
        .filter_map(|kind| join.condition(kind))
    {
        for column in plan.columns(table, node, text) {
            if !scan.columns.contains(&column) {
                scan.columns.push(column);
            }
        }
    }
}

/// Nodes that hand a scan's rows on to a join.
const PASSING: [NodeType; 3] = [NodeType::Hash, NodeType::Sort, NodeType::Materialize];

const JOIN_CONDITIONS: [ConditionKind; 3] = [
    ConditionKind::HashCond,
    ConditionKind::MergeCond,
    ConditionKind::JoinFilter,
];

fn tell(scan: &Scan<'_>, (scans, proof, read): Found) -> Told {
    let title = format!(
        "repeated seq scan: {} scans of {} in one execution",
        format::count(scans),
        scan.label()
    );
    Told {
        title,
        proof,
        others: vec![read],
        advice: index(scan),
    }
}

fn index(scan: &Scan<'_>) -> Recommendation {
    let name = &scan.name;
    let summary = if scan.columns.is_empty() {
        format!("join {name} by a column that has an index, or let one scan build a hash")
    } else {
        format!("index what {name} is looked up by: {}", scan.column_list())
    };
    let words = Words {
        summary: &summary,
        expected: "each scan becomes a look-up of the rows it keeps",
        risk: "every write of the table keeps one more index",
    };
    advice(Action::CreateIndex, words)
}

/// How many scans, and what they read.
type Found = (f64, Evidence, Evidence);

fn read(
    case: &Case<'_>,
    plan: &CasePlan<'_>,
    node: &Node,
    table: Option<TableRef<'_>>,
) -> Option<Found> {
    if plan.is_analyzed() {
        measured(case, plan, node)
    } else {
        planned(case, plan, node, table?)
    }
}

fn measured(case: &Case<'_>, plan: &CasePlan<'_>, node: &Node) -> Option<Found> {
    let metrics = plan.metrics_of(node);
    let kept = metrics.kept.get();
    let removed = metrics.removed.filter.map(crate::units::Rows::get);
    let read = kept + removed.unwrap_or_default();
    if !metrics.rescanned
        || metrics.loops_per_process() < MIN_SCANS.of(case)
        || read < MIN_READ.of(case)
    {
        return None;
    }
    let loops = metrics.loops.get();
    let rows = plan.term(node, "Actual Rows");
    let per_loop = match removed {
        Some(_) => format!("({rows} + {})", plan.term(node, "Rows Removed by Filter")),
        None => rows,
    };
    let formula = format!("{per_loop} * {}", plan.term(node, "Actual Loops"));
    Some((
        loops,
        plan.read("sequential scans", loops, Unit::Loops, node, "Actual Loops"),
        plan.computed("rows read by all of them", read, Unit::Rows, formula),
    ))
}

/// The inner side of a nested loop runs once for each outer row that the planner expects.
fn planned(
    case: &Case<'_>,
    plan: &CasePlan<'_>,
    node: &Node,
    table: TableRef<'_>,
) -> Option<Found> {
    let join = plan.plan.parent(node)?;
    let inner =
        join.node_type == NodeType::NestedLoop && node.relationship == Some(Relationship::Inner);
    if !inner {
        return None;
    }
    // It may have enough after the first of them.
    if plan.plan.under_limit_without_blocking(join).is_some() {
        return None;
    }
    let outer = plan.plan.child(join, &Relationship::Outer)?;
    let scans = outer.planned?.rows.per_loop().get();
    let tuples = table.table.tuples?.get();
    // A scan that ends with the first match finds it halfway, on average.
    let stops = join.inner_unique || join.join_type == Some(JoinType::Semi);
    let part = if stops { 0.5 } else { 1.0 };
    let rows = scans * tuples * part;
    if scans < MIN_SCANS.of(case) || rows < MIN_READ.of(case) {
        return None;
    }
    let formula = format!(
        "{} * {{{}}} * {part}",
        plan.term(outer, "Plan Rows"),
        table.pointer("/tuples")
    );
    let read = Evidence::computed(
        "rows read by all of them",
        rows,
        Unit::Rows,
        Source::Explain,
        Formula::new(formula),
    );
    let label = "sequential scans that the planner expects";
    Some((
        scans,
        plan.read(label, scans, Unit::Loops, outer, "Plan Rows"),
        read,
    ))
}
