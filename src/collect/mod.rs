//! Observes a server: runs `queries/*.sql` and decodes their rows into a [`Snapshot`].
//!
//! Everything is read in one read-only transaction, one round trip a catalog area, without a named statement, so that a
//! pooler in transaction mode and a standby will do. What cannot be read becomes a [`Gap`] with its remedy; only a lost
//! connection or an unsupported server is an error.

mod catalog;
mod distributions;
mod extended;
mod gaps;
pub mod grants;
pub mod log_files;
mod moment;
mod observe;
mod row;
mod sample;
mod series;
mod server;
mod statements;

use std::time::Duration;

use tokio_postgres::Client;

pub use distributions::distributions;
pub use observe::observe;
pub use sample::{Measuring, Part, measure, parts, sample};

use self::moment::ReadError;
use crate::snapshot::NEWEST_MAJOR;
#[cfg(doc)]
use crate::snapshot::{Gap, Snapshot};

/// The oldest major version that is supported: the first with `total_exec_time` in `pg_stat_statements`.
pub const OLDEST_MAJOR: u32 = 13;

/// How long the server may take for one area.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// `statement_timeout` of each query.
    pub statement_timeout: Duration,
    /// `lock_timeout` of each query: few take locks, and those only on tables that were not locked a moment before.
    pub lock_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            statement_timeout: Duration::from_secs(30),
            lock_timeout: Duration::from_millis(500),
        }
    }
}

/// What to observe, and how.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// Host and port (or socket directory) as the user reached the server, for the report; no password, no user.
    pub address: Option<String>,
    /// How long the server may take.
    pub limits: Limits,
}

/// Why a server cannot be observed at all.
#[derive(Debug, thiserror::Error)]
pub enum CollectError {
    /// The server is too old.
    #[error(
        "PostgreSQL {version} is not supported; pgtriage needs version {OLDEST_MAJOR} or later, supported are {OLDEST_MAJOR} to {NEWEST_MAJOR}"
    )]
    UnsupportedServer {
        /// `server_version`.
        version: String,
    },
    /// The connection ended.
    #[error(
        "cannot {action}: the connection to the server was lost ({cause}); check the server's log and run again"
    )]
    ConnectionLost {
        /// What was being done.
        action: &'static str,
        /// What the connection says.
        cause: String,
    },
    /// The server refuses what nothing can be done without.
    #[error("cannot {action}: {cause}")]
    Refused {
        /// What was being done.
        action: &'static str,
        /// The server's message.
        cause: String,
    },
}

impl CollectError {
    fn from_read(action: &'static str, error: ReadError) -> Self {
        match error {
            ReadError::Lost(error) => Self::ConnectionLost {
                action,
                cause: error.to_string(),
            },
            ReadError::Server { .. } | ReadError::Decode(_) => Self::Refused {
                action,
                cause: error.to_string(),
            },
        }
    }
}

/// Whether the connection is still there, after an area that could not be read.
fn alive(
    client: &Client,
    error: ReadError,
    action: &'static str,
) -> Result<ReadError, CollectError> {
    if client.is_closed() || matches!(error, ReadError::Lost(_)) {
        Err(CollectError::from_read(action, error))
    } else {
        Ok(error)
    }
}
