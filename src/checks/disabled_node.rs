//! `disabled_node`: a setting forbids what the planner had no way around.

use super::support::{Words, advice, each_node, subject};
use super::{Case, CasePlan, Category, Check, CheckMeta, Proposal};
use crate::finding::{Action, CheckId, Draft, Evidence, Location, Unit};
use crate::plan::{Node, NodeType};
use crate::snapshot::Area;

static META: CheckMeta = CheckMeta {
    id: CheckId::new("disabled_node"),
    title: "disabled node",
    summary: "the planner had to take a kind of node that a setting forbids",
    category: Category::Plan,
    needs: &[Area::Plans],
    thresholds: &[],
    page: include_str!("disabled_node.md"),
};

/// The check.
#[derive(Debug)]
pub struct DisabledNode;

impl Check for DisabledNode {
    fn meta(&self) -> &'static CheckMeta {
        &META
    }

    fn run(&self, case: &Case<'_>, found: &mut Vec<Proposal>) {
        each_node(case, found, propose);
    }
}

fn propose<'a>(case: &Case<'a>, plan: &CasePlan<'a>, node: &Node) -> Option<Proposal> {
    if !plan.plan.disabled(node) {
        return None;
    }
    let name = plan.plan.label(node);
    let setting = setting(&node.node_type);
    let because = setting.map_or_else(String::new, |setting| format!(": {setting} is off"));
    let title = format!("disabled node {name} in {}{because}", case.label(plan));
    let which = setting.unwrap_or("the enable_… setting of its kind");
    let summary = format!(
        "set {which} to on where this statement runs (role, database or session): it forbids the only way that there is"
    );
    let words = Words {
        summary: &summary,
        expected: "plans that are chosen by cost again",
        risk: "whoever switched it off had a reason: look at that statement, too",
    };
    let draft = Draft::new(
        subject(&format!("{name} in {}", case.shape(plan))),
        title,
        proof(plan, node)?,
        advice(Action::ChangeSetting, words),
    )
    .at(Location {
        table: plan
            .table(&case.catalog, node)
            .map(|table| table.table.name.to_string()),
        ..Location::default()
    });
    Some(case.of_node(plan, node, plan.own_share(node), draft))
}

/// From 18 EXPLAIN says so; before, the cost does.
fn proof(plan: &CasePlan<'_>, node: &Node) -> Option<Evidence> {
    let cost = node.planned?.total_cost.get();
    let label = if node.disabled == Some(true) {
        "planner cost of the disabled node"
    } else {
        "planner cost with the penalty of a disabled node"
    };
    Some(plan.read(label, cost, Unit::Cost, node, "Total Cost"))
}

/// The setting that switches a kind of node off (costsize.c).
const fn setting(node_type: &NodeType) -> Option<&'static str> {
    Some(match node_type {
        NodeType::SeqScan | NodeType::SampleScan => "enable_seqscan",
        NodeType::IndexScan => "enable_indexscan",
        NodeType::IndexOnlyScan => "enable_indexonlyscan",
        NodeType::BitmapHeapScan => "enable_bitmapscan",
        NodeType::TidScan | NodeType::TidRangeScan => "enable_tidscan",
        NodeType::NestedLoop => "enable_nestloop",
        NodeType::MergeJoin => "enable_mergejoin",
        NodeType::HashJoin => "enable_hashjoin",
        NodeType::Sort => "enable_sort",
        NodeType::IncrementalSort => "enable_incremental_sort",
        NodeType::Aggregate => "enable_hashagg",
        NodeType::Materialize => "enable_material",
        NodeType::Memoize => "enable_memoize",
        NodeType::GatherMerge => "enable_gathermerge",
        _ => return None,
    })
}
