//! Which relation a name in a statement means.

use std::ops::Range;

use sqlparser::ast::{Ident, ObjectName, ObjectNamePart};

use super::lexer;
use crate::ids::QualifiedName;

/// The columns of a table, view, materialized view or foreign table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelationColumns {
    /// Its schema and name.
    pub name: QualifiedName,
    /// Its columns in the order of `pg_attribute.attnum`, dropped and system columns left out.
    pub columns: Vec<String>,
    /// The query of a view (`pg_get_viewdef()`); `None` for what holds rows itself.
    pub view: Option<String>,
}

/// The relations of a database, by name.
pub trait CatalogNames {
    /// The relation that `name` means: in `schema`, or with `None` the first on the search path. Names are unquoted and
    /// in the catalog's case.
    fn relation(&self, schema: Option<&str>, name: &str) -> Option<&RelationColumns>;
}

/// No catalog: unqualified columns resolve only where a query level reads a single relation.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoCatalog;

impl CatalogNames for NoCatalog {
    fn relation(&self, _: Option<&str>, _: &str) -> Option<&RelationColumns> {
        None
    }
}

/// A column of one occurrence of a relation in a statement.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ColumnRef {
    /// Index into [`crate::sql::facts::Facts::relations`].
    pub relation: usize,
    /// The column's name, unquoted.
    pub column: String,
}

/// Columns that every relation has (`src/backend/catalog/heap.c`).
const SYSTEM_COLUMNS: [&str; 6] = ["cmax", "cmin", "ctid", "tableoid", "xmax", "xmin"];

/// What a name was found to be.
#[derive(Debug, Clone, Default)]
pub(in crate::sql) struct Found {
    /// The relation columns whose values it carries unchanged: several below a set operation, none for computed ones.
    pub sources: Vec<ColumnRef>,
    /// The parameters whose values it carries unchanged.
    pub parameters: Vec<u32>,
    /// Whether a condition on it restricts the scan of its sources: no `LIMIT`, aggregate or materialised `WITH` query
    /// lies between.
    pub pushable: bool,
    /// How many query levels out it was found.
    pub up: usize,
}

/// A column of a subquery, as seen from outside.
#[derive(Debug, Clone, Default)]
pub(in crate::sql) struct OutputName {
    pub name: Option<String>,
    pub sources: Vec<ColumnRef>,
    pub parameters: Vec<u32>,
    pub pushable: bool,
}

/// The columns that an item in `FROM` offers.
#[derive(Debug, Clone)]
pub(in crate::sql) enum Columns {
    /// A relation; `names` when the catalog knows it; `renamed` by the alias's column list.
    Relation {
        relation: usize,
        names: Option<Vec<String>>,
        renamed: Vec<String>,
    },
    /// A subquery. `open` are relations that an unexpanded `*` passes through.
    Derived {
        columns: Vec<OutputName>,
        open: Vec<(usize, bool)>,
    },
    /// A function: columns that are nobody's, under these names where they are known.
    Opaque { names: Vec<String> },
}

/// One item in `FROM`.
#[derive(Debug, Clone)]
pub(in crate::sql) struct Item {
    /// The alias, or the relation's name.
    pub name: Option<String>,
    /// The schema it was written with, which may qualify columns as long as there is no alias.
    pub schema: Option<String>,
    pub columns: Columns,
}

/// How sure an item is to have a column.
enum Answer {
    Yes(Found),
    /// The item's columns are not all known.
    Perhaps(Found),
    No,
}

impl Item {
    fn column(&self, name: &str) -> Answer {
        match &self.columns {
            Columns::Relation {
                relation,
                names,
                renamed,
            } => relation_column(*relation, names.as_deref(), renamed, name),
            Columns::Derived { columns, open } => derived_column(columns, open, name),
            Columns::Opaque { names } => {
                if names.iter().any(|known| known == name)
                    || (names.is_empty() && self.name.as_deref() == Some(name))
                {
                    Answer::Yes(Found::default())
                } else if names.is_empty() {
                    Answer::Perhaps(Found::default())
                } else {
                    Answer::No
                }
            }
        }
    }

    /// The columns for `*`; `Err` with the relations whose columns are not known.
    pub fn expand(&self) -> Result<Vec<OutputName>, Vec<(usize, bool)>> {
        match &self.columns {
            Columns::Relation {
                relation,
                names: Some(names),
                renamed,
            } => Ok(names
                .iter()
                .enumerate()
                .map(|(index, name)| OutputName {
                    name: Some(renamed.get(index).unwrap_or(name).clone()),
                    sources: vec![ColumnRef {
                        relation: *relation,
                        column: name.clone(),
                    }],
                    parameters: Vec::new(),
                    pushable: true,
                })
                .collect()),
            Columns::Relation { relation, .. } => Err(vec![(*relation, true)]),
            Columns::Derived { columns, open } if open.is_empty() => Ok(columns.clone()),
            Columns::Derived { open, .. } => Err(open.clone()),
            Columns::Opaque { names } => Ok(names
                .iter()
                .map(|name| OutputName {
                    name: Some(name.clone()),
                    ..OutputName::default()
                })
                .collect()),
        }
    }
}

fn relation_column(
    relation: usize,
    names: Option<&[String]>,
    renamed: &[String],
    name: &str,
) -> Answer {
    let found = |column: &str| Found {
        sources: vec![ColumnRef {
            relation,
            column: column.to_owned(),
        }],
        pushable: true,
        ..Found::default()
    };
    if let Some(index) = renamed.iter().position(|alias| alias == name) {
        return Answer::Yes(match names {
            Some(names) => names.get(index).map_or_else(Found::default, |n| found(n)),
            None => Found::default(),
        });
    }
    match names {
        Some(names) => {
            let known = names.iter().skip(renamed.len()).any(|known| known == name);
            if known || SYSTEM_COLUMNS.contains(&name) {
                Answer::Yes(found(name))
            } else {
                Answer::No
            }
        }
        None => Answer::Perhaps(found(name)),
    }
}

fn derived_column(columns: &[OutputName], open: &[(usize, bool)], name: &str) -> Answer {
    let listed = columns
        .iter()
        .find(|column| column.name.as_deref() == Some(name));
    if let Some(column) = listed {
        return Answer::Yes(Found {
            sources: column.sources.clone(),
            parameters: column.parameters.clone(),
            pushable: column.pushable,
            up: 0,
        });
    }
    match open {
        [] => Answer::No,
        [(relation, pushable)] => Answer::Perhaps(Found {
            sources: vec![ColumnRef {
                relation: *relation,
                column: name.to_owned(),
            }],
            pushable: *pushable,
            ..Found::default()
        }),
        _ => Answer::Perhaps(Found::default()),
    }
}

/// The items of one query level that a name may mean.
#[derive(Debug, Clone, Default)]
pub(in crate::sql) struct Scope {
    pub items: Vec<Item>,
}

impl Scope {
    fn unqualified(&self, name: &str) -> Option<Found> {
        let mut perhaps = Vec::new();
        for item in &self.items {
            match item.column(name) {
                Answer::Yes(found) => return Some(found),
                Answer::Perhaps(found) => perhaps.push(found),
                Answer::No => {}
            }
        }
        // Relations come before functions, whose output seldom goes without a column list.
        perhaps.retain(|found| !found.sources.is_empty());
        match perhaps.as_slice() {
            [only] => Some(only.clone()),
            _ => None,
        }
    }

    fn item(&self, schema: Option<&str>, name: &str) -> Option<&Item> {
        self.items.iter().find(|item| {
            item.name.as_deref() == Some(name)
                && schema.is_none_or(|schema| item.schema.as_deref() == Some(schema))
        })
    }
}

/// The scopes that a name is looked for in, innermost last.
#[derive(Debug, Clone, Default)]
pub(in crate::sql) struct Scopes {
    stack: Vec<Scope>,
}

impl Scopes {
    pub fn push(&mut self, scope: Scope) {
        self.stack.push(scope);
    }

    pub fn pop(&mut self) -> Scope {
        self.stack.pop().unwrap_or_default()
    }

    /// The innermost scope.
    pub fn current(&self) -> Option<&Scope> {
        self.stack.last()
    }

    pub fn current_mut(&mut self) -> Option<&mut Scope> {
        self.stack.last_mut()
    }

    /// Takes all scopes away, for text that sees none of them.
    pub fn take(&mut self) -> Vec<Scope> {
        std::mem::take(&mut self.stack)
    }

    pub fn restore(&mut self, stack: Vec<Scope>) {
        self.stack = stack;
    }

    /// What the dotted name means. A name that is no column is `None`.
    pub fn resolve(&self, parts: &[String]) -> Option<Found> {
        let scopes = self.stack.iter().rev().enumerate();
        match parts {
            [] => None,
            [name] => {
                for (up, scope) in scopes {
                    if let Some(found) = scope.unqualified(name) {
                        return Some(Found { up, ..found });
                    }
                    if !scope.items.is_empty() && scope.items.iter().any(unknown) {
                        return None;
                    }
                }
                None
            }
            [item, column] => self.qualified(None, item, column),
            // A database name may come first; what comes after the column is a field of it.
            [schema, item, column] | [_, schema, item, column, ..] => {
                self.qualified(Some(schema), item, column)
            }
        }
    }

    fn qualified(&self, schema: Option<&str>, item: &str, column: &str) -> Option<Found> {
        for (up, scope) in self.stack.iter().rev().enumerate() {
            if let Some(item) = scope.item(schema, item) {
                return match item.column(column) {
                    Answer::Yes(found) | Answer::Perhaps(found) => Some(Found { up, ..found }),
                    Answer::No => None,
                };
            }
        }
        None
    }

    /// The item that a name alone, or with its schema, means (`t.*`, whole-row references).
    pub fn item(&self, parts: &[String]) -> Option<&Item> {
        let (schema, name) = match parts {
            [name] => (None, name),
            [.., schema, name] => (Some(schema.as_str()), name),
            [] => return None,
        };
        self.stack
            .iter()
            .rev()
            .find_map(|scope| scope.item(schema, name))
    }
}

fn unknown(item: &Item) -> bool {
    match &item.columns {
        Columns::Relation { names, .. } => names.is_none(),
        Columns::Derived { open, .. } => !open.is_empty(),
        Columns::Opaque { .. } => false,
    }
}

/// An identifier as the catalog has it.
pub(in crate::sql) fn folded(ident: &Ident) -> String {
    match ident.quote_style {
        Some(_) => lexer::truncated(ident.value.clone()),
        None => lexer::folded(&ident.value),
    }
}

/// A dotted name as the catalog has its parts.
pub(in crate::sql) fn parts(name: &ObjectName) -> Vec<String> {
    name.0
        .iter()
        .filter_map(ObjectNamePart::as_ident)
        .map(folded)
        .collect()
}

/// A dotted name's schema and name.
pub(in crate::sql) fn schema_and_name(name: &ObjectName) -> (Option<String>, String) {
    let mut parts = parts(name);
    let last = parts.pop().unwrap_or_default();
    (parts.pop(), last)
}

/// Relations that a condition restricts: those that were added while a part of `FROM` was read.
pub(in crate::sql) type Added = Range<usize>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_fold_and_are_cut_as_the_server_does() {
        for (ident, name) in [
            (Ident::new("Orders"), "orders".to_owned()),
            (Ident::new("Ärzte"), "Ärzte".to_owned()),
            (Ident::with_quote('"', "Orders"), "Orders".to_owned()),
            (Ident::new("X".repeat(70)), "x".repeat(63)),
            (Ident::with_quote('"', "ä".repeat(40)), "ä".repeat(31)),
        ] {
            assert_eq!(folded(&ident), name);
        }
    }
}
