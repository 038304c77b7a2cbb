//! The server, the connected role, settings, extensions and the database's own counters.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::Oid;
use crate::units::{Bytes, Millis};

/// The newest major version that this program was tested with; newer ones are read as this one.
pub const NEWEST_MAJOR: u32 = 18;

/// The server and the database that was looked at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Server {
    /// `server_version_num`, such as 150018.
    pub version_num: u32,
    /// `server_version`, such as `15.18 (Debian 15.18-0+deb12u1)`.
    pub version: String,
    /// The database's name.
    pub database: String,
    /// The database's oid.
    #[serde(default)]
    pub database_oid: Oid,
    /// Host and port (or socket directory) as the user reached it; no password, no user.
    #[serde(default)]
    pub address: Option<String>,
    /// Whether it is a standby (`pg_is_in_recovery()`).
    #[serde(default)]
    pub in_recovery: bool,
    /// `pg_postmaster_start_time()`.
    pub started_at: Timestamp,
    /// `block_size`.
    #[serde(default = "default_block_size")]
    pub block_size: Bytes,
    /// The collation of the database's texts, such as `en_US.UTF-8`; `C` where it is that of their bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collation: Option<String>,
    /// The database's size, where the role may ask for it.
    #[serde(default)]
    pub database_size_bytes: Option<Bytes>,
    /// How long a query that has nothing to do took from where the server was observed: the network both ways.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub round_trip_ms: Option<Millis>,
}

pub(super) const fn default_block_size() -> Bytes {
    Bytes(8192)
}

impl Server {
    /// The major version, such as 15.
    pub const fn major(&self) -> u32 {
        self.version_num / 10_000
    }

    /// The version number without the packager's addition, such as `15.18`.
    pub fn short_version(&self) -> &str {
        self.version.split_whitespace().next().unwrap_or_default()
    }
}

/// The connected role and what it may do.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a catalog column of its own"
)]
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Role {
    /// The role's name.
    pub name: String,
    /// The role's oid.
    pub oid: Oid,
    /// Superuser.
    pub superuser: bool,
    /// May bypass row-level security.
    pub bypass_rls: bool,
    /// Member of `pg_read_all_stats` (directly or through `pg_monitor`).
    pub read_all_stats: bool,
    /// Member of `pg_read_all_data` (14 and later).
    pub read_all_data: bool,
    /// Member of `pg_execute_server_program`, `pg_write_server_files` or `pg_read_server_files`.
    pub server_access: bool,
    /// The schemas that unqualified names are looked up in, `pg_catalog` included, in order.
    pub search_path: Vec<String>,
}

/// Settings by name.
pub type Settings = BTreeMap<String, Setting>;

/// One row of `pg_settings`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Setting {
    /// The value in the setting's base unit.
    pub value: String,
    /// The base unit, such as `8kB`, `kB` or `ms`; `None` for plain numbers, booleans and texts.
    #[serde(default)]
    pub unit: Option<String>,
    /// Where the value comes from, such as `default` or `configuration file`.
    #[serde(default)]
    pub source: Option<String>,
}

/// An installed extension.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Extension {
    /// The name.
    pub name: String,
    /// The installed version, which `pg_upgrade` leaves old.
    pub version: String,
    /// The schema that holds its objects.
    pub schema: String,
}

/// One row of `pg_stat_database`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DatabaseCounters {
    /// Transactions that committed.
    pub xact_commit: i64,
    /// Transactions that rolled back.
    pub xact_rollback: i64,
    /// Blocks read from the operating system.
    pub blks_read: i64,
    /// Blocks found in shared buffers.
    pub blks_hit: i64,
    /// Bytes written to temporary files.
    pub temp_bytes: Bytes,
    /// Deadlocks detected.
    pub deadlocks: i64,
    /// Time spent reading blocks; zero without `track_io_timing`.
    #[serde(rename = "blk_read_time_ms")]
    pub blk_read_time: Millis,
    /// When these counters were last reset on their own; `None` if never.
    #[serde(default)]
    pub stats_reset: Option<Timestamp>,
    /// When the server began all its statistics: at its first start, or after a crash.
    #[serde(default)]
    pub server_stats_reset: Option<Timestamp>,
}
