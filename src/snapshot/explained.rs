//! Snapshots of statements that were explained for themselves, outside of any workload.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::Value;

use super::{
    Area, Execution, Gap, ParameterVariant, PlanRecord, PlannedText, Role, Scans, Scope, Server,
    Snapshot, Statement, StatementCounters, Table,
};
use crate::ids::{Oid, StatementKey};
use crate::plan::{Plan, PlanError};
use crate::sql::mentions::Mentions;
use crate::units::{Millis, Rows};

impl Server {
    /// Stands for the server where plans come from a file that does not name it.
    fn unknown() -> Self {
        Self {
            version_num: 0,
            version: String::new(),
            database: String::new(),
            database_oid: Oid::default(),
            collation: None,
            address: None,
            in_recovery: false,
            started_at: Timestamp::UNIX_EPOCH,
            block_size: super::server::default_block_size(),
            database_size_bytes: None,
            round_trip_ms: None,
        }
    }

    /// Whether a server was looked at.
    pub const fn is_known(&self) -> bool {
        self.version_num > 0
    }
}

impl Snapshot {
    /// Nothing but plans that EXPLAIN or `auto_explain` printed. Those of one text are plans of one statement.
    ///
    /// # Errors
    /// The first plan that cannot be read.
    pub fn of_plans(plans: Vec<Value>) -> Result<Self, PlanError> {
        let mut snapshot = Self::empty(Server::unknown(), Role::default(), Timestamp::now());
        snapshot.scope = Scope::Explained;
        snapshot.gaps = vec![Gap {
            area: Area::HypotheticalIndexes,
            reason: "a saved plan has no catalog and no planner that could be asked".to_owned(),
            remedy: Some("pgtriage explain DBNAME -c 'the statement'".to_owned()),
        }];
        for value in plans {
            snapshot.add_plan(value)?;
        }
        snapshot.count_executions();
        Ok(snapshot)
    }

    fn add_plan(&mut self, value: Value) -> Result<(), PlanError> {
        let plan = Plan::parse(&value)?;
        let text = plan.query_text.clone();
        let known = self
            .statements
            .iter()
            .find(|statement| text.is_some() && statement.query == text)
            .map(|statement| statement.key.clone());
        let key = known.unwrap_or_else(|| {
            // No role is known; the number keeps statements without an id apart.
            let number = u32::try_from(self.statements.len()).unwrap_or(u32::MAX);
            let key = StatementKey {
                userid: Oid(number),
                queryid: plan.query_identifier,
                toplevel: true,
            };
            self.statements.push(once(key.clone(), text));
            key
        });
        self.plans.push(PlanRecord {
            key,
            variant: ParameterVariant::None,
            execution: if plan.is_analyzed() {
                Execution::Analyzed
            } else {
                Execution::Planned
            },
            planned_text: PlannedText::AsWritten,
            scans: Scans::AsSet,
            text: None,
            parameters: Vec::new(),
            round_trip_ms: None,
            runs_ms: Vec::new(),
            planned_again_ms: Vec::new(),
            plan: value,
        });
        Ok(())
    }

    /// Leaves nothing of the workload but one statement to be explained, as if it had run once; the catalog stays.
    #[must_use]
    pub fn explaining(mut self, statement: Statement) -> Self {
        self.scope = Scope::Explained;
        self.counter_source = None;
        self.samples.clear();
        self.series = None;
        self.statements = vec![once(statement.key, statement.query)];
        if let Some(only) = self.statements.first_mut() {
            only.role = statement.role;
        }
        self.gaps.retain(|gap| !is_of_counters(gap.area));
        self
    }

    /// Counts, for statements that are explained, the executions that their plans tell of.
    pub fn count_executions(&mut self) {
        let plans: Vec<(&StatementKey, Plan)> = self
            .plans
            .iter()
            .filter(|record| record.execution == Execution::Analyzed)
            .filter_map(|record| Some((&record.key, Plan::parse(&record.plan).ok()?)))
            .collect();
        for statement in &mut self.statements {
            let own = plans.iter().filter(|(key, _)| **key == statement.key);
            let mut counters = StatementCounters::default();
            for (_, plan) in own {
                counters.calls += 1;
                counters.total_exec_time_ms += time(plan).unwrap_or_default();
                counters.rows += plan
                    .root()
                    .actual
                    .map_or(0, |actual| whole(actual.rows.total(actual.loops)));
            }
            counters.calls = counters.calls.max(1);
            statement.counters = counters;
        }
    }

    /// Leaves only the tables that the statements and their plans are about, with their partitions, their foreign keys
    /// and the tables on the other side of those.
    pub fn narrow(&mut self) {
        let mut kept = self.mentioned();
        loop {
            let before = kept.len();
            let family = self.tables.iter().filter_map(|table| {
                let parent = table.parent?;
                Some([(table.oid, parent), (parent, table.oid)])
            });
            for (one, other) in family.flatten() {
                if kept.contains(&one) {
                    kept.insert(other);
                }
            }
            if kept.len() == before {
                break;
            }
        }
        let keys = self.foreign_keys.iter();
        let beside: Vec<Oid> = keys
            .filter(|key| kept.contains(&key.table) || kept.contains(&key.referenced_table))
            .flat_map(|key| [key.table, key.referenced_table])
            .collect();
        let with_neighbours: BTreeSet<Oid> = kept.iter().copied().chain(beside).collect();
        self.tables
            .retain(|table| with_neighbours.contains(&table.oid));
        self.indexes
            .retain(|index| with_neighbours.contains(&index.table));
        self.foreign_keys
            .retain(|key| kept.contains(&key.table) || kept.contains(&key.referenced_table));
    }

    /// The tables that the texts may name or that the plans read.
    fn mentioned(&self) -> BTreeSet<Oid> {
        let texts = self
            .statements
            .iter()
            .filter_map(|statement| statement.query.as_deref());
        let mut names: BTreeSet<String> = texts.flat_map(|text| Mentions::of(text).names).collect();
        for plan in self
            .plans
            .iter()
            .filter_map(|record| Plan::parse(&record.plan).ok())
        {
            names.extend(plan.nodes().filter_map(|node| node.target.relation.clone()));
        }
        let tables = self.tables.iter();
        tables
            .filter(|table: &&Table| names.contains(&table.name.name))
            .map(|table| table.oid)
            .collect()
    }
}

/// A statement that runs once.
fn once(key: StatementKey, query: Option<String>) -> Statement {
    Statement {
        key,
        role: None,
        query,
        counters: StatementCounters {
            calls: 1,
            ..StatementCounters::default()
        },
        stats_since: None,
    }
}

/// `auto_explain` prints no `Execution Time`: there the root's stands for it.
fn time(plan: &Plan) -> Option<Millis> {
    let root = plan.root().actual;
    let of_root = root.and_then(|actual| Some(actual.total_time?.total(actual.loops)));
    plan.execution_time.or(of_root)
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "row counts are far below 2^63; the cast saturates"
)]
const fn whole(rows: Rows) -> i64 {
    rows.get() as i64
}

/// What is hidden of the workload's counters is of no concern to a statement that is explained.
const fn is_of_counters(area: Area) -> bool {
    matches!(
        area,
        Area::Statements | Area::StatementTexts | Area::IoTiming | Area::PlanTiming | Area::Window
    )
}
