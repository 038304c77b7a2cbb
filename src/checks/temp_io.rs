//! `temp_io`: a plan writes temporary files.

use super::support::{Seen, more_work_mem, subject};
use super::{
    Case, CasePlan, Category, Check, CheckMeta, Proposal, cte_fence_filter, hash_spill,
    hashagg_spill, not_in_unhashed, sort_spill, temp_spill_statement,
};
use crate::finding::{Cause, CheckId, Unit};
use crate::format;
use crate::plan::{Node, NodeType, Relationship, Strategy};
use crate::snapshot::Area;
use crate::units::{Blocks, Bytes, float};

/// Rows take more memory than they take in a file: each has a header and a pointer, and is rounded up.
const MEMORY_PER_BYTE: f64 = 3.0;

static META: CheckMeta = CheckMeta {
    id: CheckId::new("temp_io"),
    title: "temporary files in a plan",
    summary: "a plan writes temporary files",
    category: Category::Plan,
    needs: &[Area::Plans],
    thresholds: &[],
    page: include_str!("temp_io.md"),
};

/// The check.
#[derive(Debug)]
pub struct TempIo;

impl Check for TempIo {
    fn meta(&self) -> &'static CheckMeta {
        &META
    }

    fn always_explains(&self) -> &'static [CheckId] {
        &[temp_spill_statement::ID]
    }

    fn run(&self, case: &Case<'_>, found: &mut Vec<Proposal>) {
        let plans = case.plans.iter().filter(|plan| plan.is_analyzed());
        found.extend(plans.filter_map(|plan| propose(case, plan)));
    }
}

fn propose(case: &Case<'_>, plan: &CasePlan<'_>) -> Option<Proposal> {
    let root = plan.plan.root();
    let written = written(root).filter(|blocks| *blocks > 0.0)?;
    let writers = writers(plan);
    let first = writers.first().copied().unwrap_or(root);
    let subject = subject(&case.shape(plan));
    let spills = writers.iter().filter_map(|node| spill(node));
    let causes = spills.map(|check| Cause {
        check,
        subject: subject.clone(),
    });
    let needed = writers
        .iter()
        .filter_map(|node| needed(case, plan, node))
        .max_by_key(|bytes| bytes.get())
        .unwrap_or_else(|| in_memory(case, written));
    let blocks = |label: &str, value, node| {
        plan.read(label, value, Unit::Blocks, node, "Temp Written Blocks")
    };
    let within = self::written(first).unwrap_or_default();
    let seen = Seen {
        title: format!(
            "temporary files in a plan: {} blocks written by {}",
            format::count(written),
            plan.plan.label(first)
        ),
        proof: blocks("temporary blocks written", written, root),
        others: vec![blocks(
            "temporary blocks written by that node and below it",
            within,
            first,
        )],
        advice: more_work_mem(case, plan, needed, "keep fewer or narrower rows"),
        share: writers
            .iter()
            .map(|node| plan.own_share(node))
            .sum::<f64>()
            .min(1.0),
        causes: causes.collect(),
        at_most: None,
    };
    Some(seen.proposal(case, plan, first))
}

fn written(node: &Node) -> Option<f64> {
    let temp = node.buffers?.temp;
    Some(float(temp.written.get()))
}

/// The memory that so many blocks of rows take.
fn in_memory(case: &Case<'_>, written: f64) -> Bytes {
    let block_size = case.snapshot.server.block_size;
    Bytes::of(written * float(block_size.get()) * MEMORY_PER_BYTE)
}

/// The `work_mem` with which a node would write nothing: what the check advises that explains its files, else by their
/// size.
fn needed(case: &Case<'_>, plan: &CasePlan<'_>, node: &Node) -> Option<Bytes> {
    let spill = match spill(node) {
        Some(sort_spill::ID) => sort_spill::look(case, plan, node),
        Some(hashagg_spill::ID) => hashagg_spill::look(case, plan, node),
        Some(hash_spill::ID) => {
            let inner = plan.plan.child(node, &Relationship::Inner);
            hash_spill::look(case, plan, inner.unwrap_or(node))
        }
        _ => None,
    };
    match spill {
        Some(spill) => Some(spill.needed),
        None => Some(in_memory(case, float(own_written(plan, node)?.get()))),
    }
}

/// The temporary blocks that a node wrote itself.
fn own_written(plan: &CasePlan<'_>, node: &Node) -> Option<Blocks> {
    let buffers = plan.metrics_of(node).self_buffers?;
    Some(buffers.temp.written)
}

/// The nodes that wrote, the one that wrote most first.
fn writers<'p>(plan: &'p CasePlan<'_>) -> Vec<&'p Node> {
    let own = |node: &Node| own_written(plan, node).unwrap_or(Blocks(0));
    let wrote = plan.plan.nodes().filter(|node| own(node) > Blocks(0));
    let mut writers: Vec<&Node> = wrote.collect();
    writers.sort_by_key(|node| std::cmp::Reverse(own(node).get()));
    writers
}

/// The check that says why such a node writes.
fn spill(node: &Node) -> Option<CheckId> {
    match node.node_type {
        NodeType::CteScan => Some(cte_fence_filter::ID),
        NodeType::Materialize if node.relationship == Some(Relationship::SubPlan) => {
            Some(not_in_unhashed::ID)
        }
        NodeType::Sort | NodeType::IncrementalSort => Some(sort_spill::ID),
        NodeType::Hash | NodeType::HashJoin => Some(hash_spill::ID),
        NodeType::Aggregate if node.strategy != Some(Strategy::Plain) => Some(hashagg_spill::ID),
        _ => None,
    }
}
