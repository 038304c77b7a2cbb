//! `scripts/bench plans`: saved plans, read, understood and searched by all checks, against Python's `json.load` of the
//! same files, which only reads them.
//!
//! The files are the captures of every major version, again and again until there are enough.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a benchmark is a program for developers; it stops where it cannot measure"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use pgtriage::analyze::{Config, analyze};
use pgtriage::plan::read_text;
use pgtriage::snapshot::Snapshot;
use serde_json::json;

/// Files that are read.
const FILES: usize = 10_000;

/// Runs of each of the two, one after the other; the fastest counts.
const RUNS: usize = 3;

/// Reads each file that is named on standard input, and prints seconds and peak memory in KiB.
const PYTHON: &str = "
import json, resource, sys, time
paths = sys.stdin.read().split()
start = time.perf_counter()
for path in paths:
    with open(path) as file:
        json.load(file)
print(time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
";

struct Run {
    time: Duration,
    peak_kib: u64,
}

impl Run {
    fn print(&self, what: &str) {
        let files = u32::try_from(FILES).map_or(f64::NAN, f64::from);
        let seconds = self.time.as_secs_f64();
        let mib = u32::try_from(self.peak_kib).map_or(f64::NAN, f64::from) / 1024.0;
        println!(
            "{what:<32} {seconds:>7.2} s  {:>8.0} plans a second  {mib:>6.1} MiB at most",
            files / seconds
        );
    }
}

fn main() {
    let work = tempfile::tempdir().expect("a directory for temporary files");
    let paths = write(work.path());
    let bytes: u64 = paths
        .iter()
        .map(|path| fs::metadata(path).map_or(0, |file| file.len()))
        .sum();
    let each = bytes / u64::try_from(FILES).expect("a small number");
    println!("{FILES} files of {each} bytes on average");
    let mut ours = Vec::new();
    let mut pythons = Vec::new();
    for _ in 0..RUNS {
        ours.push(read_and_analyze(&paths));
        pythons.extend(python(&paths));
    }
    let fastest = |runs: Vec<Run>| runs.into_iter().min_by_key(|run| run.time);
    if let Some(run) = fastest(ours) {
        run.print("pgtriage, parsed and analysed");
    }
    match fastest(pythons) {
        Some(run) => run.print("Python, json.load alone"),
        None => println!("no python3: nothing to compare with"),
    }
}

/// Copies the captures until there are enough of them.
fn write(directory: &Path) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/plans");
    let mut captures: Vec<PathBuf> = (13..=18)
        .flat_map(|major| fs::read_dir(root.join(major.to_string())).expect("captures"))
        .map(|entry| entry.expect("a capture").path())
        .filter(|path| !path.ends_with("auto_explain.json"))
        .collect();
    captures.sort();
    let sources = captures.iter().cycle().take(FILES).enumerate();
    sources
        .map(|(number, source)| {
            let path = directory.join(format!("{number}.json"));
            fs::copy(source, &path).expect("a copy");
            path
        })
        .collect()
}

/// A capture of one statement without a plan.
fn empty() -> Snapshot {
    let key = json!({"userid": 10, "queryid": "1", "toplevel": true});
    serde_json::from_value(json!({
        "capture_version": 1, "tool_version": "bench", "captured_at": "2026-01-01T00:00:00Z",
        "server": {"version_num": 150_000, "version": "15.0", "database": "shop", "started_at": "2026-01-01T00:00:00Z"},
        "role": {"name": "triage"},
        "plans": [{"key": key, "variant": "none", "execution": "analyzed", "planned_text": "as_written", "plan": null}],
    }))
    .expect("a capture")
}

fn read_and_analyze(paths: &[PathBuf]) -> Run {
    let mut snapshot = empty();
    let config = Config::default();
    let start = Instant::now();
    let mut findings = 0;
    for path in paths {
        let text = fs::read_to_string(path).expect("a file");
        let plan = read_text(&text).expect("a plan");
        if let Some(record) = snapshot.plans.first_mut() {
            record.plan = plan;
        }
        findings += analyze(&snapshot, &config).bottlenecks.len();
    }
    let time = start.elapsed();
    assert!(findings > 0, "the captures hold problems");
    Run {
        time,
        peak_kib: peak_kib(),
    }
}

/// The most memory that this process ever had (`/proc/self/status`).
fn peak_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    number.expect("a number of kB")
}

fn python(paths: &[PathBuf]) -> Option<Run> {
    use std::io::Write as _;
    let mut child = Command::new("python3")
        .args(["-c", PYTHON])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .ok()?;
    let mut names = child.stdin.take()?;
    for path in paths {
        writeln!(names, "{}", path.display()).ok()?;
    }
    drop(names);
    let output = String::from_utf8(child.wait_with_output().ok()?.stdout).ok()?;
    let (seconds, peak) = output.trim().split_once(' ')?;
    Some(Run {
        time: Duration::from_secs_f64(seconds.parse().ok()?),
        peak_kib: peak.parse().ok()?,
    })
}
