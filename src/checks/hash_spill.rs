//! `hash_spill`: the hash table of a join does not fit into memory.

use super::support::{each_node, kilobytes, label, more_work_mem, subject};
use super::{Case, CasePlan, Category, Check, CheckMeta, Proposal, temp_spill_statement};
use crate::finding::{CheckId, Draft, Unit};
use crate::format;
use crate::plan::{Node, NodeType};
use crate::snapshot::Area;
use crate::units::{Bytes, float};

/// More than one batch means temporary files (nodeHash.c, `ExecChooseHashTableSize()`).
const IN_MEMORY: i64 = 1;

/// `hash_mem_multiplier`'s default from 15 on; before, 1.
const DEFAULT_MULTIPLIER: f64 = 2.0;

static META: CheckMeta = CheckMeta {
    id: CheckId::new("hash_spill"),
    title: "hash spill",
    summary: "the hash table of a join takes more than one batch",
    category: Category::Plan,
    needs: &[Area::Plans],
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
        each_node(case, found, propose);
    }
}

fn propose<'a>(case: &Case<'a>, plan: &CasePlan<'a>, node: &Node) -> Option<Proposal> {
    if node.node_type != NodeType::Hash {
        return None;
    }
    let hash = node.hash.filter(|hash| hash.batches > IN_MEMORY)?;
    let peak = hash.peak_memory?;
    let whole = Bytes(peak.get().saturating_mul(hash.batches));
    let instead = if hash.batches > hash.original_batches {
        "mend the estimate: the planner expected a smaller table"
    } else {
        "join fewer or narrower rows"
    };
    let advice = more_work_mem(case, plan, through_work_mem(case, whole), instead);
    let title = format!(
        "hash spill: {} batches in {}",
        format::count(float(hash.batches)),
        label(case.text(plan))
    );
    let batches = plan.read(
        "hash batches",
        float(hash.batches),
        Unit::Count,
        node,
        "Hash Batches",
    );
    let original = float(hash.original_batches);
    let memory = kilobytes(peak.get() / 1024);
    let formula = format!("{} * 1024", plan.term(node, "Peak Memory Usage"));
    let draft = Draft::new(subject(&case.shape(plan)), title, batches, advice)
        .with(plan.read(
            "batches that the planner expected",
            original,
            Unit::Count,
            node,
            "Original Hash Batches",
        ))
        .with(plan.computed("peak memory of a batch", memory, Unit::Bytes, formula));
    Some(case.of_node(plan, node, join_share(plan, node), draft))
}

/// The batches are written by the Hash and read back by the join above it.
fn join_share(plan: &CasePlan<'_>, node: &Node) -> f64 {
    let join = plan
        .plan
        .parent(node)
        .map_or(0.0, |join| plan.own_share(join));
    (plan.own_share(node) + join).min(1.0)
}

/// The `work_mem` that gives a hash table so much memory (`hash_mem_multiplier`, nodeHash.c `get_hash_memory_limit()`).
fn through_work_mem(case: &Case<'_>, memory: Bytes) -> Bytes {
    let setting = case.snapshot.settings.get("hash_mem_multiplier");
    let known = setting.and_then(|setting| setting.value.parse::<f64>().ok());
    let default = if case.snapshot.server.major() >= 15 {
        DEFAULT_MULTIPLIER
    } else {
        1.0
    };
    let multiplier = known.filter(|value| *value >= 1.0).unwrap_or(default);
    let bytes = (float(memory.get()) / multiplier).ceil();
    Bytes(whole(bytes))
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the cast saturates, and nothing larger than i64::MAX is advised"
)]
const fn whole(value: f64) -> i64 {
    value as i64
}
