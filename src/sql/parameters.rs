//! Where a statement uses its parameters: enough to choose a value of the right type, and a typical one.

mod fallback;

use std::collections::BTreeMap;

use crate::sql::facts::facts;
use crate::sql::parse::parse;
use crate::sql::scope::CatalogNames;

pub use fallback::from_tokens;

/// A column that a parameter is used with.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ParameterColumn {
    /// The relation's schema: the catalog's where it is known, else as written.
    pub schema: Option<String>,
    /// The relation's name, never an alias. `None` when it cannot be told.
    pub table: Option<String>,
    /// The column's name, unquoted.
    pub column: String,
    /// The SQL expression over the column, unqualified, that the parameter is really compared with (`lower(email)`).
    /// `None` for the bare column.
    pub expression: Option<String>,
}

/// What part of the compared thing the parameter is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Position {
    /// The whole value: `column = $1`.
    Value,
    /// One of a list: `column IN ($1, $2)`, `= ANY (ARRAY[$1])`.
    Element,
    /// An array of such values: `column = ANY ($1)`.
    Array,
    /// A pattern: `LIKE`, `ILIKE`, `SIMILAR TO`, a regular expression.
    Pattern,
    /// An element of the column, which is an array: `$1 = ANY (column)`.
    ColumnElement,
    /// Part of an expression that is compared: `column > now() - $1`. The value need not be of the column's type.
    Part,
    /// The whole value, out of a column of a list of rows or of a subquery: `FROM (VALUES ($1)) v (id) WHERE column =
    /// v.id`. Where nothing else tells its type, the server takes it for text.
    Carried,
}

/// One use of a parameter.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum ParameterUse {
    /// Compared with a column.
    Compared {
        /// The column.
        column: ParameterColumn,
        /// The operator as if the column stood at its left: `=`, `<`, `~~` (`LIKE`), `@>` …
        operator: String,
        /// What the parameter is in that.
        position: Position,
    },
    /// Stored into a column by `INSERT`, `UPDATE` or `MERGE`.
    Assigned {
        /// The column.
        column: ParameterColumn,
        /// [`Position::Value`], or [`Position::Part`] of an expression.
        position: Position,
    },
    /// The row count of `LIMIT` or `FETCH FIRST`.
    Limit,
    /// The row count of `OFFSET`.
    Offset,
    /// Cast explicitly: `$1::int`, `CAST($1 AS int)`, `interval $1`. The type as written.
    Cast(String),
    /// Argument of a function, counted from 0.
    Argument {
        /// The function's name without its schema, in lower case.
        function: String,
        /// Which one.
        index: usize,
    },
    /// Key of `->`, `->>`, `#>`, `#>>` or `?` on a JSON value.
    JsonKey {
        /// The JSON column, when it is one.
        column: Option<ParameterColumn>,
        /// The operator.
        operator: String,
    },
    /// A bare item of a select list.
    Selected,
}

/// The uses of each parameter, by number. A parameter whose use could not be told has none.
pub type Parameters = BTreeMap<u32, Vec<ParameterUse>>;

/// The uses of every parameter of `text`: from its tree, or where it does not parse, from its tokens.
pub fn parameters(text: &str, catalog: &dyn CatalogNames) -> Parameters {
    match parse(text) {
        Ok(statement) => facts(&statement, catalog).parameters,
        Err(_) => from_tokens(text, catalog),
    }
}
