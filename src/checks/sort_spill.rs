//! `sort_spill`: a sort does not fit into `work_mem` and goes through temporary files.

use super::support::{Spill, each_spill, kilobytes};
use super::{Case, CasePlan, Category, Check, CheckMeta, Proposal, temp_spill_statement};
use crate::finding::{CheckId, Evidence, Unit};
use crate::format;
use crate::plan::{Node, NodeType, SortGroups, SortUsage, SpaceType};
use crate::snapshot::Area;
use crate::units::Bytes;

/// Memory that a sort takes for each byte of its temporary files: on tape a tuple has no `SortTuple` (24 bytes) and no
/// allocation overhead (tuplesort.c, `writetup_heap()`), so narrow rows take up to three times as much in memory.
const MEMORY_PER_TAPE_BYTE: i64 = 3;

/// The check's id.
pub const ID: CheckId = CheckId::new("sort_spill");

static META: CheckMeta = CheckMeta {
    id: ID,
    title: "sort spill",
    summary: "a sort writes temporary files",
    category: Category::Plan,
    needs: &[Area::Plans],
    thresholds: &[],
    page: include_str!("sort_spill.md"),
};

/// The check.
#[derive(Debug)]
pub struct SortSpill;

impl Check for SortSpill {
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
pub fn look(_: &Case<'_>, plan: &CasePlan<'_>, node: &Node) -> Option<Spill> {
    if !matches!(node.node_type, NodeType::Sort | NodeType::IncrementalSort) {
        return None;
    }
    let files = files(node);
    let sizes = || files.iter().map(|(bytes, _)| bytes.get());
    let needed = sizes().max()?.saturating_mul(MEMORY_PER_TAPE_BYTE);
    let total = Bytes(sizes().sum());
    let kept = plan.metrics_of(node).kept.get();
    let mut numbers = files
        .iter()
        .map(|(bytes, key)| evidence(plan, node, *bytes, key));
    let proof = numbers.next()?;
    let sorted = plan.total("rows sorted", kept, node, "Actual Rows");
    Some(Spill {
        title: format!("sort spill: {} of temporary files", format::bytes(total)),
        proof,
        others: numbers.chain([sorted]).collect(),
        needed: Bytes(needed),
        instead: "let an index on the sort key give the order",
        share: plan.own_share(node),
    })
}

/// The temporary files of the leader and of each worker: how large, and under which key that stands.
fn files(node: &Node) -> Vec<(Bytes, String)> {
    let groups = [
        node.full_sort_groups.as_ref(),
        node.presorted_groups.as_ref(),
    ];
    let mut found = on_disk("", node.sort.as_ref(), groups);
    for (place, worker) in node.workers.iter().enumerate() {
        let groups = [
            worker.full_sort_groups.as_ref(),
            worker.presorted_groups.as_ref(),
        ];
        let path = format!("/Workers/{place}");
        found.extend(on_disk(&path, worker.sort.as_ref(), groups));
    }
    found
}

/// What the leader, or the worker at `path` below the node, wrote to disk, and under which key.
fn on_disk(
    path: &str,
    sort: Option<&SortUsage>,
    groups: [Option<&SortGroups>; 2],
) -> Vec<(Bytes, String)> {
    let whole = sort.and_then(|sort| {
        let on_disk = sort.space_type == Some(SpaceType::Disk);
        let bytes = sort.space_used.filter(|_| on_disk)?;
        Some((bytes, format!("{path}/Sort Space Used")))
    });
    let names = ["Full-sort Groups", "Pre-sorted Groups"];
    let grouped = groups.into_iter().zip(names).filter_map(|(group, name)| {
        let disk = group?.disk.as_ref()?;
        let key = format!("{path}/{name}/Sort Space Disk/Peak Sort Space Used");
        Some((disk.peak, key))
    });
    whole.into_iter().chain(grouped).collect()
}

/// EXPLAIN prints kilobytes (explain.c, `show_sort_info()`).
fn evidence(plan: &CasePlan<'_>, node: &Node, bytes: Bytes, key: &str) -> Evidence {
    let pointer = format!("/plans/{}/plan{}{key}", plan.place, node.pointer());
    let formula = format!("{{{pointer}}} * 1024");
    let value = kilobytes(bytes.get() / 1024);
    let worker = key
        .strip_prefix("/Workers/")
        .and_then(|rest| rest.split('/').next());
    let label = match worker {
        Some(worker) => format!("temporary files of worker {worker}'s part"),
        None => "temporary files of the sort".to_owned(),
    };
    plan.computed(&label, value, Unit::Bytes, formula)
}
