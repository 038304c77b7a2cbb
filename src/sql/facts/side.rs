//! The two sides of a comparison: what they depend on.

use sqlparser::ast::{Expr, UnaryOperator, Value as SqlValue};

use super::analyzer::Analyzer;
use super::expression::is_aggregate;
use super::predicate::{Expression, Key, Literal, Value};
use super::{children, render};
use crate::sql::scope::{ColumnRef, Found, folded};

/// What an expression is, as a side of a comparison.
#[derive(Debug)]
pub enum Shape {
    Column(Found),
    Parameter { number: u32, cast: Option<String> },
    Literal(Literal),
    Other,
}

/// Larger operands are not looked into: a chain of comparisons would be read again at each of its links.
const MAX_NODES: usize = 400;

/// Longer than any index expression that is worth it.
const MAX_RENDERED: usize = 60;

/// An expression and what it depends on.
#[derive(Debug)]
pub struct Side<'e> {
    pub expr: &'e Expr,
    pub shape: Shape,
    /// Every column in it, in order of appearance.
    pub columns: Vec<Found>,
    /// Every parameter in it.
    pub parameters: Vec<u32>,
    pub subquery: bool,
    pub aggregate: bool,
    nodes: usize,
}

/// The number of a placeholder.
pub fn parameter(expr: &Expr) -> Option<u32> {
    match expr {
        Expr::Value(value) => match &value.value {
            SqlValue::Placeholder(name) => name.strip_prefix('$')?.parse().ok(),
            _ => None,
        },
        Expr::Nested(inner) => parameter(inner),
        _ => None,
    }
}

fn literal(value: &SqlValue) -> Option<Literal> {
    Some(match value {
        SqlValue::Number(digits, _) => Literal::Number(digits.clone()),
        SqlValue::Boolean(truth) => Literal::Boolean(*truth),
        SqlValue::Null => Literal::Null,
        SqlValue::Placeholder(_) => return None,
        other => Literal::Text(other.clone().into_string()?),
    })
}

fn shape(analyzer: &Analyzer<'_>, expr: &Expr) -> Shape {
    match expr {
        Expr::Nested(inner) => shape(analyzer, inner),
        Expr::Identifier(_) | Expr::CompoundIdentifier(_) => {
            analyzer.resolve(expr).map_or(Shape::Other, Shape::Column)
        }
        Expr::Value(value) => match (parameter(expr), literal(&value.value)) {
            (Some(number), _) => Shape::Parameter { number, cast: None },
            (None, Some(literal)) => Shape::Literal(literal),
            _ => Shape::Other,
        },
        Expr::TypedString(typed) => {
            literal(&typed.value.value).map_or(Shape::Other, Shape::Literal)
        }
        Expr::Interval(interval) => match shape(analyzer, &interval.value) {
            Shape::Parameter { number, .. } => Shape::Parameter {
                number,
                cast: Some("interval".to_owned()),
            },
            Shape::Literal(literal) => Shape::Literal(literal),
            _ => Shape::Other,
        },
        Expr::Cast {
            expr, data_type, ..
        } => match shape(analyzer, expr) {
            Shape::Parameter { number, .. } => Shape::Parameter {
                number,
                cast: Some(data_type.to_string()),
            },
            Shape::Literal(literal) => Shape::Literal(literal),
            _ => Shape::Other,
        },
        Expr::UnaryOp {
            op: UnaryOperator::Minus,
            expr,
        } => match shape(analyzer, expr) {
            Shape::Literal(Literal::Number(digits)) => {
                Shape::Literal(Literal::Number(format!("-{digits}")))
            }
            _ => Shape::Other,
        },
        _ => Shape::Other,
    }
}

impl<'e> Side<'e> {
    pub fn new(analyzer: &Analyzer<'_>, expr: &'e Expr) -> Self {
        let mut side = Self {
            expr,
            shape: shape(analyzer, expr),
            columns: Vec::new(),
            parameters: Vec::new(),
            subquery: false,
            aggregate: false,
            nodes: 0,
        };
        side.collect(analyzer, expr);
        side
    }

    fn collect(&mut self, analyzer: &Analyzer<'_>, expr: &'e Expr) {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            return;
        }
        match expr {
            Expr::Identifier(_) | Expr::CompoundIdentifier(_) => {
                self.columns.extend(analyzer.resolve(expr));
            }
            Expr::Value(_) => self.parameters.extend(parameter(expr)),
            _ => {
                self.subquery |= children::subquery(expr).is_some();
                self.aggregate |= is_aggregate(expr);
                children::each(expr, &mut |child| self.collect(analyzer, child));
            }
        }
    }

    /// The relation uses in it, each once.
    pub fn relations(&self) -> Vec<usize> {
        let mut relations: Vec<_> = self
            .columns
            .iter()
            .flat_map(|found| &found.sources)
            .map(|source| source.relation)
            .collect();
        relations.sort_unstable();
        relations.dedup();
        relations
    }

    /// Whether all of its columns are of outer levels.
    pub fn is_outer(&self) -> bool {
        self.columns.iter().all(|found| found.up > 0)
    }

    /// What it is for a relation that it does not depend on.
    pub fn value(&self) -> Value {
        match &self.shape {
            Shape::Parameter { number, cast } => Value::Parameter {
                number: *number,
                cast: cast.clone(),
            },
            Shape::Literal(literal) => Value::Literal(literal.clone()),
            _ if self.subquery => Value::Subquery,
            _ if !self.columns.is_empty() => Value::Outer {
                relations: self.relations(),
            },
            _ => Value::Expression {
                parameters: self.parameters.clone(),
            },
        }
    }

    /// The columns or the expression that it is, by relation use: several when a column comes out of a set operation.
    /// None when conditions on it do not reach a relation.
    pub fn keys(&self, analyzer: &Analyzer<'_>) -> Vec<Key> {
        if self.aggregate || self.subquery || self.nodes > MAX_RENDERED {
            return Vec::new();
        }
        if let Shape::Column(found) = &self.shape {
            let sources = found.pushable.then_some(found.sources.as_slice());
            return sources
                .unwrap_or_default()
                .iter()
                .cloned()
                .map(Key::Column)
                .collect();
        }
        self.expression(analyzer)
            .map(|(relation, expression)| Key::Expression {
                relation,
                expression,
            })
            .into_iter()
            .collect()
    }

    /// The one key that it is.
    pub fn key(&self, analyzer: &Analyzer<'_>) -> Option<Key> {
        match <[Key; 1]>::try_from(self.keys(analyzer)) {
            Ok([key]) => Some(key),
            Err(_) => None,
        }
    }

    fn expression(&self, analyzer: &Analyzer<'_>) -> Option<(usize, Expression)> {
        let sources = self.single_sources()?;
        let first = sources.first()?.relation;
        let same = sources.iter().all(|source| source.relation == first);
        let reached = self.columns.iter().all(|found| found.pushable);
        if !same || !reached {
            return None;
        }
        Some((first, self.render(analyzer, &sources)))
    }

    fn single_sources(&self) -> Option<Vec<&ColumnRef>> {
        self.columns
            .iter()
            .map(|found| match found.sources.as_slice() {
                [only] => Some(only),
                _ => None,
            })
            .collect()
    }

    fn render(&self, analyzer: &Analyzer<'_>, sources: &[&ColumnRef]) -> Expression {
        let mut columns: Vec<String> = Vec::new();
        for source in sources {
            if !columns.contains(&source.column) {
                columns.push(source.column.clone());
            }
        }
        Expression {
            text: render::unqualified(self.expr, &analyzer.scopes),
            columns,
            parameters: self.parameters.clone(),
            cast: cast(self.expr),
        }
    }

    /// The one column that it is, or is computed from, with the expression when it is computed. For parameters: what
    /// lies between does not matter.
    pub fn column(&self, analyzer: &Analyzer<'_>) -> Option<(ColumnRef, Option<String>)> {
        let source = self.columns.first()?.sources.first()?.clone();
        if let Shape::Column(_) = self.shape {
            return Some((source, None));
        }
        let one = self
            .columns
            .iter()
            .all(|found| found.sources.first() == Some(&source));
        if !one || self.subquery || self.aggregate || self.nodes > MAX_RENDERED {
            return None;
        }
        Some((
            source,
            Some(render::unqualified(self.expr, &analyzer.scopes)),
        ))
    }
}

/// The type that a bare column is cast to.
fn cast(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Nested(inner) => cast(inner),
        Expr::Cast {
            expr, data_type, ..
        } if name_parts(expr).is_some() => Some(data_type.to_string().to_ascii_lowercase()),
        _ => None,
    }
}

/// The dotted name of an identifier expression, folded.
pub fn name_parts(expr: &Expr) -> Option<Vec<String>> {
    match expr {
        Expr::Identifier(ident) => Some(vec![folded(ident)]),
        Expr::CompoundIdentifier(idents) => Some(idents.iter().map(folded).collect()),
        Expr::Nested(inner) => name_parts(inner),
        _ => None,
    }
}
