//! What ties a look-up to the rows of another statement: a foreign key, declared or told by names.

use crate::checks::{Case, TableRef};
use crate::ids::Oid;
use crate::snapshot::{Index, Table};
use crate::sql::facts::{Facts, Operand, Output, RelationUse, Test};
use crate::sql::scope::ColumnRef;

use super::groups::{Group, KeyColumn};

/// What says that one column holds another's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Basis {
    /// Both columns refer to one key of a third table. Much belongs to one user, so it takes a measurement.
    SameKey,
    /// Both columns have one name and one type, and one of them is a unique key. Counters must agree all the better.
    SameName,
    /// A column beside the key says which table's row it is, and its values are not known.
    Typed,
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

    /// The table whose rows a look-up returns, where it begins at the parent's own row and joins its way from there.
    pub fn fetched_name(&self, case: &Case<'_>, facts: &Facts) -> Option<String> {
        let own =
            self.child_table == self.parent_table && self.child_columns == self.parent_columns;
        let first = facts.output().iter().find_map(|output| match output {
            Output::Column { sources, .. } => sources.first(),
            Output::All { .. } | Output::Computed { .. } => None,
        });
        let used = first.and_then(|source| facts.relations.get(source.relation))?;
        let table = resolved(case, used)?.table;
        (own && table.oid != self.child_table).then(|| table.name.to_string())
    }

    /// The name of the table that the keys come from.
    pub fn parent_name(&self, case: &Case<'_>) -> String {
        name(case, self.parent_table)
    }

    /// What says that the values come from a statement, where it returns the parent's columns.
    pub fn returned_by(&self, case: &Case<'_>, facts: &Facts) -> Option<Basis> {
        let from = |whence: &dyn Fn(&RelationUse) -> bool| {
            let returned = |column: &&String| returns(facts, column, whence);
            let mut columns = self.parent_columns.iter();
            // All rows that it returns are of one tenant, which it need not return then.
            columns.all(|column| returned(&column) || fixes(facts, column, whence))
                && self.parent_columns.iter().any(|column| returned(&column))
        };
        let table = |used: &RelationUse| {
            resolved(case, used).is_some_and(|found| found.table.oid == self.parent_table)
        };
        if from(&table) {
            return (!self.of_keys() || self.only_keys(facts)).then_some(self.basis);
        }
        // A view is no relation of the catalog; it may be called after the table that it reads.
        if self.of_keys() {
            return None;
        }
        let parent = case.catalog.by_oid(self.parent_table)?.table;
        let view = |used: &RelationUse| {
            let name = plain(&used.name);
            let mut singulars = singulars(&plain(&parent.name.name))
                .collect::<Vec<_>>()
                .into_iter();
            used.resolved.is_none() && singulars.any(|singular| name.contains(&singular))
        };
        from(&view).then_some(self.basis.min(Basis::Named))
    }

    /// Whether one of the columns that a value comes from is `column` of the parent, or may be, where a view is read.
    pub fn names(
        &self,
        case: &Case<'_>,
        facts: &Facts,
        (sources, column): (&[ColumnRef], &str),
    ) -> bool {
        sources.iter().any(|source| {
            let used = facts.relations.get(source.relation);
            source.column == column
                && used.is_some_and(|used| match resolved(case, used) {
                    Some(found) => found.table.oid == self.parent_table,
                    None => used.resolved.is_none(),
                })
        })
    }

    /// Whether rows are read by their own keys. A list of the rows themselves says nothing: what is on a list is opened
    /// one by one, too. A list of keys has no other use.
    pub fn of_keys(&self) -> bool {
        let own =
            self.child_table == self.parent_table && self.child_columns == self.parent_columns;
        own && self.basis == Basis::Named
    }

    /// Whether a statement returns the keys and nothing else.
    fn only_keys(&self, facts: &Facts) -> bool {
        facts.output().iter().all(|output| match output {
            Output::Column { sources, .. } => sources
                .iter()
                .all(|source| self.parent_columns.contains(&source.column)),
            Output::All { .. } | Output::Computed { .. } => false,
        })
    }

    /// Whether rows of one table belong to rows of the same.
    pub fn within_a_table(&self) -> bool {
        self.child_table == self.parent_table && self.child_columns != self.parent_columns
    }
}

fn name(case: &Case<'_>, table: Oid) -> String {
    let table = case.catalog.by_oid(table);
    table.map_or_else(String::new, |table| table.table.name.to_string())
}

fn returns(facts: &Facts, column: &str, whence: &dyn Fn(&RelationUse) -> bool) -> bool {
    let of = |relation: usize| facts.relations.get(relation).is_some_and(whence);
    facts.output().iter().any(|output| match output {
        Output::Column { sources, .. } => sources
            .iter()
            .any(|source| source.column == column && of(source.relation)),
        Output::All { relation } => of(*relation),
        Output::Computed { .. } => false,
    })
}

/// Whether all rows of a statement have one value in a column that it does not return.
fn fixes(facts: &Facts, column: &str, whence: &dyn Fn(&RelationUse) -> bool) -> bool {
    facts
        .relations
        .iter()
        .filter(|used| whence(used))
        .any(|used| compares(used, column))
}

/// Whether a column is compared with one value.
fn compares(used: &RelationUse, column: &str) -> bool {
    used.predicates.iter().any(|predicate| {
        predicate.arms.is_empty()
            && matches!(predicate.test, Test::Equal(_))
            && matches!(&predicate.operand, Operand::Column(name) if name == column)
    })
}

/// The table that a relation use means.
pub fn resolved<'a>(case: &Case<'a>, used: &RelationUse) -> Option<TableRef<'a>> {
    case.catalog.named(used.resolved.as_ref()?)
}

/// The ties that a look-up may have.
pub fn ties(case: &Case<'_>, group: &Group) -> Vec<Tie> {
    let facts = group.facts(case);
    facts.map_or_else(Vec::new, |facts| ties_of(case, facts, &group.keys))
}

/// The ties that a statement may have that looks up these keys.
pub fn ties_of(case: &Case<'_>, facts: &Facts, keys: &[KeyColumn]) -> Vec<Tie> {
    let mut ties = Vec::new();
    for (relation, used) in facts.relations.iter().enumerate() {
        let keys: Vec<&KeyColumn> = keys.iter().filter(|key| key.relation == relation).collect();
        if let (false, Some(table)) = (keys.is_empty(), resolved(case, used)) {
            let before = ties.len();
            declared(case, table.table, &keys, &mut ties);
            if ties.len() == before {
                named(case, table.table, &keys, &mut ties);
            }
            polymorphic(case, table.table, (used, &keys), &mut ties);
            if ties.len() == before {
                same_named(case, table.table, &keys, &mut ties);
            }
            same_key(case, table.table, &keys, &mut ties);
            if returns_others_only(facts, relation) {
                own_key(case, table.table, (&keys, Basis::Declared), &mut ties);
            } else {
                own_key(case, table.table, (&keys, Basis::Named), &mut ties);
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
pub fn is_unique(case: &Case<'_>, table: &Table, keys: &[&KeyColumn]) -> bool {
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
                .filter(|primary| refers(case, (table, &key.column), (other, primary)))
                .map(str::to_owned);
            let belongs_to = other.columns.iter().find(|column| {
                primary_key(case, table) == Some(key.column.as_str())
                    && refers(case, (other, &column.name), (table, &key.column))
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
/// key's, or a key's name that says as much by itself (`customer_no`).
fn refers(
    case: &Case<'_>,
    (table, column): (&Table, &str),
    (referenced, key): (&Table, &str),
) -> bool {
    if !comparable((table, column), (referenced, key)) {
        return false;
    }
    let (column, key) = (plain(column), plain(key));
    if column == key && !ANYTHING.contains(&key.as_str()) {
        return true;
    }
    let Some(base) = column.strip_suffix(&key) else {
        return false;
    };
    let called = |name: &str| singulars(&plain(name)).any(|name| name == base);
    let name = &referenced.name.name;
    called(name)
        || without_shared_prefix(name, &table.name.name).is_some_and(called)
            && !case
                .snapshot
                .tables
                .iter()
                .any(|table| called(&table.name.name))
}

/// A table's name without what the names of an application's tables begin with: `customer` of `crm_customer`, beside
/// `crm_invoice`.
fn without_shared_prefix<'n>(name: &'n str, other: &str) -> Option<&'n str> {
    let shared = name.bytes().zip(other.bytes());
    let shared = shared.take_while(|(one, other)| one == other).count();
    let prefix = name.get(..shared)?.rfind('_')?;
    name.get(prefix + 1..).filter(|rest| !rest.is_empty())
}

/// Names of keys that say nothing of what they are keys of.
const SURROGATES: [&str; 4] = ["id", "uuid", "guid", "oid"];

/// Ties between columns of one name and one type, of which one is all of a unique key: `sku` and `sku`.
fn same_named(case: &Case<'_>, table: &Table, keys: &[&KeyColumn], ties: &mut Vec<Tie>) {
    let telling = |key: &&&KeyColumn| !SURROGATES.contains(&plain(&key.column).as_str());
    for key in keys.iter().filter(telling) {
        let column = key.column.as_str();
        for other in &case.snapshot.tables {
            let different = other.oid != table.oid && other.parent.is_none();
            let keyed = || is_key(case, table, column) || is_key(case, other, column);
            if different && comparable((table, column), (other, column)) && keyed() {
                let columns = std::slice::from_ref(&key.column);
                let parent = (other.oid, columns);
                ties.extend(tie(case, table, (keys, columns), parent, Basis::SameName));
            }
        }
    }
}

/// Ties between columns that refer to one key of a third table: `profiles.user_id` and `orders.user_id`.
fn same_key(case: &Case<'_>, table: &Table, keys: &[&KeyColumn], ties: &mut Vec<Tie>) {
    for key in case.catalog.foreign_keys(table.oid) {
        for other in case.catalog.references(key.referenced_table) {
            let apart =
                other.table != table.oid && other.referenced_columns == key.referenced_columns;
            if apart {
                let parent = (other.table, other.columns.as_slice());
                ties.extend(tie(
                    case,
                    table,
                    (keys, &key.columns),
                    parent,
                    Basis::SameKey,
                ));
            }
        }
    }
}

/// Whether a column is all of a unique key.
fn is_key(case: &Case<'_>, table: &Table, column: &str) -> bool {
    unique_keys(case, table).any(|index| match index.keys.as_slice() {
        [only] => only.column.as_deref() == Some(column),
        _ => false,
    })
}

/// What keys and other columns of any table are called, without underscores.
const ANYTHING: [&str; 16] = [
    "code", "date", "email", "guid", "hash", "id", "key", "kind", "name", "number", "slug",
    "status", "title", "type", "uuid", "value",
];

/// Whether two columns hold values of one type.
fn comparable((table, column): (&Table, &str), (other, key): (&Table, &str)) -> bool {
    let (Some(from), Some(to)) = (table.column(column), other.column(key)) else {
        return false;
    };
    broad(&from.type_name) == broad(&to.type_name)
}

/// Ties of a key whose table stands in a column beside it: `owner_id` beside `owner_type`, `object_id` beside
/// `content_type_id`. Both ways: the rows that a row owns, and the owner of a row.
fn polymorphic(
    case: &Case<'_>,
    table: &Table,
    (used, keys): (&RelationUse, &[&KeyColumn]),
    ties: &mut Vec<Tie>,
) {
    let compared = |column: &str| compares(used, column);
    let declared = |table: &Table, column: &str| {
        let mut keys = case.catalog.foreign_keys(table.oid);
        keys.any(|key| key.columns.iter().any(|name| name == column))
    };
    for key in keys {
        let typed = types(table, &key.column).any(compared);
        for other in case
            .snapshot
            .tables
            .iter()
            .filter(|other| other.parent.is_none())
        {
            let mut add = |parent: &str| {
                let columns = std::slice::from_ref(&key.column);
                let parent = (other.oid, [parent.to_owned()]);
                let parent = (parent.0, parent.1.as_slice());
                ties.extend(tie(case, table, (keys, columns), parent, Basis::Typed));
            };
            let primary = primary_key(case, other);
            if let Some(primary) = primary
                && typed
                && !declared(table, &key.column)
                && comparable((table, &key.column), (other, primary))
            {
                add(primary);
            }
            if primary_key(case, table) == Some(key.column.as_str()) {
                let owners = other.columns.iter().filter(|column| {
                    types(other, &column.name).next().is_some()
                        && !declared(other, &column.name)
                        && comparable((table, &key.column), (other, &column.name))
                });
                for owner in owners {
                    add(&owner.name);
                }
            }
        }
    }
}

/// The columns of a table that say which table's row another column's key is: `owner_type` for `owner_id`, and
/// `content_type_id` for `object_id`.
fn types<'t>(table: &'t Table, key: &str) -> impl Iterator<Item = &'t str> + use<'t> {
    let plain_key = plain(key);
    let base = ["id", "key", "pk"]
        .iter()
        .find_map(|suffix| plain_key.strip_suffix(suffix))
        .filter(|base| !base.is_empty())
        .map(str::to_owned);
    table
        .columns
        .iter()
        .map(|column| column.name.as_str())
        .filter(move |name| {
            let name = plain(name);
            base.as_ref().is_some_and(|base| {
                name == format!("{base}type")
                    || (base == "object" && name.starts_with("contenttype"))
            })
        })
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

/// A type's name; integers of any width may refer to one another, and so may texts of any length.
fn broad(type_name: &str) -> &str {
    let name = type_name
        .split_once('(')
        .map_or(type_name, |(name, _)| name);
    match name {
        "smallint" | "integer" | "bigint" => "integer",
        "text" | "character varying" | "citext" => "text",
        _ => type_name,
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

/// A look-up by the primary key of the row itself: a join that is entered by it, as lazy loaders of a single object
/// make it, or a row that is read by the key that another statement found ([`Tie::of_keys`]).
fn own_key(
    case: &Case<'_>,
    table: &Table,
    (keys, basis): (&[&KeyColumn], Basis),
    ties: &mut Vec<Tie>,
) {
    let primary = unique_keys(case, table).find(|index| index.primary);
    let columns = primary.and_then(|index| {
        let columns = index.keys.iter().map(|key| key.column.clone());
        columns.collect::<Option<Vec<String>>>()
    });
    if let Some(columns) = columns {
        let parent = (table.oid, columns.as_slice());
        ties.extend(tie(case, table, (keys, &columns), parent, basis));
    }
}
