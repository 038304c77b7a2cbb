//! The harness itself: what it starts works on every version, and nothing of it stays behind.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use pgtriage::demo::cluster::{Cluster, ClusterError, StopMode};

use crate::{MAIN_MAJOR, PATIENCE, bin_dir, builder, majors, value};

/// A server removes its pid file just before it exits.
const EXITING: Duration = Duration::from_secs(2);

const HELPER: &str = "PGTRIAGE_TEST_CLUSTER_HELPER";

#[test]
fn every_major_starts_with_statement_counters_and_goes_without_a_trace() {
    for major in majors() {
        let cluster = Cluster::builder()
            .bin_dir(bin_dir(major))
            .start()
            .expect("a server");
        assert_eq!(cluster.major(), major);
        let version = value(&cluster, "postgres", "SHOW server_version_num");
        assert_eq!(version.parse::<u32>().expect("a number") / 10_000, major);
        cluster.create_database("we\"ird shop").expect("a database");
        cluster
            .execute("we\"ird shop", "CREATE EXTENSION pg_stat_statements")
            .expect("the extension");
        let counted = "SELECT count(*) FROM pg_stat_statements";
        assert_ne!(value(&cluster, "we\"ird shop", counted), "0");
        assert!(cluster.has_extension("pg_stat_statements"));
        assert!(!cluster.has_extension("no_such_extension"));

        let (directory, pid) = (cluster.directory().to_owned(), postmaster(&cluster));
        drop(cluster);
        assert_gone(&directory, pid, EXITING);
    }
}

#[test]
fn a_server_stops_restarts_and_survives_its_death() {
    let cluster = builder(MAIN_MAJOR).tcp().start().expect("a server");
    cluster
        .execute("postgres", "CREATE TABLE kept AS SELECT 42 AS id")
        .expect("a table");
    let port = cluster.port();
    cluster.restart().expect("a restart");
    assert_eq!(value(&cluster, "postgres", "SELECT id FROM kept"), "42");
    cluster.stop(StopMode::Immediate).expect("a stop");
    assert!(cluster.query("postgres", "SELECT 1").is_err());
    cluster.start().expect("a start");
    cluster.kill().expect("a kill");
    cluster.start().expect("a start after a kill");
    assert_eq!(value(&cluster, "postgres", "SELECT id FROM kept"), "42");
    assert_eq!(cluster.port(), port);
}

#[test]
fn authentication_rules_can_be_chosen_and_changed() {
    let cluster = builder(MAIN_MAJOR)
        .hba("local all postgres trust\nlocal all all reject\n")
        .start()
        .expect("a server");
    cluster
        .execute("postgres", "CREATE ROLE app LOGIN")
        .expect("a role");
    let refused = cluster
        .query_as("app", "postgres", "SELECT 1")
        .expect_err("rejected");
    assert!(refused.to_string().contains("28000"), "{refused}");
    cluster.set_hba("local all all trust\n").expect("new rules");
    let deadline = Instant::now() + PATIENCE;
    while cluster.query_as("app", "postgres", "SELECT 1").is_err() {
        assert!(
            Instant::now() < deadline,
            "the new rules never came into force"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_server_that_does_not_start_says_why_and_leaves_nothing() {
    let error = builder(MAIN_MAJOR)
        .setting("shared_buffers", "nonsense")
        .start()
        .expect_err("not a size");
    assert!(error.to_string().contains("shared_buffers"), "{error}");
    let ClusterError::Server { directory, .. } = error else {
        panic!("{error}")
    };
    assert!(
        !directory.exists(),
        "{} is still there",
        directory.display()
    );
}

#[test]
fn nothing_stays_after_a_panic() {
    let (sender, receiver) = std::sync::mpsc::channel();
    let panicked = std::thread::spawn(move || {
        let cluster = builder(MAIN_MAJOR).start().expect("a server");
        sender
            .send((cluster.directory().to_owned(), postmaster(&cluster)))
            .expect("a listener");
        panic!("on purpose");
    })
    .join();
    assert!(panicked.is_err());
    let (directory, pid) = receiver.recv().expect("a server had started");
    assert_gone(&directory, pid, EXITING);
}

#[test]
fn nothing_stays_after_the_program_is_killed() {
    for signal in ["KILL", "TERM", "INT", "HUP"] {
        let mut helper = Command::new(std::env::current_exe().expect("this program"))
            .args(["--exact", "cluster::helper", "--nocapture"])
            .env(HELPER, "1")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .expect("a helper process");
        let output = BufReader::new(helper.stdout.take().expect("a pipe"));
        let line = output
            .lines()
            .map(|line| line.expect("text"))
            .find_map(|line| line.split_once("READY ").map(|(_, rest)| rest.to_owned()))
            .expect("the helper says where its server is");
        let (pid, directory) = line.split_once(' ').expect("two words");
        // The whole process group, as a terminal does on Ctrl-C and a test runner on a timeout.
        let group = format!("-{}", helper.id());
        let killed = Command::new("kill")
            .args([&format!("-{signal}"), "--", &group])
            .status()
            .expect("kill runs");
        assert!(killed.success());
        helper.wait().expect("the helper ends");
        let pid = pid.parse().expect("a process id");
        assert_gone(Path::new(directory), pid, Duration::from_secs(15));
    }
}

/// What [`nothing_stays_after_the_program_is_killed`] runs and kills; by itself it does nothing.
#[test]
fn helper() {
    if std::env::var_os(HELPER).is_none() {
        return;
    }
    let cluster = builder(MAIN_MAJOR).start().expect("a server");
    println!(
        "READY {} {}",
        postmaster(&cluster),
        cluster.directory().display()
    );
    std::thread::sleep(Duration::from_secs(60));
}

#[test]
fn a_kept_server_outlives_the_program_until_its_line_is_run() {
    let cluster = builder(MAIN_MAJOR).start().expect("a server");
    let (directory, pid) = (cluster.directory().to_owned(), postmaster(&cluster));
    let stop = cluster.keep().expect("the line that stops it");
    assert!(directory.exists() && alive(pid));
    let output = Command::new("sh")
        .args(["-c", &stop])
        .output()
        .expect("sh runs");
    assert!(
        output.status.success(),
        "{stop}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert_gone(&directory, pid, EXITING);
}

#[tokio::test]
async fn statements_run_inside_an_async_runtime() {
    let cluster = builder(MAIN_MAJOR).tcp().start().expect("a server");
    assert_eq!(value(&cluster, "postgres", "SELECT 1"), "1");
    let (client, connection) = cluster
        .tcp_uri_as("postgres", "postgres")
        .parse::<tokio_postgres::Config>()
        .expect("a URI")
        .connect(tokio_postgres::NoTls)
        .await
        .expect("a connection through TCP");
    tokio::spawn(connection);
    let row = client.query_one("SELECT 1::int", &[]).await.expect("a row");
    assert_eq!(row.get::<_, i32>(0), 1);
    let (_client, _connection) = cluster
        .uri("postgres")
        .parse::<tokio_postgres::Config>()
        .expect("a URI")
        .connect(tokio_postgres::NoTls)
        .await
        .expect("a connection through the socket");
}

fn postmaster(cluster: &Cluster) -> u32 {
    let path: PathBuf = cluster.data_dir().join("postmaster.pid");
    let text = std::fs::read_to_string(path).expect("a running server");
    text.lines()
        .next()
        .expect("a line")
        .parse()
        .expect("a process id")
}

/// Does it run? A process that ended and that nobody has asked for its exit status yet (a zombie) does not.
fn alive(pid: u32) -> bool {
    let output = Command::new("ps")
        .args(["-o", "stat=", "-p", &pid.to_string()])
        .output()
        .expect("ps runs");
    let state = String::from_utf8(output.stdout).expect("text");
    !state.trim().is_empty() && !state.starts_with('Z')
}

fn assert_gone(directory: &Path, pid: u32, patience: Duration) {
    let deadline = Instant::now() + patience;
    while (directory.exists() || alive(pid)) && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(
        !directory.exists(),
        "{} is still there",
        directory.display()
    );
    assert!(!alive(pid), "server {pid} still runs");
}
