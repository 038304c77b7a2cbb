//! `IN`, `ANY` and `ALL`, over lists, arrays and subqueries.

use sqlparser::ast::{Expr, Query};

use super::analyzer::{Analyzer, Filter};
use super::condition::row;
use super::predicate::{Elements, Key, Test};
use super::side::{Shape, Side};
use super::{JoinEdge, JoinType, LevelRole, classify};
use crate::sql::parameters::{ParameterUse, Position};

impl Analyzer<'_> {
    pub fn in_list(&mut self, left: &Expr, list: &[&Expr], filter: Option<&Filter>, negated: bool) {
        if let Some(fields) = row(left) {
            let rows: Vec<_> = list.iter().filter_map(|element| row(element)).collect();
            for (index, field) in fields.iter().enumerate() {
                let column: Vec<_> = rows
                    .iter()
                    .filter_map(|row| row.get(index).copied())
                    .collect();
                // One field out of the list says nothing about a whole row that must not be in it.
                let filter = filter.filter(|_| !negated && column.len() == list.len());
                self.in_list(field, &column, filter, negated);
            }
            return;
        }
        self.expr(left);
        let side = Side::new(self, left);
        let mut values = Vec::with_capacity(list.len());
        let mut independent = true;
        for element in list {
            self.expr(element);
            let other = Side::new(self, element);
            self.tie(&other, &side, "=", Position::Element);
            self.tie(&side, &other, "=", Position::Value);
            independent &= !other
                .relations()
                .iter()
                .any(|relation| side.relations().contains(relation));
            values.push(other.value());
        }
        if let Some(filter) = filter {
            let test = match (independent, negated) {
                (false, _) => classify::other("IN"),
                (true, false) => Test::In(Elements::List(values)),
                (true, true) => Test::NotIn(Elements::List(values)),
            };
            self.record(filter, &side, &test);
        }
    }

    pub fn in_subquery(
        &mut self,
        left: &Expr,
        query: &Query,
        filter: Option<&Filter>,
        negated: bool,
    ) {
        let (role, kind) = if negated {
            (LevelRole::NotIn, JoinType::Anti)
        } else {
            (LevelRole::In, JoinType::Semi)
        };
        let fields = row(left).unwrap_or_else(|| vec![left]);
        for field in &fields {
            self.expr(field);
        }
        let result = self.subquery(query, role);
        for (field, column) in fields.iter().zip(&result.columns) {
            let side = Side::new(self, field);
            self.carry(&column.parameters, &side, "=");
            if let (Shape::Parameter { number, .. }, Some(source)) =
                (&side.shape, column.sources.first())
            {
                let column = self.parameter_column(source, None);
                self.use_parameter(
                    *number,
                    ParameterUse::Compared {
                        column,
                        operator: "=".to_owned(),
                        position: Position::Value,
                    },
                );
            }
            let Some(filter) = filter else { continue };
            for left in side.keys(self) {
                for source in &column.sources {
                    self.facts.joins.push(JoinEdge {
                        left: left.clone(),
                        right: Key::Column(source.clone()),
                        operator: "=".to_owned(),
                        kind,
                        arms: filter.arms.clone(),
                    });
                }
            }
        }
    }

    pub fn any(
        &mut self,
        left: &Expr,
        operator: &str,
        right: &Expr,
        filter: Option<&Filter>,
        negated: bool,
    ) {
        let right = classify::bare(right);
        if let (Expr::Subquery(query), "=") = (right, operator) {
            return self.in_subquery(left, query, filter, negated);
        }
        if let (Expr::Array(array), "=") = (right, operator) {
            let elements: Vec<_> = array.elem.iter().collect();
            return self.in_list(left, &elements, filter, negated);
        }
        self.quantified(left, operator, right);
        let Some(filter) = filter else { return };
        let (l, r) = (Side::new(self, left), Side::new(self, right));
        if l.columns.is_empty() {
            let test = match (operator, negated) {
                ("=", false) => Test::HasElement(l.value()),
                _ => classify::other("ANY"),
            };
            self.record(filter, &r, &test);
        } else {
            let test = match (operator, negated) {
                ("=", false) => Test::In(Elements::Array(r.value())),
                ("=", true) => Test::NotIn(Elements::Array(r.value())),
                _ => Test::Other {
                    operator: format!("{operator} ANY"),
                    value: Some(r.value()),
                },
            };
            self.record(filter, &l, &test);
        }
    }

    pub fn all(
        &mut self,
        left: &Expr,
        operator: &str,
        right: &Expr,
        filter: Option<&Filter>,
        negated: bool,
    ) {
        let right = classify::bare(right);
        match (right, operator) {
            (Expr::Subquery(query), "<>") => {
                return self.in_subquery(left, query, filter, !negated);
            }
            (Expr::Array(array), "<>") => {
                let elements: Vec<_> = array.elem.iter().collect();
                return self.in_list(left, &elements, filter, !negated);
            }
            _ => {}
        }
        self.quantified(left, operator, right);
        let Some(filter) = filter else { return };
        let (l, r) = (Side::new(self, left), Side::new(self, right));
        let elements = Elements::Array(r.value());
        let test = match (operator, negated) {
            ("<>", false) => Test::NotIn(elements),
            ("<>", true) => Test::In(elements),
            _ => classify::other("ALL"),
        };
        self.record(filter, &l, &test);
    }

    fn quantified(&mut self, left: &Expr, operator: &str, right: &Expr) {
        self.expr(left);
        self.expr(right);
        let (l, r) = (Side::new(self, left), Side::new(self, right));
        self.tie(&r, &l, operator, Position::Array);
        self.tie(&l, &r, operator, Position::ColumnElement);
    }
}
