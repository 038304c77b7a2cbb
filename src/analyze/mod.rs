//! From a Snapshot to a Report: runs the checks, weighs what they found, and says what could not be looked at.

mod merge;
mod metrics;
mod relate;
mod severity;
mod skipped;
mod summary;

use std::collections::{BTreeMap, BTreeSet};

use relate::Related;

use crate::checks::workload::{Limits, Workload};
use crate::checks::{CHECKS, Case, Proposal, Selection, workload};
use crate::finding::{
    Caveat, Report, ReportPlan, SCHEMA_VERSION, Skipped, Source, Status, Target, ToolInfo,
    WindowInfo,
};
use crate::ids::StatementKey;
use crate::snapshot::delta::{Window, WindowCaveat};
use crate::snapshot::{PlanRecord, Snapshot};

/// The newest major version that is tested.
const NEWEST_MAJOR: u32 = 18;

/// What is looked for and how far.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Config {
    /// Which checks run.
    pub checks: Selection,
    /// How many statements are probed.
    pub limits: Limits,
}

/// Which statements are worth a probe: indexes into the Snapshot's statements, the most worthwhile first.
pub fn candidates(snapshot: &Snapshot, config: &Config) -> Vec<usize> {
    workload::candidates(&Workload::of(snapshot), &config.limits)
}

/// The report on a Snapshot. Literals should have been replaced by tokens before.
pub fn analyze(snapshot: &Snapshot, config: &Config) -> Report {
    let case = Case::of(snapshot);
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
        baseline_metrics: snapshot
            .counter_source
            .as_ref()
            .map(|_| metrics::baseline(&case.workload)),
        statements: metrics::statements(&case.workload),
        bottlenecks: findings,
        plans: explained,
        probed_plans: probed,
        skipped,
        caveats: caveats(&case),
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
    relate::relate(&case.workload, claims)
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
        captured_at: snapshot.captured_at,
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

fn caveats(case: &Case<'_>) -> Vec<Caveat> {
    let snapshot = case.snapshot;
    let totals = case.workload.totals();
    let share = |time| case.workload.share(time).unwrap_or_default();
    let role = &snapshot.role;
    let all = [
        (role.superuser || role.server_access).then(|| Caveat::PrivilegedRole {
            role: role.name.clone(),
        }),
        (totals.hidden_time.get() > 0.0).then(|| Caveat::HiddenStatements {
            share: share(totals.hidden_time),
        }),
        (totals.unparsed > 0).then(|| Caveat::Unparsed {
            statements: totals.unparsed,
            share: share(totals.unparsed_time),
        }),
        (snapshot.server.major() > NEWEST_MAJOR).then(|| Caveat::NewerServer {
            version: snapshot.server.short_version().to_owned(),
        }),
        row_security(case),
        snapshot.server.in_recovery.then_some(Caveat::Standby),
        (totals.nested > 0).then_some(Caveat::NestedStatements {
            statements: totals.nested,
        }),
    ];
    let window = window_caveats(case.workload.window());
    window.chain(all.into_iter().flatten()).collect()
}

fn window_caveats(window: &Window) -> impl Iterator<Item = Caveat> + '_ {
    let first = window.invalid.first();
    let invalid = first.map(|first| Caveat::InvalidDeltas {
        statements: window.invalid.len(),
        reason: first.reason.to_string(),
    });
    let caveats = window.caveats.iter().map(|caveat| match *caveat {
        WindowCaveat::Evictions { passes } => Caveat::Evicted { passes },
        WindowCaveat::UnknownStart => Caveat::UnknownWindow,
        other => Caveat::Window(other),
    });
    caveats.chain(invalid)
}

fn row_security(case: &Case<'_>) -> Option<Caveat> {
    let snapshot = case.snapshot;
    if snapshot.role.bypass_rls || snapshot.role.superuser {
        return None;
    }
    let mut tables = BTreeSet::new();
    for plan in &case.plans {
        let nodes = plan.plan.nodes();
        let scanned = nodes.filter_map(|node| plan.table(&case.catalog, node));
        tables.extend(
            scanned
                .filter(|table| table.table.row_security)
                .map(|table| table.place),
        );
    }
    (!tables.is_empty()).then_some(Caveat::RowSecurity {
        tables: tables.len(),
    })
}
