//! What calls in a tree do: give another value each time, compute an aggregate, look through a window.

use std::ops::ControlFlow;

use sqlparser::ast::{Expr, Function, Query, SelectItem, Visit, Visitor};

use super::constant::function_name;
use crate::sql::walk::walk;

/// Functions of the server's own that give the same value for the same arguments throughout a statement
/// (`pg_proc.provolatile` `i` and `s`), of those that statements call often. Any other one counts as changing.
const STEADY: [&str; 76] = [
    "abs",
    "age",
    "array_agg",
    "array_length",
    "array_position",
    "array_to_string",
    "avg",
    "bool_and",
    "bool_or",
    "btrim",
    "cardinality",
    "ceil",
    "ceiling",
    "char_length",
    "coalesce",
    "concat",
    "concat_ws",
    "count",
    "current_date",
    "current_timestamp",
    "date",
    "date_bin",
    "date_part",
    "date_trunc",
    "div",
    "every",
    "extract",
    "floor",
    "format",
    "greatest",
    "initcap",
    "json_agg",
    "json_build_object",
    "jsonb_agg",
    "jsonb_array_length",
    "jsonb_build_object",
    "least",
    "left",
    "length",
    "localtimestamp",
    "lower",
    "lpad",
    "ltrim",
    "make_date",
    "make_interval",
    "max",
    "md5",
    "min",
    "mod",
    "now",
    "nullif",
    "percentile_cont",
    "position",
    "power",
    "regexp_replace",
    "repeat",
    "replace",
    "reverse",
    "right",
    "round",
    "row_to_json",
    "rpad",
    "rtrim",
    "sign",
    "split_part",
    "sqrt",
    "starts_with",
    "string_agg",
    "strpos",
    "substr",
    "substring",
    "sum",
    "to_char",
    "to_date",
    "to_timestamp",
    "trunc",
];

/// Further ones of the same kind that are no whole word of a plain call.
const ALSO_STEADY: [&str; 4] = ["to_number", "trim", "unnest", "upper"];

/// Aggregates that take no `WITHIN GROUP`.
const AGGREGATES: [&str; 21] = [
    "array_agg",
    "avg",
    "bit_and",
    "bit_or",
    "bool_and",
    "bool_or",
    "count",
    "every",
    "json_agg",
    "json_object_agg",
    "jsonb_agg",
    "jsonb_object_agg",
    "max",
    "min",
    "mode",
    "stddev",
    "string_agg",
    "sum",
    "var_pop",
    "variance",
    "xmlagg",
];

/// The first call that is not known to give the same value throughout a statement.
pub fn volatile(tree: &impl Visit) -> Option<String> {
    first_call(tree, usize::MAX, |function| {
        let name = function_name(function);
        !name.is_some_and(|name| {
            STEADY.contains(&name.as_str()) || ALSO_STEADY.contains(&name.as_str())
        })
    })
}

/// Whether a call is an aggregate, or not known to be none.
pub fn is_aggregate(function: &Function) -> bool {
    let name = function_name(function);
    let known = name.is_none_or(|name| AGGREGATES.contains(&name.as_str()));
    function.over.is_none() && (known || !function.within_group.is_empty())
        || function.filter.is_some() && function.over.is_none()
}

/// Whether a select list computes aggregates.
pub fn aggregates(projection: &[SelectItem]) -> bool {
    projection
        .iter()
        .any(|item| first_call(item, 0, is_aggregate).is_some())
}

/// Whether a select list computes window functions.
pub fn has_windows(projection: &[SelectItem]) -> bool {
    projection
        .iter()
        .any(|item| first_call(item, 0, |function| function.over.is_some()).is_some())
}

/// The first call that `is` holds of, in subqueries nested `depth` deep too.
fn first_call(tree: &impl Visit, depth: usize, is: impl Fn(&Function) -> bool) -> Option<String> {
    struct Calls<F> {
        is: F,
        depth: usize,
        nested: usize,
    }
    impl<F: Fn(&Function) -> bool> Visitor for Calls<F> {
        type Break = String;
        fn pre_visit_query(&mut self, _: &Query) -> ControlFlow<String> {
            self.nested += 1;
            ControlFlow::Continue(())
        }
        fn post_visit_query(&mut self, _: &Query) -> ControlFlow<String> {
            self.nested -= 1;
            ControlFlow::Continue(())
        }
        fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<String> {
            match expr {
                Expr::Function(function) if self.nested <= self.depth && (self.is)(function) => {
                    ControlFlow::Break(function.to_string())
                }
                _ => ControlFlow::Continue(()),
            }
        }
    }
    let mut calls = Calls {
        is,
        depth,
        nested: 0,
    };
    walk(tree, &mut calls).break_value()
}
