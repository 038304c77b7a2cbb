//! Where nothing is wrong, nothing is found.

use std::process::Command;

use pgtriage::demo::cluster::Cluster;
use serde_json::Value;
use tokio_postgres::types::ToSql;

use crate::collect::client;
use crate::program::{DATABASE, Running, pgtriage};
use crate::{MAIN_MAJOR, builder, majors};

/// Never on healthy traffic, whatever their severity.
const NEVER: [&str; 3] = ["n_plus_one", "missing_index", "seq_scan_selective"];

fn tested() -> impl Iterator<Item = u32> {
    majors()
        .into_iter()
        .filter(|major| [MAIN_MAJOR, 18].contains(major))
}

fn server(major: u32) -> Cluster {
    let cluster = builder(major).start().expect("a server");
    cluster.create_database(DATABASE).expect("a database");
    cluster
        .execute(DATABASE, "CREATE EXTENSION pg_stat_statements")
        .expect("the extension");
    if cluster.has_extension("hypopg") {
        cluster
            .execute(DATABASE, "CREATE EXTENSION hypopg")
            .expect("hypopg");
    }
    cluster
}

fn reset(cluster: &Cluster) {
    cluster
        .execute(DATABASE, "SELECT pg_stat_statements_reset()")
        .expect("a reset");
}

fn assert_healthy(cluster: &Cluster, what: &str) -> Value {
    let report = pgtriage(&[&cluster.uri(DATABASE), "--format", "json"])
        .expect(0)
        .json();
    assert_no_problem(&report, what);
    let analyzed = report["statements"].as_array().expect("a list").iter();
    let analyzed = analyzed.filter(|statement| statement["probe"]["status"] == "analyzed");
    assert!(analyzed.count() > 0, "{report}");
    report
}

fn assert_no_problem(report: &Value, what: &str) {
    let findings = report["bottlenecks"].as_array().expect("a list");
    let bad: Vec<&Value> = findings
        .iter()
        .filter(|finding| {
            let severity = finding["severity"].as_str().unwrap_or_default();
            let kind = finding["type"].as_str().unwrap_or_default();
            ["medium", "high", "critical"].contains(&severity) || NEVER.contains(&kind)
        })
        .collect();
    assert!(
        bad.is_empty(),
        "{what}, PostgreSQL {}: {}",
        report["target"]["server_version"],
        serde_json::to_string_pretty(&bad).expect("JSON")
    );
}

#[test]
fn pgbench_is_healthy() {
    let program = "/usr/lib/postgresql/15/bin/pgbench";
    let run = |cluster: &Cluster, arguments: &[&str]| {
        let output = Command::new(program)
            .arg("-h")
            .arg(cluster.socket_dir())
            .args(["-p", &cluster.port().to_string(), "-U", "postgres"])
            .args(arguments)
            .arg(DATABASE)
            .output()
            .expect("pgbench runs");
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    };
    if !std::path::Path::new(program).exists() {
        println!("skipped: no {program}");
        return;
    }
    for major in tested() {
        let cluster = server(major);
        run(&cluster, &["-i", "-q", "-s", "10"]);
        for protocol in ["simple", "extended", "prepared"] {
            reset(&cluster);
            run(&cluster, &["-n", "-c", "4", "-t", "250", "-M", protocol]);
            run(
                &cluster,
                &["-n", "-S", "-c", "4", "-t", "500", "-M", protocol],
            );
            assert_healthy(&cluster, &format!("pgbench -M {protocol}"));
        }
    }
}

const SHOP: &str = "
    CREATE TABLE customers (id int PRIMARY KEY, email text NOT NULL UNIQUE, name text NOT NULL, joined date NOT NULL);
    CREATE TABLE products (id int PRIMARY KEY, sku text NOT NULL UNIQUE, category int NOT NULL, name text NOT NULL, price int NOT NULL, stock int NOT NULL);
    CREATE TABLE orders (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, customer_id int NOT NULL REFERENCES customers,
        placed timestamptz NOT NULL, status text NOT NULL, total int NOT NULL);
    CREATE TABLE items (order_id bigint NOT NULL REFERENCES orders, line int NOT NULL, product_id int NOT NULL REFERENCES products,
        quantity int NOT NULL, PRIMARY KEY (order_id, line));
    CREATE TABLE sessions (token uuid PRIMARY KEY, customer_id int NOT NULL REFERENCES customers, seen timestamptz NOT NULL);
    CREATE TABLE countries (code text PRIMARY KEY, name text NOT NULL);
    INSERT INTO countries SELECT 'c' || i, 'Country ' || i FROM generate_series(1, 20) AS i;
    INSERT INTO customers SELECT i, 'c' || i || '@example.com', 'Name ' || i, DATE '2020-01-01' + i % 1000 FROM generate_series(1, 20000) AS i;
    INSERT INTO products SELECT i, 'sku-' || i, i % 200, 'Product ' || i, 100 + i % 900, i % 50 FROM generate_series(1, 10000) AS i;
    INSERT INTO orders (customer_id, placed, status, total)
        SELECT 1 + i % 20000, now() - i * interval '1 minute', CASE WHEN i % 500 = 0 THEN 'open' ELSE 'done' END, i % 5000 FROM generate_series(1, 60000) AS i;
    INSERT INTO items SELECT o, l, 1 + (o * 7 + l * 13) % 10000, 1 + l FROM generate_series(1, 60000) AS o, generate_series(1, 3) AS l;
    INSERT INTO sessions SELECT md5(i::text)::uuid, i, now() - i * interval '1 minute' FROM generate_series(1, 20000) AS i;
    CREATE INDEX ON products (category);
    CREATE INDEX ON orders (customer_id, placed DESC);
    CREATE INDEX ON orders (placed);
    CREATE INDEX ON orders (id) WHERE status = 'open';
    CREATE INDEX ON items (product_id);
    CREATE INDEX ON sessions (customer_id);
    CREATE INDEX ON sessions (seen);";

/// Statements of a well-kept shop, and how many `int` parameters each takes. Every one is served by an index, or reads
/// a table of a page or two.
const STATEMENTS: &[(&str, usize)] = &[
    ("SELECT id, name FROM customers WHERE id = $1", 1),
    (
        "SELECT id FROM customers WHERE email = 'c' || $1::int || '@example.com'",
        1,
    ),
    (
        "SELECT id, total FROM orders WHERE customer_id = $1 ORDER BY placed DESC LIMIT 10",
        1,
    ),
    (
        "SELECT o.id, i.line, i.quantity FROM orders o JOIN items i ON i.order_id = o.id WHERE o.customer_id = $1",
        1,
    ),
    (
        "SELECT i.line, p.name, p.price FROM items i JOIN products p ON p.id = i.product_id WHERE i.order_id = $1::int",
        1,
    ),
    (
        "SELECT id, name, price FROM products WHERE category = $1 % 200",
        1,
    ),
    (
        "SELECT id, name, price FROM products WHERE sku = 'sku-' || $1::int",
        1,
    ),
    (
        "SELECT id, name, price FROM products WHERE id = ANY (ARRAY[$1, $1 + 1, $1 + 2])",
        1,
    ),
    ("SELECT id, name FROM products WHERE id IN ($1, $2, $3)", 3),
    (
        "SELECT name FROM products WHERE id BETWEEN $1 AND $1 + 20 ORDER BY id",
        1,
    ),
    ("SELECT count(*) FROM orders WHERE customer_id = $1", 1),
    ("SELECT max(placed) FROM orders WHERE customer_id = $1", 1),
    ("SELECT id, total FROM orders WHERE id = $1::int", 1),
    (
        "SELECT id, placed FROM orders ORDER BY placed DESC LIMIT 20",
        0,
    ),
    (
        "SELECT id FROM orders WHERE placed > now() - interval '1 hour' ORDER BY placed",
        0,
    ),
    (
        "SELECT id FROM orders WHERE status = 'open' AND id > $1::int ORDER BY id LIMIT 5",
        1,
    ),
    (
        "SELECT customer_id FROM sessions WHERE token = md5($1::int::text)::uuid",
        1,
    ),
    ("SELECT count(*) FROM sessions WHERE customer_id = $1", 1),
    (
        "SELECT EXISTS (SELECT 1 FROM orders WHERE customer_id = $1)",
        1,
    ),
    (
        "SELECT c.name, (SELECT count(*) FROM orders o WHERE o.customer_id = c.id) FROM customers c WHERE c.id = $1",
        1,
    ),
    (
        "SELECT name FROM countries WHERE code = 'c' || $1::int % 20",
        1,
    ),
    ("SELECT code, name FROM countries ORDER BY name", 0),
    ("SELECT sum(quantity) FROM items WHERE product_id = $1", 1),
    ("UPDATE products SET stock = stock + 1 WHERE id = $1", 1),
    (
        "UPDATE sessions SET seen = now() WHERE token = md5($1::int::text)::uuid",
        1,
    ),
    (
        "INSERT INTO orders (customer_id, placed, status, total) VALUES ($1, now(), 'open', 5)",
        1,
    ),
    (
        "INSERT INTO items SELECT max(id), 1, $1, 1 FROM orders ON CONFLICT DO NOTHING",
        1,
    ),
    (
        "DELETE FROM sessions WHERE token = md5($1::int::text)::uuid",
        1,
    ),
    (
        "WITH mine AS (SELECT id FROM orders WHERE customer_id = $1) SELECT count(*) FROM items JOIN mine ON mine.id = items.order_id",
        1,
    ),
];

/// Rounds of page views, each with other values; the statements of a round come in changing order, as from many users.
async fn trade(cluster: &Cluster, rounds: i32) {
    let client = client(cluster, "postgres", DATABASE).await;
    let mut prepared = Vec::new();
    for (text, count) in STATEMENTS {
        let statement = client.prepare(text).await.expect(text);
        prepared.push((statement, *count));
    }
    for round in 0..rounds {
        let values: Vec<i32> = (0..3)
            .map(|n| 1 + (round * 7919 + n * 104_729) % 9000)
            .collect();
        for step in 0..prepared.len() {
            let shift = usize::try_from(round).expect("a small number") * 5;
            let (statement, count) = &prepared[(step + shift) % prepared.len()];
            // Not every page is viewed by everyone.
            if (shift + step * step) % 3 == 0 {
                continue;
            }
            let parameters: Vec<&(dyn ToSql + Sync)> = values
                .iter()
                .take(*count)
                .map(|value| value as &(dyn ToSql + Sync))
                .collect();
            client.query(statement, &parameters).await.expect("a page");
        }
    }
}

#[tokio::test]
async fn a_shop_served_by_indexes_is_healthy() {
    for major in tested() {
        let cluster = server(major);
        cluster.execute(DATABASE, SHOP).expect("a shop");
        cluster
            .execute(DATABASE, "VACUUM ANALYZE")
            .expect("statistics");
        reset(&cluster);
        trade(&cluster, 300).await;
        let report = assert_healthy(&cluster, "the shop");
        let seen = report["statements"].as_array().expect("a list").len();
        assert!(seen >= STATEMENTS.len(), "{seen}");

        let running =
            Running::start(&[&cluster.uri(DATABASE), "--window", "3s", "--format", "json"]);
        trade(&cluster, 300).await;
        assert_no_problem(&running.finish().expect(0).json(), "a window of the shop");
    }
}
