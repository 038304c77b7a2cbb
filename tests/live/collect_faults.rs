//! Observing servers on which something is in the way: locks, revoked privileges, recovery, builds, broken text.

use pgtriage::collect::{CollectError, Options, observe};
use pgtriage::demo::cluster::{SUPERUSER, StopMode};
use pgtriage::snapshot::{Area, UNREADABLE};

use crate::collect::{DATABASE, client, gap, index, look, shop, statement, table};
use crate::{MAIN_MAJOR, builder, majors, value};

#[tokio::test]
async fn a_locked_table_costs_its_own_expressions_only() {
    for major in majors() {
        let cluster = shop(major);
        let locker = client(&cluster, SUPERUSER, DATABASE).await;
        locker
            .batch_execute("BEGIN; LOCK TABLE orders IN ACCESS EXCLUSIVE MODE")
            .await
            .expect("a lock");
        let started = std::time::Instant::now();
        let snapshot = look(&cluster, SUPERUSER).await;
        assert!(started.elapsed() < std::time::Duration::from_secs(5));
        assert_eq!(table(&snapshot, "orders").columns.len(), 5);
        assert_eq!(
            index(&snapshot, "orders_lower").predicate.as_deref(),
            Some(UNREADABLE)
        );
        assert_eq!(
            index(&snapshot, "customers_upper").keys[0]
                .expression
                .as_deref(),
            Some("upper(name)")
        );
        assert_eq!(
            table(&snapshot, "events").partition_key.as_deref(),
            Some("RANGE (at)")
        );
        assert!(
            gap(&snapshot, Area::Indexes)
                .reason
                .contains("public.orders"),
            "{:?}",
            snapshot.gaps
        );
    }
}

#[tokio::test]
async fn a_server_that_stops_is_a_lost_connection() {
    let cluster = shop(MAIN_MAJOR);
    let client = client(&cluster, SUPERUSER, DATABASE).await;
    cluster.kill().expect("a kill");
    let error = observe(&client, &Options::default())
        .await
        .expect_err("no server");
    assert!(
        matches!(error, CollectError::ConnectionLost { .. }),
        "{error}"
    );
}

#[tokio::test]
async fn a_database_whose_texts_are_no_text_is_observed() {
    let cluster = builder(MAIN_MAJOR).start().expect("a server");
    let sql = include_str!("collect/sql_ascii.sql");
    for sql in sql.split_inclusive(';') {
        cluster.execute("postgres", sql).expect("a database");
    }
    cluster
        .execute("bytes", "CREATE EXTENSION pg_stat_statements")
        .expect("the extension");
    cluster
        .execute("bytes", "SELECT 'x' AS \"caf\u{e9}\"")
        .expect("a statement");
    let client = client(&cluster, SUPERUSER, "bytes").await;
    client
        .batch_execute("SET client_encoding = 'SQL_ASCII'")
        .await
        .expect("a setting");
    let snapshot = observe(&client, &Options::default())
        .await
        .expect("an observation");
    assert!(statement(&snapshot, "caf").is_some());
    assert_eq!(
        value(&cluster, "bytes", "SHOW server_encoding"),
        "SQL_ASCII"
    );
}

#[tokio::test]
async fn a_revoked_function_costs_the_statements_only() {
    for major in majors() {
        let cluster = shop(major);
        let sql = "CREATE EXTENSION pg_stat_statements; CREATE ROLE plain LOGIN; GRANT pg_monitor TO plain; \
                   REVOKE EXECUTE ON FUNCTION pg_stat_statements(boolean) FROM PUBLIC";
        cluster.execute(DATABASE, sql).expect("a role");
        let snapshot = look(&cluster, "plain").await;
        assert!(snapshot.counter_source.is_none() && !snapshot.tables.is_empty());
        let remedy = gap(&snapshot, Area::Statements)
            .remedy
            .as_deref()
            .expect("a remedy");
        assert!(
            remedy.starts_with("GRANT EXECUTE ON FUNCTION public.pg_stat_statements(boolean)"),
            "{remedy}"
        );
        cluster.execute(DATABASE, remedy).expect("the remedy runs");
        let cured = look(&cluster, "plain").await;
        assert!(!cured.statements.is_empty(), "{:?}", cured.gaps);
    }
}

#[tokio::test]
async fn a_standby_is_observed() {
    for major in majors() {
        let cluster = shop(major);
        cluster
            .execute(DATABASE, "CREATE EXTENSION pg_stat_statements")
            .expect("the extension");
        cluster.stop(StopMode::Fast).expect("a stop");
        // Without a primary, but a standby all the same: in recovery and read-only.
        let signal = cluster.data_dir().join("standby.signal");
        std::fs::write(&signal, "").expect("a file");
        cluster.start().expect("a standby");
        cluster
            .execute(DATABASE, "SELECT count(*) FROM customers")
            .expect("a query");
        let snapshot = look(&cluster, SUPERUSER).await;
        assert!(snapshot.server.in_recovery);
        assert!(statement(&snapshot, "FROM customers").is_some());
        assert_eq!(
            index(&snapshot, "orders_lower").predicate.as_deref(),
            Some("customer_id > 3")
        );
        let hypothetical = gap(&snapshot, Area::HypotheticalIndexes).remedy.as_deref();
        assert!(hypothetical.is_some_and(|remedy| remedy.contains("on the primary")));
    }
}

#[tokio::test]
async fn an_index_under_construction_is_told_from_an_invalid_one() {
    let cluster = shop(MAIN_MAJOR);
    cluster
        .execute(DATABASE, "CREATE ROLE plain LOGIN")
        .expect("a role");
    let blocker = client(&cluster, SUPERUSER, DATABASE).await;
    blocker
        .batch_execute("BEGIN; INSERT INTO customers VALUES (0, 'x')")
        .await
        .expect("an open transaction");
    let builder = client(&cluster, SUPERUSER, DATABASE).await;
    let building = tokio::spawn(async move {
        builder
            .batch_execute("CREATE INDEX CONCURRENTLY customers_name ON customers (name)")
            .await
    });
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    for role in [SUPERUSER, "plain"] {
        let snapshot = look(&cluster, role).await;
        let index = index(&snapshot, "customers_name");
        assert!(!index.valid && index.building, "as {role}");
    }
    building.abort();
    let cancel = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'CREATE INDEX CONC%'";
    cluster
        .execute(DATABASE, cancel)
        .expect("the end of the build");
    blocker.batch_execute("ROLLBACK").await.expect("a rollback");
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    for role in [SUPERUSER, "plain"] {
        let snapshot = look(&cluster, role).await;
        let index = index(&snapshot, "customers_name");
        assert!(!index.valid && !index.building, "as {role}");
    }
}
