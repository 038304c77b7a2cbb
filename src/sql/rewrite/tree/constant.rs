//! Values that stay the same while a statement runs.

use sqlparser::ast::{
    BinaryOperator, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, UnaryOperator,
    Value,
};

use super::catalog::{base_type, is_integer};
use super::{Obstacle, bare, operand};
use crate::sql::scope::parts;

/// What is known of a value's type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Type {
    /// The server takes it from what the value is compared with: a parameter, a string constant.
    Open,
    /// A number constant, whole or not.
    Number,
    /// A type, see [`base_type`].
    Known(String),
}

/// A value that stays the same while a statement runs.
#[derive(Debug, Clone)]
pub struct Constant {
    /// Its text, an operand of any operator.
    pub text: String,
    /// Its type.
    pub kind: Type,
    /// Whether it is a date or time that the server's clock gives, and so finite.
    pub is_clock: bool,
}

impl Constant {
    /// Reads an expression without columns, subqueries and functions of changing value.
    pub fn of(expr: &Expr) -> Result<Self, Obstacle> {
        let kind = kind(expr).ok_or_else(|| Obstacle::Value(expr.to_string()))?;
        Ok(Self {
            text: operand(expr),
            kind,
            is_clock: is_clock(expr),
        })
    }

    /// Its text with the type `type_name`, where it has none yet.
    pub fn typed(&self, type_name: &str) -> String {
        match &self.kind {
            Type::Known(own) if own == type_name => self.text.clone(),
            _ => format!("{}::{type_name}", self.text),
        }
    }

    /// Whether it is of one of these types, or will be of the type it is compared with.
    pub fn fits(&self, types: &[&str]) -> bool {
        match &self.kind {
            Type::Open => true,
            Type::Number => false,
            Type::Known(own) => types.contains(&own.as_str()),
        }
    }
}

fn kind(expr: &Expr) -> Option<Type> {
    match bare(expr) {
        Expr::Value(value) => match &value.value {
            Value::Number(..) => Some(Type::Number),
            Value::Boolean(_) => Some(Type::Known("boolean".to_owned())),
            Value::SingleQuotedString(text) => Some(if text.starts_with("‹number#") {
                Type::Number
            } else {
                Type::Open
            }),
            Value::Placeholder(_) | Value::EscapedStringLiteral(_) => Some(Type::Open),
            _ => None,
        },
        Expr::Cast {
            expr, data_type, ..
        } => {
            kind(expr)?;
            Some(Type::Known(base_type(&data_type.to_string())))
        }
        Expr::TypedString(typed) => Some(Type::Known(base_type(&typed.data_type.to_string()))),
        Expr::Interval(interval) => {
            kind(&interval.value)?;
            Some(Type::Known("interval".to_owned()))
        }
        Expr::UnaryOp {
            op: UnaryOperator::Minus,
            expr,
        } => kind(expr),
        Expr::BinaryOp { left, op, right } => sum(&kind(left)?, op, &kind(right)?),
        Expr::Function(function) => call(function),
        _ => None,
    }
}

/// The type of a sum or difference.
fn sum(left: &Type, op: &BinaryOperator, right: &Type) -> Option<Type> {
    if !matches!(op, BinaryOperator::Plus | BinaryOperator::Minus) {
        return None;
    }
    match (left, right) {
        (Type::Number, Type::Number) => Some(Type::Number),
        (Type::Known(left), Type::Known(right)) => match (left.as_str(), right.as_str()) {
            ("date", "interval") => Some(Type::Known("timestamp".to_owned())),
            ("timestamp" | "timestamptz" | "interval", "interval") => {
                Some(Type::Known(left.clone()))
            }
            ("date", days) if is_integer(days) => Some(Type::Known("date".to_owned())),
            _ if left == right && is_integer(left) => Some(Type::Known(left.clone())),
            _ => None,
        },
        (Type::Known(date), Type::Number) if date == "date" => Some(Type::Known(date.clone())),
        _ => None,
    }
}

/// Whether a value is the current time, at most truncated or moved by an interval.
fn is_clock(expr: &Expr) -> bool {
    match bare(expr) {
        Expr::BinaryOp { left, .. } => is_clock(left),
        Expr::Cast { expr, .. } => is_clock(expr),
        Expr::Function(function) => match (function_name(function), arguments(function)) {
            (Some(name), Some(arguments)) if name == "date_trunc" => {
                arguments.last().is_some_and(|last| is_clock(last))
            }
            (Some(name), _) => CLOCKS.contains(&name.as_str()),
            _ => false,
        },
        _ => false,
    }
}

/// Functions that give the time at which the statement or its transaction began.
const CLOCKS: [&str; 6] = [
    "current_date",
    "current_timestamp",
    "localtimestamp",
    "now",
    "statement_timestamp",
    "transaction_timestamp",
];

/// The type of a function that gives the same value throughout a statement.
fn call(function: &Function) -> Option<Type> {
    let plain = function.filter.is_none()
        && function.over.is_none()
        && function.within_group.is_empty()
        && function.null_treatment.is_none();
    let arguments = arguments(function)?;
    let kinds: Vec<Type> = arguments
        .iter()
        .map(|one| kind(one))
        .collect::<Option<_>>()?;
    if !plain {
        return None;
    }
    let known = |name: &str| Some(Type::Known(name.to_owned()));
    match (function_name(function)?.as_str(), kinds.as_slice()) {
        (
            "now" | "current_timestamp" | "transaction_timestamp" | "statement_timestamp",
            [] | [Type::Number],
        )
        | ("to_timestamp", _) => known("timestamptz"),
        ("localtimestamp", [] | [Type::Number]) => known("timestamp"),
        ("current_date", []) | ("make_date", [_, _, _]) => known("date"),
        ("date_trunc", [Type::Open, Type::Known(of)]) => match of.as_str() {
            "timestamp" => known("timestamp"),
            "date" | "timestamptz" => known("timestamptz"),
            _ => None,
        },
        _ => None,
    }
}

/// A function's name, without the schema of the server's own.
pub fn function_name(function: &Function) -> Option<String> {
    match parts(&function.name).as_slice() {
        [name] => Some(name.clone()),
        [schema, name] if schema == "pg_catalog" => Some(name.clone()),
        _ => None,
    }
}

/// The arguments of a plain call: `None` with `DISTINCT`, names, or `*`.
pub fn arguments(function: &Function) -> Option<Vec<&Expr>> {
    match &function.args {
        FunctionArguments::None => Some(Vec::new()),
        FunctionArguments::Subquery(_) => None,
        FunctionArguments::List(list) => {
            if list.duplicate_treatment.is_some() || !list.clauses.is_empty() {
                return None;
            }
            list.args
                .iter()
                .map(|argument| match argument {
                    FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr),
                    _ => None,
                })
                .collect()
        }
    }
}
