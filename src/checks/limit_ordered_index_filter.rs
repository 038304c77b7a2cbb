//! `limit_ordered_index_filter`: an index that gives the order is walked until enough rows pass the filter.

use super::support::{Scan, Told, Words, advice, each_node};
use super::{Case, CasePlan, Category, Check, CheckMeta, Proposal, index_filter_inefficient};
use crate::finding::{Action, CheckId, Unit};
use crate::format;
use crate::plan::{ConditionKind, Node, NodeType};
use crate::snapshot::Area;

static META: CheckMeta = CheckMeta {
    id: CheckId::new("limit_ordered_index_filter"),
    title: "order without filter",
    summary: "an index that gives the order of a LIMIT has 10,000 rows or more filtered out, 10 times as many as kept",
    category: Category::Plan,
    needs: &[Area::Plans],
    thresholds: index_filter_inefficient::WASTED,
    page: include_str!("limit_ordered_index_filter.md"),
};

/// The check.
#[derive(Debug)]
pub struct LimitOrderedIndexFilter;

impl Check for LimitOrderedIndexFilter {
    fn meta(&self) -> &'static CheckMeta {
        &META
    }

    fn always_explains(&self) -> &'static [CheckId] {
        &[index_filter_inefficient::ID]
    }

    fn run(&self, case: &Case<'_>, found: &mut Vec<Proposal>) {
        each_node(case, found, propose);
    }
}

fn propose<'a>(case: &Case<'a>, plan: &CasePlan<'a>, node: &Node) -> Option<Proposal> {
    let ordered = matches!(
        node.node_type,
        NodeType::IndexScan | NodeType::IndexOnlyScan
    );
    if !ordered {
        return None;
    }
    let limit = plan.plan.under_limit_without_blocking(node)?;
    let wasted = index_filter_inefficient::wasted(case, plan, node)?;
    let mut scan = Scan::of_root(case, plan, node, &[ConditionKind::Filter])?;
    for column in keys(case, &scan, node) {
        if !scan.columns.contains(&column) {
            scan.columns.push(column);
        }
    }
    let title = format!(
        "order without filter on {}: {} rows walked past for the first {}",
        scan.label(),
        format::count(wasted.removed),
        format::count(wasted.kept)
    );
    let summary = format!(
        "index {} by the filter's columns first and the order's after them: {}",
        scan.name,
        scan.column_list()
    );
    let words = Words {
        summary: &summary,
        expected: "the first rows that the scan finds are those that are wanted",
        risk: "a wider index; rows that are compared with a range give no order for what follows them",
    };
    let told = Told {
        title,
        proof: wasted.proof,
        others: vec![
            wasted.other,
            plan.read(
                "rows that the LIMIT lets pass a loop",
                limit.actual?.rows.per_loop().get(),
                Unit::Rows,
                limit,
                "Actual Rows",
            ),
        ],
        advice: advice(Action::CreateIndex, words),
    };
    Some(scan.proposal(case, plan, node, told))
}

/// The columns of the index that gives the order.
fn keys(case: &Case<'_>, scan: &Scan<'_>, node: &Node) -> Vec<String> {
    let name = node.target.index.as_deref();
    let index = scan.table.and_then(|table| {
        let mut indexes = case.catalog.indexes(table.table.oid);
        indexes.find(|index| Some(index.name.name.as_str()) == name)
    });
    let keys = index.into_iter().flat_map(|index| &index.keys);
    keys.map_while(|key| key.column.clone()).collect()
}
