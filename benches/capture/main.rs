//! `scripts/bench`: what `pgtriage capture` costs against psql fetching the same rows with the same queries, and how
//! `diagnose --from` grows with the capture.
//!
//! The floor is not guessed: the server's log says which statements the capture sent, and psql sends them again, in one
//! session, into a file. Times are medians of alternating runs.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a benchmark is a program for developers; it stops where it cannot measure"
)]

mod database;
mod floor;
mod growth;
mod process;

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use pgtriage::demo::cluster::Cluster;

use process::{Run, run};

/// Alternating runs of each of the two.
const RUNS: usize = 7;

/// The goals: capture within this multiple of psql's time, within this memory, first output within this time.
const RATIO_GOAL: f64 = 1.5;
const MEMORY_GOAL_MIB: f64 = 100.0;
const FIRST_OUTPUT_GOAL: Duration = Duration::from_millis(500);

fn main() {
    let work = tempfile::tempdir().expect("a directory for temporary files");
    let capture_file = work.path().join("capture.json");
    let cluster = database::start();
    println!(
        "{} tables, {} statements, PostgreSQL {}",
        database::TABLES,
        database::STATEMENTS,
        cluster.major()
    );
    measure_capture(&cluster, &capture_file, work.path());
    drop(cluster);
    measure_diagnosis(&capture_file);
    growth::measure(&capture_file, work.path());
}

/// The program that is measured, in the profile that the benchmark was built with.
pub(crate) fn pgtriage() -> Command {
    Command::new(env!("CARGO_BIN_EXE_pgtriage"))
}

fn capture_command(cluster: &Cluster, file: &Path) -> Command {
    let mut command = pgtriage();
    command
        .args(["capture", "--probe", "none", "-o"])
        .arg(file)
        .arg(cluster.uri_as(database::ROLE, database::NAME))
        .env("PGAPPNAME", floor::CAPTURE_NAME);
    command
}

fn measure_capture(cluster: &Cluster, file: &Path, work: &Path) {
    let log = floor::Log::of(cluster);
    run(&mut capture_command(cluster, file)).expect_success("pgtriage capture");
    let script = work.join("floor.sql");
    let sent = log.script_of(floor::CAPTURE_NAME);
    std::fs::write(&script, &sent.text).expect("the script is written");
    println!("statements that the capture sends: {}\n", sent.statements);

    let (mut captures, mut floors) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        let mut psql = floor::psql(cluster, &script, &work.join("floor.out"));
        captures.push(measured(&log, floor::CAPTURE_NAME, || {
            run(&mut capture_command(cluster, file)).expect_success("pgtriage capture")
        }));
        floors.push(measured(&log, floor::FLOOR_NAME, || {
            run(&mut psql).expect_success("psql")
        }));
    }
    let ours = |of: fn(&Measured) -> f64| median(captures.iter().map(of));
    let theirs = |of: fn(&Measured) -> f64| median(floors.iter().map(of));
    println!("                  pgtriage       psql   ratio");
    for (name, of) in [
        ("wall time", (|m| m.wall_ms) as fn(&Measured) -> f64),
        ("server time", |m| m.server_ms),
    ] {
        let (a, b) = (ours(of), theirs(of));
        let verdict = goal(a / b <= RATIO_GOAL);
        println!(
            "{name:<14} {a:>8.1} ms {b:>7.1} ms {:>7.2}   goal ≤ {RATIO_GOAL} {verdict}",
            a / b
        );
    }
    let memory = ours(|m| m.peak_mib);
    println!(
        "{:<14} {memory:>8.1} MiB {:>6.1} MiB           goal ≤ {MEMORY_GOAL_MIB} MiB {}",
        "peak memory",
        theirs(|m| m.peak_mib),
        goal(memory <= MEMORY_GOAL_MIB)
    );
    let size = std::fs::metadata(file).map_or(0, |metadata| metadata.len());
    println!("{:<14} {:>8.1} MiB\n", "capture file", process::mib(size));
}

fn measure_diagnosis(file: &Path) {
    let runs: Vec<Run> = (0..RUNS)
        .map(|_| {
            run(pgtriage().args(["diagnose", "--from"]).arg(file))
                .expect_success("pgtriage diagnose")
        })
        .collect();
    let first = median(
        runs.iter()
            .map(|run| process::ms(run.first_output.unwrap_or(run.wall))),
    );
    println!(
        "diagnose --from  first output {first:.1} ms, all {:.1} ms, peak {:.1} MiB   goal ≤ {} ms {}\n",
        median(runs.iter().map(|run| process::ms(run.wall))),
        median(runs.iter().map(|run| run.peak_mib)),
        FIRST_OUTPUT_GOAL.as_millis(),
        goal(first <= process::ms(FIRST_OUTPUT_GOAL))
    );
}

struct Measured {
    wall_ms: f64,
    server_ms: f64,
    peak_mib: f64,
}

fn measured(log: &floor::Log, name: &str, work: impl FnOnce() -> Run) -> Measured {
    let before = log.server_ms(name);
    let run = work();
    Measured {
        wall_ms: process::ms(run.wall),
        server_ms: log.server_ms(name) - before,
        peak_mib: run.peak_mib,
    }
}

const fn goal(met: bool) -> &'static str {
    if met { "met" } else { "MISSED" }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
