//! Runs the built program as a user does, and a server with planted problems to run it on.

use std::collections::BTreeSet;
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use pgtriage::demo::cluster::Cluster;
use serde_json::Value;

use crate::collect::client;
use crate::{PATIENCE, builder};

pub const DATABASE: &str = "shop";

/// What a run printed, and how it ended.
#[derive(Debug)]
pub struct Run {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
    pub took: Duration,
}

impl Run {
    /// Panics, with all that was printed, unless the exit code is this one.
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}\n{}", self.stdout, self.stderr);
        self
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}\n{}", self.stdout, self.stderr))
    }

    pub fn has(&self, words: &str) -> bool {
        flat(&self.stdout).contains(words)
    }
}

/// Words with one space between, so that line breaks do not matter.
pub fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The program with nothing of this process's surroundings that it could connect by.
pub fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pgtriage"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("PG") {
            command.env_remove(name);
        }
    }
    command
        .args(arguments)
        .env("HOME", "/nonexistent")
        .env_remove("NO_COLOR")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Runs the program to its end.
pub fn pgtriage(arguments: &[&str]) -> Run {
    Running::start(arguments).finish()
}

/// The program, still running.
pub struct Running {
    child: Child,
    begin: Instant,
}

impl Running {
    pub fn start(arguments: &[&str]) -> Self {
        Self::of(command(arguments))
    }

    pub fn of(mut command: Command) -> Self {
        Self {
            begin: Instant::now(),
            child: command.spawn().expect("the program starts"),
        }
    }

    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .args([&format!("-{name}"), &self.child.id().to_string()])
            .status()
            .expect("kill runs");
        assert!(sent.success());
    }

    pub fn finish(mut self) -> Run {
        let stdout = reader(self.child.stdout.take().expect("a pipe"));
        let stderr = reader(self.child.stderr.take().expect("a pipe"));
        let status: ExitStatus = self.child.wait().expect("an end");
        Run {
            code: status.code(),
            took: self.begin.elapsed(),
            stdout: stdout.join().expect("its output"),
            stderr: stderr.join().expect("its messages"),
        }
    }
}

fn reader(mut from: impl Read + Send + 'static) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut text = String::new();
        from.read_to_string(&mut text).expect("text");
        text
    })
}

/// Runs `query` until it gives `wanted`.
pub fn wait_until(cluster: &Cluster, query: &str, wanted: &str) {
    let begin = Instant::now();
    loop {
        let found = crate::value(cluster, DATABASE, query);
        if found == wanted {
            return;
        }
        assert!(
            begin.elapsed() < PATIENCE,
            "{query}: {found} and not {wanted}"
        );
        thread::sleep(Duration::from_millis(50));
    }
}

/// The checks that found something.
pub fn types(report: &Value) -> BTreeSet<&str> {
    let findings = report["bottlenecks"].as_array().expect("a list");
    let types = findings
        .iter()
        .filter_map(|finding| finding["type"].as_str());
    types.collect()
}

/// Sessions of the program that are still there, whatever they do.
pub const SESSIONS: &str =
    "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pgtriage'";

const PLANTED: &str = "
    CREATE EXTENSION pg_stat_statements;
    CREATE TABLE customers (id int PRIMARY KEY, email text NOT NULL);
    CREATE TABLE orders (id int PRIMARY KEY, customer_id int NOT NULL, note text NOT NULL);
    CREATE TABLE items (id int PRIMARY KEY, order_id int NOT NULL, amount int NOT NULL);
    INSERT INTO customers SELECT i, 'c' || i || '@example.com' FROM generate_series(1, 5000) AS i;
    INSERT INTO orders SELECT i, 1 + i % 5000, md5(i::text) FROM generate_series(1, 100000) AS i;
    INSERT INTO items SELECT i, 1 + i % 100000, i % 77 FROM generate_series(1, 100000) AS i;
    ALTER TABLE orders ADD FOREIGN KEY (customer_id) REFERENCES customers;
    ALTER TABLE items ADD FOREIGN KEY (order_id) REFERENCES orders;
    CREATE INDEX ON items (order_id);";

/// A server with a missing index, an N+1 loop and a spilling sort, and nothing but their traffic in its counters.
pub fn planted(major: u32) -> Cluster {
    let cluster = builder(major)
        .setting("work_mem", "64kB")
        .setting("autovacuum", "off")
        .start()
        .expect("a server");
    cluster.create_database(DATABASE).expect("a database");
    cluster.execute(DATABASE, PLANTED).expect("tables");
    cluster
        .execute(DATABASE, "VACUUM (ANALYZE)")
        .expect("statistics");
    if cluster.has_extension("hypopg") {
        cluster
            .execute(DATABASE, "CREATE EXTENSION hypopg")
            .expect("hypopg");
    }
    cluster
        .execute(DATABASE, "SELECT pg_stat_statements_reset()")
        .expect("a reset");
    cluster
}

/// A program's work: for each of some customers, its orders (no index serves that), for each of them its items one by
/// one, and a report that sorts more than `work_mem`.
pub async fn work(cluster: &Cluster) {
    let client = client(cluster, "postgres", DATABASE).await;
    let orders = client
        .prepare("SELECT id, note FROM orders WHERE customer_id = $1")
        .await
        .expect("a statement");
    let items = client
        .prepare("SELECT id, amount FROM items WHERE order_id = $1")
        .await
        .expect("a statement");
    for customer in 1..=40 {
        let found = client.query(&orders, &[&customer]).await.expect("orders");
        for order in found {
            let id: i32 = order.get(0);
            client.query(&items, &[&id]).await.expect("items");
        }
    }
    for _ in 0..3 {
        client
            .query("SELECT note, id FROM orders ORDER BY note", &[])
            .await
            .expect("a report");
    }
}

/// A path as an argument.
pub fn text(path: &Path) -> &str {
    path.to_str().expect("a path of text")
}
