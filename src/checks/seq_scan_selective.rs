//! `seq_scan_selective`: a whole table is read to keep a few of its rows.

use super::support::{
    Asks, Lookup, SELECTIVE, Scan, Selective, Told, Words, Wrap, advice, each_seq_scan,
    filter_facts, lookups, selective, special_index,
};
use super::{Case, CasePlan, Category, Check, CheckMeta, Proposal};
use crate::finding::{Action, CheckId, Recommendation};
use crate::format;
use crate::plan::Node;
use crate::snapshot::Area;

/// The check's id.
pub const ID: CheckId = CheckId::new("seq_scan_selective");

static META: CheckMeta = CheckMeta {
    id: ID,
    title: "selective seq scan",
    summary: "a sequential scan reads 10,000 rows or more and keeps at most 10 %",
    category: Category::Plan,
    needs: &[Area::Plans],
    thresholds: SELECTIVE,
    page: include_str!("seq_scan_selective.md"),
};

/// The check.
#[derive(Debug)]
pub struct SeqScanSelective;

impl Check for SeqScanSelective {
    fn meta(&self) -> &'static CheckMeta {
        &META
    }

    fn run(&self, case: &Case<'_>, found: &mut Vec<Proposal>) {
        each_seq_scan(case, found, selective, |case, plan, node, scan, rows| {
            Some(tell(case, plan, node, scan, rows))
        });
    }
}

fn tell<'a>(
    case: &Case<'a>,
    plan: &CasePlan<'a>,
    node: &Node,
    scan: &Scan<'a>,
    rows: Selective,
) -> Told {
    let title = format!(
        "selective seq scan on {}: {} of {} rows kept",
        scan.label(),
        format::count(rows.kept),
        format::count(rows.read),
    );
    Told {
        title,
        proof: rows.proof,
        others: vec![rows.other],
        advice: special(case, plan, node, scan).unwrap_or_else(|| index(scan)),
    }
}

/// The index that the filter needs where no condition of it asks for a btree on a bare column, about which
/// `missing_index` asks the planner, or asks for its bounds alone.
fn special(
    case: &Case<'_>,
    plan: &CasePlan<'_>,
    node: &Node,
    scan: &Scan<'_>,
) -> Option<Recommendation> {
    let table = scan.table?;
    let conditions = lookups(&filter_facts(case, plan, node)?, table);
    let bare = |asks: Asks| {
        let mut bare = conditions.iter().filter(|lookup| lookup.wrap == Wrap::Bare);
        bare.any(|lookup| lookup.asks == asks)
    };
    if bare(Asks::Equal) {
        return None;
    }
    // What a value contains narrows it down more than a bound does.
    let contained = |lookup: &&Lookup| {
        matches!(
            lookup.asks,
            Asks::Contains(_) | Asks::Element | Asks::Trigrams
        )
    };
    let of_bounds = bare(Asks::Range);
    conditions
        .iter()
        .filter(|lookup| !of_bounds || contained(lookup))
        .find_map(|lookup| special_index(case, plan, table, lookup))
}

fn index(scan: &Scan<'_>) -> Recommendation {
    let name = &scan.name;
    let summary = if scan.columns.is_empty() {
        format!("look for an index on {name} that its filter can use")
    } else {
        format!(
            "index {name} by what it filters: {}; a partial index where the condition never changes",
            scan.column_list()
        )
    };
    let words = Words {
        summary: &summary,
        expected: "reads the rows it keeps instead of the table; missing_index gives the planner's answer where it could be asked",
        risk: "every write of the table keeps one more index",
    };
    advice(Action::CreateIndex, words)
}
