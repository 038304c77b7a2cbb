//! From a Snapshot to a Report: runs the checks, weighs what they found, and says what could not be looked at.

mod caveats;
mod logged;
mod merge;
mod metrics;
mod relate;
mod severity;
mod skipped;
mod summary;

use std::collections::BTreeMap;

use relate::Related;

use crate::checks::workload::{Limits, Workload};
use crate::checks::{CHECKS, Case, Proposal, Selection, Thresholds, workload};
use crate::finding::{
    Caveat, Report, ReportPlan, Runs, SCHEMA_VERSION, Skipped, Source, Status, Target, ToolInfo,
    WindowInfo,
};
use crate::ids::StatementKey;
use crate::snapshot::{PlanRecord, Snapshot};

/// What is looked for and how far.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Config {
    /// Which checks run.
    pub checks: Selection,
    /// What decides whether they fire.
    pub thresholds: Thresholds,
    /// How many statements are probed.
    pub limits: Limits,
}

/// Which statements are worth a probe: indexes into the Snapshot's statements, the most worthwhile first.
pub fn candidates(snapshot: &Snapshot, config: &Config) -> Vec<usize> {
    workload::candidates(&Workload::of(snapshot), &config.limits)
}

/// What a reader must know where thresholds are not the defaults.
pub fn thresholds_caveat(config: &Config) -> Option<Caveat> {
    let changed = config.thresholds.changed(&config.checks);
    (!changed.is_empty()).then_some(Caveat::Thresholds { changed })
}

/// The report on a Snapshot. Literals should have been replaced by tokens before.
pub fn analyze(snapshot: &Snapshot, config: &Config) -> Report {
    let case = Case::of(snapshot, &config.thresholds);
    let (probed, explained) = if snapshot.scope.is_workload() {
        (plans(snapshot), Vec::new())
    } else {
        (Vec::new(), plans(snapshot))
    };
    let Related { findings, stake } = find(&case, config);
    let skipped = skipped::skipped(&case, config);
    let status = if skipped.iter().any(|entry| entry.limits) {
        Status::Partial
    } else {
        Status::Completed
    };
    let skipped: Vec<Skipped> = skipped.into_iter().map(|entry| entry.skipped).collect();
    Report {
        schema_version: SCHEMA_VERSION,
        tool: ToolInfo {
            name: env!("CARGO_PKG_NAME"),
            version: env!("CARGO_PKG_VERSION"),
        },
        status,
        summary: summary::sentence(&findings, case.workload.share(stake), status),
        target: snapshot.server.is_known().then(|| target(snapshot)),
        window: snapshot
            .counter_source
            .as_ref()
            .map(|_| window(&case.workload)),
        baseline_metrics: metrics::baseline(&case),
        log: logged::info(&case),
        statements: metrics::statements(&case),
        caveats: caveats::caveats(&case, config, &findings),
        bottlenecks: findings,
        plans: explained,
        checked: Vec::new(),
        probed_plans: probed,
        skipped,
    }
}

fn find(case: &Case<'_>, config: &Config) -> Related {
    let mut claims = Vec::new();
    for check in CHECKS.iter().copied() {
        if config.checks.includes(check.meta().id) {
            let mut proposals = Vec::new();
            check.run(case, &mut proposals);
            if !case.snapshot.scope.is_workload() {
                proposals = proposals.into_iter().filter_map(beside_counters).collect();
            }
            claims.extend(merge::merge(&case.workload, check, proposals));
        }
    }
    relate::relate(&case.workload, &config.thresholds, claims)
}

/// The proposal without what counters say: those of a statement that was explained alone count nothing but its plans.
fn beside_counters(proposal: Proposal) -> Option<Proposal> {
    let draft = proposal.draft.without(Source::PgStatStatements)?;
    Some(Proposal { draft, ..proposal })
}

fn plans(snapshot: &Snapshot) -> Vec<ReportPlan> {
    let statements: BTreeMap<&StatementKey, usize> = snapshot
        .statements
        .iter()
        .enumerate()
        .map(|(place, statement)| (&statement.key, place))
        .collect();
    let query = |plan: &PlanRecord| {
        let statement = statements
            .get(&plan.key)
            .and_then(|place| snapshot.statements.get(*place));
        plan.text.clone().or_else(|| statement?.query.clone())
    };
    let plans = snapshot.plans.iter();
    plans
        .map(|plan| ReportPlan {
            query: query(plan),
            runs: Runs::of(&plan.runs_ms),
            record: plan.clone(),
        })
        .collect()
}

fn target(snapshot: &Snapshot) -> Target {
    let server = &snapshot.server;
    Target {
        database: server.database.clone(),
        address: server.address.clone(),
        server_version: server.short_version().to_owned(),
        role: snapshot.role.name.clone(),
        superuser: snapshot.role.superuser,
        in_recovery: server.in_recovery,
        captured_at: Some(snapshot.captured_at),
    }
}

fn window(workload: &Workload<'_>) -> WindowInfo {
    let window = workload.window();
    WindowInfo {
        kind: window.kind,
        from: window.from,
        to: window.to,
        seconds: window.seconds,
    }
}
