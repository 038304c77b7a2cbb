//! `repeated_seq_scan`: a table is read from end to end again and again within one statement.

use super::scan::Scan;
use super::support::{Words, advice, each_node};
use super::{Case, CasePlan, Category, Check, CheckMeta, Proposal, TableRef};
use crate::finding::{Action, CheckId, Draft, Evidence, Source, Unit};
use crate::format;
use crate::plan::{ConditionKind, Node, NodeType, Relationship};
use crate::snapshot::Area;

/// Scans by each process.
const MIN_SCANS: f64 = 10.0;

/// Rows read by all of them.
const MIN_READ: f64 = 100_000.0;

static META: CheckMeta = CheckMeta {
    id: CheckId::new("repeated_seq_scan"),
    title: "repeated seq scan",
    summary: "a table is read from end to end 10 times or more in one execution, 100,000 rows in all",
    category: Category::Plan,
    needs: &[Area::Plans],
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
        each_node(case, found, propose);
    }
}

fn propose<'a>(case: &Case<'a>, plan: &CasePlan<'a>, node: &Node) -> Option<Proposal> {
    if node.node_type != NodeType::SeqScan || plan.plan.disabled(node) {
        return None;
    }
    let scan = Scan::of(case, plan, node, &[ConditionKind::Filter])?;
    let (scans, proof, read) = if plan.is_analyzed() {
        measured(plan, node)?
    } else {
        planned(plan, node, scan.table?)?
    };
    let title = format!(
        "repeated seq scan: {} scans of {} in one execution",
        format::count(scans),
        scan.label()
    );
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
    let advice = advice(Action::CreateIndex, words);
    let draft = Draft::new(scan.subject(case, plan), title, proof, advice)
        .with(read)
        .at(scan.location());
    Some(case.of_node(plan, node, plan.own_share(node), draft))
}

type Found = (f64, Evidence, Evidence);

fn measured(plan: &CasePlan<'_>, node: &Node) -> Option<Found> {
    let metrics = plan.metrics_of(node);
    let kept = metrics.kept.get();
    let removed = metrics.removed.filter.map(crate::units::Rows::get);
    let read = kept + removed.unwrap_or_default();
    if !metrics.rescanned || metrics.loops_per_process() < MIN_SCANS || read < MIN_READ {
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
fn planned(plan: &CasePlan<'_>, node: &Node, table: TableRef<'_>) -> Option<Found> {
    let join = plan.plan.parent(node)?;
    let inner =
        join.node_type == NodeType::NestedLoop && node.relationship == Some(Relationship::Inner);
    if !inner {
        return None;
    }
    let outer = plan.plan.child(join, &Relationship::Outer)?;
    let scans = outer.planned?.rows.per_loop().get();
    let tuples = table.table.tuples?.get();
    if scans < MIN_SCANS || scans * tuples < MIN_READ {
        return None;
    }
    let formula = format!(
        "{} * {{{}}}",
        plan.term(outer, "Plan Rows"),
        table.pointer("/tuples")
    );
    let read = Evidence::computed(
        "rows read by all of them",
        scans * tuples,
        Unit::Rows,
        Source::Explain,
        crate::finding::Formula::new(formula),
    );
    let label = "sequential scans that the planner expects";
    Some((
        scans,
        plan.read(label, scans, Unit::Loops, outer, "Plan Rows"),
        read,
    ))
}
