//! Calls and rows from moment to moment, kept as changes: what stands still takes no memory.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use jiff::{Timestamp, Unit};

use crate::ids::StatementKey;
use crate::snapshot::{MOST_KEPT, Snapshot, StatementSeries, WindowSeries};

/// One statement at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Counted {
    pub(super) key: StatementKey,
    pub(super) calls: i64,
    pub(super) rows: i64,
    /// When it was read, by the server's clock.
    pub(super) read_at: Timestamp,
}

#[derive(Debug, Clone, Copy)]
struct Change {
    moment: usize,
    calls: i64,
    rows: i64,
}

/// What was read so far.
#[derive(Debug, Default)]
pub(super) struct Recorder {
    moments: Vec<Timestamp>,
    changes: BTreeMap<StatementKey, Vec<Change>>,
}

impl Recorder {
    /// Takes in what was read at one moment. Nothing read is no moment: nobody knows when that was.
    pub(super) fn add(&mut self, counted: Vec<Counted>) {
        let Some(read_at) = counted.first().map(|first| first.read_at) else {
            return;
        };
        if self.moments.last().is_some_and(|last| read_at <= *last) {
            return;
        }
        let moment = self.moments.len();
        self.moments.push(read_at);
        for Counted {
            key, calls, rows, ..
        } in counted
        {
            let changes = self.changes.entry(key).or_default();
            let moved = changes
                .last()
                .is_none_or(|last| (last.calls, last.rows) != (calls, rows));
            if moved {
                changes.push(Change {
                    moment,
                    calls,
                    rows,
                });
            }
        }
    }

    /// The counters of the snapshot's statements that moved; of very many, the busiest.
    pub(super) fn series(self, snapshot: &Snapshot) -> Option<WindowSeries> {
        let from = *self.moments.first()?;
        let known: BTreeSet<&StatementKey> = snapshot
            .statements
            .iter()
            .map(|statement| &statement.key)
            .collect();
        let count = self.moments.len();
        let moved = self.changes.into_iter().filter(|(key, changes)| {
            let later = changes.iter().any(|change| change.moment > 0);
            later && known.contains(key)
        });
        let mut statements: Vec<StatementSeries> = moved
            .map(|(key, changes)| StatementSeries {
                key,
                calls: at_each_moment(&changes, count, |change| change.calls),
                rows: at_each_moment(&changes, count, |change| change.rows),
            })
            .collect();
        keep_busiest(&mut statements);
        let seconds: Result<Vec<f64>, jiff::Error> = self
            .moments
            .iter()
            .map(|moment| moment.since(from)?.total(Unit::Second))
            .collect();
        Some(WindowSeries {
            from,
            seconds: seconds.ok()?,
            statements,
        })
    }
}

fn at_each_moment(changes: &[Change], count: usize, counter: fn(&Change) -> i64) -> Vec<i64> {
    let mut changes = changes.iter().peekable();
    let mut now = 0;
    let moments = 0..count;
    moments
        .map(|moment| {
            while let Some(change) = changes.next_if(|change| change.moment <= moment) {
                now = counter(change);
            }
            now
        })
        .collect()
}

fn keep_busiest(statements: &mut Vec<StatementSeries>) {
    if statements.len() <= MOST_KEPT {
        return;
    }
    let mut busiest: BTreeSet<usize> = BTreeSet::new();
    for counter in [
        (|series| &series.calls) as fn(&StatementSeries) -> &Vec<i64>,
        |series| &series.rows,
    ] {
        let grown = |series: &StatementSeries| {
            let list = counter(series);
            let ends = list.first().zip(list.last());
            ends.map_or(0, |(first, last)| last.saturating_sub(*first))
        };
        let mut ranked: Vec<usize> = (0..statements.len()).collect();
        ranked.sort_by_key(|place| (Reverse(statements.get(*place).map(grown)), *place));
        busiest.extend(ranked.into_iter().take(MOST_KEPT));
    }
    let mut place = 0;
    statements.retain(|_| {
        place += 1;
        busiest.contains(&(place - 1))
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{Oid, QueryId};
    use crate::snapshot::Statement;

    fn key(queryid: i64) -> StatementKey {
        StatementKey {
            userid: Oid(10),
            queryid: Some(QueryId(queryid)),
            toplevel: true,
        }
    }

    fn counted(second: i64, statements: &[(i64, i64, i64)]) -> Vec<Counted> {
        statements
            .iter()
            .map(|(queryid, calls, rows)| Counted {
                key: key(*queryid),
                calls: *calls,
                rows: *rows,
                read_at: Timestamp::from_second(second).unwrap(),
            })
            .collect()
    }

    fn snapshot(statements: impl IntoIterator<Item = i64>) -> Snapshot {
        let mut snapshot: Snapshot = serde_json::from_value(serde_json::json!({
            "capture_version": 1, "tool_version": "0", "captured_at": "2026-01-01T00:00:00Z",
            "server": {"version_num": 170_000, "version": "17.0", "database": "shop", "started_at": "2026-01-01T00:00:00Z"},
            "role": {"name": "triage"},
        }))
        .unwrap();
        snapshot.statements = statements
            .into_iter()
            .map(|queryid| Statement {
                key: key(queryid),
                role: None,
                query: None,
                counters: crate::snapshot::StatementCounters::default(),
                stats_since: None,
            })
            .collect();
        snapshot
    }

    #[test]
    fn only_what_moved_is_kept() {
        let mut recorder = Recorder::default();
        recorder.add(counted(10, &[(1, 5, 50), (2, 7, 7), (9, 1, 1)]));
        recorder.add(counted(11, &[(1, 6, 60), (2, 7, 7), (9, 2, 2)]));
        recorder.add(Vec::new());
        recorder.add(counted(14, &[(1, 6, 60), (2, 7, 7), (3, 4, 8), (9, 3, 3)]));
        let series = recorder.series(&snapshot([1, 2, 3])).unwrap();
        assert_eq!(series.from, Timestamp::from_second(10).unwrap());
        assert_eq!(series.seconds, [0.0, 1.0, 4.0]);
        let expected = [
            (key(1), vec![5, 6, 6], vec![50, 60, 60]),
            (key(3), vec![0, 0, 4], vec![0, 0, 8]),
        ];
        let expected = expected.map(|(key, calls, rows)| StatementSeries { key, calls, rows });
        assert_eq!(series.statements, expected);
    }

    #[test]
    fn of_very_many_statements_the_busiest_are_kept() {
        let most = i64::try_from(MOST_KEPT).unwrap();
        let all: Vec<(i64, i64, i64)> = (0..2 * most + 10).map(|n| (n, n, 3 * most - n)).collect();
        let mut recorder = Recorder::default();
        recorder.add(counted(10, &[(-1, 1, 1)]));
        recorder.add(counted(11, &all));
        let series = recorder
            .series(&snapshot(all.iter().map(|(queryid, ..)| *queryid)))
            .unwrap();
        assert_eq!(series.statements.len(), 2 * MOST_KEPT);
        let kept = |queryid: i64| series.statements.iter().any(|one| one.key == key(queryid));
        assert!(kept(0) && kept(2 * most + 9) && !kept(most + 5));
    }
}
