//! `io_bound_statement`: a statement waits for blocks that are not in memory.

use super::support::{Counted, MATTERS, MEDIUM_SHARE, Words, advice, each_family};
use super::workload::{Family, Field};
use super::{Case, Category, Check, CheckMeta, Depth, Proposal, Threshold};
use crate::finding::{Action, CheckId, Evidence, Unit, Weight};
use crate::snapshot::Area;
use crate::units::{Millis, float, ratio};

/// Share of the execution time spent reading blocks: most of it.
static MIN_READ_SHARE: Threshold<f64> = Threshold {
    key: "io_bound_statement.min_read_share",
    default: 0.50,
    unit: Unit::Ratio,
    what: "share of the execution time spent reading blocks",
};

/// Blocks read a call: 8 MB at the usual block size.
static MIN_BLOCKS_PER_CALL: Threshold<f64> = Threshold {
    key: "io_bound_statement.min_blocks_per_call",
    default: 1_000.0,
    unit: Unit::Blocks,
    what: "blocks read a call",
};

/// Share of blocks found in shared buffers below which reads dominate, where read times are not tracked.
static MAX_HIT_RATIO: Threshold<f64> = Threshold {
    key: "io_bound_statement.max_hit_ratio",
    default: 0.90,
    unit: Unit::Ratio,
    what: "share of the blocks found in shared buffers, less than",
};

static META: CheckMeta = CheckMeta {
    id: CheckId::new("io_bound_statement"),
    title: "I/O bound",
    summary: "half of a statement's time goes into reading blocks, or it reads 1,000 blocks a call with a hit ratio below 90 %",
    category: Category::Workload,
    needs: &[Area::Statements, Area::StatementTexts, Area::IoTiming],
    thresholds: &[
        &MIN_READ_SHARE,
        &MIN_BLOCKS_PER_CALL,
        &MAX_HIT_RATIO,
        &MEDIUM_SHARE,
        &MATTERS,
    ],
    page: include_str!("io_bound_statement.md"),
};

/// The check.
#[derive(Debug)]
pub struct IoBoundStatement;

impl Check for IoBoundStatement {
    fn meta(&self) -> &'static CheckMeta {
        &META
    }

    fn depth(&self) -> Depth {
        Depth::Resource
    }

    fn run(&self, case: &Case<'_>, found: &mut Vec<Proposal>) {
        each_family(case, found, look);
    }
}

fn look(case: &Case<'_>, family: &Family) -> Option<Counted> {
    let (proof, part) = by_time(case, family).or_else(|| by_blocks(case, family))?;
    // After a restart every block is read once: a short wait is no reason to look at a statement.
    let waited = Millis(family.time().get() * part);
    let share = case.workload.share(waited).unwrap_or_default();
    if waited < MATTERS.of(case) && share < MEDIUM_SHARE.of(case) {
        return None;
    }
    let words = Words {
        summary: "read fewer blocks (an index on what it filters by), or keep them in memory (shared_buffers)",
        expected: "at most the time spent reading; the findings about its plan say which index",
        risk: "more shared_buffers take memory from the file system cache and need a restart",
    };
    Some(Counted {
        title: "I/O bound:".to_owned(),
        proof,
        counters: &[
            ("shared blocks read", Field::SharedRead, Unit::Blocks),
            ("shared blocks hit", Field::SharedHit, Unit::Blocks),
            ("calls", Field::Calls, Unit::Calls),
        ],
        part,
        weight: Weight::Workload,
        advice: advice(Action::Investigate, words),
    })
}

fn by_time(case: &Case<'_>, family: &Family) -> Option<(Evidence, f64)> {
    let proof = share_reading(case, family)?;
    // Parallel workers' read times add up beyond the wall time of the statement.
    let part = proof.value.min(1.0);
    (part >= MIN_READ_SHARE.of(case)).then_some((proof, part))
}

/// Known where read times are tracked.
fn share_reading(case: &Case<'_>, family: &Family) -> Option<Evidence> {
    let fields = (Field::SharedReadTime, Field::ExecTime);
    let label = "share of the execution time spent reading blocks";
    family.quotient(&case.workload, label, fields, Unit::Ratio)
}

fn by_blocks(case: &Case<'_>, family: &Family) -> Option<(Evidence, f64)> {
    let workload = &case.workload;
    let read = family.sum(workload, Field::SharedRead)?;
    let hit = family.sum(workload, Field::SharedHit)?;
    let hits = ratio(hit, hit + read)?;
    if read < MIN_BLOCKS_PER_CALL.of(case) * float(family.calls()) || hits >= MAX_HIT_RATIO.of(case)
    {
        return None;
    }
    let fields = (Field::SharedRead, Field::Calls);
    let label = "shared blocks read a call";
    let proof = family.quotient(workload, label, fields, Unit::Blocks)?;
    // What was measured says how long it waited; blocks alone say so only roughly.
    let measured = share_reading(case, family).map(|proof| proof.value);
    Some((proof, measured.unwrap_or(1.0 - hits).min(1.0)))
}
