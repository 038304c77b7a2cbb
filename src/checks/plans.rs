//! The Snapshot's plans, parsed and measured once for all checks.

use super::catalog::{Catalog, TableRef};
use super::workload::Workload;
use crate::finding::{Evidence, Formula, Source, Unit};
use crate::plan::metrics::{Metrics, NodeMetrics};
use crate::plan::{Node, NodeType, Plan, PlanError, Relationship, columns};
use crate::snapshot::{Execution, PlanRecord};
use crate::units::{Millis, float, ratio};

/// A plan that cannot be read.
#[derive(Debug)]
pub struct Unreadable<'a> {
    /// The record.
    pub record: &'a PlanRecord,
    /// Why.
    pub error: PlanError,
}

/// A plan of the Snapshot.
#[derive(Debug)]
pub struct CasePlan<'a> {
    /// Its position in `Snapshot::plans`.
    pub place: usize,
    /// The record.
    pub record: &'a PlanRecord,
    /// The position of its statement's family; `None` where the statement has no counters.
    pub family: Option<usize>,
    /// The plan.
    pub plan: Plan,
    /// What follows from its numbers.
    pub metrics: Metrics,
}

impl<'a> CasePlan<'a> {
    /// All plans that can be read, and those that cannot.
    pub fn all(workload: &Workload<'a>) -> (Vec<Self>, Vec<Unreadable<'a>>) {
        let places = workload.places();
        let mut plans = Vec::new();
        let mut unreadable = Vec::new();
        for (place, record) in workload.snapshot().plans.iter().enumerate() {
            match Plan::parse(&record.plan) {
                Ok(plan) => plans.push(Self {
                    place,
                    record,
                    family: places.get(&record.key).copied(),
                    metrics: Metrics::of(&plan),
                    plan,
                }),
                Err(error) => unreadable.push(Unreadable { record, error }),
            }
        }
        (plans, unreadable)
    }

    /// Whether it was executed.
    pub fn is_analyzed(&self) -> bool {
        self.record.execution == Execution::Analyzed && self.plan.is_analyzed()
    }

    /// What a number of it stands on.
    pub fn source(&self) -> Source {
        if self.is_analyzed() {
            Source::ExplainAnalyze
        } else {
            Source::Explain
        }
    }

    /// The metrics of a node.
    pub fn metrics_of(&self, node: &Node) -> &NodeMetrics {
        self.metrics.node(node.id)
    }

    /// The place of a node's key in the capture.
    pub fn pointer(&self, node: &Node, key: &str) -> String {
        format!("/plans/{}/plan{}", self.place, node.pointer_to(key))
    }

    /// The same as the operand of a formula.
    pub fn term(&self, node: &Node, key: &str) -> String {
        Formula::at(&self.pointer(node, key))
    }

    /// A number that stands in the plan.
    pub fn read(&self, label: &str, value: f64, unit: Unit, node: &Node, key: &str) -> Evidence {
        Evidence::read(label, value, unit, self.source(), self.pointer(node, key))
    }

    /// A number that follows from the plan.
    pub fn computed(&self, label: &str, value: f64, unit: Unit, formula: String) -> Evidence {
        Evidence::computed(label, value, unit, self.source(), Formula::new(formula))
    }

    /// An average per loop of an executed node as a total over its loops.
    pub fn total(&self, label: &str, value: f64, node: &Node, key: &str) -> Evidence {
        let loops = node.actual.map_or(1.0, |actual| actual.loops.get());
        if (loops - 1.0).abs() < f64::EPSILON {
            return self.read(label, value, Unit::Rows, node, key);
        }
        let formula = format!(
            "{} * {}",
            self.term(node, key),
            self.term(node, "Actual Loops")
        );
        self.computed(label, value, Unit::Rows, formula)
    }

    /// A number of a process below a node, such as `/Workers/0/Lossy Heap Blocks`, as the operand of a formula.
    pub fn term_within(&self, node: &Node, path: &str) -> String {
        Formula::at(&format!(
            "/plans/{}/plan{}{path}",
            self.place,
            node.pointer()
        ))
    }

    /// The rows that a scan's filter saw: those that it kept and those that it removed, over all loops.
    pub fn seen(&self, label: &str, value: f64, node: &Node) -> Evidence {
        if node.removed.filter.is_none() {
            return self.total(label, value, node, "Actual Rows");
        }
        let formula = format!(
            "({} + {}) * {}",
            self.term(node, "Actual Rows"),
            self.term(node, "Rows Removed by Filter"),
            self.term(node, "Actual Loops")
        );
        self.computed(label, value, Unit::Rows, formula)
    }

    /// The shared and local blocks that a node looked at itself; `None` where other parts of the plan than its children
    /// have a share in the node's count, too.
    pub fn own_blocks(&self, label: &str, node: &Node) -> Option<Evidence> {
        const KEYS: [&str; 4] = [
            "Shared Hit Blocks",
            "Shared Read Blocks",
            "Local Hit Blocks",
            "Local Read Blocks",
        ];
        let accessed = |node: &Node| node.buffers.map_or(0, |buffers| buffers.accessed().get());
        let own = self.metrics_of(node).self_buffers?.accessed().get();
        let inputs: Vec<&Node> = self.plan.inputs(node).collect();
        let below: i64 = inputs.iter().map(|input| accessed(input)).sum();
        if own != accessed(node) - below {
            return None;
        }
        let sum = |node: &Node| {
            let terms = KEYS.map(|key| self.term(node, key));
            format!("sum({})", terms.join(", "))
        };
        let mut formula = sum(node);
        for input in inputs {
            formula.push_str(" - ");
            formula.push_str(&sum(input));
        }
        Some(self.computed(label, float(own), Unit::Blocks, formula))
    }

    /// The operand of a formula that sums a number that the leader and each worker have of their own.
    pub fn process_sum(&self, node: &Node, key: &str) -> String {
        let leader = self.record.plan.pointer(&node.pointer_to(key));
        let leader = leader.map(|_| self.term(node, key));
        let mut workers = 0..node.workers.len();
        let of_worker = |worker| format!("{}/Workers/{worker}/{key}", node.pointer());
        let of_workers = workers
            .any(|worker| self.record.plan.pointer(&of_worker(worker)).is_some())
            .then(|| {
                let workers = format!("{}/Workers/*/{key}", node.pointer());
                format!(
                    "sum({})",
                    Formula::at(&format!("/plans/{}/plan{workers}", self.place))
                )
            });
        let terms: Vec<String> = leader.into_iter().chain(of_workers).collect();
        terms.join(" + ")
    }

    /// The share of the time that a join takes beside its outer side: its own, and the inner side's; 0..1.
    pub fn share_of_loop(&self, join: &Node) -> f64 {
        let outer = self.plan.child(join, &Relationship::Outer);
        let outer = outer.map_or(0.0, |outer| 1.0 - self.share_beside(outer));
        (1.0 - self.share_beside(join) - outer).clamp(0.0, 1.0)
    }

    /// A node's own share of the plan's time, or where that is unknown of its cost; 0..1.
    pub fn own_share(&self, node: &Node) -> f64 {
        let time = self.metrics_of(node).self_time;
        time.and_then(|time| self.share_of_time(time))
            .unwrap_or_else(|| self.share_of_cost(node))
    }

    /// The share of the execution time that is spent elsewhere than in a node and below it: what was planned with that
    /// node's row count in mind; 0..1.
    pub fn share_beside(&self, node: &Node) -> f64 {
        1.0 - self.share_within(node)
    }

    /// The share of the execution time that is spent in a node and below it, or where that is unknown of the cost;
    /// 0..1.
    pub fn share_within(&self, node: &Node) -> f64 {
        let time = self.metrics_of(node).total_time;
        let within = time.and_then(|time| self.share_of_time(time));
        within.unwrap_or_else(|| self.cost_within(node))
    }

    fn share_of_time(&self, time: Millis) -> Option<f64> {
        let accounting = self.metrics.accounting()?;
        let whole = accounting.execution.unwrap_or(accounting.root);
        ratio(time.get(), whole.get()).map(|share| share.clamp(0.0, 1.0))
    }

    fn share_of_cost(&self, node: &Node) -> f64 {
        let below: f64 = self
            .plan
            .inputs(node)
            .map(|child| self.cost_within(child))
            .sum();
        (self.cost_within(node) - below).clamp(0.0, 1.0)
    }

    /// The share of the plan's cost that a node and what is below it have, one loop counted.
    fn cost_within(&self, node: &Node) -> f64 {
        let cost = |node: &Node| node.planned.map_or(0.0, |planned| planned.total_cost.get());
        ratio(cost(node), cost(self.plan.root())).map_or(0.0, |share| share.clamp(0.0, 1.0))
    }

    /// The table that a node scans.
    pub fn table(&self, catalog: &Catalog<'a>, node: &Node) -> Option<TableRef<'a>> {
        if node.node_type == NodeType::ModifyTable {
            return None;
        }
        let target = &node.target;
        catalog.table(target.schema.as_deref(), target.relation.as_deref()?)
    }

    /// The columns of the scanned table that a condition of a scan mentions.
    pub fn columns(
        &self,
        table: Option<TableRef<'_>>,
        node: &Node,
        condition: &str,
    ) -> Vec<String> {
        let alias = node.target.alias.as_ref().or(node.target.relation.as_ref());
        let mut names: Vec<String> = columns(condition)
            .into_iter()
            .filter(|column| column.qualifier.is_none() || column.qualifier.as_ref() == alias)
            .map(|column| column.name)
            .filter(|name| table.is_none_or(|table| table.table.column(name).is_some()))
            .collect();
        names.sort();
        names.dedup();
        names
    }
}
