//! The blocks that a node itself touched.

use crate::plan::{Buffers, Node, NodeId, Plan};

use super::charge::{Consumers, consumers, init_plans};
use super::table::Table;
use super::time::Times;

/// Own blocks of every node: its total less its inputs', less those of the `InitPlan`s and CTEs that it ran. Totals
/// over loops and processes throughout, so that nothing is scaled.
pub(super) fn own(plan: &Plan, times: Option<&Times>) -> Table<Option<Buffers>> {
    let mut own = Table::new(plan);
    for node in plan.nodes() {
        let Some(total) = node.buffers else {
            continue;
        };
        let below = plan
            .inputs(node)
            .filter_map(|child| child.buffers)
            .fold(Buffers::default(), |sum, child| {
                sum.zip(&child, i64::saturating_add)
            });
        own.set(node.id, Some(less(&total, &below)));
    }
    for top in init_plans(plan) {
        let ran_by = times.and_then(|times| times.ran_by.get(top.id));
        charge(plan, top, ran_by, &mut own);
    }
    own
}

fn charge(plan: &Plan, top: &Node, ran_by: Option<NodeId>, own: &mut Table<Option<Buffers>>) {
    let Some(mut left) = top.buffers else {
        return;
    };
    let payers = match consumers(plan, top) {
        Consumers::Scans(scans) => scans,
        Consumers::Candidates(candidates) => ran_by
            .into_iter()
            .chain(by_blocks(&candidates, &left, own))
            .collect(),
    };
    for payer in payers {
        let Some(available) = own.get(payer) else {
            continue;
        };
        let paid = available.zip(&left, i64::min);
        own.set(payer, Some(less(&available, &paid)));
        left = less(&left, &paid);
    }
}

/// The candidates, those first whose blocks the `InitPlan`'s fit into.
fn by_blocks(candidates: &[NodeId], spent: &Buffers, own: &Table<Option<Buffers>>) -> Vec<NodeId> {
    let fits = |id: &NodeId| {
        own.get(*id)
            .is_some_and(|available| less(spent, &available) == Buffers::default())
    };
    let (mut first, rest): (Vec<NodeId>, Vec<NodeId>) = candidates.iter().partition(|id| fits(id));
    first.extend(rest);
    first
}

/// Field by field the difference, never below zero.
fn less(from: &Buffers, what: &Buffers) -> Buffers {
    from.zip(what, |from, what| from.saturating_sub(what).max(0))
}
