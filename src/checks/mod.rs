//! The checks: what is looked for in a Snapshot, each one a file, a page and a line in [`CHECKS`].

mod case;
mod catalog;
mod logged;
mod modified;
mod plans;
mod readings;
mod registry;
pub mod support;
mod table;
mod threshold;
mod usage;
pub mod workload;

pub mod broken_statement;
mod cartesian_product;
mod chatty_statement;
pub mod cost_regression;
mod cte_fence_filter;
mod deep_offset;
mod disabled_node;
mod dominant_statement;
mod function_scan_default_rows;
mod hash_batches_grew;
mod hash_spill;
mod hashagg_spill;
mod heap_fetches_high;
mod implicit_cast;
mod index_filter_inefficient;
mod insert_loop;
mod io_bound_statement;
mod jit_overhead;
mod large_result;
mod leading_wildcard_like;
mod limit_ordered_index_filter;
mod lossy_bitmap;
pub mod lost_index;
mod memoize_ineffective;
mod missing_index;
mod n_plus_one;
mod nested_loop_join_filter;
mod nested_loop_many_loops;
mod non_sargable_predicate;
mod not_in_unhashed;
mod parameter_sensitive_plan;
mod partitions_not_pruned;
mod plan_time_heavy;
pub mod planning_dominant;
mod read_inefficient;
mod recheck_false_positives;
mod repeated_lookup;
mod repeated_seq_scan;
pub mod row_misestimate;
mod seq_scan_selective;
mod slow_statement;
mod sort_spill;
pub mod stale_allow;
mod stale_stats;
mod subplan_per_row;
mod temp_io;
mod temp_spill_statement;
mod topn_sort_large_input;
mod trigger_time;
mod unindexed_foreign_key;
pub mod unservable_predicate;
mod unstable_statement;
mod wal_heavy_statement;
mod workers_not_launched;

pub use case::{Case, Proposal, with_columns};
pub use catalog::{Catalog, TableRef, is_system};
pub use logged::{Limit, LoggedCase, LoopSum};
pub use plans::{CasePlan, Unreadable};
pub use registry::{CHECKS, Selection, UnknownCheck, find, ids};
pub use table::table_markdown;
pub use threshold::{
    AnyThreshold, BadThreshold, Fault, Number, Quantity, Section, Spec, Threshold, Thresholds,
};
pub use usage::{TableUse, Updated, Usage};

use crate::finding::CheckId;
use crate::snapshot::Area;

/// What a check looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Category {
    /// Counters of statements.
    Workload,
    /// Plans.
    Plan,
    /// Indexes and tables.
    Schema,
    /// Files of statements, and what they were before.
    Gate,
}

impl Category {
    /// As a heading.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Workload => "workload",
            Self::Plan => "plan",
            Self::Schema => "schema",
            Self::Gate => "gate",
        }
    }
}

/// What is known of a check without running it.
#[derive(Debug)]
pub struct CheckMeta {
    /// The id; final once released.
    pub id: CheckId,
    /// Two or three words, as the verdict line of a report has them.
    pub title: &'static str,
    /// When it fires, in one clause.
    pub summary: &'static str,
    /// What it looks at.
    pub category: Category,
    /// What must be visible; where one of these has a gap, the report says that the check could not look.
    pub needs: &'static [Area],
    /// The numbers that decide whether it fires; some belong to another check, which it shares them with.
    pub thresholds: &'static [&'static dyn AnyThreshold],
    /// The page: what it finds, why it matters, its evidence, when it is wrong, what to do.
    pub page: &'static str,
}

/// How close to the cause a check looks. Of several findings about one statement the deepest is the bottleneck, and
/// explains the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Depth {
    /// Where the time goes.
    Share,
    /// That it takes long.
    Slowness,
    /// What it uses up.
    Resource,
    /// What its plan does.
    Plan,
    /// That an application loops.
    Loop,
    /// What a foreign key lacks.
    ForeignKey,
    /// Which index is missing, weighed against its cost.
    Index,
}

/// Something that a check can say nothing of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unseen {
    /// Why: a clause in lower case.
    pub reason: String,
    /// What would make it possible.
    pub remedy: Option<String>,
    /// Whether a bottleneck may hide behind it.
    pub limits: bool,
}

/// One thing that is looked for.
pub trait Check: Sync {
    /// What is known of it.
    fn meta(&self) -> &'static CheckMeta;

    /// How close to the cause it looks.
    fn depth(&self) -> Depth {
        Depth::Plan
    }

    /// The checks whose findings about the same statement, or the same node of its plan, it explains however small its
    /// own share.
    fn always_explains(&self) -> &'static [CheckId] {
        &[]
    }

    /// Whether a larger finding about the same statement, deeper in its plan, is taken for its cause.
    fn may_follow(&self) -> bool {
        true
    }

    /// What it looked at and can say nothing of, with the reason.
    fn unseen(&self, _case: &Case<'_>) -> Vec<Unseen> {
        Vec::new()
    }

    /// Looks, and proposes what it finds.
    fn run(&self, case: &Case<'_>, found: &mut Vec<Proposal>);
}
