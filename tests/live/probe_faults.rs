//! Probes of servers that are slow, locked, frozen, restarted or left alone: each ends in time, says why, and leaves
//! nothing behind.

use std::time::{Duration, Instant};

use pgtriage::demo::cluster::{Cluster, StopMode};
use pgtriage::probe::{ProbeOptions, run};
use pgtriage::snapshot::ProbeStatus::{Analyzed, Failed, NotProbed, Planned};
use pgtriage::snapshot::Snapshot;
use tokio::sync::watch;

use crate::probing::{expect, options, outcome, probe_texts, runtime, session, snapshot, state};
use crate::program::wait_until;
use crate::{MAIN_MAJOR, builder, majors, value};

/// Takes minutes, as no statistics say.
const ENDLESS: &str = "SELECT count(*) FROM t a, t b, t c WHERE a.id + b.id + c.id > $1";

fn server(major: u32) -> Cluster {
    let cluster = builder(major).start().expect("a server");
    cluster.create_database("shop").expect("a database");
    cluster
        .execute(
            "shop",
            "CREATE TABLE t (id int PRIMARY KEY, v int); INSERT INTO t SELECT g, g % 7 FROM generate_series(1, 5000) g; ANALYZE t;
             CREATE ROLE plain LOGIN; GRANT SELECT ON t TO plain",
        )
        .expect("a table");
    cluster
}

#[test]
fn a_budget_of_two_seconds_is_kept() {
    for major in majors() {
        let cluster = server(major);
        let before = state(&cluster, "shop");
        let started = Instant::now();
        let options = ProbeOptions {
            budget: Duration::from_secs(2),
            timeout: Duration::from_secs(10),
            ..options()
        };
        let texts = [ENDLESS, "SELECT * FROM t WHERE id = $1", "SELECT v FROM t"];
        let snapshot = probe_texts(&cluster, "shop", "plain", &texts, &options);
        assert!(
            started.elapsed() < Duration::from_secs(8),
            "{:?}",
            started.elapsed()
        );
        expect(&snapshot, 0, Planned, "timeout");
        let remedies = snapshot.probes.iter().map(|probe| probe.remedy.as_deref());
        assert!(
            remedies.eq([Some("--budget 4s"); 3]),
            "{:?}",
            snapshot.probes
        );
        expect(&snapshot, 1, NotProbed, "the budget of 2 s ended before it");
        expect(&snapshot, 2, NotProbed, "the budget of 2 s ended before it");
        assert_eq!(state(&cluster, "shop"), before);
    }
}

#[test]
fn slow_statements_are_planned_only() {
    let cluster = server(MAIN_MAJOR);
    let texts = ["SELECT * FROM t WHERE id = $1", "SELECT v FROM t"];
    let mut slow = snapshot(&cluster, "shop", "plain", &texts);
    slow.statements[0].counters.total_exec_time_ms.0 = 200_000.0;
    slow.statements[1].counters.total_exec_time_ms.0 = 90_000.0;
    let options = ProbeOptions {
        budget: Duration::from_secs(8),
        timeout: Duration::from_secs(10),
        ..options()
    };
    let snapshot = crate::probing::probe(&cluster, "plain", slow, &options);
    expect(
        &snapshot,
        0,
        Planned,
        "its mean time of 20 s is more than the timeout of 10 s",
    );
    expect(
        &snapshot,
        1,
        Planned,
        "its mean time of 9 s is more than what is left of the budget",
    );
}

#[test]
fn a_statement_that_runs_out_of_time_is_planned() {
    for major in majors() {
        let cluster = server(major);
        let options = ProbeOptions {
            timeout: Duration::from_secs(1),
            ..options()
        };
        let texts = [ENDLESS, "SELECT * FROM t WHERE id = $1"];
        let snapshot = probe_texts(&cluster, "shop", "plain", &texts, &options);
        expect(
            &snapshot,
            0,
            Planned,
            "canceling statement due to statement timeout",
        );
        assert_eq!(snapshot.probes[0].remedy.as_deref(), Some("--timeout 2s"));
        expect(&snapshot, 1, Analyzed, "");
    }
}

#[test]
fn locked_tables_are_not_waited_for() {
    for major in majors() {
        let cluster = server(major);
        let holder = runtime();
        let locked = holder.block_on(async {
            let session = session(&cluster, "postgres", "shop").await;
            session
                .client
                .batch_execute("BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE")
                .await
                .expect("a lock");
            session
        });
        let before = state(&cluster, "shop");
        let started = Instant::now();
        let texts = [
            "SELECT * FROM t WHERE id = $1",
            "SELECT 1",
            "UPDATE t SET v = 1 WHERE id = 1",
        ];
        let snapshot = probe_texts(&cluster, "shop", "postgres", &texts, &options());
        assert!(
            started.elapsed() < Duration::from_secs(8),
            "{:?}",
            started.elapsed()
        );
        expect(
            &snapshot,
            0,
            Failed,
            "table public.t is locked by another session",
        );
        expect(&snapshot, 1, Analyzed, "");
        expect(
            &snapshot,
            2,
            Failed,
            "table public.t is locked by another session",
        );
        assert_eq!(state(&cluster, "shop"), before);
        drop(locked);
    }
}

/// Starts a run in the background and hands back what ends it.
struct Running {
    thread: std::thread::JoinHandle<Snapshot>,
    cancel: watch::Sender<bool>,
}

fn start(cluster: &Cluster, texts: &[&str], options: ProbeOptions) -> Running {
    let (cancel, cancelled) = watch::channel(false);
    let mut snapshot = snapshot(cluster, "shop", "plain", texts);
    let uri = cluster.uri_as("plain", "shop");
    let thread = std::thread::spawn(move || {
        runtime().block_on(async {
            let session = crate::connect::connect(&uri, &crate::connect::environment(&[], None))
                .await
                .expect("a connection");
            let all: Vec<usize> = (0..snapshot.statements.len()).collect();
            run(&session, &mut snapshot, &all, &options, &|_| (), cancelled).await;
        });
        snapshot
    });
    Running { thread, cancel }
}

/// Waits until a probe executes its statement.
fn wait_for_probe(cluster: &Cluster) {
    let probing = "SELECT count(*) > 0 FROM pg_stat_activity WHERE usename = 'plain' AND state = 'active' \
                   AND query LIKE 'EXPLAIN (ANALYZE true%'";
    wait_until(cluster, probing, "t");
}

#[test]
fn ctrl_c_stops_at_once() {
    for major in majors() {
        let cluster = server(major);
        let before = state(&cluster, "shop");
        let running = start(&cluster, &[ENDLESS, "SELECT 1"], options());
        wait_for_probe(&cluster);
        let asked = Instant::now();
        running.cancel.send(true).expect("a run");
        let snapshot = running.thread.join().expect("an end");
        assert!(
            asked.elapsed() < Duration::from_secs(3),
            "{:?}",
            asked.elapsed()
        );
        expect(&snapshot, 0, NotProbed, "cancelled");
        expect(&snapshot, 1, NotProbed, "cancelled");
        assert_eq!(state(&cluster, "shop"), before);
    }
}

#[test]
fn a_restart_in_the_middle_is_survived_once() {
    for major in majors() {
        let cluster = server(major);
        let running = start(
            &cluster,
            &[ENDLESS, "SELECT * FROM t WHERE id = $1"],
            options(),
        );
        wait_for_probe(&cluster);
        cluster.stop(StopMode::Fast).expect("a stop");
        cluster.start().expect("a start");
        let snapshot = running.thread.join().expect("an end");
        expect(&snapshot, 0, Failed, "terminating connection");
        expect(&snapshot, 1, Analyzed, "");
    }
}

#[test]
fn a_server_that_stays_away_is_named() {
    let cluster = server(MAIN_MAJOR);
    let running = start(&cluster, &[ENDLESS, "SELECT 1"], options());
    wait_for_probe(&cluster);
    let stopped = Instant::now();
    cluster.stop(StopMode::Immediate).expect("a stop");
    let snapshot = running.thread.join().expect("an end");
    assert!(
        stopped.elapsed() < Duration::from_secs(10),
        "{:?}",
        stopped.elapsed()
    );
    assert_eq!(outcome(&snapshot, 0).status, Failed);
    expect(&snapshot, 1, NotProbed, "the connection was lost");
}

/// Sends a signal to all processes of a server.
fn signal(cluster: &Cluster, signal: &str) {
    let pid =
        std::fs::read_to_string(cluster.data_dir().join("postmaster.pid")).expect("a pid file");
    let pid = pid.lines().next().expect("a pid");
    // A worker may have ended between the two commands.
    let each = format!(
        "for p in {pid} $(ps -o pid= --ppid {pid}); do kill -{signal} $p 2>/dev/null; done; true"
    );
    let status = std::process::Command::new("sh")
        .args(["-c", &each])
        .status()
        .expect("kill");
    assert!(status.success());
}

#[test]
fn a_frozen_server_does_not_hold_the_program() {
    let cluster = server(MAIN_MAJOR);
    let options = ProbeOptions {
        budget: Duration::from_secs(4),
        ..options()
    };
    let started = Instant::now();
    let running = start(&cluster, &[ENDLESS, "SELECT 1"], options);
    wait_for_probe(&cluster);
    signal(&cluster, "STOP");
    let snapshot = running.thread.join().expect("an end");
    signal(&cluster, "CONT");
    assert!(
        started.elapsed() < Duration::from_secs(14),
        "{:?}",
        started.elapsed()
    );
    assert_eq!(outcome(&snapshot, 0).status, Failed);
    assert_eq!(outcome(&snapshot, 1).status, NotProbed);
}

#[test]
fn a_program_that_vanishes_leaves_nothing() {
    for major in majors() {
        let cluster = server(major);
        let before = state(&cluster, "shop");
        let runtime = runtime();
        let mut snapshot = snapshot(&cluster, "shop", "plain", &[ENDLESS]);
        let uri = cluster.uri_as("plain", "shop");
        let (_keep, cancelled) = watch::channel(false);
        runtime.spawn(async move {
            let session = crate::connect::connect(&uri, &crate::connect::environment(&[], None))
                .await
                .expect("a connection");
            run(
                &session,
                &mut snapshot,
                &[0],
                &options(),
                &|_| (),
                cancelled,
            )
            .await;
        });
        wait_for_probe(&cluster);
        runtime.shutdown_background();
        // Version 13 notices only when the statement ends: by its timeout.
        let patience = if major >= 14 { 3 } else { 7 };
        std::thread::sleep(Duration::from_secs(patience));
        assert_eq!(state(&cluster, "shop"), before, "{major}");
    }
}

#[test]
fn logs_and_counters_stay_clean() {
    for major in majors() {
        let cluster = builder(major)
            .setting("log_min_duration_statement", "0")
            .start()
            .expect("a server");
        cluster.create_database("shop").expect("a database");
        cluster
            .execute(
                "shop",
                "CREATE EXTENSION pg_stat_statements; CREATE TABLE t (id int PRIMARY KEY, v int); INSERT INTO t SELECT g, g FROM generate_series(1, 500) g;
                 ANALYZE t; CREATE ROLE plain LOGIN; GRANT SELECT ON t TO plain; SELECT pg_stat_statements_reset()",
            )
            .expect("a table");
        let texts = [
            "SELECT v FROM t WHERE id = $1",
            "SELECT $1 + v FROM t",
            "UPDATE t SET v = $1",
        ];
        let snapshot = probe_texts(&cluster, "shop", "postgres", &texts, &options());
        expect(&snapshot, 0, Analyzed, "");
        assert!(!cluster.log().contains("EXPLAIN"), "{}", cluster.log());
        let own =
            "SELECT count(*) FROM pg_stat_statements WHERE query ~* 'explain|prepare|pg_depend'";
        assert_eq!(value(&cluster, "shop", own), "0");
        probe_texts(&cluster, "shop", "plain", &texts, &options());
        let unmarked = "SELECT string_agg(query, '; ') FROM pg_stat_statements s JOIN pg_roles r ON r.oid = s.userid
            WHERE rolname = 'plain' AND query NOT LIKE '%/* pgtriage */%'";
        assert_eq!(
            value(
                &cluster,
                "shop",
                &format!("SELECT coalesce(({unmarked}), 'none')")
            ),
            "none"
        );
    }
}

#[test]
fn user_settings_reach_the_plan_or_are_named() {
    let cluster = server(MAIN_MAJOR);
    let with = |name: &str, value: &str| ProbeOptions {
        settings: vec![(name.to_owned(), value.to_owned())],
        ..options()
    };
    let texts = ["SELECT v FROM t WHERE id = $1"];
    let snapshot = probe_texts(
        &cluster,
        "shop",
        "plain",
        &texts,
        &with("enable_indexscan", "off"),
    );
    assert_eq!(
        snapshot.plans[0].plan["Settings"]["enable_indexscan"],
        "off"
    );
    for (name, value, words) in [
        (
            "work_mem",
            "lots'; DROP TABLE t; --",
            "invalid value for parameter",
        ),
        ("search_path", "evil", "--set search_path was ignored"),
        ("log_statement", "none", "permission denied"),
    ] {
        let snapshot = probe_texts(&cluster, "shop", "plain", &texts, &with(name, value));
        expect(&snapshot, 0, Analyzed, "");
        assert!(
            snapshot.gaps.iter().any(|gap| gap.reason.contains(words)),
            "{:?}",
            snapshot.gaps
        );
    }
}
