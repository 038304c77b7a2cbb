//! Tables, columns and their statistics by name, as the probes look them up.

use std::collections::{BTreeMap, BTreeSet};

use super::statistics::Elements;
use crate::ids::QualifiedName;
use crate::snapshot::{Column, Table};
use crate::sql::mentions::Mentions;
use crate::sql::parameters::ParameterColumn;
use crate::sql::scope::{CatalogNames, RelationColumns};

/// The tables that probes are about, and the rows that were sampled where statistics are missing.
#[derive(Debug, Default)]
pub(super) struct Tables {
    by_name: BTreeMap<String, BTreeMap<String, usize>>,
    all: Vec<Table>,
    relations: Vec<RelationColumns>,
    views: BTreeMap<String, BTreeMap<String, RelationColumns>>,
    elements: Elements,
    samples: BTreeMap<(QualifiedName, String), Option<String>>,
}

impl Tables {
    pub(super) fn new(tables: &[Table]) -> Self {
        let mut by_name: BTreeMap<String, BTreeMap<String, usize>> = BTreeMap::new();
        for (index, table) in tables.iter().enumerate() {
            by_name
                .entry(table.name.name.clone())
                .or_default()
                .insert(table.name.schema.clone(), index);
        }
        let relations = tables
            .iter()
            .map(|table| RelationColumns {
                name: table.name.clone(),
                columns: table.columns.iter().map(|c| c.name.clone()).collect(),
                view: None,
            })
            .collect();
        Self {
            by_name,
            all: tables.to_vec(),
            relations,
            views: BTreeMap::new(),
            elements: Elements::new(),
            samples: BTreeMap::new(),
        }
    }

    /// The tables with the statistics that were read since.
    pub(super) fn tables_mut(&mut self) -> &mut [Table] {
        &mut self.all
    }

    /// Adds views, through which a text may name the columns of tables.
    pub(super) fn add_views(&mut self, views: Vec<RelationColumns>) {
        for view in views {
            self.views
                .entry(view.name.name.clone())
                .or_default()
                .insert(view.name.schema.clone(), view);
        }
    }

    /// Adds the most common elements of array columns.
    pub(super) fn add_elements(&mut self, elements: Elements) {
        self.elements.extend(elements);
    }

    fn position(&self, schema: Option<&str>, name: &str, path: &[String]) -> Option<usize> {
        let schemas = self.by_name.get(name)?;
        match schema {
            Some(schema) => schemas.get(schema).copied(),
            None => path.iter().find_map(|schema| schemas.get(schema).copied()),
        }
    }

    /// The tables that a text may mean under a search path.
    pub(super) fn mentioned<'a>(
        &'a self,
        mentions: &'a Mentions,
        path: &'a [String],
    ) -> impl Iterator<Item = &'a Table> {
        let bare = mentions
            .names
            .iter()
            .filter_map(|name| self.position(None, name, path));
        let qualified = mentions
            .qualified
            .iter()
            .filter_map(|(schema, name)| self.position(Some(schema), name, path));
        let positions: BTreeSet<usize> = bare.chain(qualified).collect();
        positions
            .into_iter()
            .filter_map(|position| self.all.get(position))
    }

    /// The schema outside of `path` that has most of the tables that a text names and the path lacks: the application
    /// sets its own search path.
    pub(super) fn missing_schema(&self, mentions: &Mentions, path: &[String]) -> Option<String> {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for name in &mentions.names {
            if self.position(None, name, path).is_some() {
                continue;
            }
            for schema in self.by_name.get(name).into_iter().flat_map(BTreeMap::keys) {
                *counts.entry(schema).or_default() += 1;
            }
        }
        counts
            .into_iter()
            .max_by_key(|(schema, count)| (*count, std::cmp::Reverse(*schema)))
            .map(|(schema, _)| schema.to_owned())
    }

    /// The table and the column that a parameter is used with.
    pub(super) fn column(
        &self,
        column: &ParameterColumn,
        path: &[String],
    ) -> Option<(&Table, &Column)> {
        let position = self.position(column.schema.as_deref(), column.table.as_deref()?, path)?;
        let table = self.all.get(position)?;
        Some((table, table.column(&column.column)?))
    }

    /// A value of the column from a row of the table, when one was looked at; the inner `None` is a NULL or an empty
    /// table.
    pub(super) fn sample(&self, table: &QualifiedName, column: &str) -> Option<&Option<String>> {
        self.samples.get(&(table.clone(), column.to_owned()))
    }

    pub(super) fn remember(&mut self, table: &QualifiedName, column: &str, value: Option<String>) {
        self.samples
            .insert((table.clone(), column.to_owned()), value);
    }

    /// These tables under a search path.
    pub(super) fn under<'a>(&'a self, path: &'a [String]) -> TablesUnder<'a> {
        TablesUnder { tables: self, path }
    }
}

/// Tables as names mean them under a search path.
pub(super) struct TablesUnder<'a> {
    tables: &'a Tables,
    path: &'a [String],
}

impl TablesUnder<'_> {
    pub(super) fn column(&self, column: &ParameterColumn) -> Option<(&Table, &Column)> {
        self.tables.column(column, self.path)
    }

    pub(super) fn sample(&self, table: &QualifiedName, column: &str) -> Option<&Option<String>> {
        self.tables.sample(table, column)
    }

    /// The most common elements of an array column.
    pub(super) fn elements(&self, table: &QualifiedName, column: &str) -> &[String] {
        self.tables
            .elements
            .get(&(table.clone(), column.to_owned()))
            .map_or(&[], Vec::as_slice)
    }
}

impl CatalogNames for TablesUnder<'_> {
    fn relation(&self, schema: Option<&str>, name: &str) -> Option<&RelationColumns> {
        let in_schema = |schema: &String| {
            let table = self.tables.by_name.get(name).and_then(|t| t.get(schema));
            let view = self.tables.views.get(name).and_then(|v| v.get(schema));
            table
                .and_then(|position| self.tables.relations.get(*position))
                .or(view)
        };
        match schema {
            Some(schema) => in_schema(&schema.to_owned()),
            None => self.path.iter().find_map(in_schema),
        }
    }
}
