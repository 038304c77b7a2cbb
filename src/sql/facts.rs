//! What a statement asks of each relation: predicates, joins, order, limits, the columns it returns.
//!
//! Everything is by *relation use*: each occurrence of a relation in the text (or in a view's query) is one, even of
//! the same relation.

mod analyzer;
mod children;
mod classify;
mod condition;
mod expression;
mod from;
mod keys;
mod membership;
mod predicate;
mod render;
mod select;
mod side;
mod with;
mod write;

use std::collections::BTreeSet;

use crate::ids::QualifiedName;
use crate::sql::parameters::Parameters;
use crate::sql::parse::{Kind, Statement};
use crate::sql::scope::{CatalogNames, ColumnRef};

pub(in crate::sql) use classify::commuted;
pub use predicate::{
    Arm, Comparison, Elements, Expression, IS_NOT_DISTINCT, Key, Literal, Operand, Predicate, Test,
    Value,
};

/// What a relation use is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// It is read.
    Scan,
    /// `INSERT INTO` it.
    InsertTarget,
    /// `UPDATE` it; its rows are found by a scan.
    UpdateTarget,
    /// `DELETE FROM` it; its rows are found by a scan.
    DeleteTarget,
    /// `MERGE INTO` it; its rows are found by a join.
    MergeTarget,
}

/// One occurrence of a relation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelationUse {
    /// The schema as written.
    pub schema: Option<String>,
    /// The name as written, unquoted.
    pub name: String,
    /// The relation that the catalog says it is.
    pub resolved: Option<QualifiedName>,
    /// The alias.
    pub alias: Option<String>,
    /// What it is there for.
    pub role: Role,
    /// Index into [`Facts::levels`].
    pub level: usize,
    /// The view whose query holds it, when the statement itself names the view only.
    pub view: Option<QualifiedName>,
    /// Conditions on this relation alone (constants, parameters and outer values aside) that restrict its scan.
    pub predicates: Vec<Predicate>,
    /// Every column that the statement mentions, or that an expanded `*` returns.
    pub referenced: BTreeSet<String>,
    /// The columns that its query level's select list holds, in expressions too.
    pub selected: BTreeSet<String>,
    /// Whether the whole row is needed: `*` without a catalog, `row_to_json(t)`, or a lock.
    pub whole_row: bool,
    /// Columns that `INSERT`, `UPDATE` or `MERGE` sets.
    pub written: BTreeSet<String>,
}

/// The kind of a join, seen from the left side of the edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum JoinType {
    /// Both sides must match.
    Inner,
    /// Rows of the left side stay.
    Left,
    /// Rows of the right side stay.
    Right,
    /// Rows of both sides stay.
    Full,
    /// `EXISTS`, `IN (SELECT …)`; the right side is in the subquery.
    Semi,
    /// `NOT EXISTS`, `NOT IN (SELECT …)`; the right side is in the subquery.
    Anti,
    /// The right side's subquery runs for each row of the left: a scalar subquery or `LATERAL`.
    Correlated,
}

/// A condition between two relation uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JoinEdge {
    /// A column or expression of one relation use.
    pub left: Key,
    /// A column or expression of another one.
    pub right: Key,
    /// The operator with `left` at its left, `=` mostly.
    pub operator: String,
    /// The kind of join.
    pub kind: JoinType,
    /// The arms of `OR` that it stands in; empty at the top.
    pub arms: Vec<Arm>,
}

/// Why a query level is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LevelRole {
    /// The statement itself.
    Main,
    /// A `WITH` query.
    Cte {
        /// Its name.
        name: String,
    },
    /// A subquery in `FROM`, or a view's query.
    Derived,
    /// A `LATERAL` subquery.
    Lateral,
    /// A subquery that gives one value, or `ARRAY(SELECT …)`.
    Scalar,
    /// `EXISTS`
    Exists,
    /// `NOT EXISTS`
    NotExists,
    /// `IN (SELECT …)`, `= ANY (SELECT …)`
    In,
    /// `NOT IN (SELECT …)`, `<> ALL (SELECT …)`
    NotIn,
    /// One side of `UNION`, `INTERSECT` or `EXCEPT`.
    SetArm,
}

/// A key of `ORDER BY`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SortKey {
    /// What is sorted by. `None` for a computed value of no single relation, an aggregate, a parameter.
    pub key: Option<Key>,
    /// `DESC`
    pub descending: bool,
    /// Where nulls come: as written, else PostgreSQL's default (last for `ASC`, first for `DESC`).
    pub nulls_first: bool,
}

/// `DISTINCT` of a level.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Distinct {
    /// None.
    #[default]
    No,
    /// `DISTINCT` over the select list.
    All,
    /// `DISTINCT ON (…)`; computed keys are `None`.
    On(Vec<Option<Key>>),
}

/// A row count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// Given.
    Rows(u64),
    /// A parameter.
    Parameter(u32),
    /// Computed or redacted.
    Other,
}

/// A row-locking clause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Locking {
    /// Waits for rows that others hold.
    Wait,
    /// `NOWAIT`
    NoWait,
    /// `SKIP LOCKED`
    SkipLocked,
}

/// The order that a window function needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WindowOrder {
    /// `PARTITION BY`; computed keys are `None`.
    pub partition: Vec<Option<Key>>,
    /// `ORDER BY`
    pub order: Vec<SortKey>,
}

/// `min` or `max` over a column or expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Extreme {
    /// `min(key)`
    Min(Key),
    /// `max(key)`
    Max(Key),
}

/// What a select list returns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Values of relation columns, unchanged.
    Column {
        /// The output column's name.
        name: String,
        /// Where they come from: several for a set operation.
        sources: Vec<ColumnRef>,
    },
    /// Anything computed.
    Computed {
        /// The alias or the function's name.
        name: Option<String>,
    },
    /// `*` of a relation that the catalog does not know.
    All {
        /// Index into [`Facts::relations`].
        relation: usize,
    },
}

/// One `SELECT`, `VALUES`, `INSERT`, `UPDATE`, `DELETE` or `MERGE`, subqueries being their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Level {
    /// The level that holds it.
    pub parent: Option<usize>,
    /// Why it is there.
    pub role: LevelRole,
    /// Its relation uses: indexes into [`Facts::relations`].
    pub relations: Vec<usize>,
    /// `ORDER BY`
    pub order_by: Vec<SortKey>,
    /// `GROUP BY`; computed keys are `None`. All keys of all sets when there are grouping sets.
    pub group_by: Vec<Option<Key>>,
    /// Whether `GROUPING SETS`, `ROLLUP` or `CUBE` stand there.
    pub grouping_sets: bool,
    /// `DISTINCT`
    pub distinct: Distinct,
    /// `LIMIT` or `FETCH FIRST`
    pub limit: Option<Bound>,
    /// `OFFSET`
    pub offset: Option<Bound>,
    /// Whether an aggregate or `GROUP BY` stands there.
    pub aggregates: bool,
    /// `min` and `max`
    pub extremes: Vec<Extreme>,
    /// The windows of its window functions.
    pub windows: Vec<WindowOrder>,
    /// Row locks; the strictest way to wait.
    pub locking: Option<Locking>,
    /// Whether it combines others by `UNION`, `INTERSECT` or `EXCEPT`.
    pub set_operation: bool,
    /// The select list or `RETURNING`.
    pub output: Vec<Output>,
}

impl Level {
    /// The relation use that all of `ORDER BY` belongs to. `None` without an `ORDER BY` or when it needs more than one
    /// relation.
    pub fn order_relation(&self) -> Option<usize> {
        one_relation(self.order_by.iter().map(|sort| sort.key.as_ref()))
    }
}

/// The relation use that all keys belong to.
pub fn one_relation<'a>(mut keys: impl Iterator<Item = Option<&'a Key>>) -> Option<usize> {
    let first = keys.next()??.relation();
    keys.all(|key| key.is_some_and(|key| key.relation() == first))
        .then_some(first)
}

/// The facts of one statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// What the statement does.
    pub kind: Kind,
    /// Query levels, `WITH` queries before what uses them; see [`Facts::main`].
    pub levels: Vec<Level>,
    /// Relation uses, in the order of the text.
    pub relations: Vec<RelationUse>,
    /// Conditions between relation uses.
    pub joins: Vec<JoinEdge>,
    /// The number of arms of each `OR`. An arm in which a relation has no predicate lets all of its rows pass.
    pub or_groups: Vec<usize>,
    /// Where parameters are used.
    pub parameters: Parameters,
    /// Column names that could not be tied to a relation: ambiguous without a catalog, or unknown to it.
    pub unresolved: BTreeSet<String>,
}

/// A single-relation read by equality, as a loop in an application makes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lookup<'a> {
    /// Index into [`Facts::relations`].
    pub relation: usize,
    /// The column that is looked up.
    pub column: &'a str,
    /// The parameter that it is compared with; `None` for a constant (captured text without parameters).
    pub parameter: Option<u32>,
}

impl Facts {
    /// The level that is the statement itself. `None` for utility commands.
    pub fn main(&self) -> Option<&Level> {
        self.levels
            .iter()
            .find(|level| level.role == LevelRole::Main)
    }

    /// What the statement returns.
    pub fn output(&self) -> &[Output] {
        self.main().map_or(&[], |level| &level.output)
    }

    /// Whether the statement returns the values of `column` of a relation called `table` (in `schema`, where that is
    /// known).
    pub fn returns(&self, schema: Option<&str>, table: &str, column: &str) -> bool {
        self.output().iter().any(|output| match output {
            Output::Column { sources, .. } => sources
                .iter()
                .any(|source| source.column == column && self.is(source.relation, schema, table)),
            Output::All { relation } => self.is(*relation, schema, table),
            Output::Computed { .. } => false,
        })
    }

    fn is(&self, relation: usize, schema: Option<&str>, table: &str) -> bool {
        self.relations
            .get(relation)
            .is_some_and(|relation| relation.is(schema, table))
    }

    /// The equality lookups of a `SELECT` whose only level reads one relation: each column that is compared with one
    /// value at the top of `WHERE`.
    pub fn lookups(&self) -> Vec<Lookup<'_>> {
        match (self.kind, self.levels.as_slice(), self.relations.as_slice()) {
            (Kind::Select, [_], [only]) => only.lookups(0),
            _ => Vec::new(),
        }
    }

    /// Whether the statement takes rows that nobody else holds (`SKIP LOCKED`), as job queues do.
    pub fn skips_locked(&self) -> bool {
        self.levels
            .iter()
            .any(|level| level.locking == Some(Locking::SkipLocked))
    }
}

impl RelationUse {
    /// Whether it is the relation `table` (of `schema`, where both are known).
    pub fn is(&self, schema: Option<&str>, table: &str) -> bool {
        let known = self
            .resolved
            .as_ref()
            .map(|name| name.schema.as_str())
            .or(self.schema.as_deref());
        self.name == table && (schema.is_none() || known.is_none() || schema == known)
    }

    fn lookups(&self, relation: usize) -> Vec<Lookup<'_>> {
        self.predicates
            .iter()
            .filter(|predicate| predicate.arms.is_empty())
            .filter_map(|predicate| {
                let Operand::Column(column) = &predicate.operand else {
                    return None;
                };
                let parameter = match &predicate.test {
                    Test::Equal(Value::Parameter { number, .. }) => Some(*number),
                    Test::Equal(Value::Literal(_)) => None,
                    _ => return None,
                };
                Some(Lookup {
                    relation,
                    column,
                    parameter,
                })
            })
            .collect()
    }
}

/// The facts of `statement`, its names resolved against `catalog`.
pub fn facts(statement: &Statement, catalog: &dyn CatalogNames) -> Facts {
    statement.on_stack(|| analyzer::run(statement, catalog))
}

#[cfg(test)]
pub(in crate::sql) mod tests;
