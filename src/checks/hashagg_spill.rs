//! `hashagg_spill`: the groups of a hash aggregate do not fit into memory.

use super::support::{Spill, each_spill, kilobytes};
use super::{
    Case, CasePlan, Category, Check, CheckMeta, Proposal, hash_spill, temp_spill_statement,
};
use crate::finding::{CheckId, Unit};
use crate::format;
use crate::plan::{HashAggregateSpill, Node};
use crate::snapshot::Area;
use crate::units::{Bytes, float};

/// Memory of a group beside its columns: the entry of the hash table, the tuple's header and the states of a few
/// aggregates (nodeAgg.c, `hash_agg_entry_size()`).
const GROUP_OVERHEAD: f64 = 128.0;

/// A table that spilled needs at least so many times the memory that it had.
const AT_LEAST: f64 = 2.0;

/// The check's id.
pub const ID: CheckId = CheckId::new("hashagg_spill");

static META: CheckMeta = CheckMeta {
    id: ID,
    title: "hash aggregate spill",
    summary: "the hash table of an aggregate writes temporary files",
    category: Category::Plan,
    needs: &[Area::Plans],
    thresholds: &[],
    page: include_str!("hashagg_spill.md"),
};

/// The check.
#[derive(Debug)]
pub struct HashaggSpill;

impl Check for HashaggSpill {
    fn meta(&self) -> &'static CheckMeta {
        &META
    }

    fn always_explains(&self) -> &'static [CheckId] {
        &[temp_spill_statement::ID]
    }

    fn run(&self, case: &Case<'_>, found: &mut Vec<Proposal>) {
        each_spill(case, found, look);
    }
}

/// What a node spills, where it does.
pub fn look(case: &Case<'_>, plan: &CasePlan<'_>, node: &Node) -> Option<Spill> {
    let spill = node.hash_aggregate_spill()?;
    let disk = kilobytes(spill.disk.get() / 1024);
    let formula = format!("({}) * 1024", plan.process_sum(node, "Disk Usage"));
    let groups = plan.metrics_of(node).kept.get();
    Some(Spill {
        title: format!(
            "hash aggregate spill: {} of temporary files",
            format::bytes(spill.disk)
        ),
        proof: plan.computed(
            "temporary files of the aggregate",
            disk,
            Unit::Bytes,
            formula,
        ),
        others: vec![plan.total("groups", groups, node, "Actual Rows")],
        needed: hash_spill::through_work_mem(case, needed(plan, node, spill)),
        instead: "group fewer rows: filter before, or let an index give the order of the groups",
        share: plan.own_share(node),
    })
}

/// The memory of all groups of one process at a time.
fn needed(plan: &CasePlan<'_>, node: &Node, spill: HashAggregateSpill) -> Bytes {
    let metrics = plan.metrics_of(node);
    let loops = metrics.loops.get().max(1.0);
    let groups = metrics.kept.get() / loops;
    let width = node.planned.map_or(0, |planned| planned.width);
    let table = groups * (float(width) + GROUP_OVERHEAD);
    Bytes::of(table.max(float(spill.peak_memory.get()) * AT_LEAST))
}
