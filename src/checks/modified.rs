//! How much of a table was modified since its last ANALYZE.

use super::TableRef;
use crate::finding::Formula;
use crate::snapshot::TableCounters;
use crate::units::{float, ratio};

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

/// What the counters say of a table; `None` without counters or live rows.
///
/// A session reports its counters some time after its transactions (pgstat.c, `PGSTAT_MIN_INTERVAL`), but VACUUM and
/// ANALYZE set theirs at once. What a session loads and then analyses is so counted twice: as live by ANALYZE, and
/// again as live and modified when the session's own report comes. Then only the rows that came since ANALYZE count.
pub fn since_analyze(table: TableRef<'_>) -> Option<Modified> {
    let counters = table.table.counters?;
    let at = |key: &str| Formula::at(&table.pointer(key));
    let analyzed = table.table.tuples.filter(|_| counted_twice(counters));
    let (modified, live, modified_term, live_term) = if let Some(analyzed) = analyzed {
        let there = float(counters.n_tup_ins - counters.n_tup_del);
        let live_term = format!(
            "({} - {})",
            at("/counters/n_tup_ins"),
            at("/counters/n_tup_del")
        );
        let came_term = format!("({live_term} - {})", at("/tuples"));
        (there - analyzed.get(), there, came_term, live_term)
    } else {
        let modified = float(counters.n_mod_since_analyze);
        let live = float(counters.n_live_tup);
        (
            modified,
            live,
            at("/counters/n_mod_since_analyze"),
            at("/counters/n_live_tup"),
        )
    };
    Some(Modified {
        share: ratio(modified, live)?,
        share_formula: Formula::new(format!("{modified_term} / {live_term}")),
        live,
        live_formula: Formula::new(live_term),
    })
}

/// Whether more rows live than were ever inserted, by no more than both the inserted and the modified ones. (By more
/// than that a table is older than its counters.)
fn counted_twice(counters: TableCounters) -> bool {
    let excess = counters.n_live_tup - (counters.n_tup_ins - counters.n_tup_del);
    excess > 0 && excess <= counters.n_tup_ins && excess <= counters.n_mod_since_analyze
}
