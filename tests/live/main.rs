//! Tests against real servers, of every supported major version.
//!
//! One test binary: a file a subject, each with its `mod` line here. Start a server with [`builder`]:
//!
//! ```ignore
//! for major in crate::majors() {
//!     let cluster = crate::builder(major).setting("work_mem", "64kB").start().expect("a server");
//!     cluster.execute("postgres", "CREATE TABLE t (id int)").expect("a table");
//! }
//! ```

#![allow(
    clippy::expect_used,
    clippy::missing_panics_doc,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test fails by panicking, and its helpers with it"
)]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use pgtriage::demo::cluster::{Builder, Cluster};

mod advice;
mod advice_joins;
mod advice_scans;
mod capture_cli;
mod check;
mod check_action;
mod check_example;
mod check_production;
mod check_projects;
mod cluster;
mod collect;
mod collect_faults;
mod collect_grants;
mod collect_window;
mod connect;
mod connect_tls;
mod demo;
mod demo_cli;
mod demo_report;
mod diagnose;
mod diagnose_window;
mod explain;
mod faults;
mod grants_cli;
mod healthy;
mod healthy_plans;
mod interposed;
mod logs;
mod loops;
mod nplusone_window;
mod orms;
mod plan_cases;
mod pooler;
mod probe;
mod probe_faults;
mod probe_hypothetical;
mod probe_surroundings;
mod probing;
mod program;
mod rewrites;
mod round_trips;
mod safety;
mod safety_races;
mod safety_ways;
mod simulate;
mod sql_rewrite;

/// The newest major version that Debian's packages put beside the pinned ones: the one with `HypoPG` and psql.
pub const MAIN_MAJOR: u32 = 15;

/// The supported major versions; `PGTRIAGE_TEST_MAJORS="15 18"` narrows them while developing.
pub fn majors() -> Vec<u32> {
    match std::env::var("PGTRIAGE_TEST_MAJORS") {
        Ok(list) => list
            .split(|c: char| !c.is_ascii_digit())
            .filter(|part| !part.is_empty())
            .map(|part| part.parse().expect("a major version"))
            .collect(),
        Err(_) => (13..=18).collect(),
    }
}

/// How long a test waits for what is bound to happen, on machines that have other work, too.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A builder for a cluster of this major version, with the binaries that `scripts/postgres` finds or fetches. It begins
/// as a copy of the first such cluster, because most tests would spend most of their time in `initdb`.
pub fn builder(major: u32) -> Builder {
    let binaries = bin_dir(major);
    let name = format!("postgres-template{}", binaries.display()).replace('/', "-");
    Cluster::builder()
        .template(std::env::temp_dir().join(name))
        .bin_dir(binaries)
}

/// The server binaries of a major version.
pub fn bin_dir(major: u32) -> PathBuf {
    static FOUND: Mutex<BTreeMap<u32, PathBuf>> = Mutex::new(BTreeMap::new());
    let mut found = FOUND.lock().unwrap_or_else(PoisonError::into_inner);
    found
        .entry(major)
        .or_insert_with(|| {
            let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("scripts/postgres");
            let output = Command::new(script)
                .arg(major.to_string())
                .output()
                .expect("scripts/postgres runs");
            assert!(
                output.status.success(),
                "scripts/postgres {major}: {}",
                String::from_utf8_lossy(&output.stderr)
            );
            PathBuf::from(String::from_utf8(output.stdout).expect("a path").trim())
        })
        .clone()
}

/// The first value of the first row; panics where the statement fails or gives nothing.
pub fn value(cluster: &Cluster, database: &str, sql: &str) -> String {
    let rows = cluster
        .query(database, sql)
        .unwrap_or_else(|error| panic!("{sql}: {error}"));
    rows.into_iter()
        .next()
        .and_then(|row| row.into_iter().next())
        .flatten()
        .unwrap_or_else(|| panic!("{sql}: no value"))
}
