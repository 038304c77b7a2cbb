//! What a reader must know to weigh the numbers, in words.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Serialize, Serializer};

use crate::snapshot::delta::WindowCaveat;

/// What a reader must know to weigh the numbers.
#[derive(Debug, Clone, PartialEq)]
pub enum Caveat {
    /// Files hold commands, which have no plan.
    LeftOut {
        /// What, and how often.
        what: BTreeMap<String, usize>,
    },
    /// Checks fire by other thresholds than they do by default.
    Thresholds {
        /// Each as the settings file has it, with its default.
        changed: Vec<String>,
    },
    /// Statements of files lack a part that only the program knows.
    Unfinished {
        /// Each with its place and the parameter that stands for the part.
        statements: Vec<String>,
    },
    /// Plans are those that production would have, with this exception.
    AsProduction {
        /// In what they may differ.
        limit: String,
    },
    /// The role is a superuser or may reach the server's files or programs.
    PrivilegedRole {
        /// The role.
        role: String,
    },
    /// Something limits the window.
    Window {
        /// What.
        limit: WindowCaveat,
        /// What would lift it, where that depends on the server.
        remedy: Option<String>,
    },
    /// `pg_stat_statements` has evicted nothing yet, but is about to.
    NearlyFull {
        /// Its entries.
        entries: i64,
        /// `pg_stat_statements.max`.
        max: i64,
        /// What would give it room.
        remedy: String,
    },
    /// Statements of other roles are hidden.
    HiddenStatements {
        /// Their share of the execution time, 0..1.
        share: f64,
        /// What would show them.
        remedy: Option<String>,
    },
    /// Statements that no parser understood and that are grouped by their tokens.
    Unparsed {
        /// How many.
        statements: usize,
        /// Their share of the execution time, 0..1.
        share: f64,
    },
    /// Counters that were reset or evicted within the window are left out.
    InvalidDeltas {
        /// How many statements.
        statements: usize,
        /// The first reason.
        reason: String,
    },
    /// The counters of tables were never reset on their own: they count from the server's first start, or from the
    /// creation of the database.
    TablesSinceStart {
        /// The server's first start, or the crash that cost it its statistics.
        at: Timestamp,
    },
    /// As [`Caveat::TablesSinceStart`], and so lately that loading the tables may be the most of their writes.
    TablesLoading {
        /// The server's first start, or the crash that cost it its statistics.
        at: Timestamp,
    },
    /// When the counters of tables began is unknown.
    UnknownTableWindow,
    /// Something that no check needs could not be observed.
    Unseen {
        /// What and why.
        reason: String,
        /// What would make it visible.
        remedy: Option<String>,
    },
    /// The server is newer than any that was tested.
    NewerServer {
        /// Its version.
        version: String,
        /// The newest major version that was tested.
        tested: u32,
    },
    /// Row-level security may give the role other plans than the application gets.
    RowSecurity {
        /// Tables with policies among those probed.
        tables: usize,
    },
    /// The server is a standby: its counters are its own.
    Standby,
    /// `track = all` counts nested statements inside their callers; shares use toplevel statements.
    NestedStatements {
        /// How many nested rows.
        statements: usize,
    },
}

impl fmt::Display for Caveat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LeftOut { what } => {
                let each: Vec<String> = what.iter().map(|(what, n)| format!("{n} {what}")).collect();
                write!(f, "left out, because it has no plan: {}", each.join(", "))
            }
            Self::Thresholds { changed } => {
                write!(f, "set by the settings file: {}", changed.join(", "))
            }
            Self::Unfinished { statements } => write!(
                f,
                "left out, because a part of the text comes from the program: {}; -- param NAME = TEXT above a statement gives it",
                statements.join(", ")
            ),
            Self::AsProduction { limit } => write!(f, "planned as production would, but {limit}"),
            Self::PrivilegedRole { role } => write!(
                f,
                "role {role} may reach the server's files and programs; a least-privileged role is safer: run pgtriage grants"
            ),
            Self::Window { limit, remedy } => {
                write_limit(f, *limit)?;
                write_remedy(f, remedy.as_deref())
            }
            Self::NearlyFull {
                entries,
                max,
                remedy,
            } => write!(
                f,
                "pg_stat_statements is nearly full ({entries} of {max} entries) and about to evict seldom statements; {remedy}"
            ),
            Self::HiddenStatements { share, remedy } => {
                write!(
                    f,
                    "{:.1} % of the execution time belongs to statements that the role may not see",
                    share * 100.0
                )?;
                write_remedy(f, remedy.as_deref())
            }
            Self::Unparsed { statements, share } => write!(
                f,
                "{statements} statements ({:.1} % of the execution time) did not parse and are grouped by their tokens",
                share * 100.0
            ),
            Self::InvalidDeltas { statements, reason } => {
                write!(
                    f,
                    "{statements} statements are left out of the window: {reason}"
                )
            }
            Self::TablesSinceStart { at } => write!(
                f,
                "writes a second are an average since {at}, when the server's statistics began; measure the rate of now with --window 5min"
            ),
            Self::TablesLoading { at } => write!(
                f,
                "tables are counted since {at}, when the server's statistics began, and loading them counts as writes, so what writes pay for an index a second is unknown; measure with --window 5min"
            ),
            Self::UnknownTableWindow => f.write_str(
                "the server does not tell since when it counts writes, so what they pay for an index a second is unknown; measure with --window 5min",
            ),
            Self::Unseen { reason, remedy } => {
                f.write_str(reason)?;
                write_remedy(f, remedy.as_deref())
            }
            Self::NewerServer { version, tested } => write!(
                f,
                "PostgreSQL {version} is newer than what this program was tested with; it was read as {tested}"
            ),
            Self::RowSecurity { tables } => write!(
                f,
                "row-level security applies to the role on {tables} of the probed tables; the application may get other plans"
            ),
            Self::Standby => {
                f.write_str("the server is a standby: its counters do not include the primary's")
            }
            Self::NestedStatements { statements } => write!(
                f,
                "{statements} statements ran inside functions; shares count them with their callers"
            ),
        }
    }
}

fn write_limit(f: &mut fmt::Formatter<'_>, limit: WindowCaveat) -> fmt::Result {
    match limit {
        WindowCaveat::UnknownStart => f.write_str(
            "pg_stat_statements does not tell since when it counts, so rates a second are unknown",
        ),
        WindowCaveat::ResetInside { at } => write!(
            f,
            "pg_stat_statements was reset at {at}, within the window, which begins there instead"
        ),
        WindowCaveat::RestartInside => f.write_str(
            "the server was restarted within the window, so its counters cannot be compared",
        ),
        WindowCaveat::Evictions { passes } => {
            let times = if passes == 1 { "time" } else { "times" };
            write!(
                f,
                "pg_stat_statements evicted its least used entries {passes} {times} within the window, so seldom statements are missing and totals are lower bounds"
            )
        }
        WindowCaveat::NestedCountedTwice => f.write_str(
            "pg_stat_statements 1.8 does not tell nested statements from toplevel ones, and track = all counts them twice in totals",
        ),
        WindowCaveat::NoLength => {
            f.write_str("the window has no length: its end is not after its beginning")
        }
    }
}

fn write_remedy(f: &mut fmt::Formatter<'_>, remedy: Option<&str>) -> fmt::Result {
    remedy.map_or(Ok(()), |remedy| write!(f, "; {remedy}"))
}

impl Serialize for Caveat {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl JsonSchema for Caveat {
    fn schema_name() -> Cow<'static, str> {
        "Caveat".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string" })
    }
}
