//! A column that is cast because of what it is compared with, bare, and the cast on the other side.

use sqlparser::ast::Expr;

use super::catalog::{base_type, is_integer};
use super::condition::each_rewritten;
use super::constant::{Constant, Type};
use super::range::Operator;
use super::sargable::operator;
use super::sources::{Column, Sources};
use super::{Assumption, Obstacle, Rewrite, Tables, Target, bare, expression, operand};
use crate::sql::parse::Statement;

/// The statement with the target's columns compared in their own type.
///
/// # Errors
///
/// The first [`Obstacle`] that was met where no comparison could be changed.
pub fn uncast(
    statement: &Statement,
    tables: &dyn Tables,
    target: Target<'_>,
) -> Result<Rewrite, Obstacle> {
    each_rewritten(statement, tables, |test, around, assumes| {
        compared(test, around.sources, target, assumes)
    })
}

fn compared(
    test: &Expr,
    sources: &Sources,
    target: Target<'_>,
    assumes: &mut Vec<Assumption>,
) -> Option<Result<Expr, Obstacle>> {
    let Expr::BinaryOp { left, op, right } = test else {
        return None;
    };
    let (found, operator, value) = match (cast(left, sources, target), operator(op)) {
        (Some(found), operator) => (found, operator?, right),
        (None, operator) => (cast(right, sources, target)?, operator?.commuted(), left),
    };
    let (column, name, to) = found;
    // Between two columns neither type is wrong.
    let value = match Constant::of(value) {
        Ok(value) => value,
        Err(obstacle) => return Some(Err(obstacle)),
    };
    let test = Cast {
        column: &name,
        type_name: base_type(&column.facts.type_name),
        to,
        operator,
        value: &value,
    };
    let moved = test.moved(assumes)?;
    Some(moved.and_then(|text| expression(&text)))
}

/// A column of the target, as written, and the type it is cast to.
fn cast<'s>(
    expr: &Expr,
    sources: &'s Sources,
    target: Target<'_>,
) -> Option<(Column<'s>, String, Option<String>)> {
    let (inner, to) = match bare(expr) {
        Expr::Cast {
            expr, data_type, ..
        } => (expr.as_ref(), Some(base_type(&data_type.to_string()))),
        other => (other, None),
    };
    let column = sources.column(inner)?;
    target
        .is(&column.table.name, &column.facts.name)
        .then(|| (column, operand(inner), to))
}

/// A comparison of a column with a value of another type.
struct Cast<'c> {
    column: &'c str,
    type_name: String,
    /// The type of an explicit cast of the column.
    to: Option<String>,
    operator: Operator,
    value: &'c Constant,
}

/// Types that hold every integer and compare with fractions.
const EXACT: [&str; 1] = ["numeric"];

/// Types that hold every `integer`, but not every `bigint`.
const FLOATING: [&str; 2] = ["double precision", "real"];

impl Cast<'_> {
    /// `None` where the column is not cast.
    fn moved(&self, assumes: &mut Vec<Assumption>) -> Option<Result<String, Obstacle>> {
        let own = self.type_name.as_str();
        match (&self.to, &self.value.kind) {
            (Some(to), kind) if matches!(to.as_str(), "text" | "varchar") => {
                let printed = is_integer(own) || own == "uuid";
                let text = matches!(kind, Type::Open)
                    || matches!(kind, Type::Known(of) if of == "text" || of == "varchar");
                Some(if printed && text && self.operator == Operator::Equal {
                    assumes.push(Assumption::Printed {
                        value: self.value.text.clone(),
                        type_name: own.to_owned(),
                    });
                    Ok(format!("{} = {}", self.column, self.value.typed(own)))
                } else {
                    Err(self.obstacle())
                })
            }
            (Some(to), _) if is_integer(own) && is_integer(to) => {
                let value = match self.value.kind {
                    Type::Open => self.value.typed(to),
                    _ => self.value.text.clone(),
                };
                Some(Ok(self.compared(&value)))
            }
            (Some(to), _) => Some(self.fraction(to, assumes)),
            (None, Type::Known(of)) if *of != *own => Some(self.fraction(of, assumes)),
            (None, Type::Number) if is_integer(own) => Some(self.fraction("numeric", assumes)),
            (None, Type::Open) if is_integer(own) => {
                assumes.push(Assumption::Whole(self.value.text.clone()));
                Some(Ok(self.compared(&self.value.typed(own))))
            }
            _ => None,
        }
    }

    fn obstacle(&self) -> Obstacle {
        Obstacle::Type {
            column: self.column.to_owned(),
            type_name: self.type_name.clone(),
        }
    }

    fn compared(&self, value: &str) -> String {
        format!("{} {} {value}", self.column, self.operator.as_str())
    }

    /// An integer column against a number that may have a fraction: the whole number next to it on the right side.
    fn fraction(&self, to: &str, assumes: &mut Vec<Assumption>) -> Result<String, Obstacle> {
        let own = self.type_name.as_str();
        let holds =
            EXACT.contains(&to) || FLOATING.contains(&to) && own != "bigint" && to != "real";
        if !is_integer(own) || !holds {
            return Err(self.obstacle());
        }
        assumes.push(Assumption::Within {
            value: self.value.text.clone(),
            type_name: "bigint".to_owned(),
        });
        let number = match &self.value.kind {
            Type::Open => self.value.typed(to),
            _ => self.value.text.clone(),
        };
        Ok(match self.operator {
            Operator::Equal => {
                let whole = self.compared(&format!("{number}::bigint"));
                format!("{whole} AND {number} = trunc({number})")
            }
            Operator::Less | Operator::GreaterOrEqual => {
                self.compared(&format!("ceil({number})::bigint"))
            }
            Operator::LessOrEqual | Operator::Greater => {
                self.compared(&format!("floor({number})::bigint"))
            }
        })
    }
}
