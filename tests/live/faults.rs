//! Whatever goes wrong while the program runs, a report with the reasons follows, in time, and nothing stays behind.

use std::fmt::Write as _;
use std::time::Duration;

use pgtriage::demo::cluster::{Cluster, StopMode};
use serde_json::Value;

use crate::collect::client;
use crate::probing::state;
use crate::program::{DATABASE, Running, SESSIONS, flat, pgtriage, wait_until};
use crate::{MAIN_MAJOR, builder, majors, value};

/// After its budget the program has so long to end.
const AFTER_BUDGET: Duration = Duration::from_secs(10);

const PROBING: &str = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'EXPLAIN (ANALYZE true%' AND state = 'active' \
                       AND pid <> pg_backend_pid()";

/// Different statements that were quick when their tables were small, and are not any more.
fn slow(major: u32, shapes: u32) -> Cluster {
    let cluster = builder(major).start().expect("a server");
    cluster.create_database(DATABASE).expect("a database");
    cluster
        .execute(
            DATABASE,
            "CREATE EXTENSION pg_stat_statements; CREATE TABLE quick (id int PRIMARY KEY); INSERT INTO quick SELECT generate_series(1, 1000); \
             CREATE TABLE slow (id int); INSERT INTO slow SELECT generate_series(1, 100); ANALYZE",
        )
        .expect("tables");
    let mut work = String::new();
    for shape in 1..=shapes {
        let sums = vec!["sum(a.id)"; usize::try_from(shape).expect("a small number")].join(", ");
        for _ in 0..10 {
            write!(
                work,
                "SELECT {sums} FROM slow a, slow b WHERE a.id + b.id > 50; "
            )
            .expect("text");
        }
    }
    work += "SELECT id FROM quick WHERE id = 7;";
    cluster.execute(DATABASE, &work).expect("work");
    cluster
        .execute(
            DATABASE,
            "INSERT INTO slow SELECT generate_series(101, 60000)",
        )
        .expect("growth");
    cluster
}

/// The report was printed whole, and holds these words.
fn reported(stdout: &str, words: &[&str]) {
    let plain = flat(stdout);
    for part in [&["not executed", "pgtriage 0."], words].concat() {
        assert!(plain.contains(part), "{part}: {stdout}");
    }
}

#[test]
fn a_budget_holds() {
    let cluster = slow(MAIN_MAJOR, 4);
    let before = state(&cluster, DATABASE);
    let run = pgtriage(&[&cluster.uri(DATABASE), "--budget", "2s", "--timeout", "1s"]).expect(0);
    assert!(run.took < Duration::from_secs(2) + AFTER_BUDGET, "{run:?}");
    reported(&run.stdout, &["budget of 2 s"]);
    assert_eq!(state(&cluster, DATABASE), before);
}

#[test]
fn a_timeout_makes_room_for_the_other_statements() {
    let cluster = slow(MAIN_MAJOR, 1);
    let report = pgtriage(&[
        &cluster.uri(DATABASE),
        "--timeout",
        "500ms",
        "--format",
        "json",
    ])
    .expect(0)
    .json();
    let statements = report["statements"].as_array().expect("a list");
    let probe = |text: &str| -> &Value {
        let found = statements.iter().find(|statement| {
            statement["query"]
                .as_str()
                .is_some_and(|q| q.contains(text))
        });
        &found.unwrap_or_else(|| panic!("{text}: {report}"))["probe"]
    };
    assert_eq!(probe("FROM quick")["status"], "analyzed");
    assert_eq!(probe("FROM slow")["status"], "planned");
    let reason = probe("FROM slow")["reason"].as_str().expect("a reason");
    assert!(reason.contains("timeout"), "{reason}");
}

#[test]
fn a_signal_ends_the_run_with_a_report() {
    let cluster = slow(MAIN_MAJOR, 2);
    let before = state(&cluster, DATABASE);
    for signal in ["INT", "TERM", "HUP"] {
        let running = Running::start(&[&cluster.uri(DATABASE)]);
        wait_until(&cluster, PROBING, "1");
        running.signal(signal);
        let begin = std::time::Instant::now();
        let run = running.finish().expect(130);
        assert!(
            begin.elapsed() < Duration::from_secs(3),
            "{signal}: {run:?}"
        );
        reported(&run.stdout, &["cancelled"]);
        assert_eq!(state(&cluster, DATABASE), before, "{signal}");
    }
    // The program waits for a window, and there is nothing to report yet.
    let running = Running::start(&[&cluster.uri(DATABASE), "--window", "1min"]);
    wait_until(&cluster, SESSIONS, "1");
    running.signal("INT");
    let run = running.finish().expect(130);
    assert!(run.took < Duration::from_secs(10), "{run:?}");
    assert_eq!(run.stderr.lines().count(), 1, "{}", run.stderr);
    assert_eq!(state(&cluster, DATABASE), before);
}

#[test]
fn nothing_outlives_a_killed_program() {
    for major in majors() {
        if ![13, MAIN_MAJOR, 18].contains(&major) {
            continue;
        }
        let cluster = slow(major, 1);
        let before = state(&cluster, DATABASE);
        let running = Running::start(&[&cluster.uri(DATABASE), "--timeout", "4s"]);
        wait_until(&cluster, PROBING, "1");
        running.signal("KILL");
        assert_eq!(running.finish().code, None);
        // 13 notices at the statement's end, later versions when they look for the client.
        wait_until(&cluster, SESSIONS, "0");
        assert_eq!(state(&cluster, DATABASE), before, "PostgreSQL {major}");
    }
}

#[test]
fn a_server_that_stops_is_reported() {
    let cluster = slow(MAIN_MAJOR, 2);
    let before = state(&cluster, DATABASE);
    let running = Running::start(&[&cluster.uri(DATABASE)]);
    wait_until(&cluster, PROBING, "1");
    cluster.stop(StopMode::Immediate).expect("a stop");
    let run = running.finish().expect(0);
    assert!(run.took < Duration::from_secs(60) + AFTER_BUDGET, "{run:?}");
    reported(&run.stdout, &["connection was lost"]);
    cluster.start().expect("a start");
    assert_eq!(state(&cluster, DATABASE), before);
}

#[tokio::test]
async fn a_locked_table_does_not_keep_the_others_from_being_looked_at() {
    let cluster = slow(MAIN_MAJOR, 1);
    let other = client(&cluster, "postgres", DATABASE).await;
    other
        .batch_execute("BEGIN; LOCK TABLE slow IN ACCESS EXCLUSIVE MODE")
        .await
        .expect("a lock");
    let before = state(&cluster, DATABASE);
    let uri = cluster.uri(DATABASE);
    let run = tokio::task::spawn_blocking(move || pgtriage(&[&uri]).expect(0))
        .await
        .expect("a run");
    assert!(run.took < Duration::from_secs(20), "{run:?}");
    reported(&run.stdout, &["lock", "2 analyzed"]);
    assert_eq!(state(&cluster, DATABASE), before);
    let waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted";
    assert_eq!(value(&cluster, DATABASE, waiting), "0");
}
