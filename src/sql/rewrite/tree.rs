//! A statement written differently through its syntax tree: the same rows by another plan.
//!
//! Every function here either proves that what it writes returns what the statement returns, NULLs and duplicates
//! included, or says by an [`Obstacle`] why it cannot. What the proof takes for granted about parameters is told by
//! [`Assumption`]s. An error that only one of both raises, because a value lies at the limit of its type, is no
//! difference.

mod catalog;
mod condition;
mod constant;
mod element;
mod keyset;
mod layout;
mod not_in;
mod range;
mod sargable;
mod scalar;
mod shift;
mod sources;
mod types;
mod union;
mod volatile;

use std::fmt;

use sqlparser::ast::{self, Expr};
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::Token as Cut;

pub use catalog::{ColumnFacts, TableFacts, Tables};
pub use element::contained;
pub use keyset::{Keyset, keyset};
pub use not_in::not_exists;
pub use sargable::sargable;
pub use scalar::joined;
pub use types::uncast;
pub use union::union_all;

use crate::ids::QualifiedName;
use crate::sql::lexer::{TokenKind, redacted_tokens};
use crate::sql::parse::Statement;
use crate::sql::redact;

/// A statement for the same rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rewrite {
    /// The whole statement, on several lines where it is long.
    pub text: String,
    /// What must hold of its values; empty where nothing must.
    pub assumes: Vec<Assumption>,
}

/// What must hold of a value for both statements to return the same rows. Displays as a condition: `$1 is finite`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Assumption {
    /// A date or timestamp is not `infinity` or `-infinity`.
    Finite(String),
    /// A number is a whole year of the common era.
    Year(String),
    /// A unit of time is one that `interval` knows too: all of `date_trunc()` but `quarter`.
    IntervalUnit(String),
    /// A number is whole.
    Whole(String),
    /// A number is within a type's range.
    Within {
        /// The number.
        value: String,
        /// The type.
        type_name: String,
    },
    /// A count is 1.
    One(String),
    /// A text is spelled as the server prints values of a type.
    Printed {
        /// The text.
        value: String,
        /// The type.
        type_name: String,
    },
}

impl Assumption {
    /// With values as the rewrite shows them.
    fn into_written(self) -> Self {
        let shown = |value: String| layout::laid_out(&value);
        match self {
            Self::Finite(value) => Self::Finite(shown(value)),
            Self::Year(value) => Self::Year(shown(value)),
            Self::IntervalUnit(value) => Self::IntervalUnit(shown(value)),
            Self::Whole(value) => Self::Whole(shown(value)),
            Self::One(value) => Self::One(shown(value)),
            Self::Within { value, type_name } => Self::Within {
                value: shown(value),
                type_name,
            },
            Self::Printed { value, type_name } => Self::Printed {
                value: shown(value),
                type_name,
            },
        }
    }
}

impl fmt::Display for Assumption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Finite(value) => write!(f, "{value} is finite"),
            Self::Year(value) => write!(f, "{value} is a whole year from 1 on"),
            Self::IntervalUnit(value) => write!(f, "{value} is not 'quarter'"),
            Self::One(value) => write!(f, "{value} is 1"),
            Self::Whole(value) => write!(f, "{value} is a whole number"),
            Self::Within { value, type_name } => write!(f, "{value} is within {type_name}"),
            Self::Printed { value, type_name } => {
                write!(
                    f,
                    "{value} is spelled as the server prints values of type {type_name}"
                )
            }
        }
    }
}

/// Why a statement is not written differently.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Obstacle {
    /// The text has grammar that the syntax tree does not give back.
    #[error("the statement has grammar that is not understood")]
    Grammar,
    /// The statement has no condition or expression of the kind.
    #[error("the statement has nothing of the kind")]
    Absent,
    /// The other side of a comparison is not known to stay the same while the statement runs, or its type is not known.
    #[error("{0} is not known to be one value of a type that fits")]
    Value(String),
    /// A function or operator around a column whose values do not form a range of it.
    #[error("{0} is no range of the column")]
    NoRange(String),
    /// A comparison that no range expresses.
    #[error("{0} is no comparison that a range expresses")]
    Comparison(String),
    /// A unit of time that is not known.
    #[error("the unit of {0} is not known")]
    Unit(String),
    /// A column whose type does not allow it.
    #[error("{column} is of type {type_name}")]
    Type {
        /// The column.
        column: String,
        /// Its type.
        type_name: String,
    },
    /// A function may give another value each time.
    #[error("{0} may give another value each time")]
    Volatile(String),
    /// A column that may be NULL.
    #[error("{0} may be NULL")]
    Nullable(String),
    /// No unique key makes sure of a single row.
    #[error("no unique key of {0} makes sure of one row")]
    NotUnique(String),
    /// A name that is not known to belong to one relation.
    #[error("{0} is not known to be a column of one table")]
    Unresolved(String),
    /// A clause that the rewrite would have to keep and cannot.
    #[error("the query has {0}")]
    Clause(&'static str),
}

impl Obstacle {
    /// With expressions as a rewrite would show them.
    fn into_written(self) -> Self {
        let shown = |text: String| layout::laid_out(&text);
        match self {
            Self::Value(text) => Self::Value(shown(text)),
            Self::NoRange(text) => Self::NoRange(shown(text)),
            Self::Comparison(text) => Self::Comparison(shown(text)),
            Self::Unit(text) => Self::Unit(shown(text)),
            Self::Volatile(text) => Self::Volatile(shown(text)),
            Self::Unresolved(text) => Self::Unresolved(shown(text)),
            other => other,
        }
    }
}

/// The columns that a rewrite is to free.
#[derive(Debug, Clone, Copy)]
pub struct Target<'t> {
    /// Their table.
    pub table: &'t QualifiedName,
    /// Their names.
    pub columns: &'t [String],
}

impl Target<'_> {
    fn is(&self, table: &QualifiedName, column: &str) -> bool {
        self.table == table && self.columns.iter().any(|name| name == column)
    }
}

/// Rewrites a copy of the statement's tree, on a stack that is large enough for it.
fn of_copy<R>(
    statement: &Statement,
    rewrite: impl FnOnce(ast::Statement) -> Result<R, Obstacle>,
) -> Result<R, Obstacle> {
    let done = statement.on_stack(|| rewrite(copy(statement)?));
    done.map_err(Obstacle::into_written)
}

/// A copy of the tree, if it says all that the text says.
fn copy(statement: &Statement) -> Result<ast::Statement, Obstacle> {
    let tree = statement.tree().ok_or(Obstacle::Grammar)?;
    let given_back = words(&tree.to_string());
    let paged = ["limit", "offset"].map(|word| given_back.iter().any(|given| given == word));
    let written = |text: &str| {
        let given = words(text);
        // The tree does not keep which of LIMIT and OFFSET comes first.
        given == given_back || paged == [true, true] && sorted(given) == sorted(given_back.clone())
    };
    let faithful = written(statement.text())
        || super::repair(statement.text())
            .iter()
            .any(|repaired| written(&repaired.text));
    if faithful {
        Ok(tree.clone())
    } else {
        Err(Obstacle::Grammar)
    }
}

fn sorted(mut words: Vec<String>) -> Vec<String> {
    words.sort();
    words
}

/// Words that the grammar lets out or that the tree does not keep, without another meaning.
const NOISE: [&str; 4] = ["as", "asc", "inner", "outer"];

/// What is said, however it is spelled.
fn words(text: &str) -> Vec<String> {
    redacted_tokens(text)
        .filter(|token| !token.is_trivia() && token.text != ";")
        .filter(|token| !NOISE.iter().any(|noise| token.is_word(noise)))
        .map(|token| match token.kind {
            TokenKind::Word if token.is_word("next") => "first".to_owned(),
            TokenKind::Word if token.is_word("row") => "rows".to_owned(),
            TokenKind::Word => token.text.to_lowercase(),
            TokenKind::Operator if token.text == "!=" => "<>".to_owned(),
            TokenKind::String(_) => token
                .string_value()
                .filter(|value| redact::is_token(value))
                .unwrap_or_else(|| token.text.to_owned()),
            _ => token.text.to_owned(),
        })
        .collect()
}

/// The finished statement.
fn written(tree: &ast::Statement, assumes: Vec<Assumption>) -> Rewrite {
    let mut assumes: Vec<Assumption> = assumes.into_iter().map(Assumption::into_written).collect();
    assumes.sort();
    assumes.dedup();
    Rewrite {
        text: layout::laid_out(&tree.to_string()),
        assumes,
    }
}

/// `text` as an expression.
fn expression(text: &str) -> Result<Expr, Obstacle> {
    let parsed = Parser::new(&PostgreSqlDialect {})
        .try_with_sql(text)
        .and_then(|mut parser| {
            let expr = parser.parse_expr()?;
            parser.expect_token(&Cut::EOF)?;
            Ok(expr)
        });
    parsed.map_err(|_| Obstacle::Grammar)
}

/// What is inside of parentheses.
fn bare(expr: &Expr) -> &Expr {
    match expr {
        Expr::Nested(inner) => bare(inner),
        other => other,
    }
}

/// `expr` as an operand of any operator.
fn operand(expr: &Expr) -> String {
    match bare(expr) {
        simple @ (Expr::Identifier(_)
        | Expr::CompoundIdentifier(_)
        | Expr::Value(_)
        | Expr::Function(_)
        | Expr::Cast { .. }
        | Expr::TypedString(_)
        | Expr::Interval(_)
        | Expr::Extract { .. }
        | Expr::Subquery(_)) => simple.to_string(),
        other => format!("({other})"),
    }
}

#[cfg(test)]
mod tests;
