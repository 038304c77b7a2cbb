//! The counters alone, for the beginning of a measured window.

use std::time::Duration;

use tokio_postgres::Client;

use super::moment::Moment;
use super::observe::{observe, read_counters, supported};
use super::statements::{Texts, Timing};
use super::{CollectError, Options, alive, catalog, server};
use crate::snapshot::{Sample, SampledStatement, Snapshot};

/// Reads the counters of statements, tables and the database at one moment. What cannot be read is left out: the
/// observation at the window's end says why.
///
/// # Errors
/// [`CollectError`] where the connection is lost, the server is older than 13, or not even its version can be read.
pub async fn sample(client: &Client, options: &Options) -> Result<Sample, CollectError> {
    let moment = Moment::begin(client, options.limits).await?;
    let sampled = read_sample(client, &moment).await;
    let ended = moment.end().await;
    let sample = sampled?;
    ended?;
    Ok(sample)
}

async fn read_sample(client: &Client, moment: &Moment<'_>) -> Result<Sample, CollectError> {
    let action = "sample the counters";
    let (identity, settings, extensions) = futures_util::join!(
        server::identity(moment),
        server::settings(moment),
        server::extensions(moment),
    );
    let identity = supported(identity)?;
    let settings = or_default(client, settings, action)?;
    let extensions = or_default(client, extensions, action)?;
    let timing = Timing::of(&settings.settings);
    let (counted, database, tables) = futures_util::join!(
        read_counters(moment, &extensions, timing, Texts::LeaveOut),
        server::database(moment),
        catalog::table_counters(moment),
    );
    let counted = or_default(client, counted, action)?;
    let statements = counted.statements.into_iter();
    Ok(Sample {
        taken_at: counted.read_at.unwrap_or(identity.captured_at),
        started_at: identity.server.started_at,
        counter_source: counted.source,
        statements: statements
            .map(|statement| SampledStatement {
                key: statement.key,
                counters: statement.counters,
                stats_since: statement.stats_since,
            })
            .collect(),
        tables: or_default(client, tables, action)?,
        database: or_default(client, database, action)?.map(|database| database.counters),
    })
}

fn or_default<T: Default>(
    client: &Client,
    result: Result<T, super::ReadError>,
    action: &'static str,
) -> Result<T, CollectError> {
    match result {
        Ok(value) => Ok(value),
        Err(error) => alive(client, error, action).map(|_| T::default()),
    }
}

/// Samples, waits, and observes, so that the snapshot holds a measured window: `count` samples, evenly spaced over the
/// span, then the observation at its end. No transaction is open while it waits, and dropping the future stops it.
///
/// # Errors
/// As [`observe`].
pub async fn measure(
    client: &Client,
    options: &Options,
    span: Duration,
    count: u32,
) -> Result<Snapshot, CollectError> {
    let count = count.max(1);
    let pause = span / count;
    let mut samples = Vec::new();
    let mut due = tokio::time::Instant::now();
    for _ in 0..count {
        samples.push(sample(client, options).await?);
        due += pause;
        tokio::time::sleep_until(due).await;
    }
    let mut snapshot = observe(client, options).await?;
    snapshot.samples = samples;
    Ok(snapshot)
}
