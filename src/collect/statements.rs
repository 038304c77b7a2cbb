//! `pg_stat_statements`, whatever its version and schema.

use tokio_postgres::error::SqlState;
use tokio_postgres::types::Type;

use jiff::Timestamp;

use super::moment::{Moment, ReadError};
use super::row::{DecodeError, Record};
use super::series::Counted;
use crate::ids::{Oid, QueryId, StatementKey};
use crate::snapshot::{
    BlockCounters, CounterSource, Extension, HiddenStatements, IoTimes, JitCounters,
    ParallelWorkers, Settings, Spread, Statement, StatementCounters, WalCounters,
};
use crate::sql::prepared::prepared;
use crate::units::{Blocks, Bytes, Millis};

/// The name of the extension.
pub(super) const EXTENSION: &str = "pg_stat_statements";

/// Extension versions that changed the columns, newest first.
const STATEMENTS: [((u32, u32), &str); 5] = [
    ((1, 12), query!("statements_1_12.sql")),
    ((1, 11), query!("statements_1_11.sql")),
    ((1, 10), query!("statements_1_10.sql")),
    ((1, 9), query!("statements_1_9.sql")),
    ((1, 8), query!("statements_1_8.sql")),
];
const CALLS: [((u32, u32), &str); 2] = [
    ((1, 9), query!("calls_1_9.sql")),
    ((1, 8), query!("calls_1_8.sql")),
];
const COUNTER_SOURCE: [((u32, u32), &str); 2] = [
    ((1, 9), query!("counter_source_1_9.sql")),
    ((1, 8), query!("counter_source_1_8.sql")),
];

/// Whether the texts are wanted, or only the counters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Texts {
    Read,
    LeaveOut,
}

/// Whether times that are only measured on request were: unmeasured times are unknown, not zero.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timing {
    io: bool,
    planning: bool,
}

impl Timing {
    pub(super) fn of(settings: &Settings) -> Self {
        let on = |name: &str| {
            settings
                .get(name)
                .is_some_and(|setting| setting.value == "on")
        };
        Self {
            io: on("track_io_timing"),
            planning: on("pg_stat_statements.track_planning"),
        }
    }
}

/// The extension's version as numbers. A version that is no pair of numbers is taken for the oldest.
fn version(extension: &Extension) -> (u32, u32) {
    let mut parts = extension
        .version
        .split('.')
        .map(|part| part.parse::<u32>().ok());
    match (parts.next().flatten(), parts.next().flatten()) {
        (Some(major), Some(minor)) => (major, minor),
        _ => (1, 8),
    }
}

/// Whether that version has `pg_stat_statements_info`.
pub(super) fn has_info(extension: &Extension) -> bool {
    version(extension) >= (1, 9)
}

/// The queries to try for that version, the best first. A version newer than the newest known may lack a column of it:
/// then the columns of the one before will do.
fn candidates<'a>(extension: &Extension, queries: &'a [((u32, u32), &'a str)]) -> Vec<String> {
    let version = version(extension);
    let fitting = queries.iter().filter(|(needs, _)| *needs <= version);
    fitting
        .map(|(_, sql)| in_schema(sql, &extension.schema))
        .collect()
}

/// The query with its placeholder replaced by the schema, always as a quoted identifier.
fn in_schema(sql: &str, schema: &str) -> String {
    let quoted = format!("\"{}\"", schema.replace('"', "\"\""));
    sql.replace("{schema}", &quoted)
}

async fn read_first<T>(
    moment: &Moment<'_>,
    candidates: Vec<String>,
    parameters: &[(&(dyn tokio_postgres::types::ToSql + Sync), Type)],
    mut decode: impl FnMut(&Record<'_>) -> Result<T, DecodeError>,
) -> Result<Vec<T>, ReadError> {
    let mut last = ReadError::Decode(DecodeError::new("calls", "is not of a known version"));
    for sql in candidates {
        match moment.read(&sql, parameters, &mut decode).await {
            Err(error @ ReadError::Server { .. }) if lacks_column(&error) => last = error,
            result => return result,
        }
    }
    Err(last)
}

fn lacks_column(error: &ReadError) -> bool {
    matches!(error, ReadError::Server { state, .. }
        if *state == SqlState::UNDEFINED_COLUMN || *state == SqlState::UNDEFINED_FUNCTION)
}

/// The state of the extension, and the moment at which its counters were read.
pub(super) async fn counter_source(
    moment: &Moment<'_>,
    extension: &Extension,
) -> Result<Option<(CounterSource, Timestamp)>, ReadError> {
    let rows = read_first(
        moment,
        candidates(extension, &COUNTER_SOURCE),
        &[],
        |record| {
            let source = CounterSource {
                extension_version: extension.version.clone(),
                schema: extension.schema.clone(),
                stats_reset: record.opt_time("stats_reset")?,
                dealloc: record.opt("dealloc")?,
                entries: record.opt("entries")?,
                hidden: Some(HiddenStatements {
                    statements: record.get("hidden_statements")?,
                    calls: record.get("hidden_calls")?,
                    total_exec_time_ms: Millis(record.get("hidden_total_exec_time")?),
                }),
            };
            Ok((source, record.time("read_at")?))
        },
    );
    Ok(rows.await?.into_iter().next())
}

/// The visible rows of this database, in the order of their keys.
pub(super) async fn statements(
    moment: &Moment<'_>,
    extension: &Extension,
    texts: Texts,
    timing: Timing,
) -> Result<Vec<Statement>, ReadError> {
    let with_texts = texts == Texts::Read;
    let mut statements = read_first(
        moment,
        candidates(extension, &STATEMENTS),
        &[(&with_texts, Type::BOOL)],
        |record| decode_statement(record, timing),
    )
    .await?;
    statements.sort_by(|a, b| a.key.cmp(&b.key));
    Ok(statements)
}

/// Calls and rows alone.
pub(super) async fn calls(
    moment: &Moment<'_>,
    extension: &Extension,
) -> Result<Vec<Counted>, ReadError> {
    read_first(moment, candidates(extension, &CALLS), &[], |record| {
        Ok(Counted {
            key: decode_key(record)?,
            calls: record.get("calls")?,
            rows: record.get("rows")?,
            read_at: record.time("read_at")?,
        })
    })
    .await
}

fn decode_key(record: &Record<'_>) -> Result<StatementKey, DecodeError> {
    Ok(StatementKey {
        userid: Oid(record.get("userid")?),
        queryid: record.opt("queryid")?.map(QueryId),
        toplevel: record.get("toplevel")?,
    })
}

/// The statement that was counted: of an `EXECUTE` the view shows the `PREPARE`, which itself is never counted.
fn executed(text: String) -> String {
    match prepared(&text) {
        Some(inner) => inner.to_owned(),
        None => text,
    }
}

fn decode_statement(record: &Record<'_>, timing: Timing) -> Result<Statement, DecodeError> {
    Ok(Statement {
        key: decode_key(record)?,
        role: record.opt_text("role")?,
        query: record.opt_text("query")?.map(executed),
        counters: decode_counters(record, timing)?,
        stats_since: record.opt_time("stats_since")?,
    })
}

fn decode_counters(record: &Record<'_>, timing: Timing) -> Result<StatementCounters, DecodeError> {
    let plans: i64 = record.get("plans")?;
    let planned = timing.planning || plans > 0;
    let total_plan_time = Millis(record.get("total_plan_time")?);
    Ok(StatementCounters {
        calls: record.get("calls")?,
        rows: record.get("rows")?,
        total_exec_time_ms: Millis(record.get("total_exec_time")?),
        plans: planned.then_some(plans),
        total_plan_time_ms: planned.then_some(total_plan_time),
        spread: Some(Spread {
            min_exec_time_ms: Millis(record.get("min_exec_time")?),
            max_exec_time_ms: Millis(record.get("max_exec_time")?),
            mean_exec_time_ms: Millis(record.get("mean_exec_time")?),
            stddev_exec_time_ms: Millis(record.get("stddev_exec_time")?),
        }),
        shared: BlockCounters {
            hit: Blocks(record.get("shared_blks_hit")?),
            read: Blocks(record.get("shared_blks_read")?),
            dirtied: Blocks(record.get("shared_blks_dirtied")?),
            written: Blocks(record.get("shared_blks_written")?),
        },
        local: BlockCounters {
            hit: Blocks(record.get("local_blks_hit")?),
            read: Blocks(record.get("local_blks_read")?),
            dirtied: Blocks(record.get("local_blks_dirtied")?),
            written: Blocks(record.get("local_blks_written")?),
        },
        temp: BlockCounters {
            read: Blocks(record.get("temp_blks_read")?),
            written: Blocks(record.get("temp_blks_written")?),
            ..BlockCounters::default()
        },
        shared_io: decode_io(
            record,
            timing,
            "shared_blk_read_time",
            "shared_blk_write_time",
        )?,
        temp_io: decode_io(record, timing, "temp_blk_read_time", "temp_blk_write_time")?,
        wal: WalCounters {
            records: record.get("wal_records")?,
            full_page_images: record.get("wal_fpi")?,
            bytes: Bytes(record.get("wal_bytes")?),
        },
        jit: decode_jit(record)?,
        parallel_workers: decode_workers(record)?,
    })
}

fn decode_io(
    record: &Record<'_>,
    timing: Timing,
    read: &str,
    write: &str,
) -> Result<Option<IoTimes>, DecodeError> {
    let (Some(read), Some(write)) = (record.opt::<f64>(read)?, record.opt::<f64>(write)?) else {
        return Ok(None);
    };
    let measured = timing.io || read > 0.0 || write > 0.0;
    Ok(measured.then_some(IoTimes {
        read_ms: Millis(read),
        write_ms: Millis(write),
    }))
}

fn decode_jit(record: &Record<'_>) -> Result<Option<JitCounters>, DecodeError> {
    let functions = record.opt("jit_functions")?;
    let total = record.opt("jit_total_time")?;
    Ok(functions.zip(total).map(|(functions, total)| JitCounters {
        functions,
        total_ms: Millis(total),
    }))
}

fn decode_workers(record: &Record<'_>) -> Result<Option<ParallelWorkers>, DecodeError> {
    let to_launch = record.opt("parallel_workers_to_launch")?;
    let launched = record.opt("parallel_workers_launched")?;
    let workers = to_launch.zip(launched);
    Ok(workers.map(|(to_launch, launched)| ParallelWorkers {
        to_launch,
        launched,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn extension(version: &str, schema: &str) -> Extension {
        Extension {
            name: EXTENSION.to_owned(),
            version: version.to_owned(),
            schema: schema.to_owned(),
        }
    }

    #[test]
    fn each_version_has_its_columns_and_a_newer_one_those_of_the_newest() {
        for (version, count, newest) in [
            ("1.8", 1, "true AS toplevel"),
            ("1.9", 2, "s.toplevel"),
            ("1.10", 3, "s.temp_blk_read_time"),
            ("1.11", 4, "s.stats_since"),
            ("1.12", 5, "s.parallel_workers_launched"),
            ("1.13", 5, "s.parallel_workers_launched"),
            ("2.0", 5, "s.parallel_workers_launched"),
            ("1.7", 0, ""),
            ("unpackaged", 1, "true AS toplevel"),
        ] {
            let found = candidates(&extension(version, "public"), &STATEMENTS);
            assert_eq!(found.len(), count, "{version}");
            assert!(
                found.first().is_none_or(|sql| sql.contains(newest)),
                "{version}"
            );
        }
    }

    #[test]
    fn the_schema_is_always_quoted() {
        let sql = in_schema("SELECT FROM {schema}.f()", "a\"b; DROP");
        assert_eq!(sql, "SELECT FROM \"a\"\"b; DROP\".f()");
    }
}
