//! Whether anything in a plan relates the two sides of a join.

use std::collections::BTreeSet;

use crate::plan::{ConditionKind, Node, NodeType, Plan, Relationship, columns};
use crate::sql::lexer::{Token, TokenKind, redacted_tokens};

/// Whether a condition anywhere in the plan relates both sides: in the inner side itself, which then asks for the outer
/// row's value, through other tables, or because both are compared with the same constant. What the plan hides counts
/// as a relation.
pub(super) fn linked(plan: &Plan, outer: &Node, inner: &Node) -> bool {
    let (left, right) = (aliases(plan, outer), aliases(plan, inner));
    asks_for(plan, inner, &left)
        || hides(plan, inner)
        || same_constant(plan, outer, inner)
        || connected(plan, left, &right)
}

fn aliases(plan: &Plan, side: &Node) -> BTreeSet<String> {
    let nodes = plan.subtree(side);
    nodes.filter_map(|node| node.target.alias.clone()).collect()
}

/// The relations that an expression of a node mentions. A scan leaves out its own name.
fn mentioned(node: &Node, expression: &str) -> BTreeSet<String> {
    let own = node.target.alias.as_ref();
    let columns = columns(expression).into_iter();
    columns
        .filter_map(|column| column.qualifier.or_else(|| own.cloned()))
        .collect()
}

fn asks_for(plan: &Plan, inner: &Node, outer: &BTreeSet<String>) -> bool {
    plan.subtree(inner).any(|node| {
        let mut expressions = node.expressions();
        expressions.any(|text| !mentioned(node, text).is_disjoint(outer))
    })
}

/// Arguments of functions and lists of values stand in no plan without VERBOSE, the latter in none at all. What is kept
/// for all outer rows depends on none of them.
fn hides(plan: &Plan, inner: &Node) -> bool {
    if inner.node_type == NodeType::Materialize {
        return false;
    }
    plan.subtree(inner).any(|node| match node.node_type {
        NodeType::FunctionScan => node.condition(&ConditionKind::FunctionCall).is_none(),
        NodeType::TableFunctionScan => node.condition(&ConditionKind::TableFunctionCall).is_none(),
        NodeType::ProjectSet | NodeType::Result => node.output.is_empty() && !is_dummy(node),
        NodeType::ValuesScan | NodeType::ForeignScan | NodeType::CustomScan => true,
        _ => false,
    })
}

/// The row that a set-returning function in a select list is called for.
fn is_dummy(node: &Node) -> bool {
    node.node_type == NodeType::Result && node.relationship == Some(Relationship::Outer)
}

/// `a.x = b.x AND a.x = 5` is planned as `a.x = 5` and `b.x = 5` (equivclass.c), and the condition between the two is
/// gone.
fn same_constant(plan: &Plan, outer: &Node, inner: &Node) -> bool {
    let constants = |side| -> BTreeSet<String> {
        plan.subtree(side)
            .flat_map(|node| &node.conditions)
            .flat_map(|condition| compared(&condition.text))
            .collect()
    };
    !constants(outer).is_disjoint(&constants(inner))
}

/// The constants and parameters that a condition compares with by `=`.
fn compared(condition: &str) -> Vec<String> {
    let found: Vec<Token<'_>> = redacted_tokens(condition)
        .filter(|token| !token.is_trivia())
        .collect();
    let pairs = found.windows(2).filter_map(|pair| match pair {
        [equals, value] if equals.text == "=" && is_constant(value) => Some(value.text.to_owned()),
        _ => None,
    });
    pairs.collect()
}

fn is_constant(token: &Token<'_>) -> bool {
    !token.is_name() && !matches!(token.text, "(" | "ANY" | "ALL") && token.kind != TokenKind::Word
}

/// Whether conditions lead from one side to the other, through other tables too.
fn connected(plan: &Plan, mut reached: BTreeSet<String>, wanted: &BTreeSet<String>) -> bool {
    let mut links: Vec<BTreeSet<String>> = plan
        .nodes()
        .flat_map(|node| {
            let conditions = node.conditions.iter();
            conditions.map(|condition| mentioned(node, &condition.text))
        })
        .filter(|names| names.len() > 1)
        .collect();
    loop {
        if !reached.is_disjoint(wanted) {
            return true;
        }
        let before = links.len();
        links.retain(|names| {
            let touches = !names.is_disjoint(&reached);
            if touches {
                reached.extend(names.iter().cloned());
            }
            !touches
        });
        if links.len() == before {
            return false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_behind_an_equals_sign_are_found() {
        for (condition, expected) in [
            ("(a.x = 5)", vec!["5"]),
            ("((a.x = 'done'::text) AND (a.y > 3))", vec!["'done'"]),
            ("(a.x = $1)", vec!["$1"]),
            ("(a.x = b.y)", vec![]),
            ("(a.x = ANY ('{1,2}'::integer[]))", vec![]),
            ("(a.x = ‹text#1›)", vec!["‹text#1›"]),
            ("(a.x = (b.y + 1))", vec![]),
        ] {
            assert_eq!(compared(condition), expected, "{condition}");
        }
    }
}
