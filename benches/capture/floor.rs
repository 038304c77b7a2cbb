//! What the capture sent to the server, read from the server's log, as a script for psql.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use pgtriage::demo::cluster::Cluster;
use serde_json::Value;

use crate::database;

/// The `application_name` of the measured capture.
pub(crate) const CAPTURE_NAME: &str = "bench_capture";

/// The `application_name` of psql.
pub(crate) const FLOOR_NAME: &str = "bench_floor";

/// A log that did not grow for so long holds everything.
const QUIET: Duration = Duration::from_millis(200);

/// The server's log in JSON lines (PostgreSQL 15 and later).
pub(crate) struct Log(PathBuf);

/// A script for psql.
pub(crate) struct Script {
    pub(crate) text: String,
    pub(crate) statements: usize,
}

/// One line of the log: `duration: 1.234 ms  execute s1: SELECT …`.
struct Entry {
    duration_ms: f64,
    /// `parse`, `bind`, `execute` or `statement`.
    step: String,
    text: String,
    /// `parameters: $1 = 'x', $2 = NULL`.
    detail: Option<String>,
}

impl Log {
    pub(crate) fn of(cluster: &Cluster) -> Self {
        Self(cluster.data_dir().join("log/statements.json"))
    }

    /// The time that the server spent for all clients of that name so far.
    pub(crate) fn server_ms(&self, name: &str) -> f64 {
        self.settle();
        self.entries(name)
            .iter()
            .map(|entry| entry.duration_ms)
            .sum()
    }

    /// What the clients of that name sent, but for the driver's own look-ups of types.
    pub(crate) fn script_of(&self, name: &str) -> Script {
        self.settle();
        let mut text = String::from("\\set ON_ERROR_STOP on\n");
        let mut statements = 0;
        for entry in self.entries(name) {
            let own = entry.text.contains("/* pgtriage */") || is_control(&entry.text);
            if !own || !matches!(entry.step.as_str(), "execute" | "statement") {
                continue;
            }
            statements += 1;
            let sql = entry.text.trim().trim_end_matches(';');
            let values = entry.detail.as_deref().map(parameters).unwrap_or_default();
            let _ = if values.is_empty() {
                writeln!(text, "{sql}\n;")
            } else {
                writeln!(
                    text,
                    "PREPARE p{statements} AS {sql}\n;\nEXECUTE p{statements} ({});",
                    values.join(", ")
                )
            };
        }
        Script { text, statements }
    }

    /// Waits until the log's collector has written what the server sent it.
    fn settle(&self) {
        let length = || std::fs::metadata(&self.0).map_or(0, |metadata| metadata.len());
        let mut before = length();
        loop {
            std::thread::sleep(QUIET);
            let now = length();
            if now == before {
                return;
            }
            before = now;
        }
    }

    fn entries(&self, name: &str) -> Vec<Entry> {
        let log = std::fs::read_to_string(&self.0).expect("the server's log");
        log.lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok())
            .filter(|line| line.get("application_name").and_then(Value::as_str) == Some(name))
            .filter_map(|line| entry(&line))
            .collect()
    }
}

fn entry(line: &Value) -> Option<Entry> {
    let message = line.get("message")?.as_str()?;
    let (duration, rest) = message.strip_prefix("duration: ")?.split_once(" ms  ")?;
    let (step, text) = rest.split_once(": ")?;
    Some(Entry {
        duration_ms: duration.parse().ok()?,
        step: step.split(' ').next()?.to_owned(),
        text: text.to_owned(),
        detail: line
            .get("detail")
            .and_then(Value::as_str)
            .map(str::to_owned),
    })
}

fn is_control(text: &str) -> bool {
    let word = text
        .split_whitespace()
        .next()
        .unwrap_or_default()
        .to_ascii_uppercase();
    matches!(
        word.as_str(),
        "BEGIN" | "START" | "COMMIT" | "ROLLBACK" | "SET"
    )
}

/// The values in `parameters: $1 = 'it''s', $2 = NULL`, as they are: the server has quoted them.
fn parameters(detail: &str) -> Vec<String> {
    let mut values = Vec::new();
    let mut rest = detail;
    for number in 1.. {
        let Some((_, value)) = rest.split_once(&format!("${number} = ")) else {
            break;
        };
        let end = end_of_value(value);
        values.push(value.get(..end).unwrap_or(value).to_owned());
        rest = value.get(end..).unwrap_or_default();
    }
    values
}

fn end_of_value(value: &str) -> usize {
    let mut quoted = false;
    for (position, c) in value.char_indices() {
        match c {
            '\'' => quoted = !quoted,
            ',' if !quoted => return position,
            _ => {}
        }
    }
    value.len()
}

/// psql in one session, the rows unaligned into a file.
pub(crate) fn psql(cluster: &Cluster, script: &Path, output: &Path) -> Command {
    let mut command = Command::new("psql");
    command
        .args(["-X", "-q", "-A", "-t", "-f"])
        .arg(script)
        .arg("-o")
        .arg(output)
        .arg("-h")
        .arg(cluster.socket_dir())
        .args([
            "-p",
            &cluster.port().to_string(),
            "-U",
            database::ROLE,
            "-d",
            database::NAME,
        ])
        .env("PGAPPNAME", FLOOR_NAME);
    command
}
