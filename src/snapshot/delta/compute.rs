//! How a window is computed from the counters of two moments, or of one.

use std::collections::BTreeMap;

use jiff::{Timestamp, Unit};

use super::counters::{self, Fell};
use super::{
    Delta, Invalid, InvalidReason, StatementDelta, Subject, TableDelta, Window, WindowCaveat,
    WindowKind, WindowTotals,
};
use crate::ids::{Oid, StatementKey};
use crate::snapshot::{
    CounterSource, DatabaseCounters, HiddenStatements, Sample, Snapshot, Spread, StatementCounters,
    TableCounters,
};
use crate::units::{Millis, float};

impl Window {
    /// The window that the snapshot was taken for: from its first sample, or since the reset where there is none.
    pub fn of(snapshot: &Snapshot) -> Self {
        snapshot.samples.first().map_or_else(
            || Self::since_reset(snapshot),
            |base| Self::between(base, snapshot),
        )
    }

    /// Everything that the snapshot's counters hold.
    pub fn since_reset(snapshot: &Snapshot) -> Self {
        let source = snapshot.counter_source.as_ref();
        let mut window = Self::empty(
            WindowKind::SinceReset,
            statements_began(snapshot),
            snapshot.database.as_ref().and_then(tables_began),
            snapshot.captured_at,
        );
        if source.is_some() && window.from.is_none() {
            window.caveats.push(WindowCaveat::UnknownStart);
        }
        if let Some(passes) = source
            .and_then(|source| source.dealloc)
            .filter(|passes| *passes > 0)
        {
            window.caveats.push(WindowCaveat::Evictions { passes });
        }
        window.statements = whole_statements(snapshot);
        window.tables = whole_tables(snapshot);
        window.database = snapshot.database.clone().map(Delta);
        let hidden = source.and_then(|source| source.hidden).map(Delta);
        window.finish(snapshot, hidden);
        window
    }

    /// What happened between a sample and the snapshot.
    pub fn between(base: &Sample, snapshot: &Snapshot) -> Self {
        Self::interval(base, &Later::of_snapshot(snapshot), snapshot)
    }

    fn interval(base: &Sample, later: &Later<'_>, snapshot: &Snapshot) -> Self {
        let reset = reset_between(base, later.source);
        let mut window = Self::empty(
            WindowKind::Interval,
            Some(reset.unwrap_or(base.taken_at)),
            Some(base.taken_at),
            later.taken_at,
        );
        let restarted = base.started_at != later.started_at;
        if restarted {
            window.caveats.push(WindowCaveat::RestartInside);
        }
        if let Some(at) = reset {
            window.caveats.push(WindowCaveat::ResetInside { at });
        }
        if let Some(passes) = evictions(base, later.source, reset) {
            window.caveats.push(WindowCaveat::Evictions { passes });
        }
        if reset.is_some() {
            window.statements = later.whole_statements();
        } else if restarted {
            window.reject_statements(base, InvalidReason::ServerRestarted);
        } else {
            window.compare_statements(base, later);
        }
        window.compare_tables(base, later, restarted);
        window.compare_database(base, later, restarted);
        let hidden = window.compare_hidden(base, later, reset.is_some(), restarted);
        window.finish(snapshot, hidden);
        window
    }

    fn empty(
        kind: WindowKind,
        from: Option<Timestamp>,
        tables_from: Option<Timestamp>,
        to: Timestamp,
    ) -> Self {
        let seconds = |from: Timestamp| seconds_between(from, to);
        Self {
            kind,
            from,
            to,
            seconds: from.and_then(seconds),
            tables_from,
            tables_seconds: tables_from.and_then(seconds),
            statements: Vec::new(),
            tables: Vec::new(),
            database: None,
            totals: WindowTotals::default(),
            invalid: Vec::new(),
            caveats: Vec::new(),
        }
    }

    fn finish(&mut self, snapshot: &Snapshot, hidden: Option<Delta<HiddenStatements>>) {
        if self.from.is_some() && self.seconds.is_none() {
            self.caveats.push(WindowCaveat::NoLength);
        }
        if nested_counted_twice(snapshot) {
            self.caveats.push(WindowCaveat::NestedCountedTwice);
        }
        self.statements
            .retain(|delta| delta.counters.0.calls > 0 || delta.counters.0.plans.unwrap_or(0) > 0);
        self.invalid
            .sort_by(|a, b| (&a.subject, a.reason).cmp(&(&b.subject, b.reason)));
        self.totals = totals(snapshot, &self.statements, hidden);
    }

    fn reject_statements(&mut self, base: &Sample, reason: InvalidReason) {
        let rejected = base.statements.iter().map(|statement| Invalid {
            subject: Subject::Statement(statement.key.clone()),
            reason,
        });
        self.invalid.extend(rejected);
    }

    fn compare_statements(&mut self, base: &Sample, later: &Later<'_>) {
        let mut earlier: BTreeMap<_, _> = base
            .statements
            .iter()
            .enumerate()
            .map(|(position, statement)| (&statement.key, (position, statement)))
            .collect();
        for row in &later.statements {
            let Some((position, statement)) = earlier.remove(row.key) else {
                // Not there at the sample: all that its counters hold happened after it.
                self.statements
                    .push(whole_statement(row.index, row.counters));
                continue;
            };
            let began_anew = match (statement.stats_since, row.stats_since) {
                (Some(before), Some(after)) => before != after,
                _ => false,
            };
            let compared = if began_anew {
                Err(InvalidReason::CountersReset)
            } else {
                counters::statement(&statement.counters, row.counters)
                    .map_err(|Fell| InvalidReason::CountersFell)
            };
            match compared {
                Ok(difference) => self.statements.push(StatementDelta {
                    index: row.index,
                    base: Some(position),
                    mean_exec_time_ms: mean(&difference),
                    stddev_exec_time_ms: counters::stddev(&statement.counters, row.counters),
                    counters: Delta(difference),
                }),
                Err(reason) => self.invalid.push(Invalid {
                    subject: Subject::Statement(row.key.clone()),
                    reason,
                }),
            }
        }
        let gone = earlier.into_keys().map(|key| Invalid {
            subject: Subject::Statement(key.clone()),
            reason: InvalidReason::Gone,
        });
        self.invalid.extend(gone);
    }

    fn compare_tables(&mut self, base: &Sample, later: &Later<'_>, restarted: bool) {
        let mut earlier: BTreeMap<Oid, _> = base
            .tables
            .iter()
            .enumerate()
            .map(|(position, table)| (table.oid, (position, &table.counters)))
            .collect();
        for row in &later.tables {
            let (base, compared) = match earlier.remove(&row.oid) {
                None => (None, Ok(*row.counters)),
                Some(_) if restarted => (None, Err(InvalidReason::ServerRestarted)),
                Some((position, before)) => (
                    Some(position),
                    counters::table(before, row.counters)
                        .map_err(|Fell| InvalidReason::CountersFell),
                ),
            };
            match compared {
                Ok(difference) => self.tables.push(TableDelta {
                    index: row.index,
                    base,
                    counters: Delta(difference),
                }),
                Err(reason) => self.invalid.push(Invalid {
                    subject: Subject::Table(row.oid),
                    reason,
                }),
            }
        }
        let gone = earlier.into_keys().map(|oid| Invalid {
            subject: Subject::Table(oid),
            reason: InvalidReason::Gone,
        });
        self.invalid.extend(gone);
    }

    fn compare_database(&mut self, base: &Sample, later: &Later<'_>, restarted: bool) {
        let (Some(before), Some(after)) = (&base.database, later.database) else {
            return;
        };
        let compared = if restarted {
            Err(InvalidReason::ServerRestarted)
        } else if before.stats_reset != after.stats_reset {
            Err(InvalidReason::CountersReset)
        } else {
            counters::database(before, after).map_err(|Fell| InvalidReason::CountersFell)
        };
        match compared {
            Ok(difference) => self.database = Some(Delta(difference)),
            Err(reason) => self.invalid.push(Invalid {
                subject: Subject::Database,
                reason,
            }),
        }
    }

    fn compare_hidden(
        &mut self,
        base: &Sample,
        later: &Later<'_>,
        reset: bool,
        restarted: bool,
    ) -> Option<Delta<HiddenStatements>> {
        let after = later.source.and_then(|source| source.hidden)?;
        if reset {
            return Some(Delta(after));
        }
        let before = base
            .counter_source
            .as_ref()
            .and_then(|source| source.hidden)?;
        let compared = if restarted {
            Err(InvalidReason::ServerRestarted)
        } else {
            counters::hidden(&before, &after).map_err(|Fell| InvalidReason::CountersFell)
        };
        compared
            .map_err(|reason| {
                self.invalid.push(Invalid {
                    subject: Subject::HiddenStatements,
                    reason,
                });
            })
            .ok()
            .map(Delta)
    }
}

/// The later end of a window.
struct Later<'a> {
    taken_at: Timestamp,
    started_at: Timestamp,
    source: Option<&'a CounterSource>,
    database: Option<&'a DatabaseCounters>,
    statements: Vec<LaterStatement<'a>>,
    tables: Vec<LaterTable<'a>>,
}

struct LaterStatement<'a> {
    index: usize,
    key: &'a StatementKey,
    counters: &'a StatementCounters,
    stats_since: Option<Timestamp>,
}

struct LaterTable<'a> {
    index: usize,
    oid: Oid,
    counters: &'a TableCounters,
}

impl<'a> Later<'a> {
    fn of_snapshot(snapshot: &'a Snapshot) -> Self {
        let statements = snapshot.statements.iter().enumerate();
        let tables = snapshot.tables.iter().enumerate();
        Self {
            taken_at: snapshot.captured_at,
            started_at: snapshot.server.started_at,
            source: snapshot.counter_source.as_ref(),
            database: snapshot.database.as_ref(),
            statements: statements
                .map(|(index, statement)| LaterStatement {
                    index,
                    key: &statement.key,
                    counters: &statement.counters,
                    stats_since: statement.stats_since,
                })
                .collect(),
            tables: tables
                .filter_map(|(index, table)| {
                    let counters = table.counters.as_ref()?;
                    Some(LaterTable {
                        index,
                        oid: table.oid,
                        counters,
                    })
                })
                .collect(),
        }
    }

    fn whole_statements(&self) -> Vec<StatementDelta> {
        let rows = self.statements.iter();
        rows.map(|row| whole_statement(row.index, row.counters))
            .collect()
    }
}

fn whole_statements(snapshot: &Snapshot) -> Vec<StatementDelta> {
    let statements = snapshot.statements.iter().enumerate();
    statements
        .map(|(index, statement)| whole_statement(index, &statement.counters))
        .collect()
}

fn whole_statement(index: usize, counters: &StatementCounters) -> StatementDelta {
    StatementDelta {
        index,
        base: None,
        mean_exec_time_ms: mean(counters),
        stddev_exec_time_ms: counters
            .spread
            .filter(|_| counters.calls > 0)
            .map(|spread: Spread| spread.stddev_exec_time_ms),
        counters: Delta(counters.clone()),
    }
}

fn whole_tables(snapshot: &Snapshot) -> Vec<TableDelta> {
    let tables = snapshot.tables.iter().enumerate();
    tables
        .filter_map(|(index, table)| {
            let counters = Delta(table.counters?);
            Some(TableDelta {
                index,
                base: None,
                counters,
            })
        })
        .collect()
}

fn mean(counters: &StatementCounters) -> Option<Millis> {
    crate::units::ratio(counters.total_exec_time_ms.get(), float(counters.calls)).map(Millis)
}

fn totals(
    snapshot: &Snapshot,
    statements: &[StatementDelta],
    hidden: Option<Delta<HiddenStatements>>,
) -> WindowTotals {
    let toplevel = statements.iter().filter(|delta| {
        let statement = snapshot.statements.get(delta.index);
        delta.counters.0.calls > 0 && statement.is_some_and(|statement| statement.key.toplevel)
    });
    let mut totals = WindowTotals {
        hidden,
        ..WindowTotals::default()
    };
    for delta in toplevel {
        totals.statements += 1;
        counters::add(&mut totals.counters.0, &delta.counters.0);
    }
    totals
}

/// When the statement counters began: the extension's reset, or the server's start where counters do not outlive it.
fn statements_began(snapshot: &Snapshot) -> Option<Timestamp> {
    let reset = snapshot.counter_source.as_ref()?.stats_reset?;
    let saved = snapshot
        .settings
        .get("pg_stat_statements.save")
        .is_none_or(|setting| setting.value == "on");
    Some(if saved {
        reset
    } else {
        reset.max(snapshot.server.started_at)
    })
}

/// When the counters of tables began. Those that were never reset on their own began when the server had to begin all
/// its statistics, or with the database or the table itself, so that rates a second are rather too low.
fn tables_began(database: &DatabaseCounters) -> Option<Timestamp> {
    database.stats_reset.or(database.server_stats_reset)
}

/// The reset of all statement counters within the interval. Every counter that is there after it began after it.
fn reset_between(base: &Sample, later: Option<&CounterSource>) -> Option<Timestamp> {
    let before = base.counter_source.as_ref()?.stats_reset;
    let after = later?.stats_reset?;
    (before.is_some_and(|before| before != after) && after > base.taken_at).then_some(after)
}

fn evictions(
    base: &Sample,
    later: Option<&CounterSource>,
    reset: Option<Timestamp>,
) -> Option<i64> {
    let after = later?.dealloc?;
    let before = match reset {
        Some(_) => 0,
        None => base.counter_source.as_ref()?.dealloc?,
    };
    after.checked_sub(before).filter(|passes| *passes > 0)
}

/// Before 1.9 a nested statement looks like a toplevel one; it was recorded as such only under `track = all`.
fn nested_counted_twice(snapshot: &Snapshot) -> bool {
    let source = snapshot.counter_source.as_ref();
    let old = source.is_some_and(|source| source.extension_version == "1.8");
    let track = snapshot.settings.get("pg_stat_statements.track");
    old && track.is_some_and(|setting| setting.value == "all")
}

fn seconds_between(from: Timestamp, to: Timestamp) -> Option<f64> {
    let seconds = to.since(from).ok()?.total(Unit::Second).ok()?;
    (seconds > 0.0).then_some(seconds)
}
