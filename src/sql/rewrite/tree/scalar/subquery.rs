//! What a correlated subquery reads, and how it comes to give one value.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use sqlparser::ast::{
    BinaryOperator, Expr, Function, LimitClause, Query, Select, SelectItem, SetExpr, Visitor,
};

use crate::sql::rewrite::tree::catalog::{base_type, is_integer};
use crate::sql::rewrite::tree::condition::{as_conjunct, conjuncts, on};
use crate::sql::rewrite::tree::constant::function_name;
use crate::sql::rewrite::tree::keyset::sort_keys;
use crate::sql::rewrite::tree::not_in::{groups_by, only_columns_of, qualified, windows};
use crate::sql::rewrite::tree::sources::{Column, Reader, Sources};
use crate::sql::rewrite::tree::volatile::{aggregates, is_aggregate, volatile};
use crate::sql::rewrite::tree::{Assumption, Obstacle, bare};
use crate::sql::walk::walk;

/// How the right side of a join has one row for each key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Single {
    /// `GROUP BY` the keys.
    Grouped,
    /// A unique key.
    Unique,
    /// `DISTINCT ON` the keys, the first in the subquery's order.
    First,
}

/// A correlated subquery, understood.
pub struct Subquery {
    /// Its `FROM`.
    pub from: String,
    /// The first table there.
    pub table: String,
    /// Conditions on its own rows.
    pub filter: Vec<String>,
    /// Column as written, its name, and the value outside.
    pub keys: Vec<(String, String, String)>,
    /// How there comes to be one row for each key.
    pub single: Single,
    /// Its order, where the first row counts.
    pub order: String,
    /// The item of the outer `FROM` that the keys belong to.
    pub item: usize,
    /// What must hold for one row to come.
    pub assumes: Vec<Assumption>,
}

/// An aggregate that is none of [`AGGREGATES`].
const ORDERED: &str = "an aggregate that may depend on the order of rows";

/// Aggregates that give NULL for no rows, or 0 for `count`, and the same for the same rows in any order.
const AGGREGATES: [&str; 8] = [
    "avg", "bool_and", "bool_or", "count", "every", "max", "min", "sum",
];

impl Subquery {
    /// Reads a query; `None` where it sees nothing of the rows outside.
    pub fn of(
        query: &Query,
        outer: &Sources,
        reader: &Reader<'_>,
    ) -> Result<Option<Self>, Obstacle> {
        let SetExpr::Select(select) = query.body.as_ref() else {
            return Err(Obstacle::Clause("a set operation in the subquery"));
        };
        let inner = Sources::of_select(select, reader);
        if only_inner(query, &inner) {
            return Ok(None);
        }
        plain(query, select)?;
        let Some(table) = inner.items.first().and_then(|source| source.table.as_ref()) else {
            return Err(Obstacle::Unresolved(query.to_string()));
        };
        if let Some(name) = volatile(query) {
            return Err(Obstacle::Volatile(name));
        }
        for tables in &select.from {
            for join in &tables.joins {
                let known = on(&join.join_operator).is_some_and(|on| only_columns_of(on, &inner));
                if !known {
                    return Err(Obstacle::Clause("a join without ON in the subquery"));
                }
            }
        }
        let (filter, keys, item) = correlation(select, &inner, outer)?;
        let from: Vec<String> = select.from.iter().map(ToString::to_string).collect();
        let mut found = Self {
            from: from.join(", "),
            table: table.name.name.clone(),
            filter,
            keys,
            single: Single::Grouped,
            order: String::new(),
            item,
            assumes: Vec::new(),
        };
        found.choose(query, select, &inner, outer)?;
        Ok(Some(found))
    }

    /// How there comes to be one row for each key.
    fn choose(
        &mut self,
        query: &Query,
        select: &Select,
        inner: &Sources,
        outer: &Sources,
    ) -> Result<(), Obstacle> {
        let [SelectItem::UnnamedExpr(value) | SelectItem::ExprWithAlias { expr: value, .. }] =
            select.projection.as_slice()
        else {
            return Err(Obstacle::Clause("several columns in the subquery"));
        };
        let bound = query.limit_clause.as_ref();
        if aggregates(&select.projection) {
            if bound.is_some() {
                return Err(Obstacle::Clause("LIMIT in the subquery"));
            }
            return aggregated(value, inner, outer);
        }
        if !only_columns_of(value, inner) {
            return Err(Obstacle::Unresolved(value.to_string()));
        }
        let columns: Vec<&str> = self
            .keys
            .iter()
            .map(|(_, column, _)| column.as_str())
            .collect();
        if let Some(limit) = bound {
            self.assumes.extend(limited(limit)?);
        }
        if is_unique(inner, &columns, &[]) {
            self.single = Single::Unique;
            return Ok(());
        }
        let ordered = bound.is_some().then(|| order(query, inner)).flatten();
        let (order, by) = ordered.ok_or_else(|| Obstacle::NotUnique(self.table.clone()))?;
        if !is_unique(inner, &columns, &by) {
            return Err(Obstacle::NotUnique(self.table.clone()));
        }
        self.single = Single::First;
        self.order = order;
        Ok(())
    }
}

/// Whether a query sees nothing of the rows outside.
fn only_inner(query: &Query, inner: &Sources) -> bool {
    struct Names<'s>(&'s Sources);
    impl Visitor for Names<'_> {
        type Break = ();
        fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
            let outside = match expr {
                Expr::Identifier(_) | Expr::CompoundIdentifier(_) => self.0.column(expr).is_none(),
                _ => false,
            };
            if outside {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        }
    }
    walk(query, &mut Names(inner)).is_continue()
}

fn plain(query: &Query, select: &Select) -> Result<(), Obstacle> {
    let clause = if query.with.is_some() {
        "WITH in the subquery"
    } else if query.fetch.is_some() {
        "FETCH in the subquery"
    } else if !query.locks.is_empty() {
        "a row lock in the subquery"
    } else if select.distinct.is_some() {
        "DISTINCT in the subquery"
    } else if select.having.is_some() || groups_by(select) {
        "GROUP BY in the subquery"
    } else if windows(select) {
        "a window function in the subquery"
    } else {
        return Ok(());
    };
    Err(Obstacle::Clause(clause))
}

/// Conditions on the subquery's own rows, equalities with the rows outside, and the item of the outer `FROM` that
/// these need.
#[expect(
    clippy::type_complexity,
    reason = "the three parts are taken apart at once by the only caller"
)]
fn correlation(
    select: &Select,
    inner: &Sources,
    outer: &Sources,
) -> Result<(Vec<String>, Vec<(String, String, String)>, usize), Obstacle> {
    let (mut filter, mut keys, mut items) = (Vec::new(), Vec::new(), BTreeSet::new());
    for test in select.selection.iter().flat_map(conjuncts) {
        if only_columns_of(test, inner) {
            filter.push(as_conjunct(test.clone()).to_string());
            continue;
        }
        let Expr::BinaryOp {
            left,
            op: BinaryOperator::Eq,
            right,
        } = test
        else {
            return Err(Obstacle::Clause(
                "a condition on the outer row that is no equality",
            ));
        };
        let (own, other) = if inner.column(left).is_some() {
            (left, right)
        } else {
            (right, left)
        };
        let own_column = inner.column(own);
        let column = own_column.ok_or_else(|| Obstacle::Unresolved(own.to_string()))?;
        let outside = outer_column(other, inner, outer);
        let outside = outside.ok_or_else(|| Obstacle::Unresolved(other.to_string()))?;
        let (one, two) = (
            base_type(&column.facts.type_name),
            base_type(&outside.facts.type_name),
        );
        if one != two && !(is_integer(&one) && is_integer(&two)) {
            return Err(Obstacle::Type {
                column: own.to_string(),
                type_name: one,
            });
        }
        items.extend(outer.items.get(outside.source).map(|source| source.item));
        keys.push((
            bare(own).to_string(),
            column.facts.name.clone(),
            qualified(other, outer)?.to_string(),
        ));
    }
    let mut items = items.into_iter();
    match (items.next(), items.next()) {
        (Some(item), None) => Ok((filter, keys, item)),
        (None, _) => Err(Obstacle::Clause("no equality with the outer row")),
        _ => Err(Obstacle::Clause("equalities with several outer tables")),
    }
}

/// The column outside that a name in the subquery means.
fn outer_column<'s>(expr: &Expr, inner: &Sources, outer: &'s Sources) -> Option<Column<'s>> {
    inner.lacks(expr).then(|| outer.column(expr)).flatten()
}

/// Checks that aggregates are of the subquery's rows, and what is around them of the row outside.
fn aggregated(value: &Expr, inner: &Sources, outer: &Sources) -> Result<(), Obstacle> {
    struct Parts<'s> {
        inner: &'s Sources,
        outer: &'s Sources,
        within: usize,
    }
    impl Parts<'_> {
        fn call(function: &Function) -> bool {
            let name = function_name(function).unwrap_or_default();
            AGGREGATES.contains(&name.as_str()) && function.within_group.is_empty()
        }
    }
    impl Visitor for Parts<'_> {
        type Break = Obstacle;
        fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<Obstacle> {
            match expr {
                Expr::Function(function) if is_aggregate(function) => {
                    if !Self::call(function) {
                        return ControlFlow::Break(Obstacle::Clause(ORDERED));
                    }
                    self.within += 1;
                }
                Expr::Identifier(_) | Expr::CompoundIdentifier(_) => {
                    let known = if self.within > 0 {
                        self.inner.column(expr).is_some()
                    } else {
                        matches!(expr, Expr::CompoundIdentifier(_))
                            && outer_column(expr, self.inner, self.outer).is_some()
                    };
                    if !known {
                        return ControlFlow::Break(Obstacle::Unresolved(expr.to_string()));
                    }
                }
                Expr::Subquery(_) | Expr::Exists { .. } | Expr::InSubquery { .. } => {
                    return ControlFlow::Break(Obstacle::Clause("a subquery in the subquery"));
                }
                _ => {}
            }
            ControlFlow::Continue(())
        }
        fn post_visit_expr(&mut self, expr: &Expr) -> ControlFlow<Obstacle> {
            if matches!(expr, Expr::Function(function) if is_aggregate(function)) {
                self.within -= 1;
            }
            ControlFlow::Continue(())
        }
    }
    let mut parts = Parts {
        inner,
        outer,
        within: 0,
    };
    match walk(value, &mut parts) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(obstacle) => Err(obstacle),
    }
}

/// Whether columns tell any two rows of the only table apart, those of `sorted` as far as they cannot be NULL.
fn is_unique(inner: &Sources, equal: &[&str], sorted: &[&str]) -> bool {
    let [only] = inner.items.as_slice() else {
        return false;
    };
    only.table.as_ref().is_some_and(|table| {
        let told = |name: &String| {
            let not_null = table.column(name).is_some_and(|column| column.not_null);
            equal.contains(&name.as_str()) || not_null && sorted.contains(&name.as_str())
        };
        table.unique.iter().any(|key| key.iter().all(told))
    })
}

/// What must hold for `LIMIT` to leave one row.
fn limited(limit: &LimitClause) -> Result<Option<Assumption>, Obstacle> {
    match limit {
        LimitClause::LimitOffset {
            limit: Some(limit),
            offset: None,
            limit_by,
        } if limit_by.is_empty() => {
            let text = limit.to_string();
            Ok((text != "1").then_some(Assumption::One(text)))
        }
        _ => Err(Obstacle::Clause("OFFSET in the subquery")),
    }
}

/// The order of a subquery as written and its columns; `None` where it is not by columns that are not NULL.
fn order<'s>(query: &Query, inner: &'s Sources) -> Option<(String, Vec<&'s str>)> {
    let keys = sort_keys(query)?;
    let columns: Option<Vec<&str>> = keys
        .iter()
        .map(|key| {
            inner
                .column(&key.expr)
                .map(|column| column.facts.name.as_str())
        })
        .collect();
    let texts: Vec<String> = keys.iter().map(ToString::to_string).collect();
    Some((texts.join(", "), columns?)).filter(|(_, columns)| !columns.is_empty())
}
