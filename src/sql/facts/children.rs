//! The parts of an expression.

use sqlparser::ast::{
    AccessExpr, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentClause,
    FunctionArguments, Query, Subscript, WindowType,
};

/// The query that `expr` itself holds.
pub fn subquery(expr: &Expr) -> Option<&Query> {
    match expr {
        Expr::Subquery(query)
        | Expr::Exists {
            subquery: query, ..
        }
        | Expr::InSubquery {
            subquery: query, ..
        } => Some(query),
        Expr::Function(function) => match &function.args {
            FunctionArguments::Subquery(query) => Some(query),
            _ => None,
        },
        _ => None,
    }
}

/// Calls `visit` with each expression directly below `expr`, subqueries left out.
pub fn each<'e>(expr: &'e Expr, visit: &mut dyn FnMut(&'e Expr)) {
    match expr {
        Expr::CompoundFieldAccess { root, access_chain } => {
            visit(root);
            for part in access_chain {
                access(part, visit);
            }
        }
        Expr::JsonAccess { value: one, .. }
        | Expr::IsFalse(one)
        | Expr::IsNotFalse(one)
        | Expr::IsTrue(one)
        | Expr::IsNotTrue(one)
        | Expr::IsNull(one)
        | Expr::IsNotNull(one)
        | Expr::IsUnknown(one)
        | Expr::IsNotUnknown(one)
        | Expr::IsJson { expr: one, .. }
        | Expr::IsNormalized { expr: one, .. }
        | Expr::InSubquery { expr: one, .. }
        | Expr::UnaryOp { expr: one, .. }
        | Expr::Convert { expr: one, .. }
        | Expr::Cast { expr: one, .. }
        | Expr::Extract { expr: one, .. }
        | Expr::Ceil { expr: one, .. }
        | Expr::Floor { expr: one, .. }
        | Expr::Collate { expr: one, .. }
        | Expr::Nested(one)
        | Expr::Prefixed { value: one, .. }
        | Expr::Named { expr: one, .. }
        | Expr::OuterJoin(one)
        | Expr::Prior(one) => visit(one),
        Expr::IsDistinctFrom(a, b)
        | Expr::IsNotDistinctFrom(a, b)
        | Expr::BinaryOp {
            left: a, right: b, ..
        }
        | Expr::AnyOp {
            left: a, right: b, ..
        }
        | Expr::AllOp {
            left: a, right: b, ..
        }
        | Expr::AtTimeZone {
            timestamp: a,
            time_zone: b,
        }
        | Expr::Position { expr: a, r#in: b }
        | Expr::RLike {
            expr: a,
            pattern: b,
            ..
        }
        | Expr::InUnnest {
            expr: a,
            array_expr: b,
            ..
        } => {
            visit(a);
            visit(b);
        }
        Expr::Interval(interval) => visit(&interval.value),
        _ => several(expr, visit),
    }
}

fn several<'e>(expr: &'e Expr, visit: &mut dyn FnMut(&'e Expr)) {
    match expr {
        Expr::InList { expr, list, .. } => {
            visit(expr);
            list.iter().for_each(visit);
        }
        Expr::Between {
            expr, low, high, ..
        } => {
            visit(expr);
            visit(low);
            visit(high);
        }
        Expr::Like {
            expr,
            pattern,
            escape_char,
            ..
        }
        | Expr::ILike {
            expr,
            pattern,
            escape_char,
            ..
        }
        | Expr::SimilarTo {
            expr,
            pattern,
            escape_char,
            ..
        } => {
            visit(expr);
            visit(pattern);
            if let Some(one) = escape_char {
                visit(one);
            }
        }
        Expr::Substring {
            expr,
            substring_from,
            substring_for,
            ..
        } => {
            visit(expr);
            if let Some(one) = substring_from {
                visit(one);
            }
            if let Some(one) = substring_for {
                visit(one);
            }
        }
        Expr::Trim {
            trim_what,
            expr,
            trim_characters,
            ..
        } => {
            visit(expr);
            if let Some(one) = trim_what {
                visit(one);
            }
            trim_characters.iter().flatten().for_each(visit);
        }
        Expr::Overlay {
            expr,
            overlay_what,
            overlay_from,
            overlay_for,
        } => {
            visit(expr);
            visit(overlay_what);
            visit(overlay_from);
            if let Some(one) = overlay_for {
                visit(one);
            }
        }
        Expr::Function(function) => function_parts(function, visit),
        Expr::Case {
            operand,
            conditions,
            else_result,
            ..
        } => {
            if let Some(one) = operand {
                visit(one);
            }
            for when in conditions {
                visit(&when.condition);
                visit(&when.result);
            }
            if let Some(one) = else_result {
                visit(one);
            }
        }
        Expr::GroupingSets(sets) | Expr::Cube(sets) | Expr::Rollup(sets) => {
            sets.iter().flatten().for_each(visit);
        }
        Expr::Tuple(items) => items.iter().for_each(visit),
        Expr::Array(array) => array.elem.iter().for_each(visit),
        _ => {}
    }
}

fn access<'e>(part: &'e AccessExpr, visit: &mut dyn FnMut(&'e Expr)) {
    match part {
        // A field of a composite value, no column of its own.
        AccessExpr::Dot(_) => {}
        AccessExpr::Subscript(Subscript::Index { index }) => visit(index),
        AccessExpr::Subscript(Subscript::Slice {
            lower_bound,
            upper_bound,
            stride,
        }) => {
            for bound in [lower_bound, upper_bound, stride].into_iter().flatten() {
                visit(bound);
            }
        }
    }
}

/// The positional value of an argument, `*` left out.
pub fn argument(argument: &FunctionArg) -> Option<&Expr> {
    match argument {
        FunctionArg::Named { arg, .. }
        | FunctionArg::ExprNamed { arg, .. }
        | FunctionArg::Unnamed(arg) => match arg {
            FunctionArgExpr::Expr(expr) => Some(expr),
            _ => None,
        },
    }
}

/// The arguments of a function, by position; `*` is `None`.
pub fn arguments(function: &Function) -> impl Iterator<Item = Option<&Expr>> {
    let list = match &function.args {
        FunctionArguments::List(list) => list.args.as_slice(),
        _ => &[],
    };
    list.iter().map(argument)
}

fn function_parts<'e>(function: &'e Function, visit: &mut dyn FnMut(&'e Expr)) {
    arguments(function).flatten().for_each(&mut *visit);
    if let FunctionArguments::List(list) = &function.args {
        for clause in &list.clauses {
            if let FunctionArgumentClause::OrderBy(keys) = clause {
                for key in keys {
                    visit(&key.expr);
                }
            }
        }
    }
    function
        .within_group
        .iter()
        .for_each(|key| visit(&key.expr));
    if let Some(filter) = &function.filter {
        visit(filter);
    }
    if let Some(WindowType::WindowSpec(window)) = &function.over {
        window.partition_by.iter().for_each(&mut *visit);
        for key in &window.order_by {
            visit(&key.expr);
        }
    }
}
