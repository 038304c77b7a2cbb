//! What follows from a plan's numbers: times and blocks of a node itself, rows kept and removed, misestimates.
//!
//! EXPLAIN mixes averages per loop with totals, counts children in, and prints `InitPlan`s and CTEs under a node that
//! may not be the one that ran them. Everything here is a total, and belongs to one node only.
//!
//! The times add up: the self times of all nodes are the root's time, plus that of modifying CTEs which ran after it.
//! With the AFTER triggers, the serialization and the executor's own start and end that is the execution time
//! ([`Accounting`]).

mod blocks;
mod charge;
mod early;
mod estimate;
mod table;
#[cfg(test)]
mod tests;
mod time;

use crate::plan::{Buffers, Node, NodeId, Plan};
use crate::units::{Loops, Millis, PerLoop, Rows, float};

pub use estimate::{Direction, Estimate, Excuse, Verdict};
pub use time::{Accounting, ParallelSection, WallBasis};

use table::Table;

/// Rows that a node's conditions removed, over all loops. `None` where the node has no such condition.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct RemovedRows {
    /// By the Filter.
    pub filter: Option<Rows>,
    /// By the Join Filter.
    pub join_filter: Option<Rows>,
    /// By the recheck of the index condition.
    pub index_recheck: Option<Rows>,
    /// By the WHERE of ON CONFLICT DO UPDATE.
    pub conflict_filter: Option<Rows>,
}

/// What one node did, over all its loops and processes.
#[derive(Debug, Clone, PartialEq)]
pub struct NodeMetrics {
    /// Wall time, children included. Below a Gather: of the process that took longest, where EXPLAIN lists the workers
    /// (VERBOSE); otherwise the processes' sum over [`ParallelSection::effective_processes`]. `None` without timing.
    pub total_time: Option<Millis>,
    /// Time summed over the processes, children included: average × loops.
    pub process_time: Option<Millis>,
    /// The node's own part of the wall time. Below a Gather a node has the same part of the section's wall time as of
    /// its processes' time, so that the parts add up.
    pub self_time: Option<Millis>,
    /// The blocks that the node itself touched. `None` without BUFFERS.
    pub self_buffers: Option<Buffers>,
    /// Starts, summed over the processes.
    pub loops: Loops,
    /// Processes that were there to run it: launched workers + 1; 1 outside of parallel parts.
    pub processes: f64,
    /// Rows it returned: average × loops.
    pub kept: Rows,
    /// By how much `kept` may be off, because EXPLAIN rounds the average.
    pub kept_error: Rows,
    /// Rows its conditions removed: average × loops.
    pub removed: RemovedRows,
    /// By how much each of `removed` may be off.
    pub removed_error: Rows,
    /// Started more often than once a process.
    pub rescanned: bool,
    /// Never started.
    pub never_executed: bool,
    /// What stands above it may not have asked for all its rows.
    pub stopped_early: bool,
    /// Expected against actual rows. `None` without ANALYZE or costs.
    pub estimate: Option<Estimate>,
}

impl NodeMetrics {
    /// Loops of each process, on average.
    pub fn loops_per_process(&self) -> f64 {
        self.loops.get() / self.processes
    }

    /// Rows the Filter saw: kept + removed.
    pub fn filtered_input(&self) -> Rows {
        self.kept + self.removed.filter.unwrap_or_default()
    }
}

/// The metrics of a plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Metrics {
    nodes: Vec<NodeMetrics>,
    sections: Vec<ParallelSection>,
    accounting: Option<Accounting>,
    nothing: NodeMetrics,
}

impl Metrics {
    /// Derives them. A plan that was not executed has estimates only.
    pub fn of(plan: &Plan) -> Self {
        let times = time::Times::of(plan);
        let own_blocks = blocks::own(plan, times.as_ref());
        let stopped = early::stopped(plan);
        let estimates = estimate::all(plan, &stopped);
        let nodes = plan
            .nodes()
            .map(|node| NodeMetrics {
                stopped_early: stopped.get(node.id).is_some(),
                ..node_metrics(plan, node, times.as_ref(), &own_blocks, &estimates)
            })
            .collect();
        Self {
            nodes,
            accounting: times.as_ref().map(|times| times.accounting(plan)),
            sections: times.map(|times| times.sections).unwrap_or_default(),
            nothing: nothing(),
        }
    }

    /// The metrics of one node.
    pub fn node(&self, id: NodeId) -> &NodeMetrics {
        self.nodes.get(id.index()).unwrap_or(&self.nothing)
    }

    /// The parallel parts, one for each Gather that ran.
    pub fn sections(&self) -> &[ParallelSection] {
        &self.sections
    }

    /// Where the execution time went; `None` without timing.
    pub fn accounting(&self) -> Option<&Accounting> {
        self.accounting.as_ref()
    }

    /// The nodes whose row estimate is off by `min_factor` or more, with `min_rows` or more on the larger side (per
    /// loop), and below which no other such node stands: an error there passes upwards. In EXPLAIN's order.
    pub fn deepest_misestimates<'a>(
        &self,
        plan: &'a Plan,
        min_factor: f64,
        min_rows: Rows,
    ) -> Vec<&'a Node> {
        estimate::deepest(plan, |id| {
            self.node(id)
                .estimate
                .as_ref()
                .is_some_and(|estimate| estimate.is_off_by(min_factor, min_rows))
        })
    }
}

fn node_metrics(
    plan: &Plan,
    node: &Node,
    times: Option<&time::Times>,
    own_blocks: &Table<Option<Buffers>>,
    estimates: &Table<Option<Estimate>>,
) -> NodeMetrics {
    let launched = float(plan.workers_launched(node));
    let shared = NodeMetrics {
        processes: launched + 1.0,
        self_buffers: own_blocks.get(node.id),
        estimate: estimates.get(node.id),
        ..nothing()
    };
    let Some(actual) = node.actual else {
        return shared;
    };
    let loops = actual.loops;
    let total = |rows: Option<PerLoop<Rows>>| rows.map(|rows| rows.total(loops));
    NodeMetrics {
        total_time: times.map(|times| Millis(times.wall.get(node.id))),
        process_time: times.map(|times| Millis(times.process.get(node.id))),
        self_time: times.map(|times| Millis(times.own.get(node.id))),
        loops,
        kept: actual.rows.total(loops),
        kept_error: actual.rows_rounding.total(loops),
        removed: RemovedRows {
            filter: total(node.removed.filter),
            join_filter: total(node.removed.join_filter),
            index_recheck: total(node.removed.index_recheck),
            conflict_filter: total(node.removed.conflict_filter),
        },
        removed_error: if loops.get() > 1.0 {
            PerLoop::new(Rows(0.5)).total(loops)
        } else {
            Rows(0.0)
        },
        rescanned: loops.get() > launched + 1.0,
        never_executed: node.never_executed(),
        ..shared
    }
}

fn nothing() -> NodeMetrics {
    NodeMetrics {
        total_time: None,
        process_time: None,
        self_time: None,
        self_buffers: None,
        loops: Loops(0.0),
        processes: 1.0,
        kept: Rows(0.0),
        kept_error: Rows(0.0),
        removed: RemovedRows::default(),
        removed_error: Rows(0.0),
        rescanned: false,
        never_executed: false,
        stopped_early: false,
        estimate: None,
    }
}
