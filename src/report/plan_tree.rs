//! A plan as every format draws it: its nodes in EXPLAIN's order with their own time, rows and blocks, what was wasted
//! in each, and the findings that it proves.

mod marks;
mod remarks;
#[cfg(test)]
pub(super) mod tests;

use crate::finding::{Report, ReportPlan, Runs};
use crate::format;
use crate::plan::metrics::{Estimate, Metrics, NodeMetrics, Verdict};
use crate::plan::{Node, Plan};
use crate::snapshot::{Execution, ParameterVariant, PlanRecord, PlannedText};
use crate::units::{Millis, float, ratio};

use super::document::leads;
use super::text::one_line;

pub use marks::Marks;

/// A difference between expected and actual rows is named from this factor on.
const FACTOR_NAMED: f64 = 2.0;

/// A plan, ready to be drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct PlanTree {
    /// The planned text, on one line; empty where a saved plan does not say.
    pub query: String,
    /// What the plan is of, such as `executed with the most common values`.
    pub circumstances: String,
    /// The parameters' values.
    pub parameters: Vec<Parameter>,
    /// Times beside those of the nodes: planning, execution, triggers, compilation.
    pub times: Vec<Fact>,
    /// The execution time, or what stands for it.
    pub time: Option<Millis>,
    /// The nodes, each before its children.
    pub nodes: Vec<TreeNode>,
}

/// A parameter's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// Such as `$1`.
    pub name: String,
    /// The value, or `NULL`.
    pub value: String,
    /// Where it comes from.
    pub origin: String,
}

/// Something known by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// The name.
    pub label: String,
    /// What is known.
    pub value: String,
}

/// One node.
#[derive(Debug, Clone, PartialEq)]
pub struct TreeNode {
    /// How many nodes stand above it.
    pub depth: usize,
    /// The place of the node that it stands under.
    pub parent: Option<usize>,
    /// What it is in a few words.
    pub label: String,
    /// What it is to the node above, where that is not plain: `InitPlan 1`, `CTE spent`.
    pub role: Option<String>,
    /// Its own wall time; `None` without timing.
    pub self_time: Option<Millis>,
    /// That time as a share of all nodes' time, 0..1.
    pub time_share: Option<f64>,
    /// The planner's cost of a loop of it, without its children's.
    pub own_cost: Option<f64>,
    /// That cost as a share of all nodes' costs, 0..1.
    pub cost_share: Option<f64>,
    /// Wall time, children included.
    pub total_time: Option<Millis>,
    /// Rows that the planner expected of a loop.
    pub estimated_rows: Option<f64>,
    /// Rows that came, on average of a loop; `None` where it never ran.
    pub actual_rows: Option<f64>,
    /// By how much they differ, where the planner was wrong and it matters.
    pub misestimate: Option<f64>,
    /// Rows that it returned, over all loops.
    pub total_rows: Option<f64>,
    /// How often it was started, over all processes; `None` where not executed.
    pub loops: Option<f64>,
    /// Blocks of tables and indexes that it touched itself; `None` without BUFFERS.
    pub blocks: Option<f64>,
    /// What was wasted: spills, rows that were read for nothing, wrong expectations.
    pub remarks: Vec<String>,
    /// Its conditions and keys, as the server prints them.
    pub conditions: Vec<Fact>,
    /// All else that is worth a look.
    pub details: Vec<Fact>,
    /// The ranks of the findings whose evidence stands here.
    pub findings: Vec<usize>,
}

/// The plans of a report, those of the explained statements or of the workload's.
pub fn trees(report: &Report) -> Vec<PlanTree> {
    all(report, report.plans.iter().chain(&report.probed_plans))
}

/// The plans of the statements that were explained.
pub fn explained(report: &Report) -> Vec<PlanTree> {
    all(report, report.plans.iter())
}

fn all<'a>(report: &Report, plans: impl Iterator<Item = &'a ReportPlan>) -> Vec<PlanTree> {
    let marks = Marks::of(&leads(report), &report.bottlenecks);
    plans
        .enumerate()
        .filter_map(|(place, plan)| {
            let mut tree = PlanTree::of(place, plan.query.as_deref(), &plan.record, &marks)?;
            tree.times.extend(plan.runs.as_ref().map(executions));
            Some(tree)
        })
        .collect()
}

fn executions(runs: &Runs) -> Fact {
    let time = format::duration;
    Fact {
        label: "executions".to_owned(),
        value: format!(
            "{}, the first {}, the others min {}, p50 {}, p95 {}, max {}",
            runs.count,
            time(runs.first_ms),
            time(runs.min_ms),
            time(runs.p50_ms),
            time(runs.p95_ms),
            time(runs.max_ms)
        ),
    }
}

impl PlanTree {
    /// The tree of the plan at `place` in the capture; `None` where the record holds no plan that can be read.
    pub fn of(
        place: usize,
        query: Option<&str>,
        record: &PlanRecord,
        marks: &Marks,
    ) -> Option<Self> {
        let plan = Plan::parse(&record.plan).ok()?;
        let metrics = Metrics::of(&plan);
        let mut nodes: Vec<TreeNode> = plan
            .nodes()
            .map(|node| tree_node(&plan, &metrics, node))
            .collect();
        place_nodes(&plan, &mut nodes);
        share_out(&mut nodes);
        let own = marks.of_plan(place);
        for (rank, pointer) in own {
            if let Some(node) = marks::node_at(&plan, pointer).and_then(|at| nodes.get_mut(at))
                && !node.findings.contains(&rank)
            {
                node.findings.push(rank);
            }
        }
        Some(Self {
            query: one_line(query.unwrap_or_default()),
            circumstances: circumstances(record),
            parameters: record.parameters.iter().map(parameter).collect(),
            times: times(&plan),
            time: plan.execution_time.or_else(|| nodes.first()?.total_time),
            nodes,
        })
    }

    /// The ranks of the findings that it proves, in order.
    pub fn findings(&self) -> Vec<usize> {
        let mut ranks: Vec<usize> = self
            .nodes
            .iter()
            .flat_map(|node| node.findings.iter().copied())
            .collect();
        ranks.sort_unstable();
        ranks.dedup();
        ranks
    }
}

fn parameter(value: &crate::snapshot::ParameterValue) -> Parameter {
    Parameter {
        name: format!("${}", value.number),
        value: value
            .value
            .as_deref()
            .map_or_else(|| "NULL".to_owned(), one_line),
        origin: one_line(&value.origin),
    }
}

fn circumstances(record: &PlanRecord) -> String {
    let values = match record.variant {
        ParameterVariant::None => "",
        ParameterVariant::Generic => " for any values",
        ParameterVariant::Typical => " with typical values",
        ParameterVariant::MostCommon => " with the most common values",
        ParameterVariant::Rare => " with rare values",
        ParameterVariant::Given => " with the given values",
    };
    let done = match record.execution {
        Execution::Analyzed => "executed",
        Execution::Planned => "planned",
    };
    let of = match record.planned_text {
        PlannedText::AsWritten | PlannedText::Repaired => "",
        PlannedText::EquivalentSelect => ", as the SELECT that finds the same rows",
    };
    format!("{done}{values}{of}")
}

fn times(plan: &Plan) -> Vec<Fact> {
    let fact = |label: &str, time: Option<Millis>| {
        time.map(|time| Fact {
            label: label.to_owned(),
            value: format::duration(time),
        })
    };
    let jit = plan.jit.as_ref().and_then(|jit| jit.total);
    let serialization = plan.serialization.as_ref().and_then(|part| part.time);
    let known = [
        fact("execution", plan.execution_time),
        fact("planning", plan.planning_time),
        fact("just-in-time compilation", jit),
        fact("serialization", serialization),
    ];
    let triggers = plan.triggers.iter().filter_map(|trigger| {
        let name = trigger.constraint.as_ref().unwrap_or(&trigger.name);
        let label = format!("trigger {}", one_line(name));
        Some(Fact {
            label,
            value: format!(
                "{}, {}",
                format::duration(trigger.time?),
                format::calls(trigger.calls)
            ),
        })
    });
    known.into_iter().flatten().chain(triggers).collect()
}

fn tree_node(plan: &Plan, metrics: &Metrics, node: &Node) -> TreeNode {
    let own = metrics.node(node.id);
    let ran = node.executed();
    TreeNode {
        depth: 0,
        parent: node.parent.map(crate::plan::NodeId::index),
        label: one_line(&plan.label(node)),
        role: node.subplan_name.as_deref().map(one_line),
        self_time: own.self_time,
        time_share: None,
        own_cost: own_cost(plan, node),
        cost_share: None,
        total_time: own.total_time,
        estimated_rows: node.planned.map(|planned| planned.rows.per_loop().get()),
        actual_rows: node
            .actual
            .filter(|_| ran)
            .map(|actual| actual.rows.per_loop().get()),
        misestimate: misestimate(own),
        total_rows: ran.then(|| own.kept.get()),
        loops: node.actual.map(|actual| actual.loops.get()),
        blocks: own
            .self_buffers
            .map(|buffers| float(buffers.accessed().get())),
        remarks: remarks::remarks(node, own),
        conditions: remarks::conditions(node),
        details: remarks::details(node, own),
        findings: Vec::new(),
    }
}

fn own_cost(plan: &Plan, node: &Node) -> Option<f64> {
    let cost = |node: &Node| Some(node.planned?.total_cost.get());
    let below: f64 = plan.inputs(node).filter_map(cost).sum();
    Some((cost(node)? - below).max(0.0))
}

fn misestimate(own: &NodeMetrics) -> Option<f64> {
    let counts = |estimate: &&Estimate| {
        estimate.verdict == Verdict::Misestimate && estimate.factor >= FACTOR_NAMED
    };
    Some(own.estimate.as_ref().filter(counts)?.factor)
}

fn place_nodes(plan: &Plan, nodes: &mut [TreeNode]) {
    for node in plan.nodes() {
        let depth = plan.ancestors(node).count();
        if let Some(placed) = nodes.get_mut(node.id.index()) {
            placed.depth = depth;
        }
    }
}

fn share_out(nodes: &mut [TreeNode]) {
    let time = |node: &TreeNode| node.self_time.map(Millis::get);
    let all_time: f64 = nodes.iter().filter_map(time).sum();
    let all_cost: f64 = nodes.iter().filter_map(|node| node.own_cost).sum();
    for node in nodes {
        node.time_share = time(node).and_then(|own| ratio(own, all_time));
        node.cost_share = node.own_cost.and_then(|own| ratio(own, all_cost));
    }
}
