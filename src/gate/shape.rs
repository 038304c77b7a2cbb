//! A plan's shape: what it does, without numbers and without values.

use serde_json::Value;

use crate::plan::{Node, Plan};

/// A node a line, what is below another one indented. Sequential and parallel ways to read a table are told apart,
/// costs are not.
pub fn shape(plan: &Value) -> Vec<String> {
    let Ok(plan) = Plan::parse(plan) else {
        return Vec::new();
    };
    plan.nodes()
        .map(|node| format!("{:1$}{2}", "", depth(&plan, node) * 2, plan.label(node)))
        .collect()
}

fn depth(plan: &Plan, node: &Node) -> usize {
    plan.ancestors(node).count()
}
