//! Which statements use which table, and by which columns: read in one pass, kept small.
//!
//! Facts of a hundred thousand statements do not fit memory well, and a check that needs a table's statements would
//! read all texts for each table. What such checks need of a statement is a few columns.

use std::collections::{BTreeMap, BTreeSet};

use super::catalog::Catalog;
use crate::sql::facts::{Elements, Facts, JoinEdge, Operand, Predicate, RelationUse, Role, Test};

/// Columns by table's position.
pub type Updated = BTreeMap<usize, BTreeSet<String>>;

/// A family's use of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableUse {
    /// Position of the family.
    pub family: usize,
    /// What the table is there for.
    pub role: Role,
    written: Box<[ColumnName]>,
    looked_up: Box<[ColumnName]>,
}

/// A column's name, kept once for all statements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct ColumnName(usize);

/// The uses of all tables.
#[derive(Debug, Default)]
pub struct Usage {
    names: BTreeMap<String, ColumnName>,
    by_table: BTreeMap<usize, Vec<TableUse>>,
    updated: Updated,
}

impl Usage {
    /// Adds what one family's statements ask. Families come in the order of their positions.
    pub(super) fn add(&mut self, catalog: &Catalog<'_>, family: usize, facts: &Facts) {
        for (relation, used) in facts.relations.iter().enumerate() {
            let named = used.resolved.as_ref().and_then(|name| catalog.named(name));
            let Some(table) = named else {
                continue;
            };
            if matches!(used.role, Role::UpdateTarget | Role::MergeTarget) {
                let columns = self.updated.entry(table.place).or_default();
                columns.extend(used.written.iter().cloned());
            }
            let table_use = TableUse {
                family,
                role: used.role,
                written: self.keep(used.written.iter().map(String::as_str)),
                looked_up: self.keep(looked_up(used, relation, &facts.joins)),
            };
            self.by_table
                .entry(table.place)
                .or_default()
                .push(table_use);
        }
    }

    fn keep<'n>(&mut self, names: impl Iterator<Item = &'n str>) -> Box<[ColumnName]> {
        names.map(|name| self.name(name)).collect()
    }

    fn name(&mut self, name: &str) -> ColumnName {
        if let Some(known) = self.names.get(name) {
            return *known;
        }
        let new = ColumnName(self.names.len());
        self.names.insert(name.to_owned(), new);
        new
    }

    /// The uses of the table at that position of `Snapshot::tables`, the costliest family's first.
    pub fn of_table(&self, table: usize) -> &[TableUse] {
        self.by_table.get(&table).map_or(&[], Vec::as_slice)
    }

    /// The columns that statements set by `UPDATE` or `MERGE`, as far as they are understood.
    pub fn updated(&self) -> &Updated {
        &self.updated
    }

    /// Whether the use sets one of the columns.
    pub fn writes_any(&self, table_use: &TableUse, columns: &[String]) -> bool {
        let mut columns = columns.iter().filter_map(|column| self.names.get(column));
        columns.any(|column| table_use.written.contains(column))
    }

    /// Whether the use compares each of the columns with a value or with another relation.
    pub fn looks_up_all(&self, table_use: &TableUse, columns: &[String]) -> bool {
        columns.iter().all(|column| {
            let name = self.names.get(column);
            name.is_some_and(|name| table_use.looked_up.contains(name))
        })
    }
}

/// The columns that a relation use compares for equality, with values or with another relation.
fn looked_up<'f>(
    used: &'f RelationUse,
    relation: usize,
    joins: &'f [JoinEdge],
) -> impl Iterator<Item = &'f str> {
    let compared = used.predicates.iter().filter_map(compared);
    let equal = joins.iter().filter(|edge| edge.operator == "=");
    let sides = equal.flat_map(|edge| [&edge.left, &edge.right]);
    let joined = sides
        .filter(move |side| side.relation() == relation)
        .filter_map(|side| side.column());
    let columns: BTreeSet<&str> = compared.chain(joined).collect();
    columns.into_iter()
}

fn compared(predicate: &Predicate) -> Option<&str> {
    let one = matches!(
        &predicate.test,
        Test::Equal(_) | Test::In(Elements::List(_) | Elements::Array(_))
    );
    match &predicate.operand {
        Operand::Column(column) if one && predicate.arms.is_empty() => Some(column),
        _ => None,
    }
}
