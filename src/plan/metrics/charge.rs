//! Who ran an `InitPlan` or a CTE: EXPLAIN prints them under the node that owns them, but they run inside of the node
//! that first asks for their result (nodeSubplan.c, `ExecSetParamPlan`; nodeCtescan.c), and so their time and blocks
//! are counted there.

use crate::plan::{ConditionKind, Node, NodeId, NodeType, Plan};

/// How a CTE's cost is divided, and where an `InitPlan`'s went.
pub(super) enum Consumers {
    /// The CTE Scans that read it.
    Scans(Vec<NodeId>),
    /// The nodes that may have run it, the likeliest first, and then the owner.
    Candidates(Vec<NodeId>),
}

/// The tops of `InitPlan`s that ran: those with one result first, then the CTEs.
pub(super) fn init_plans(plan: &Plan) -> impl Iterator<Item = &Node> {
    let ran = plan
        .nodes()
        .filter(|node| node.is_init_plan() && node.executed());
    let single = ran.clone().filter(|node| node.cte_name().is_none());
    single.chain(ran.filter(|node| node.cte_name().is_some()))
}

/// Who may have run the `InitPlan` `top`.
pub(super) fn consumers(plan: &Plan, top: &Node) -> Consumers {
    if top.cte_name().is_some() {
        let scans = plan
            .nodes()
            .filter(|node| node.node_type == NodeType::CteScan && node.executed())
            .filter(|scan| plan.cte_of(scan).is_some_and(|cte| cte.id == top.id))
            .map(|scan| scan.id)
            .collect();
        return Consumers::Scans(scans);
    }
    let Some(owner) = plan.parent(top) else {
        return Consumers::Candidates(Vec::new());
    };
    let marks = marks(top.subplan_name.as_deref().unwrap_or_default());
    let mut candidates: Vec<(usize, &Node)> = plan
        .subtree(owner)
        .filter(|node| node.executed() && !plan.is_within(node, top.id))
        .filter(|node| mentions(node, &marks))
        .map(|node| evaluator(plan, owner, node))
        .map(|node| (plan.ancestors(node).count(), node))
        .collect();
    // The deepest first: a node's input runs before its own expressions. But a One-Time Filter (a Result) comes before
    // its input.
    candidates.sort_by_key(|(depth, node)| {
        let one_time = node
            .condition(&ConditionKind::OneTimeFilter)
            .is_some_and(|text| marks.iter().any(|mark| mark.is_in(text)));
        (!one_time, std::cmp::Reverse(*depth), node.id)
    });
    let mut ids: Vec<NodeId> = candidates.into_iter().map(|(_, node)| node.id).collect();
    ids.push(owner.id);
    ids.dedup();
    Consumers::Candidates(ids)
}

/// A Gather computes the `InitPlan` results that its workers need before it starts them (execParallel.c,
/// `ExecInitParallelPlan`, `EvalParamExecParamList`), so it is what ran an `InitPlan` that is mentioned below.
fn evaluator<'a>(plan: &'a Plan, owner: &Node, node: &'a Node) -> &'a Node {
    plan.gather_of(node)
        .filter(|gather| plan.is_within(gather, owner.id))
        .unwrap_or(node)
}

/// How expressions refer to an `InitPlan`'s result.
#[derive(Debug, PartialEq)]
enum Mark {
    /// `$0`, up to 16.
    Parameter(String),
    /// `(InitPlan 1)`, from 17.
    Name(String),
}

impl Mark {
    fn is_in(&self, text: &str) -> bool {
        match self {
            Self::Name(name) => text.contains(name.as_str()),
            Self::Parameter(parameter) => text.match_indices(parameter.as_str()).any(|(at, _)| {
                !text
                    .get(at + parameter.len()..)
                    .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
            }),
        }
    }
}

/// The marks of `InitPlan 1 (returns $0,$1)` or `InitPlan 1`.
fn marks(subplan_name: &str) -> Vec<Mark> {
    match subplan_name.split_once(" (returns ") {
        Some((_, parameters)) => parameters
            .trim_end_matches(')')
            .split(',')
            .map(|parameter| Mark::Parameter(parameter.trim().to_owned()))
            .collect(),
        None if subplan_name.is_empty() => Vec::new(),
        None => vec![Mark::Name(format!("({subplan_name})"))],
    }
}

fn mentions(node: &Node, marks: &[Mark]) -> bool {
    node.expressions()
        .any(|text| marks.iter().any(|mark| mark.is_in(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_whole_parameters() {
        let one = marks("InitPlan 1 (returns $1)");
        assert_eq!(one, [Mark::Parameter("$1".to_owned())]);
        for (text, found) in [
            ("(a > $1)", true),
            ("(a > $10)", false),
            ("(a > $10) OR (b = $1)", true),
            ("$1", true),
            ("", false),
        ] {
            assert_eq!(one.iter().any(|mark| mark.is_in(text)), found, "{text}");
        }
        assert_eq!(marks("InitPlan 2 (returns $1,$2)").len(), 2);
        let newer = marks("InitPlan 1");
        assert!(
            newer
                .iter()
                .any(|mark| mark.is_in("(a > (InitPlan 1).col1)"))
        );
        assert!(
            !newer
                .iter()
                .any(|mark| mark.is_in("(a > (InitPlan 12).col1)"))
        );
        assert_eq!(marks(""), []);
    }
}
