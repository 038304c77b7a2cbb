//! `hash_batches_grew`: a hash table turned out larger than planned while it was filled.

use super::support::{Seen, Words, advice, each_seen, subject};
use super::{Case, CasePlan, Category, Check, CheckMeta, Proposal, hash_spill, row_misestimate};
use crate::finding::{Action, Cause, CheckId, Recommendation, Unit};
use crate::format;
use crate::plan::{HashUsage, Node, NodeType};
use crate::snapshot::Area;
use crate::units::float;

static META: CheckMeta = CheckMeta {
    id: CheckId::new("hash_batches_grew"),
    title: "hash batches grew",
    summary: "the hash table of a join takes more batches than the planner expected",
    category: Category::Plan,
    needs: &[Area::Plans],
    thresholds: &[],
    page: include_str!("hash_batches_grew.md"),
};

/// The check.
#[derive(Debug)]
pub struct HashBatchesGrew;

impl Check for HashBatchesGrew {
    fn meta(&self) -> &'static CheckMeta {
        &META
    }

    fn run(&self, case: &Case<'_>, found: &mut Vec<Proposal>) {
        each_seen(case, found, look);
    }
}

fn look(case: &Case<'_>, plan: &CasePlan<'_>, node: &Node) -> Option<Seen> {
    if node.node_type != NodeType::Hash {
        return None;
    }
    let hash = node
        .hash
        .filter(|hash| hash.batches > hash.original_batches)?;
    let rows = |label, value, key| plan.read(label, value, Unit::Rows, node, key);
    let count = |label, value, key| plan.read(label, float(value), Unit::Count, node, key);
    let expected = node.planned?.rows.per_loop().get();
    let arrived = node.actual?.rows.per_loop().get();
    let spill = Cause {
        check: hash_spill::ID,
        subject: subject(&case.shape(plan)),
    };
    let estimate = row_misestimate::underestimate(case, plan, node);
    Some(Seen {
        title: title(hash),
        proof: count("hash batches", hash.batches, "Hash Batches"),
        others: vec![
            count(
                "batches that the planner expected",
                hash.original_batches,
                "Original Hash Batches",
            ),
            rows("rows expected a loop", expected, "Plan Rows"),
            rows("rows that came a loop", arrived, "Actual Rows"),
        ],
        advice: mend(
            &plan
                .plan
                .label(plan.plan.inputs(node).next().unwrap_or(node)),
        ),
        share: hash_spill::join_share(plan, node),
        causes: estimate.into_iter().chain([spill]).collect(),
        at_most: None,
    })
}

fn title(hash: HashUsage) -> String {
    format!(
        "hash batches grew: {} became {}",
        format::count(float(hash.original_batches)),
        format::count(float(hash.batches))
    )
}

fn mend(input: &str) -> Recommendation {
    let summary = format!(
        "mend the row estimate of {input}, or give the hash memory (work_mem): the planner expected a smaller table"
    );
    let words = Words {
        summary: &summary,
        expected: "a hash of the smaller side, as many batches as needed from the start, or none",
        risk: "a better estimate may change other plans of the table, too",
    };
    advice(Action::CreateStatistics, words)
}
