//! `temp_spill_statement`: a statement writes temporary files.

use super::support::{Counted, Words, advice, each_family};
use super::workload::{Family, Field};
use super::{Case, Category, Check, CheckMeta, Depth, Proposal, Threshold};
use crate::finding::{Action, CheckId, Unit, Weight};
use crate::format;
use crate::snapshot::Area;
use crate::units::{Bytes, float};

/// Temporary blocks written a call: 8 MB at the usual block size, twice `work_mem`'s default.
static MIN_BLOCKS_PER_CALL: Threshold<f64> = Threshold {
    key: "temp_spill_statement.min_blocks_per_call",
    default: 1_000.0,
    unit: Unit::Blocks,
    what: "temporary blocks written a call",
};

static MIN_BYTES: Threshold<Bytes> = Threshold {
    key: "temp_spill_statement.min_bytes",
    default: Bytes(1 << 30),
    unit: Unit::Bytes,
    what: "temporary files written in the window, however little a call writes",
};

/// The check's id.
pub const ID: CheckId = CheckId::new("temp_spill_statement");

static META: CheckMeta = CheckMeta {
    id: ID,
    title: "temporary files",
    summary: "a statement writes 1,000 temporary blocks a call, or 1 GiB in the window",
    category: Category::Workload,
    needs: &[Area::Statements, Area::StatementTexts],
    thresholds: &[&MIN_BLOCKS_PER_CALL, &MIN_BYTES],
    page: include_str!("temp_spill_statement.md"),
};

/// The check.
#[derive(Debug)]
pub struct TempSpillStatement;

impl Check for TempSpillStatement {
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
    let workload = &case.workload;
    let written = family.sum(workload, Field::TempWritten)?;
    let block = float(case.snapshot.server.block_size.get());
    let often = written >= MIN_BLOCKS_PER_CALL.of(case) * float(family.calls()) && written > 0.0;
    if !often && written * block < float(MIN_BYTES.of(case).get()) {
        return None;
    }
    let words = Words {
        summary: "raise work_mem for this statement or its role, or let an index give the order it sorts into",
        expected: "the writing and reading back of its temporary files; sort_spill and hash_spill say how much memory that takes",
        risk: "work_mem is taken by each sort and hash of each running statement: never raise it for the whole server unweighed",
    };
    let proof = family.quotient(
        workload,
        "temporary blocks written a call",
        (Field::TempWritten, Field::Calls),
        Unit::Blocks,
    )?;
    let size = format::bytes(Bytes::of(proof.value * block));
    Some(Counted {
        title: format!("temporary files: {size} written a call in"),
        proof,
        counters: &[
            ("temporary blocks written", Field::TempWritten, Unit::Blocks),
            ("calls", Field::Calls, Unit::Calls),
        ],
        part: 1.0,
        weight: Weight::Workload,
        advice: advice(Action::ChangeSetting, words),
    })
}
