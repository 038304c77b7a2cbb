//! Tables, indexes and foreign keys of a Snapshot, by name and by oid.

use std::collections::{BTreeMap, BTreeSet};

use crate::ids::{Oid, QualifiedName};
use crate::snapshot::{ForeignKey, Index, RelationKind, Snapshot, Table};
use crate::sql::rewrite::{ColumnFacts, TableFacts, Tables};
use crate::sql::scope::{CatalogNames, RelationColumns};

/// Schemas that hold no user's tables.
const SYSTEM_SCHEMAS: [&str; 3] = ["pg_catalog", "information_schema", "pg_toast"];

/// The schemas that are searched where the Snapshot does not say.
const DEFAULT_PATH: [&str; 1] = ["public"];

/// A table and its position in the Snapshot.
#[derive(Debug, Clone, Copy)]
pub struct TableRef<'a> {
    /// The position in `Snapshot::tables`.
    pub place: usize,
    /// The table.
    pub table: &'a Table,
}

/// The Snapshot's catalog.
#[derive(Debug)]
pub struct Catalog<'a> {
    snapshot: &'a Snapshot,
    by_name: BTreeMap<&'a str, Vec<usize>>,
    by_oid: BTreeMap<Oid, usize>,
    indexes: BTreeMap<Oid, Vec<usize>>,
    columns: Vec<RelationColumns>,
    names: BTreeSet<(&'a str, &'a str)>,
}

impl<'a> Catalog<'a> {
    /// Sorts a Snapshot's tables and indexes by name and table.
    pub fn of(snapshot: &'a Snapshot) -> Self {
        let mut by_name: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        let mut by_oid = BTreeMap::new();
        for (place, table) in snapshot.tables.iter().enumerate() {
            by_name.entry(&table.name.name).or_default().push(place);
            by_oid.insert(table.oid, place);
        }
        let mut indexes: BTreeMap<Oid, Vec<usize>> = BTreeMap::new();
        for (place, index) in snapshot.indexes.iter().enumerate() {
            indexes.entry(index.table).or_default().push(place);
        }
        let columns = snapshot.tables.iter().map(|table| RelationColumns {
            name: table.name.clone(),
            columns: table
                .columns
                .iter()
                .map(|column| column.name.clone())
                .collect(),
            view: None,
        });
        let tables = snapshot.tables.iter().map(|table| &table.name);
        let names = tables.chain(snapshot.indexes.iter().map(|index| &index.name));
        Self {
            snapshot,
            by_name,
            by_oid,
            indexes,
            columns: columns.collect(),
            names: names
                .map(|name| (name.schema.as_str(), name.name.as_str()))
                .collect(),
        }
    }

    /// The names of all tables and indexes, each with its schema.
    pub fn names(&self) -> &BTreeSet<(&'a str, &'a str)> {
        &self.names
    }

    /// The table at that position of `Snapshot::tables`.
    pub fn at(&self, place: usize) -> Option<TableRef<'a>> {
        let table = self.snapshot.tables.get(place)?;
        Some(TableRef { place, table })
    }

    /// The table that a name means: in `schema`, or the first on the search path; failing that, the only one so called.
    pub fn table(&self, schema: Option<&str>, name: &str) -> Option<TableRef<'a>> {
        self.place(schema, name).and_then(|place| self.at(place))
    }

    fn place(&self, schema: Option<&str>, name: &str) -> Option<usize> {
        let places = self.by_name.get(name)?;
        let in_schema = |wanted: &str| {
            places.iter().copied().find(|place| {
                let table = self.snapshot.tables.get(*place);
                table.is_some_and(|table| table.name.schema == wanted)
            })
        };
        match (schema, places.as_slice()) {
            (Some(schema), _) => in_schema(schema),
            (None, [only]) => Some(*only),
            (None, _) => self.search_path().find_map(in_schema),
        }
    }

    fn search_path(&self) -> Box<dyn Iterator<Item = &'a str> + 'a> {
        let path = &self.snapshot.role.search_path;
        if path.is_empty() {
            Box::new(DEFAULT_PATH.into_iter())
        } else {
            Box::new(path.iter().map(String::as_str))
        }
    }

    /// The table of that schema and name.
    pub fn named(&self, name: &QualifiedName) -> Option<TableRef<'a>> {
        self.table(Some(&name.schema), &name.name)
    }

    /// The table of that oid.
    pub fn by_oid(&self, oid: Oid) -> Option<TableRef<'a>> {
        self.by_oid.get(&oid).and_then(|place| self.at(*place))
    }

    /// The indexes of a table.
    pub fn indexes(&self, table: Oid) -> impl Iterator<Item = &'a Index> + '_ {
        let places = self.indexes.get(&table).into_iter().flatten();
        places.filter_map(|place| self.snapshot.indexes.get(*place))
    }

    /// The foreign keys whose columns are in a table.
    pub fn foreign_keys(&self, table: Oid) -> impl Iterator<Item = &'a ForeignKey> + use<'a> {
        let keys = self.snapshot.foreign_keys.iter();
        keys.filter(move |key| key.table == table)
    }

    /// The foreign keys that refer to a table.
    pub fn references(&self, table: Oid) -> impl Iterator<Item = &'a ForeignKey> + use<'a> {
        let keys = self.snapshot.foreign_keys.iter();
        keys.filter(move |key| key.referenced_table == table)
    }

    /// The partitions right under a partitioned table.
    pub fn partitions(&self, parent: Oid) -> impl Iterator<Item = TableRef<'a>> + use<'a> {
        let tables = self.snapshot.tables.iter().enumerate();
        tables
            .filter(move |(_, table)| table.parent == Some(parent))
            .map(|(place, table)| TableRef { place, table })
    }

    /// The partitioned table that a partition belongs to at the top, or the table itself.
    pub fn root(&self, table: TableRef<'a>) -> TableRef<'a> {
        let mut root = table;
        // As many steps as there are tables: a cycle in a damaged capture ends.
        for _ in 0..self.snapshot.tables.len() {
            let parent = root.table.parent.and_then(|oid| self.by_oid(oid));
            match parent {
                Some(parent) if parent.table.kind == RelationKind::PartitionedTable => {
                    root = parent;
                }
                _ => break,
            }
        }
        root
    }

    /// The planner's row count: of a partitioned table, the sum of its leaves'. `None` if never analysed.
    pub fn tuples(&self, table: TableRef<'a>) -> Option<f64> {
        if table.table.kind != RelationKind::PartitionedTable {
            return table.table.tuples.map(crate::units::Rows::get);
        }
        let leaves = self.leaves(table);
        let known: Vec<f64> = leaves
            .iter()
            .filter_map(|leaf| leaf.table.tuples)
            .map(crate::units::Rows::get)
            .collect();
        (!known.is_empty()).then(|| known.iter().sum())
    }

    /// The tables that hold the rows: the partitions at the bottom, or the table itself.
    pub fn leaves(&self, table: TableRef<'a>) -> Vec<TableRef<'a>> {
        let mut leaves = Vec::new();
        let mut waiting = vec![table];
        let mut steps = self.snapshot.tables.len() + 1;
        while let Some(next) = waiting.pop() {
            if steps == 0 {
                break;
            }
            steps -= 1;
            if next.table.kind == RelationKind::PartitionedTable {
                waiting.extend(self.partitions(next.table.oid));
            } else {
                leaves.push(next);
            }
        }
        leaves.sort_by_key(|leaf| leaf.place);
        leaves
    }
}

impl CatalogNames for Catalog<'_> {
    fn relation(&self, schema: Option<&str>, name: &str) -> Option<&RelationColumns> {
        self.columns.get(self.place(schema, name)?)
    }
}

impl Tables for Catalog<'_> {
    fn facts(&self, schema: Option<&str>, name: &str) -> Option<TableFacts> {
        let table = self.at(self.place(schema, name)?)?.table;
        let found = schema.is_some() || self.search_path().any(|of| of == table.name.schema);
        if !found {
            return None;
        }
        // NOT NULL is a promise where another server keeps the rows, and keys end with a table where others inherit
        // from it.
        let inherited = table.kind != RelationKind::PartitionedTable
            && self.partitions(table.oid).next().is_some();
        let certain = table.kind != RelationKind::ForeignTable && !inherited;
        let columns = table.columns.iter().map(|column| ColumnFacts {
            name: column.name.clone(),
            type_name: column.type_name.clone(),
            not_null: column.not_null && certain,
        });
        let mut keys: Vec<&Index> = self
            .indexes(table.oid)
            .filter(|index| certain && index.unique && index.valid && index.predicate.is_none())
            .collect();
        keys.sort_by_key(|index| !index.primary);
        let names = |index: &Index| -> Option<Vec<String>> {
            index.keys.iter().map(|key| key.column.clone()).collect()
        };
        Some(TableFacts {
            name: table.name.clone(),
            columns: columns.collect(),
            unique: keys.into_iter().filter_map(names).collect(),
        })
    }
}

/// Whether a schema belongs to the server.
pub fn is_system(schema: &str) -> bool {
    SYSTEM_SCHEMAS.contains(&schema)
        || schema.starts_with("pg_toast")
        || schema.starts_with("pg_temp")
}

impl TableRef<'_> {
    /// The operand of a formula that gives a number below the table.
    pub fn pointer(&self, path: &str) -> String {
        format!("/tables/{}{path}", self.place)
    }
}
