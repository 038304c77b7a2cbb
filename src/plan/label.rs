//! A node in a few words, as EXPLAIN's text format would name it (explain.c, `ExplainNode`).

use crate::ids::quote_ident;

use super::Plan;
use super::node::{Node, Target};
use super::vocabulary::{JoinType, NodeType, Operation, PartialMode, ScanDirection, Strategy};

impl Plan {
    /// The node in a few words: `Parallel Seq Scan on public.orders o`, `Index Scan using orders_pkey on orders`,
    /// `Hash Left Join`. The schema only where EXPLAIN gave it (VERBOSE), the alias only where it differs.
    pub fn label(&self, node: &Node) -> String {
        let mut label = String::new();
        if node.parallel_aware {
            label.push_str("Parallel ");
        }
        label.push_str(&kind(node));
        if node.scan_direction == Some(ScanDirection::Backward) {
            label.push_str(" Backward");
        }
        match (&node.node_type, &node.target.index) {
            (NodeType::BitmapIndexScan, Some(index)) => {
                label.push_str(" on ");
                label.push_str(&quote_ident(index));
            }
            (_, Some(index)) => {
                label.push_str(" using ");
                label.push_str(&quote_ident(index));
            }
            _ => {}
        }
        if let Some(target) = target(&node.target) {
            label.push_str(" on ");
            label.push_str(&target);
        }
        label
    }
}

fn kind(node: &Node) -> String {
    match &node.node_type {
        NodeType::Aggregate => aggregate(node),
        NodeType::ModifyTable => match &node.operation {
            Some(operation) => operation.to_string(),
            None => node.node_type.to_string(),
        },
        NodeType::ForeignScan => match &node.operation {
            Some(operation) if *operation != Operation::Select => format!("Foreign {operation}"),
            _ => node.node_type.to_string(),
        },
        NodeType::CustomScan => match &node.custom_provider {
            Some(provider) => format!("Custom Scan ({provider})"),
            None => node.node_type.to_string(),
        },
        NodeType::SetOp => {
            let hashed = match node.strategy {
                Some(Strategy::Hashed) => "HashSetOp",
                _ => "SetOp",
            };
            match &node.set_command {
                Some(command) => format!("{hashed} {command}"),
                None => hashed.to_owned(),
            }
        }
        NodeType::NestedLoop | NodeType::MergeJoin | NodeType::HashJoin => join(node),
        other => other.to_string(),
    }
}

fn aggregate(node: &Node) -> String {
    let name = match node.strategy {
        Some(Strategy::Sorted) => "GroupAggregate",
        Some(Strategy::Hashed) => "HashAggregate",
        Some(Strategy::Mixed) => "MixedAggregate",
        _ => "Aggregate",
    };
    match &node.partial_mode {
        Some(mode @ (PartialMode::Partial | PartialMode::Finalize)) => format!("{mode} {name}"),
        _ => name.to_owned(),
    }
}

fn join(node: &Node) -> String {
    let method = match node.node_type {
        NodeType::MergeJoin => "Merge",
        NodeType::HashJoin => "Hash",
        _ => "Nested Loop",
    };
    match &node.join_type {
        Some(join_type) if *join_type != JoinType::Inner => format!("{method} {join_type} Join"),
        _ if node.node_type == NodeType::NestedLoop => method.to_owned(),
        _ => format!("{method} Join"),
    }
}

fn target(target: &Target) -> Option<String> {
    let name = target
        .relation
        .as_ref()
        .or(target.function.as_ref())
        .or(target.cte.as_ref())
        .or(target.tuplestore.as_ref());
    let alias = target.alias.as_ref();
    let Some(name) = name else {
        return alias.map(|alias| quote_ident(alias).into_owned());
    };
    let mut text = match &target.schema {
        Some(schema) => format!("{}.{}", quote_ident(schema), quote_ident(name)),
        None => quote_ident(name).into_owned(),
    };
    if let Some(alias) = alias.filter(|alias| *alias != name) {
        text.push(' ');
        text.push_str(&quote_ident(alias));
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn labels_read_like_explain() {
        for (node, expected) in [
            (
                json!({"Node Type": "Seq Scan", "Parallel Aware": true, "Relation Name": "orders", "Schema": "public", "Alias": "o"}),
                "Parallel Seq Scan on public.orders o",
            ),
            (
                json!({"Node Type": "Index Scan", "Scan Direction": "Backward", "Index Name": "Weird", "Relation Name": "orders", "Alias": "orders"}),
                "Index Scan Backward using \"Weird\" on orders",
            ),
            (
                json!({"Node Type": "Bitmap Index Scan", "Index Name": "x"}),
                "Bitmap Index Scan on x",
            ),
            (
                json!({"Node Type": "Aggregate", "Strategy": "Hashed", "Partial Mode": "Partial"}),
                "Partial HashAggregate",
            ),
            (
                json!({"Node Type": "Aggregate", "Strategy": "Plain", "Partial Mode": "Simple"}),
                "Aggregate",
            ),
            (
                json!({"Node Type": "Hash Join", "Join Type": "Left"}),
                "Hash Left Join",
            ),
            (
                json!({"Node Type": "Nested Loop", "Join Type": "Inner"}),
                "Nested Loop",
            ),
            (
                json!({"Node Type": "Nested Loop", "Join Type": "Anti"}),
                "Nested Loop Anti Join",
            ),
            (
                json!({"Node Type": "ModifyTable", "Operation": "Update", "Relation Name": "t", "Alias": "t"}),
                "Update on t",
            ),
            (
                json!({"Node Type": "CTE Scan", "CTE Name": "spent", "Alias": "s"}),
                "CTE Scan on spent s",
            ),
            (
                json!({"Node Type": "Values Scan", "Alias": "*VALUES*"}),
                "Values Scan on \"*VALUES*\"",
            ),
            (
                json!({"Node Type": "SetOp", "Strategy": "Hashed", "Command": "Except"}),
                "HashSetOp Except",
            ),
            (json!({"Node Type": "Quantum Scan"}), "Quantum Scan"),
        ] {
            let plan = Plan::parse(&json!({ "Plan": node })).unwrap();
            assert_eq!(plan.label(plan.root()), expected);
        }
    }
}
