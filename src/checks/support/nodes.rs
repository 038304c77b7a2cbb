//! Walks over plans.

use crate::checks::{Case, CasePlan, Proposal};
use crate::plan::Node;

/// Proposes for each node of each plan.
pub fn each_node<'a>(
    case: &Case<'a>,
    found: &mut Vec<Proposal>,
    propose: impl Fn(&Case<'a>, &CasePlan<'a>, &Node) -> Option<Proposal>,
) {
    for plan in &case.plans {
        let nodes = plan.plan.nodes();
        found.extend(nodes.filter_map(|node| propose(case, plan, node)));
    }
}
