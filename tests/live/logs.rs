//! `--log`: what a server's own log proves, in each of its formats.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use pgtriage::demo::cluster::Cluster;
use serde_json::Value;

use crate::collect::client;
use crate::program::{DATABASE, Running, command, pgtriage, text};
use crate::{PATIENCE, builder, majors};

const TABLES: &str = "
    CREATE EXTENSION pg_stat_statements;
    CREATE TABLE customers (id int PRIMARY KEY, name text NOT NULL);
    CREATE TABLE orders (id int PRIMARY KEY, customer_id int NOT NULL REFERENCES customers);
    CREATE TABLE items (id int PRIMARY KEY, order_id int NOT NULL REFERENCES orders, product text NOT NULL);
    CREATE TABLE articles (id int PRIMARY KEY, label text NOT NULL);
    CREATE TABLE prices (article_label text PRIMARY KEY, amount int NOT NULL);
    CREATE INDEX ON orders (customer_id);
    CREATE INDEX ON items (order_id);
    INSERT INTO customers SELECT i, 'c' || i FROM generate_series(1, 100) AS i;
    INSERT INTO orders SELECT i, 1 + i % 100 FROM generate_series(1, 1000) AS i;
    INSERT INTO items SELECT i, 1 + i % 1000, 'p' || i FROM generate_series(1, 2000) AS i;
    INSERT INTO articles SELECT i, 'p' || i FROM generate_series(1, 60) AS i;
    INSERT INTO prices SELECT 'p' || i, i FROM generate_series(1, 60) AS i;";

/// A server that logs every statement, in all formats that its version has.
fn logging(major: u32, least: &str) -> Cluster {
    let formats = if major >= 15 {
        "stderr,csvlog,jsonlog"
    } else {
        "stderr,csvlog"
    };
    let cluster = builder(major)
        .setting("logging_collector", "on")
        .setting("log_destination", formats)
        .setting("log_directory", "log")
        .setting("log_filename", "postgresql.log")
        .setting("log_rotation_size", "0")
        .setting("log_line_prefix", "%m %q[%p] %u@%d/%a ")
        .setting("log_min_duration_statement", least)
        .start()
        .expect("a server");
    cluster.create_database(DATABASE).expect("a database");
    cluster.execute(DATABASE, TABLES).expect("tables");
    cluster
        .execute(DATABASE, "SELECT pg_stat_statements_reset()")
        .expect("a reset");
    cluster
}

/// A program's work: some pages of orders, for each order its items one by one, for each item its customer; and in one
/// page for each article its price, which no foreign key ties.
async fn work(cluster: &Cluster) {
    let client = client(cluster, "postgres", DATABASE).await;
    let items = client
        .prepare("SELECT id, product FROM items WHERE order_id = $1")
        .await
        .expect("a statement");
    let customer = client
        .prepare("SELECT name FROM customers WHERE id = $1")
        .await
        .expect("a statement");
    for page in 0..4 {
        client.batch_execute("BEGIN").await.expect("a transaction");
        let orders = format!(
            "SELECT id, customer_id FROM orders ORDER BY id LIMIT 10 OFFSET {}",
            page * 10
        );
        for order in client.query(&orders, &[]).await.expect("orders") {
            let (id, buyer): (i32, i32) = (order.get(0), order.get(1));
            client.query(&items, &[&id]).await.expect("items");
            client
                .query(&customer, &[&buyer])
                .await
                .expect("a customer");
        }
        client.batch_execute("COMMIT").await.expect("an end");
    }
    for number in 0..12 {
        let page = format!("SELECT id FROM customers WHERE id > {number} ORDER BY id LIMIT 5");
        client.simple_query(&page).await.expect("a page by key");
    }
    let articles = "SELECT label FROM articles ORDER BY id LIMIT 20";
    for _ in 0..3 {
        for article in client.query(articles, &[]).await.expect("articles") {
            let label: String = article.get(0);
            let price = format!("SELECT amount FROM prices WHERE article_label = '{label}'");
            client.simple_query(&price).await.expect("a price");
        }
    }
    client
        .simple_query("SELECT 'the last statement'")
        .await
        .expect("an answer");
}

/// The files of the log, once all of them have what was done last.
fn files(cluster: &Cluster) -> Vec<PathBuf> {
    let directory = cluster.directory().join("data/log");
    let suffixes: &[&str] = if cluster.major() >= 15 {
        &["log", "csv", "json"]
    } else {
        &["log", "csv"]
    };
    let paths = suffixes
        .iter()
        .map(|suffix| directory.join(format!("postgresql.{suffix}")));
    paths.inspect(|path| wait_for(path)).collect()
}

fn wait_for(path: &Path) {
    let begin = std::time::Instant::now();
    while !fs::read_to_string(path).is_ok_and(|log| log.contains("the last statement")) {
        assert!(
            begin.elapsed() < PATIENCE,
            "{} never had all",
            path.display()
        );
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

/// The loops that a report tells of: child and parent.
fn loops(report: &Value) -> Vec<String> {
    let mut loops: Vec<String> = report["bottlenecks"]
        .as_array()
        .expect("a list")
        .iter()
        .filter(|finding| finding["type"] == "n_plus_one" || finding["type"] == "repeated_lookup")
        .map(|finding| {
            assert_eq!(finding["confidence"], "measured", "{finding}");
            let excerpt = &finding["excerpts"][0];
            assert!(excerpt["session"].as_str().is_some_and(|id| !id.is_empty()));
            assert!(excerpt["lines"][0]["at"].is_string(), "{excerpt}");
            assert!(!excerpt.to_string().contains("p1'"), "a value: {excerpt}");
            let id = finding["id"].as_str().expect("an id");
            id.split(" #").next().expect("a part").to_owned()
        })
        .collect();
    loops.sort();
    loops
}

const LOOPS: [&str; 3] = [
    "n_plus_one:public.customers(id) for each of public.orders",
    "n_plus_one:public.items(order_id) for each of public.orders",
    "n_plus_one:public.prices(article_label) for each of public.articles",
];

#[tokio::test]
async fn every_format_proves_the_loops_of_a_program() {
    for major in majors()
        .into_iter()
        .filter(|major| [13, 18].contains(major))
    {
        let cluster = logging(major, "0");
        work(&cluster).await;
        let uri = cluster.uri(DATABASE);
        let folder = tempfile::tempdir().expect("a folder");
        let capture = folder.path().join("shop.json");
        pgtriage(&["capture", &uri, "--probe", "none", "-o", text(&capture)]).expect(0);
        for file in files(&cluster) {
            let name = text(&file);
            let live = ["--probe", "none", "--format", "json", "--log", name];
            let live = pgtriage(&[&[uri.as_str()], &live[..]].concat()).expect(0);
            assert_eq!(loops(&live.json()), LOOPS, "{major} {name}");
            let saved = ["--from", text(&capture), "--format", "json", "--log", name];
            let report = pgtriage(&saved).expect(0).json();
            assert_eq!(loops(&report), LOOPS, "{major} {name}");
            let metrics = &report["baseline_metrics"];
            for figure in ["p50_ms", "p95_ms", "p99_ms"] {
                assert_eq!(metrics[figure]["basis"], "measured", "{name}");
                assert!(metrics[figure]["value"].as_f64().expect("a time") > 0.0);
            }
            let counts = metrics["calls_over_time"]["counts"]
                .as_array()
                .expect("counts");
            let sum: i64 = counts.iter().filter_map(Value::as_i64).sum();
            assert_eq!(Some(sum), report["log"]["executions"].as_i64());
            let items = statement(&report, "FROM items WHERE order_id");
            assert_eq!(items["p95_ms"]["basis"], "measured");
            assert_eq!(items["calls"], 40);
        }
    }
}

fn statement<'r>(report: &'r Value, part: &str) -> &'r Value {
    let statements = report["statements"].as_array().expect("a list");
    let has = |statement: &&Value| {
        let query = statement["query"].as_str();
        query.is_some_and(|query| query.contains(part))
    };
    statements.iter().find(has).expect("the statement")
}

#[tokio::test]
async fn a_capture_keeps_what_the_log_told_and_no_literal_of_it() {
    let cluster = logging(crate::MAIN_MAJOR, "0");
    work(&cluster).await;
    let uri = cluster.uri(DATABASE);
    let folder = tempfile::tempdir().expect("a folder");
    let [plain, packed, file] =
        ["plain.json", "packed.json", "log.gz"].map(|name| folder.path().join(name));
    let log = &files(&cluster)[0];
    let bytes = fs::read(log).expect("the log");
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(&bytes).expect("compressed");
    fs::write(&file, gz.finish().expect("compressed")).expect("a file");
    for (path, log) in [(&plain, log), (&packed, &file)] {
        let words = [
            "capture",
            &uri,
            "--probe",
            "none",
            "-o",
            text(path),
            "--log",
            text(log),
        ];
        pgtriage(&words).expect(0);
        let capture = fs::read_to_string(path).expect("a capture");
        assert!(!capture.contains("'p12'"), "a value of the log");
        let run = pgtriage(&["--from", text(path), "--format", "json"]).expect(0);
        assert_eq!(loops(&run.json()), LOOPS);
        let run = pgtriage(&["--from", text(path)]).expect(0);
        assert!(run.has("measured") && run.has("session"), "{}", run.stdout);
    }
    let mut piped = command(&["--from", text(&plain), "--format", "json", "--log", "-"]);
    piped.stdin(fs::File::open(&file).expect("the packed log"));
    let run = Running::of(piped).finish().expect(0);
    assert_eq!(loops(&run.json()), LOOPS, "from standard input");
    let missing = pgtriage(&["--from", text(&plain), "--log", "/nonexistent/a.log"]).expect(2);
    assert!(
        missing.stderr.contains("/nonexistent/a.log"),
        "{}",
        missing.stderr
    );
}

/// The texts below a part of a capture, and the numbers of the tokens in them.
fn tokens(part: &Value) -> (String, Vec<u32>) {
    let text = part.to_string();
    let numbers = text.split('#').skip(1);
    let numbers = numbers.filter_map(|rest| rest.split_once('›')?.0.parse().ok());
    (text.clone(), numbers.collect())
}

#[tokio::test]
async fn a_value_has_one_token_in_counters_and_log_and_a_later_log_takes_none_of_another() {
    let cluster = logging(crate::MAIN_MAJOR, "0");
    cluster
        .execute(DATABASE, "SET application_name = 'p1'")
        .expect("a statement that keeps its value");
    work(&cluster).await;
    let uri = cluster.uri(DATABASE);
    let folder = tempfile::tempdir().expect("a folder");
    let [with, without] = ["with.json", "without.json"].map(|name| folder.path().join(name));
    let file = &files(&cluster)[0];
    for (path, log) in [(&with, &["--log", text(file)][..]), (&without, &[])] {
        let words = ["capture", &uri, "--probe", "none", "-o", text(path)];
        pgtriage(&[&words, log].concat()).expect(0);
    }
    let read = |path: &Path| -> Value {
        let capture = fs::read_to_string(path).expect("a capture");
        serde_json::from_str(&capture).expect("JSON")
    };
    let capture = read(&with);
    let (statements, _) = tokens(&capture["statements"]);
    let named = statements
        .split_once("SET application_name = ")
        .expect("the statement")
        .1;
    let token = named.split_once('"').expect("an end").0;
    assert!(token.starts_with("‹text#"), "{token}");
    let (logs, _) = tokens(&capture["logs"]);
    assert!(logs.contains(&format!("article_label = {token}")), "{logs}");

    let (_, known) = tokens(&read(&without));
    let last = known.iter().max().expect("tokens");
    let later = [
        "--from",
        text(&without),
        "--format",
        "json",
        "--log",
        text(file),
    ];
    let report = pgtriage(&later).expect(0).json();
    let findings = report["bottlenecks"].as_array().expect("findings");
    let excerpts: Vec<u32> = findings
        .iter()
        .flat_map(|found| tokens(&found["excerpts"]).1)
        .collect();
    assert!(
        !excerpts.is_empty() && excerpts.iter().all(|number| number > last),
        "{excerpts:?}"
    );
}

#[tokio::test]
async fn a_log_of_slow_statements_concludes_nothing_and_says_what_to_set() {
    let cluster = logging(crate::MAIN_MAJOR, "50");
    work(&cluster).await;
    cluster
        .execute(DATABASE, "SELECT pg_sleep(0.1), 'the last statement'")
        .expect("a slow statement");
    let uri = cluster.uri(DATABASE);
    let file = &files(&cluster)[0];
    let words = ["--probe", "none", "--format", "json", "--log", text(file)];
    let report = pgtriage(&[&[uri.as_str()], &words[..]].concat())
        .expect(0)
        .json();
    let findings = report["bottlenecks"].as_array().expect("a list");
    assert!(
        findings
            .iter()
            .all(|finding| finding["confidence"] != "measured")
    );
    let skipped = report["skipped"].as_array().expect("a list");
    let remedy = skipped.iter().find_map(|entry| {
        let of_loops = entry["check"] == "n_plus_one";
        entry["remedy"].as_str().filter(|_| of_loops)
    });
    let remedy = remedy.expect("a remedy");
    assert!(
        remedy.contains("log_min_duration_statement = 0"),
        "{remedy}"
    );
    assert_eq!(report["baseline_metrics"]["p95_ms"]["basis"], "estimated");
}
