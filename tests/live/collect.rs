//! Observing real servers: every version, privilege and fault.

use pgtriage::collect::{Options, observe, sample};
use pgtriage::demo::cluster::{Cluster, SUPERUSER};
use pgtriage::snapshot::delta::Window;
use pgtriage::snapshot::{Area, ForeignKey, Gap, Index, RelationKind, Snapshot, Statement, Table};
use tokio_postgres::{Client, NoTls};

use crate::{MAIN_MAJOR, builder, majors};

pub const DATABASE: &str = "shop";

const SCHEMA: &str = include_str!("collect/schema.sql");

pub async fn client(cluster: &Cluster, role: &str, database: &str) -> Client {
    let connected = cluster.config(role, database).connect(NoTls).await;
    let (client, connection) = connected.expect("a connection");
    tokio::spawn(connection);
    client
}

pub async fn look(cluster: &Cluster, role: &str) -> Snapshot {
    let client = client(cluster, role, DATABASE).await;
    observe(&client, &Options::default())
        .await
        .expect("an observation")
}

pub fn shop(major: u32) -> Cluster {
    let cluster = builder(major)
        .setting("track_io_timing", "on")
        .start()
        .expect("a server");
    fill(&cluster);
    if major < 15 {
        // The statistics collector of these versions gets its messages late.
        cluster
            .execute(DATABASE, "SELECT pg_sleep(1)")
            .expect("a pause");
    }
    cluster
}

fn fill(cluster: &Cluster) {
    cluster.create_database(DATABASE).expect("a database");
    cluster.execute(DATABASE, SCHEMA).expect("a schema");
}

pub fn table<'a>(snapshot: &'a Snapshot, name: &str) -> &'a Table {
    let mut tables = snapshot.tables.iter();
    tables
        .find(|table| table.name.name == name)
        .expect("the table")
}

pub fn index<'a>(snapshot: &'a Snapshot, name: &str) -> &'a Index {
    let mut indexes = snapshot.indexes.iter();
    indexes
        .find(|index| index.name.name == name)
        .expect("the index")
}

pub fn statement<'a>(snapshot: &'a Snapshot, part: &str) -> Option<&'a Statement> {
    let mut statements = snapshot.statements.iter();
    statements.find(|statement| {
        statement
            .query
            .as_ref()
            .is_some_and(|query| query.contains(part))
    })
}

pub fn gap(snapshot: &Snapshot, area: Area) -> &Gap {
    snapshot
        .gap(area)
        .unwrap_or_else(|| panic!("a gap in {area:?}: {:?}", snapshot.gaps))
}

fn areas(snapshot: &Snapshot) -> Vec<Area> {
    snapshot.gaps.iter().map(|gap| gap.area).collect()
}

#[tokio::test]
async fn every_version_is_observed_in_full() {
    for major in majors() {
        let cluster = shop(major);
        cluster
            .execute(DATABASE, "CREATE EXTENSION pg_stat_statements")
            .expect("the extension");
        for _ in 0..3 {
            cluster
                .execute(DATABASE, "SELECT count(*) FROM orders WHERE note LIKE 'n%'")
                .expect("a query");
        }
        let snapshot = look(&cluster, SUPERUSER).await;
        assert_eq!(snapshot.server.major(), major);
        assert_eq!(snapshot.server.database, DATABASE);
        assert!(snapshot.server.database_size_bytes.is_some());
        assert!(snapshot.role.superuser && snapshot.role.read_all_stats);
        assert!(snapshot.role.search_path.contains(&"public".to_owned()));
        for setting in [
            "work_mem",
            "random_page_cost",
            "track_io_timing",
            "pg_stat_statements.max",
            "shared_preload_libraries",
        ] {
            assert!(
                snapshot.settings.contains_key(setting),
                "{setting} on {major}"
            );
        }
        assert_eq!(
            snapshot.settings["statement_timeout"].value, "0",
            "that of a new session"
        );
        check_catalog(&snapshot, major);
        check_statements(&snapshot, major);
        check_order(&snapshot);
        let expected = [Area::PlanTiming, Area::HypotheticalIndexes];
        assert_eq!(areas(&snapshot), expected, "{:?}", snapshot.gaps);
        let window = Window::of(&snapshot);
        let seconds = window.tables_seconds;
        assert!(
            seconds.is_some_and(|seconds| seconds > 0.0),
            "{major}: {seconds:?}"
        );
    }
}

fn check_catalog(snapshot: &Snapshot, major: u32) {
    let orders = table(snapshot, "orders");
    assert_eq!((orders.kind, orders.readable), (RelationKind::Table, true));
    assert_eq!(orders.owner.as_deref(), Some(SUPERUSER));
    assert_eq!(orders.tuples.map(|rows| rows.0), Some(1000.0));
    assert!(orders.pages.0 > 0);
    assert_eq!(orders.options, ["fillfactor=90"]);
    assert!(orders.counters.is_some() && orders.last_analyze.is_some());
    let names: Vec<_> = orders
        .columns
        .iter()
        .map(|column| column.name.as_str())
        .collect();
    assert_eq!(names, ["id", "customer_id", "note", "Total", "tags"]);
    let note = orders.column("note").expect("a column");
    assert_eq!(note.type_name, "character varying(40)");
    let statistics = note.statistics.as_ref().expect("statistics");
    assert!((statistics.null_frac - 0.5).abs() < 0.01, "{statistics:?}");
    assert!(orders.column("id").is_some_and(|column| column.not_null));

    let events = table(snapshot, "events");
    assert_eq!(events.kind, RelationKind::PartitionedTable);
    assert_eq!(events.partition_key.as_deref(), Some("RANGE (at)"));
    assert!(
        events
            .column("kind")
            .is_some_and(|column| column.statistics.is_some()),
        "inherited statistics"
    );
    let part = table(snapshot, "events_2026");
    assert_eq!(part.parent, Some(events.oid));
    assert_eq!(
        table(snapshot, "totals").kind,
        RelationKind::MaterializedView
    );
    assert_eq!(table(snapshot, "never_analysed").tuples, None);
    assert!(
        !snapshot
            .tables
            .iter()
            .any(|table| table.name.name == "scratch"),
        "a temporary table"
    );

    let key = index(snapshot, "orders_pkey");
    assert!(key.unique && key.primary && key.constraint && key.valid);
    let expression = index(snapshot, "orders_lower");
    assert_eq!(
        expression.keys[0].expression.as_deref(),
        Some("lower(note::text)")
    );
    assert_eq!(expression.keys[1].column.as_deref(), Some("customer_id"));
    assert!(expression.keys[1].desc && expression.keys[1].nulls_first);
    assert_eq!(expression.predicate.as_deref(), Some("customer_id > 3"));
    let covering = index(snapshot, "orders_covering");
    assert_eq!(covering.include, ["Total"]);
    assert_eq!(
        covering.keys[0].opclass.as_deref(),
        Some("varchar_pattern_ops")
    );
    assert_eq!(covering.keys[0].collation.as_deref(), Some("\"C\""));
    assert_eq!(covering.options, ["fillfactor=80"]);
    assert_eq!(index(snapshot, "orders_tags").method, "gin");
    assert!(index(snapshot, "events_2026_kind_idx").parent.is_some());
    if major >= 16 {
        assert!(
            key.last_scan.is_some(),
            "the foreign key's check scanned it"
        );
    }

    let foreign: Vec<_> = snapshot
        .foreign_keys
        .iter()
        .filter(|key| !key.inherited)
        .collect();
    assert_eq!(foreign.len(), 1);
    assert_eq!(
        (
            foreign[0].columns.as_slice(),
            foreign[0].referenced_columns.as_slice()
        ),
        (
            ["order_b".to_owned(), "order_a".to_owned()].as_slice(),
            ["b".to_owned(), "a".to_owned()].as_slice()
        )
    );
    assert_eq!(
        foreign[0].on_delete,
        pgtriage::snapshot::ForeignKeyAction::Cascade
    );
}

/// Rows come from hash tables and heaps, in any order; the snapshot has one, so that equal data give equal sums.
fn check_order(snapshot: &Snapshot) {
    assert!(snapshot.statements.is_sorted_by_key(|row| &row.key));
    assert!(snapshot.tables.is_sorted_by_key(|row| &row.name));
    assert!(snapshot.indexes.is_sorted_by_key(|row| &row.name));
    let key = |row: &ForeignKey| (row.table, row.name.clone());
    assert!(snapshot.foreign_keys.is_sorted_by_key(key));
    assert!(snapshot.extensions.is_sorted_by_key(|row| &row.name));
}

fn check_statements(snapshot: &Snapshot, major: u32) {
    let source = snapshot
        .counter_source
        .as_ref()
        .expect("pg_stat_statements");
    assert_eq!(source.stats_reset.is_some(), major >= 14);
    let found = statement(snapshot, "FROM orders WHERE note").expect("the statement");
    assert_eq!((found.counters.calls, found.counters.rows), (3, 3));
    assert!(found.counters.total_exec_time_ms.0 > 0.0);
    assert_eq!(found.counters.plans, None, "track_planning is off");
    assert!(found.counters.shared_io.is_some(), "track_io_timing is on");
    assert_eq!(found.counters.temp_io.is_some(), major >= 15);
    assert_eq!(found.counters.jit.is_some(), major >= 15);
    assert_eq!(found.stats_since.is_some(), major >= 17);
    assert_eq!(found.counters.parallel_workers.is_some(), major >= 18);
    assert_eq!(found.role.as_deref(), Some(SUPERUSER));
    assert!(found.key.toplevel);
    assert!(
        statement(snapshot, "pgtriage").is_none(),
        "its own statements"
    );
}

#[tokio::test]
async fn nothing_is_left_behind() {
    let cluster = shop(MAIN_MAJOR);
    cluster
        .execute(DATABASE, "CREATE EXTENSION pg_stat_statements")
        .expect("the extension");
    let client = client(&cluster, SUPERUSER, DATABASE).await;
    observe(&client, &Options::default())
        .await
        .expect("an observation");
    sample(&client, &Options::default())
        .await
        .expect("a sample");
    let row = client
        .query_typed_one(include_str!("collect/left_behind.sql"), &[])
        .await
        .expect("a row");
    let left: Vec<i64> = (0..4).map(|column| row.get(column)).collect();
    assert_eq!(
        left,
        [0, 0, 0, 0],
        "prepared statements, locks, settings, transactions"
    );
    let snapshot = look(&cluster, SUPERUSER).await;
    assert!(statement(&snapshot, "SAVEPOINT").is_none());
    let log = cluster.log();
    assert!(!log.contains("ERROR"), "{log}");
}

#[tokio::test]
async fn the_extension_may_live_in_any_schema_and_be_old() {
    let cases = [
        (13, "1.8"),
        (15, "1.8"),
        (15, "1.9"),
        (18, "1.8"),
        (18, "1.10"),
        (18, "1.11"),
    ];
    for (major, version) in cases
        .into_iter()
        .filter(|(major, _)| majors().contains(major))
    {
        let cluster = shop(major);
        let old = format!(
            "CREATE EXTENSION pg_stat_statements SCHEMA \"odd \"\" schema\" VERSION '{version}'"
        );
        let sql =
            format!("CREATE SCHEMA \"odd \"\" schema\"; {old}; SELECT count(*) FROM customers");
        cluster.execute(DATABASE, &sql).expect("the extension");
        let snapshot = look(&cluster, SUPERUSER).await;
        let source = snapshot
            .counter_source
            .as_ref()
            .unwrap_or_else(|| panic!("{:?}", snapshot.gaps));
        assert_eq!(
            (source.schema.as_str(), source.extension_version.as_str()),
            ("odd \" schema", version)
        );
        assert!(
            statement(&snapshot, "FROM customers").is_some(),
            "{version} on {major}"
        );
    }
}

#[tokio::test]
async fn a_plain_role_sees_counters_and_is_told_what_is_hidden() {
    for major in majors() {
        let cluster = shop(major);
        let sql = "CREATE EXTENSION pg_stat_statements; CREATE ROLE \"Plain\" LOGIN; SELECT count(*) FROM customers";
        cluster.execute(DATABASE, sql).expect("a role");
        let snapshot = look(&cluster, "Plain").await;
        assert_eq!(snapshot.role.name, "Plain");
        assert!(!snapshot.role.superuser && !snapshot.role.read_all_stats);
        let hidden = snapshot
            .counter_source
            .as_ref()
            .and_then(|source| source.hidden)
            .expect("hidden");
        assert!(hidden.statements > 0 && hidden.total_exec_time_ms.0 > 0.0);
        assert!(statement(&snapshot, "FROM customers").is_none());
        assert_eq!(
            gap(&snapshot, Area::StatementTexts).remedy.as_deref(),
            Some("GRANT pg_read_all_stats TO \"Plain\";")
        );
        let statistics = gap(&snapshot, Area::ColumnStatistics);
        let remedy = statistics.remedy.as_deref().expect("a remedy");
        let expected = if major >= 14 {
            "GRANT pg_read_all_data TO \"Plain\";"
        } else {
            "GRANT USAGE ON SCHEMA public TO \"Plain\"; GRANT SELECT ON ALL TABLES IN SCHEMA public TO \"Plain\";"
        };
        assert_eq!(remedy, expected);
        assert!(!snapshot.settings.contains_key("shared_preload_libraries"));
        assert!(snapshot.tables.iter().all(|table| {
            !table.readable
                && table
                    .columns
                    .iter()
                    .all(|column| column.statistics.is_none())
        }));

        for gap in &snapshot.gaps {
            if let Some(remedy) = gap
                .remedy
                .as_deref()
                .filter(|remedy| remedy.starts_with("GRANT"))
            {
                cluster
                    .execute(DATABASE, remedy)
                    .unwrap_or_else(|error| panic!("{remedy}: {error}"));
            }
        }
        let cured = look(&cluster, "Plain").await;
        assert!(
            cured.gap(Area::StatementTexts).is_none()
                && cured.gap(Area::ColumnStatistics).is_none(),
            "{:?}",
            cured.gaps
        );
        assert!(statement(&cured, "FROM customers").is_some());
    }
}

#[tokio::test]
async fn each_missing_step_to_pg_stat_statements_is_named() {
    let cluster = builder(MAIN_MAJOR).preload([]).start().expect("a server");
    fill(&cluster);
    cluster
        .execute(DATABASE, "CREATE ROLE plain LOGIN")
        .expect("a role");
    let remedy = async |role| {
        let snapshot = look(&cluster, role).await;
        assert!(snapshot.tables.len() > 3, "the rest is there");
        assert_eq!(snapshot.counter_source, None);
        gap(&snapshot, Area::Statements)
            .remedy
            .clone()
            .expect("a remedy")
    };
    assert_eq!(
        remedy(SUPERUSER).await,
        "put shared_preload_libraries = 'pg_stat_statements' into postgresql.conf; then restart the server; \
         then in database shop: CREATE EXTENSION pg_stat_statements SCHEMA public;"
    );
    assert!(
        remedy("plain")
            .await
            .contains("beside what is listed there already")
    );
    cluster
        .execute(DATABASE, "CREATE EXTENSION pg_stat_statements")
        .expect("the extension");
    assert_eq!(
        remedy(SUPERUSER).await,
        "put shared_preload_libraries = 'pg_stat_statements' into postgresql.conf; then restart the server"
    );
    for sql in [
        "ALTER SYSTEM SET shared_preload_libraries = 'pg_stat_statements'",
        "SELECT pg_reload_conf()",
        "SELECT pg_sleep(0.5)",
    ] {
        cluster.execute(DATABASE, sql).expect("a setting");
    }
    assert_eq!(remedy(SUPERUSER).await, "restart the server");
    cluster.restart().expect("a restart");
    let snapshot = look(&cluster, SUPERUSER).await;
    assert!(snapshot.counter_source.is_some());
    cluster
        .execute(DATABASE, "DROP EXTENSION pg_stat_statements")
        .expect("no extension");
    assert_eq!(
        remedy("plain").await,
        "in database shop: CREATE EXTENSION pg_stat_statements SCHEMA public;"
    );
}

#[tokio::test]
async fn settings_that_hide_something_are_named() {
    let cluster = builder(MAIN_MAJOR)
        .setting("pg_stat_statements.max", "100")
        .setting("pg_stat_statements.track", "none")
        .setting("track_counts", "off")
        .start()
        .expect("a server");
    fill(&cluster);
    cluster
        .execute(DATABASE, "CREATE SCHEMA hidden; CREATE EXTENSION pg_stat_statements SCHEMA hidden; CREATE ROLE plain LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO plain; ALTER TABLE orders ENABLE ROW LEVEL SECURITY")
        .expect("the extension");
    let snapshot = look(&cluster, SUPERUSER).await;
    assert!(
        gap(&snapshot, Area::Statements)
            .reason
            .starts_with("pg_stat_statements.track is none")
    );
    assert!(
        gap(&snapshot, Area::Tables)
            .reason
            .starts_with("track_counts is off")
    );
    assert!(
        snapshot.tables.iter().all(|table| table.counters.is_none()),
        "unknown, not zero"
    );
    assert_eq!(
        gap(&snapshot, Area::IoTiming).remedy.as_deref(),
        Some("ALTER SYSTEM SET track_io_timing = on; SELECT pg_reload_conf();")
    );

    let plain = look(&cluster, "plain").await;
    assert_eq!(
        gap(&plain, Area::Statements).remedy.as_deref(),
        Some("GRANT USAGE ON SCHEMA hidden TO plain;")
    );
    assert!(
        gap(&plain, Area::ColumnStatistics)
            .reason
            .starts_with("row-level security"),
        "{:?}",
        plain.gaps
    );

    cluster
        .execute(
            DATABASE,
            "ALTER SYSTEM SET pg_stat_statements.track = 'all'",
        )
        .expect("a setting");
    cluster
        .execute(DATABASE, "SELECT pg_reload_conf()")
        .expect("a reload");
    cluster
        .execute(DATABASE, "SELECT pg_sleep(0.5)")
        .expect("a pause");
    let many = (0..300)
        .map(|n| format!("SET shop.setting_{n} = 1"))
        .collect::<Vec<_>>()
        .join(";");
    cluster.execute(DATABASE, &many).expect("many statements");
    let full = look(&cluster, SUPERUSER).await;
    let source = full.counter_source.as_ref().expect("a source");
    assert!(source.dealloc > Some(0), "{source:?}");
}

#[tokio::test]
async fn what_execute_ran_is_the_prepared_statement() {
    for major in majors() {
        let cluster = shop(major);
        for sql in [
            "CREATE EXTENSION pg_stat_statements",
            "PREPARE twice (int) AS SELECT 2 * $1 AS doubled; EXECUTE twice(1); EXECUTE twice(2)",
        ] {
            cluster.execute(DATABASE, sql).expect(sql);
        }
        let snapshot = look(&cluster, SUPERUSER).await;
        let found = statement(&snapshot, "doubled").expect("the statement");
        let text = found.query.as_deref().expect("a text");
        assert!(text.starts_with("SELECT"), "{major}: {text}");
        assert_eq!(found.counters.calls, 2, "{major}");
    }
}
