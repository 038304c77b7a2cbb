//! What a reader must know to weigh the numbers of a report.

use std::collections::BTreeSet;

use super::Config;
use crate::advisor::WriteWindow;
use crate::checks::{CHECKS, Case};
use crate::finding::{Action, Caveat, Finding};
use crate::snapshot::delta::{Window, WindowCaveat};
use crate::snapshot::{Area, NEWEST_MAJOR};
use crate::units::{float, ratio};

/// Eviction removes the 5 % least used entries at a time (`USAGE_DEALLOC_PERCENT` in `pg_stat_statements.c`), so a
/// table this full is about to evict.
const NEARLY_FULL: f64 = 0.95;

/// The first version whose `pg_stat_statements` records when it was reset.
const RECORDS_RESET_MAJOR: u32 = 14;

/// All caveats of a report with these findings.
pub fn caveats(case: &Case<'_>, config: &Config, findings: &[Finding]) -> Vec<Caveat> {
    let mut all: Vec<Caveat> = of_window(case).collect();
    all.extend(nearly_full(case));
    all.extend(of_tables_window(case, findings));
    all.extend(of_role(case));
    all.extend(of_workload(case));
    all.extend(newer_server(case));
    all.extend(row_security(case));
    all.extend(case.snapshot.server.in_recovery.then_some(Caveat::Standby));
    all.extend(unneeded(case));
    all.extend(super::thresholds_caveat(config));
    all
}

fn of_window<'c>(case: &'c Case<'_>) -> impl Iterator<Item = Caveat> + 'c {
    let window = case.workload.window();
    let limits = window.caveats.iter().map(|limit| Caveat::Window {
        limit: *limit,
        remedy: remedy(case, *limit),
    });
    limits.chain(invalid(window))
}

fn invalid(window: &Window) -> Option<Caveat> {
    let first = window.invalid.first()?;
    Some(Caveat::InvalidDeltas {
        statements: window.invalid.len(),
        reason: first.reason.to_string(),
    })
}

fn remedy(case: &Case<'_>, limit: WindowCaveat) -> Option<String> {
    match limit {
        WindowCaveat::UnknownStart if case.snapshot.server.major() >= RECORDS_RESET_MAJOR => {
            Some("ALTER EXTENSION pg_stat_statements UPDATE;".to_owned())
        }
        WindowCaveat::UnknownStart => Some("measure an interval with --window 5min".to_owned()),
        WindowCaveat::Evictions { .. } => max_entries(case).map(more_entries),
        _ => None,
    }
}

fn max_entries(case: &Case<'_>) -> Option<i64> {
    let setting = case.snapshot.settings.get("pg_stat_statements.max")?;
    setting.value.parse().ok()
}

fn more_entries(max: i64) -> String {
    format!(
        "put pg_stat_statements.max = {} into postgresql.conf, then restart the server",
        max.saturating_mul(2)
    )
}

fn nearly_full(case: &Case<'_>) -> Option<Caveat> {
    let source = case.snapshot.counter_source.as_ref()?;
    let (entries, max) = (source.entries?, max_entries(case)?);
    let full = ratio(float(entries), float(max)).is_some_and(|share| share >= NEARLY_FULL);
    let evicted = source.dealloc.is_some_and(|passes| passes > 0);
    (full && !evicted).then(|| Caveat::NearlyFull {
        entries,
        max,
        remedy: more_entries(max),
    })
}

/// Only advice to create an index stands on writes a second.
fn of_tables_window(case: &Case<'_>, findings: &[Finding]) -> Option<Caveat> {
    let advised = |finding: &Finding| finding.recommendation.kind == Action::CreateIndex;
    if !case.snapshot.scope.is_workload() || !findings.iter().any(advised) {
        return None;
    }
    let at = case.workload.window().tables_from;
    match WriteWindow::of(case) {
        WriteWindow::Seconds(_) => None,
        WriteWindow::SecondsWithLoading(_) => at.map(|at| Caveat::TablesSinceStart { at }),
        WriteWindow::Loading => at.map(|at| Caveat::TablesLoading { at }),
        WriteWindow::Unknown => Some(Caveat::UnknownTableWindow),
    }
}

fn of_role(case: &Case<'_>) -> Option<Caveat> {
    let role = &case.snapshot.role;
    (role.superuser || role.server_access).then(|| Caveat::PrivilegedRole {
        role: role.name.clone(),
    })
}

fn of_workload(case: &Case<'_>) -> impl Iterator<Item = Caveat> {
    let totals = case.workload.totals();
    let share = |time| case.workload.share(time).unwrap_or_default();
    let texts = case.snapshot.gap(Area::StatementTexts);
    let hides = totals.hidden_time.get() > 0.0 || (texts.is_some() && totals.calls > 0);
    let hidden = hides.then(|| Caveat::HiddenStatements {
        share: share(totals.hidden_time),
        remedy: texts.and_then(|gap| gap.remedy.clone()),
    });
    let unparsed = (totals.unparsed > 0).then(|| Caveat::Unparsed {
        statements: totals.unparsed,
        share: share(totals.unparsed_time),
    });
    let nested = (totals.nested > 0).then_some(Caveat::NestedStatements {
        statements: totals.nested,
    });
    [hidden, unparsed, nested].into_iter().flatten()
}

fn newer_server(case: &Case<'_>) -> Option<Caveat> {
    let server = &case.snapshot.server;
    (server.major() > NEWEST_MAJOR).then(|| Caveat::NewerServer {
        version: server.short_version().to_owned(),
        tested: NEWEST_MAJOR,
    })
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

/// Gaps in areas that no check of the program needs, so that no check's entry tells them.
fn unneeded<'c>(case: &'c Case<'_>) -> impl Iterator<Item = Caveat> + 'c {
    let needed: BTreeSet<Area> = CHECKS
        .iter()
        .flat_map(|check| check.meta().needs)
        .copied()
        .collect();
    let gaps = case.snapshot.gaps.iter();
    gaps.filter(move |gap| !needed.contains(&gap.area))
        .map(|gap| Caveat::Unseen {
            reason: gap.reason.clone(),
            remedy: gap.remedy.clone(),
        })
}
