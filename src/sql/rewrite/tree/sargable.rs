//! Conditions that wrap a column, so that an index of it cannot serve them, with the column bare.

use sqlparser::ast::{BinaryOperator, DateTimeField, Expr, Function};

use super::condition::each_rewritten;
use super::constant::{arguments, function_name};
use super::range::{Comparison, Operator, dated, truncated, year};
use super::shift::{Place, defaulted, moved};
use super::sources::{Column, Sources};
use super::{Assumption, Obstacle, Rewrite, Tables, Target, bare, expression, operand};
use crate::sql::parse::Statement;

/// The statement with the target's columns bare in its conditions: `date_trunc('day', at) = $1` as a range of `at`.
///
/// # Errors
///
/// The first [`Obstacle`] that was met where no condition could be changed.
pub fn sargable(
    statement: &Statement,
    tables: &dyn Tables,
    target: Target<'_>,
) -> Result<Rewrite, Obstacle> {
    each_rewritten(statement, tables, |test, around, assumes| {
        unwrapped(test, around.sources, target, assumes)
    })
}

/// The test with its column bare; `None` where it wraps none of the target's columns.
fn unwrapped<'e>(
    test: &'e Expr,
    sources: &'e Sources,
    target: Target<'_>,
    assumes: &mut Vec<Assumption>,
) -> Option<Result<Expr, Obstacle>> {
    let of = |expr: &'e Expr| Wrapped::of(expr, sources, target);
    let mut parts = Vec::new();
    match test {
        Expr::BinaryOp { left, op, right } => {
            let operator = operator(op);
            let (found, operator, side, value) = match (of(left), of(right)) {
                (Some(found), _) => (found, operator, left, right),
                (None, found) => (found?, operator.map(Operator::commuted), right, left),
            };
            let Some(operator) = operator else {
                return Some(Err(Obstacle::Comparison(test.to_string())));
            };
            parts.push((found, operator, side, value));
        }
        Expr::Between {
            expr,
            negated: false,
            low,
            high,
        } => {
            parts.push((of(expr)?, Operator::GreaterOrEqual, expr, low));
            parts.push((of(expr)?, Operator::LessOrEqual, expr, high));
        }
        Expr::Between { expr, .. } | Expr::InList { expr, .. } => {
            of(expr)?;
            return Some(Err(Obstacle::Comparison(test.to_string())));
        }
        _ => return None,
    }
    let texts: Result<Vec<String>, Obstacle> = parts
        .into_iter()
        .map(|(found, operator, side, value)| found.compared(operator, side, value, assumes))
        .collect();
    Some(texts.and_then(|texts| expression(&texts.join(" AND "))))
}

/// The comparison that an operator is.
pub fn operator(op: &BinaryOperator) -> Option<Operator> {
    match op {
        BinaryOperator::Eq => Some(Operator::Equal),
        BinaryOperator::Lt => Some(Operator::Less),
        BinaryOperator::LtEq => Some(Operator::LessOrEqual),
        BinaryOperator::Gt => Some(Operator::Greater),
        BinaryOperator::GtEq => Some(Operator::GreaterOrEqual),
        _ => None,
    }
}

/// What stands around a column.
struct Wrapped<'e> {
    column: Column<'e>,
    expr: &'e Expr,
    by: Wrapper<'e>,
}

enum Wrapper<'e> {
    Truncated { unit: &'e Expr },
    Date,
    Year,
    Default(&'e Expr),
    Moved(Place, &'e Expr),
    Other,
}

impl<'e> Wrapped<'e> {
    fn of(expr: &'e Expr, sources: &'e Sources, target: Target<'_>) -> Option<Self> {
        let column = |expr: &'e Expr| {
            let column = sources.column(expr)?;
            target
                .is(&column.table.name, &column.facts.name)
                .then_some(column)
        };
        let (inner, by) = match bare(expr) {
            Expr::Cast {
                expr, data_type, ..
            } if data_type.to_string().eq_ignore_ascii_case("date") => {
                (expr.as_ref(), Wrapper::Date)
            }
            Expr::Extract { field, expr, .. } => {
                let by = match field {
                    DateTimeField::Year | DateTimeField::Years => Wrapper::Year,
                    _ => Wrapper::Other,
                };
                (expr.as_ref(), by)
            }
            Expr::BinaryOp { left, op, right } => {
                let (inner, other, is_left) = if column(left).is_some() {
                    (left, right, true)
                } else {
                    (right, left, false)
                };
                let place = Place::of(op, is_left);
                let by = place.map_or(Wrapper::Other, |place| Wrapper::Moved(place, other));
                (inner.as_ref(), by)
            }
            Expr::Function(function) => call(function)?,
            _ => return None,
        };
        Some(Self {
            column: column(inner)?,
            expr: inner,
            by,
        })
    }

    fn compared(
        &self,
        operator: Operator,
        side: &Expr,
        value: &Expr,
        assumes: &mut Vec<Assumption>,
    ) -> Result<String, Obstacle> {
        let (column, wrapped) = (operand(self.expr), bare(side).to_string());
        let comparison = Comparison {
            column: &column,
            facts: self.column,
            operator,
            wrapped: &wrapped,
            value,
        };
        match &self.by {
            Wrapper::Truncated { unit } => truncated(&comparison, unit, assumes),
            Wrapper::Date => dated(&comparison, assumes),
            Wrapper::Year => year(&comparison, assumes),
            Wrapper::Default(default) => defaulted(&comparison, default),
            Wrapper::Moved(place, other) => moved(&comparison, *place, other),
            Wrapper::Other => Err(Obstacle::NoRange(wrapped)),
        }
    }
}

/// The column that a function wraps, or else its last argument.
fn call(function: &Function) -> Option<(&Expr, Wrapper<'_>)> {
    let name = function_name(function)?;
    match (name.as_str(), arguments(function)?.as_slice()) {
        ("date_trunc", [unit, column]) => Some((*column, Wrapper::Truncated { unit })),
        ("date_part", [field, column]) => {
            let year = field.to_string().eq_ignore_ascii_case("'year'");
            let by = if year { Wrapper::Year } else { Wrapper::Other };
            Some((*column, by))
        }
        ("date", [column]) => Some((*column, Wrapper::Date)),
        ("coalesce", [column, default]) => Some((*column, Wrapper::Default(default))),
        (_, [.., last]) => Some((*last, Wrapper::Other)),
        _ => None,
    }
}
