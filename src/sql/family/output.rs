//! Names of output columns: dropped where nothing can refer to them.

use std::ops::ControlFlow;

use crate::sql::walk::expressions;
use sqlparser::ast::{
    Distinct, Expr, GroupByExpr, OrderBy, OrderByKind, Query, Select, SelectItem, SetExpr, Value,
    Values,
};

/// An output column's name and what it stands for.
struct Output<'a> {
    name: &'a str,
    meaning: Meaning<'a>,
}

#[derive(Clone, Copy)]
enum Meaning<'a> {
    /// `expression AS name`
    Alias(&'a Expr),
    /// `relation.name`
    Column(&'a Expr),
    /// The n-th output of a set operation, from 1.
    Position(usize),
}

/// Drops the column aliases of a query that nothing outside refers to by name, after putting what they stand for in the
/// place of references to them in ORDER BY, GROUP BY and DISTINCT ON. The ORDER BY of a set operation, which can only
/// name outputs, names their positions.
///
/// For the whole statement and for subqueries in expressions; not for subqueries in FROM and WITH.
pub(super) fn drop_aliases(query: &mut Query) {
    unwrap(&mut query.body);
    let named = match query.body.as_ref() {
        SetExpr::SetOperation { left, .. } => Some(positions(left)),
        SetExpr::Select(select) => Some(outputs(&select.projection)),
        _ => None,
    };
    if let Some(OrderBy {
        kind: OrderByKind::Expressions(items),
        ..
    }) = &mut query.order_by
    {
        for item in items {
            substitute(&mut item.expr, named.as_deref().unwrap_or_default());
        }
    }
    drop_in_body(&mut query.body);
}

/// Takes parentheses off that hold a body and nothing more.
fn unwrap(body: &mut SetExpr) {
    if let SetExpr::SetOperation { left, right, .. } = body {
        unwrap_operand(left);
        unwrap_operand(right);
    }
}

/// Only around a plain SELECT: around set operations parentheses group.
fn unwrap_operand(operand: &mut SetExpr) {
    if let SetExpr::Query(query) = operand
        && is_bare(query)
        && matches!(query.body.as_ref(), SetExpr::Select(_) | SetExpr::Values(_))
    {
        let nothing = SetExpr::Values(Values {
            explicit_row: false,
            value_keyword: false,
            rows: Vec::new(),
        });
        *operand = std::mem::replace(query.body.as_mut(), nothing);
    }
    unwrap(operand);
}

fn is_bare(query: &Query) -> bool {
    query.with.is_none()
        && query.order_by.is_none()
        && query.limit_clause.is_none()
        && query.fetch.is_none()
        && query.locks.is_empty()
}

/// The outputs of a set operation, which are those of its first SELECT, by position.
fn positions(body: &SetExpr) -> Vec<Output<'_>> {
    let items = match body {
        SetExpr::Select(select) => &select.projection,
        SetExpr::Query(query) => return positions(&query.body),
        SetExpr::SetOperation { left, .. } => return positions(left),
        _ => return Vec::new(),
    };
    // How many columns a wildcard stands for is not known, so no position behind it is.
    let known = items.iter().take_while(|item| {
        matches!(
            item,
            SelectItem::ExprWithAlias { .. } | SelectItem::UnnamedExpr(_)
        )
    });
    known
        .enumerate()
        .filter_map(|(index, item)| {
            let name = match item {
                SelectItem::ExprWithAlias { alias, .. } => &alias.value,
                SelectItem::UnnamedExpr(Expr::Identifier(name)) => &name.value,
                SelectItem::UnnamedExpr(Expr::CompoundIdentifier(parts)) => &parts.last()?.value,
                _ => return None,
            };
            Some(Output {
                name,
                meaning: Meaning::Position(index + 1),
            })
        })
        .collect()
}

fn drop_in_body(body: &mut SetExpr) {
    match body {
        SetExpr::Select(select) => drop_in_select(select),
        SetExpr::Query(query) => drop_aliases(query),
        SetExpr::SetOperation { left, right, .. } => {
            drop_in_body(left);
            drop_in_body(right);
        }
        _ => {}
    }
}

fn drop_in_select(select: &mut Select) {
    let outputs = outputs(&select.projection);
    if let Some(Distinct::On(expressions)) = &mut select.distinct {
        for expression in expressions {
            substitute(expression, &outputs);
        }
    }
    if let GroupByExpr::Expressions(expressions, _) = &mut select.group_by {
        for expression in expressions {
            substitute_in_group_by(expression, &outputs);
        }
    }
    drop_in_items(&mut select.projection);
}

/// Drops the aliases of a select or RETURNING list.
pub(super) fn drop_in_items(items: &mut [SelectItem]) {
    for item in items {
        if let SelectItem::ExprWithAlias { expr, .. } = item {
            let expression = std::mem::replace(expr, Expr::value(Value::Null));
            *item = SelectItem::UnnamedExpr(expression);
        }
    }
}

fn outputs(items: &[SelectItem]) -> Vec<Output<'_>> {
    items.iter().filter_map(output).collect()
}

fn output(item: &SelectItem) -> Option<Output<'_>> {
    match item {
        SelectItem::ExprWithAlias { expr, alias } => Some(Output {
            name: &alias.value,
            meaning: Meaning::Alias(expr),
        }),
        SelectItem::UnnamedExpr(expression @ Expr::CompoundIdentifier(parts)) => Some(Output {
            name: &parts.last()?.value,
            meaning: Meaning::Column(expression),
        }),
        _ => None,
    }
}

/// A bare name in ORDER BY or DISTINCT ON is an output column if there is exactly one of that name.
fn substitute(expression: &mut Expr, outputs: &[Output<'_>]) {
    let Expr::Identifier(name) = expression else {
        return;
    };
    let mut named = outputs.iter().filter(|output| output.name == name.value);
    if let (Some(output), None) = (named.next(), named.next()) {
        *expression = match output.meaning {
            Meaning::Alias(meant) | Meaning::Column(meant) if is_small(meant) => meant.clone(),
            Meaning::Alias(_) | Meaning::Column(_) => return,
            Meaning::Position(position) => Expr::value(Value::Number(position.to_string(), false)),
        };
    }
}

/// In GROUP BY an input column of that name goes first, which an alias of an expression over that column shows there
/// is.
fn substitute_in_group_by(expression: &mut Expr, outputs: &[Output<'_>]) {
    let Expr::Identifier(name) = expression else {
        return;
    };
    let mut named = outputs.iter().filter_map(|output| match output.meaning {
        Meaning::Alias(meant) if output.name == name.value => Some(meant),
        _ => None,
    });
    if let (Some(meant), None) = (named.next(), named.next())
        && is_small(meant)
        && !mentions_column(meant, &name.value)
    {
        *expression = meant.clone();
    }
}

/// Whether `expression` may be copied: copying recurses without guarding the stack.
fn is_small(expression: &Expr) -> bool {
    let mut nodes = 0_usize;
    let walked = expressions(expression, |_| {
        nodes += 1;
        if nodes > SMALL {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    });
    walked.is_continue()
}

/// The most nodes of an expression that is copied.
const SMALL: usize = 64;

fn mentions_column(expression: &Expr, name: &str) -> bool {
    let mut found = false;
    let _: ControlFlow<()> = expressions(expression, |inner| {
        found |= match inner {
            Expr::Identifier(column) => column.value == name,
            Expr::CompoundIdentifier(parts) => parts.last().is_some_and(|last| last.value == name),
            _ => false,
        };
        ControlFlow::Continue(())
    });
    found
}
