//! What could not be observed, why, and the exact remedy.

use std::collections::BTreeSet;

use tokio_postgres::error::SqlState;

use super::catalog::Undeparsed;
use super::moment::ReadError;
use super::server::ReadExtensions;
use super::{Limits, statements};
use crate::ids::quote_ident;
use crate::snapshot::{Area, Gap, Setting, Snapshot, Table};
use crate::units::ratio;

/// `GRANT pg_read_all_data` exists from here on.
const READ_ALL_DATA_MAJOR: u32 = 14;

/// `compute_query_id` exists from here on; before, `pg_stat_statements` computed it itself.
const COMPUTE_QUERY_ID_MAJOR: u32 = 14;

const PRELOAD: &str = "shared_preload_libraries";

/// An area that the server would not give.
pub(super) struct Unread {
    pub(super) area: Area,
    pub(super) what: &'static str,
    pub(super) error: ReadError,
}

/// What was seen beside the snapshot.
pub(super) struct Seen<'a> {
    pub(super) extensions: &'a ReadExtensions,
    /// Whether a change of `shared_preload_libraries` waits for a restart; `None` where the role may not see it.
    pub(super) preload_pending: Option<bool>,
    pub(super) unread: &'a [Unread],
    pub(super) undeparsed: &'a Undeparsed,
    pub(super) limits: Limits,
}

/// All gaps, by area.
pub(super) fn all(snapshot: &Snapshot, seen: &Seen<'_>) -> Vec<Gap> {
    let look = Look { snapshot, seen };
    let mut gaps = Vec::new();
    gaps.extend(look.unread());
    gaps.extend(look.statements());
    gaps.extend(look.hidden_statements());
    gaps.extend(look.timing());
    gaps.extend(look.tables());
    gaps.extend(look.expressions());
    gaps.extend(look.hypothetical_indexes());
    gaps.sort_by_key(|gap| gap.area);
    gaps
}

fn gap(area: Area, reason: impl Into<String>, remedy: impl Into<String>) -> Gap {
    Gap {
        area,
        reason: reason.into(),
        remedy: Some(remedy.into()),
    }
}

/// A setting that takes effect without a restart.
fn reload(name: &str, value: &str) -> String {
    format!("ALTER SYSTEM SET {name} = {value}; SELECT pg_reload_conf();")
}

/// The name without quotes: in a message, quotes mark values, which redaction replaces.
fn plain(table: &Table) -> String {
    format!("{}.{}", table.name.schema, table.name.name)
}

struct Look<'a> {
    snapshot: &'a Snapshot,
    seen: &'a Seen<'a>,
}

impl Look<'_> {
    fn setting(&self, name: &str) -> Option<&str> {
        let setting: Option<&Setting> = self.snapshot.settings.get(name);
        setting.map(|setting| setting.value.as_str())
    }

    fn is(&self, name: &str, value: &str) -> bool {
        self.setting(name) == Some(value)
    }

    fn role(&self) -> String {
        quote_ident(&self.snapshot.role.name).into_owned()
    }

    fn database(&self) -> String {
        quote_ident(&self.snapshot.server.database).into_owned()
    }

    fn unread(&self) -> Vec<Gap> {
        let unread = self.seen.unread.iter();
        unread.map(|unread| self.unread_area(unread)).collect()
    }

    fn unread_area(&self, unread: &Unread) -> Gap {
        let Unread { area, what, error } = unread;
        let limits = self.seen.limits;
        let (reason, remedy) = match error {
            ReadError::Server { state, .. } if *state == SqlState::LOCK_NOT_AVAILABLE => (
                format!(
                    "reading {what} waited for a lock for {} ms",
                    limits.lock_timeout.as_millis()
                ),
                None,
            ),
            ReadError::Server { state, .. } if *state == SqlState::QUERY_CANCELED => (
                format!(
                    "reading {what} was cancelled ({error}); the limit is {} s",
                    limits.statement_timeout.as_secs_f64()
                ),
                None,
            ),
            ReadError::Server { state, message } if *state == SqlState::INSUFFICIENT_PRIVILEGE => (
                format!("{what} cannot be read: {message}"),
                Some(self.privilege(*area)),
            ),
            ReadError::Server { .. } | ReadError::Decode(_) | ReadError::Lost(_) => (
                format!("{what} cannot be read: {error}"),
                self.not_loaded(*area),
            ),
        };
        Gap {
            area: *area,
            reason,
            remedy,
        }
    }

    fn privilege(&self, area: Area) -> String {
        let role = self.role();
        let statements = self.seen.extensions.find(statements::EXTENSION);
        match statements {
            Some(found) if area == Area::Statements => {
                let schema = quote_ident(&found.extension.schema);
                let info = if statements::has_info(&found.extension) {
                    format!(", {schema}.pg_stat_statements_info()")
                } else {
                    String::new()
                };
                format!(
                    "GRANT EXECUTE ON FUNCTION {schema}.pg_stat_statements(boolean){info} TO {role};"
                )
            }
            _ => format!("GRANT pg_monitor TO {role};"),
        }
    }

    fn not_loaded(&self, area: Area) -> Option<String> {
        (area == Area::Statements && !self.is_loaded()).then(|| self.load_steps().join("; then "))
    }

    /// The module's own settings exist from the moment that the server loads it at its start, and any role sees them.
    fn is_loaded(&self) -> bool {
        self.setting("pg_stat_statements.max").is_some()
    }

    /// What is still to do before `CREATE EXTENSION`.
    fn load_steps(&self) -> Vec<String> {
        let mut steps = Vec::new();
        if self.is_loaded() {
            return steps;
        }
        if self.seen.preload_pending != Some(true) {
            let libraries = match self.setting(PRELOAD).map(str::trim) {
                Some("") | None => statements::EXTENSION.to_owned(),
                Some(others) => format!("{others}, {}", statements::EXTENSION),
            };
            let keep = match self.setting(PRELOAD) {
                Some(_) => "",
                None => " (beside what is listed there already, which this role may not see)",
            };
            steps.push(format!(
                "put {PRELOAD} = '{libraries}' into postgresql.conf{keep}"
            ));
        }
        steps.push("restart the server".to_owned());
        steps
    }

    fn statements(&self) -> Vec<Gap> {
        let Some(found) = self.seen.extensions.find(statements::EXTENSION) else {
            return vec![self.extension_missing()];
        };
        if !found.usable {
            let schema = quote_ident(&found.extension.schema);
            let role = self.role();
            return vec![gap(
                Area::Statements,
                format!("role {role} may not use schema {schema}, which holds pg_stat_statements"),
                format!("GRANT USAGE ON SCHEMA {schema} TO {role};"),
            )];
        }
        self.not_recording().into_iter().collect()
    }

    fn extension_missing(&self) -> Gap {
        let mut steps = self.load_steps();
        let installable = self.seen.extensions.is_available(statements::EXTENSION);
        if !installable {
            steps.insert(
                0,
                "install PostgreSQL's contrib modules on the server (package postgresql-contrib)"
                    .to_owned(),
            );
        }
        let schema = self.extension_schema();
        let primary = if self.snapshot.server.in_recovery {
            ", on the primary"
        } else {
            ""
        };
        steps.push(format!(
            "in database {}{primary}: CREATE EXTENSION pg_stat_statements{schema};",
            self.database()
        ));
        let state = if self.is_loaded() {
            "is loaded but not created"
        } else if self.seen.preload_pending == Some(true) {
            "is configured, but the server was not restarted since, and it is not created"
        } else {
            "is not loaded and not created"
        };
        gap(
            Area::Statements,
            format!(
                "the extension pg_stat_statements {state} in database {}, so no statement's time is known",
                self.database()
            ),
            steps.join("; then "),
        )
    }

    /// The schema to name in `CREATE EXTENSION`: `public` where the role's path has it, else the path's first own one.
    fn extension_schema(&self) -> String {
        let path = &self.snapshot.role.search_path;
        let own = || path.iter().filter(|schema| !schema.starts_with("pg_"));
        let schema = own()
            .find(|schema| *schema == "public")
            .or_else(|| own().next());
        schema.map_or_else(String::new, |schema| {
            format!(" SCHEMA {}", quote_ident(schema))
        })
    }

    fn not_recording(&self) -> Option<Gap> {
        let off = |name: &str, value: &str, on: &str| {
            self.is(name, value).then(|| {
                gap(
                    Area::Statements,
                    format!("{name} is {value}, so pg_stat_statements records nothing"),
                    reload(name, on),
                )
            })
        };
        let has_query_id = self.snapshot.server.major() >= COMPUTE_QUERY_ID_MAJOR;
        off("pg_stat_statements.track", "none", "'top'")
            .or_else(|| off("compute_query_id", "off", "'auto'").filter(|_| has_query_id))
            .or_else(|| self.nothing_recorded())
    }

    fn nothing_recorded(&self) -> Option<Gap> {
        let source = self.snapshot.counter_source.as_ref()?;
        let hidden = source.hidden.map_or(0, |hidden| hidden.statements);
        (self.snapshot.statements.is_empty() && hidden == 0).then(|| Gap {
            area: Area::Statements,
            reason: format!(
                "pg_stat_statements holds no statement of database {}: none ran since its reset",
                self.database()
            ),
            remedy: Some("run the workload, then pgtriage again".to_owned()),
        })
    }

    fn hidden_statements(&self) -> Option<Gap> {
        let hidden = self.snapshot.counter_source.as_ref()?.hidden?;
        if hidden.statements == 0 {
            return None;
        }
        let toplevel = self
            .snapshot
            .statements
            .iter()
            .filter(|statement| statement.key.toplevel);
        let visible: f64 = toplevel
            .map(|statement| statement.counters.total_exec_time_ms.get())
            .sum();
        let time = hidden.total_exec_time_ms.get();
        let share = ratio(time, time + visible).map_or_else(String::new, |share| {
            format!(" with {:.1} % of the execution time", share * 100.0)
        });
        let role = self.role();
        Some(gap(
            Area::StatementTexts,
            format!(
                "{} statements of other roles{share} hide their text and id from role {role}",
                hidden.statements
            ),
            format!("GRANT pg_read_all_stats TO {role};"),
        ))
    }

    fn timing(&self) -> Vec<Gap> {
        let off = |area, name: &str, what: &str| {
            self.is(name, "off").then(|| {
                gap(
                    area,
                    format!("{name} is off, so {what} is unknown"),
                    reload(name, "on"),
                )
            })
        };
        [
            off(
                Area::IoTiming,
                "track_io_timing",
                "the time spent on reading and writing blocks",
            ),
            off(
                Area::PlanTiming,
                "pg_stat_statements.track_planning",
                "the time spent on planning",
            ),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    fn tables(&self) -> Vec<Gap> {
        let mut gaps = Vec::new();
        if self.is("track_counts", "off") {
            gaps.push(gap(
                Area::Tables,
                "track_counts is off, so scans and writes of tables and indexes are not counted and autovacuum does not run",
                reload("track_counts", "on"),
            ));
        }
        gaps.extend(self.unreadable_tables());
        gaps.extend(self.row_security());
        gaps
    }

    fn unreadable_tables(&self) -> Option<Gap> {
        let tables = &self.snapshot.tables;
        let unreadable: Vec<&Table> = tables.iter().filter(|table| !table.readable).collect();
        let first = unreadable.first()?;
        let role = self.role();
        let remedy = if self.snapshot.server.major() >= READ_ALL_DATA_MAJOR {
            format!("GRANT pg_read_all_data TO {role};")
        } else {
            let schemas: BTreeSet<&str> = unreadable
                .iter()
                .map(|table| table.name.schema.as_str())
                .collect();
            let schemas: Vec<_> = schemas.into_iter().map(quote_ident).collect();
            let list = schemas.join(", ");
            format!(
                "GRANT USAGE ON SCHEMA {list} TO {role}; GRANT SELECT ON ALL TABLES IN SCHEMA {list} TO {role};"
            )
        };
        Some(gap(
            Area::ColumnStatistics,
            format!(
                "role {role} may not SELECT from {} of {} tables ({}{}), so their column statistics are hidden and their statements cannot be executed",
                unreadable.len(),
                tables.len(),
                plain(first),
                if unreadable.len() > 1 { ", …" } else { "" },
            ),
            remedy,
        ))
    }

    /// `pg_stats` leaves out tables whose row-level security applies to the role.
    fn row_security(&self) -> Option<Gap> {
        let role = &self.snapshot.role;
        if role.bypass_rls {
            return None;
        }
        let tables = self.snapshot.tables.iter();
        let secured: Vec<&Table> = tables
            .filter(|table| table.row_security && table.readable)
            .collect();
        let first = secured.first()?;
        let name = self.role();
        Some(gap(
            Area::ColumnStatistics,
            format!(
                "row-level security applies to role {name} on {} tables ({}{}), which hides their column statistics and changes plans",
                secured.len(),
                plain(first),
                if secured.len() > 1 { ", …" } else { "" },
            ),
            format!("ALTER ROLE {name} BYPASSRLS;"),
        ))
    }

    fn expressions(&self) -> Option<Gap> {
        let undeparsed = self.seen.undeparsed;
        let first = undeparsed.tables.first()?;
        let table = self
            .snapshot
            .tables
            .iter()
            .find(|table| table.oid == *first);
        let name = table.map_or_else(|| format!("with oid {first}"), plain);
        Some(Gap {
            area: Area::Indexes,
            reason: format!(
                "expressions and predicates of {} indexes could not be read, because another session has locked table {name}{} ACCESS EXCLUSIVE",
                undeparsed.indexes,
                if undeparsed.tables.len() > 1 {
                    " and others"
                } else {
                    ""
                },
            ),
            remedy: Some("run pgtriage again once the lock is gone".to_owned()),
        })
    }

    fn hypothetical_indexes(&self) -> Option<Gap> {
        let extensions = self.seen.extensions;
        let role = self.role();
        if let Some(found) = extensions.find("hypopg") {
            let schema = quote_ident(&found.extension.schema);
            return (!found.usable).then(|| {
                gap(
                    Area::HypotheticalIndexes,
                    format!("role {role} may not use schema {schema}, which holds hypopg"),
                    format!("GRANT USAGE ON SCHEMA {schema} TO {role};"),
                )
            });
        }
        let server = &self.snapshot.server;
        let place = if server.in_recovery {
            ", on the primary"
        } else {
            ""
        };
        let create = format!(
            "in database {}{place}: CREATE EXTENSION hypopg;",
            self.database()
        );
        let (state, remedy) = if extensions.is_available("hypopg") {
            ("is not created", create)
        } else {
            let major = server.major();
            (
                "is not installed on the server",
                format!(
                    "install HypoPG on the server (Debian: postgresql-{major}-hypopg, RPM: hypopg_{major}); then {create}"
                ),
            )
        };
        Some(gap(
            Area::HypotheticalIndexes,
            format!(
                "the extension hypopg {state}, so the planner cannot be asked about indexes that do not exist"
            ),
            remedy,
        ))
    }
}
