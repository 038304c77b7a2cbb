//! What the catalog says of tables.

use crate::ids::QualifiedName;

/// A column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnFacts {
    /// The name, unquoted.
    pub name: String,
    /// The type as SQL writes it.
    pub type_name: String,
    /// Whether no row has NULL there.
    pub not_null: bool,
}

/// A table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableFacts {
    /// Schema and name.
    pub name: QualifiedName,
    /// Its columns in order.
    pub columns: Vec<ColumnFacts>,
    /// Columns that tell any two rows apart, of each key; rows with a NULL there aside. The primary key first.
    pub unique: Vec<Vec<String>>,
}

impl TableFacts {
    /// The column of that name.
    pub fn column(&self, name: &str) -> Option<&ColumnFacts> {
        self.columns.iter().find(|column| column.name == name)
    }
}

/// The tables of a database, by name.
pub trait Tables {
    /// The table that `name` means: in `schema`, or with `None` the first on the search path. `None` for what is no
    /// table, or is not known.
    fn facts(&self, schema: Option<&str>, name: &str) -> Option<TableFacts>;
}

/// A type by one of its names, without its modifier: `integer` for `int4`, `timestamp` for `timestamp(3) without time
/// zone`.
pub fn base_type(type_name: &str) -> String {
    let lower = type_name.to_lowercase();
    let (before, after) = match (lower.find('('), lower.find(')')) {
        (Some(open), Some(close)) if open < close => (
            lower.get(..open).unwrap_or_default(),
            lower.get(close + 1..).unwrap_or_default(),
        ),
        _ => (lower.as_str(), ""),
    };
    let name = format!("{before}{after}");
    let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
    let short = match name.strip_prefix("pg_catalog.").unwrap_or(&name) {
        "int" | "int4" | "integer" => "integer",
        "int8" | "bigint" => "bigint",
        "int2" | "smallint" => "smallint",
        "decimal" | "dec" | "numeric" => "numeric",
        "float8" | "float" | "double precision" => "double precision",
        "float4" | "real" => "real",
        "timestamp" | "timestamp without time zone" => "timestamp",
        "timestamptz" | "timestamp with time zone" => "timestamptz",
        "character varying" | "varchar" => "varchar",
        "bool" | "boolean" => "boolean",
        other => other,
    };
    short.to_owned()
}

/// Whether a type's values are whole numbers.
pub fn is_integer(base: &str) -> bool {
    matches!(base, "smallint" | "integer" | "bigint")
}
