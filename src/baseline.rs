//! What the plans of checked statements were: a file that is committed, and what has changed since.
//!
//! Statements are known by name and family, so that they may move; no line, no number of the server and no literal is
//! in the file, so that it changes only when a plan does.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::checks::Thresholds;
use crate::checks::cost_regression::{MIN_FACTOR, MIN_MORE};
use crate::snapshot::Snapshot;
use crate::units::{float, ratio};

/// The layout of the file.
pub const LOCK_VERSION: u32 = 1;

/// The settings that decide about plans (docs: Query Planning, Resource Consumption).
const PLANNER: [&str; 34] = [
    "cpu_index_tuple_cost",
    "cpu_operator_cost",
    "cpu_tuple_cost",
    "cursor_tuple_fraction",
    "default_statistics_target",
    "effective_cache_size",
    "enable_bitmapscan",
    "enable_gathermerge",
    "enable_hashagg",
    "enable_hashjoin",
    "enable_incremental_sort",
    "enable_indexonlyscan",
    "enable_indexscan",
    "enable_material",
    "enable_memoize",
    "enable_mergejoin",
    "enable_nestloop",
    "enable_parallel_append",
    "enable_parallel_hash",
    "enable_partition_pruning",
    "enable_partitionwise_aggregate",
    "enable_partitionwise_join",
    "enable_seqscan",
    "enable_sort",
    "enable_tidscan",
    "from_collapse_limit",
    "hash_mem_multiplier",
    "join_collapse_limit",
    "max_parallel_workers_per_gather",
    "parallel_setup_cost",
    "parallel_tuple_cost",
    "random_page_cost",
    "seq_page_cost",
    "work_mem",
];

/// The committed file.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Baseline {
    /// The layout's version, see [`LOCK_VERSION`].
    pub lock_version: u32,
    /// The server's major version.
    pub server_major: i32,
    /// Settings that decide about plans.
    pub settings: BTreeMap<String, String>,
    /// The statements, sorted.
    pub statements: Vec<Entry>,
}

/// A statement of the file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Its name; `None` of one that is known by its family alone.
    pub name: Option<String>,
    /// Sixteen hexadecimal digits of its family.
    pub family: String,
    /// Its plan: a node a line, without costs and values.
    pub plan: Vec<String>,
    /// Its plan without sequential scans as far as that is possible.
    pub by_index: Vec<String>,
    /// The planner's cost.
    pub cost: f64,
    /// The rows that the planner expects.
    pub rows: f64,
    /// The pages of its tables.
    pub pages: BTreeMap<String, i64>,
    /// The ids of its findings.
    pub findings: Vec<String>,
}

/// How a statement's plan is worse than it was.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// A table was read by an index and is read whole.
    LostIndex {
        /// The table.
        table: String,
        /// The line of the plan that was.
        was: String,
    },
    /// The plan costs more.
    Dearer {
        /// What it cost.
        before: f64,
        /// What it costs.
        after: f64,
        /// Whether its tables have grown as much.
        grown: bool,
    },
}

/// Why two states cannot be compared.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Incomparable {
    /// Another layout.
    #[error("the baseline is of layout {0}, this program writes {LOCK_VERSION}")]
    Layout(u32),
    /// Another planner.
    #[error("the baseline is of PostgreSQL {before}, this server is {after}")]
    Major {
        /// The baseline's.
        before: i32,
        /// The server's.
        after: i32,
    },
    /// Another setting.
    #[error("{name} was {before} in the baseline and is {after}")]
    Setting {
        /// Its name.
        name: String,
        /// The baseline's.
        before: String,
        /// The server's.
        after: String,
    },
}

impl Baseline {
    /// An empty one of a server, `given` being settings that the user sets on top.
    pub fn of(snapshot: &Snapshot, given: &[(String, String)]) -> Self {
        let mut settings: BTreeMap<String, String> = PLANNER
            .iter()
            .filter_map(|name| {
                let setting = snapshot.settings.get(*name)?;
                Some(((*name).to_owned(), setting.value.clone()))
            })
            .collect();
        settings.extend(given.iter().cloned());
        Self {
            lock_version: LOCK_VERSION,
            server_major: i32::try_from(snapshot.server.major()).unwrap_or_default(),
            settings,
            statements: Vec::new(),
        }
    }

    /// Whether plans of that state can be compared with those of this one.
    ///
    /// # Errors
    /// What differs.
    pub fn comparable(&self, now: &Self) -> Result<(), Incomparable> {
        if self.lock_version != LOCK_VERSION {
            return Err(Incomparable::Layout(self.lock_version));
        }
        if self.server_major != now.server_major {
            return Err(Incomparable::Major {
                before: self.server_major,
                after: now.server_major,
            });
        }
        let names = self.settings.keys().chain(now.settings.keys());
        let value = |state: &Self, name: &String| {
            let value = state.settings.get(name).cloned();
            value.unwrap_or_else(|| "not set".to_owned())
        };
        for name in names {
            let (before, after) = (value(self, name), value(now, name));
            if before != after {
                return Err(Incomparable::Setting {
                    name: name.clone(),
                    before,
                    after,
                });
            }
        }
        Ok(())
    }

    /// The `nth` statement of that name and family, from 0.
    pub fn entry(&self, name: Option<&str>, family: &str, nth: usize) -> Option<&Entry> {
        let mut alike = self
            .statements
            .iter()
            .filter(|entry| entry.name.as_deref() == name && entry.family == family);
        alike.nth(nth)
    }

    /// The file's text.
    ///
    /// # Errors
    /// Never for numbers that are finite.
    pub fn text(&self) -> Result<String, serde_json::Error> {
        let mut sorted = self.clone();
        sorted.statements.sort_by(|one, other| {
            let key = |entry: &Entry| (entry.name.clone(), entry.family.clone());
            key(one).cmp(&key(other))
        });
        let mut text = serde_json::to_string_pretty(&sorted)?;
        text.push('\n');
        Ok(text)
    }
}

impl Entry {
    /// How the plan of `now` is worse than this one.
    pub fn changes(&self, now: &Self, thresholds: &Thresholds) -> Vec<Change> {
        let lost = self.by_index.iter().filter_map(|line| {
            let table = table_by_index(line)?;
            let whole = |lines: &[String]| {
                lines
                    .iter()
                    .filter(|line| table_read_whole(line) == Some(table))
                    .count()
            };
            (whole(&now.by_index) > whole(&self.by_index)).then(|| Change::LostIndex {
                table: table.to_owned(),
                was: line.trim().to_owned(),
            })
        });
        let mut changes: Vec<Change> = lost.take(1).collect();
        let factor = ratio(now.cost, self.cost).unwrap_or(f64::INFINITY);
        let enough = MIN_FACTOR.of(thresholds);
        let dearer = now.cost > self.cost && now.cost >= self.cost + MIN_MORE.of(thresholds);
        if dearer && factor >= enough {
            changes.push(Change::Dearer {
                before: self.cost,
                after: now.cost,
                grown: self.has_grown(now, factor / enough),
            });
        }
        changes
    }

    /// Whether some table has grown by that factor.
    fn has_grown(&self, now: &Self, factor: f64) -> bool {
        let pages = |entry: &Self, table: &String| {
            let pages = entry.pages.get(table).copied().unwrap_or_default();
            float(pages.max(1))
        };
        now.pages.keys().any(|table| {
            let growth = pages(now, table) / pages(self, table);
            growth > 1.0 && growth >= factor
        })
    }
}

/// The table that a line of a plan reads by an index.
fn table_by_index(line: &str) -> Option<&str> {
    let line = line.trim().trim_start_matches("Parallel ");
    let by_index = ["Index Scan", "Index Only Scan", "Bitmap Heap Scan"];
    by_index
        .iter()
        .any(|kind| line.starts_with(kind))
        .then(|| table(line))?
}

fn table_read_whole(line: &str) -> Option<&str> {
    let line = line.trim().trim_start_matches("Parallel ");
    line.starts_with("Seq Scan").then(|| table(line))?
}

/// `public.orders` of `Index Scan using orders_pkey on public.orders o`.
fn table(line: &str) -> Option<&str> {
    let (_, rest) = line.rsplit_once(" on ")?;
    rest.split(' ').next()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::Number;

    fn entry(by_index: &str, cost: f64, pages: i64) -> Entry {
        Entry {
            name: Some("find".to_owned()),
            family: "f".to_owned(),
            plan: Vec::new(),
            by_index: by_index.lines().map(str::to_owned).collect(),
            cost,
            rows: 1.0,
            pages: [("public.t".to_owned(), pages)].into(),
            findings: Vec::new(),
        }
    }

    #[test]
    fn a_scan_that_loses_its_index_is_a_change() {
        let before = entry(
            "Nested Loop\n  Index Scan using t_a on public.t x\n  Seq Scan on public.u",
            1.0,
            1,
        );
        let lost = entry(
            "Nested Loop\n  Seq Scan on public.t x\n  Seq Scan on public.u",
            1.0,
            1,
        );
        let expected = Change::LostIndex {
            table: "public.t".to_owned(),
            was: "Index Scan using t_a on public.t x".to_owned(),
        };
        let usual = Thresholds::default();
        assert_eq!(before.changes(&lost, &usual), [expected]);
        let other = entry(
            "Bitmap Heap Scan on public.t x\n  Seq Scan on public.u",
            1.0,
            1,
        );
        assert_eq!(before.changes(&other, &usual), []);
        assert_eq!(lost.changes(&before, &usual), []);
    }

    #[test]
    fn cost_counts_from_a_tenth_and_ten_on_and_growth_is_told_apart() {
        for (before, after, pages, expected) in [
            (100.0, 110.0, 1, Some(false)),
            (100.0, 109.9, 1, None),
            (20.0, 29.9, 1, None),
            (20.0, 30.0, 1, Some(false)),
            (100.0, 400.0, 4, Some(true)),
            (100.0, 900.0, 4, Some(false)),
        ] {
            let usual = Thresholds::default();
            let changes = entry("", before, 1).changes(&entry("", after, pages), &usual);
            let grown = changes.first().map(|change| match change {
                Change::Dearer { grown, .. } => *grown,
                Change::LostIndex { .. } => panic!("{change:?}"),
            });
            assert_eq!(grown, expected, "{before} {after}");
        }
    }

    #[test]
    fn how_much_dearer_can_be_set() {
        for (name, value, before, after) in [
            ("min_factor", Number::Real(1.5), 100.0, 149.0),
            ("min_cost_more", Number::Whole(50), 100.0, 149.0),
        ] {
            let mut moved = Thresholds::default();
            let mut section = moved.of_check("cost_regression").unwrap();
            section.set(name, Some(value)).unwrap();
            let changes = |after: f64| {
                let now = entry("", after, 1);
                entry("", before, 1).changes(&now, &moved).len()
            };
            assert_eq!((changes(after), changes(after + 1.0)), (0, 1), "{name}");
        }
    }

    #[test]
    fn another_planner_is_not_compared() {
        let state = |major, value: &str| Baseline {
            lock_version: LOCK_VERSION,
            server_major: major,
            settings: [("work_mem".to_owned(), value.to_owned())].into(),
            statements: Vec::new(),
        };
        let before = state(15, "4MB");
        assert_eq!(before.comparable(&state(15, "4MB")), Ok(()));
        let told = |now| before.comparable(&now).unwrap_err().to_string();
        assert_eq!(
            told(state(16, "4MB")),
            "the baseline is of PostgreSQL 15, this server is 16"
        );
        assert_eq!(
            told(state(15, "1MB")),
            "work_mem was 4MB in the baseline and is 1MB"
        );
    }

    #[test]
    fn the_file_reads_back() {
        let mut state = Baseline {
            lock_version: LOCK_VERSION,
            statements: vec![entry("b", 1.5, 1), entry("a", 2.0, 2)],
            ..Baseline::default()
        };
        state.statements[1].name = None;
        let text = state.text().unwrap();
        let read: Baseline = serde_json::from_str(&text).unwrap();
        assert_eq!(read.statements[0].name, None);
        assert_eq!(read.text().unwrap(), text);
    }
}
