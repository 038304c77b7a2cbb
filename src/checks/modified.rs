//! How much of a table was modified since its last ANALYZE.

use super::TableRef;
use crate::finding::{Formula, Term};
use crate::snapshot::TableCounters;
use crate::units::{Rows, float, ratio};

/// What was modified, and of how many rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Modified {
    /// Modified rows over live ones; negative where fewer came than went.
    pub share: f64,
    /// The same over the capture.
    pub share_formula: Formula,
    /// Live rows.
    pub live: f64,
    /// The same over the capture.
    pub live_formula: Formula,
}

/// A row count that ANALYZE took from a sample is off by no more than this share.
const SAMPLING_ERROR: f64 = 0.1;

/// What the counters say of a table; `None` without counters or live rows.
///
/// A session reports its counters some time after its transactions (pgstat.c, `PGSTAT_MIN_INTERVAL`), but VACUUM and
/// ANALYZE set theirs at once. What a session loads and then analyses so counts as modified since, although it is not,
/// and may be counted twice as live. Where the counters cover the table's life, they bound what can have been modified.
pub fn since_analyze(table: TableRef<'_>) -> Option<Modified> {
    let counters = table.table.counters?;
    let term = |value: i64, key: &str| {
        Term::read(float(value), &table.pointer(&format!("/counters/{key}")))
    };
    let there = term(counters.n_tup_ins, "n_tup_ins").minus(&term(counters.n_tup_del, "n_tup_del"));
    let counted_live = term(counters.n_live_tup, "n_live_tup");
    let counted = term(counters.n_mod_since_analyze, "n_mod_since_analyze");
    let analyzed = table.table.tuples.map(Rows::get);
    let analyzed = analyzed.filter(|rows| there.value >= rows * (1.0 - SAMPLING_ERROR));
    let (modified, live) = match analyzed {
        None => (counted, counted_live),
        Some(rows) => {
            let came = there.minus(&Term::read(rows, &table.pointer("/tuples")));
            let changed = term(counters.n_tup_upd, "n_tup_upd")
                .plus(&Term::number(2.0).times(&term(counters.n_tup_del, "n_tup_del")));
            let most = if counted_twice(counters) {
                came
            } else {
                came.plus(&changed)
            };
            (counted.min(&most), counted_live.min(&there))
        }
    };
    Some(Modified {
        share: ratio(modified.value, live.value)?,
        share_formula: modified.over(&live).formula(),
        live: live.value,
        live_formula: live.formula(),
    })
}

/// Whether more rows live than were ever inserted, by no more than both the inserted and the modified ones.
fn counted_twice(counters: TableCounters) -> bool {
    let excess = counters.n_live_tup - (counters.n_tup_ins - counters.n_tup_del);
    excess > 0 && excess <= counters.n_tup_ins && excess <= counters.n_mod_since_analyze
}
