//! Server, role, settings, extensions, and the database's counters.

use jiff::Timestamp;

use super::moment::{Moment, ReadError};
use super::row::{DecodeError, Record};
use crate::ids::Oid;
use crate::snapshot::{DatabaseCounters, Extension, Role, Server, Setting, Settings};
use crate::units::{Bytes, Millis};

const SERVER: &str = query!("server.sql");
const SETTINGS: &str = query!("settings.sql");
const EXTENSIONS: &str = query!("extensions.sql");
const DATABASE: &str = query!("database.sql");

/// What `server.sql` tells.
pub(super) struct Identity {
    pub(super) server: Server,
    pub(super) role: Role,
    pub(super) captured_at: Timestamp,
}

pub(super) async fn identity(moment: &Moment<'_>) -> Result<Identity, ReadError> {
    let rows = moment.read(SERVER, &[], decode_identity).await?;
    let mut identity = rows
        .into_iter()
        .next()
        .ok_or_else(|| DecodeError::new("database", "has no row"))?;
    identity.role.search_path.clone_from(&moment.search_path);
    Ok(identity)
}

fn decode_identity(record: &Record<'_>) -> Result<Identity, DecodeError> {
    let version_num: i32 = record.get("version_num")?;
    Ok(Identity {
        server: Server {
            version_num: u32::try_from(version_num)
                .map_err(|_| DecodeError::new("version_num", "is negative"))?,
            version: record.text("version")?,
            database: record.text("database")?,
            database_oid: Oid(record.get("database_oid")?),
            collation: record.opt_text("collation")?,
            address: None,
            in_recovery: record.get("in_recovery")?,
            started_at: record.time("started_at")?,
            block_size: Bytes(record.get("block_size")?),
            database_size_bytes: None,
            round_trip_ms: None,
        },
        role: Role {
            name: record.text("role")?,
            oid: Oid(record.get("role_oid")?),
            superuser: record.get("superuser")?,
            bypass_rls: record.get("bypass_rls")?,
            read_all_stats: record.get("read_all_stats")?,
            read_all_data: record.get("read_all_data")?,
            server_access: record.get("server_access")?,
            search_path: Vec::new(),
        },
        captured_at: record.time("captured_at")?,
    })
}

/// Settings, and whether `shared_preload_libraries` waits for a restart; `None` where the role may not see it.
#[derive(Default)]
pub(super) struct ReadSettings {
    pub(super) settings: Settings,
    pub(super) preload_pending: Option<bool>,
}

pub(super) async fn settings(moment: &Moment<'_>) -> Result<ReadSettings, ReadError> {
    let mut read = ReadSettings::default();
    let rows = moment.read(SETTINGS, &[], |record| {
        let setting = Setting {
            value: record.opt_text("value")?.unwrap_or_default(),
            unit: record.opt_text("unit")?,
            source: record.opt_text("source")?,
        };
        Ok((
            record.text("name")?,
            setting,
            record.opt("pending_restart")?,
        ))
    });
    for (name, setting, pending) in rows.await? {
        if name == "shared_preload_libraries" {
            read.preload_pending = pending;
        }
        read.settings.insert(name, setting);
    }
    Ok(read)
}

/// Extensions, installed and not.
#[derive(Default)]
pub(super) struct ReadExtensions {
    pub(super) installed: Vec<InstalledExtension>,
    /// Names of those that `CREATE EXTENSION` could install.
    pub(super) available: Vec<String>,
}

pub(super) struct InstalledExtension {
    pub(super) extension: Extension,
    /// Whether the role may use the schema.
    pub(super) usable: bool,
}

impl ReadExtensions {
    pub(super) fn find(&self, name: &str) -> Option<&InstalledExtension> {
        self.installed
            .iter()
            .find(|installed| installed.extension.name == name)
    }

    pub(super) fn is_available(&self, name: &str) -> bool {
        self.available.iter().any(|available| available == name)
    }
}

pub(super) async fn extensions(moment: &Moment<'_>) -> Result<ReadExtensions, ReadError> {
    let mut read = ReadExtensions::default();
    let rows = moment.read(EXTENSIONS, &[], |record| {
        let name = record.text("name")?;
        if !record.get::<bool>("installed")? {
            return Ok((name, None));
        }
        let installed = InstalledExtension {
            extension: Extension {
                name: name.clone(),
                version: record.text("version")?,
                schema: record.text("schema")?,
            },
            usable: record.get("usable")?,
        };
        Ok((name, Some(installed)))
    });
    for (name, installed) in rows.await? {
        match installed {
            Some(installed) => read.installed.push(installed),
            None => read.available.push(name),
        }
    }
    read.installed
        .sort_by(|a, b| a.extension.name.cmp(&b.extension.name));
    Ok(read)
}

/// The database's counters and its size.
pub(super) struct ReadDatabase {
    pub(super) counters: DatabaseCounters,
    pub(super) size: Option<Bytes>,
}

pub(super) async fn database(moment: &Moment<'_>) -> Result<Option<ReadDatabase>, ReadError> {
    let rows = moment.read(DATABASE, &[], |record| {
        Ok(ReadDatabase {
            counters: DatabaseCounters {
                xact_commit: record.get("xact_commit")?,
                xact_rollback: record.get("xact_rollback")?,
                blks_read: record.get("blks_read")?,
                blks_hit: record.get("blks_hit")?,
                temp_bytes: Bytes(record.get("temp_bytes")?),
                deadlocks: record.get("deadlocks")?,
                blk_read_time: Millis(record.get("blk_read_time")?),
                stats_reset: record.opt_time("stats_reset")?,
                server_stats_reset: record.opt_time("server_stats_reset")?,
            },
            size: record.opt("size_bytes")?.map(Bytes),
        })
    });
    Ok(rows.await?.into_iter().next())
}
