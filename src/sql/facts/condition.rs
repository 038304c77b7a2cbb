//! Conditions: split at `AND` and `OR`, and told apart.

use sqlparser::ast::{BinaryOperator, Expr, UnaryOperator};

use super::analyzer::{Analyzer, Filter};
use super::predicate::{Arm, IS_DISTINCT, IS_NOT_DISTINCT, Key, Predicate, Test};
use super::side::{Shape, Side};
use super::{JoinEdge, LevelRole, classify};
use crate::sql::parameters::{ParameterUse, Position};
use crate::sql::scope::ColumnRef;

/// The operands of a chain of one operator, parentheses removed.
fn chain<'e>(expr: &'e Expr, operator: &BinaryOperator) -> Vec<&'e Expr> {
    let mut pending = vec![expr];
    let mut operands = Vec::new();
    while let Some(next) = pending.pop() {
        match next {
            Expr::BinaryOp { left, op, right } if op == operator => {
                pending.push(right);
                pending.push(left);
            }
            Expr::Nested(inner) => pending.push(inner),
            _ => operands.push(next),
        }
    }
    operands
}

/// The fields of a row constructor.
pub fn row(expr: &Expr) -> Option<Vec<&Expr>> {
    match expr {
        Expr::Tuple(fields) => Some(fields.iter().collect()),
        Expr::Nested(inner) => row(inner),
        Expr::Function(function) if function.name.to_string().eq_ignore_ascii_case("row") => {
            super::children::arguments(function).collect()
        }
        _ => None,
    }
}

impl Analyzer<'_> {
    /// Reads a condition that rows must pass, and records what it asks of each relation.
    pub fn condition(&mut self, expr: &Expr, filter: &Filter) {
        self.under_not(expr, filter, false);
    }

    /// Reads a part of a condition, under an odd number of `NOT`s if negated.
    fn under_not(&mut self, expr: &Expr, filter: &Filter, negated: bool) {
        match expr {
            Expr::Nested(inner) => self.under_not(inner, filter, negated),
            Expr::UnaryOp {
                op: UnaryOperator::Not,
                expr,
            } => self.under_not(expr, filter, !negated),
            Expr::BinaryOp {
                op: op @ (BinaryOperator::And | BinaryOperator::Or),
                ..
            } => {
                let operands = chain(expr, op);
                let either = (*op == BinaryOperator::Or) != negated;
                if either {
                    self.arms_of(&operands, filter, negated);
                } else {
                    for operand in operands {
                        self.under_not(operand, filter, negated);
                    }
                }
            }
            _ => self.atom(expr, Some(filter), negated),
        }
    }

    fn arms_of(&mut self, operands: &[&Expr], filter: &Filter, negated: bool) {
        let group = self.facts.or_groups.len();
        self.facts.or_groups.push(operands.len());
        for (arm, operand) in operands.iter().enumerate() {
            let mut inner = filter.clone();
            inner.arms.push(Arm { group, arm });
            self.under_not(operand, &inner, negated);
        }
    }

    /// `HAVING`: what holds no aggregate is applied before grouping (`subquery_planner()` in planner.c).
    pub fn having(&mut self, expr: &Expr) {
        for operand in chain(expr, &BinaryOperator::And) {
            if Side::new(self, operand).aggregate {
                self.expr(operand);
            } else {
                self.condition(operand, &Filter::all());
            }
        }
    }

    /// Reads an expression that gives a truth value and is no `AND`, `OR` or `NOT`. Without a filter only names and
    /// parameters are recorded.
    pub fn atom(&mut self, expr: &Expr, filter: Option<&Filter>, negated: bool) {
        match expr {
            Expr::BinaryOp { left, op, right } => {
                let operator = classify::symbol(op);
                self.compare(left, &operator, right, filter, negated);
            }
            // No index answers these: not what `=` and `<>` are to the planner.
            Expr::IsDistinctFrom(left, right) => {
                self.compare(left, "<>", right, None, false);
                self.distinct_from(left, IS_DISTINCT, right, (filter, negated));
            }
            Expr::IsNotDistinctFrom(left, right) => {
                self.compare(left, "=", right, None, false);
                self.distinct_from(left, IS_NOT_DISTINCT, right, (filter, negated));
            }
            Expr::InList {
                expr,
                list,
                negated: not,
            } => {
                let elements: Vec<_> = list.iter().collect();
                self.in_list(expr, &elements, filter, negated != *not);
            }
            Expr::InSubquery {
                expr,
                subquery,
                negated: not,
            } => self.in_subquery(expr, subquery, filter, negated != *not),
            Expr::Exists {
                subquery,
                negated: not,
            } => {
                let role = if negated == *not {
                    LevelRole::Exists
                } else {
                    LevelRole::NotExists
                };
                self.subquery(subquery, role);
            }
            Expr::Between {
                expr,
                negated: not,
                low,
                high,
            } => {
                if negated == *not {
                    self.compare(expr, ">=", low, filter, false);
                    self.compare(expr, "<=", high, filter, false);
                } else {
                    self.compare(expr, ">=", low, None, false);
                    self.compare(expr, "<=", high, None, false);
                    self.other(expr, "NOT BETWEEN", filter);
                }
            }
            Expr::AnyOp {
                left,
                compare_op,
                right,
                ..
            } => self.any(left, &classify::symbol(compare_op), right, filter, negated),
            Expr::AllOp {
                left,
                compare_op,
                right,
            } => self.all(left, &classify::symbol(compare_op), right, filter, negated),
            _ => self.unary_atom(expr, filter, negated),
        }
    }

    fn unary_atom(&mut self, expr: &Expr, filter: Option<&Filter>, negated: bool) {
        let (inner, test) = match expr {
            Expr::Like { .. }
            | Expr::ILike { .. }
            | Expr::SimilarTo { .. }
            | Expr::RLike { .. } => return self.like(expr, filter, negated),
            Expr::IsNull(inner) => (inner, null_test(negated)),
            Expr::IsNotNull(inner) => (inner, null_test(!negated)),
            Expr::IsTrue(inner) if !negated => (inner, Test::IsTrue),
            Expr::IsFalse(inner) if !negated => (inner, Test::IsFalse),
            Expr::IsTrue(inner) | Expr::IsNotTrue(inner) => (inner, classify::other("IS NOT TRUE")),
            Expr::IsFalse(inner) | Expr::IsNotFalse(inner) => {
                (inner, classify::other("IS NOT FALSE"))
            }
            _ => {
                self.expr(expr);
                if let Some(filter) = filter {
                    let side = Side::new(self, expr);
                    let test = if negated { Test::IsFalse } else { Test::IsTrue };
                    self.record(filter, &side, &test);
                }
                return;
            }
        };
        self.expr(inner);
        if let Some(filter) = filter {
            let side = Side::new(self, inner);
            self.record(filter, &side, &test);
        }
    }

    /// `IS [NOT] DISTINCT FROM`
    fn distinct_from(
        &mut self,
        left: &Expr,
        operator: &str,
        right: &Expr,
        (filter, negated): (Option<&Filter>, bool),
    ) {
        let operator = match (negated, operator) {
            (false, operator) => operator,
            (true, IS_DISTINCT) => IS_NOT_DISTINCT,
            (true, _) => IS_DISTINCT,
        };
        if let Some(filter) = filter {
            let (side, other) = (Side::new(self, left), Side::new(self, right));
            let test = Test::Other {
                operator: operator.to_owned(),
                value: Some(other.value()),
            };
            self.record(filter, &side, &test);
        }
    }

    fn other(&mut self, expr: &Expr, operator: &str, filter: Option<&Filter>) {
        if let Some(filter) = filter {
            let side = Side::new(self, expr);
            self.record(filter, &side, &classify::other(operator));
        }
    }

    /// Records a test on the relation columns that `side` is.
    pub fn record(&mut self, filter: &Filter, side: &Side<'_>, test: &Test) {
        if side.columns.is_empty() || side.is_outer() {
            return;
        }
        for key in side.keys(self) {
            self.record_key(filter, &key, test);
        }
    }

    fn record_key(&mut self, filter: &Filter, key: &Key, test: &Test) {
        if !filter.allows(key.relation()) {
            return;
        }
        let predicate = Predicate {
            operand: key.operand(),
            test: test.clone(),
            arms: filter.arms.clone(),
        };
        self.at_relation(key.relation(), |relation| {
            relation.predicates.push(predicate);
        });
    }

    /// `left operator right`
    pub fn compare(
        &mut self,
        left: &Expr,
        operator: &str,
        right: &Expr,
        filter: Option<&Filter>,
        negated: bool,
    ) {
        if let (Some(lefts), Some(rights)) = (row(left), row(right))
            && lefts.len() == rights.len()
        {
            return self.compare_rows(&lefts, operator, &rights, filter, negated);
        }
        self.expr(left);
        self.expr(right);
        let (l, r) = (Side::new(self, left), Side::new(self, right));
        let commuted = classify::commuted(operator);
        let position = classify::position(operator);
        self.tie(&r, &l, operator, position);
        self.tie(&l, &r, commuted, position);
        let Some(filter) = filter else { return };
        match (l.columns.is_empty(), r.columns.is_empty()) {
            (false, true) => {
                let test = classify::test(operator, r.value(), negated);
                self.record(filter, &l, &test);
            }
            (true, false) => {
                let test = classify::test(commuted, l.value(), negated);
                self.record(filter, &r, &test);
            }
            (false, false) => self.relate(&l, operator, &r, filter, negated),
            (true, true) => {}
        }
    }

    /// A condition with columns on both sides.
    fn relate(
        &mut self,
        l: &Side<'_>,
        operator: &str,
        r: &Side<'_>,
        filter: &Filter,
        negated: bool,
    ) {
        let (lefts, rights) = (l.relations(), r.relations());
        if lefts.iter().any(|relation| rights.contains(relation)) {
            if lefts == rights {
                self.record(filter, l, &classify::other(operator));
            }
            return;
        }
        let (left_keys, right_keys) = (l.keys(self), r.keys(self));
        let commuted = classify::commuted(operator);
        let effective = if negated {
            classify::negated(operator)
        } else {
            Some(operator)
        };
        if left_keys.is_empty() || right_keys.is_empty() {
            let test = classify::test(operator, r.value(), negated);
            self.record(filter, l, &test);
            let test = classify::test(commuted, l.value(), negated);
            self.record(filter, r, &test);
            return;
        }
        let Some(operator) = effective else { return };
        for left in &left_keys {
            for right in &right_keys {
                self.edge(l, left, operator, r, right, filter);
            }
        }
    }

    fn edge(
        &mut self,
        l: &Side<'_>,
        left: &Key,
        operator: &str,
        r: &Side<'_>,
        right: &Key,
        filter: &Filter,
    ) {
        let (kind, swap) = match (l.is_outer(), r.is_outer()) {
            (false, false) => (filter.join, false),
            (true, false) => (self.correlation(), false),
            (false, true) => (self.correlation(), true),
            (true, true) => return,
        };
        let (left, operator, right) = if swap {
            (right, classify::commuted(operator), left)
        } else {
            (left, operator, right)
        };
        self.facts.joins.push(JoinEdge {
            left: left.clone(),
            right: right.clone(),
            operator: operator.to_owned(),
            kind,
            arms: filter.arms.clone(),
        });
    }

    fn compare_rows(
        &mut self,
        lefts: &[&Expr],
        operator: &str,
        rights: &[&Expr],
        filter: Option<&Filter>,
        negated: bool,
    ) {
        let equality = operator == "=" && !negated;
        let inner = if equality { filter } else { None };
        for (left, right) in lefts.iter().zip(rights) {
            self.compare(left, operator, right, inner, false);
        }
        let Some(comparison) = classify::comparison(operator) else {
            return;
        };
        let comparison = if negated {
            comparison.negated()
        } else {
            comparison
        };
        if let Some(filter) = filter {
            self.record_row(filter, lefts, comparison, rights);
            self.record_row(filter, rights, comparison.commuted(), lefts);
        }
    }

    /// A row comparison where `fields` are columns of one relation and `bounds` do not depend on it.
    fn record_row(
        &mut self,
        filter: &Filter,
        fields: &[&Expr],
        operator: super::Comparison,
        bounds: &[&Expr],
    ) {
        let mut relation = None;
        let mut columns = Vec::new();
        for field in fields {
            let side = Side::new(self, field);
            match side.key(self) {
                Some(Key::Column(column))
                    if !side.is_outer() && relation.is_none_or(|one| one == column.relation) =>
                {
                    relation = Some(column.relation);
                    columns.push(column.column);
                }
                _ => return,
            }
        }
        let (Some(relation), Some(first)) = (relation, columns.first()) else {
            return;
        };
        let sides: Vec<_> = bounds.iter().map(|bound| Side::new(self, bound)).collect();
        if sides
            .iter()
            .any(|side| side.relations().contains(&relation))
        {
            return;
        }
        let key = Key::Column(ColumnRef {
            relation,
            column: first.clone(),
        });
        let test = Test::Row {
            columns,
            operator,
            values: sides.iter().map(Side::value).collect(),
        };
        self.record_key(filter, &key, &test);
    }

    fn like(&mut self, expr: &Expr, filter: Option<&Filter>, negated: bool) {
        let (subject, pattern, escape, not, operator) = match expr {
            Expr::Like {
                negated,
                expr,
                pattern,
                escape_char,
                ..
            } => (expr, pattern, escape_char.as_deref(), *negated, "~~"),
            Expr::ILike {
                negated,
                expr,
                pattern,
                escape_char,
                ..
            } => (expr, pattern, escape_char.as_deref(), *negated, "~~*"),
            Expr::SimilarTo {
                negated,
                expr,
                pattern,
                escape_char,
            } => (
                expr,
                pattern,
                escape_char.as_deref(),
                *negated,
                "SIMILAR TO",
            ),
            Expr::RLike {
                negated,
                expr,
                pattern,
                ..
            } => (expr, pattern, None, *negated, "~"),
            _ => return,
        };
        let any = matches!(
            expr,
            Expr::Like { any: true, .. } | Expr::ILike { any: true, .. }
        );
        self.expr(subject);
        self.expr(pattern);
        if let Some(escape) = escape {
            self.expr(escape);
        }
        let (l, r) = (Side::new(self, subject), Side::new(self, pattern));
        self.tie(&r, &l, operator, Position::Pattern);
        let Some(filter) = filter else { return };
        let negated = negated != not;
        let test = if any {
            Test::Other {
                operator: format!("{operator} ANY"),
                value: Some(r.value()),
            }
        } else {
            classify::like(operator, r.value(), escape, negated)
        };
        self.record(filter, &l, &test);
    }

    /// Records that the parameters of `side` are compared with the column of `other`.
    pub fn tie(&mut self, side: &Side<'_>, other: &Side<'_>, operator: &str, position: Position) {
        if let Shape::Column(found) = &side.shape {
            self.carry(&found.parameters, other, operator);
        }
        if side.parameters.is_empty() || !side.columns.is_empty() || side.subquery {
            return;
        }
        let Some((source, expression)) = other.column(self) else {
            return;
        };
        let position = match side.shape {
            Shape::Parameter { .. } => position,
            _ => Position::Part,
        };
        self.compared(
            &side.parameters,
            &source,
            expression.as_deref(),
            operator,
            position,
        );
    }

    /// Records that parameters which a column of a list of rows or of a subquery carries are compared with the column
    /// of `other`.
    pub fn carry(&mut self, parameters: &[u32], other: &Side<'_>, operator: &str) {
        if let Some((source, expression)) = other.column(self) {
            let carried = Position::Carried;
            self.compared(
                parameters,
                &source,
                expression.as_deref(),
                operator,
                carried,
            );
        }
    }

    /// Records that parameters are compared with the column, or with an expression over it.
    pub fn compared(
        &mut self,
        parameters: &[u32],
        source: &ColumnRef,
        expression: Option<&str>,
        operator: &str,
        position: Position,
    ) {
        for number in parameters {
            let column = self.parameter_column(source, expression.map(str::to_owned));
            self.use_parameter(
                *number,
                ParameterUse::Compared {
                    column,
                    operator: operator.to_owned(),
                    position,
                },
            );
        }
    }
}

fn null_test(negated: bool) -> Test {
    if negated {
        Test::IsNotNull
    } else {
        Test::IsNull
    }
}
