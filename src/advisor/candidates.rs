//! The indexes that a statement could use, from what it asks of each relation: columns by the role they have, not all
//! columns.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use crate::checks::TableRef;
use crate::ids::quote_ident;
use crate::snapshot::{Column, IndexColumn, IndexDefinition, Table};
use crate::sql::facts::{
    Elements, Extreme, Facts, Key, Level, Operand, Predicate, RelationUse, Role, SortKey, Test,
};

use super::size::distinct_of;

/// Columns at most: each more column makes every key wider and the gain smaller.
pub const MAX_WIDTH: usize = 3;

/// Keys whose numbers of distinct values are within this factor may stand in either order: the statistics cannot tell
/// which one is better.
const TOSS_UP: f64 = 10.0;

/// A key of a candidate.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct CandidateKey {
    /// The column.
    pub column: String,
    /// Descending.
    pub desc: bool,
    /// For patterns: the operator class that compares characters.
    pub pattern: bool,
}

/// A btree index that a statement could use.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Candidate {
    /// Position of the table in `Snapshot::tables`.
    pub table: usize,
    /// The keys.
    pub keys: Vec<CandidateKey>,
    /// How many of the first keys are compared for equality.
    pub equal: usize,
    /// Whether the key after those is compared with a bound.
    pub bounded: bool,
    /// Whether the keys after those are the whole order that is asked for.
    pub ordered: bool,
}

impl Candidate {
    /// An index on columns that are all compared for equality.
    pub fn equality(table: TableRef<'_>, columns: &[String]) -> Self {
        Self {
            table: table.place,
            keys: columns.iter().map(|column| plain(column)).collect(),
            equal: columns.len(),
            bounded: false,
            ordered: false,
        }
    }

    /// The columns.
    pub fn columns(&self) -> Vec<String> {
        self.keys.iter().map(|key| key.column.clone()).collect()
    }

    /// The index.
    pub fn definition(&self, table: &Table) -> IndexDefinition {
        let type_of = |name: &str| {
            let column = table.column(name);
            column.map_or("", Column::stored_type)
        };
        let keys = self.keys.iter().map(|key| IndexColumn {
            expr: quote_ident(&key.column).into_owned(),
            desc: key.desc,
            opclass: key
                .pattern
                .then(|| pattern_class(type_of(&key.column)).to_owned()),
        });
        IndexDefinition {
            schema: table.name.schema.clone(),
            table: table.name.name.clone(),
            method: "btree".to_owned(),
            keys: keys.collect(),
            include: Vec::new(),
            predicate: None,
            unique: false,
        }
    }
}

/// The operator class that compares text of a type character by character, which `LIKE 'x%'` needs outside the C
/// collation (`indexes.sgml`, "Operator Classes").
pub fn pattern_class(type_name: &str) -> &'static str {
    match type_name {
        name if name.starts_with("character varying") => "varchar_pattern_ops",
        name if name.starts_with("character") => "bpchar_pattern_ops",
        _ => "text_pattern_ops",
    }
}

/// What a relation use asks of an index.
#[derive(Debug, Default)]
struct Wants {
    /// Compared with one value, the most selective first.
    equal: Vec<String>,
    /// Those of them that are compared with a list: their index gives no order.
    listed: BTreeSet<String>,
    /// Compared with bounds.
    ranges: Vec<CandidateKey>,
    /// The order that is asked for.
    order: Vec<CandidateKey>,
    /// Whether that is the whole `ORDER BY`.
    whole_order: bool,
    /// Columns that are equal to another relation's, those of one relation together.
    joins: Vec<Vec<String>>,
    /// Those of them whose partner is a row of an outer query, which gives a value as a parameter does.
    given: Vec<Vec<String>>,
    /// Columns in arms of OR, one by one.
    arms: Vec<CandidateKey>,
}

/// The candidates for one relation use.
pub fn candidates(
    facts: &Facts,
    relation: usize,
    table: TableRef<'_>,
    rows: f64,
) -> Vec<Candidate> {
    let Some(used) = facts.relations.get(relation) else {
        return Vec::new();
    };
    if used.role == Role::InsertTarget {
        return Vec::new();
    }
    let wants = Wants::of(facts, relation, used, table.table, rows);
    let mut list = List {
        table,
        found: BTreeSet::new(),
    };
    list.filters(&wants, rows);
    list.joins(&wants);
    list.given(&wants);
    list.arms(&wants);
    list.found.into_iter().collect()
}

impl Wants {
    fn of(facts: &Facts, relation: usize, used: &RelationUse, table: &Table, rows: f64) -> Self {
        let mut wants = Self::default();
        for predicate in &used.predicates {
            wants.predicate(predicate, table);
        }
        wants
            .equal
            .sort_by(|one, other| by_distinct(table, one, other, rows));
        if let Some(level) = facts.levels.get(used.level) {
            wants.order = order(level, relation, table);
            wants.whole_order = wants.order.len() == level.order_by.len();
        }
        wants.join_edges(facts, relation, table);
        wants
    }

    fn predicate(&mut self, predicate: &Predicate, table: &Table) {
        let Operand::Column(column) = &predicate.operand else {
            return;
        };
        if table.column(column).is_none() {
            return;
        }
        if !predicate.arms.is_empty() {
            if let Some(key) = any_key(column, &predicate.test)
                && !self.arms.contains(&key)
            {
                self.arms.push(key);
            }
            return;
        }
        match &predicate.test {
            Test::Equal(_) | Test::IsNull | Test::IsTrue | Test::IsFalse => self.equal(column),
            Test::In(elements) => {
                let one = matches!(elements, Elements::List(values) if values.len() == 1);
                if !one {
                    self.listed.insert(column.clone());
                }
                self.equal(column);
            }
            Test::Range { .. } | Test::Row { .. } => self.range(plain(column)),
            Test::LikePrefix {
                case_insensitive: false,
                ..
            } => self.range(CandidateKey {
                pattern: true,
                ..plain(column)
            }),
            _ => {}
        }
    }

    fn equal(&mut self, column: &str) {
        if !self.equal.iter().any(|known| known == column) {
            self.equal.push(column.to_owned());
        }
    }

    fn range(&mut self, key: CandidateKey) {
        if !self.ranges.contains(&key) {
            self.ranges.push(key);
        }
    }

    /// Columns that a join compares with another relation's for equality; those of one partner go together.
    fn join_edges(&mut self, facts: &Facts, relation: usize, table: &Table) {
        let mut partners: Vec<(usize, Vec<String>)> = Vec::new();
        let edges = facts
            .joins
            .iter()
            .filter(|edge| edge.operator == "=" && edge.arms.is_empty());
        for edge in edges {
            let sides = [(&edge.left, &edge.right), (&edge.right, &edge.left)];
            for (own, other) in sides {
                let column = own
                    .column()
                    .filter(|_| own.relation() == relation && other.relation() != relation)
                    .filter(|column| table.column(column).is_some());
                let Some(column) = column else {
                    continue;
                };
                let place = partners
                    .iter()
                    .position(|(partner, _)| *partner == other.relation());
                match place.and_then(|place| partners.get_mut(place)) {
                    Some((_, columns)) if columns.iter().any(|known| known == column) => {}
                    Some((_, columns)) => columns.push(column.to_owned()),
                    None => partners.push((other.relation(), vec![column.to_owned()])),
                }
            }
        }
        let level = |relation: usize| facts.relations.get(relation).map(|used| used.level);
        for (partner, columns) in partners {
            if level(partner) != level(relation) {
                self.given.push(columns.clone());
            }
            if !self.joins.contains(&columns) {
                self.joins.push(columns);
            }
        }
    }
}

/// The most distinct values first; of equal ones, the order of the text.
fn by_distinct(table: &Table, one: &str, other: &str, rows: f64) -> Ordering {
    let distinct = |name: &str| {
        table
            .column(name)
            .map_or(1.0, |column| distinct_of(column, rows))
    };
    distinct(other).total_cmp(&distinct(one))
}

fn plain(column: &str) -> CandidateKey {
    CandidateKey {
        column: column.to_owned(),
        desc: false,
        pattern: false,
    }
}

/// The key that a condition in an arm of OR needs.
fn any_key(column: &str, test: &Test) -> Option<CandidateKey> {
    match test {
        Test::Equal(_)
        | Test::IsNull
        | Test::IsTrue
        | Test::IsFalse
        | Test::In(_)
        | Test::Range { .. }
        | Test::Row { .. } => Some(plain(column)),
        Test::LikePrefix {
            case_insensitive: false,
            ..
        } => Some(CandidateKey {
            pattern: true,
            ..plain(column)
        }),
        _ => None,
    }
}

/// The order that a level asks of a relation: `ORDER BY`, else `GROUP BY`, `min`/`max` or a window, as far as it is
/// columns of this relation in an order that a btree without NULLS options has.
fn order(level: &Level, relation: usize, table: &Table) -> Vec<CandidateKey> {
    let sorted = |keys: &[SortKey]| -> Vec<CandidateKey> {
        let mut order: Vec<CandidateKey> = Vec::new();
        for sort in keys {
            let column = sort
                .key
                .as_ref()
                .filter(|key| key.relation() == relation)
                .and_then(Key::column)
                .filter(|column| table.column(column).is_some());
            let (Some(column), true) = (column, sort.nulls_first == sort.descending) else {
                break;
            };
            order.push(CandidateKey {
                desc: sort.descending,
                ..plain(column)
            });
        }
        // A scan goes backwards as well as forwards.
        if order.iter().all(|key| key.desc) {
            for key in &mut order {
                key.desc = false;
            }
        }
        order
    };
    let columns = |keys: &[Option<Key>]| -> Vec<CandidateKey> {
        keys.iter()
            .map_while(|key| {
                let key = key.as_ref().filter(|key| key.relation() == relation)?;
                key.column().map(plain)
            })
            .collect()
    };
    let by_order = sorted(&level.order_by);
    if !by_order.is_empty() {
        return by_order;
    }
    if !level.group_by.is_empty() && !level.grouping_sets {
        return columns(&level.group_by);
    }
    let extremes = level.extremes.iter().filter_map(|extreme| {
        let (Extreme::Min(key) | Extreme::Max(key)) = extreme;
        key.column().filter(|_| key.relation() == relation)
    });
    extremes.take(1).map(plain).collect()
}

struct List<'a> {
    table: TableRef<'a>,
    found: BTreeSet<Candidate>,
}

impl List<'_> {
    /// Adds the index with these equality columns first and `rest` after them, cut to [`MAX_WIDTH`], each column once.
    fn add(&mut self, equal: &[String], rest: &[CandidateKey], bounded: bool) {
        let mut keys: Vec<CandidateKey> = equal.iter().map(|column| plain(column)).collect();
        keys.truncate(MAX_WIDTH);
        let count = keys.len();
        for key in rest {
            let room = keys.len() < MAX_WIDTH;
            if room && !keys.iter().any(|known| known.column == key.column) {
                keys.push(key.clone());
            }
        }
        if !keys.is_empty() {
            self.found.insert(Candidate {
                table: self.table.place,
                bounded: bounded && keys.len() > count,
                ordered: false,
                keys,
                equal: count,
            });
        }
    }

    /// Adds the index with these equality columns first and the order after them.
    fn add_order(&mut self, equal: &[String], wants: &Wants) {
        self.add(equal, &wants.order, false);
        let single = equal.iter().all(|column| !wants.listed.contains(column));
        let free = wants.order.iter().all(|key| !equal.contains(&key.column));
        let fits = equal.len() + wants.order.len() <= MAX_WIDTH;
        if single && free && fits && wants.whole_order && !wants.order.is_empty() {
            let mut keys: Vec<CandidateKey> = equal.iter().map(|column| plain(column)).collect();
            keys.extend_from_slice(&wants.order);
            self.found.insert(Candidate {
                table: self.table.place,
                keys,
                equal: equal.len(),
                bounded: false,
                ordered: true,
            });
        }
    }

    fn filters(&mut self, wants: &Wants, rows: f64) {
        let orders = self.equality_orders(wants, rows);
        for equal in &orders {
            self.add(equal, &[], false);
            for range in &wants.ranges {
                self.add(equal, std::slice::from_ref(range), true);
            }
            self.add_order(equal, wants);
        }
        for column in &wants.equal {
            self.add(std::slice::from_ref(column), &[], false);
        }
        // A list of values gives no order: what is sorted by must follow single values only.
        let single: Vec<String> = wants
            .equal
            .iter()
            .filter(|column| !wants.listed.contains(*column))
            .cloned()
            .collect();
        if single.len() < wants.equal.len() {
            self.add_order(&single, wants);
        }
        for range in &wants.ranges {
            self.add(&[], std::slice::from_ref(range), true);
        }
        self.add_order(&[], wants);
    }

    /// The equality columns in the order of their selectivity, and the other way round where that is a toss-up.
    fn equality_orders(&self, wants: &Wants, rows: f64) -> Vec<Vec<String>> {
        let mut orders = vec![wants.equal.clone()];
        if let [first, second, rest @ ..] = wants.equal.as_slice() {
            let distinct = |name: &str| {
                let column = self.table.table.column(name);
                column.map_or(1.0, |column| distinct_of(column, rows))
            };
            if distinct(first) <= distinct(second) * TOSS_UP {
                let mut swapped = vec![second.clone(), first.clone()];
                swapped.extend_from_slice(rest);
                orders.push(swapped);
            }
        }
        orders
    }

    fn joins(&mut self, wants: &Wants) {
        for join in &wants.joins {
            self.add(join, &[], false);
            for column in join {
                self.add(std::slice::from_ref(column), &[], false);
            }
            self.add(&chain(join, &wants.equal), &[], false);
            self.add(&chain(&wants.equal, join), &[], false);
            for range in &wants.ranges {
                self.add(join, std::slice::from_ref(range), true);
            }
        }
    }

    /// In an outer query's row's own part of the table, the order that is asked for.
    fn given(&mut self, wants: &Wants) {
        for columns in &wants.given {
            self.add_order(&chain(columns, &wants.equal), wants);
        }
    }

    fn arms(&mut self, wants: &Wants) {
        for key in &wants.arms {
            self.add(&[], std::slice::from_ref(key), true);
            self.add(&wants.equal, std::slice::from_ref(key), true);
        }
    }
}

/// The columns of both, each once.
fn chain(one: &[String], other: &[String]) -> Vec<String> {
    let mut all = one.to_vec();
    all.extend(other.iter().filter(|column| !one.contains(column)).cloned());
    all
}
