//! Which relation a name means, and what the relation is called in the canonical text.

use sqlparser::ast::{
    Delete, FromTable, Ident, Insert, JoinOperator, Merge, ObjectName, TableAlias, TableFactor,
    TableObject, TableWithJoins, Update, UpdateTableFromKind,
};

use super::shape::is_plain;
use crate::sql::mentions::is_reserved;

/// One item of FROM.
#[derive(Debug, Clone)]
struct Relation {
    /// What columns are qualified with: the alias, else the table's name.
    name: String,
    /// The schema, if the item is a table written with one and has no alias.
    schema: Option<String>,
    /// Whether `name` is an alias.
    origin: Origin,
    canonical: Ident,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    Table,
    Alias,
}

/// The relations of one FROM.
#[derive(Debug, Clone, Default)]
pub(super) struct Frame {
    relations: Vec<Relation>,
    misread: Option<String>,
}

/// What a qualified name resolves to.
pub(super) enum Resolved {
    /// The only relation of the innermost FROM: columns need no qualification.
    Only,
    /// Another one, by its canonical name.
    Named(Ident),
}

impl Frame {
    pub(super) fn of_from(from: &[TableWithJoins]) -> Self {
        let mut frame = Self::default();
        frame.add_all(from);
        frame
    }

    pub(super) fn of_update(update: &Update) -> Self {
        let mut frame = Self::default();
        frame.add_joined(&update.table);
        if let Some(UpdateTableFromKind::BeforeSet(from) | UpdateTableFromKind::AfterSet(from)) =
            &update.from
        {
            frame.add_all(from);
        }
        frame
    }

    pub(super) fn of_delete(delete: &Delete) -> Self {
        let (FromTable::WithFromKeyword(from) | FromTable::WithoutKeyword(from)) = &delete.from;
        let mut frame = Self::of_from(from);
        frame.add_all(delete.using.as_deref().unwrap_or_default());
        frame
    }

    pub(super) fn of_insert(insert: &Insert) -> Self {
        let mut frame = Self::default();
        if let TableObject::TableName(name) = &insert.table {
            frame.add(
                name.to_string(),
                Some(name),
                insert.table_alias.as_ref().map(|alias| &alias.alias),
            );
        }
        frame
    }

    pub(super) fn of_merge(merge: &Merge) -> Self {
        let mut frame = Self::default();
        frame.add_factor(&merge.table);
        frame.add_factor(&merge.source);
        frame
    }

    fn add_all(&mut self, from: &[TableWithJoins]) {
        for item in from {
            self.add_joined(item);
        }
    }

    fn add_joined(&mut self, item: &TableWithJoins) {
        self.add_factor(&item.relation);
        for join in &item.joins {
            self.add_factor(&join.relation);
        }
    }

    fn add_factor(&mut self, factor: &TableFactor) {
        match factor {
            TableFactor::Table { name, alias, .. } | TableFactor::Function { name, alias, .. } => {
                self.add(
                    last(name),
                    Some(name),
                    alias.as_ref().map(|alias| &alias.name),
                );
            }
            TableFactor::NestedJoin {
                table_with_joins,
                alias,
            } => {
                self.add_joined(table_with_joins);
                if let Some(alias) = alias {
                    self.add("join".to_owned(), None, Some(&alias.name));
                }
            }
            TableFactor::Derived { alias, .. } => {
                self.add(
                    "subquery".to_owned(),
                    None,
                    alias.as_ref().map(|alias| &alias.name),
                );
            }
            TableFactor::UNNEST { alias, .. } => {
                self.add(
                    "unnest".to_owned(),
                    None,
                    alias.as_ref().map(|alias| &alias.name),
                );
            }
            other => {
                let alias = alias(other).map(|alias| &alias.name);
                self.add("relation".to_owned(), None, alias);
            }
        }
    }

    fn add(&mut self, base: String, table: Option<&ObjectName>, alias: Option<&Ident>) {
        let base = match table {
            Some(table) => last(table),
            None => base,
        };
        let name = table.and_then(|table| table.0.last()?.as_ident());
        for ident in name.into_iter().chain(alias) {
            if ident.quote_style.is_none() && is_reserved(&ident.value) {
                self.misread = Some(ident.value.clone());
            }
        }
        let twins = self
            .relations
            .iter()
            .filter(|relation| relation.canonical.value.split('#').next() == Some(&base))
            .count();
        let canonical = if twins == 0 {
            ident(&base)
        } else {
            Ident::new(format!("{base}#{}", twins + 1))
        };
        self.relations.push(Relation {
            name: alias.map_or_else(|| base.clone(), |alias| alias.value.clone()),
            schema: match alias {
                None => table.and_then(schema),
                Some(_) => None,
            },
            origin: match alias {
                None => Origin::Table,
                Some(_) => Origin::Alias,
            },
            canonical,
        });
    }

    fn find(&self, schema: Option<&str>, name: &str) -> Option<&Relation> {
        self.relations.iter().find(|relation| {
            relation.name == name && (schema.is_none() || relation.schema.as_deref() == schema)
        })
    }

    /// A reserved word that the parser took for a relation's name or alias, as it does with ONLY.
    pub(super) fn misread(&self) -> Option<&str> {
        self.misread.as_deref()
    }

    /// The canonical name of the relation with this name or alias.
    pub(super) fn canonical(&self, alias: &Ident) -> Option<Ident> {
        self.find(None, &alias.value)
            .map(|relation| relation.canonical.clone())
    }
}

/// The frames from the outermost query to the innermost.
#[derive(Debug, Default)]
pub(super) struct Frames(Vec<Frame>);

impl Frames {
    pub(super) fn push(&mut self, frame: Frame) {
        self.0.push(frame);
    }

    pub(super) fn pop(&mut self) {
        self.0.pop();
    }

    pub(super) fn innermost(&self) -> Option<&Frame> {
        self.0.last()
    }

    /// The relation that qualifies a column, with the schema where it is written.
    pub(super) fn resolve(&self, schema: Option<&str>, name: &str) -> Option<Resolved> {
        let innermost = self.0.len().checked_sub(1)?;
        for (level, frame) in self.0.iter().enumerate().rev() {
            if let Some(relation) = frame.find(schema, name) {
                let only = level == innermost && frame.relations.len() == 1;
                return Some(if only {
                    Resolved::Only
                } else {
                    Resolved::Named(relation.canonical.clone())
                });
            }
        }
        None
    }

    /// The canonical name of the relation whose alias stands alone in an expression: a whole row.
    pub(super) fn whole_row(&self, name: &str) -> Option<Ident> {
        self.0.iter().rev().find_map(|frame| {
            frame
                .find(None, name)
                .filter(|relation| relation.origin == Origin::Alias)
                .map(|relation| relation.canonical.clone())
        })
    }
}

/// An identifier, in quotes only where it needs them.
pub(super) fn ident(name: &str) -> Ident {
    if is_plain(name) {
        Ident::new(name)
    } else {
        Ident::with_quote('"', name)
    }
}

fn last(name: &ObjectName) -> String {
    name.0
        .last()
        .and_then(|part| part.as_ident())
        .map_or_else(|| name.to_string(), |ident| ident.value.clone())
}

fn schema(name: &ObjectName) -> Option<String> {
    let before = name.0.len().checked_sub(2)?;
    Some(name.0.get(before)?.as_ident()?.value.clone())
}

fn alias(factor: &TableFactor) -> Option<&TableAlias> {
    match factor {
        TableFactor::Table { alias, .. }
        | TableFactor::Derived { alias, .. }
        | TableFactor::TableFunction { alias, .. }
        | TableFactor::Function { alias, .. }
        | TableFactor::UNNEST { alias, .. }
        | TableFactor::JsonTable { alias, .. }
        | TableFactor::XmlTable { alias, .. }
        | TableFactor::NestedJoin { alias, .. } => alias.as_ref(),
        _ => None,
    }
}

/// Takes the aliases out of FROM items and the optional words out of joins. Column lists of aliases stay, under the
/// relation's canonical name.
pub(super) fn strip(from: &mut [TableWithJoins], frame: &Frame) {
    for item in from {
        strip_joined(item, frame);
    }
}

pub(super) fn strip_joined(item: &mut TableWithJoins, frame: &Frame) {
    strip_factor(&mut item.relation, frame);
    for join in &mut item.joins {
        strip_factor(&mut join.relation, frame);
        let operator = std::mem::replace(&mut join.join_operator, JoinOperator::CrossApply);
        join.join_operator = match operator {
            JoinOperator::Inner(constraint) => JoinOperator::Join(constraint),
            JoinOperator::LeftOuter(constraint) => JoinOperator::Left(constraint),
            JoinOperator::RightOuter(constraint) => JoinOperator::Right(constraint),
            other => other,
        };
    }
}

pub(super) fn strip_factor(factor: &mut TableFactor, frame: &Frame) {
    if let TableFactor::NestedJoin {
        table_with_joins, ..
    } = factor
    {
        strip_joined(table_with_joins, frame);
    }
    let (TableFactor::Table { alias, .. }
    | TableFactor::Derived { alias, .. }
    | TableFactor::TableFunction { alias, .. }
    | TableFactor::Function { alias, .. }
    | TableFactor::UNNEST { alias, .. }
    | TableFactor::JsonTable { alias, .. }
    | TableFactor::XmlTable { alias, .. }
    | TableFactor::NestedJoin { alias, .. }) = factor
    else {
        return;
    };
    match alias {
        Some(named) if !named.columns.is_empty() => {
            named.explicit = true;
            if let Some(canonical) = frame.canonical(&named.name) {
                named.name = canonical;
            }
        }
        _ => *alias = None,
    }
}
