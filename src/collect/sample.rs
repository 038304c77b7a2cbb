//! Measured windows: the counters alone at their beginning, and calls and rows within them.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;
use tokio_postgres::Client;

use super::moment::Moment;
use super::observe::{observe, read_counters, supported};
use super::series::{Counted, Recorder};
use super::statements::{self, EXTENSION, Texts, Timing};
use super::{CollectError, Options, alive, catalog, server};
use crate::snapshot::{Extension, Sample, SampledStatement, Snapshot};

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

/// The length of a window's parts: long enough that a loop of some dozen look-ups falls into one of them as a whole.
const PART: Duration = Duration::from_secs(1);

/// Parts of a short window: fewer points say nothing of what rises and falls together.
const FEWEST_PARTS: u32 = 6;

/// Parts from which they need not be shorter than [`PART`]; to get as many, they may be half as long.
const ENOUGH_PARTS: u32 = 30;

/// Parts of a long window: more would cost the server readings and prove nothing new.
const MOST_PARTS: u32 = 60;

/// Reading the counters may take this part of the time, 1 in so many: where there are very many statements, or the
/// server is slow, the parts get longer.
const IDLE_FOR_EACH_BUSY: u32 = 20;

/// How often progress is told.
const TOLD_EACH: Duration = Duration::from_secs(1);

/// Into how many parts a window is cut.
pub fn parts(span: Duration) -> u32 {
    let whole = span.as_millis() / PART.as_millis();
    let whole = u32::try_from(whole).map_or(MOST_PARTS, |whole| whole.min(MOST_PARTS));
    whole.max((2 * whole).min(ENOUGH_PARTS)).max(FEWEST_PARTS)
}

/// How far a window has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// The part that is being measured, from 1.
    pub number: u32,
    /// All parts.
    pub of: u32,
    /// Time since the window's beginning.
    pub elapsed: Duration,
}

/// A window to be measured.
pub struct Measuring<'a> {
    /// Its length.
    pub span: Duration,
    /// Into how many parts it is cut, see [`parts`].
    pub parts: u32,
    /// Is told how far it has come, about once a second.
    pub told: &'a (dyn Fn(Part) + Sync),
    /// Ends it early once this is true.
    pub cancelled: watch::Receiver<bool>,
}

/// Samples, waits, and observes, so that the snapshot holds a measured window; in between, calls and rows are read at
/// the end of each part. No transaction is open while it waits, and dropping the future stops it. Cancelled, it
/// observes at once what there is, or gives `None` within the first second.
///
/// # Errors
/// As [`observe`].
pub async fn measure(
    client: &Client,
    options: &Options,
    measuring: &Measuring<'_>,
) -> Result<Option<Snapshot>, CollectError> {
    let base = tokio::select! {
        base = sample(client, options) => base?,
        () = cancelled(&measuring.cancelled) => return Ok(None),
    };
    let extension = base.counter_source.as_ref().map(|source| Extension {
        name: EXTENSION.to_owned(),
        version: source.extension_version.clone(),
        schema: source.schema.clone(),
    });
    let begun = Instant::now();
    let mut recorder = Recorder::default();
    let step = measuring.span / measuring.parts.max(1);
    let mut over = 0;
    while over < measuring.parts {
        let reading = Instant::now();
        if let Some(extension) = &extension {
            recorder.add(read_calls(client, options, extension).await?);
        }
        let rest = reading.elapsed() * (IDLE_FOR_EACH_BUSY - 1);
        over = next(begun.elapsed() + rest, step, over).min(measuring.parts);
        if wait(measuring, begun, step, over).await == Wait::Cancelled {
            break;
        }
    }
    let ended_early = *measuring.cancelled.borrow();
    if ended_early && begun.elapsed() < PART {
        return Ok(None);
    }
    // Of a part that was cut short, the rates would be noise.
    if let Some(extension) = extension.filter(|_| !ended_early) {
        recorder.add(read_calls(client, options, &extension).await?);
    }
    let mut snapshot = observe(client, options).await?;
    snapshot.series = recorder.series(&snapshot);
    snapshot.samples = vec![base];
    Ok(Some(snapshot))
}

/// The number of parts that are over at the next reading, which is to be at `earliest` or later.
fn next(earliest: Duration, step: Duration, over: u32) -> u32 {
    let mut next = over + 1;
    while step * next < earliest && !step.is_zero() {
        next += 1;
    }
    next
}

#[derive(PartialEq, Eq)]
enum Wait {
    Over,
    Cancelled,
}

async fn wait(measuring: &Measuring<'_>, begun: Instant, step: Duration, over: u32) -> Wait {
    let due = begun + step * over;
    loop {
        (measuring.told)(Part {
            number: over,
            of: measuring.parts,
            elapsed: begun.elapsed().min(measuring.span),
        });
        let now = Instant::now();
        if now >= due {
            return Wait::Over;
        }
        tokio::select! {
            () = tokio::time::sleep_until(due.min(now + TOLD_EACH)) => {}
            () = cancelled(&measuring.cancelled) => return Wait::Cancelled,
        }
    }
}

async fn cancelled(flag: &watch::Receiver<bool>) {
    let mut flag = flag.clone();
    if flag.wait_for(|asked| *asked).await.is_err() {
        std::future::pending::<()>().await;
    }
}

async fn read_calls(
    client: &Client,
    options: &Options,
    extension: &Extension,
) -> Result<Vec<Counted>, CollectError> {
    let moment = Moment::begin(client, options.limits).await?;
    let counted = statements::calls(&moment, extension).await;
    let ended = moment.end().await;
    let counted = or_default(client, counted, "sample the calls")?;
    ended?;
    Ok(counted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_cut_into_parts_of_a_second_or_half_a_second() {
        for (seconds, expected) in [
            (0, 6),
            (2, 6),
            (5, 10),
            (15, 30),
            (20, 30),
            (40, 40),
            (60, 60),
            (3600, 60),
        ] {
            assert_eq!(parts(Duration::from_secs(seconds)), expected, "{seconds} s");
        }
    }

    #[test]
    fn a_slow_reading_makes_the_parts_longer() {
        let step = Duration::from_secs(1);
        for (earliest, over, expected) in [(100, 0, 1), (1_000, 0, 1), (1_001, 0, 2), (4_500, 1, 5)]
        {
            assert_eq!(next(Duration::from_millis(earliest), step, over), expected);
        }
        assert_eq!(next(step, Duration::ZERO, 3), 4);
    }
}
