//! `--log`: the server's log files, read into the Snapshot.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::Args;
use flate2::bufread::MultiGzDecoder;
use tokio::sync::watch;

use crate::format;
use crate::logs::{Digest, LinePrefix, Reader};
use crate::snapshot::{Snapshot, redact_logs};
use crate::sql::redact::Redactor;
use crate::units::Bytes;

use super::observe::Literals;
use super::progress::Progress;

/// Bytes that are taken from a file at once.
const CHUNK: usize = 1024 * 1024;

/// Bytes at the begin of a file in which its first time is looked for.
const BEGINNING: u64 = 64 * 1024;

/// How often the progress line changes.
const TICK: Duration = Duration::from_millis(100);

/// What files that are compressed by gzip begin with (RFC 1952).
const GZIP: &[u8] = &[0x1f, 0x8b];

/// The application that this program calls itself; what it runs is no part of the workload.
const OWN: &str = "pgtriage";

#[derive(Debug, Clone, Args)]
pub struct LogArgs {
    /// A log of the server as evidence: stderr, csvlog or jsonlog, also compressed by gzip; - is standard input. Repeatable
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
    /// What becomes of literals.
    pub literals: Literals,
    /// Where to say how far it has come.
    pub progress: &'a Progress,
    /// Whether the user wants the end.
    pub ended: Option<&'a watch::Receiver<bool>>,
}

impl LogArgs {
    /// Reads the files, in the order of their times, into the Snapshot.
    ///
    /// # Errors
    /// Names the file that cannot be opened or read.
    pub fn read_into(&self, snapshot: &mut Snapshot, reading: Reading<'_>) -> Result<()> {
        if self.log.is_empty() {
            return Ok(());
        }
        let of_server = snapshot.settings.get("log_line_prefix");
        let prefix = self
            .log_line_prefix
            .as_deref()
            .or(of_server.map(|setting| setting.value.as_str()));
        let mut reader = Reader::new(prefix.map(LinePrefix::new));
        let database = Some(snapshot.server.database.as_str()).filter(|name| !name.is_empty());
        let mut digest = Digest::new(database, Some(OWN));
        let files = in_order(&self.log, &mut reader)?;
        let mut meter = Meter::new(&files, reading);
        for path in &files {
            meter.begin(path);
            let source = open(path, &mut meter)?;
            reader
                .read(source, |logged| digest.add(logged))
                .with_context(|| format!("cannot read {}", path.display()))?;
        }
        let tally = reader.finish(|logged| digest.add(logged));
        let names = files.iter().map(|path| path.display().to_string());
        let logs = digest.finish(names.collect(), &tally);
        reading.progress.step(&format!(
            "read {} statements of {} sessions in {} of logs",
            logs.executions,
            logs.sessions,
            format::bytes(Bytes(i64::try_from(tally.bytes).unwrap_or(i64::MAX)))
        ));
        snapshot.logs = Some(logs);
        if reading.literals == Literals::Redacted {
            redact_logs(snapshot, &mut Redactor::new());
        }
        Ok(())
    }
}

/// The files by their first times, where all have one: rotated files may be given in any order. Standard input is read
/// last.
fn in_order(paths: &[PathBuf], reader: &mut Reader) -> Result<Vec<PathBuf>> {
    let mut timed: Vec<(Option<i64>, &PathBuf)> = Vec::new();
    for path in paths {
        let time = if is_stdin(path) {
            Some(i64::MAX)
        } else {
            let mut beginning = Vec::new();
            let file = decoded(opened(path)?)
                .with_context(|| format!("cannot read {}", path.display()))?;
            // What cannot be read is told when the file is read.
            let _ = file.take(BEGINNING).read_to_end(&mut beginning);
            reader.first_time(&beginning)
        };
        timed.push((time, path));
    }
    if timed.iter().all(|(time, _)| time.is_some()) {
        timed.sort_by_key(|(time, _)| *time);
    }
    Ok(timed.into_iter().map(|(_, path)| path.clone()).collect())
}

fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

fn opened(path: &Path) -> Result<File> {
    File::open(path).with_context(|| format!("cannot open {}", path.display()))
}

fn open<'m>(path: &Path, meter: &'m mut Meter<'_>) -> Result<Box<dyn Read + 'm>> {
    let source: Box<dyn Read> = if is_stdin(path) {
        Box::new(io::stdin().lock())
    } else {
        Box::new(opened(path)?)
    };
    decoded(Metered { source, meter }).with_context(|| format!("cannot read {}", path.display()))
}

/// The bytes themselves, or those that gzip made them from.
fn decoded<'s>(source: impl Read + 's) -> io::Result<Box<dyn Read + 's>> {
    let mut source = BufReader::with_capacity(CHUNK, source);
    Ok(if source.fill_buf()?.starts_with(GZIP) {
        Box::new(MultiGzDecoder::new(source))
    } else {
        Box::new(source)
    })
}

/// Tells how much was read, and ends where the user wants it.
struct Meter<'a> {
    reading: Reading<'a>,
    /// Bytes of all files; `None` with standard input.
    all: Option<u64>,
    read: u64,
    file: String,
    told: Instant,
}

struct Metered<'m, 'a> {
    source: Box<dyn Read>,
    meter: &'m mut Meter<'a>,
}

impl<'a> Meter<'a> {
    fn new(files: &[PathBuf], reading: Reading<'a>) -> Self {
        let size = |path: &PathBuf| Some(std::fs::metadata(path).ok()?.len());
        Self {
            reading,
            all: files.iter().map(size).sum(),
            read: 0,
            file: String::new(),
            told: Instant::now(),
        }
    }

    fn begin(&mut self, path: &Path) {
        self.file = path.display().to_string();
        self.reading
            .progress
            .step(&format!("reading {}", self.file));
    }

    fn add(&mut self, bytes: usize) {
        self.read += u64::try_from(bytes).unwrap_or_default();
        if self.told.elapsed() < TICK {
            return;
        }
        self.told = Instant::now();
        let size = |bytes: u64| format::bytes(Bytes(i64::try_from(bytes).unwrap_or(i64::MAX)));
        let of_all = self.all.map(|all| format!(" of {}", size(all)));
        self.reading.progress.tick(&format!(
            "reading {} · {}{}",
            self.file,
            size(self.read),
            of_all.unwrap_or_default()
        ));
    }
}

impl Read for Metered<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self
            .meter
            .reading
            .ended
            .is_some_and(|ended| *ended.borrow())
        {
            return Ok(0);
        }
        let read = self.source.read(buffer)?;
        self.meter.add(read);
        Ok(read)
    }
}
