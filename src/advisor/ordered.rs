//! What a statement would cost that sorts a whole table for its first rows, with an index that has them in order.

use crate::checks::{Case, CasePlan, TableRef};
use crate::plan::{Node, NodeType};
use crate::sql::facts::Facts;

use super::candidates::Candidate;
use super::formula::{Estimate, equal_shares, index_scan, pages, rows};
use crate::finding::Term;

/// The estimate, where a plan of the family has a `Limit` over a `Sort` over a `Seq Scan` of the table and the
/// candidate has the whole order.
pub fn estimate(
    case: &Case<'_>,
    family: usize,
    (facts, relation): (&Facts, usize),
    (table, candidate): (TableRef<'_>, &Candidate),
) -> Option<Estimate> {
    if !candidate.ordered {
        return None;
    }
    let used = facts.relations.get(relation)?;
    let all = rows(case, table).filter(|rows| rows.value >= 1.0)?;
    let pages = pages(case, table)?;
    let equal = candidate.keys.get(..candidate.equal)?;
    let share = equal_shares(table, equal, used, &all)?;
    let searched = all.times(&share).max(&Term::number(1.0));
    for plan in case.plans_of(family) {
        let Some((limit, scan)) = sorted(case, plan, table) else {
            continue;
        };
        let read = |node: &Node, value: f64, key: &str| Term::read(value, &plan.pointer(node, key));
        let root = plan.plan.root();
        let statement = read(root, root.planned.as_ref()?.total_cost.get(), "Total Cost");
        let wanted = limit.planned.as_ref()?;
        let first = read(limit, wanted.rows.per_loop().get(), "Plan Rows");
        let kept = read(
            scan,
            scan.planned.as_ref()?.rows.per_loop().get(),
            "Plan Rows",
        );
        // Other conditions let pass one row in so many: so many must be read for each one that is wanted.
        let visited = first
            .times(&searched)
            .over(&kept.max(&Term::number(1.0)))
            .min(&searched)
            .max(&first);
        let scan = index_scan(case, table, candidate, (&all, &pages, &visited))?;
        let sorted = read(limit, wanted.total_cost.get(), "Total Cost");
        return Some(Estimate {
            after: statement.minus(&sorted).plus(&scan.min(&sorted)),
            before: statement,
            source: plan.source(),
        });
    }
    None
}

/// The `Limit` and the scan below its `Sort`.
fn sorted<'p>(
    case: &Case<'_>,
    plan: &'p CasePlan<'_>,
    table: TableRef<'_>,
) -> Option<(&'p Node, &'p Node)> {
    let limits = plan
        .plan
        .nodes()
        .filter(|node| node.node_type == NodeType::Limit);
    for limit in limits {
        let mut node = limit;
        let mut sorts = false;
        while let Some(below) = plan.plan.inputs(node).next() {
            node = below;
            match node.node_type {
                NodeType::Sort => sorts = true,
                NodeType::Gather | NodeType::GatherMerge => {}
                NodeType::SeqScan if sorts => {
                    let scanned = plan.table(&case.catalog, node)?;
                    if scanned.table.oid == table.table.oid {
                        return Some((limit, node));
                    }
                    break;
                }
                _ => break,
            }
        }
    }
    None
}
