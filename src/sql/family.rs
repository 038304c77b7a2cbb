//! Families: statements that differ only in what a program's libraries vary.
//!
//! `pg_stat_statements` keeps one row for every spelling of a statement: every length of an IN list, every alias that
//! an ORM numbers, every order of predicates. A [`Fingerprint`] is the canonical text of the shape behind them. Alike
//! are
//!
//! * white space, comments, letter case of keywords and unquoted identifiers, quotes around identifiers that need none,
//!   a closing `;`;
//! * constants and parameters, their numbers and casts (`$1::integer`, `date '…'`, `-1`, TRUE, NULL as a value): all
//!   are `?`;
//! * lists of constants of any length, one included: `IN ($1)`, `IN ($1, $2)`, `IN ($1 /*, ... */)`, `= ANY($1)`,
//!   `= ANY(ARRAY[$1, $2])` are `IN (?…)`. A plain `= $1` is another family: it is planned as one value, and it is what
//!   loops consist of;
//! * the rows of VALUES, where they have one shape; equal branches of CASE; equal operands of OR from two on
//!   (`a = ? OR …`);
//! * aliases of tables, output columns (where nothing refers to them by name), and the qualification of columns where
//!   one relation is in scope;
//! * the order of AND and OR operands and of SET assignments, the sides of comparisons (`$1 < x` is `x > ?`), `!=`,
//!   redundant parentheses;
//! * optional words: AS, INNER, OUTER, ASC, ALL, the default NULLS order; FETCH FIRST and LIMIT; `CAST(x AS int)` and
//!   `x::integer`.
//!
//! All else is kept: tables with their schemas, columns, operators, joins and their order, the select list, ORDER BY
//! with its directions, DISTINCT, whether there is a LIMIT or a predicate.
//!
//! What is declared, fetched and moved by cursors is alike whatever their names.
//!
//! Where the text does not parse, and for commands that are not planned, the tokens alone are normalised: constants,
//! lists, rows, case and white space.

mod expression;
mod output;
mod pretty;
mod relations;
mod shape;
mod tree;

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use pretty::pretty;

use super::cursor;
use super::lexer::{Open, redacted_tokens};
use super::mentions::Mentions;

/// The canonical text of a statement's shape. Equal for all members of a family; ordered, so that output has one order.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// The canonical text, on one line.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Sixteen hexadecimal digits that stay the same from run to run, see [`id_of`].
    ///
    /// For display and file names; compare fingerprints themselves.
    pub fn id(&self) -> String {
        id_of(&self.0)
    }
}

/// Sixteen hexadecimal digits of a fingerprint's text: FNV-1a (64 bits, offset basis `cbf29ce484222325`, prime
/// `100000001b3`).
pub fn id_of(text: &str) -> String {
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{hash:016x}")
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a fingerprint was made from tokens alone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokensReason {
    /// Not one of SELECT, VALUES, TABLE, INSERT, UPDATE, DELETE, MERGE.
    #[error("the statement is a utility command")]
    Utility,
    /// More than one statement.
    #[error("the text holds several statements")]
    Several,
    /// The text ends inside of a literal, an identifier or a comment.
    #[error("the text is cut off")]
    CutOff(Open),
    /// More levels of parentheses or more operators than are read as a tree.
    #[error("the statement is nested too deep")]
    TooComplex,
    /// The parser's own message.
    #[error("the statement does not parse: {0}")]
    Syntax(String),
}

/// What a fingerprint was made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ShapeBasis {
    /// The syntax tree.
    Parsed,
    /// The tokens alone: aliases, predicate order and qualification still tell members apart.
    Tokens {
        /// Why there is no tree.
        reason: TokensReason,
    },
}

/// A statement's canonical shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape {
    /// What all members of the family share.
    pub fingerprint: Fingerprint,
    /// What it was made from.
    pub basis: ShapeBasis,
}

/// Finds the family of a text.
#[derive(Debug, Clone, Copy)]
pub struct Family;

impl Family {
    /// The shape of `text`, which may be as written, normalised by `pg_stat_statements`, or redacted. Any text has one.
    pub fn of(text: &str) -> Shape {
        if let Some(text) = unnamed(text) {
            return Shape {
                fingerprint: Fingerprint(text),
                basis: ShapeBasis::Tokens {
                    reason: TokensReason::Utility,
                },
            };
        }
        let shape = shape::Pieces::of(text);
        let canonical = match obstacle(text, &shape) {
            Some(reason) => Err(reason),
            None => tree::canonical(&shape.sql()).and_then(|canonical| {
                let restored = shape.lock().restored(canonical);
                restored.ok_or_else(|| TokensReason::Syntax("several locking clauses".to_owned()))
            }),
        };
        match canonical {
            Ok(canonical) => Shape {
                fingerprint: Fingerprint(canonical),
                basis: ShapeBasis::Parsed,
            },
            Err(reason) => Shape {
                fingerprint: Fingerprint(shape.text()),
                basis: ShapeBasis::Tokens { reason },
            },
        }
    }
}

/// What is done to a cursor, whatever its name: libraries give each cursor one of its own.
fn unnamed(text: &str) -> Option<String> {
    // A cursor for a cursor is no SQL, and may be as deep as a text is long.
    if let Some(cursor) = cursor::declared(text)
        && cursor::declared(cursor.query).is_none()
    {
        let query = Family::of(cursor.query).fingerprint;
        return Some(format!("declare ? cursor for {query}"));
    }
    cursor::fetched(text)?;
    let verb = redacted_tokens(text).find(|token| !token.is_trivia())?;
    Some(format!("{} ? from ?", verb.text.to_lowercase()))
}

/// What forbids building a tree.
fn obstacle(text: &str, shape: &shape::Pieces<'_>) -> Option<TokensReason> {
    let head = Mentions::of(text);
    if let Some(open) = head.unterminated {
        Some(TokensReason::CutOff(open))
    } else if head.several_statements {
        Some(TokensReason::Several)
    } else if !head.class.is_planned() {
        Some(TokensReason::Utility)
    } else if shape.is_too_complex() {
        Some(TokensReason::TooComplex)
    } else {
        None
    }
}

#[cfg(test)]
mod tests;
