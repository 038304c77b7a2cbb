//! One observation: all areas at one moment.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio_postgres::Client;

use super::catalog::{self, Undeparsed};
use super::gaps::{self, Seen, Unread};
use super::moment::{Moment, ReadError};
use super::server::{self, Identity, ReadExtensions};
use super::statements::{self, Texts, Timing};
use super::{CollectError, OLDEST_MAJOR, Options, alive};
use crate::snapshot::{Area, CounterSource, Snapshot, Statement};
use crate::units::Millis;

/// The first version that records when an index was last scanned.
const LAST_SCAN_MAJOR: u32 = 16;

/// Measures a round trip, and reads everything but plans: two round trips and one to begin with, in one read-only
/// transaction that is rolled back.
/// What cannot be read is a gap in the snapshot.
///
/// # Errors
/// [`CollectError`] where the connection is lost, the server is older than 13, or not even its version can be read.
pub async fn observe(client: &Client, options: &Options) -> Result<Snapshot, CollectError> {
    let round_trip = round_trip(client).await;
    let moment = Moment::begin(client, options.limits).await?;
    let observed = read_all(client, &moment, options).await;
    let ended = moment.end().await;
    let mut snapshot = observed?;
    ended?;
    snapshot.server.round_trip_ms = round_trip;
    Ok(snapshot)
}

/// Empty queries that are sent; the quickest one waits for nothing but the network.
const PINGS: usize = 3;

/// How long a query takes that has nothing to do.
async fn round_trip(client: &Client) -> Option<Millis> {
    let mut quickest = None;
    for _ in 0..PINGS {
        let sent = Instant::now();
        client.batch_execute("").await.ok()?;
        let took = sent.elapsed();
        quickest = Some(quickest.map_or(took, |least: Duration| least.min(took)));
    }
    quickest.map(|took| Millis(took.as_secs_f64() * 1000.0))
}

/// Collects what could not be read; only a lost connection ends the observation.
struct Unreadable<'a> {
    client: &'a Client,
    areas: Vec<Unread>,
}

impl Unreadable<'_> {
    fn or_default<T: Default>(
        &mut self,
        area: Area,
        what: &'static str,
        result: Result<T, ReadError>,
    ) -> Result<T, CollectError> {
        match result {
            Ok(value) => Ok(value),
            Err(error) => {
                let error = alive(self.client, error, "observe the server")?;
                self.areas.push(Unread { area, what, error });
                Ok(T::default())
            }
        }
    }
}

async fn read_all(
    client: &Client,
    moment: &Moment<'_>,
    options: &Options,
) -> Result<Snapshot, CollectError> {
    let mut unread = Unreadable {
        client,
        areas: Vec::new(),
    };
    let (identity, settings, extensions) = futures_util::join!(
        server::identity(moment),
        server::settings(moment),
        server::extensions(moment),
    );
    let identity = supported(identity)?;
    let settings = unread.or_default(Area::Settings, "pg_settings", settings)?;
    let extensions = unread.or_default(Area::Statements, "pg_extension", extensions)?;
    let mut snapshot = bare(identity, options);
    snapshot.settings = settings.settings;
    let major = snapshot.server.major();

    let (counted, database, tables, columns, indexes, last_scans, expressions, foreign_keys) = futures_util::join!(
        read_counters(
            moment,
            &extensions,
            Timing::of(&snapshot.settings),
            Texts::Read
        ),
        server::database(moment),
        catalog::tables(moment),
        catalog::columns(moment),
        catalog::indexes(moment),
        async {
            if major >= LAST_SCAN_MAJOR {
                catalog::index_last_scans(moment).await
            } else {
                Ok(std::collections::BTreeMap::new())
            }
        },
        catalog::expressions(moment),
        catalog::foreign_keys(moment),
    );
    let counted = unread.or_default(Area::Statements, "pg_stat_statements", counted)?;
    snapshot.captured_at = counted.read_at.unwrap_or(snapshot.captured_at);
    snapshot.counter_source = counted.source;
    snapshot.statements = counted.statements;
    let database = unread.or_default(Area::Server, "pg_stat_database", database)?;
    if let Some(database) = database {
        snapshot.database = Some(database.counters);
        snapshot.server.database_size_bytes = database.size;
    }
    snapshot.tables = unread.or_default(Area::Tables, "tables", tables)?;
    let columns = unread.or_default(Area::ColumnStatistics, "columns", columns)?;
    catalog::attach_columns(&mut snapshot.tables, columns);
    let indexes = unread.or_default(Area::Indexes, "indexes", indexes)?;
    let expressions = unread.or_default(Area::Indexes, "index expressions", expressions)?;
    let (indexes, undeparsed): (_, Undeparsed) =
        catalog::attach_expressions(indexes, &mut snapshot.tables, expressions);
    snapshot.indexes = indexes;
    let last_scans = unread.or_default(Area::Indexes, "times of index scans", last_scans)?;
    catalog::attach_last_scans(&mut snapshot.indexes, &last_scans);
    snapshot.foreign_keys = unread.or_default(Area::ForeignKeys, "foreign keys", foreign_keys)?;

    snapshot.gaps = gaps::all(
        &snapshot,
        &Seen {
            extensions: &extensions,
            preload_pending: settings.preload_pending,
            unread: &unread.areas,
            undeparsed: &undeparsed,
            limits: options.limits,
        },
    );
    let installed = extensions.installed.into_iter();
    snapshot.extensions = installed.map(|installed| installed.extension).collect();
    Ok(snapshot)
}

pub(super) fn supported(identity: Result<Identity, ReadError>) -> Result<Identity, CollectError> {
    let identity =
        identity.map_err(|error| CollectError::from_read("read the server's version", error))?;
    if identity.server.major() < OLDEST_MAJOR {
        return Err(CollectError::UnsupportedServer {
            version: identity.server.short_version().to_owned(),
        });
    }
    Ok(identity)
}

#[derive(Default)]
pub(super) struct Counted {
    pub(super) source: Option<CounterSource>,
    /// When the counters were read, by the server's clock.
    pub(super) read_at: Option<Timestamp>,
    pub(super) statements: Vec<Statement>,
}

/// Reads `pg_stat_statements` where it is installed and its schema may be used; that it is not is for the gaps to say.
pub(super) async fn read_counters(
    moment: &Moment<'_>,
    extensions: &ReadExtensions,
    timing: Timing,
    texts: Texts,
) -> Result<Counted, ReadError> {
    let Some(installed) = extensions
        .find(statements::EXTENSION)
        .filter(|found| found.usable)
    else {
        return Ok(Counted::default());
    };
    let extension = &installed.extension;
    let (source, statements) = futures_util::join!(
        statements::counter_source(moment, extension),
        statements::statements(moment, extension, texts, timing),
    );
    let (source, read_at) = source?.unzip();
    Ok(Counted {
        source,
        read_at,
        statements: statements?,
    })
}

fn bare(identity: Identity, options: &Options) -> Snapshot {
    let mut server = identity.server;
    server.address.clone_from(&options.address);
    Snapshot::empty(server, identity.role, identity.captured_at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(version_num: u32, version: &str) -> Identity {
        let server = serde_json::json!({
            "version_num": version_num, "version": version, "database": "shop", "started_at": "2026-01-01T00:00:00Z",
        });
        Identity {
            server: serde_json::from_value(server).unwrap(),
            role: crate::snapshot::Role::default(),
            captured_at: jiff::Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn servers_before_13_are_refused() {
        let refused = supported(Ok(identity(120_022, "12.22 (Debian 12.22-1)"))).err();
        assert_eq!(
            refused.unwrap().to_string(),
            "PostgreSQL 12.22 is not supported; pgtriage needs version 13 or later, supported are 13 to 18"
        );
        assert!(supported(Ok(identity(130_000, "13.0"))).is_ok());
    }
}
