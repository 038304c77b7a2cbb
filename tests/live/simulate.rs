//! Plans of the simulated database against those of the real one.

use std::fmt::Write;
use std::process::Command;

use pgtriage::collect;
use pgtriage::demo::binaries::Binaries;
use pgtriage::demo::cluster::{Cluster, SUPERUSER};
use pgtriage::simulate::{Schema, Simulation, SimulationError};
use pgtriage::snapshot::{self, Index, Snapshot, Table};
use pgtriage::sql::redact::Redactor;
use pgtriage::units::{Blocks, Rows};
use serde_json::Value;

use crate::{MAIN_MAJOR, bin_dir, builder, value};

pub const SCHEMA: &str = include_str!("../../testdata/simulate/schema.sql");
const ROWS: &str = include_str!("../../testdata/simulate/rows.sql");
const STATEMENTS: &str = include_str!("../../testdata/simulate/statements.sql");
pub const SHOP: &str = "shop";

/// How values of parameters count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Planned {
    /// The plan is for the values.
    ForValues,
    /// The plan is for any values.
    ForAny,
}

/// A statement and its values, as SQL.
struct Asked {
    sql: String,
    values: Option<String>,
}

/// Statements with one parameter, and the column that its value is taken from: the second most common one, and the
/// middle of the histogram.
const SAMPLED: [(&str, &str, &str); 12] = [
    (
        "SELECT count(*) FROM customers WHERE country = $1",
        "customers",
        "country",
    ),
    (
        "SELECT id FROM customers WHERE joined > $1",
        "customers",
        "joined",
    ),
    (
        "SELECT id FROM customers WHERE bonus < $1",
        "customers",
        "bonus",
    ),
    (
        "SELECT id FROM customers WHERE born = $1",
        "customers",
        "born",
    ),
    (
        "SELECT id FROM customers WHERE name = $1",
        "customers",
        "name",
    ),
    (
        "SELECT sum(total) FROM orders WHERE customer_id = $1",
        "orders",
        "customer_id",
    ),
    (
        "SELECT count(*) FROM orders WHERE customer_id < $1",
        "orders",
        "customer_id",
    ),
    (
        "SELECT count(*) FROM orders WHERE state = $1",
        "orders",
        "state",
    ),
    (
        "SELECT sum(total) FROM orders WHERE placed >= $1",
        "orders",
        "placed",
    ),
    (
        "SELECT sum(quantity) FROM order_items WHERE product_id = $1",
        "order_items",
        "product_id",
    ),
    (
        "SELECT count(*) FROM events WHERE kind = $1",
        "events",
        "kind",
    ),
    (
        "SELECT o.id FROM orders AS o JOIN customers AS c ON c.id = o.customer_id WHERE c.country = $1",
        "customers",
        "country",
    ),
];

/// The sampled statements with the values that this database's statistics have in those places.
fn sampled(cluster: &Cluster) -> Vec<Asked> {
    let places = [
        "(most_common_vals::text::text[])[2]",
        "(histogram_bounds::text::text[])[50]",
    ];
    let mut asked = Vec::new();
    for (sql, table, column) in SAMPLED {
        for place in places {
            let query = format!(
                "SELECT quote_literal({place}) FROM pg_stats WHERE tablename = '{table}' AND attname = '{column}'"
            );
            let rows = cluster.query(SHOP, &query).expect("statistics");
            if let Some(literal) = rows.first().and_then(|row| row[0].clone()) {
                asked.push(Asked {
                    sql: sql.to_owned(),
                    values: Some(literal),
                });
            }
        }
    }
    assert!(asked.len() > SAMPLED.len(), "{} with values", asked.len());
    asked
}

fn statements() -> Vec<Asked> {
    let mut values = None;
    let mut asked = Vec::new();
    for line in STATEMENTS.lines().skip(1) {
        if let Some(given) = line.strip_prefix("-- values: ") {
            values = Some(given.to_owned());
        } else {
            let sql = line.trim_end_matches(';').to_owned();
            asked.push(Asked {
                sql,
                values: values.take(),
            });
        }
    }
    asked
}

/// A database with five times `orders` rows.
pub fn real(major: u32, orders: u32) -> Cluster {
    let cluster = builder(major)
        .setting("autovacuum", "off")
        .setting("shared_buffers", "256MB")
        .setting("maintenance_work_mem", "256MB")
        .setting("max_wal_size", "8GB")
        .setting("random_page_cost", "1.7")
        .setting("work_mem", "7MB")
        .start()
        .expect("a server");
    cluster.create_database(SHOP).expect("a database");
    let rows = ROWS.replace("{n}", &orders.to_string());
    for sql in [SCHEMA, &rows, "VACUUM ANALYZE"] {
        cluster.execute(SHOP, sql).expect("the shop");
    }
    cluster
}

async fn capture(cluster: &Cluster) -> Snapshot {
    let (client, connection) = cluster
        .config(SUPERUSER, SHOP)
        .connect(tokio_postgres::NoTls)
        .await
        .expect("a connection");
    tokio::spawn(connection);
    let options = collect::Options::default();
    let mut snapshot = collect::observe(&client, &options)
        .await
        .expect("a snapshot");
    collect::distributions(&client, &options, &mut snapshot)
        .await
        .expect("distributions");
    snapshot
}

/// What a capture file gives back.
fn through_a_file(snapshot: &Snapshot) -> Snapshot {
    let text = snapshot.to_json().expect("JSON");
    Snapshot::from_json(text.as_bytes()).expect("a capture")
}

async fn try_simulate(
    major: u32,
    capture: &Snapshot,
    schema: &str,
) -> Result<Simulation, SimulationError> {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("schema.sql");
    std::fs::write(&file, schema).expect("a file");
    let schema = Schema::read(&file).expect("a schema");
    let binaries = Binaries::in_directory(bin_dir(major)).expect("binaries");
    Simulation::start_with(binaries, &through_a_file(capture), &schema).await
}

async fn simulate(major: u32, capture: &Snapshot, schema: &str) -> Simulation {
    let simulation = try_simulate(major, capture, schema).await;
    simulation.unwrap_or_else(|error| panic!("{error}"))
}

fn plan(cluster: &Cluster, asked: &Asked, planned: Planned) -> Value {
    let explain = "EXPLAIN (FORMAT JSON)";
    let sql = match &asked.values {
        None => format!("{explain} {}", asked.sql),
        Some(values) => {
            let mode = match planned {
                Planned::ForValues => "force_custom_plan",
                Planned::ForAny => "force_generic_plan",
            };
            format!(
                "SET plan_cache_mode = {mode}; PREPARE s AS {}; {explain} EXECUTE s ({values})",
                asked.sql
            )
        }
    };
    let rows = cluster
        .query(SHOP, &sql)
        .unwrap_or_else(|error| panic!("{sql}: {error}"));
    let text = rows[0][0].as_deref().expect("a plan");
    serde_json::from_str::<Value>(text).expect("JSON")[0]["Plan"].clone()
}

/// What makes one plan the same as another.
fn shape(plan: &Value, depth: usize, out: &mut String) {
    let told = [
        "Node Type",
        "Join Type",
        "Strategy",
        "Relation Name",
        "Index Name",
        "Subplan Name",
    ];
    let words: Vec<&str> = told.iter().filter_map(|key| plan[key].as_str()).collect();
    writeln!(out, "{:depth$}{}", "", words.join(" ")).expect("a string");
    for child in plan["Plans"].as_array().into_iter().flatten() {
        shape(child, depth + 2, out);
    }
}

fn compare(clusters: [&Cluster; 2], asked: [Vec<Asked>; 2], planned: Planned) -> Compared {
    let (mut same, mut differing) = (0, String::new());
    let count = asked[0].len();
    let [real, simulated] = asked;
    for asked in real.into_iter().zip(simulated) {
        let plans = [
            plan(clusters[0], &asked.0, planned),
            plan(clusters[1], &asked.1, planned),
        ];
        let asked = asked.0;
        let shapes = plans.each_ref().map(|plan| {
            let mut text = String::new();
            shape(plan, 0, &mut text);
            text
        });
        let costs = plans
            .each_ref()
            .map(|plan| plan["Total Cost"].as_f64().expect("a cost"));
        let ratio = costs[1] / costs[0];
        if shapes[0] == shapes[1] && (0.95..=1.05).contains(&ratio) {
            same += 1;
        } else {
            writeln!(
                differing,
                "{planned:?} {} [{:?}]\n  cost {} real, {} simulated\n{}",
                asked.sql,
                asked.values,
                costs[0],
                costs[1],
                if shapes[0] == shapes[1] {
                    String::new()
                } else {
                    shapes.join("-- simulated:\n")
                }
            )
            .expect("a string");
        }
    }
    Compared {
        same,
        count,
        differing,
    }
}

/// How many of so many plans are the same, and what differs.
struct Compared {
    same: usize,
    count: usize,
    differing: String,
}

impl Compared {
    fn assert_nearly_all(&self, what: &str) {
        let Self {
            same,
            count,
            differing,
        } = self;
        println!("{what}: {same} of {count} plans are the same\n{differing}");
        assert!(
            same * 100 >= count * 95,
            "{what}: {same} of {count} plans are the same\n{differing}"
        );
    }
}

async fn assert_plans_are_those_of_production(major: u32, orders: u32) {
    let real = real(major, orders);
    let shown = capture(&real).await;
    let mut redacted = shown.clone();
    snapshot::redact(&mut redacted, &mut Redactor::new());
    assert!(statements().len() >= 60);
    for (capture, modes) in [
        (&shown, &[Planned::ForValues, Planned::ForAny][..]),
        (&redacted, &[Planned::ForAny][..]),
    ] {
        let simulation = simulate(major, capture, SCHEMA).await;
        let clusters = [&real, simulation.cluster()];
        let what = format!("{major}, redacted: {}", capture.redacted);
        for mode in modes {
            let compared = compare(clusters, [statements(), statements()], *mode);
            compared.assert_nearly_all(&format!("{what}, {mode:?}"));
        }
        let compared = compare(clusters, clusters.map(sampled), Planned::ForValues);
        compared.assert_nearly_all(&format!("{what}, sampled"));
    }
}

/// `PGTRIAGE_TEST_ROWS` makes the database larger than a test run has time for.
#[tokio::test(flavor = "multi_thread")]
async fn plans_are_those_of_production() {
    let rows =
        std::env::var("PGTRIAGE_TEST_ROWS").map_or(300_000, |rows| rows.parse().expect("a number"));
    for major in crate::majors() {
        Box::pin(assert_plans_are_those_of_production(major, rows / 5)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_of_many_files_take_no_space() {
    for major in [13, 18] {
        let mut capture = capture(&real(major, 2_000)).await;
        let pages = 1_000_000; // 8 GB: eight files
        let orders = |table: &&mut Table| table.name.name == "orders";
        let table = capture.tables.iter_mut().find(orders).expect("orders");
        table.pages = Blocks(pages);
        table.tuples = Some(Rows(60e6));
        let keys = |index: &&mut Index| index.name.name == "orders_pkey";
        let index = capture.indexes.iter_mut().find(keys).expect("its key");
        index.pages = Blocks(165_000);
        index.tuples = Some(Rows(60e6));
        let simulation = simulate(major, &capture, SCHEMA).await;
        let cluster = simulation.cluster();
        let asked = |sql: &str| Asked {
            sql: sql.to_owned(),
            values: None,
        };
        let all = plan(cluster, &asked("SELECT * FROM orders"), Planned::ForAny);
        assert_eq!(all["Plan Rows"], 60_000_000, "{major}: {all}");
        let one = plan(
            cluster,
            &asked("SELECT * FROM orders WHERE id = 1"),
            Planned::ForAny,
        );
        assert_eq!(one["Index Name"], "orders_pkey", "{major}: {one}");
        // The planner walks to the end of an index whose greatest value may have changed since ANALYZE.
        let end = plan(
            cluster,
            &asked("SELECT * FROM orders WHERE id > 1999"),
            Planned::ForAny,
        );
        assert_eq!(end["Index Name"], "orders_pkey", "{major}: {end}");
        let size = value(cluster, SHOP, "SELECT pg_relation_size('orders') / 8192");
        assert_eq!(size, pages.to_string());
        let used = Command::new("du")
            .arg("-sk")
            .arg(cluster.data_dir())
            .output()
            .expect("du");
        let used = String::from_utf8(used.stdout).expect("text");
        let used: u64 = used
            .split_whitespace()
            .next()
            .expect("a number")
            .parse()
            .expect("a number");
        assert!(used < 200 * 1024, "{major}: {used} kB");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_index_on_a_captured_table_has_the_size_that_it_would_have() {
    let real = real(MAIN_MAJOR, 20_000);
    let captured = capture(&real).await;
    let added = "CREATE INDEX added ON orders (customer_id, placed)";
    real.execute(SHOP, added).expect("an index");
    let simulation = simulate(MAIN_MAJOR, &captured, &format!("{SCHEMA};\n{added};")).await;
    let size = "SELECT pg_relation_size('added')";
    let sizes = [&real, simulation.cluster()].map(|cluster| {
        let size = value(cluster, SHOP, size);
        size.parse::<f64>().expect("a size")
    });
    assert!((sizes[1] / sizes[0] - 1.0).abs() < 0.1, "{sizes:?}");
    let asked = Asked {
        sql: "SELECT * FROM orders WHERE customer_id = 5 AND placed > '2025-12-31'".to_owned(),
        values: None,
    };
    let plans = [&real, simulation.cluster()].map(|cluster| plan(cluster, &asked, Planned::ForAny));
    assert_eq!(plans[0]["Index Name"], "added");
    assert_eq!(plans[0]["Total Cost"], plans[1]["Total Cost"], "{plans:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dump_of_another_server_makes_the_schema() {
    let capture = capture(&real(MAIN_MAJOR, 1_000)).await;
    let dump = "\\restrict it's\nSET transaction_timeout = 0;\nSELECT pg_catalog.set_config('search_path', '', false);\n\
        CREATE SCHEMA public;\n\
        CREATE EXTENSION IF NOT EXISTS nowhere WITH SCHEMA public;\nCOMMENT ON EXTENSION nowhere IS 'x';\n\
        CREATE TABLE public.orders (id bigint NOT NULL, state text);\nALTER TABLE public.orders OWNER TO \"the app\";\n\
        CREATE SCHEMA more AUTHORIZATION \"the app\";\n\
        COPY public.orders (id, state) FROM stdin;\n1\tit's\n\\.\n\
        CREATE FUNCTION public.f() RETURNS int LANGUAGE sql AS $$ SELECT none FROM nowhere; $$;\n\
        ALTER TABLE ONLY public.orders ADD CONSTRAINT orders_pkey PRIMARY KEY (id);\n\
        GRANT SELECT ON public.orders TO nobody_known;\n\\unrestrict it's\n";
    let simulation = simulate(MAIN_MAJOR, &capture, dump).await;
    let cluster = simulation.cluster();
    let owner = "SELECT relowner::regrole FROM pg_class WHERE relname = 'orders'";
    assert_eq!(value(cluster, SHOP, owner), "postgres");
    let owner = "SELECT nspowner::regrole FROM pg_namespace WHERE nspname = 'more'";
    assert_eq!(value(cluster, SHOP, owner), "\"the app\"");
    assert_eq!(
        value(
            cluster,
            SHOP,
            "SELECT reltuples FROM pg_class WHERE relname = 'orders'"
        ),
        "1000"
    );
    let caveats = simulation.caveats().join("\n");
    assert!(
        caveats.contains("schema.sql:5 is left out: ") && caveats.contains("nowhere"),
        "{caveats}"
    );
    assert!(!caveats.contains("transaction_timeout"), "{caveats}");
    assert_eq!(value(cluster, SHOP, "SHOW random_page_cost"), "1.7");

    let mut of_postgres = capture.clone();
    "postgres".clone_into(&mut of_postgres.server.database);
    let simulation = simulate(MAIN_MAJOR, &of_postgres, dump).await;
    let setting = "SHOW random_page_cost";
    assert_eq!(value(simulation.cluster(), "production", setting), "1.7");

    let broken = "CREATE TABLE public.a (id int);\n\nCREATE INDEX ON public.a (\n  none);\n";
    let error = try_simulate(MAIN_MAJOR, &capture, broken)
        .await
        .expect_err("no such column");
    let error = error.to_string();
    assert!(
        error.contains("schema.sql:3: ") && error.contains("column \"none\" does not exist"),
        "{error}"
    );
}
