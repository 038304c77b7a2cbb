//! The statements of one family and role that do the same: read one key, or many, or something else.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use crate::checks::Case;
use crate::checks::workload::Member;
use crate::ids::{Oid, QueryId};
use crate::snapshot::{Statement, StatementCounters};
use crate::sql::facts::{
    Elements, Facts, IS_NOT_DISTINCT, JoinEdge, JoinType, Key, LevelRole, Operand, Predicate,
    RelationUse, Role, Test, Value,
};
use crate::sql::parse::Kind;
use crate::sql::scope::ColumnRef;
use crate::units::{Millis, float};

use super::cursors::Cursors;

/// A list of keys that brings more rows a call is a batch, which is what loops should become.
const MOST_ROWS_OF_LIST: f64 = 1.1;

/// Where PostgreSQL 18 leaves out the rest of a list of constants (`queryjumblefuncs.c`, `pg_stat_statements.c`).
const SQUASHED: &str = "/*, ... */";

/// A column of a relation use that is compared with one parameter.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyColumn {
    /// Index into [`Facts::relations`].
    pub relation: usize,
    /// The column.
    pub column: String,
    /// The parameter.
    pub parameter: u32,
    /// Whether it is a list of keys (`= ANY($1)`), which a loop fills with one.
    pub listed: bool,
}

/// A query that the text of a statement does not hold.
#[derive(Debug)]
pub struct Query {
    /// Its text.
    pub text: String,
    /// What it asks for.
    pub facts: Facts,
}

/// Statements of one family and one role, all looking up one key or none.
#[derive(Debug)]
pub struct Group {
    /// Position of the family.
    pub family: usize,
    /// The role.
    pub userid: Oid,
    /// Whether clients sent them.
    pub toplevel: bool,
    /// The members, the costliest first.
    pub members: Vec<Member>,
    /// Position of the first member in `Snapshot::statements`.
    pub first: usize,
    /// Calls in the window.
    pub calls: f64,
    /// The same as a whole number.
    pub counted_calls: i64,
    /// Rows in the window.
    pub rows: f64,
    /// Execution time in the window.
    pub time: Millis,
    /// The key columns that it looks up with one parameter each, where it is a look-up at all.
    pub keys: Vec<KeyColumn>,
    /// What it does.
    pub kind: Kind,
    /// Whether it returns rows: a query, or `RETURNING`.
    pub returns: bool,
    /// The query of the cursor that its rows are fetched from.
    cursor: Option<Query>,
}

impl Group {
    /// Rows a call.
    pub fn rows_per_call(&self) -> f64 {
        crate::units::ratio(self.rows, self.calls).unwrap_or_default()
    }

    /// The facts of its first member, or of the query behind it.
    pub fn facts<'c>(&'c self, case: &'c Case<'_>) -> Option<&'c Facts> {
        let of_cursor = self.cursor.as_ref().map(|query| &query.facts);
        of_cursor.or_else(|| case.facts(self.first))
    }

    /// The text of its first member, or of the query behind it.
    pub fn text<'c>(&'c self, case: &'c Case<'_>) -> &'c str {
        if let Some(query) = &self.cursor {
            return &query.text;
        }
        let statement = case.snapshot.statements.get(self.first);
        statement
            .and_then(|statement| statement.query.as_deref())
            .unwrap_or_default()
    }

    /// The ids of its members.
    pub fn queryids<'c>(&self, case: &'c Case<'_>) -> impl Iterator<Item = QueryId> + use<'c, '_> {
        let statements = case.snapshot.statements.as_slice();
        self.members
            .iter()
            .filter_map(|member| statements.get(member.statement)?.key.queryid)
    }

    /// Eight digits that tell its family apart, the same in every run.
    pub fn short_id(&self, case: &Case<'_>) -> String {
        let family = case.workload.families().get(self.family);
        let id = family.map(|family| family.fingerprint().id());
        id.and_then(|id| id.get(..8).map(str::to_owned))
            .unwrap_or_default()
    }
}

/// So many statements are read for their calls, and as many for their rows.
pub use crate::snapshot::MOST_KEPT as MOST_READ;

/// Positions in `Snapshot::statements` of those that have the most calls, or the most rows.
fn busiest(case: &Case<'_>) -> BTreeSet<usize> {
    let deltas = &case.workload.window().statements;
    let mut busiest = BTreeSet::new();
    for counter in [calls, rows] {
        let mut ranked: Vec<(Reverse<i64>, usize)> = deltas
            .iter()
            .map(|delta| (Reverse(counter(delta.counters.get())), delta.index))
            .collect();
        if ranked.len() > MOST_READ {
            ranked.select_nth_unstable(MOST_READ);
        }
        busiest.extend(ranked.into_iter().take(MOST_READ).map(|(_, index)| index));
    }
    busiest
}

/// How many statements are not read.
pub fn left_out(case: &Case<'_>) -> usize {
    let ran = case.workload.window().statements.len();
    ran - busiest(case).len()
}

fn calls(counters: &StatementCounters) -> i64 {
    counters.calls
}

fn rows(counters: &StatementCounters) -> i64 {
    counters.rows
}

/// The groups of the busiest statements that are understood and ran in the window.
pub fn groups(case: &Case<'_>) -> Vec<Group> {
    let busiest = busiest(case);
    let mut groups = Vec::new();
    let mut cursors = Cursors::of(case);
    for (family, of_family) in case.workload.families().iter().enumerate() {
        let mut split: BTreeMap<(Oid, bool, bool), Group> = BTreeMap::new();
        let members = of_family.members().iter();
        for member in members.filter(|member| busiest.contains(&member.statement)) {
            let mut read = || {
                let statement = case.snapshot.statements.get(member.statement)?;
                if cursors.add(case, family, *member, statement) {
                    return None;
                }
                let counters = case.workload.counters(*member)?;
                let facts = case.facts(member.statement)?;
                Some((statement, counters, facts))
            };
            if let Some((statement, counters, facts)) = read() {
                let keys = keys(statement.query.as_deref().unwrap_or_default(), facts);
                let listed = keys.iter().any(|key| key.listed);
                let group = split
                    .entry((statement.key.userid, keys.is_empty(), listed))
                    .or_insert_with(|| Group::new(family, *member, statement, (facts, keys)));
                group.add(*member, counters);
            }
        }
        groups.extend(split.into_values());
    }
    groups.extend(cursors.into_groups());
    groups.retain(|group| group.calls > 0.0);
    for group in &mut groups {
        let listed = group.keys.iter().any(|key| key.listed);
        if listed && group.rows_per_call() > MOST_ROWS_OF_LIST {
            group.keys.clear();
        }
    }
    groups
}

impl Group {
    fn new(
        family: usize,
        member: Member,
        statement: &Statement,
        (facts, keys): (&Facts, Vec<KeyColumn>),
    ) -> Self {
        Self {
            family,
            userid: statement.key.userid,
            toplevel: statement.key.toplevel,
            members: Vec::new(),
            first: member.statement,
            calls: 0.0,
            counted_calls: 0,
            rows: 0.0,
            time: Millis::default(),
            keys,
            kind: facts.kind,
            returns: facts.kind == Kind::Select || !facts.output().is_empty(),
            cursor: None,
        }
    }

    /// A group of statements that fetch the rows of a query.
    pub fn fetching(family: usize, member: Member, statement: &Statement, query: Query) -> Self {
        let group = Self::new(family, member, statement, (&query.facts, Vec::new()));
        Self {
            cursor: Some(query),
            ..group
        }
    }

    /// Counts a member.
    pub fn add(&mut self, member: Member, counters: &StatementCounters) {
        self.members.push(member);
        self.calls += float(counters.calls);
        self.counted_calls = self.counted_calls.saturating_add(counters.calls);
        self.rows += float(counters.rows);
        self.time += counters.total_exec_time_ms;
    }
}

/// Levels whose rows a statement returns.
fn is_outer(role: &LevelRole) -> bool {
    matches!(
        role,
        LevelRole::Main | LevelRole::Derived | LevelRole::Cte { .. }
    )
}

/// Levels that answer a question.
fn is_asked(role: &LevelRole) -> bool {
    matches!(
        role,
        LevelRole::Exists | LevelRole::NotExists | LevelRole::Scalar
    )
}

/// The columns that a look-up compares with one parameter each; empty for everything that is no look-up: writes, locks
/// (job queues), lists of keys that are written out (batches), keyset pages.
pub fn keys(text: &str, facts: &Facts) -> Vec<KeyColumn> {
    let locks = facts.levels.iter().any(|level| level.locking.is_some());
    if facts.kind != Kind::Select || locks || text.contains(SQUASHED) || pages(facts) {
        return Vec::new();
    }
    let stands_in = |used: &RelationUse, is: fn(&LevelRole) -> bool| {
        let level = facts.levels.get(used.level);
        level.is_some_and(|level| is(&level.role))
    };
    let mut relations = facts.relations.iter();
    // `SELECT EXISTS (SELECT … WHERE author_id = $1)` reads nothing but what the subquery reads.
    if !relations.any(|used| stands_in(used, is_outer)) {
        return keys_of(facts, &|used| stands_in(used, is_asked));
    }
    let keys = keys_of(facts, &|used| stands_in(used, is_outer));
    if keys.is_empty() {
        return keys_of(facts, &|used| selects(facts, used.level));
    }
    keys
}

/// Whether a level is a subquery that rows of the level around it must be in:
/// `WHERE id IN (SELECT tag_id FROM book_tags WHERE book_id = $1)`.
fn selects(facts: &Facts, level: usize) -> bool {
    let Some(subquery) = facts.levels.get(level) else {
        return false;
    };
    let around = subquery.parent.and_then(|around| facts.levels.get(around));
    let must_be = |edge: &JoinEdge| {
        edge.kind == JoinType::Semi
            && edge.arms.is_empty()
            && subquery.relations.contains(&edge.right.relation())
    };
    matches!(subquery.role, LevelRole::In | LevelRole::Exists)
        && around.is_some_and(|around| is_outer(&around.role))
        && facts.joins.iter().any(must_be)
}

/// The columns of some relations that are compared with one parameter each.
fn keys_of(facts: &Facts, of: &dyn Fn(&RelationUse) -> bool) -> Vec<KeyColumn> {
    let mut keys: Vec<KeyColumn> = Vec::new();
    for (relation, used) in facts.relations.iter().enumerate() {
        if !of(used) || used.role != Role::Scan {
            continue;
        }
        for (column, parameter, listed) in used.predicates.iter().filter_map(one_value) {
            let key = KeyColumn {
                relation,
                column: column.to_owned(),
                parameter,
                listed,
            };
            let known =
                |known: &KeyColumn| (known.relation, &known.column) == (relation, &key.column);
            if !keys.iter().any(known) {
                keys.push(key);
            }
        }
    }
    let joined: Vec<KeyColumn> = keys
        .iter()
        .flat_map(|key| of_main_table(facts, key))
        .collect();
    keys.extend(joined);
    keys
}

/// What is joined by a key has it, too: `FROM books JOIN authors ON authors.id = books.author_id WHERE authors.id = $1`
/// looks up the books of an author. Only the table that the statement is about, which stands first: what is joined to a
/// row that is read by its own key is part of that row.
fn of_main_table<'f>(facts: &'f Facts, key: &'f KeyColumn) -> impl Iterator<Item = KeyColumn> + 'f {
    let level = |relation: usize| {
        let used = facts.relations.get(relation)?;
        facts.levels.get(used.level)
    };
    let own = Key::Column(ColumnRef {
        relation: key.relation,
        column: key.column.clone(),
    });
    let equal = facts
        .joins
        .iter()
        .filter(|edge| edge.operator == "=" && edge.arms.is_empty());
    let others = equal.filter_map(move |edge| match edge {
        JoinEdge { left, right, .. } if *left == own => Some(right),
        JoinEdge { left, right, .. } if *right == own => Some(left),
        _ => None,
    });
    others.filter_map(move |other| {
        let first = level(key.relation)?.relations.first() == Some(&other.relation());
        let column = other
            .column()
            .filter(|_| first && other.relation() != key.relation)?;
        Some(KeyColumn {
            relation: other.relation(),
            column: column.to_owned(),
            ..key.clone()
        })
    })
}

/// `column = $1`, `column IS NOT DISTINCT FROM $1`, `column IN ($1)`, and `column = ANY($1)`, which is a list of keys.
fn one_value(predicate: &Predicate) -> Option<(&str, u32, bool)> {
    let (Operand::Column(column), []) = (&predicate.operand, predicate.arms.as_slice()) else {
        return None;
    };
    let (value, listed) = match &predicate.test {
        Test::Equal(value) => (value, false),
        Test::Other {
            operator,
            value: Some(value),
        } if operator == IS_NOT_DISTINCT => (value, false),
        Test::In(Elements::List(values)) => match values.as_slice() {
            [value] => (value, false),
            _ => return None,
        },
        Test::In(Elements::Array(value)) => (value, true),
        _ => return None,
    };
    match value {
        Value::Parameter { number, .. } => Some((column, *number, listed)),
        _ => None,
    }
}

/// Whether it turns pages by key: a lower or upper bound on what it is sorted by, and a limit.
fn pages(facts: &Facts) -> bool {
    let Some(level) = facts.main() else {
        return false;
    };
    let first = level.order_by.first().and_then(|sort| sort.key.as_ref());
    let Some(key) = first.filter(|_| level.limit.is_some()) else {
        return false;
    };
    let sorted = facts.relations.get(key.relation());
    sorted.is_some_and(|used| {
        used.predicates.iter().any(|predicate| {
            let bounded = matches!(predicate.test, Test::Range { .. } | Test::Row { .. });
            bounded && predicate.operand == key.operand()
        })
    })
}
