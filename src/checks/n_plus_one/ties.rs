//! What ties a look-up to the rows of another statement: a foreign key, declared or told by names.

use crate::checks::{Case, TableRef};
use crate::ids::Oid;
use crate::snapshot::{Index, Table};
use crate::sql::facts::{Facts, Output, RelationUse};

use super::groups::{Group, KeyColumn};

/// What says that one column holds another's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Basis {
    /// Names and types suggest it.
    Named,
    /// A foreign key or a primary key.
    Declared,
}

/// A look-up's key columns, and the columns whose values it gets from the parent's rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tie {
    /// The table that is looked up.
    pub child_table: Oid,
    /// Its columns.
    pub child_columns: Vec<String>,
    /// The parameters that they are compared with, in the same order.
    pub parameters: Vec<u32>,
    /// The table that the keys come from.
    pub parent_table: Oid,
    /// Its columns, in the same order.
    pub parent_columns: Vec<String>,
    /// What says so.
    pub basis: Basis,
    /// Whether at most one row has the key.
    pub unique: bool,
}

impl Tie {
    /// The looked-up table's name.
    pub fn child_name(&self, case: &Case<'_>) -> String {
        name(case, self.child_table)
    }

    /// The name of the table that the keys come from.
    pub fn parent_name(&self, case: &Case<'_>) -> String {
        name(case, self.parent_table)
    }

    /// Whether a statement returns the parent's columns.
    pub fn returned_by(&self, case: &Case<'_>, facts: &Facts) -> bool {
        self.parent_columns
            .iter()
            .all(|column| returns(case, facts, self.parent_table, column))
    }
}

fn name(case: &Case<'_>, table: Oid) -> String {
    let table = case.catalog.by_oid(table);
    table.map_or_else(String::new, |table| table.table.name.to_string())
}

fn returns(case: &Case<'_>, facts: &Facts, table: Oid, column: &str) -> bool {
    facts.output().iter().any(|output| match output {
        Output::Column { sources, .. } => sources.iter().any(|source| {
            source.column == column
                && facts
                    .relations
                    .get(source.relation)
                    .and_then(|used| resolved(case, used))
                    .is_some_and(|found| found.table.oid == table)
        }),
        Output::All { .. } | Output::Computed { .. } => false,
    })
}

/// The table that a relation use means.
pub fn resolved<'a>(case: &Case<'a>, used: &RelationUse) -> Option<TableRef<'a>> {
    case.catalog.named(used.resolved.as_ref()?)
}

/// The ties that a look-up may have.
pub fn ties(case: &Case<'_>, group: &Group) -> Vec<Tie> {
    let Some(facts) = group.facts(case) else {
        return Vec::new();
    };
    let mut ties = Vec::new();
    for (relation, used) in facts.relations.iter().enumerate() {
        let keys: Vec<&KeyColumn> = group
            .keys
            .iter()
            .filter(|key| key.relation == relation)
            .collect();
        if let (false, Some(table)) = (keys.is_empty(), resolved(case, used)) {
            let before = ties.len();
            declared(case, table.table, &keys, &mut ties);
            if ties.len() == before {
                named(case, table.table, &keys, &mut ties);
            }
            if returns_others_only(facts, relation) {
                own_key(case, table.table, &keys, &mut ties);
            }
        }
    }
    ties
}

fn declared(case: &Case<'_>, table: &Table, keys: &[&KeyColumn], ties: &mut Vec<Tie>) {
    let to_parents = case.catalog.foreign_keys(table.oid).map(|key| {
        let parent = (key.referenced_table, key.referenced_columns.as_slice());
        tie(case, table, (keys, &key.columns), parent, Basis::Declared)
    });
    let from_children = case.catalog.references(table.oid).map(|key| {
        let parent = (key.table, key.columns.as_slice());
        tie(
            case,
            table,
            (keys, &key.referenced_columns),
            parent,
            Basis::Declared,
        )
    });
    // The same foreign key may be declared twice.
    for tie in to_parents.chain(from_children).flatten() {
        if !ties.contains(&tie) {
            ties.push(tie);
        }
    }
}

fn tie(
    case: &Case<'_>,
    table: &Table,
    (keys, columns): (&[&KeyColumn], &[String]),
    (parent_table, parent_columns): (Oid, &[String]),
    basis: Basis,
) -> Option<Tie> {
    let parameters: Option<Vec<u32>> = columns
        .iter()
        .map(|column| {
            let key = keys.iter().find(|key| key.column == *column)?;
            Some(key.parameter)
        })
        .collect();
    Some(Tie {
        child_table: table.oid,
        child_columns: columns.to_vec(),
        parameters: parameters?,
        parent_table,
        parent_columns: parent_columns.to_vec(),
        basis,
        unique: is_unique(case, table, keys),
    })
}

/// Whether the looked-up columns hold a unique key.
fn is_unique(case: &Case<'_>, table: &Table, keys: &[&KeyColumn]) -> bool {
    unique_keys(case, table).any(|index| {
        index.keys.iter().all(|column| {
            keys.iter()
                .any(|key| Some(key.column.as_str()) == column.column.as_deref())
        })
    })
}

fn unique_keys<'c>(case: &'c Case<'_>, table: &Table) -> impl Iterator<Item = &'c Index> + use<'c> {
    case.catalog
        .indexes(table.oid)
        .filter(|index| index.unique && index.valid && index.predicate.is_none())
}

/// The only column of a table's primary key.
fn primary_key<'c>(case: &'c Case<'_>, table: &Table) -> Option<&'c str> {
    let index = unique_keys(case, table).find(|index| index.primary)?;
    match index.keys.as_slice() {
        [only] => only.column.as_deref(),
        _ => None,
    }
}

/// Ties that no foreign key declares: `author_id` or `authorId` and the primary key of `authors`, of one type.
fn named(case: &Case<'_>, table: &Table, keys: &[&KeyColumn], ties: &mut Vec<Tie>) {
    for other in &case.snapshot.tables {
        if other.oid == table.oid || other.parent.is_some() {
            continue;
        }
        for key in keys {
            let has_many = primary_key(case, other)
                .filter(|primary| refers((table, &key.column), (other, primary)))
                .map(str::to_owned);
            let belongs_to = other.columns.iter().find(|column| {
                primary_key(case, table) == Some(key.column.as_str())
                    && refers((other, &column.name), (table, &key.column))
            });
            let parents = has_many
                .into_iter()
                .chain(belongs_to.map(|column| column.name.clone()));
            for parent in parents {
                let columns = std::slice::from_ref(&key.column);
                let parent = (other.oid, std::slice::from_ref(&parent));
                ties.extend(tie(case, table, (keys, columns), parent, Basis::Named));
            }
        }
    }
}

/// Whether a column's name and type say that it refers to a key: the table's name in the singular followed by the
/// key's.
fn refers((table, column): (&Table, &str), (referenced, key): (&Table, &str)) -> bool {
    let (Some(from), Some(to)) = (table.column(column), referenced.column(key)) else {
        return false;
    };
    let column = plain(column);
    let key = plain(key);
    let called = column
        .strip_suffix(&key)
        .is_some_and(|base| singulars(&plain(&referenced.name.name)).any(|name| name == base));
    called && integer(&from.type_name) == integer(&to.type_name)
}

fn plain(name: &str) -> String {
    name.replace('_', "").to_lowercase()
}

fn singulars(table: &str) -> impl Iterator<Item = String> + '_ {
    let cut = |suffix: &str, replaced: &str| {
        let base = table.strip_suffix(suffix)?;
        Some(format!("{base}{replaced}"))
    };
    [
        Some(table.to_owned()),
        cut("s", ""),
        cut("es", ""),
        cut("ies", "y"),
    ]
    .into_iter()
    .flatten()
}

/// A type's name; integers of any width may refer to one another.
fn integer(type_name: &str) -> &str {
    match type_name {
        "smallint" | "integer" | "bigint" => "integer",
        other => other,
    }
}

/// Whether it joins other relations to this one and returns columns of those only.
fn returns_others_only(facts: &Facts, relation: usize) -> bool {
    let columns = facts.output().iter().filter_map(|output| match output {
        Output::Column { sources, .. } => Some(sources),
        Output::All { .. } | Output::Computed { .. } => None,
    });
    let mut others = columns.flatten().map(|source| source.relation).peekable();
    facts.relations.len() > 1 && others.peek().is_some() && others.all(|other| other != relation)
}

/// A join that is entered by the parent's own primary key, as lazy loaders of a single object make it.
fn own_key(case: &Case<'_>, table: &Table, keys: &[&KeyColumn], ties: &mut Vec<Tie>) {
    if let Some(primary) = primary_key(case, table) {
        let columns = [primary.to_owned()];
        ties.extend(tie(
            case,
            table,
            (keys, &columns),
            (table.oid, &columns),
            Basis::Declared,
        ));
    }
}
