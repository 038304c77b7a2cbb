//! Plans as production would have them, without production: a throwaway server with the schema under test, and the
//! sizes, statistics and planner settings of a capture.
//!
//! The planner scales the rows of a relation by the size of its file, so statistics alone change nothing: the files are
//! made as long as those of the captured relations, sparsely, so that they take no space. Nothing is ever executed
//! there: what is asked for is EXPLAIN.
//!
//! ```no_run
//! use pgtriage::simulate::{Schema, Simulation};
//! use pgtriage::snapshot::Snapshot;
//!
//! # async fn run(capture: &Snapshot) -> Result<(), pgtriage::simulate::SimulationError> {
//! let schema = Schema::read("schema.sql".as_ref())?;
//! let simulation = Simulation::start(capture, &schema).await?;
//! println!("{}", simulation.uri());
//! # Ok(())
//! # }
//! ```

mod btree;
mod extended;
mod schema;
mod setup;
mod statistics;
mod storage;
mod values;

use std::path::PathBuf;

use tokio_postgres::{Client, NoTls};

use crate::demo::binaries::{Binaries, BinariesError};
use crate::demo::cluster::{Cluster, ClusterError, SUPERUSER, StopMode};
use crate::ids::quote_ident;
use crate::snapshot::{NEWEST_MAJOR, Snapshot};
pub use schema::Schema;

/// What a throwaway server that only plans is set to.
const SETTINGS: [(&str, &str); 6] = [
    ("autovacuum", "off"),
    ("shared_buffers", "16MB"),
    ("max_connections", "20"),
    ("wal_level", "minimal"),
    ("max_wal_senders", "0"),
    ("checkpoint_timeout", "1h"),
];

const CREATE_DATABASE: &str = query!("simulate_database.sql");
const HYPOPG: &str = query!("simulate_hypopg.sql");

/// Why there are no plans as in production.
#[derive(Debug, thiserror::Error)]
pub enum SimulationError {
    /// The throwaway server does not start.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// A schema cannot be read.
    #[error("cannot read the schema from {}: {reason}", .path.display())]
    Schema {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The schema of a database cannot be had.
    #[error(
        "cannot copy the schema of the database: {reason}; install PostgreSQL's client programs, or give the schema with --schema FILE"
    )]
    Dump {
        /// What `pg_dump` said.
        reason: String,
    },
    /// A statement of the schema fails.
    #[error(
        "{script}:{line}: the throwaway server refuses this statement of the schema: {message}"
    )]
    Statement {
        /// The file.
        script: String,
        /// The line that the statement begins on.
        line: u32,
        /// The server's message, and what may be behind it.
        message: String,
    },
    /// The throwaway server fails at something else.
    #[error("cannot {action} on the throwaway server: {message}")]
    Server {
        /// What was being done.
        action: &'static str,
        /// The server's message.
        message: String,
    },
    /// The capture has nothing to plan by.
    #[error(
        "the capture knows no tables; capture with a role that may read the catalog: pgtriage capture -o FILE"
    )]
    NoTables,
}

/// A server that plans as the captured one would. Dropping it stops the server and removes everything.
#[derive(Debug)]
pub struct Simulation {
    cluster: Cluster,
    database: String,
    caveats: Vec<String>,
}

impl Simulation {
    /// Starts a server, with the binaries of this machine that are nearest to the capture's version, makes the schema,
    /// and gives it the capture's sizes, statistics and planner settings.
    ///
    /// # Errors
    /// [`SimulationError`] where there are no binaries, or a statement of the schema fails.
    pub async fn start(capture: &Snapshot, schema: &Schema) -> Result<Self, SimulationError> {
        let binaries = binaries(capture.server.major()).map_err(ClusterError::from)?;
        Self::start_with(binaries, capture, schema).await
    }

    /// As [`Simulation::start`], with given server binaries.
    ///
    /// # Errors
    /// As [`Simulation::start`].
    pub async fn start_with(
        binaries: Binaries,
        capture: &Snapshot,
        schema: &Schema,
    ) -> Result<Self, SimulationError> {
        if capture.tables.is_empty() {
            return Err(SimulationError::NoTables);
        }
        let mut caveats = version_caveat(binaries.major(), capture);
        let cluster = tokio::task::spawn_blocking(move || start_cluster(&binaries)).await;
        let cluster = cluster.map_err(|error| SimulationError::Server {
            action: "start",
            message: error.to_string(),
        })??;
        let database = database_of(capture);
        caveats.extend(create_database(&cluster, &database, capture)?);
        if cluster.has_extension("hypopg") {
            cluster.execute(&database, HYPOPG)?;
        }
        caveats.extend(setup::run(connect(&cluster, &database).await?, schema).await?);
        let client = connect(&cluster, &database).await?;
        caveats.extend(statistics::inject(&client, capture).await?);
        extended::inject(&client, capture, cluster.major()).await?;
        setup::set_planner(&client, capture).await?;
        let storage = storage::plan(&client, capture).await?;
        drop(client);
        caveats.extend(storage.caveats.iter().cloned());
        cluster.stop(StopMode::Fast)?;
        storage.extend(&cluster)?;
        cluster.start()?;
        Ok(Self {
            cluster,
            database,
            caveats,
        })
    }

    /// Where to plan: a URI of the throwaway server's superuser.
    pub fn uri(&self) -> String {
        self.cluster.uri(&self.database)
    }

    /// The server.
    pub const fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// In what respects plans may differ from those of production: clauses in lower case.
    pub fn caveats(&self) -> &[String] {
        &self.caveats
    }
}

/// The binaries of this major version, or else of the nearest, the newer first.
fn binaries(major: u32) -> Result<Binaries, BinariesError> {
    let mut majors: Vec<u32> = (10..=NEWEST_MAJOR.max(major) + 2).collect();
    majors.sort_by_key(|other| (other.abs_diff(major), *other < major));
    let mut found = majors.iter().map(|major| Binaries::find(Some(*major)));
    found
        .find(Result::is_ok)
        .unwrap_or_else(|| Binaries::find(Some(major)))
}

fn version_caveat(major: u32, capture: &Snapshot) -> Vec<String> {
    let captured = capture.server.major();
    if major == captured {
        return Vec::new();
    }
    vec![format!(
        "by PostgreSQL {major}, because no server of the captured version {captured} is on this machine"
    )]
}

fn start_cluster(binaries: &Binaries) -> Result<Cluster, ClusterError> {
    let mut builder = Cluster::builder().bin_dir(binaries.directory()).preload([]);
    for (name, value) in SETTINGS {
        builder = builder.setting(name, value);
    }
    builder.start()
}

/// The captured database's name, unless every server has a database of that name.
fn database_of(capture: &Snapshot) -> String {
    match capture.server.database.as_str() {
        "postgres" | "template0" | "template1" => "production".to_owned(),
        own => own.to_owned(),
    }
}

/// Makes the database in the captured collation: whether an index serves `LIKE 'a%'` depends on it.
fn create_database(
    cluster: &Cluster,
    database: &str,
    capture: &Snapshot,
) -> Result<Option<String>, SimulationError> {
    let captured = capture.server.collation.as_deref().or_else(|| {
        let setting = capture.settings.get("lc_collate");
        setting.map(|setting| setting.value.as_str())
    });
    let other = ["C.UTF-8", "en_US.UTF-8", "C"];
    let fallbacks: &[&str] = match captured {
        None | Some("C" | "POSIX") => &["C"],
        Some(_) => &other,
    };
    let mut refused = None;
    for collation in captured.iter().chain(fallbacks) {
        let sql = CREATE_DATABASE
            .replace(":name", &format!("\"{}\"", database.replace('"', "\"\"")))
            .replace(
                ":collation",
                &format!("'{}'", collation.replace('\'', "''")),
            );
        match cluster.execute(SUPERUSER, &sql) {
            Ok(()) => {
                return Ok(captured.filter(|wanted| wanted != collation).map(|wanted| {
                    format!(
                        "the collation {wanted} is not on this machine; planned with {collation}"
                    )
                }));
            }
            Err(error) => refused = Some(error),
        }
    }
    Err(refused.map_or(SimulationError::NoTables, SimulationError::from))
}

async fn connect(cluster: &Cluster, database: &str) -> Result<Client, SimulationError> {
    let (client, connection) = cluster
        .config(SUPERUSER, database)
        .connect(NoTls)
        .await
        .map_err(|error| failed("connect", &error))?;
    tokio::spawn(connection);
    Ok(client)
}

/// A driver's error, with what was being done.
fn failed(action: &'static str, error: &tokio_postgres::Error) -> SimulationError {
    SimulationError::Server {
        action,
        message: message(error),
    }
}

fn message(error: &tokio_postgres::Error) -> String {
    error
        .as_db_error()
        .map_or_else(|| error.to_string(), |db| db.message().to_owned())
}

/// A list of names as SQL.
fn quoted_list(names: &[String]) -> String {
    let quoted = names.iter().map(|name| quote_ident(name).into_owned());
    quoted.collect::<Vec<_>>().join(", ")
}
