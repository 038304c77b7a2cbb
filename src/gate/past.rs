//! What plans were before: what the baseline keeps of a statement, and how it has changed.

use std::collections::{BTreeMap, BTreeSet};

use super::{Origin, Own, Rules, shape};
use crate::baseline::{Change, Entry};
use crate::checks::{cost_regression, lost_index};
use crate::finding::{Finding, Severity};
use crate::ids::QualifiedName;
use crate::plan::Plan;
use crate::snapshot::Snapshot;
use crate::sql::family::Family;

/// A statement as it was and as it is.
pub(super) struct Past<'b> {
    pub(super) was: Option<&'b Entry>,
    pub(super) now: Entry,
}

impl Past<'_> {
    /// What has changed for the worse, as findings.
    pub(super) fn findings(&self, origin: &Origin, rules: &Rules) -> Vec<Finding> {
        // One that had no plan has nothing to be compared with.
        let was = self.was.filter(|was| !was.plan.is_empty());
        let thresholds = &rules.analysis.thresholds;
        let changes = was.map(|was| was.changes(&self.now, thresholds));
        let checks = &rules.analysis.checks;
        changes
            .into_iter()
            .flatten()
            .filter_map(|change| match change {
                Change::LostIndex { table, was } => checks
                    .includes(lost_index::ID)
                    .then(|| lost_index::draft(&table, &was).stamp(lost_index::ID, Severity::High)),
                Change::Dearer {
                    before,
                    after,
                    grown,
                } => {
                    let severity = if grown {
                        Severity::Info
                    } else {
                        Severity::High
                    };
                    let draft = cost_regression::draft(&origin.called(), before, after, grown);
                    checks
                        .includes(cost_regression::ID)
                        .then(|| draft.stamp(cost_regression::ID, severity))
                }
            })
            .collect()
    }
}

/// What the baseline keeps of a statement, but for its findings.
pub(super) fn entry(own: &Own<'_>, snapshot: &Snapshot) -> Entry {
    let plan = |by_index: bool| {
        let mut plans = own.plans.iter();
        plans.find(|plan| plan.scans.are_as_set() != by_index)
    };
    let lines = |by_index| {
        plan(by_index)
            .map(|plan| shape(&plan.plan))
            .unwrap_or_default()
    };
    let number = |key: &str| {
        let found = plan(false).and_then(|plan| plan.plan.pointer(&format!("/Plan/{key}")));
        found
            .and_then(serde_json::Value::as_f64)
            .unwrap_or_default()
    };
    let query = own.statement.query.as_deref().unwrap_or_default();
    Entry {
        name: own.origin.name.clone(),
        family: Family::of(query).fingerprint.id(),
        plan: lines(false),
        by_index: lines(true),
        cost: number("Total Cost"),
        rows: number("Plan Rows"),
        pages: pages(own, snapshot),
        findings: Vec::new(),
    }
}

/// The pages of the tables that a statement's plan reads.
fn pages(own: &Own<'_>, snapshot: &Snapshot) -> BTreeMap<String, i64> {
    let plans = own
        .plans
        .iter()
        .filter_map(|record| Plan::parse(&record.plan).ok());
    let mut read = BTreeSet::new();
    for plan in plans {
        for node in plan.nodes() {
            let target = &node.target;
            if let (Some(schema), Some(name)) = (&target.schema, &target.relation) {
                read.insert(QualifiedName::new(schema, name));
            }
        }
    }
    let tables = snapshot
        .tables
        .iter()
        .filter(|table| read.contains(&table.name));
    tables
        .map(|table| (table.name.to_string(), table.pages.get()))
        .collect()
}
