//! Expressions: the names, parameters, functions and subqueries in them.

use sqlparser::ast::{Expr, Function, Query, WindowFrameBound, WindowSpec, WindowType};

use super::analyzer::{Analyzer, QueryColumns};
use super::side::{Side, name_parts, parameter};
use super::{Extreme, LevelRole, WindowOrder, children, classify};
use crate::sql::parameters::{ParameterUse, Position};
use crate::sql::scope::{folded, parts};

/// Aggregates of PostgreSQL 13 to 18 (`pg_aggregate`), sorted. Those of extensions are known by `FILTER` and
/// `WITHIN GROUP` only.
const AGGREGATES: [&str; 54] = [
    "any_value",
    "array_agg",
    "avg",
    "bit_and",
    "bit_or",
    "bit_xor",
    "bool_and",
    "bool_or",
    "corr",
    "count",
    "covar_pop",
    "covar_samp",
    "every",
    "grouping",
    "json_agg",
    "json_agg_strict",
    "json_arrayagg",
    "json_object_agg",
    "json_object_agg_strict",
    "json_object_agg_unique",
    "json_object_agg_unique_strict",
    "json_objectagg",
    "jsonb_agg",
    "jsonb_agg_strict",
    "jsonb_object_agg",
    "jsonb_object_agg_strict",
    "jsonb_object_agg_unique",
    "jsonb_object_agg_unique_strict",
    "max",
    "min",
    "mode",
    "percentile_cont",
    "percentile_disc",
    "range_agg",
    "range_intersect_agg",
    "regr_avgx",
    "regr_avgy",
    "regr_count",
    "regr_intercept",
    "regr_r2",
    "regr_slope",
    "regr_sxx",
    "regr_sxy",
    "regr_syy",
    "stddev",
    "stddev_pop",
    "stddev_samp",
    "string_agg",
    "sum",
    "var_pop",
    "var_samp",
    "variance",
    "xmlagg",
    "xmlconcat2",
];

/// Whether `expr` itself is a call of an aggregate.
pub fn is_aggregate(expr: &Expr) -> bool {
    let Expr::Function(function) = expr else {
        return false;
    };
    if function.over.is_some() {
        return false;
    }
    let name = function.name.0.last().and_then(|part| part.as_ident());
    function.filter.is_some()
        || !function.within_group.is_empty()
        || name.is_some_and(|name| AGGREGATES.binary_search(&folded(name).as_str()).is_ok())
}

impl Analyzer<'_> {
    /// Reads an expression that no condition depends on.
    pub fn expr(&mut self, expr: &Expr) {
        match expr {
            Expr::Identifier(_) | Expr::CompoundIdentifier(_) => {
                if let Some(parts) = name_parts(expr) {
                    self.mention(&parts);
                }
            }
            Expr::Value(_) => {
                if let Some(number) = parameter(expr) {
                    self.facts.parameters.entry(number).or_default();
                }
            }
            Expr::Cast {
                expr: inner,
                data_type,
                ..
            } => {
                if let Some(number) = parameter(inner) {
                    self.use_parameter(number, ParameterUse::Cast(data_type.to_string()));
                }
                self.expr(inner);
            }
            Expr::Interval(interval) => {
                if let Some(number) = parameter(&interval.value) {
                    self.use_parameter(number, ParameterUse::Cast("interval".to_owned()));
                }
                self.expr(&interval.value);
            }
            Expr::Function(function) => self.function(expr, function),
            Expr::Subquery(query) => {
                self.subquery(query, LevelRole::Scalar);
            }
            Expr::BinaryOp { left, op, right } => {
                self.operation(expr, left, &classify::symbol(op), right);
            }
            _ => self.special(expr),
        }
    }

    fn special(&mut self, expr: &Expr) {
        match expr {
            Expr::IsDistinctFrom(..)
            | Expr::IsNotDistinctFrom(..)
            | Expr::InList { .. }
            | Expr::InSubquery { .. }
            | Expr::Exists { .. }
            | Expr::Between { .. }
            | Expr::AnyOp { .. }
            | Expr::AllOp { .. }
            | Expr::Like { .. }
            | Expr::ILike { .. }
            | Expr::SimilarTo { .. }
            | Expr::RLike { .. } => self.atom(expr, None, false),
            Expr::AtTimeZone { time_zone, .. } => {
                self.argument_use(time_zone, "timezone", 0);
                self.children(expr);
            }
            Expr::Substring {
                substring_from,
                substring_for,
                ..
            } => {
                for (index, part) in [substring_from, substring_for].into_iter().enumerate() {
                    if let Some(part) = part {
                        self.argument_use(part, "substring", index + 1);
                    }
                }
                self.children(expr);
            }
            Expr::Case {
                operand: Some(operand),
                conditions,
                ..
            } => {
                self.children(expr);
                let subject = Side::new(self, operand);
                for when in conditions {
                    let side = Side::new(self, &when.condition);
                    self.tie(&side, &subject, "=", Position::Value);
                }
            }
            _ => {
                self.text_arguments(expr);
                self.children(expr);
            }
        }
    }

    /// Functions with a grammar of their own, by the names that they have in `pg_proc`.
    fn text_arguments(&mut self, expr: &Expr) {
        match expr {
            Expr::Position { expr, r#in } => {
                self.argument_use(r#in, "position", 0);
                self.argument_use(expr, "position", 1);
            }
            Expr::Overlay {
                overlay_what,
                overlay_from,
                overlay_for,
                ..
            } => {
                self.argument_use(overlay_what, "overlay", 1);
                self.argument_use(overlay_from, "overlay", 2);
                if let Some(length) = overlay_for {
                    self.argument_use(length, "overlay", 3);
                }
            }
            Expr::Trim {
                trim_what: Some(what),
                ..
            } => self.argument_use(what, "btrim", 1),
            _ => {}
        }
    }

    fn children(&mut self, expr: &Expr) {
        children::each(expr, &mut |child| self.expr(child));
    }

    /// A binary operator outside of conditions. Chains of one operator are long and lean to the left: that side is read
    /// without recursion.
    fn operation(&mut self, expr: &Expr, left: &Expr, operator: &str, right: &Expr) {
        if classify::is_json_access(operator) {
            self.expr(left);
            self.expr(right);
            self.json_key(left, operator, right);
        } else if matches!(operator, "AND" | "OR" | "XOR") {
            self.children(expr);
        } else if classify::is_arithmetic(operator) {
            self.children(expr);
            self.arithmetic(left, operator, right);
        } else {
            self.atom(expr, None, false);
        }
    }

    fn json_key(&mut self, left: &Expr, operator: &str, right: &Expr) {
        let Some(number) = parameter(right) else {
            return;
        };
        let column = Side::new(self, left)
            .column(self)
            .map(|(source, _)| self.parameter_column(&source, None));
        self.use_parameter(
            number,
            ParameterUse::JsonKey {
                column,
                operator: operator.to_owned(),
            },
        );
    }

    /// `column + $1`: no comparison, but the column tells the type.
    fn arithmetic(&mut self, left: &Expr, operator: &str, right: &Expr) {
        for (one, other) in [(left, right), (right, left)] {
            if parameter(one).is_some() {
                let (side, other) = (Side::new(self, one), Side::new(self, other));
                self.tie(&side, &other, operator, Position::Part);
            }
        }
    }

    /// Reads a subquery in an expression.
    pub fn subquery(&mut self, query: &Query, role: LevelRole) -> QueryColumns {
        let selecting = std::mem::take(&mut self.selecting);
        let result = self.query(query, role);
        self.selecting = selecting;
        result
    }

    /// Records a parameter that is an argument of a function.
    pub fn argument_use(&mut self, arg: &Expr, function: &str, index: usize) {
        if let Some(number) = parameter(arg) {
            self.use_parameter(
                number,
                ParameterUse::Argument {
                    function: function.to_owned(),
                    index,
                },
            );
        }
    }

    fn function(&mut self, expr: &Expr, function: &Function) {
        let name = parts(&function.name).pop().unwrap_or_default();
        for (index, arg) in children::arguments(function).enumerate() {
            if let Some(arg) = arg {
                self.argument_use(arg, &name, index);
            }
        }
        self.children(expr);
        if matches!(name.as_str(), "coalesce" | "nullif" | "greatest" | "least") {
            self.alternatives(function);
        }
        if let Some(query) = children::subquery(expr) {
            self.subquery(query, LevelRole::Scalar);
        }
        if is_aggregate(expr) {
            self.aggregate(function, &name);
        }
        match &function.over {
            Some(WindowType::WindowSpec(spec)) => self.window(spec),
            Some(WindowType::NamedWindow(_)) | None => {}
        }
    }

    /// `coalesce(column, $1)`: all arguments are of one type.
    fn alternatives(&mut self, function: &Function) {
        let args: Vec<_> = children::arguments(function)
            .flatten()
            .map(|arg| Side::new(self, arg))
            .collect();
        if let Some(column) = args.iter().find(|side| !side.columns.is_empty()) {
            for side in &args {
                self.tie(side, column, "=", Position::Value);
            }
        }
    }

    fn aggregate(&mut self, function: &Function, name: &str) {
        let mut args = children::arguments(function);
        let extreme = match (name, args.next(), args.next(), &function.filter) {
            ("min" | "max", Some(Some(arg)), None, None) => Side::new(self, arg).key(self),
            _ => None,
        };
        let is_min = name == "min";
        if let Some(level) = self.current() {
            level.aggregates = true;
            level.extremes.extend(extreme.map(|key| {
                if is_min {
                    Extreme::Min(key)
                } else {
                    Extreme::Max(key)
                }
            }));
        }
    }

    /// Records a window; its expressions are read here when it is a named one, by its function otherwise.
    pub fn window(&mut self, spec: &WindowSpec) {
        let partition = spec
            .partition_by
            .iter()
            .map(|key| {
                self.expr(key);
                Side::new(self, key).key(self)
            })
            .collect();
        let order = spec
            .order_by
            .iter()
            .map(|key| {
                self.expr(&key.expr);
                let input = Side::new(self, &key.expr).key(self);
                super::keys::sorted(input, key)
            })
            .collect();
        if let Some(frame) = &spec.window_frame {
            for bound in [Some(&frame.start_bound), frame.end_bound.as_ref()] {
                if let Some(
                    WindowFrameBound::Preceding(Some(rows))
                    | WindowFrameBound::Following(Some(rows)),
                ) = bound
                {
                    self.expr(rows);
                }
            }
        }
        if let Some(level) = self.current() {
            let window = WindowOrder { partition, order };
            if !level.windows.contains(&window) {
                level.windows.push(window);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn aggregates_are_sorted() {
        assert!(super::AGGREGATES.is_sorted());
    }
}
