//! The sample shop: a schema with real bottlenecks, its rows, and the traffic of its programs.
//!
//! ```no_run
//! use pgtriage::demo::shop::{Options, Shop};
//!
//! # async fn run() -> Result<(), pgtriage::demo::shop::ShopError> {
//! let shop = Shop::start(&Options::default())?;
//! shop.load(&mut |progress| eprintln!("{progress:?}")).await?;
//! shop.run_traffic(&mut |progress| eprintln!("{progress:?}")).await?;
//! // diagnose shop.uri() …
//! drop(shop); // and it is gone; or shop.keep()
//! # Ok(())
//! # }
//! ```

mod load;
mod random;
mod script;
mod size;
mod traffic;

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use tokio_postgres::{Client, NoTls};

use super::cluster::{Cluster, ClusterError};
use crate::collect::grants::{self, GrantsError};
use script::Script;
pub use size::Scale;

/// The shop's database and the role that owns it and runs its traffic.
pub const SHOP: &str = "shop";

/// The role that diagnoses the shop, made by what `pgtriage grants` prints.
pub const TRIAGE: &str = grants::DEFAULT_ROLE;

const ROLES: &str = include_str!("shop/roles.sql");
const DATABASE: &str = include_str!("shop/database.sql");
const EXTENSION: &str = include_str!("shop/extension.sql");
const COUNTERS: &str = include_str!("shop/counters.sql");

/// Extensions that a diagnosis makes use of, where the installation has them.
const EXTENSIONS: [&str; 2] = ["pg_stat_statements", "hypopg"];

/// What the shop's server is set to. Parallel query and JIT are off so that a plan's numbers can be followed by hand;
/// autovacuum waits so that it does not run into the few seconds of traffic (the load ends with VACUUM ANALYZE).
const SETTINGS: [(&str, &str); 8] = [
    ("shared_buffers", "512MB"),
    ("maintenance_work_mem", "128MB"),
    ("track_io_timing", "on"),
    ("max_parallel_workers_per_gather", "0"),
    ("jit", "off"),
    ("autovacuum_naptime", "1h"),
    ("wal_level", "minimal"),
    ("max_wal_senders", "0"),
];

/// What kind of shop to start.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The number of rows.
    pub scale: Scale,
    /// The length of the traffic.
    pub traffic: Scale,
    /// The directory of the server binaries; `None`: found on this machine.
    pub bin_dir: Option<PathBuf>,
}

/// What can go wrong with the shop.
#[derive(Debug, thiserror::Error)]
pub enum ShopError {
    /// The server does not start, or a statement of the set-up failed.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// A statement of the load or of the traffic failed, or the server went away.
    #[error("cannot {action}: {}", .source.as_db_error().map_or_else(|| .source.to_string(), |db| db.message().to_owned()))]
    Statement {
        /// What was being done.
        action: String,
        /// The driver's error.
        source: tokio_postgres::Error,
    },
    /// The diagnosing role has no possible name.
    #[error(transparent)]
    Grants(#[from] GrantsError),
    /// A statement is missing from the program's own SQL files.
    #[error("the demo has no statement {name}; this is a bug, please report it")]
    NoSuchStatement {
        /// Its name.
        name: String,
    },
}

/// What the shop is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Rows are being loaded; counted in rows.
    Load,
    /// Indexes, constraints and statistics are being built; counted in steps.
    Index,
    /// Clients are at work; counted in thousandths of each client's work.
    Traffic,
}

/// How far it has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// What is being counted.
    pub phase: Phase,
    /// So many are done.
    pub done: u64,
    /// So many there are.
    pub total: u64,
}

/// Told about progress, a few hundred times in all.
pub type OnProgress<'a> = dyn FnMut(Progress) + Send + 'a;

/// A running shop. Dropping it stops the server and removes everything.
#[derive(Debug)]
pub struct Shop {
    cluster: Cluster,
    scale: Scale,
    traffic: Scale,
}

impl Shop {
    /// Starts a server with an empty database that the shop's own role owns.
    ///
    /// # Errors
    /// Where no server binaries are found or the server does not start.
    pub fn start(options: &Options) -> Result<Self, ShopError> {
        let mut builder = Cluster::builder();
        if let Some(directory) = &options.bin_dir {
            builder = builder.bin_dir(directory);
        }
        for (name, value) in SETTINGS {
            builder = builder.setting(name, value);
        }
        let cluster = builder.start()?;
        cluster.execute("postgres", ROLES)?;
        cluster.create_database(SHOP)?;
        cluster.execute("postgres", DATABASE)?;
        for name in EXTENSIONS {
            if cluster.has_extension(name) {
                cluster.execute(SHOP, &EXTENSION.replace(":name", name))?;
            }
        }
        Ok(Self {
            cluster,
            scale: options.scale,
            traffic: options.traffic,
        })
    }

    /// Makes the tables, loads them, builds keys and indexes, gathers statistics, and makes the role [`TRIAGE`].
    /// Returns the number of rows.
    ///
    /// # Errors
    /// Where a statement fails, for example because the disk is full.
    pub async fn load(&self, progress: &mut OnProgress<'_>) -> Result<u64, ShopError> {
        let rows = load::load(self, progress).await?;
        // Last, because on version 13 it names the tables that are there.
        let grants = grants::script(TRIAGE)?;
        self.cluster.execute(SHOP, &grants)?;
        Ok(rows)
    }

    /// Sets the counters to zero and lets the shop's clients work. Returns the number of statements that they sent.
    ///
    /// # Errors
    /// Where a statement fails.
    pub async fn run_traffic(&self, progress: &mut OnProgress<'_>) -> Result<u64, ShopError> {
        let mut clients = traffic::Clients::connect(self).await?;
        self.cluster.execute(SHOP, COUNTERS)?;
        clients.prepare().await?;
        clients.work(progress).await
    }

    /// Where to diagnose the shop: a URI with the role [`TRIAGE`].
    pub fn uri(&self) -> String {
        self.cluster.uri_as(TRIAGE, SHOP)
    }

    /// The server.
    pub const fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// Leaves the server running when this process ends, and returns the command line that stops and removes it.
    ///
    /// # Errors
    /// Where the process that watches over the server is gone.
    pub fn keep(self) -> Result<String, ShopError> {
        Ok(self.cluster.keep()?)
    }

    async fn connect(&self) -> Result<Client, ShopError> {
        let (client, connection) = self
            .cluster
            .config(SHOP, SHOP)
            .application_name(SHOP)
            .connect(NoTls)
            .await
            .map_err(failed("connect to the shop"))?;
        tokio::spawn(connection);
        Ok(client)
    }
}

/// Wraps a driver error in what was being done.
fn failed(action: impl Into<String>) -> impl FnOnce(tokio_postgres::Error) -> ShopError {
    let action = action.into();
    move |source| ShopError::Statement { action, source }
}

/// Counts what several connections do at once.
struct Counter<'a, 'b> {
    phase: Phase,
    total: u64,
    state: Mutex<(u64, u64, &'a mut OnProgress<'b>)>,
}

impl<'a, 'b> Counter<'a, 'b> {
    fn new(phase: Phase, total: u64, progress: &'a mut OnProgress<'b>) -> Self {
        Self {
            phase,
            total,
            state: Mutex::new((0, 0, progress)),
        }
    }

    /// Tells of every hundredth of the whole, not of every statement.
    fn add(&self, count: u64) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (done, told, progress) = &mut *state;
        *done += count;
        if *done == self.total || (*done - *told) * 100 >= self.total {
            *told = *done;
            progress(Progress {
                phase: self.phase,
                done: *done,
                total: self.total,
            });
        }
    }

    fn done(&self) -> u64 {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).0
    }
}

fn statement<'a>(script: &'a Script, name: &str) -> Result<&'a str, ShopError> {
    script
        .get(name)
        .ok_or_else(|| ShopError::NoSuchStatement { name: name.into() })
}
