//! A column plus a number, and a column with a default, as the column itself.

use sqlparser::ast::{BinaryOperator, Expr};

use super::Obstacle;
use super::catalog::is_integer;
use super::constant::{Constant, Type};
use super::range::Comparison;

/// Where the column stands in a sum or difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// `column + n`, `n + column`
    Plus,
    /// `column - n`
    Minus,
    /// `n - column`
    Subtracted,
}

impl Place {
    /// Of the column at the left or right of an operator.
    pub fn of(op: &BinaryOperator, column_is_left: bool) -> Option<Self> {
        match (op, column_is_left) {
            (BinaryOperator::Plus, _) => Some(Self::Plus),
            (BinaryOperator::Minus, true) => Some(Self::Minus),
            (BinaryOperator::Minus, false) => Some(Self::Subtracted),
            _ => None,
        }
    }
}

/// `column + other operator value`, of whole numbers: both sides lose `other`, in a type that holds the result.
pub fn moved(comparison: &Comparison<'_>, place: Place, other: &Expr) -> Result<String, Obstacle> {
    if !is_integer(&comparison.base_type()) {
        return Err(comparison.type_obstacle());
    }
    let (other, value) = (whole(other)?, whole(comparison.value)?);
    let column = comparison.column;
    let operator = comparison.operator;
    Ok(match place {
        Place::Plus => format!("{column} {} {value} - {other}", operator.as_str()),
        Place::Minus => format!("{column} {} {value} + {other}", operator.as_str()),
        Place::Subtracted => {
            format!(
                "{column} {} {other} - {value}",
                operator.commuted().as_str()
            )
        }
    })
}

/// A number whose sums with others do not leave its type.
fn whole(expr: &Expr) -> Result<String, Obstacle> {
    let value = Constant::of(expr)?;
    match &value.kind {
        Type::Number => Ok(value.text),
        Type::Open => Ok(value.typed("bigint")),
        Type::Known(of) if is_integer(of) => Ok(value.typed("bigint")),
        Type::Known(_) => Err(Obstacle::Value(value.text)),
    }
}

/// Types whose values compare the same whatever the collation.
const WITHOUT_COLLATION: [&str; 11] = [
    "bigint",
    "boolean",
    "date",
    "double precision",
    "integer",
    "numeric",
    "real",
    "smallint",
    "timestamp",
    "timestamptz",
    "uuid",
];

/// `coalesce(column, default) operator value`
pub fn defaulted(comparison: &Comparison<'_>, default: &Expr) -> Result<String, Obstacle> {
    let (default, value) = (Constant::of(default)?, Constant::of(comparison.value)?);
    let of = comparison.base_type();
    for one in [&default, &value] {
        let number = one.kind == Type::Number && (is_integer(&of) || of == "numeric");
        if !number && !one.fits(&[of.as_str()]) {
            return Err(Obstacle::Value(one.text.clone()));
        }
    }
    let (column, operator) = (comparison.column, comparison.operator.as_str());
    let itself = format!("{column} {operator} {}", value.text);
    if comparison.facts.not_null {
        return Ok(itself);
    }
    let instead = if WITHOUT_COLLATION.contains(&of.as_str()) {
        let typed = |one: &Constant| match one.kind {
            Type::Open => one.typed(&of),
            _ => one.text.clone(),
        };
        format!("{} {operator} {}", typed(&default), typed(&value))
    } else {
        format!("{} {operator} {}", comparison.wrapped, value.text)
    };
    Ok(format!("({itself} OR ({column} IS NULL AND {instead}))"))
}
