//! Hypothetical indexes: the planner's answer, and that they are forgotten.

use std::time::Duration;

use pgtriage::demo::cluster::Cluster;
use pgtriage::ids::QualifiedName;
use pgtriage::probe::HypopgOracle;
use pgtriage::snapshot::{Extension, IndexDefinition, Snapshot};
use tokio::sync::watch;

use crate::probing::{options, probe_texts, runtime, session, state};
use crate::{MAIN_MAJOR, builder};

const TEXTS: [&str; 4] = [
    "SELECT * FROM orders WHERE customer_id = $1",
    "UPDATE orders SET note = $1 WHERE customer_id = $2",
    "SELECT * FROM orders WHERE lower(note) = $1 AND customer_id > $2",
    "SELECT count(*) FROM generate_series(1, $1)",
];

fn server(schema: &str) -> Cluster {
    let cluster = builder(MAIN_MAJOR).start().expect("a server");
    assert!(
        cluster.has_extension("hypopg"),
        "install postgresql-15-hypopg"
    );
    cluster.create_database("shop").expect("a database");
    cluster
        .execute(
            "shop",
            &format!(
                "CREATE ROLE plain LOGIN; CREATE ROLE mallory LOGIN; CREATE SCHEMA IF NOT EXISTS {schema}; GRANT USAGE ON SCHEMA {schema} TO plain;
                 CREATE EXTENSION hypopg SCHEMA {schema};
                 CREATE TABLE orders (id int PRIMARY KEY, customer_id int, note text);
                 INSERT INTO orders SELECT g, g % 5000, 'Note ' || g FROM generate_series(1, 50000) g; ANALYZE orders;
                 GRANT SELECT ON orders TO plain; GRANT ALL ON SCHEMA public TO mallory"
            ),
        )
        .expect("a table");
    cluster
}

fn probed(cluster: &Cluster, schema: &str) -> Snapshot {
    let mut snapshot = probe_texts(cluster, "shop", "plain", &TEXTS, &options());
    snapshot.extensions.push(Extension {
        name: "hypopg".to_owned(),
        version: "1.3".to_owned(),
        schema: schema.to_owned(),
    });
    snapshot
}

#[test]
fn the_planner_answers_and_forgets() {
    for schema in ["public", "ext"] {
        let cluster = server(schema);
        let snapshot = probed(&cluster, schema);
        let before = state(&cluster, "shop");
        let table = QualifiedName::new("public", "orders");
        let customer = IndexDefinition::btree(&table, ["customer_id"]);
        let mut partial = customer.clone();
        partial.predicate = Some("note IS NOT NULL".to_owned());
        let mut lower = IndexDefinition::btree(&table, ["note"]);
        lower.keys[0].expr = "lower(note)".to_owned();
        let mut broken = IndexDefinition::btree(&table, ["no_such_column"]);
        broken.include = vec!["note".to_owned()];
        runtime().block_on(async {
            let session = session(&cluster, "plain", "shop").await;
            let (_keep, cancelled) = watch::channel(false);
            let mut oracle = HypopgOracle::open(
                &session,
                &snapshot,
                &options(),
                Duration::from_secs(30),
                cancelled,
            )
            .await
            .expect("HypoPG");
            let key = |index: usize| snapshot.statements[index].key.clone();
            let one = [customer.clone()];
            let answer = oracle
                .what_if(&snapshot, &key(0), &one)
                .await
                .expect("an answer");
            assert!(
                answer.after_cost.get() < answer.before_cost.get() / 10.0,
                "{answer:?}"
            );
            assert_eq!(answer.used, [0]);
            assert!(
                answer.size_bytes[0].is_some_and(|size| size.0 > 100_000),
                "{answer:?}"
            );
            // The role may not write: its plan is of the equivalent SELECT, and so is the answer.
            let answer = oracle
                .what_if(&snapshot, &key(1), &one)
                .await
                .expect("an answer");
            assert_eq!(answer.used, [0]);
            let two = [customer.clone(), lower.clone()];
            let answer = oracle
                .what_if(&snapshot, &key(2), &two)
                .await
                .expect("an answer");
            assert!(answer.used.contains(&1), "{answer:?}");
            // What does not exist fails, and the next question starts from nothing.
            let hold = oracle
                .what_if(&snapshot, &key(0), &[customer.clone(), broken])
                .await
                .expect_err("a refusal");
            assert!(hold.reason.contains("no_such_column"), "{hold:?}");
            let answer = oracle
                .what_if(&snapshot, &key(0), &[])
                .await
                .expect("an answer");
            assert!(
                (answer.after_cost.get() - answer.before_cost.get()).abs() < 1e-6,
                "{answer:?}"
            );
            let answer = oracle
                .what_if(&snapshot, &key(0), &[partial])
                .await
                .expect("an answer");
            assert_eq!(answer.used.len(), 0, "{answer:?}");
            let mut evil = IndexDefinition::btree(&table, ["note"]);
            evil.predicate = Some("note = ''; DROP TABLE orders".to_owned());
            assert!(oracle.what_if(&snapshot, &key(0), &[evil]).await.is_err());
        });
        assert_eq!(state(&cluster, "shop"), before);
    }
}

#[test]
fn planted_functions_are_not_called() {
    let cluster = server("ext");
    cluster
        .query_as(
            "mallory",
            "shop",
            "CREATE FUNCTION evil(text) RETURNS text IMMUTABLE LANGUAGE plpgsql AS $$BEGIN RAISE LOG 'CANARY SANG'; RETURN $1; END$$",
        )
        .expect("a function");
    let snapshot = probed(&cluster, "ext");
    let ask = |snapshot: &Snapshot, index: IndexDefinition| {
        runtime().block_on(async {
            let session = session(&cluster, "plain", "shop").await;
            let (_keep, cancelled) = watch::channel(false);
            let mut oracle = HypopgOracle::open(
                &session,
                snapshot,
                &options(),
                Duration::from_secs(30),
                cancelled,
            )
            .await
            .expect("HypoPG");
            oracle
                .what_if(snapshot, &snapshot.statements[0].key, &[index])
                .await
        })
    };
    let table = QualifiedName::new("public", "orders");
    let mut expression = IndexDefinition::btree(&table, ["note"]);
    expression.keys[0].expr = "evil(note)".to_owned();
    let hold = ask(&snapshot, expression).expect_err("a refusal");
    assert!(
        hold.reason.contains("function public.evil(text)"),
        "{hold:?}"
    );
    cluster
        .query_as(
            "mallory",
            "shop",
            "CREATE FUNCTION hypopg_reset() RETURNS int LANGUAGE plpgsql AS $$BEGIN RAISE LOG 'CANARY SANG'; RETURN 1; END$$",
        )
        .expect("a function");
    let hold =
        ask(&snapshot, IndexDefinition::btree(&table, ["customer_id"])).expect_err("a refusal");
    assert!(
        hold.reason.contains("function public.hypopg_reset()"),
        "{hold:?}"
    );
    assert!(!cluster.log().contains("LOG:  CANARY"), "{}", cluster.log());
}

#[test]
fn without_the_extension_the_gap_says_what_to_do() {
    let cluster = builder(MAIN_MAJOR).start().expect("a server");
    let snapshot = probe_texts(&cluster, "postgres", "postgres", &["SELECT 1"], &options());
    runtime().block_on(async {
        let session = session(&cluster, "postgres", "postgres").await;
        let (_keep, cancelled) = watch::channel(false);
        let gap = HypopgOracle::open(
            &session,
            &snapshot,
            &options(),
            Duration::from_secs(5),
            cancelled,
        )
        .await
        .err()
        .expect("a gap");
        assert_eq!(gap.remedy.as_deref(), Some("CREATE EXTENSION hypopg"));
    });
}
