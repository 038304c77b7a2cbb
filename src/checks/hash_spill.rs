//! `hash_spill`: the hash table of a join does not fit into memory.

use super::support::{Spill, each_spill, kilobytes};
use super::{Case, CasePlan, Category, Check, CheckMeta, Proposal, temp_spill_statement};
use crate::finding::{CheckId, Unit};
use crate::format;
use crate::plan::{Node, NodeType};
use crate::snapshot::Area;
use crate::units::{Bytes, float};

/// More than one batch means temporary files (nodeHash.c, `ExecChooseHashTableSize()`).
const IN_MEMORY: i64 = 1;

/// `hash_mem_multiplier`'s default from 15 on; before, 1.
const DEFAULT_MULTIPLIER: f64 = 2.0;

/// The check's id.
pub const ID: CheckId = CheckId::new("hash_spill");

static META: CheckMeta = CheckMeta {
    id: ID,
    title: "hash spill",
    summary: "the hash table of a join takes more than one batch",
    category: Category::Plan,
    needs: &[Area::Plans],
    thresholds: &[],
    page: include_str!("hash_spill.md"),
};

/// The check.
#[derive(Debug)]
pub struct HashSpill;

impl Check for HashSpill {
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
    if node.node_type != NodeType::Hash {
        return None;
    }
    let hash = node.hash.filter(|hash| hash.batches > IN_MEMORY)?;
    let peak = hash.peak_memory?;
    let whole = Bytes(peak.get().saturating_mul(hash.batches));
    let batches = float(hash.batches);
    let original = float(hash.original_batches);
    let memory = kilobytes(peak.get() / 1024);
    let formula = format!("{} * 1024", plan.term(node, "Peak Memory Usage"));
    let count = |label, value, key| plan.read(label, value, Unit::Count, node, key);
    Some(Spill {
        title: format!("hash spill: {} batches", format::count(batches)),
        proof: count("hash batches", batches, "Hash Batches"),
        others: vec![
            count(
                "batches that the planner expected",
                original,
                "Original Hash Batches",
            ),
            plan.computed("peak memory of a batch", memory, Unit::Bytes, formula),
        ],
        needed: through_work_mem(case, whole),
        instead: if hash.batches > hash.original_batches {
            "mend the estimate: the planner expected a smaller table"
        } else {
            "join fewer or narrower rows"
        },
        share: join_share(plan, node),
    })
}

/// The batches are written by the Hash and read back by the join above it.
pub fn join_share(plan: &CasePlan<'_>, node: &Node) -> f64 {
    let join = plan
        .plan
        .parent(node)
        .map_or(0.0, |join| plan.own_share(join));
    (plan.own_share(node) + join).min(1.0)
}

/// The `work_mem` that gives a hash table so much memory (`hash_mem_multiplier`, nodeHash.c `get_hash_memory_limit()`).
pub fn through_work_mem(case: &Case<'_>, memory: Bytes) -> Bytes {
    let setting = case.snapshot.settings.get("hash_mem_multiplier");
    let known = setting.and_then(|setting| setting.value.parse::<f64>().ok());
    let default = if case.snapshot.server.major() >= 15 {
        DEFAULT_MULTIPLIER
    } else {
        1.0
    };
    let multiplier = known.filter(|value| *value >= 1.0).unwrap_or(default);
    Bytes::of((float(memory.get()) / multiplier).ceil())
}
