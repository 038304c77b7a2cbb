//! Wall time, split among the nodes.

use std::ops::Add;

use crate::plan::{Node, NodeId, Plan, Relationship};
use crate::units::Millis;

use super::charge::{Consumers, consumers, init_plans};
use super::table::Table;

/// EXPLAIN prints times with three decimals (explain.c, `ExplainPropertyFloat`), so that a total is off by up to this ×
/// loops.
const ROUNDING_MS: f64 = 0.0005;

/// How the wall time of a parallel part is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WallBasis {
    /// EXPLAIN lists the workers: it is the time of the process that took longest.
    Measured,
    /// It does not (no VERBOSE): at most the time of the Gather, and at most the sum of all processes. Dividing by the
    /// number of processes would be wrong when one of them did the work.
    UpperBound,
}

/// What ran below one Gather.
#[derive(Debug, Clone, PartialEq)]
pub struct ParallelSection {
    /// The Gather or Gather Merge.
    pub gather: NodeId,
    /// `Workers Planned`.
    pub planned: i64,
    /// `Workers Launched`.
    pub launched: i64,
    /// From start to end, all processes.
    pub wall_time: Millis,
    /// Summed over the processes, the leader included.
    pub process_time: Millis,
    /// `process_time / wall_time`: how many processes' worth of work went on at a time. 1 when one process did it all.
    pub effective_processes: f64,
    /// How `wall_time` is known.
    pub basis: WallBasis,
}

/// Where the execution time went.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Accounting {
    /// `Execution Time`; absent in `auto_explain`.
    pub execution: Option<Millis>,
    /// The root node's time.
    pub root: Millis,
    /// Modifying CTEs that ran after the root: the statement did not read them to their end (execMain.c,
    /// `ExecPostprocessPlan`).
    pub after_root: Millis,
    /// The self times of all nodes. Equal to `root + after_root` but for rounding.
    pub nodes: Millis,
    /// Triggers that ran after the nodes (AFTER): outside of every node's time.
    pub triggers_after: Millis,
    /// Triggers that ran within the nodes (BEFORE, INSTEAD OF): part of the `ModifyTable`'s time.
    pub triggers_within: Millis,
    /// Turning the result into its wire format (`SERIALIZE`).
    pub serialization: Millis,
    /// Just-in-time compilation, summed over the processes. Part of the nodes' times and of the executor's start.
    pub jit: Millis,
    /// The executor's own start and end, in which temporary files are removed: the rest of the execution time.
    pub executor: Option<Millis>,
}

/// The times of every node, in milliseconds.
pub(super) struct Times {
    pub(super) process: Table<f64>,
    pub(super) wall: Table<f64>,
    pub(super) own: Table<f64>,
    pub(super) sections: Vec<ParallelSection>,
    /// Which node ran each `InitPlan` that is no CTE.
    pub(super) ran_by: Table<Option<NodeId>>,
    after_root: f64,
}

impl Times {
    /// `None` where the plan has no times.
    pub(super) fn of(plan: &Plan) -> Option<Self> {
        plan.root().actual?.total_time?;
        let mut split = Split::new(plan);
        for node in plan.nodes() {
            split.node(node);
        }
        let mut times = Self {
            process: split.process,
            wall: split.wall,
            own: split.own,
            sections: split.sections,
            ran_by: Table::new(plan),
            after_root: 0.0,
        };
        times.charge_init_plans(plan);
        Some(times)
    }

    /// Takes the time of `InitPlan`s and CTEs from the nodes that ran them.
    fn charge_init_plans(&mut self, plan: &Plan) {
        for top in init_plans(plan) {
            let spent = self.wall.get(top.id);
            let charged = match consumers(plan, top) {
                Consumers::Scans(scans) => self.charge_in_proportion(&scans, spent),
                Consumers::Candidates(candidates) => self.charge_one(plan, top, &candidates, spent),
            };
            self.after_root += (spent - charged).max(0.0);
        }
    }

    fn charge_in_proportion(&mut self, scans: &[NodeId], spent: f64) -> f64 {
        let available: f64 = scans.iter().map(|scan| self.own.get(*scan)).sum();
        if available <= 0.0 {
            return 0.0;
        }
        let part = (spent / available).min(1.0);
        for scan in scans {
            let own = self.own.get(*scan);
            self.own.set(*scan, own - own * part);
        }
        available * part
    }

    /// Charges the first candidate whose time the `InitPlan` fits into: whoever ran it was busy for at least as long.
    /// Where it fits nowhere (the expression is not printed), the node of the owner's tree with most time to give.
    fn charge_one(&mut self, plan: &Plan, top: &Node, candidates: &[NodeId], spent: f64) -> f64 {
        let slack = rounding(top) + ROUNDING_MS;
        let fitting = candidates
            .iter()
            .copied()
            .find(|candidate| self.own.get(*candidate) + slack >= spent);
        let consumer = fitting.or_else(|| {
            let owner = plan.parent(top)?;
            plan.subtree(owner)
                .filter(|node| !plan.is_within(node, top.id))
                .map(|node| node.id)
                .max_by(|a, b| self.own.get(*a).total_cmp(&self.own.get(*b)))
        });
        let Some(consumer) = consumer else {
            return 0.0;
        };
        self.ran_by.set(top.id, Some(consumer));
        let own = self.own.get(consumer);
        let charged = spent.min(own);
        self.own.set(consumer, own - charged);
        charged
    }

    pub(super) fn accounting(&self, plan: &Plan) -> Accounting {
        let root = self.wall.get(plan.root().id);
        let nodes: f64 = plan.nodes().map(|node| self.own.get(node.id)).sum();
        let serialization = plan
            .serialization
            .as_ref()
            .and_then(|serialization| serialization.time)
            .map_or(0.0, Millis::get);
        let execution = plan.execution_time;
        let outside =
            execution.map(|execution| execution.get() - root - self.after_root - serialization);
        let (triggers_after, triggers_within) = trigger_times(plan, outside);
        Accounting {
            execution,
            root: Millis(root),
            after_root: Millis(self.after_root),
            nodes: Millis(nodes),
            triggers_after: Millis(triggers_after),
            triggers_within: Millis(triggers_within),
            serialization: Millis(serialization),
            jit: plan
                .jit
                .as_ref()
                .and_then(|jit| jit.total)
                .unwrap_or_default(),
            executor: outside.map(|outside| Millis((outside - triggers_after).max(0.0))),
        }
    }
}

/// The triggers' times after and within the nodes. Triggers of a constraint run after; EXPLAIN does not say of the
/// others when they ran: after, if their time fits into what is left of the execution time beside the nodes
/// (`outside`).
fn trigger_times(plan: &Plan, outside: Option<f64>) -> (f64, f64) {
    let time = |trigger: &&crate::plan::Trigger| trigger.time.map_or(0.0, Millis::get);
    let (constraint, mut other): (Vec<_>, Vec<_>) = plan
        .triggers
        .iter()
        .partition(|trigger| trigger.constraint.is_some());
    let mut after = constraint.iter().map(time).fold(0.0, f64::add);
    let mut within = 0.0;
    other.sort_by(|a, b| time(b).total_cmp(&time(a)));
    for trigger in &other {
        let time = time(trigger);
        if outside.is_none_or(|outside| after + time <= outside) {
            after += time;
        } else {
            within += time;
        }
    }
    (after, within)
}

/// The first pass: from the root down, before `InitPlan`s are charged.
struct Split<'a> {
    plan: &'a Plan,
    /// Average × loops, made to fit into the parent where rounding made it larger.
    process: Table<f64>,
    /// Wall time of a millisecond of process time: below 1 in parallel parts.
    scale: Table<f64>,
    /// Below a Gather whose workers' times EXPLAIN lists.
    measured: Table<bool>,
    wall: Table<f64>,
    own: Table<f64>,
    /// Average × loops, raised to the children's sum where only rounding made it smaller.
    reported: Table<f64>,
    /// What a Gather spends on `InitPlan`s before it starts its workers.
    before_workers: Table<f64>,
    sections: Vec<ParallelSection>,
}

impl<'a> Split<'a> {
    fn new(plan: &'a Plan) -> Self {
        let reported = raised(plan);
        let mut before_workers = Table::new(plan);
        for top in init_plans(plan) {
            if let Consumers::Candidates(candidates) = consumers(plan, top)
                && let Some(gather) = candidates.first().filter(|id| plan.node(**id).is_gather())
            {
                before_workers.set(*gather, before_workers.get(*gather) + reported.get(top.id));
            }
        }
        let mut scale = Table::new(plan);
        scale.set(plan.root().id, 1.0);
        let mut process = Table::new(plan);
        process.set(plan.root().id, reported.get(plan.root().id));
        Self {
            plan,
            process,
            scale,
            measured: Table::new(plan),
            wall: Table::new(plan),
            own: Table::new(plan),
            reported,
            before_workers,
            sections: Vec::new(),
        }
    }

    /// Settles `node`, whose own process time and scale its parent has set, and hands both to its children.
    fn node(&mut self, node: &Node) {
        let scale = self.scale.get(node.id);
        let process = self.process.get(node.id);
        let measured = self.measured.get(node.id);
        let wall = if measured {
            longest(node).unwrap_or(process).min(process)
        } else {
            process * scale
        };
        self.wall.set(node.id, wall);

        let plan = self.plan;
        for top in plan.children(node).filter(|child| child.is_init_plan()) {
            self.process.set(top.id, self.reported.get(top.id));
            self.scale.set(top.id, scale);
            self.measured.set(top.id, measured);
        }
        let (parallel, serial): (Vec<&Node>, Vec<&Node>) = plan
            .inputs(node)
            .partition(|child| node.is_gather() && child.relationship == Some(Relationship::Outer));
        for child in &serial {
            self.scale.set(child.id, scale);
            self.measured.set(child.id, measured);
        }
        let mut left = process - self.fit(&serial, process);
        for child in parallel {
            let available = left - self.before_workers.get(node.id);
            left -= self.section(node, child, available, scale);
        }
        self.own.set(node.id, left.max(0.0) * scale);
    }

    /// Hands `children` their process times and gives the sum. Where rounding (average × loops) makes the sum larger
    /// than the parent's time, each gives up as much as its rounding may have added.
    fn fit(&mut self, children: &[&Node], available: f64) -> f64 {
        let sum: f64 = children
            .iter()
            .map(|child| self.reported.get(child.id))
            .sum();
        let slack: f64 = children.iter().map(|child| rounding(child)).sum();
        let excess = (sum - available).max(0.0);
        let part = if slack > 0.0 {
            (excess / slack).min(1.0)
        } else {
            0.0
        };
        let mut fitted = 0.0;
        for child in children {
            let time = (self.reported.get(child.id) - rounding(child) * part).max(0.0);
            self.process.set(child.id, time);
            fitted += time;
        }
        fitted
    }

    /// Settles what runs below a Gather and gives its wall time, of `available` in the Gather.
    fn section(&mut self, gather: &Node, top: &Node, available: f64, scale: f64) -> f64 {
        let process = self.reported.get(top.id);
        let measured = longest(top);
        self.measured.set(top.id, measured.is_some());
        let wall = measured
            .unwrap_or(process)
            .min(process)
            .min(available.max(0.0));
        self.process.set(top.id, process);
        self.scale.set(
            top.id,
            if process > 0.0 {
                scale * wall / process
            } else {
                scale
            },
        );
        if let Some(info) = &gather.gather
            && gather.executed()
        {
            self.sections.push(ParallelSection {
                gather: gather.id,
                planned: info.planned,
                launched: info.launched.unwrap_or(0),
                wall_time: Millis(wall * scale),
                process_time: Millis(process),
                effective_processes: if wall > 0.0 { process / wall } else { 1.0 },
                basis: if measured.is_some() || info.launched == Some(0) {
                    WallBasis::Measured
                } else {
                    WallBasis::UpperBound
                },
            });
        }
        wall
    }
}

/// Average × loops, as EXPLAIN has it.
fn reported(node: &Node) -> f64 {
    node.actual
        .and_then(|actual| Some(actual.total_time?.total(actual.loops).get()))
        .map_or(0.0, |time| time.max(0.0))
}

/// [`reported`] of every node, from the leaves up: a node takes as long as its inputs together, and where average ×
/// loops says less, by no more than rounding can explain, their sum is right.
fn raised(plan: &Plan) -> Table<f64> {
    let mut times = Table::new(plan);
    for node in plan.nodes().rev() {
        let time = reported(node);
        let inputs: f64 = if node.is_gather() {
            0.0
        } else {
            plan.inputs(node).map(|child| times.get(child.id)).sum()
        };
        times.set(node.id, time + (inputs - time).clamp(0.0, rounding(node)));
    }
    times
}

/// By how much [`reported`] may be off.
fn rounding(node: &Node) -> f64 {
    node.actual
        .map_or(0.0, |actual| actual.loops.get() * ROUNDING_MS)
}

/// The time of the process that took longest, the leader among them, whose time is what the workers leave of the sum.
/// `None` where EXPLAIN lists no workers' times: without VERBOSE, or when the leader did it all.
fn longest(node: &Node) -> Option<f64> {
    let workers: Vec<f64> = node
        .workers
        .iter()
        .filter_map(|worker| {
            let actual = worker.actual?;
            Some(actual.total_time?.total(actual.loops).get().max(0.0))
        })
        .collect();
    let leader = reported(node) - workers.iter().sum::<f64>();
    let longest = workers.iter().copied().reduce(f64::max)?;
    Some(longest.max(leader))
}
