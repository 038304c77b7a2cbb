//! Which finding explains which, and the order in which a reader should see them.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use crate::finding::{Action, Finding, Severity};
use crate::ids::QueryId;

/// Links findings about the same statements, lets one advised index explain what it would mend, and sorts: the worst
/// first, an explained finding never before the one that explains it.
pub fn relate(findings: &mut [Finding]) {
    explain(findings);
    link(findings);
    let severities: BTreeMap<String, Severity> = findings
        .iter()
        .map(|finding| (finding.id.clone(), finding.severity))
        .collect();
    for finding in findings.iter_mut() {
        let lead = finding
            .explained_by
            .as_ref()
            .and_then(|id| severities.get(id));
        if let Some(lead) = lead {
            finding.severity = finding.severity.min(*lead);
        }
    }
    findings.sort_by(|one, other| {
        let rank = |finding: &Finding| (Reverse(finding.severity), finding.explained_by.is_some());
        let time = |finding: &Finding| finding.impact.time_ms.unwrap_or_default().get();
        rank(one)
            .cmp(&rank(other))
            .then(time(other).total_cmp(&time(one)))
            .then_with(|| one.id.cmp(&other.id))
    });
}

fn explain(findings: &mut [Finding]) {
    let leads: Vec<Lead> = findings.iter().filter_map(Lead::of).collect();
    for finding in findings {
        let lead = leads.iter().find(|lead| lead.explains(finding));
        finding.explained_by = lead.map(|lead| lead.id.clone());
    }
}

/// An advised index.
struct Lead {
    id: String,
    weight: u8,
    table: String,
    columns: Vec<String>,
    queryids: BTreeSet<QueryId>,
}

impl Lead {
    fn of(finding: &Finding) -> Option<Self> {
        if finding.recommendation.kind != Action::CreateIndex {
            return None;
        }
        Some(Self {
            id: finding.id.clone(),
            weight: weight(finding),
            table: finding.location.table.clone()?,
            columns: finding.location.columns.clone(),
            queryids: finding.location.queryids.iter().copied().collect(),
        })
    }

    /// Whether the index would mend what the finding is about: the same table, its leading column among the finding's,
    /// and for a plan the same statement.
    fn explains(&self, finding: &Finding) -> bool {
        let location = &finding.location;
        let same_table = location.table.as_deref() == Some(self.table.as_str());
        let leading = self.columns.first();
        let covers = leading.is_some_and(|column| location.columns.contains(column));
        let statements = &location.queryids;
        let same_statement =
            statements.is_empty() || statements.iter().any(|id| self.queryids.contains(id));
        weight(finding) < self.weight && same_table && covers && same_statement
    }
}

/// Which advice is the fullest: an index weighed against its cost before one that a foreign key asks for, and both
/// before what a plan node alone suggests.
fn weight(finding: &Finding) -> u8 {
    match (
        finding.recommendation.kind,
        finding.recommendation.index.is_some(),
    ) {
        (Action::CreateIndex, true) if finding.recommendation.expected.before_cost.is_some() => 2,
        (Action::CreateIndex, true) => 1,
        _ => 0,
    }
}

/// More links than this help nobody.
const MAX_RELATED: usize = 20;

fn link(findings: &mut [Finding]) {
    let mut of_statement: BTreeMap<QueryId, BTreeSet<String>> = BTreeMap::new();
    for finding in findings.iter() {
        for queryid in &finding.location.queryids {
            of_statement
                .entry(*queryid)
                .or_default()
                .insert(finding.id.clone());
        }
    }
    for finding in findings {
        let related: BTreeSet<&String> = finding
            .location
            .queryids
            .iter()
            .filter_map(|queryid| of_statement.get(queryid))
            .flatten()
            .filter(|id| **id != finding.id)
            .collect();
        finding.related = related.into_iter().take(MAX_RELATED).cloned().collect();
    }
}
