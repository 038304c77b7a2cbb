//! The list of checks, and the choice among them.

use std::collections::BTreeSet;

use thiserror::Error;

use super::{
    Check, broken_statement, cartesian_product, chatty_statement, cost_regression,
    cte_fence_filter, deep_offset, disabled_node, dominant_statement, function_scan_default_rows,
    hash_batches_grew, hash_spill, hashagg_spill, heap_fetches_high, implicit_cast,
    index_filter_inefficient, insert_loop, io_bound_statement, jit_overhead, large_result,
    leading_wildcard_like, limit_ordered_index_filter, lossy_bitmap, lost_index,
    memoize_ineffective, missing_index, n_plus_one, nested_loop_join_filter,
    nested_loop_many_loops, non_sargable_predicate, not_in_unhashed, parameter_sensitive_plan,
    partitions_not_pruned, plan_time_heavy, planning_dominant, read_inefficient,
    recheck_false_positives, repeated_lookup, repeated_seq_scan, row_misestimate,
    seq_scan_selective, slow_statement, sort_spill, stale_allow, stale_stats, subplan_per_row,
    temp_io, temp_spill_statement, topn_sort_large_input, trigger_time, unindexed_foreign_key,
    unservable_predicate, unstable_statement, wal_heavy_statement, workers_not_launched,
};
use crate::finding::CheckId;

/// Every check, in the order of the documentation. The only list of ids.
pub static CHECKS: &[&dyn Check] = &[
    &dominant_statement::DominantStatement,
    &slow_statement::SlowStatement,
    &io_bound_statement::IoBoundStatement,
    &temp_spill_statement::TempSpillStatement,
    &large_result::LargeResult,
    &unstable_statement::UnstableStatement,
    &wal_heavy_statement::WalHeavyStatement,
    &plan_time_heavy::PlanTimeHeavy,
    &n_plus_one::NPlusOne,
    &chatty_statement::ChattyStatement,
    &insert_loop::InsertLoop,
    &repeated_lookup::RepeatedLookup,
    &seq_scan_selective::SeqScanSelective,
    &non_sargable_predicate::NonSargablePredicate,
    &implicit_cast::ImplicitCast,
    &leading_wildcard_like::LeadingWildcardLike,
    &repeated_seq_scan::RepeatedSeqScan,
    &index_filter_inefficient::IndexFilterInefficient,
    &limit_ordered_index_filter::LimitOrderedIndexFilter,
    &heap_fetches_high::HeapFetchesHigh,
    &lossy_bitmap::LossyBitmap,
    &recheck_false_positives::RecheckFalsePositives,
    &row_misestimate::RowMisestimate,
    &function_scan_default_rows::FunctionScanDefaultRows,
    &sort_spill::SortSpill,
    &hash_spill::HashSpill,
    &hash_batches_grew::HashBatchesGrew,
    &hashagg_spill::HashaggSpill,
    &temp_io::TempIo,
    &nested_loop_many_loops::NestedLoopManyLoops,
    &nested_loop_join_filter::NestedLoopJoinFilter,
    &cartesian_product::CartesianProduct,
    &memoize_ineffective::MemoizeIneffective,
    &subplan_per_row::SubplanPerRow,
    &not_in_unhashed::NotInUnhashed,
    &cte_fence_filter::CteFenceFilter,
    &stale_stats::StaleStats,
    &deep_offset::DeepOffset,
    &partitions_not_pruned::PartitionsNotPruned,
    &read_inefficient::ReadInefficient,
    &workers_not_launched::WorkersNotLaunched,
    &disabled_node::DisabledNode,
    &unservable_predicate::UnservablePredicate,
    &topn_sort_large_input::TopnSortLargeInput,
    &trigger_time::TriggerTime,
    &jit_overhead::JitOverhead,
    &planning_dominant::PlanningDominant,
    &parameter_sensitive_plan::ParameterSensitivePlan,
    &missing_index::MissingIndex,
    &unindexed_foreign_key::UnindexedForeignKey,
    &broken_statement::BrokenStatement,
    &lost_index::LostIndex,
    &cost_regression::CostRegression,
    &stale_allow::StaleAllow,
];

/// The check of that id.
pub fn find(id: &str) -> Option<&'static dyn Check> {
    CHECKS
        .iter()
        .copied()
        .find(|check| check.meta().id.as_str() == id)
}

/// The ids of all checks, in their order.
pub fn ids() -> impl Iterator<Item = &'static str> {
    CHECKS.iter().map(|check| check.meta().id.as_str())
}

/// An id that is no check's.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("unknown check {id:?}{}; pgtriage rules lists all", nearest(.id, ids(), SLIP))]
pub struct UnknownCheck {
    /// The id.
    pub id: String,
}

/// Which checks run.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Selection {
    only: BTreeSet<CheckId>,
    skip: BTreeSet<CheckId>,
}

impl Selection {
    /// Only those of `only` (all if it is empty), without those of `skip`.
    ///
    /// # Errors
    /// The first id that is no check's.
    pub fn new<'a>(
        only: impl IntoIterator<Item = &'a str>,
        skip: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, UnknownCheck> {
        Ok(Self {
            only: known(only)?,
            skip: known(skip)?,
        })
    }

    /// Whether the check runs.
    pub fn includes(&self, id: CheckId) -> bool {
        (self.only.is_empty() || self.only.contains(&id)) && !self.skip.contains(&id)
    }
}

fn known<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<BTreeSet<CheckId>, UnknownCheck> {
    names
        .into_iter()
        .map(|name| {
            find(name.trim())
                .map(|check| check.meta().id)
                .ok_or_else(|| UnknownCheck {
                    id: name.to_owned(),
                })
        })
        .collect()
}

/// Edits that a slip of the keyboard makes at most.
const SLIP: usize = 3;

/// The known name that is the fewest edits away, as a question in parentheses; empty where all are more than `most`.
pub(super) fn nearest<'k>(
    name: &str,
    known: impl IntoIterator<Item = &'k str>,
    most: usize,
) -> String {
    known
        .into_iter()
        .map(|known| (distance(name, known), known))
        .min()
        .filter(|(edits, _)| *edits <= most)
        .map(|(_, known)| format!(" (did you mean {known}?)"))
        .unwrap_or_default()
}

/// Levenshtein's distance.
fn distance(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.bytes().enumerate() {
        let mut next = vec![i + 1];
        for ((b, above), diagonal) in other.bytes().zip(row.iter().skip(1)).zip(&row) {
            let left = next.last().copied().unwrap_or_default();
            next.push(
                (diagonal + usize::from(a != b))
                    .min(above + 1)
                    .min(left + 1),
            );
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selection_names_what_it_does_not_know() {
        let error = Selection::new(["slow_statment"], []).unwrap_err();
        assert_eq!(
            error.to_string(),
            "unknown check \"slow_statment\" (did you mean slow_statement?); pgtriage rules lists all"
        );
        let error = Selection::new([], ["x"]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "unknown check \"x\"; pgtriage rules lists all"
        );
    }

    #[test]
    fn only_and_skip_choose() {
        let slow = find("slow_statement").unwrap().meta().id;
        let large = find("large_result").unwrap().meta().id;
        for (only, skip, slow_runs, large_runs) in [
            (vec![], vec![], true, true),
            (vec!["slow_statement"], vec![], true, false),
            (vec![], vec![" slow_statement"], false, true),
            (vec!["slow_statement"], vec!["slow_statement"], false, false),
        ] {
            let selection = Selection::new(only, skip).unwrap();
            assert_eq!(selection.includes(slow), slow_runs);
            assert_eq!(selection.includes(large), large_runs);
        }
    }
}
