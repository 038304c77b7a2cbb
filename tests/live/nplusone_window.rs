//! A mixed workload on a real server: three loops, two endpoints that share their rate by coincidence, and what every
//! application does besides. A window tells them apart.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use pgtriage::demo::cluster::{Cluster, SUPERUSER};
use tokio_postgres::Client;
use tokio_postgres::types::ToSql;

use crate::collect::client;
use crate::program::{DATABASE, Running};
use crate::{MAIN_MAJOR, builder};

const SCHEMA: &str = "
    CREATE EXTENSION pg_stat_statements;
    CREATE TABLE authors (id int PRIMARY KEY, name text NOT NULL);
    CREATE TABLE books (id int PRIMARY KEY, author_id int NOT NULL REFERENCES authors, title text NOT NULL);
    CREATE INDEX ON books (author_id);
    CREATE TABLE users (id int PRIMARY KEY, name text NOT NULL);
    CREATE TABLE orders (id int PRIMARY KEY, user_id int NOT NULL REFERENCES users, status text NOT NULL);
    CREATE INDEX ON orders (user_id);
    CREATE TABLE items (
        id int PRIMARY KEY, order_id int NOT NULL REFERENCES orders, book_id int NOT NULL REFERENCES books);
    CREATE INDEX ON items (order_id);
    INSERT INTO authors SELECT n, 'author ' || n FROM generate_series(1, 500) AS n;
    INSERT INTO books SELECT n, n % 500 + 1, 'book ' || n FROM generate_series(1, 2000) AS n;
    INSERT INTO users SELECT n, 'user ' || n FROM generate_series(1, 500) AS n;
    INSERT INTO orders SELECT n, n % 500 + 1, 'open' FROM generate_series(1, 2000) AS n;
    INSERT INTO items SELECT n, n % 2000 + 1, n % 2000 + 1 FROM generate_series(1, 4000) AS n;
    ANALYZE";

/// Statements that each have an endpoint of their own, with a rate of their own.
const OTHERS: [&str; 12] = [
    "SELECT id, title FROM books WHERE id = ANY (ARRAY[$1, $1 + 1, $1 + 2])",
    "SELECT id, name FROM authors WHERE id = ANY (ARRAY[$1, $1 + 1])",
    "SELECT count(*) FROM items WHERE order_id = $1",
    "SELECT max(id) FROM orders WHERE user_id < $1",
    "SELECT id, title FROM books WHERE id > $1 ORDER BY id LIMIT 25",
    "UPDATE users SET name = name WHERE id = $1",
    "UPDATE orders SET status = status WHERE id = $1",
    "UPDATE books SET title = title WHERE id = $1",
    "SELECT b.title, a.name FROM books AS b JOIN authors AS a ON a.id = b.author_id WHERE b.id = $1",
    "SELECT i.id, b.title FROM items AS i JOIN books AS b ON b.id = i.book_id WHERE i.order_id = $1",
    "SELECT count(*) FROM books WHERE id < $1",
    "SELECT 1 WHERE $1 > 0",
];

/// One endpoint: its requests come at random about a rate that rises and falls.
struct Endpoint<'a> {
    client: Client,
    ends: &'a AtomicBool,
    /// Requests a second on average.
    mean: f64,
    /// Where the wave of its rate begins, and how many there are in 20 seconds.
    wave: (f64, f64),
    seed: u64,
}

impl Endpoint<'_> {
    fn random(&mut self) -> f64 {
        // Knuth's linear congruential generator, its upper half.
        self.seed = self
            .seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        f64::from(u32::try_from(self.seed >> 32).expect("half")) / f64::from(u32::MAX)
    }

    fn key(&mut self) -> i32 {
        let keys = (1..=500).step_by(7).collect::<Vec<i32>>();
        let place = self.seed >> 33;
        let _ = self.random();
        keys[usize::try_from(place).expect("a place") % keys.len()]
    }

    /// Waits for the next request; `false` at the end. A request that comes while the last one runs waits for it.
    async fn next(&mut self, begun: Instant, due: &mut f64) -> bool {
        let (phase, waves) = self.wave;
        let angle = phase + waves * std::f64::consts::TAU * *due / 20.0;
        let rate = self.mean * (1.0 + 0.8 * angle.sin());
        *due += -(1.0 - self.random()).max(1e-9).ln() / rate;
        let at = begun + Duration::from_secs_f64(*due);
        tokio::time::sleep_until(at.into()).await;
        !self.ends.load(Ordering::Relaxed)
    }

    async fn rows(&self, sql: &str, parameters: &[&(dyn ToSql + Sync)]) -> Vec<(i32, i32)> {
        let rows = self.client.query(sql, parameters).await.expect(sql);
        let rows = rows.iter();
        rows.map(|row| {
            let second = if row.len() > 1 {
                row.try_get(1)
            } else {
                row.try_get(0)
            };
            (row.try_get(0).unwrap_or(0), second.unwrap_or(0))
        })
        .collect()
    }
}

#[derive(Clone, Copy)]
enum Request {
    /// A list of so many rows; the look-up of the first column of each, or of the second one.
    Loop(&'static str, i64, &'static str, Column),
    /// A list.
    List(&'static str, i64),
    /// One statement.
    One(&'static str),
}

#[derive(Clone, Copy)]
enum Column {
    First,
    Second,
}

async fn serve(mut endpoint: Endpoint<'_>, request: Request) {
    let begun = Instant::now();
    let mut due = 0.0;
    while endpoint.next(begun, &mut due).await {
        let from = endpoint.key();
        match request {
            Request::Loop(list, rows, look_up, column) => {
                for (first, second) in endpoint.rows(list, &[&from, &rows]).await {
                    let key = match column {
                        Column::First => first,
                        Column::Second => second,
                    };
                    endpoint.rows(look_up, &[&key]).await;
                }
            }
            Request::List(sql, rows) => {
                endpoint.rows(sql, &[&from, &rows]).await;
            }
            Request::One(sql) => {
                endpoint.rows(sql, &[&from]).await;
            }
        }
    }
}

fn requests() -> Vec<(f64, (f64, f64), Request)> {
    let books = "SELECT id, author_id, title FROM books WHERE id >= $1 ORDER BY id LIMIT $2";
    let author = "SELECT id, name FROM authors WHERE id = $1";
    let orders = "SELECT id, status FROM orders WHERE id >= $1 ORDER BY id LIMIT $2";
    let of_author = "SELECT count(*) FROM books WHERE author_id = $1";
    let authors = "SELECT id, name FROM authors WHERE id > $1 ORDER BY id LIMIT $2";
    let users = "SELECT id, name FROM users WHERE id >= $1 ORDER BY id LIMIT $2";
    let of_user = "SELECT id, status FROM orders WHERE user_id = $1 LIMIT 3";
    let items = "SELECT id, book_id FROM items WHERE order_id = $1";
    let mut all = vec![
        (
            6.0,
            (0.0, 1.0),
            Request::Loop(books, 20, author, Column::Second),
        ),
        (
            3.0,
            (1.5, 2.0),
            Request::Loop(orders, 12, items, Column::First),
        ),
        (
            4.0,
            (3.0, 1.5),
            Request::Loop(authors, 15, of_author, Column::First),
        ),
        // These two rise and fall together, and have nothing to do with each other.
        (6.0, (4.0, 1.0), Request::List(users, 12)),
        (55.0, (4.0, 1.0), Request::One(of_user)),
    ];
    let mut place = 0.0;
    all.extend(OTHERS.map(|sql| {
        place += 1.0;
        (
            5.0 + 2.0 * place,
            (place, 0.5 + 0.2 * place),
            Request::One(sql),
        )
    }));
    all
}

fn server() -> Cluster {
    let cluster = builder(MAIN_MAJOR).start().expect("a server");
    cluster.create_database(DATABASE).expect("a database");
    for statement in SCHEMA.split(';') {
        cluster.execute(DATABASE, statement).expect(statement);
    }
    cluster
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_window_tells_loops_from_coincidence() {
    let cluster = server();
    let uri = cluster.uri(DATABASE);
    let ends = AtomicBool::new(false);
    let mut endpoints = Vec::new();
    for (seed, (mean, wave, request)) in (1_u64..).zip(requests()) {
        let endpoint = Endpoint {
            client: client(&cluster, SUPERUSER, DATABASE).await,
            ends: &ends,
            mean,
            wave,
            seed: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15),
        };
        endpoints.push(serve(endpoint, request));
    }
    let arguments = [
        uri.clone(),
        "--window".to_owned(),
        "20s".to_owned(),
        "--probe".to_owned(),
        "none".to_owned(),
        "--format".to_owned(),
        "json".to_owned(),
    ];
    let run = async {
        let run = tokio::task::spawn_blocking(move || {
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            Running::start(&arguments).finish().expect(0)
        })
        .await
        .expect("the program");
        ends.store(true, Ordering::Relaxed);
        run
    };
    let (run, _) = tokio::join!(run, futures_util::future::join_all(endpoints));
    let report = run.json();
    let findings = report["bottlenecks"].as_array().expect("a list").iter();
    let found: BTreeSet<(&str, &str)> = findings
        .filter(|finding| finding["type"] == "n_plus_one")
        .map(|finding| {
            let id = finding["id"].as_str().expect("an id");
            let subject = id.split(" #").next().unwrap_or_default();
            (
                subject,
                finding["confidence"].as_str().expect("a confidence"),
            )
        })
        .collect();
    let expected = [
        "n_plus_one:public.authors(id) for each of public.books",
        "n_plus_one:public.books(author_id) for each of public.authors",
        "n_plus_one:public.items(order_id) for each of public.orders",
    ];
    assert_eq!(found, expected.map(|subject| (subject, "measured")).into());
}
