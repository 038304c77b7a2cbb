//! One spelling for expressions that mean the same.
//!
//! Called on the way up, so that operands are normal already. Parentheses are all taken out and put back where the
//! operators' precedence needs them.

use std::collections::BTreeSet;
use std::mem;

use sqlparser::ast::{
    AccessExpr, BinaryOperator, CastKind, DataType, Expr, Ident, TimezoneInfo, UnaryOperator, Value,
};

use super::shape::{CONSTANT, CONSTANTS};

/// The operator whose operand an expression is, seen through parentheses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// An operand of AND.
    And,
    /// An operand of OR.
    Or,
    /// Anywhere else.
    Elsewhere,
}

impl Place {
    /// The place that `expression` gives to its operands, itself standing in `outer`.
    pub(super) fn of(expression: &Expr, outer: Option<Self>) -> Self {
        match expression {
            Expr::BinaryOp {
                op: BinaryOperator::And,
                ..
            } => Self::And,
            Expr::BinaryOp {
                op: BinaryOperator::Or,
                ..
            } => Self::Or,
            Expr::Nested(_) => outer.unwrap_or(Self::Elsewhere),
            _ => Self::Elsewhere,
        }
    }
}

/// How tightly an expression binds, after PostgreSQL's table of precedence.
mod binding {
    pub(super) const OR: u8 = 1;
    pub(super) const AND: u8 = 2;
    pub(super) const NOT: u8 = 3;
    pub(super) const IS: u8 = 4;
    pub(super) const COMPARISON: u8 = 5;
    pub(super) const RANGE: u8 = 6;
    pub(super) const OTHER: u8 = 7;
    pub(super) const SUM: u8 = 8;
    pub(super) const PRODUCT: u8 = 9;
    pub(super) const POWER: u8 = 10;
    pub(super) const TIME_ZONE: u8 = 11;
    pub(super) const COLLATE: u8 = 12;
    pub(super) const SIGN: u8 = 13;
    pub(super) const PRIMARY: u8 = 14;
}

/// A constant.
pub(super) fn constant() -> Expr {
    Expr::value(Value::Placeholder(CONSTANT.to_owned()))
}

fn constants() -> Expr {
    Expr::value(Value::Placeholder(CONSTANTS.to_owned()))
}

fn is_constant(expression: &Expr) -> bool {
    matches!(expression, Expr::Value(value) if matches!(&value.value, Value::Placeholder(_)))
}

/// A constant, or a row of them.
fn is_constant_row(expression: &Expr) -> bool {
    is_constant(expression)
        || matches!(expression, Expr::Tuple(items) if items.iter().all(is_constant))
}

/// Brings `expression`, whose operands are normal, to its normal form.
pub(super) fn normalise(expression: &mut Expr, outer: Option<Place>) {
    let taken = mem::replace(expression, constant());
    *expression = match taken {
        Expr::Nested(inner) => *inner,
        Expr::Value(value) => match &value.value {
            Value::SingleQuotedString(text) if text == CONSTANTS => constants(),
            Value::SingleQuotedString(_) | Value::Boolean(_) | Value::Null => constant(),
            _ => Expr::Value(value),
        },
        Expr::TypedString(_) => constant(),
        Expr::Interval(interval) if is_constant(&interval.value) => constant(),
        Expr::Array(array) if array.elem.iter().all(is_constant) => constant(),
        Expr::Cast { expr, .. } if is_constant(&expr) => constant(),
        Expr::Cast {
            expr,
            data_type,
            format,
            ..
        } => Expr::Cast {
            kind: CastKind::Cast,
            expr,
            data_type: canonical_type(data_type),
            format,
        },
        Expr::UnaryOp { op, expr } => unary(op, expr),
        Expr::BinaryOp { left, op, right } => binary(*left, op, *right, outer),
        Expr::Case {
            case_token,
            end_token,
            operand,
            mut conditions,
            else_result,
        } => {
            conditions.dedup_by(|next, kept| next.to_string() == kept.to_string());
            Expr::Case {
                case_token,
                end_token,
                operand,
                conditions,
                else_result,
            }
        }
        other => predicate(other),
    };
}

/// Predicates and the rest: operands in parentheses where they need them.
fn predicate(mut expression: Expr) -> Expr {
    match &mut expression {
        Expr::InList { expr, list, .. } => {
            wrap(expr, binding::OTHER);
            if list.iter().all(is_constant) {
                *list = vec![constants()];
            }
        }
        Expr::AnyOp {
            left,
            compare_op: BinaryOperator::Eq,
            right,
            ..
        } if is_constant(right) => {
            wrap(left, binding::OTHER);
            return Expr::InList {
                expr: mem::replace(left, Box::new(constant())),
                list: vec![constants()],
                negated: false,
            };
        }
        Expr::AllOp {
            left,
            compare_op: BinaryOperator::NotEq,
            right,
        } if is_constant(right) => {
            wrap(left, binding::OTHER);
            return Expr::InList {
                expr: mem::replace(left, Box::new(constant())),
                list: vec![constants()],
                negated: true,
            };
        }
        Expr::AnyOp { left, .. } | Expr::AllOp { left, .. } => wrap(left, binding::OTHER),
        Expr::InSubquery { expr, .. }
        | Expr::InUnnest { expr, .. }
        | Expr::IsFalse(expr)
        | Expr::IsNotFalse(expr)
        | Expr::IsTrue(expr)
        | Expr::IsNotTrue(expr)
        | Expr::IsNull(expr)
        | Expr::IsNotNull(expr)
        | Expr::IsUnknown(expr)
        | Expr::IsNotUnknown(expr)
        | Expr::IsJson { expr, .. }
        | Expr::IsNormalized { expr, .. } => wrap(expr, binding::OTHER),
        Expr::IsDistinctFrom(left, right) | Expr::IsNotDistinctFrom(left, right) => {
            wrap(left, binding::OTHER);
            wrap(right, binding::OTHER);
            if out_of_order(left, right) {
                mem::swap(left, right);
            }
        }
        Expr::Between {
            expr, low, high, ..
        } => {
            for operand in [expr, low, high] {
                wrap(operand, binding::OTHER);
            }
        }
        Expr::Like { expr, pattern, .. }
        | Expr::ILike { expr, pattern, .. }
        | Expr::SimilarTo { expr, pattern, .. } => {
            wrap(expr, binding::OTHER);
            wrap(pattern, binding::OTHER);
        }
        Expr::AtTimeZone {
            timestamp,
            time_zone,
        } => {
            wrap(timestamp, binding::TIME_ZONE);
            wrap(time_zone, binding::TIME_ZONE + 1);
        }
        Expr::Collate { expr, .. } => wrap(expr, binding::COLLATE),
        Expr::CompoundFieldAccess { root, access_chain } => {
            // `(a).b` is a field of a column, `a.b` a column of a relation.
            let field = matches!(access_chain.first(), Some(AccessExpr::Dot(_)));
            let name = matches!(
                root.as_ref(),
                Expr::Identifier(_) | Expr::CompoundIdentifier(_)
            );
            if field || !name {
                **root = Expr::Nested(Box::new(mem::replace(root.as_mut(), constant())));
            }
        }
        _ => {}
    }
    expression
}

fn unary(op: UnaryOperator, mut operand: Box<Expr>) -> Expr {
    match (op, operand.as_mut()) {
        (UnaryOperator::Plus | UnaryOperator::Minus, inner) if is_constant(inner) => constant(),
        (
            UnaryOperator::Not,
            Expr::InList { negated, .. }
            | Expr::InSubquery { negated, .. }
            | Expr::Between { negated, .. }
            | Expr::Like { negated, .. }
            | Expr::ILike { negated, .. }
            | Expr::Exists { negated, .. },
        ) => {
            *negated = !*negated;
            *operand
        }
        (UnaryOperator::Not, Expr::IsNull(inner)) => {
            Expr::IsNotNull(mem::replace(inner, Box::new(constant())))
        }
        (UnaryOperator::Not, Expr::IsNotNull(inner)) => {
            Expr::IsNull(mem::replace(inner, Box::new(constant())))
        }
        (UnaryOperator::Not, inner) => {
            wrap(inner, binding::NOT);
            Expr::UnaryOp { op, expr: operand }
        }
        (_, inner) => {
            wrap(inner, binding::PRIMARY);
            Expr::UnaryOp { op, expr: operand }
        }
    }
}

fn binary(left: Expr, op: BinaryOperator, right: Expr, outer: Option<Place>) -> Expr {
    match op {
        BinaryOperator::And | BinaryOperator::Or => {
            let chain = Expr::BinaryOp {
                left: Box::new(left),
                op: op.clone(),
                right: Box::new(right),
            };
            let inner = match op {
                BinaryOperator::And => Place::And,
                _ => Place::Or,
            };
            // The outermost operator of a chain sorts all of it.
            if outer == Some(inner) {
                chain
            } else {
                sorted_chain(chain, &op)
            }
        }
        _ => {
            if let Some(flipped) = flipped(&op) {
                comparison(left, op, right, flipped)
            } else {
                let tightness = tightness(&op);
                operation(left, op, right, tightness)
            }
        }
    }
}

fn operation(mut left: Expr, op: BinaryOperator, mut right: Expr, tightness: u8) -> Expr {
    wrap(&mut left, tightness);
    wrap(&mut right, tightness + 1);
    Expr::BinaryOp {
        left: Box::new(left),
        op,
        right: Box::new(right),
    }
}

/// The constant on the right; else the operands in order.
fn comparison(
    mut left: Expr,
    op: BinaryOperator,
    mut right: Expr,
    flipped: BinaryOperator,
) -> Expr {
    wrap(&mut left, binding::COMPARISON + 1);
    wrap(&mut right, binding::COMPARISON + 1);
    let (left, op, right) = if out_of_order(&left, &right) {
        (right, flipped, left)
    } else {
        (left, op, right)
    };
    Expr::BinaryOp {
        left: Box::new(left),
        op,
        right: Box::new(right),
    }
}

fn out_of_order(left: &Expr, right: &Expr) -> bool {
    match (is_constant_row(left), is_constant_row(right)) {
        (_, true) => false,
        (true, false) => true,
        (false, false) => left.to_string() > right.to_string(),
    }
}

/// The operator with its sides changed.
fn flipped(op: &BinaryOperator) -> Option<BinaryOperator> {
    Some(match op {
        BinaryOperator::Eq => BinaryOperator::Eq,
        BinaryOperator::NotEq => BinaryOperator::NotEq,
        BinaryOperator::Lt => BinaryOperator::Gt,
        BinaryOperator::Gt => BinaryOperator::Lt,
        BinaryOperator::LtEq => BinaryOperator::GtEq,
        BinaryOperator::GtEq => BinaryOperator::LtEq,
        _ => return None,
    })
}

/// The operands of AND or OR, through all levels, in order. Of equal operands of OR one stays, marked: their number
/// varies as that of an IN list does.
fn sorted_chain(chain: Expr, op: &BinaryOperator) -> Expr {
    let own = tightness(op);
    let mut operands = Vec::new();
    let mut waiting = vec![chain];
    while let Some(expression) = waiting.pop() {
        match expression {
            Expr::BinaryOp {
                left,
                op: inner,
                right,
            } if inner == *op => {
                waiting.push(*right);
                waiting.push(*left);
            }
            mut operand => {
                wrap(&mut operand, own + 1);
                operands.push((operand.to_string(), operand));
            }
        }
    }
    operands.sort_by(|(left, _), (right, _)| left.cmp(right));
    if *op == BinaryOperator::Or {
        mark_repeated(&mut operands);
    }
    operands
        .into_iter()
        .map(|(_, operand)| operand)
        .reduce(|left, right| Expr::BinaryOp {
            left: Box::new(left),
            op: op.clone(),
            right: Box::new(right),
        })
        .unwrap_or_else(constant)
}

/// Leaves one of equal neighbours, marked.
fn mark_repeated(operands: &mut Vec<(String, Expr)>) {
    let mut repeated = BTreeSet::new();
    operands.dedup_by(|(text, _), (kept, _)| {
        let equal = kept == text;
        if equal {
            repeated.insert(mem::take(text));
        }
        equal
    });
    for (text, operand) in operands {
        if repeated.contains(text) {
            *operand = Expr::Identifier(Ident::new(format!("{text}{MORE}")));
        }
    }
}

/// What marks an operand of OR that occurs more than once.
const MORE: &str = " OR …";

fn tightness(op: &BinaryOperator) -> u8 {
    match op {
        BinaryOperator::Or => binding::OR,
        BinaryOperator::And => binding::AND,
        BinaryOperator::Eq
        | BinaryOperator::NotEq
        | BinaryOperator::Lt
        | BinaryOperator::LtEq
        | BinaryOperator::Gt
        | BinaryOperator::GtEq => binding::COMPARISON,
        BinaryOperator::Plus | BinaryOperator::Minus => binding::SUM,
        BinaryOperator::Multiply | BinaryOperator::Divide | BinaryOperator::Modulo => {
            binding::PRODUCT
        }
        BinaryOperator::PGExp => binding::POWER,
        _ => binding::OTHER,
    }
}

fn binding_of(expression: &Expr) -> u8 {
    match expression {
        Expr::BinaryOp { op, .. } => tightness(op),
        Expr::UnaryOp {
            op: UnaryOperator::Not,
            ..
        } => binding::NOT,
        Expr::UnaryOp { .. } => binding::SIGN,
        Expr::IsFalse(_)
        | Expr::IsNotFalse(_)
        | Expr::IsTrue(_)
        | Expr::IsNotTrue(_)
        | Expr::IsNull(_)
        | Expr::IsNotNull(_)
        | Expr::IsUnknown(_)
        | Expr::IsNotUnknown(_)
        | Expr::IsDistinctFrom(..)
        | Expr::IsNotDistinctFrom(..)
        | Expr::IsJson { .. }
        | Expr::IsNormalized { .. } => binding::IS,
        Expr::InList { .. }
        | Expr::InSubquery { .. }
        | Expr::InUnnest { .. }
        | Expr::Between { .. }
        | Expr::Like { .. }
        | Expr::ILike { .. }
        | Expr::SimilarTo { .. } => binding::RANGE,
        Expr::AnyOp { .. } | Expr::AllOp { .. } => binding::COMPARISON,
        Expr::AtTimeZone { .. } => binding::TIME_ZONE,
        Expr::Collate { .. } => binding::COLLATE,
        _ => binding::PRIMARY,
    }
}

/// Parentheses around what binds less tightly than its place asks.
fn wrap(expression: &mut Expr, least: u8) {
    if binding_of(expression) < least {
        let inner = mem::replace(expression, constant());
        *expression = Expr::Nested(Box::new(inner));
    }
}

/// One name for types that have several (`SystemTypeName` of `gram.y`).
fn canonical_type(data_type: DataType) -> DataType {
    match data_type {
        DataType::Int(None) | DataType::Int4(None) => DataType::Integer(None),
        DataType::Int8(None) => DataType::BigInt(None),
        DataType::Int2(None) => DataType::SmallInt(None),
        DataType::Bool => DataType::Boolean,
        DataType::CharacterVarying(length) | DataType::CharVarying(length) => {
            DataType::Varchar(length)
        }
        DataType::Character(length) => DataType::Char(length),
        DataType::Decimal(info) | DataType::Dec(info) => DataType::Numeric(info),
        DataType::Float8 | DataType::Float64 => DataType::DoublePrecision,
        DataType::Float4 => DataType::Real,
        DataType::Timestamp(precision, TimezoneInfo::Tz) => {
            DataType::Timestamp(precision, TimezoneInfo::WithTimeZone)
        }
        DataType::Timestamp(precision, TimezoneInfo::WithoutTimeZone) => {
            DataType::Timestamp(precision, TimezoneInfo::None)
        }
        DataType::Time(precision, TimezoneInfo::Tz) => {
            DataType::Time(precision, TimezoneInfo::WithTimeZone)
        }
        DataType::Time(precision, TimezoneInfo::WithoutTimeZone) => {
            DataType::Time(precision, TimezoneInfo::None)
        }
        other => other,
    }
}
