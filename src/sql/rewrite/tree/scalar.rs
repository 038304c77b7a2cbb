//! A subquery that runs for each row and gives one value, as a join to a subquery that runs once.
//!
//! The join's right side has one row for each key at most: it is grouped by the key, or a unique index makes sure of
//! it. So a `LEFT JOIN` neither loses rows nor repeats them, and NULL stands where the subquery found nothing; except
//! that `count` then gives 0.

mod subquery;

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use sqlparser::ast::{
    Expr, Ident, Join, JoinConstraint, JoinOperator, Query, Select, SelectItem,
    SelectItemQualifiedWildcardKind, SetExpr, Statement as Tree, VisitorMut,
};

use self::subquery::{Single, Subquery};
use super::condition::on;
use super::constant::function_name;
use super::not_in::groups;
use super::sources::{Reader, Sources};
use super::volatile::is_aggregate;
use super::{Assumption, Obstacle, Rewrite, Tables, bare, expression, of_copy, words, written};
use crate::sql::parse::Statement;
use crate::sql::walk::walk_mut;

/// The statement with a join in the place of each correlated subquery of its select list.
///
/// # Errors
///
/// The first [`Obstacle`] that was met where nothing could be changed.
pub fn joined(statement: &Statement, tables: &dyn Tables) -> Result<Rewrite, Obstacle> {
    of_copy(statement, |tree| rewritten(tree, tables))
}

fn rewritten(mut tree: Tree, tables: &dyn Tables) -> Result<Rewrite, Obstacle> {
    let reader = Reader::new(tables, &tree);
    let names = Names(words(&tree.to_string()).into_iter().collect());
    let Tree::Query(query) = &mut tree else {
        return Err(Obstacle::Absent);
    };
    let locks = !query.locks.is_empty();
    let SetExpr::Select(select) = query.body.as_mut() else {
        return Err(Obstacle::Absent);
    };
    let sources = Sources::of_select(select, &reader);
    let mut plan = Joins {
        outer: &sources,
        reader: &reader,
        names,
        sides: Vec::new(),
        assumes: Vec::new(),
        obstacle: None,
    };
    let mut projection = select.projection.clone();
    for item in &mut projection {
        plan.item(item);
    }
    if plan.sides.is_empty() {
        return Err(plan.obstacle.unwrap_or(Obstacle::Absent));
    }
    // Locks cannot be taken on the side of an outer join that may be missing.
    if locks {
        return Err(Obstacle::Clause("a row lock"));
    }
    if groups(select) {
        return Err(Obstacle::Clause("an aggregate"));
    }
    let (sides, assumes) = (plan.sides, plan.assumes);
    select.projection = expanded(projection, select, &sources)?;
    for side in &sides {
        let tables = select.from.get_mut(side.item).ok_or(Obstacle::Absent)?;
        tables.joins.push(side.join()?);
    }
    Ok(written(&tree, assumes))
}

/// The select list with `*` written as the relations that it meant before there were joins.
fn expanded(
    projection: Vec<SelectItem>,
    select: &Select,
    sources: &Sources,
) -> Result<Vec<SelectItem>, Obstacle> {
    let mut items = Vec::new();
    for item in projection {
        let SelectItem::Wildcard(options) = item else {
            items.push(item);
            continue;
        };
        let mut joins = select.from.iter().flat_map(|tables| &tables.joins);
        let merges = joins.any(|join| {
            on(&join.join_operator).is_none()
                && !matches!(
                    join.join_operator,
                    JoinOperator::CrossJoin(JoinConstraint::None)
                )
        });
        if merges || sources.items.iter().any(|source| source.name.is_none()) {
            return Err(Obstacle::Clause("* over merged columns"));
        }
        items.extend(sources.items.iter().map(|source| {
            let name = Ident::new(source.written.clone()).into();
            let kind = SelectItemQualifiedWildcardKind::ObjectName(name);
            SelectItem::QualifiedWildcard(kind, options.clone())
        }));
    }
    Ok(items)
}

/// Names that are in use.
struct Names(BTreeSet<String>);

impl Names {
    /// `wanted`, or with a number where that is taken.
    fn fresh(&mut self, wanted: &str) -> String {
        let plain: String = wanted
            .chars()
            .map(|c| {
                if c.is_ascii_alphanumeric() {
                    c.to_ascii_lowercase()
                } else {
                    '_'
                }
            })
            .collect();
        let numbered = (2..).map(|number| format!("{plain}_{number}"));
        let mut wishes = std::iter::once(plain.clone()).chain(numbered);
        let name = wishes.find(|name| !self.0.contains(name)).unwrap_or(plain);
        self.0.insert(name.clone());
        name
    }
}

/// The right side of a join.
struct Side {
    /// The subquery without its select list: two with the same are one.
    from: String,
    filter: Vec<String>,
    keys: Vec<Key>,
    single: Single,
    order: String,
    alias: String,
    /// Text and name of each value.
    values: Vec<(String, String)>,
    /// The item of the outer `FROM` that it is joined to.
    item: usize,
}

/// An equality between a column of the subquery and one outside.
struct Key {
    inner: String,
    name: String,
    outer: String,
}

impl Side {
    fn join(&self) -> Result<Join, Obstacle> {
        let keys: Vec<&str> = self.keys.iter().map(|key| key.inner.as_str()).collect();
        let keys = keys.join(", ");
        let columns: Vec<String> = self
            .keys
            .iter()
            .map(|key| format!("{} AS {}", key.inner, key.name))
            .chain(
                self.values
                    .iter()
                    .map(|(text, name)| format!("{text} AS {name}")),
            )
            .collect();
        let filter = match self.filter.as_slice() {
            [] => String::new(),
            tests => format!(" WHERE {}", tests.join(" AND ")),
        };
        let (distinct, end) = match self.single {
            Single::Grouped => (String::new(), format!(" GROUP BY {keys}")),
            Single::Unique => (String::new(), String::new()),
            Single::First => (
                format!("DISTINCT ON ({keys}) "),
                format!(" ORDER BY {keys}, {}", self.order),
            ),
        };
        let tests: Vec<String> = self
            .keys
            .iter()
            .map(|key| format!("{}.{} = {}", self.alias, key.name, key.outer))
            .collect();
        let text = format!(
            "SELECT 1 FROM x LEFT JOIN (SELECT {distinct}{} FROM {}{filter}{end}) AS {} ON {}",
            columns.join(", "),
            self.from,
            self.alias,
            tests.join(" AND "),
        );
        let parsed = crate::sql::parse::parse(&text).map_err(|_| Obstacle::Grammar)?;
        let Some(Tree::Query(query)) = parsed.tree() else {
            return Err(Obstacle::Grammar);
        };
        let SetExpr::Select(select) = query.body.as_ref() else {
            return Err(Obstacle::Grammar);
        };
        let mut joins = select.from.iter().flat_map(|tables| &tables.joins);
        joins.next().cloned().ok_or(Obstacle::Grammar)
    }

    fn is_like(&self, other: &Self) -> bool {
        let keys = |side: &Self| -> Vec<(String, String)> {
            let keys = side.keys.iter();
            keys.map(|key| (key.inner.clone(), key.outer.clone()))
                .collect()
        };
        self.from == other.from
            && self.filter == other.filter
            && keys(self) == keys(other)
            && self.single == other.single
            && self.order == other.order
    }
}

/// The joins that take the place of subqueries.
struct Joins<'o> {
    outer: &'o Sources,
    reader: &'o Reader<'o>,
    names: Names,
    sides: Vec<Side>,
    assumes: Vec<Assumption>,
    obstacle: Option<Obstacle>,
}

impl Joins<'_> {
    fn item(&mut self, item: &mut SelectItem) {
        let (SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. }) = item else {
            return;
        };
        let name = match &*expr {
            Expr::Subquery(query) => Some(output_name(query)),
            _ => None,
        };
        let _: ControlFlow<()> = walk_mut(
            expr,
            &mut Replace {
                joins: self,
                nested: 0,
            },
        );
        if let (SelectItem::UnnamedExpr(expr), Some(alias)) = (&*item, name)
            && !matches!(expr, Expr::Subquery(_))
        {
            *item = SelectItem::ExprWithAlias {
                expr: expr.clone(),
                alias,
            };
        }
    }

    /// The expression that takes the place of a subquery; `None` where it is not correlated.
    fn replace(&mut self, query: &Query) -> Result<Option<Expr>, Obstacle> {
        let found = Subquery::of(query, self.outer, self.reader)?;
        let Some(found) = found else { return Ok(None) };
        let SetExpr::Select(select) = query.body.as_ref() else {
            return Ok(None);
        };
        self.assumes.extend(found.assumes);
        let mut side = Side {
            from: found.from,
            filter: found.filter,
            keys: found
                .keys
                .into_iter()
                .map(|(inner, column, outer)| Key {
                    inner,
                    name: self.names.fresh(&format!("{column}_key")),
                    outer,
                })
                .collect(),
            single: found.single,
            order: found.order,
            alias: String::new(),
            values: Vec::new(),
            item: found.item,
        };
        let place = self.sides.iter().position(|other| other.is_like(&side));
        let place = place.unwrap_or_else(|| {
            let key = side.keys.first().map_or("", |key| key.inner.as_str());
            let key = key.rsplit('.').next().unwrap_or_default();
            side.alias = self.names.fresh(&format!("{}_by_{key}", found.table));
            self.sides.push(side);
            self.sides.len() - 1
        });
        let Some(side) = self.sides.get_mut(place) else {
            return Ok(None);
        };
        let [SelectItem::UnnamedExpr(value) | SelectItem::ExprWithAlias { expr: value, .. }] =
            select.projection.as_slice()
        else {
            return Ok(None);
        };
        let mut value = value.clone();
        let mut columns = Columns {
            side,
            names: &mut self.names,
        };
        if found.single == Single::Grouped {
            let _: ControlFlow<()> = walk_mut(&mut value, &mut columns);
        } else {
            value = expression(&columns.column(&value.to_string(), "value"))?;
        }
        Ok(Some(match value {
            Expr::BinaryOp { .. } => Expr::Nested(Box::new(value)),
            other => other,
        }))
    }
}

/// The name that the server gives to the column of a subquery without an alias (`FigureColname()` in `parse_target.c`).
fn output_name(query: &Query) -> Ident {
    let SetExpr::Select(select) = query.body.as_ref() else {
        return Ident::with_quote('"', "?column?");
    };
    let expr = match select.projection.first() {
        Some(SelectItem::ExprWithAlias { alias, .. }) => return alias.clone(),
        Some(SelectItem::UnnamedExpr(expr)) => bare(expr),
        _ => return Ident::with_quote('"', "?column?"),
    };
    match expr {
        Expr::Identifier(ident) => ident.clone(),
        Expr::CompoundIdentifier(parts) => parts
            .last()
            .cloned()
            .unwrap_or_else(|| Ident::with_quote('"', "?column?")),
        Expr::Function(function) => Ident::new(function_name(function).unwrap_or_default()),
        _ => Ident::with_quote('"', "?column?"),
    }
}

struct Replace<'j, 'o> {
    joins: &'j mut Joins<'o>,
    nested: usize,
}

impl VisitorMut for Replace<'_, '_> {
    type Break = ();

    fn pre_visit_query(&mut self, _: &mut Query) -> ControlFlow<()> {
        self.nested += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &mut Query) -> ControlFlow<()> {
        self.nested -= 1;
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        let Expr::Subquery(query) = expr else {
            return ControlFlow::Continue(());
        };
        if self.nested > 0 {
            return ControlFlow::Continue(());
        }
        match self.joins.replace(query) {
            Ok(Some(new)) => *expr = new,
            Ok(None) => {}
            Err(found) => {
                self.joins.obstacle.get_or_insert(found);
            }
        }
        ControlFlow::Continue(())
    }
}

/// Aggregates of a subquery's value as columns of a join.
struct Columns<'s> {
    side: &'s mut Side,
    names: &'s mut Names,
}

impl Columns<'_> {
    /// The join's column that has the value of `text`.
    fn column(&mut self, text: &str, name: &str) -> String {
        let known = self.side.values.iter().find(|(known, _)| known == text);
        let known = known.map(|(_, name)| name.clone());
        let name = known.unwrap_or_else(|| {
            let fresh = self.names.fresh(name);
            self.side.values.push((text.to_owned(), fresh.clone()));
            fresh
        });
        format!("{}.{name}", self.side.alias)
    }
}

impl VisitorMut for Columns<'_> {
    type Break = ();

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        let Expr::Function(function) = expr else {
            return ControlFlow::Continue(());
        };
        if !is_aggregate(function) {
            return ControlFlow::Continue(());
        }
        let name = function_name(function).unwrap_or_default();
        let text = function.to_string();
        let of: Vec<String> = words(&text)
            .into_iter()
            .filter(|word| word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'))
            .collect();
        let wanted = match of.last() {
            Some(last) if of.len() > 1 => format!("{name}_{last}"),
            _ => format!("{name}_all"),
        };
        let column = self.column(&text, &wanted);
        let text = if name == "count" {
            format!("coalesce({column}, 0)")
        } else {
            column
        };
        if let Ok(new) = expression(&text) {
            *expr = new;
        }
        ControlFlow::Continue(())
    }
}
