//! `--log`: the server's log files, read into the Snapshot.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Result;
use clap::Args;
use tokio::sync::watch;

use crate::collect::log_files::LogFiles;
use crate::format;
use crate::logs::{Digest, LinePrefix};
use crate::snapshot::Snapshot;
use crate::units::Bytes;

use super::progress::Progress;

/// How often the progress line changes.
const TICK: Duration = Duration::from_millis(100);

/// The application that this program calls itself; what it runs is no part of the workload.
const OWN: &str = "pgtriage";

#[derive(Debug, Clone, Args)]
pub struct LogArgs {
    /// A log of the server as evidence: stderr, syslog, csvlog or jsonlog, also compressed by gzip or as containers and
    /// clouds keep it; - is standard input. Repeatable
    #[arg(long, value_name = "FILE", help_heading = "Log")]
    pub log: Vec<PathBuf>,
    /// What the log's lines begin with (`log_line_prefix`); by default that of the server, or found out
    #[arg(
        long,
        value_name = "PREFIX",
        requires = "log",
        allow_hyphen_values = true,
        help_heading = "Log"
    )]
    pub log_line_prefix: Option<String>,
}

/// How files are read.
#[derive(Debug, Clone, Copy)]
pub struct Reading<'a> {
    /// Where to say how far it has come.
    pub progress: &'a Progress,
    /// Whether the user wants the end.
    pub ended: Option<&'a watch::Receiver<bool>>,
}

impl LogArgs {
    /// Reads the files, in the order of their times, into the Snapshot, with their literals; `false` where there are
    /// none.
    ///
    /// # Errors
    /// Names the file that cannot be opened or read.
    pub fn read_into(&self, snapshot: &mut Snapshot, reading: Reading<'_>) -> Result<bool> {
        if self.log.is_empty() {
            return Ok(false);
        }
        let of_server = snapshot.settings.get("log_line_prefix");
        let prefix = self
            .log_line_prefix
            .as_deref()
            .or(of_server.map(|setting| setting.value.as_str()));
        let database = Some(snapshot.server.database.as_str()).filter(|name| !name.is_empty());
        let mut digest = Digest::new(database, Some(OWN));
        let files = LogFiles::open(&self.log, prefix.map(LinePrefix::new))?;
        let names = files
            .paths()
            .map(|path| path.display().to_string())
            .collect();
        let mut meter = Meter::new(files.size(), reading);
        let tally = files.read(
            |path, read| meter.goes_on(path, read),
            |logged| digest.add(logged),
        )?;
        let logs = digest.finish(names, &tally);
        reading.progress.step(&format!(
            "read {} statements of {} sessions in {} of logs",
            logs.executions,
            logs.sessions,
            format::bytes(Bytes(i64::try_from(tally.bytes).unwrap_or(i64::MAX)))
        ));
        snapshot.logs = Some(logs);
        Ok(true)
    }
}

/// Tells how much was read, and ends where the user wants it.
struct Meter<'a> {
    reading: Reading<'a>,
    /// Bytes of all files, where they are known.
    all: Option<u64>,
    told: Option<Instant>,
}

impl<'a> Meter<'a> {
    fn new(all: Option<u64>, reading: Reading<'a>) -> Self {
        Self {
            reading,
            all,
            told: None,
        }
    }

    fn goes_on(&mut self, path: &Path, read: u64) -> bool {
        if self.told.is_none_or(|told| told.elapsed() >= TICK) {
            let size = |bytes: u64| format::bytes(Bytes(i64::try_from(bytes).unwrap_or(i64::MAX)));
            let of_all = self.all.map(|all| format!(" of {}", size(all)));
            self.reading.progress.tick(&format!(
                "reading {} · {}{}",
                path.display(),
                size(read),
                of_all.unwrap_or_default()
            ));
            self.told = Some(Instant::now());
        }
        !self.reading.ended.is_some_and(|ended| *ended.borrow())
    }
}
