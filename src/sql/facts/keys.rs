//! Keys of `ORDER BY`, `GROUP BY` and `DISTINCT ON`: expressions, output names or ordinals.

use sqlparser::ast::{Expr, GroupByExpr, OrderByExpr, OrderBySort, Select, Value as SqlValue};

use super::SortKey;
use super::analyzer::Analyzer;
use super::predicate::Key;
use super::select::{Projected, Projection};
use super::side::Side;
use crate::sql::scope::folded;

/// A sort key with its direction.
pub fn sorted(key: Option<Key>, written: &OrderByExpr) -> SortKey {
    let descending = match &written.options.sort {
        None | Some(OrderBySort::Asc) => false,
        Some(OrderBySort::Desc) => true,
        Some(OrderBySort::Using(operator)) => operator.to_string().contains('>'),
    };
    SortKey {
        key,
        descending,
        nulls_first: written.options.nulls_first.unwrap_or(descending),
    }
}

fn ordinal(expr: &Expr) -> Option<usize> {
    match expr {
        Expr::Value(value) => match &value.value {
            SqlValue::Number(digits, _) => digits.parse().ok(),
            _ => None,
        },
        _ => None,
    }
}

fn by_ordinal<'p, 'e>(
    projection: &'p Projection<'e>,
    position: usize,
) -> Option<&'p Projected<'e>> {
    // An unexpanded `*` makes positions unknown.
    if !projection.open.is_empty() {
        return None;
    }
    projection.columns.get(position.checked_sub(1)?)
}

fn by_name<'p, 'e>(projection: &'p Projection<'e>, expr: &Expr) -> Option<&'p Projected<'e>> {
    let Expr::Identifier(ident) = expr else {
        return None;
    };
    let name = folded(ident);
    projection
        .columns
        .iter()
        .find(|projected| projected.column.name.as_deref() == Some(name.as_str()))
}

impl Analyzer<'_> {
    fn projected_key(&self, projected: &Projected<'_>) -> Option<Key> {
        match (projected.expr, projected.column.sources.as_slice()) {
            (Some(expr), _) => Side::new(self, expr).key(self),
            (None, [only]) if projected.column.pushable => Some(Key::Column(only.clone())),
            _ => None,
        }
    }

    /// The key of `ORDER BY` or `DISTINCT ON`: an ordinal, an output name, else an expression over the input.
    pub fn output_key(&self, expr: &Expr, projection: &Projection<'_>) -> Option<Key> {
        if let Some(position) = ordinal(expr) {
            return self.projected_key(by_ordinal(projection, position)?);
        }
        match by_name(projection, expr) {
            Some(projected) => self.projected_key(projected),
            None => Side::new(self, expr).key(self),
        }
    }

    pub fn sort_key(&mut self, written: &OrderByExpr, projection: &Projection<'_>) -> SortKey {
        if by_name(projection, &written.expr).is_none() {
            self.expr(&written.expr);
        }
        sorted(self.output_key(&written.expr, projection), written)
    }

    /// `GROUP BY`: input names win over output names, the other way round than in `ORDER BY`.
    fn group_key(&self, expr: &Expr, projection: &Projection<'_>) -> Option<Key> {
        if let Some(position) = ordinal(expr) {
            return self.projected_key(by_ordinal(projection, position)?);
        }
        if self.resolve(expr).is_none()
            && let Some(projected) = by_name(projection, expr)
        {
            return self.projected_key(projected);
        }
        Side::new(self, expr).key(self)
    }

    pub fn group_by(&mut self, select: &Select, projection: &Projection<'_>) {
        let GroupByExpr::Expressions(exprs, modifiers) = &select.group_by else {
            return;
        };
        if exprs.is_empty() && modifiers.is_empty() {
            return;
        }
        let mut sets = !modifiers.is_empty();
        let mut keys: Vec<Option<Key>> = Vec::new();
        for expr in exprs {
            let parts: Vec<&Expr> = match expr {
                Expr::GroupingSets(groups) | Expr::Cube(groups) | Expr::Rollup(groups) => {
                    sets = true;
                    groups.iter().flatten().collect()
                }
                Expr::Tuple(parts) => parts.iter().collect(),
                other => vec![other],
            };
            for part in parts {
                if by_name(projection, part).is_none() {
                    self.expr(part);
                }
                let key = self.group_key(part, projection);
                if key.is_none() || !keys.contains(&key) {
                    keys.push(key);
                }
            }
        }
        if let Some(level) = self.current() {
            level.aggregates = true;
            level.grouping_sets = sets;
            level.group_by = keys;
        }
    }
}
