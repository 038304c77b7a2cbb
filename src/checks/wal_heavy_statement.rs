//! `wal_heavy_statement`: one statement writes much of the write-ahead log.

use super::support::{Counted, Words, advice, each_family};
use super::workload::{Family, Field};
use super::{Case, Category, Check, CheckMeta, Depth, Proposal, Threshold};
use crate::finding::{Action, CheckId, Severity, Unit, Weight};
use crate::format;
use crate::snapshot::Area;
use crate::units::{Bytes, float, ratio};

static MIN_SHARE: Threshold<f64> = Threshold {
    key: "wal_heavy_statement.min_share",
    default: 0.25,
    unit: Unit::Ratio,
    what: "share of the write-ahead log of all statements",
};

/// What must be written in the window at least: one segment as `initdb` makes them. Of less, some statement always
/// writes the most.
static MIN_BYTES: Threshold<Bytes> = Threshold {
    key: "wal_heavy_statement.min_bytes",
    default: Bytes(16 << 20),
    unit: Unit::Bytes,
    what: "write-ahead log written in the window",
};

static META: CheckMeta = CheckMeta {
    id: CheckId::new("wal_heavy_statement"),
    title: "much WAL",
    summary: "a statement writes a quarter of the write-ahead log, and a segment at least",
    category: Category::Workload,
    needs: &[Area::Statements, Area::StatementTexts],
    thresholds: &[&MIN_SHARE, &MIN_BYTES],
    page: include_str!("wal_heavy_statement.md"),
};

/// The check.
#[derive(Debug)]
pub struct WalHeavyStatement;

impl Check for WalHeavyStatement {
    fn meta(&self) -> &'static CheckMeta {
        &META
    }

    fn depth(&self) -> Depth {
        Depth::Resource
    }

    fn run(&self, case: &Case<'_>, found: &mut Vec<Proposal>) {
        let Some(all) = case.workload.of_all(Field::WalBytes) else {
            return;
        };
        each_family(case, found, |case, family| look(case, family, &all));
    }
}

fn look(case: &Case<'_>, family: &Family, (all, all_term): &(f64, String)) -> Option<Counted> {
    let workload = &case.workload;
    let bytes = family.sum(workload, Field::WalBytes)?;
    let share = ratio(bytes, *all)?;
    if !family.toplevel() || share < MIN_SHARE.of(case) || bytes < float(MIN_BYTES.of(case).get()) {
        return None;
    }
    let term = family.term(workload, Field::WalBytes)?;
    let pages = family.sum(workload, Field::WalPages)?;
    let page = float(case.snapshot.server.block_size.get());
    let summary = if 2.0 * pages * page >= bytes {
        "most of it is full page images, which the first change of a page after each checkpoint writes: make checkpoints rarer (max_wal_size, checkpoint_timeout), and let writes touch fewer pages"
    } else {
        "write fewer rows, or cheaper ones: several rows a statement, only columns that change, and only indexes that are used"
    };
    let words = Words {
        summary,
        expected: "less to write, to archive and to replicate; unknown how much until it is tried",
        risk: "rarer checkpoints make the recovery after a crash take longer",
    };
    Some(Counted {
        title: format!("much WAL: {} written by", format::bytes(Bytes::of(bytes))),
        proof: workload.counted(
            "share of the write-ahead log",
            share,
            Unit::Ratio,
            format!("{term} / {all_term}"),
        ),
        counters: &[
            ("bytes of write-ahead log", Field::WalBytes, Unit::Bytes),
            ("full page images", Field::WalPages, Unit::Count),
            ("calls", Field::Calls, Unit::Calls),
        ],
        part: 1.0,
        // Some statement always writes the most, and how long that takes is not counted.
        weight: Weight::AtMost(Severity::Low),
        advice: advice(Action::Investigate, words),
    })
}
