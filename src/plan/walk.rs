//! Questions about a node's place in its plan.

use super::Plan;
use super::node::{Node, NodeId};
use super::vocabulary::{NodeType, Relationship, Strategy};

/// What the planner adds to the cost of a node whose kind is switched off, before 18 (costsize.c, `disable_cost`).
const DISABLE_COST: f64 = 1.0e10;

impl Node {
    /// Reads all of its input before it returns its first row, whoever stops asking later: nothing above it can cut its
    /// input short. A sorted Aggregate, an Incremental Sort and a Unique are none: they return groups as they come.
    pub fn is_blocking(&self) -> bool {
        match self.node_type {
            NodeType::Sort
            | NodeType::Hash
            // The bitmap is complete before the first page is read (nodeBitmapHeapscan.c).
            | NodeType::BitmapHeapScan
            | NodeType::BitmapAnd
            | NodeType::BitmapOr
            // Run to completion whatever reads its RETURNING (execMain.c, ExecPostprocessPlan).
            | NodeType::ModifyTable => true,
            NodeType::Aggregate => {
                !matches!(self.strategy, Some(Strategy::Sorted | Strategy::Mixed))
            }
            NodeType::SetOp => self.strategy == Some(Strategy::Hashed),
            _ => false,
        }
    }
}

impl Plan {
    /// The node that `node` stands under.
    pub fn parent(&self, node: &Node) -> Option<&Node> {
        node.parent.map(|parent| self.node(parent))
    }

    /// The nodes right under `node`.
    pub fn children<'a>(&'a self, node: &'a Node) -> impl DoubleEndedIterator<Item = &'a Node> {
        node.children.iter().map(|child| self.node(*child))
    }

    /// The first child that stands in this relationship.
    pub fn child<'a>(&'a self, node: &'a Node, relationship: &Relationship) -> Option<&'a Node> {
        self.children(node)
            .find(|child| child.relationship.as_ref() == Some(relationship))
    }

    /// The children whose time, blocks and rows `node` includes: all but `InitPlan`s, which whoever needs them first
    /// runs.
    pub fn inputs<'a>(&'a self, node: &'a Node) -> impl DoubleEndedIterator<Item = &'a Node> {
        self.children(node).filter(|child| !child.is_init_plan())
    }

    /// From the parent up to the root.
    pub fn ancestors<'a>(&'a self, node: &'a Node) -> impl Iterator<Item = &'a Node> {
        std::iter::successors(self.parent(node), |ancestor| self.parent(ancestor))
    }

    /// `node` and everything below it, in EXPLAIN's order.
    pub fn subtree(&self, node: &Node) -> impl Iterator<Item = &Node> {
        let top = node.id;
        self.nodes().skip(top.index()).take_while(move |below| {
            below.id == top || below.parent.is_some_and(|parent| parent >= top)
        })
    }

    /// Whether `node` is `top` or stands below it.
    pub fn is_within(&self, node: &Node, top: NodeId) -> bool {
        node.id == top || self.ancestors(node).any(|ancestor| ancestor.id == top)
    }

    /// The Gather that `node` runs under, in parallel workers. A sub-plan of the Gather itself runs in the leader.
    pub fn gather_of<'a>(&'a self, node: &'a Node) -> Option<&'a Node> {
        let mut below = node;
        for ancestor in self.ancestors(node) {
            if ancestor.is_gather() && below.relationship == Some(Relationship::Outer) {
                return Some(ancestor);
            }
            below = ancestor;
        }
        None
    }

    /// How many workers were started for `node`: 0 outside of parallel parts.
    pub fn workers_launched(&self, node: &Node) -> i64 {
        self.gather_of(node)
            .and_then(|gather| gather.gather.as_ref()?.launched)
            .unwrap_or(0)
            .max(0)
    }

    /// The Limit above `node` that stops it early: nothing between them reads all its input first
    /// ([`Node::is_blocking`]), and `node` is on the side of every join that gives the order.
    pub fn under_limit_without_blocking<'a>(&'a self, node: &'a Node) -> Option<&'a Node> {
        let mut below = node;
        for ancestor in self.ancestors(node) {
            let streams = matches!(
                below.relationship,
                Some(Relationship::Outer | Relationship::Member | Relationship::Subquery)
            );
            if !streams || ancestor.is_blocking() {
                return None;
            }
            if ancestor.node_type == NodeType::Limit {
                return Some(ancestor);
            }
            below = ancestor;
        }
        None
    }

    /// The top of the CTE that a CTE Scan reads: the nearest of that name that it is not itself part of.
    pub fn cte_of<'a>(&'a self, scan: &'a Node) -> Option<&'a Node> {
        if scan.node_type != NodeType::CteScan {
            return None;
        }
        let name = scan.target.cte.as_deref()?;
        let mut below = scan;
        // A CTE Scan that is the top of its query owns the CTE itself.
        for owner in std::iter::once(scan).chain(self.ancestors(scan)) {
            let found = self
                .children(owner)
                .find(|child| child.cte_name() == Some(name) && child.id != below.id);
            if found.is_some() {
                return found;
            }
            below = owner;
        }
        None
    }

    /// Whether a sub-plan runs once and its rows are hashed, instead of once for each row of the node above.
    pub fn is_hashed_sub_plan(&self, top: &Node) -> bool {
        let name = top.subplan_name.as_deref().unwrap_or_default();
        let name = name.split(" (returns ").next().unwrap_or_default();
        let mark = format!("(hashed {name})");
        let owner = self.parent(top).filter(|_| !name.is_empty());
        owner.is_some_and(|owner| owner.expressions().any(|text| text.contains(&mark)))
    }

    /// What the planner expects the root to cost, without what forbidden nodes put on top of it: that is no work.
    pub fn cost_of_work(&self) -> Option<f64> {
        let cost = self.root().planned?.total_cost.get();
        let forced = cost >= DISABLE_COST && self.nodes().any(|node| self.disabled(node));
        Some(if forced { cost % DISABLE_COST } else { cost })
    }

    /// Whether an `enable_…` setting forbids this kind of node and the planner had no other way. From 18 EXPLAIN says
    /// so; before, the node's own cost has `disable_cost` in it.
    pub fn disabled(&self, node: &Node) -> bool {
        if let Some(disabled) = node.disabled {
            return disabled;
        }
        let Some(planned) = node.planned else {
            return false;
        };
        if planned.total_cost.get() < DISABLE_COST {
            return false;
        }
        let repeats_inner = node.node_type == NodeType::NestedLoop;
        let below = |cost: fn(&super::Planned) -> f64| -> f64 {
            self.children(node)
                .filter_map(|child| child.planned.as_ref())
                .map(cost)
                .sum()
        };
        // A sub-plan's cost counts once a row, the inner side of a loop once an outer row: there only the startup cost
        // tells.
        let runs_subplans = self.children(node).any(|child| {
            child.relationship == Some(Relationship::SubPlan)
                && child
                    .planned
                    .is_some_and(|planned| planned.total_cost.get() >= DISABLE_COST)
        });
        let own = if repeats_inner || runs_subplans {
            planned.startup_cost.get() - below(|planned| planned.startup_cost.get())
        } else {
            planned.total_cost.get() - below(|planned| planned.total_cost.get())
        };
        own >= DISABLE_COST * 0.99
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn node(node_type: &str, relationship: &str, plans: &[Value]) -> Value {
        json!({"Node Type": node_type, "Parent Relationship": relationship, "Plans": plans})
    }

    fn plan(root: &Value) -> Plan {
        Plan::parse(&json!({ "Plan": root })).unwrap()
    }

    fn first<'a>(plan: &'a Plan, node_type: &NodeType) -> &'a Node {
        plan.nodes()
            .find(|node| node.node_type == *node_type)
            .unwrap()
    }

    #[test]
    fn subtree_is_the_node_and_what_is_below() {
        let plan = plan(&node(
            "Append",
            "",
            &[
                node("Sort", "Member", &[node("Seq Scan", "Outer", &[])]),
                node("Limit", "Member", &[node("Hash", "Outer", &[])]),
            ],
        ));
        let names = |top: &Node| -> Vec<String> {
            plan.subtree(top)
                .map(|node| node.node_type.to_string())
                .collect()
        };
        assert_eq!(
            names(plan.root()),
            ["Append", "Sort", "Seq Scan", "Limit", "Hash"]
        );
        assert_eq!(names(first(&plan, &NodeType::Sort)), ["Sort", "Seq Scan"]);
        assert_eq!(names(first(&plan, &NodeType::Hash)), ["Hash"]);
    }

    #[test]
    fn limit_reaches_down_to_the_next_blocking_node() {
        for (between, relationship, reached) in [
            ("Result", "Outer", true),
            ("Incremental Sort", "Outer", true),
            ("Append", "Member", true),
            ("Sort", "Outer", false),
            ("Hash", "Outer", false),
            ("Nested Loop", "Outer", true),
            ("Nested Loop", "Inner", false),
            ("Seq Scan", "SubPlan", false),
        ] {
            let plan = plan(&node(
                "Limit",
                "",
                &[node(
                    between,
                    "Outer",
                    &[node("Index Scan", relationship, &[])],
                )],
            ));
            let scan = first(&plan, &NodeType::IndexScan);
            assert_eq!(
                plan.under_limit_without_blocking(scan).is_some(),
                reached,
                "{between} {relationship}"
            );
        }
    }

    #[test]
    fn disabled_nodes_before_18_show_in_their_cost() {
        let scan = json!({"Node Type": "Seq Scan", "Parent Relationship": "Outer", "Startup Cost": 1e10, "Total Cost": 1e10 + 100.0, "Plan Rows": 1});
        let above = json!({"Node Type": "Sort", "Startup Cost": 1e10 + 110.0, "Total Cost": 1e10 + 120.0, "Plan Rows": 1, "Plans": [scan]});
        let plan = plan(&above);
        assert!(plan.disabled(first(&plan, &NodeType::SeqScan)));
        assert!(!plan.disabled(plan.root()));
    }

    #[test]
    fn cte_scans_find_the_nearest_cte_of_their_name() {
        let cte = |name: &str, plans: &[Value]| json!({"Node Type": "Seq Scan", "Parent Relationship": "InitPlan", "Subplan Name": format!("CTE {name}"), "Plans": plans});
        let scan = |relationship: &str| json!({"Node Type": "CTE Scan", "CTE Name": "a", "Parent Relationship": relationship});
        let plan = plan(&node(
            "Append",
            "",
            &[
                cte("a", &[]),
                cte("b", &[scan("Outer")]),
                node("Subquery Scan", "Member", &[cte("a", &[]), scan("Outer")]),
            ],
        ));
        let bound: Vec<Option<&str>> = plan
            .nodes()
            .filter(|node| node.node_type == NodeType::CteScan)
            .map(|scan| plan.cte_of(scan).map(Node::pointer))
            .collect();
        assert_eq!(
            bound,
            [Some("/Plan/Plans/0"), Some("/Plan/Plans/2/Plans/0")]
        );
    }
}
