//! `OFFSET` as a condition on the sort keys of the page before.
//!
//! The rows after a page are those whose keys come after the keys of its last row. That finds each row once where the
//! keys tell any two rows apart: a unique key is added to an order that does not. A key that may be NULL compares with
//! nothing, so that there is no such condition.

use sqlparser::ast::{
    BinaryOperator, Expr, JoinOperator, LimitClause, OrderBy, OrderByExpr, OrderByKind,
    OrderByOptions, OrderBySort, Query, Select, SelectItem, SelectItemQualifiedWildcardKind,
    SetExpr, Statement as Tree,
};

use super::condition::{all_of, as_conjunct, conjuncts, on};
use super::not_in::{groups, windows};
use super::sources::{Reader, Sources};
use super::{Obstacle, Rewrite, Tables, bare, expression, of_copy, written};
use crate::ids::quote_ident;
use crate::sql::parse::Statement;
use crate::sql::rewrite::Stream;
use crate::sql::rewrite::renumber::renumber;
use crate::sql::scope::folded;

/// The statement that reads the page after a given row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keyset {
    /// The statement.
    pub rewrite: Rewrite,
    /// The sort keys as written, each with the parameter that takes its value of the last row of the page before.
    pub keys: Vec<(String, u32)>,
    /// Keys that the statement did not return and now does, because the application needs them.
    pub added: Vec<String>,
}

/// The statement without `OFFSET`, for the rows after the last one of the page before.
///
/// # Errors
///
/// The first [`Obstacle`] that was met.
pub fn keyset(statement: &Statement, tables: &dyn Tables) -> Result<Keyset, Obstacle> {
    of_copy(statement, |tree| rewritten(statement, tree, tables))
}

/// The keys of `ORDER BY`; `None` for `ORDER BY ALL`.
pub fn sort_keys(query: &Query) -> Option<&[OrderByExpr]> {
    match query.order_by.as_ref().map(|order| &order.kind) {
        None => Some(&[]),
        Some(OrderByKind::Expressions(keys)) => Some(keys),
        Some(OrderByKind::All(_)) => None,
    }
}

/// A key of the order.
struct Key {
    /// The column's name.
    name: String,
    /// The column as it is written in conditions.
    column: String,
    /// Its place in `FROM`.
    source: usize,
    type_name: String,
    descending: bool,
}

fn rewritten(
    statement: &Statement,
    mut tree: Tree,
    tables: &dyn Tables,
) -> Result<Keyset, Obstacle> {
    let reader = Reader::new(tables, &tree);
    let Tree::Query(query) = &mut tree else {
        return Err(Obstacle::Absent);
    };
    let Some(LimitClause::LimitOffset { offset, .. }) = &mut query.limit_clause else {
        return Err(Obstacle::Absent);
    };
    offset.take().ok_or(Obstacle::Absent)?;
    let order = sort_keys(query)
        .ok_or(Obstacle::Clause("ORDER BY ALL"))?
        .to_vec();
    let SetExpr::Select(select) = query.body.as_mut() else {
        return Err(Obstacle::Clause("a set operation"));
    };
    if select.distinct.is_some() {
        return Err(Obstacle::Clause("DISTINCT"));
    }
    if groups(select) {
        return Err(Obstacle::Clause("an aggregate"));
    }
    if windows(select) {
        return Err(Obstacle::Clause("a window function"));
    }
    let sources = Sources::of_select(select, &reader);
    let mut keys: Vec<Key> = order
        .iter()
        .map(|key| sort_key(key, &select.projection, &sources))
        .collect::<Result<_, _>>()?;
    if !joins_single_rows(select, &sources) {
        return Err(Obstacle::Clause(SEVERAL));
    }
    let tie_breakers = tie_breakers(&keys, &sources)?;
    let added_order = tie_breakers.iter().map(Key::sorted);
    let order: Result<Vec<OrderByExpr>, Obstacle> =
        order.into_iter().map(Ok).chain(added_order).collect();
    keys.extend(tie_breakers);
    let added = return_keys(&mut select.projection, &keys, &sources)?;
    let first = next_parameter(statement.text());
    let own = select.selection.take().map(as_conjunct);
    let after = after(&keys, first);
    let after = expression(&after).map(as_conjunct)?;
    select.selection = all_of(own.into_iter().chain([after]));
    query.order_by = Some(OrderBy {
        kind: OrderByKind::Expressions(order?),
        interpolate: None,
    });
    let rewrite = written(&tree, Vec::new());
    let (text, old) = renumber(&rewrite.text);
    let number = |parameter: u32| {
        let place = old.iter().position(|known| *known == parameter)?;
        u32::try_from(place + 1).ok()
    };
    let keys = (first..).zip(keys);
    let keys = keys.filter_map(|(parameter, key)| Some((key.column, number(parameter)?)));
    Ok(Keyset {
        rewrite: Rewrite { text, ..rewrite },
        keys: keys.collect(),
        added,
    })
}

/// The column that a key of `ORDER BY` is: by name, by its output name, or by its position.
fn sort_key(
    key: &OrderByExpr,
    projection: &[SelectItem],
    sources: &Sources,
) -> Result<Key, Obstacle> {
    let expr = output(&key.expr, projection).unwrap_or(&key.expr);
    let column = sources.column(expr);
    let column = column.ok_or_else(|| Obstacle::Unresolved(expr.to_string()))?;
    if !column.not_null {
        return Err(Obstacle::Nullable(expr.to_string()));
    }
    let descending = match &key.options.sort {
        None | Some(OrderBySort::Asc) => false,
        Some(OrderBySort::Desc) => true,
        Some(OrderBySort::Using(_)) => return Err(Obstacle::Clause("ORDER BY USING")),
    };
    Ok(Key {
        name: column.facts.name.clone(),
        column: bare(expr).to_string(),
        source: column.source,
        type_name: column.facts.type_name.clone(),
        descending,
    })
}

/// The output column that a name or number in `ORDER BY` means.
fn output<'e>(expr: &Expr, projection: &'e [SelectItem]) -> Option<&'e Expr> {
    let given = |item: &'e SelectItem| match item {
        SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => Some(expr),
        _ => None,
    };
    match bare(expr) {
        Expr::Identifier(name) => projection.iter().find_map(|item| match item {
            SelectItem::ExprWithAlias { expr, alias } if folded(alias) == folded(name) => {
                Some(expr)
            }
            _ => None,
        }),
        Expr::Value(_) => {
            let position: usize = expr.to_string().parse().ok()?;
            given(projection.get(position.checked_sub(1)?)?)
        }
        _ => None,
    }
}

/// Columns that make an order tell any two rows apart: none where it does.
fn tie_breakers(keys: &[Key], sources: &Sources) -> Result<Vec<Key>, Obstacle> {
    let only = sources.items.first().ok_or(Obstacle::Clause(SEVERAL))?;
    if keys.iter().any(|key| key.source != 0) {
        return Err(Obstacle::Clause("an order by several tables"));
    }
    let unknown = || Obstacle::Unresolved(only.written.clone());
    let table = only.table.as_ref().ok_or_else(unknown)?;
    let sorted = |name: &String| keys.iter().any(|key| key.name == *name);
    let not_null = |name: &String| table.column(name).is_some_and(|column| column.not_null);
    let missing = |key: &&Vec<String>| key.iter().filter(|name| !sorted(name)).count();
    let usable = table.unique.iter().filter(|key| key.iter().all(not_null));
    let unique = usable
        .min_by_key(missing)
        .ok_or_else(|| Obstacle::NotUnique(only.written.clone()))?;
    let descending = keys.last().is_some_and(|key| key.descending);
    let missing = unique.iter().filter(|name| !sorted(name));
    Ok(missing
        .map(|name| Key {
            name: name.clone(),
            column: format!("{}.{}", only.written, quote_ident(name)),
            source: 0,
            type_name: table
                .column(name)
                .map(|column| column.type_name.clone())
                .unwrap_or_default(),
            descending,
        })
        .collect())
}

/// Joins that may give a row of the first table several times.
const SEVERAL: &str = "a join that may return a row several times";

/// Whether each join adds one row at most to those of the first table: its condition equates a unique key of the
/// joined table.
fn joins_single_rows(select: &Select, sources: &Sources) -> bool {
    let [tables] = select.from.as_slice() else {
        return false;
    };
    if sources.items.len() != tables.joins.len() + 1 {
        return false;
    }
    tables.joins.iter().zip(1..).all(|(join, place)| {
        let keeps = matches!(
            join.join_operator,
            JoinOperator::Join(_)
                | JoinOperator::Inner(_)
                | JoinOperator::Left(_)
                | JoinOperator::LeftOuter(_)
        );
        let condition = on(&join.join_operator).filter(|_| keeps);
        condition.is_some_and(|on| equates_unique_key(on, place, sources))
    })
}

fn equates_unique_key(on: &Expr, joined: usize, sources: &Sources) -> bool {
    let equated: Vec<&str> = conjuncts(on)
        .into_iter()
        .filter_map(|test| {
            let Expr::BinaryOp {
                left,
                op: BinaryOperator::Eq,
                right,
            } = test
            else {
                return None;
            };
            let (one, other) = (sources.column(left)?, sources.column(right)?);
            match (one.source, other.source) {
                (own, earlier) if own == joined && earlier < joined => Some(one),
                (earlier, own) if own == joined && earlier < joined => Some(other),
                _ => None,
            }
        })
        .map(|column| column.facts.name.as_str())
        .collect();
    let table = sources
        .items
        .get(joined)
        .and_then(|source| source.table.as_ref());
    table.is_some_and(|table| {
        let told = |name: &String| equated.contains(&name.as_str());
        table.unique.iter().any(|key| key.iter().all(told))
    })
}

impl Key {
    fn sorted(&self) -> Result<OrderByExpr, Obstacle> {
        Ok(OrderByExpr {
            expr: expression(&self.column)?,
            options: OrderByOptions {
                sort: self.descending.then_some(OrderBySort::Desc),
                nulls_first: None,
            },
            with_fill: None,
        })
    }

    fn operator(&self) -> &'static str {
        if self.descending { "<" } else { ">" }
    }
}

/// Adds keys that the statement does not return to its select list.
fn return_keys(
    projection: &mut Vec<SelectItem>,
    keys: &[Key],
    sources: &Sources,
) -> Result<Vec<String>, Obstacle> {
    let first = sources.items.first().map(|source| source.written.as_str());
    let all = projection.iter().any(|item| match item {
        SelectItem::Wildcard(_) => true,
        SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), _) => {
            Some(name.to_string().as_str()) == first
        }
        _ => false,
    });
    let returned: Vec<(usize, String)> = projection
        .iter()
        .filter_map(|item| match item {
            SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => {
                let column = sources.column(expr)?;
                Some((column.source, column.facts.name.clone()))
            }
            _ => None,
        })
        .collect();
    let mut added = Vec::new();
    for key in keys {
        if all || returned.contains(&(key.source, key.name.clone())) {
            continue;
        }
        projection.push(SelectItem::UnnamedExpr(expression(&key.column)?));
        added.push(key.column.clone());
    }
    Ok(added)
}

/// The first parameter number that a text does not use.
fn next_parameter(text: &str) -> u32 {
    let stream = Stream::new(text);
    let used = (0..stream.len()).filter_map(|index| stream.parameter(index));
    used.max().unwrap_or_default() + 1
}

/// The condition that a row comes after the one whose keys are the parameters from `first` on.
fn after(keys: &[Key], first: u32) -> String {
    let values: Vec<String> = (first..)
        .zip(keys)
        .map(|(number, key)| format!("${number}::{}", key.type_name))
        .collect();
    let columns: Vec<&str> = keys.iter().map(|key| key.column.as_str()).collect();
    let mut directions = keys.windows(2);
    let same =
        directions.all(|pair| matches!(pair, [one, other] if one.descending == other.descending));
    match (keys, values.as_slice()) {
        ([key], [value]) => format!("{} {} {value}", key.column, key.operator()),
        ([key, ..], _) if same => format!(
            "({}) {} ({})",
            columns.join(", "),
            key.operator(),
            values.join(", ")
        ),
        _ => {
            // Key by key; the first bound once more on its own, because an index can start there.
            let arms: Vec<String> = (0..keys.len())
                .map(|place| arm(keys, &values, place))
                .collect();
            let bound = keys
                .first()
                .zip(values.first())
                .map_or_else(String::new, |(key, value)| {
                    format!("{} {}= {value} AND ", key.column, key.operator())
                });
            format!("{bound}({})", arms.join(" OR "))
        }
    }
}

/// Equal in the keys before `place`, and after in that one.
fn arm(keys: &[Key], values: &[String], place: usize) -> String {
    let tests: Vec<String> = keys
        .iter()
        .zip(values)
        .take(place + 1)
        .enumerate()
        .map(|(index, (key, value))| {
            let operator = if index == place { key.operator() } else { "=" };
            format!("{} {operator} {value}", key.column)
        })
        .collect();
    match tests.as_slice() {
        [only] => only.clone(),
        several => format!("({})", several.join(" AND ")),
    }
}
