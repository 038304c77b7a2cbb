//! `sort_spill`: a sort does not fit into `work_mem` and goes through temporary files.

use super::support::{each_node, kilobytes, more_work_mem, subject};
use super::{Case, CasePlan, Category, Check, CheckMeta, Proposal, temp_spill_statement};
use crate::finding::{CheckId, Draft, Evidence, Unit};
use crate::format;
use crate::plan::{Node, NodeType, SortGroups, SortUsage, SpaceType};
use crate::snapshot::Area;
use crate::units::Bytes;

/// Memory that a sort takes for each byte of its temporary files: on tape a tuple has no `SortTuple` (24 bytes) and no
/// allocation overhead (tuplesort.c, `writetup_heap()`), so narrow rows take up to three times as much in memory.
const MEMORY_PER_TAPE_BYTE: i64 = 3;

static META: CheckMeta = CheckMeta {
    id: CheckId::new("sort_spill"),
    title: "sort spill",
    summary: "a sort writes temporary files",
    category: Category::Plan,
    needs: &[Area::Plans],
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
        each_node(case, found, propose);
    }
}

fn propose<'a>(case: &Case<'a>, plan: &CasePlan<'a>, node: &Node) -> Option<Proposal> {
    if !matches!(node.node_type, NodeType::Sort | NodeType::IncrementalSort) {
        return None;
    }
    let spills = spills(plan, node);
    let largest = spills.iter().map(|spill| spill.bytes.get()).max()?;
    let needed = Bytes(largest.saturating_mul(MEMORY_PER_TAPE_BYTE));
    let total = Bytes(spills.iter().map(|spill| spill.bytes.get()).sum());
    let advice = more_work_mem(
        case,
        plan,
        needed,
        "let an index on the sort key give the order",
    );
    let title = format!(
        "sort spill: {} of temporary files in {}",
        format::bytes(total),
        super::support::label(case.text(plan))
    );
    let mut evidence = spills.into_iter().map(|spill| spill.evidence);
    let mut draft = Draft::new(subject(&case.shape(plan)), title, evidence.next()?, advice);
    for more in evidence {
        draft = draft.with(more);
    }
    let kept = plan.metrics_of(node).kept.get();
    draft = draft.with(plan.total("rows sorted", kept, node, "Actual Rows"));
    Some(case.of_node(plan, node, plan.own_share(node), draft))
}

struct Spill {
    bytes: Bytes,
    evidence: Evidence,
}

fn spills(plan: &CasePlan<'_>, node: &Node) -> Vec<Spill> {
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
        found.extend(on_disk(
            &format!("/Workers/{place}"),
            worker.sort.as_ref(),
            groups,
        ));
    }
    let spill = |(bytes, key): (Bytes, String)| Spill {
        bytes,
        evidence: evidence(plan, node, bytes, &key),
    };
    found.into_iter().map(spill).collect()
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
    plan.computed("temporary files of the sort", value, Unit::Bytes, formula)
}
