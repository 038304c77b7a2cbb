//! The relations of one `FROM` and the columns that names mean there.

use std::collections::BTreeSet;

use sqlparser::ast::{
    self, Expr, FromTable, JoinOperator, Query, Select, Statement, TableFactor, TableWithJoins,
    UpdateTableFromKind, Visitor,
};
use std::ops::ControlFlow;

use super::bare;
use super::catalog::{ColumnFacts, TableFacts, Tables};
use crate::sql::scope::{folded, schema_and_name};
use crate::sql::walk::walk;

/// What names are looked up in.
pub struct Reader<'c> {
    tables: &'c dyn Tables,
    ctes: BTreeSet<String>,
}

impl<'c> Reader<'c> {
    /// Names of `WITH` queries hide tables wherever they stand: a name that may mean either is not known.
    pub fn new(tables: &'c dyn Tables, tree: &Statement) -> Self {
        let mut names = CteNames::default();
        let _: ControlFlow<()> = walk(tree, &mut names);
        Self {
            tables,
            ctes: names.0,
        }
    }

    fn facts(&self, name: &ast::ObjectName) -> Option<TableFacts> {
        let (schema, name) = schema_and_name(name);
        if schema.is_none() && self.ctes.contains(&name) {
            return None;
        }
        self.tables.facts(schema.as_deref(), &name)
    }
}

#[derive(Default)]
struct CteNames(BTreeSet<String>);

impl Visitor for CteNames {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        let tables = query.with.iter().flat_map(|with| &with.cte_tables);
        self.0.extend(tables.map(|cte| folded(&cte.alias.name)));
        ControlFlow::Continue(())
    }
}

/// One relation in `FROM`.
#[derive(Debug, Clone)]
pub struct Source {
    /// What qualifies its columns; `None` where nothing does.
    pub name: Option<String>,
    /// The same as written.
    pub written: String,
    /// The table; `None` where its columns are not known.
    pub table: Option<TableFacts>,
    /// Whether an outer join may put NULLs in the place of its rows.
    pub nullable: bool,
    /// Which of the comma-separated items of `FROM` it is in.
    pub item: usize,
}

/// The relations of one `FROM`.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// In the order of the text.
    pub items: Vec<Source>,
}

/// A column of one of them.
#[derive(Debug, Clone, Copy)]
pub struct Column<'s> {
    /// Index into [`Sources::items`].
    pub source: usize,
    /// Its table.
    pub table: &'s TableFacts,
    /// The column.
    pub facts: &'s ColumnFacts,
    /// Whether it is not NULL where the query's conditions see it.
    pub not_null: bool,
}

impl Sources {
    /// Those of a `SELECT`.
    pub fn of_select(select: &Select, reader: &Reader<'_>) -> Self {
        Self::of(&select.from, reader)
    }

    /// Those of `FROM`.
    pub fn of(from: &[TableWithJoins], reader: &Reader<'_>) -> Self {
        let mut sources = Self::default();
        for (item, tables) in from.iter().enumerate() {
            sources.add(tables, item, reader);
        }
        sources
    }

    /// Those of an `UPDATE` or `DELETE`.
    pub fn of_write(statement: &Statement, reader: &Reader<'_>) -> Option<Self> {
        match statement {
            Statement::Update(update) => {
                let mut sources = Self::of(std::slice::from_ref(&update.table), reader);
                if let Some(
                    UpdateTableFromKind::BeforeSet(from) | UpdateTableFromKind::AfterSet(from),
                ) = &update.from
                {
                    sources.items.extend(Self::of(from, reader).items);
                }
                Some(sources)
            }
            Statement::Delete(delete) => {
                let (FromTable::WithFromKeyword(from) | FromTable::WithoutKeyword(from)) =
                    &delete.from;
                let mut sources = Self::of(from, reader);
                let using = delete.using.as_deref().unwrap_or_default();
                sources.items.extend(Self::of(using, reader).items);
                Some(sources)
            }
            _ => None,
        }
    }

    fn add(&mut self, tables: &TableWithJoins, item: usize, reader: &Reader<'_>) {
        let start = self.items.len();
        self.factor(&tables.relation, item, reader);
        for join in &tables.joins {
            let right = self.items.len();
            self.factor(&join.relation, item, reader);
            let (left_nullable, right_nullable) = match &join.join_operator {
                JoinOperator::Join(_) | JoinOperator::Inner(_) | JoinOperator::CrossJoin(_) => {
                    (false, false)
                }
                JoinOperator::Left(_) | JoinOperator::LeftOuter(_) => (false, true),
                JoinOperator::Right(_) | JoinOperator::RightOuter(_) => (true, false),
                _ => (true, true),
            };
            for (place, source) in self.items.iter_mut().enumerate().skip(start) {
                source.nullable |= if place < right {
                    left_nullable
                } else {
                    right_nullable
                };
            }
        }
    }

    fn factor(&mut self, factor: &TableFactor, item: usize, reader: &Reader<'_>) {
        let (table, alias, written) = match factor {
            TableFactor::NestedJoin {
                table_with_joins,
                alias: None,
            } => return self.add(table_with_joins, item, reader),
            TableFactor::Table {
                name, alias, args, ..
            } => {
                let renamed = alias
                    .as_ref()
                    .is_some_and(|alias| !alias.columns.is_empty());
                let plain = args.is_none() && !renamed;
                let facts = if plain { reader.facts(name) } else { None };
                let written = name.0.last().map(ToString::to_string);
                let own = schema_and_name(name).1;
                let alias = alias.as_ref().map(|alias| &alias.name);
                let exposed = alias.map_or(own, folded);
                (
                    facts,
                    Some(exposed),
                    alias.map(ToString::to_string).or(written),
                )
            }
            TableFactor::Derived { alias, .. }
            | TableFactor::NestedJoin { alias, .. }
            | TableFactor::Function { alias, .. }
            | TableFactor::UNNEST { alias, .. }
            | TableFactor::TableFunction { alias, .. } => {
                let alias = alias.as_ref().map(|alias| &alias.name);
                (None, alias.map(folded), alias.map(ToString::to_string))
            }
            _ => (None, None, None),
        };
        self.items.push(Source {
            name: alias,
            written: written.unwrap_or_default(),
            table,
            nullable: false,
            item,
        });
    }

    /// The column that an expression is; `None` where it is none, or is not known for sure.
    pub fn column(&self, expr: &Expr) -> Option<Column<'_>> {
        let (place, name) = self.found(expr)?;
        let source = self.items.get(place)?;
        let table = source.table.as_ref()?;
        let facts = table.column(&name)?;
        Some(Column {
            source: place,
            table,
            facts,
            not_null: facts.not_null && !source.nullable,
        })
    }

    /// Whether a relation is called `name`.
    pub fn named(&self, name: &str) -> bool {
        let mut items = self.items.iter();
        items.any(|source| source.name.as_deref() == Some(name))
    }

    /// The relation that a name belongs to, and the column's name.
    fn found(&self, expr: &Expr) -> Option<(usize, String)> {
        match bare(expr) {
            Expr::Identifier(ident) => {
                let name = folded(ident);
                let mut having = self.items.iter().enumerate().filter(|(_, source)| {
                    let table = source.table.as_ref();
                    table.is_none_or(|table| table.column(&name).is_some())
                });
                let (place, _) = having.next()?;
                having.next().is_none().then_some((place, name))
            }
            Expr::CompoundIdentifier(parts) => {
                let (column, qualifier) = parts.split_last()?;
                let place = self.qualified(qualifier)?;
                Some((place, folded(column)))
            }
            _ => None,
        }
    }

    /// The relation that `a.` or `schema.a.` means.
    fn qualified(&self, qualifier: &[ast::Ident]) -> Option<usize> {
        let (name, schema) = qualifier.split_last()?;
        let name = folded(name);
        let mut found = self.items.iter().enumerate().filter(|(_, source)| {
            let in_schema = match schema {
                [] => true,
                [schema] => source
                    .table
                    .as_ref()
                    .is_some_and(|table| table.name.schema == folded(schema)),
                _ => false,
            };
            source.name.as_deref() == Some(&name) && in_schema
        });
        let (place, _) = found.next()?;
        found.next().is_none().then_some(place)
    }

    /// Whether a name is surely none of these relations' columns.
    pub fn lacks(&self, expr: &Expr) -> bool {
        match bare(expr) {
            Expr::Identifier(ident) => {
                let name = folded(ident);
                self.items.iter().all(|source| {
                    let table = source.table.as_ref();
                    table.is_some_and(|table| table.column(&name).is_none())
                })
            }
            Expr::CompoundIdentifier(parts) => match parts.as_slice() {
                [qualifier @ .., _] => {
                    let last = qualifier.last().map(folded);
                    self.items.iter().all(|source| source.name != last)
                }
                [] => false,
            },
            _ => false,
        }
    }
}
