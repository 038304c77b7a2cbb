//! Walks over plans.

use std::collections::BTreeMap;

use crate::checks::{Case, CasePlan, Proposal};
use crate::finding::Subject;
use crate::plan::Node;

/// Proposes for each node of each plan. What is proposed of one subject for several nodes beside one another, such as
/// the scans of a table's partitions, is one proposal that costs what they cost together.
pub fn each_node<'a>(
    case: &Case<'a>,
    found: &mut Vec<Proposal>,
    propose: impl Fn(&Case<'a>, &CasePlan<'a>, &Node) -> Option<Proposal>,
) {
    for plan in &case.plans {
        let mut of_subject: BTreeMap<Subject, Vec<(&Node, Proposal)>> = BTreeMap::new();
        for node in plan.plan.nodes() {
            if let Some(proposal) = propose(case, plan, node) {
                let subject = proposal.draft.subject().clone();
                of_subject
                    .entry(subject)
                    .or_default()
                    .push((node, proposal));
            }
        }
        let each = of_subject.into_values();
        found.extend(each.flat_map(|proposals| together(case, plan, proposals)));
    }
}

/// The costliest of them with the cost of all; where one is below another, their costs overlap, and they stay apart.
fn together<'a>(
    case: &Case<'a>,
    plan: &CasePlan<'a>,
    mut proposals: Vec<(&Node, Proposal)>,
) -> Vec<Proposal> {
    let below = |node: &Node| {
        let mut others = proposals.iter().map(|(other, _)| *other);
        plan.plan
            .ancestors(node)
            .any(|above| others.any(|other| other.id == above.id))
    };
    let apart = proposals.len() < 2 || proposals.iter().any(|(node, _)| below(node));
    let part = |proposal: &Proposal| case.part(plan, &proposal.draft);
    if apart {
        return proposals
            .into_iter()
            .map(|(_, proposal)| proposal)
            .collect();
    }
    proposals.sort_by(|(_, one), (_, other)| part(other).total_cmp(&part(one)));
    let all: f64 = proposals.iter().map(|(_, proposal)| part(proposal)).sum();
    let costliest = proposals.into_iter().next();
    let whole = costliest.map(|(_, proposal)| Proposal {
        draft: case.weighed(plan, all.min(1.0), proposal.draft),
        families: proposal.families,
    });
    whole.into_iter().collect()
}
