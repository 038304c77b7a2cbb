//! The verdict on one statement.

use std::cell::LazyCell;
use std::collections::BTreeSet;

use super::past::Past;
use super::{Origin, Own, Reported, Rules, allow, broken};
use crate::analyze::analyze;
use crate::baseline::Entry;
use crate::checks::{Catalog, broken_statement, lost_index, stale_allow, unservable_predicate};
use crate::finding::{AllowedFinding, CheckVerdict, CheckedStatement, Finding};
use crate::snapshot::{ProbeOutcome, ProbeStatus, Snapshot};

/// What is said of one statement, its findings, and what the baseline keeps of it.
pub(super) type Verdict = (CheckedStatement, Vec<Finding>, Entry);

/// Judges a statement. In the snapshot, it takes the place of the one before.
pub(super) fn one(snapshot: &mut Snapshot, own: Own<'_>, rules: &Rules, past: Past<'_>) -> Verdict {
    let Own {
        statement,
        origin,
        plans,
        probe,
    } = own;
    let query = statement.query.clone().unwrap_or_default();
    let planned = !plans.is_empty();
    let found = if planned {
        snapshot.statements = vec![statement];
        snapshot.plans = plans;
        of_plans(snapshot, rules)
    } else {
        of_rejection(probe.as_ref(), origin, &query, rules)
    };
    let judged = planned || !found.is_empty();
    let mut ids: Vec<String> = found.iter().map(|finding| finding.id.clone()).collect();
    ids.sort();
    ids.dedup();
    let found = compared(found, &past, origin, rules);
    let (mut findings, allowed, stale) = allow::apply(found, origin, rules, planned);
    if rules.analysis.checks.includes(stale_allow::ID) {
        findings.extend(stale);
    }
    for finding in &mut findings {
        place(finding, origin, &query);
    }
    let fails = |finding: &Finding| {
        rules
            .fail_on
            .is_some_and(|threshold| finding.severity >= threshold)
    };
    let unplanned = probe.filter(|_| !judged);
    let checked = CheckedStatement {
        name: origin.called(),
        file: origin.file.clone(),
        line: origin.line,
        family: past.now.family.clone(),
        query,
        verdict: match (judged, findings.iter().any(fails)) {
            (_, true) => CheckVerdict::Failed,
            (true, false) => CheckVerdict::Passed,
            (false, false) => CheckVerdict::NotPlanned,
        },
        reason: unplanned
            .as_ref()
            .and_then(|probe| Some(format!("{}: {}", word(probe), probe.reason.as_ref()?))),
        remedy: unplanned.and_then(|probe| probe.remedy),
        allowed: allowed
            .into_iter()
            .map(|(id, allow)| AllowedFinding {
                id,
                reason: allow.reason.clone(),
                until: allow.until.map(|day| day.to_string()),
            })
            .collect(),
        plan: past.now.plan.clone(),
    };
    let entry = Entry {
        findings: ids,
        ..past.now
    };
    (checked, findings, entry)
}

/// What is found in the plans of the one statement that a snapshot holds.
fn of_plans(snapshot: &Snapshot, rules: &Rules) -> Vec<Finding> {
    let mut found = analyze(snapshot, &rules.analysis).bottlenecks;
    // Few statements have such a finding, and a catalog is as large as the database.
    let catalog = LazyCell::new(|| Catalog::of(snapshot));
    found.retain(|finding| {
        finding.kind != unservable_predicate::ID || !is_of_small_table(finding, rules, &catalog)
    });
    found
}

/// What is found in a statement that has no plan: that the server rejects it.
fn of_rejection(
    probe: Option<&ProbeOutcome>,
    origin: &Origin,
    query: &str,
    rules: &Rules,
) -> Vec<Finding> {
    broken::finding(probe, origin, query)
        .filter(|_| rules.analysis.checks.includes(broken_statement::ID))
        .into_iter()
        .collect()
}

/// The findings that are reported, and with them what has changed since the baseline.
fn compared(
    mut found: Vec<Finding>,
    past: &Past<'_>,
    origin: &Origin,
    rules: &Rules,
) -> Vec<Finding> {
    // An index that is lost is told of once: the conditions that it served are the better place.
    let unserved: BTreeSet<Option<String>> = found
        .iter()
        .filter(|finding| finding.kind == unservable_predicate::ID)
        .map(|finding| finding.location.table.clone())
        .collect();
    let mut changed = past.findings(origin, rules);
    changed.retain(|finding| {
        finding.kind != lost_index::ID || !unserved.contains(&finding.location.table)
    });
    if let (Reported::New, Some(was)) = (rules.reported, past.was) {
        found.retain(|finding| !was.findings.contains(&finding.id));
    }
    found.extend(changed);
    found
}

/// Puts a finding where its statement stands.
fn place(finding: &mut Finding, origin: &Origin, query: &str) {
    let location = &mut finding.location;
    location.queryids.clear();
    location.file.clone_from(&origin.file);
    location.line = location.line.or(origin.line);
    location.statement.clone_from(&origin.name);
    location.query.get_or_insert_with(|| query.to_owned());
    // Other statements may have findings of the same ids.
    finding.related.clear();
}

fn is_of_small_table(finding: &Finding, rules: &Rules, catalog: &Catalog<'_>) -> bool {
    let table = finding.location.table.as_deref();
    table.is_some_and(|table| rules.is_small(table, catalog))
}

const fn word(probe: &ProbeOutcome) -> &'static str {
    match probe.status {
        ProbeStatus::Refused => "refused",
        ProbeStatus::NotProbed => "not probed",
        _ => "not planned",
    }
}
