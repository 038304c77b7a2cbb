//! Why an index is not advised.

use std::fmt;

use crate::format;
use crate::ids::QualifiedName;
use crate::units::{Bytes, Millis};

/// The index that was thought of.
#[derive(Debug, Clone, PartialEq)]
pub struct Refusal {
    /// The table.
    pub table: QualifiedName,
    /// The keys; empty where none was even looked for.
    pub columns: Vec<String>,
    /// Positions of the families that it was to help.
    pub families: Vec<usize>,
    /// Why not.
    pub reason: Reason,
}

/// Why not.
#[derive(Debug, Clone, PartialEq)]
pub enum Reason {
    /// So few rows that reading them all is as good.
    SmallTable {
        /// The planner's row count.
        rows: f64,
    },
    /// The planner knows nothing of the table, so neither its costs nor a formula say anything.
    NeverAnalyzed,
    /// The rows are elsewhere.
    ForeignTable,
    /// A table of the server's own.
    SystemTable,
    /// An index that is there has the same leading columns.
    Covered {
        /// Its name.
        by: QualifiedName,
    },
    /// A value of the column can exceed what a btree page takes.
    WideColumn {
        /// The column.
        column: String,
        /// Its mean width.
        width: Bytes,
    },
    /// The type has no order.
    NoOrder {
        /// The column.
        column: String,
        /// Its type.
        type_name: String,
    },
    /// The statement casts the column, so that an index on it does not serve.
    ComparedAs {
        /// The column.
        column: String,
        /// The type that it is cast to.
        type_name: String,
    },
    /// The planner would not use it, or it would save next to nothing.
    SavesLittle {
        /// The share of the statement's cost that it saves, 0..1.
        saved: f64,
    },
    /// With the parameter values that calls have, most rows of the table pass: another value would gain, these do not.
    KeepsMost {
        /// The share of rows that pass, 0..1.
        kept: f64,
    },
    /// With the parameter values that calls have, nearly all that the index in use finds passes: a further column would
    /// spare next to nothing, whatever the planner expects.
    FindsLittleMore {
        /// The share of the rows found that pass, 0..1.
        kept: f64,
    },
    /// Next to none of the measured time is spent on the table or on what is made of its rows.
    TakesLittle {
        /// The share of the execution time, 0..1.
        share: f64,
    },
    /// Keeping it up costs more than it saves.
    WritesCostMore {
        /// In which time.
        period: Period,
        /// Time that it saves.
        saved: Millis,
        /// Time that writes would take for it.
        cost: Millis,
    },
}

/// A time in which gains and costs are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Period {
    /// An hour.
    Hour,
    /// The window of the statements, where the table's writes cannot be told by the hour.
    Window,
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hour => "in an hour",
            Self::Window => "in the window",
        })
    }
}

impl Reason {
    /// What would make advice possible.
    pub fn remedy(&self, table: &QualifiedName) -> Option<String> {
        match self {
            Self::NeverAnalyzed => Some(format!("ANALYZE {table}")),
            _ => None,
        }
    }

    /// Whether a reader should hear of it: not where all is well as it is.
    pub const fn is_told(&self) -> bool {
        !matches!(
            self,
            Self::SmallTable { .. }
                | Self::Covered { .. }
                | Self::SavesLittle { .. }
                | Self::SystemTable
                | Self::KeepsMost { .. }
                | Self::FindsLittleMore { .. }
                | Self::TakesLittle { .. }
        )
    }

    /// Whether a bottleneck may hide behind it.
    pub const fn limits(&self) -> bool {
        matches!(self, Self::NeverAnalyzed)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { table, columns, .. } = self;
        if columns.is_empty() {
            write!(f, "no index is advised on {table}: ")?;
        } else {
            let quoted: Vec<_> = columns
                .iter()
                .map(|column| crate::ids::quote_ident(column))
                .collect();
            write!(
                f,
                "no index is advised on {table} ({}): ",
                quoted.join(", ")
            )?;
        }
        self.reason.fmt(f)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SmallTable { rows } => write!(f, "it has {} rows", format::count(*rows)),
            Self::NeverAnalyzed => f.write_str("it was never analysed, so its costs are guesses"),
            Self::ForeignTable => {
                f.write_str("it is a foreign table; look at the server that holds it")
            }
            Self::SystemTable => f.write_str("it is a system table"),
            Self::Covered { by } => write!(f, "{by} has these leading columns"),
            Self::WideColumn { column, width } => write!(
                f,
                "{column} is {} wide on average and a btree key must fit a third of a page; index a hash of it, or use another method",
                format::bytes(*width)
            ),
            Self::NoOrder { column, type_name } => {
                write!(f, "{column} is of type {type_name}, which has no order")
            }
            Self::ComparedAs { column, type_name } => write!(
                f,
                "the statement compares {column} as {type_name}; give the value the column's type"
            ),
            Self::SavesLittle { saved } => write!(
                f,
                "it saves {} of the statement's cost",
                format::percent(*saved)
            ),
            Self::KeepsMost { kept } => write!(
                f,
                "{} of the rows pass with the values of most calls; rare values would gain",
                format::percent(*kept)
            ),
            Self::FindsLittleMore { kept } => write!(
                f,
                "{} of the rows that an index finds already pass with the values of most calls",
                format::percent(*kept)
            ),
            Self::TakesLittle { share } => write!(
                f,
                "{} of the measured time is spent on it and on what is made of its rows",
                format::percent(*share)
            ),
            Self::WritesCostMore {
                period,
                saved,
                cost,
            } => write!(
                f,
                "{period} it saves {} and writes would take {} longer",
                format::duration(*saved),
                format::duration(*cost)
            ),
        }
    }
}
