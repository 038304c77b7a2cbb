//! `NOT IN (SELECT …)` as `NOT EXISTS`, which can be an anti join.
//!
//! `a NOT IN (SELECT b …)` holds where the query has no row; or where `a` is not NULL, no `b` is NULL, and no `b`
//! equals `a`. Each of the three stands for itself in the rewrite, and what NOT NULL columns make sure of is left out.
//! Without outer references the second and third run once for the whole statement.

use std::ops::ControlFlow;

use sqlparser::ast::{
    BinaryOperator, Distinct, Expr, GroupByExpr, Ident, Query, Select, SelectItem, SetExpr,
    UnaryOperator, Visitor, VisitorMut,
};

use super::condition::each_rewritten;
use super::sources::{Reader, Sources};
use super::volatile::volatile;
use super::{Obstacle, Rewrite, Tables, bare, expression, operand};
use crate::sql::parse::Statement;
use crate::sql::scope::folded;
use crate::sql::walk::{walk, walk_mut};

/// The statement with `NOT EXISTS` in the place of `NOT IN (SELECT …)` and `<> ALL (SELECT …)`.
///
/// # Errors
///
/// The first [`Obstacle`] that was met where nothing could be changed.
pub fn not_exists(statement: &Statement, tables: &dyn Tables) -> Result<Rewrite, Obstacle> {
    each_rewritten(statement, tables, |test, around, _| {
        let (value, query) = excluded(test)?;
        Some(anti(value, query, around.sources, around.reader))
    })
}

/// The value and the query whose values it must not be among.
fn excluded(test: &Expr) -> Option<(&Expr, &Query)> {
    match bare(test) {
        Expr::InSubquery {
            expr,
            subquery,
            negated: true,
        } => Some((expr, subquery)),
        Expr::AllOp {
            left,
            compare_op: BinaryOperator::NotEq,
            right,
        } => match bare(right) {
            Expr::Subquery(query) => Some((left, query)),
            _ => None,
        },
        Expr::UnaryOp {
            op: UnaryOperator::Not,
            expr,
        } => match bare(expr) {
            Expr::InSubquery {
                expr,
                subquery,
                negated: false,
            } => Some((expr, subquery)),
            Expr::AnyOp {
                left,
                compare_op: BinaryOperator::Eq,
                right,
                ..
            } => match bare(right) {
                Expr::Subquery(query) => Some((left, query)),
                _ => None,
            },
            _ => None,
        },
        _ => None,
    }
}

/// The query of the excluded values.
struct Excluded<'q> {
    select: &'q Select,
    /// The value.
    item: &'q Expr,
    sources: Sources,
}

impl<'q> Excluded<'q> {
    fn of(query: &'q Query, reader: &Reader<'_>) -> Result<Self, Obstacle> {
        let select = plain_select(query)?;
        let [SelectItem::UnnamedExpr(item) | SelectItem::ExprWithAlias { expr: item, .. }] =
            select.projection.as_slice()
        else {
            return Err(Obstacle::Clause("several columns in the subquery"));
        };
        if !matches!(
            select.distinct,
            None | Some(Distinct::Distinct | Distinct::All)
        ) {
            return Err(Obstacle::Clause("DISTINCT ON in the subquery"));
        }
        Ok(Self {
            select,
            item,
            sources: Sources::of_select(select, reader),
        })
    }

    /// `NOT EXISTS (SELECT FROM … WHERE … AND test)`, the test on `item`.
    fn none(&self, test: Option<String>) -> Result<String, Obstacle> {
        let mut select = self.select.clone();
        select.projection = vec![SelectItem::UnnamedExpr(expression("1")?)];
        select.distinct = None;
        let test = test.map(|text| expression(&text)).transpose()?;
        let own = select.selection.take().map(super::condition::as_conjunct);
        select.selection = super::condition::all_of(own.into_iter().chain(test));
        Ok(format!("NOT EXISTS ({select})"))
    }
}

/// The `SELECT` of a query that has nothing around it.
pub fn plain_select(query: &Query) -> Result<&Select, Obstacle> {
    if query.with.is_some() {
        return Err(Obstacle::Clause("WITH in the subquery"));
    }
    if query.limit_clause.is_some() || query.fetch.is_some() {
        return Err(Obstacle::Clause("LIMIT in the subquery"));
    }
    if !query.locks.is_empty() {
        return Err(Obstacle::Clause("a row lock in the subquery"));
    }
    let SetExpr::Select(select) = query.body.as_ref() else {
        return Err(Obstacle::Clause("a set operation in the subquery"));
    };
    if groups(select) {
        return Err(Obstacle::Clause("an aggregate in the subquery"));
    }
    if windows(select) {
        return Err(Obstacle::Clause("a window function in the subquery"));
    }
    Ok(select)
}

/// Whether `GROUP BY` stands there.
pub fn groups_by(select: &Select) -> bool {
    !matches!(&select.group_by, GroupByExpr::Expressions(keys, _) if keys.is_empty())
}

/// Whether rows are grouped.
pub fn groups(select: &Select) -> bool {
    groups_by(select) || select.having.is_some() || super::volatile::aggregates(&select.projection)
}

/// Whether window functions are computed.
pub fn windows(select: &Select) -> bool {
    !select.named_window.is_empty() || super::volatile::has_windows(&select.projection)
}

/// What an excluded value is called where a table of the subquery is called as one outside.
const ALIAS: &str = "excluded";

/// `NOT EXISTS (SELECT FROM (…) AS excluded (value) WHERE test)`: for a test on a column that the subquery's own
/// tables would hide.
fn none_derived(query: &Query, test: &str) -> String {
    format!("NOT EXISTS (SELECT 1 FROM ({query}) AS {ALIAS} (value) WHERE {test})")
}

fn anti(
    value: &Expr,
    query: &Query,
    outer: &Sources,
    reader: &Reader<'_>,
) -> Result<Expr, Obstacle> {
    let excluded = Excluded::of(query, reader)?;
    for part in [volatile(value), volatile(query)] {
        part.map_or(Ok(()), |name| Err(Obstacle::Volatile(name)))?;
    }
    if matches!(bare(value), Expr::Tuple(_)) {
        return Err(Obstacle::Clause("several columns beside NOT IN"));
    }
    let own = excluded.sources.column(excluded.item);
    if own.is_none() && !only_columns_of(excluded.item, &excluded.sources) {
        return Err(Obstacle::Unresolved(excluded.item.to_string()));
    }
    let value_may_be_null = !outer.column(value).is_some_and(|column| column.not_null);
    let item_may_be_null = !own.is_some_and(|column| column.not_null);
    let item = qualified(excluded.item, &excluded.sources)?;
    let value = qualified(value, outer)?;
    let hides = hidden(&value, &excluded.sources);
    let (value, item) = (operand(&value), operand(&item));
    let equal = match hides {
        None => excluded.none(Some(format!("{item} = {value}")))?,
        Some(_) if outer.named(ALIAS) => return Err(Obstacle::Unresolved(value)),
        Some(_) => none_derived(query, &format!("{ALIAS}.value = {value}")),
    };
    let mut tests = vec![equal];
    if item_may_be_null {
        tests.push(excluded.none(Some(format!("{item} IS NULL")))?);
    }
    if value_may_be_null {
        let none = excluded.none(None)?;
        tests.push(format!("({value} IS NOT NULL OR {none})"));
    }
    expression(&tests.join(" AND "))
}

/// Whether all columns of an expression are surely of these relations.
pub fn only_columns_of(expr: &Expr, sources: &Sources) -> bool {
    struct Columns<'s>(&'s Sources);
    impl Visitor for Columns<'_> {
        type Break = ();
        fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
            let known = match expr {
                Expr::Identifier(_) | Expr::CompoundIdentifier(_) => self.0.column(expr).is_some(),
                Expr::Subquery(_) | Expr::Exists { .. } | Expr::InSubquery { .. } => false,
                _ => true,
            };
            if known {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        }
    }
    walk(expr, &mut Columns(sources)).is_continue()
}

/// `expr` with the relation before each column.
pub fn qualified(expr: &Expr, sources: &Sources) -> Result<Expr, Obstacle> {
    struct Qualify<'s>(&'s Sources);
    impl VisitorMut for Qualify<'_> {
        type Break = Obstacle;
        fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Obstacle> {
            let Expr::Identifier(ident) = &*expr else {
                return ControlFlow::Continue(());
            };
            let source = self.0.column(expr).map(|column| column.source);
            let Some(source) = source.and_then(|place| self.0.items.get(place)) else {
                return ControlFlow::Break(Obstacle::Unresolved(ident.to_string()));
            };
            let parts = vec![Ident::new(source.written.clone()), ident.clone()];
            *expr = Expr::CompoundIdentifier(parts);
            ControlFlow::Continue(())
        }
    }
    let mut copy = bare(expr).clone();
    match walk_mut(&mut copy, &mut Qualify(sources)) {
        ControlFlow::Continue(()) => Ok(copy),
        ControlFlow::Break(obstacle) => Err(obstacle),
    }
}

/// A column that would mean another relation below `inner`.
pub fn hidden(expr: &Expr, inner: &Sources) -> Option<String> {
    struct Hidden<'s>(&'s Sources);
    impl Visitor for Hidden<'_> {
        type Break = String;
        fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<String> {
            if let Expr::CompoundIdentifier(parts) = expr
                && let [.., qualifier, _] = parts.as_slice()
                && self.0.items.iter().any(|source| {
                    source.name.as_deref() == Some(&folded(qualifier)) || source.name.is_none()
                })
            {
                return ControlFlow::Break(expr.to_string());
            }
            ControlFlow::Continue(())
        }
    }
    walk(expr, &mut Hidden(inner)).break_value()
}
