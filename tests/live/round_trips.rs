//! Round trips that an application could save, on a real server: each found where it is, and not where it only looks
//! like it.

use std::fs;

use pgtriage::demo::cluster::Cluster;
use serde_json::Value;
use tokio_postgres::{Client, Statement};

use crate::collect::client;
use crate::program::{DATABASE, pgtriage, text};
use crate::{MAIN_MAJOR, PATIENCE, builder, value};

const TABLES: &str = "
    CREATE EXTENSION pg_stat_statements;
    CREATE TABLE customers (id int PRIMARY KEY, name text NOT NULL);
    CREATE TABLE orders (id int PRIMARY KEY, customer_id int NOT NULL REFERENCES customers);
    CREATE TABLE events (id int PRIMARY KEY, note text NOT NULL, kind text);
    CREATE TABLE settings (name text PRIMARY KEY, value text NOT NULL);
    INSERT INTO customers SELECT i, 'c' || i FROM generate_series(1, 1000) AS i;
    INSERT INTO orders SELECT i, 1 + i % 1000 FROM generate_series(1, 1000) AS i;
    INSERT INTO settings SELECT 's' || i, i::text FROM generate_series(1, 40) AS i";

const INSERT: &str = "INSERT INTO events (id, note) VALUES ($1, $2)";
const CUSTOMER: &str = "SELECT name FROM customers WHERE id = $1";
const SETTING: &str = "SELECT value FROM settings WHERE name = $1";

/// A server that logs every statement.
struct Shop {
    cluster: Cluster,
    client: Client,
}

impl Shop {
    async fn new() -> Self {
        let cluster = builder(MAIN_MAJOR)
            .setting("log_min_duration_statement", "0")
            .setting("log_line_prefix", "%m [%p] %q%u@%d ")
            .start()
            .expect("a server");
        cluster.create_database(DATABASE).expect("a database");
        cluster.execute(DATABASE, TABLES).expect("tables");
        let client = client(&cluster, "postgres", DATABASE).await;
        let shop = Self { cluster, client };
        shop.reset();
        shop
    }

    /// Counts anew: transactions first, so that none of a statement is missing.
    fn reset(&self) {
        for reset in ["pg_stat_reset()", "pg_stat_statements_reset()"] {
            let reset = format!("SELECT {reset}");
            self.cluster.execute(DATABASE, &reset).expect("a reset");
        }
    }

    async fn prepared(&self, statement: &str) -> Statement {
        self.client.prepare(statement).await.expect("a statement")
    }

    async fn run(&self, statement: &str) {
        self.client.batch_execute(statement).await.expect("done");
    }

    /// Inserts rows with these keys, one by one.
    async fn insert(&self, keys: std::ops::Range<i32>) {
        let insert = self.prepared(INSERT).await;
        for key in keys {
            let row = self.client.execute(&insert, &[&key, &"it happened"]).await;
            row.expect("a row");
        }
    }

    /// Waits until the session has reported its transactions, as it does a second after its last report.
    async fn report(&self, rows: i32) {
        let begin = std::time::Instant::now();
        let reported =
            format!("SELECT n_tup_ins >= {rows} FROM pg_stat_user_tables WHERE relname = 'events'");
        while value(&self.cluster, DATABASE, &reported) != "t" {
            assert!(begin.elapsed() < PATIENCE, "{rows} rows are never reported");
            tokio::time::sleep(std::time::Duration::from_millis(300)).await;
            self.run("SELECT 1").await;
        }
    }

    async fn look_up_customers(&self, keys: impl IntoIterator<Item = i32>) {
        let customer = self.prepared(CUSTOMER).await;
        for key in keys {
            let row = self.client.query(&customer, &[&key]).await;
            row.expect("a customer");
        }
    }

    /// Asks for a setting of each of these names.
    async fn look_up_settings<'n>(&self, names: impl IntoIterator<Item = &'n str>) {
        let setting = self.prepared(SETTING).await;
        for name in names {
            let row = self.client.query(&setting, &[&name]).await;
            row.expect("a setting");
        }
    }

    /// The findings of counters alone.
    fn counted(&self) -> Vec<Value> {
        self.found(&[])
    }

    /// The findings of counters and the log from its beginning.
    fn logged(&self) -> Vec<Value> {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("server.log");
        fs::write(&file, self.cluster.log()).expect("a log file");
        self.found(&["--log", text(&file)])
    }

    fn found(&self, arguments: &[&str]) -> Vec<Value> {
        let uri = self.cluster.uri(DATABASE);
        let all = [&uri, "--probe", "none", "--format", "json"];
        let report = pgtriage(&[&all, arguments].concat()).expect(0).json();
        let findings = report["bottlenecks"].as_array().expect("findings");
        findings.clone()
    }
}

/// The one finding of a kind; `None` where there is none.
fn only<'f>(findings: &'f [Value], kind: &str) -> Option<&'f Value> {
    let mut of_kind = findings.iter().filter(|finding| finding["type"] == kind);
    let only = of_kind.next();
    assert_eq!(of_kind.next(), None, "one {kind}");
    only
}

#[tokio::test]
async fn inserts_in_transactions_are_loops_and_single_ones_are_none() {
    let shop = Shop::new().await;
    for page in 0..4 {
        shop.run("BEGIN").await;
        shop.insert(page * 300..(page + 1) * 300).await;
        shop.run("COMMIT").await;
    }
    shop.report(1200).await;
    let counted = shop.counted();
    let found = only(&counted, "insert_loop").expect("a loop");
    assert_eq!(found["confidence"], "counted", "{found}");
    assert_eq!(found["impact"]["calls"], 1200, "{found}");
    let per_commit = found["evidence"][0]["value"].as_f64().expect("a number");
    assert!(per_commit >= 250.0, "{found}");

    // What the advice writes inserts the same rows.
    let rewrite = found["recommendation"]["rewrite"]
        .as_str()
        .expect("a statement");
    let keys: Vec<i32> = (2000..2100).collect();
    let notes = vec!["it happened"; keys.len()];
    let inserted = shop.client.execute(rewrite, &[&keys, &notes]).await;
    assert_eq!(inserted.expect(rewrite), 100);

    let logged = shop.logged();
    let found = only(&logged, "insert_loop").expect("a loop");
    assert_eq!(found["confidence"], "measured", "{found}");

    // Whether its transactions are reported or not.
    shop.reset();
    shop.insert(3000..4200).await;
    assert_eq!(only(&shop.counted(), "insert_loop"), None);
    shop.report(1200).await;
    assert_eq!(only(&shop.counted(), "insert_loop"), None);
}

#[tokio::test]
async fn look_ups_of_many_requests_are_chatty_and_those_of_a_loop_are_none() {
    let shop = Shop::new().await;
    shop.look_up_customers((0..10_500).map(|request| 1 + request * 7 % 1000))
        .await;
    let counted = shop.counted();
    let found = only(&counted, "chatty_statement").expect("a statement");
    assert_eq!(found["impact"]["calls"], 10_500, "{found}");
    let severity = found["severity"].as_str().expect("a severity");
    assert!(["info", "low"].contains(&severity), "{found}");
    assert_eq!(only(&counted, "n_plus_one"), None);

    shop.reset();
    let orders = shop.prepared("SELECT id, customer_id FROM orders").await;
    for _ in 0..11 {
        let orders = shop.client.query(&orders, &[]).await.expect("orders");
        shop.look_up_customers(orders.iter().map(|order| order.get(1)))
            .await;
    }
    let counted = shop.counted();
    assert_eq!(only(&counted, "chatty_statement"), None);
    let found = only(&counted, "n_plus_one").expect("a loop");
    assert_eq!(found["impact"]["calls"], 11_000, "{found}");
}

#[tokio::test]
async fn one_key_again_and_again_lacks_a_cache_and_others_do_not() {
    let shop = Shop::new().await;
    let names: Vec<String> = (1..=40).map(|number| format!("s{number}")).collect();
    shop.look_up_settings(names.iter().map(String::as_str))
        .await;
    assert_eq!(only(&shop.logged(), "repeated_lookup"), None);
    // Each request of a connection begins with one look-up.
    let pause = std::time::Duration::from_millis(400);
    for _ in 0..6 {
        shop.look_up_settings(["s7"]).await;
        tokio::time::sleep(pause).await;
    }
    assert_eq!(only(&shop.logged(), "repeated_lookup"), None);
    assert_eq!(only(&shop.counted(), "repeated_lookup"), None);

    for _ in 0..3 {
        shop.look_up_settings(["s7"; 8]).await;
        tokio::time::sleep(pause).await;
    }
    let logged = shop.logged();
    let found = only(&logged, "repeated_lookup").expect("a look-up");
    assert_eq!(found["confidence"], "measured", "{found}");
    assert_eq!(found["location"]["table"], "public.settings", "{found}");
    assert_eq!(only(&logged, "n_plus_one"), None);
    assert_eq!(only(&shop.counted(), "repeated_lookup"), None);
}
