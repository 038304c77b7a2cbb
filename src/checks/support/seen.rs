//! Findings about what a node of a plan does, as a property of its statement.

use super::{each_node, subject};
use crate::checks::{Case, CasePlan, Proposal};
use crate::finding::{Cause, Draft, Evidence, Recommendation, Severity, Weight};
use crate::plan::Node;

/// What a check sees in a node.
#[derive(Debug)]
pub struct Seen {
    /// What and how much: the beginning of the title, such as `cartesian product: 640,000 rows`.
    pub title: String,
    /// The number that proves it.
    pub proof: Evidence,
    /// More numbers.
    pub others: Vec<Evidence>,
    /// The advice.
    pub advice: Recommendation,
    /// The share of the plan's time that it costs, 0..1.
    pub share: f64,
    /// The findings that explain it where they are found, the likeliest first.
    pub causes: Vec<Cause>,
    /// A limit of its severity.
    pub at_most: Option<Severity>,
}

impl Seen {
    /// The finding.
    pub fn proposal(self, case: &Case<'_>, plan: &CasePlan<'_>, node: &Node) -> Proposal {
        let title = format!("{} in {}", self.title, case.label(plan));
        let subject = subject(&case.shape(plan));
        let draft = Draft::new(subject, title, self.proof, self.advice)
            .with_all(self.others)
            .following(self.causes);
        let mut proposal = case.of_node(plan, node, self.share, draft);
        if let Some(most) = self.at_most {
            proposal.draft = proposal.draft.weighed(Weight::AtMost(most));
        }
        proposal
    }
}

/// Proposes for each node of each plan in which something is seen.
pub fn each_seen<'a>(
    case: &Case<'a>,
    found: &mut Vec<Proposal>,
    look: impl Fn(&Case<'a>, &CasePlan<'a>, &Node) -> Option<Seen>,
) {
    each_node(case, found, |case, plan, node| {
        let seen = look(case, plan, node)?;
        Some(seen.proposal(case, plan, node))
    });
}
