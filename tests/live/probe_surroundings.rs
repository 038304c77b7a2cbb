//! Probes through a pooler in transaction mode, and under search paths and row security of others.

use pgtriage::demo::cluster::Cluster;
use pgtriage::ids::QualifiedName;
use pgtriage::probe::{HypopgOracle, run};
use pgtriage::snapshot::ProbeStatus::{Analyzed, Failed, NotProbed, Planned, Refused};
use pgtriage::snapshot::{Extension, IndexDefinition, PlannedText};
use std::time::Duration;
use tokio::sync::watch;

use crate::pooler::Pooler;
use crate::probing::{expect, options, outcome, probe, probe_texts, runtime, snapshot};
use crate::{MAIN_MAJOR, builder, majors};

const SCHEMA: &str = "
CREATE EXTENSION pg_stat_statements;
CREATE ROLE plain LOGIN; CREATE ROLE tenant LOGIN; CREATE ROLE writer LOGIN;
CREATE TABLE t (id int PRIMARY KEY, v int, part int); INSERT INTO t SELECT g, g % 7, g % 3 FROM generate_series(1, 3000) g;
CREATE TABLE never (id int, v int); INSERT INTO never SELECT g, g FROM generate_series(1, 10) g;
CREATE TABLE guarded (id int PRIMARY KEY, owner text); INSERT INTO guarded SELECT g, 'o' || g FROM generate_series(1, 100) g;
ALTER TABLE guarded ENABLE ROW LEVEL SECURITY; CREATE POLICY own ON guarded USING (owner = current_user::text);
CREATE SCHEMA app; CREATE TABLE app.orders (id int PRIMARY KEY, note text); INSERT INTO app.orders SELECT g, 'n' || g FROM generate_series(1, 500) g;
CREATE SCHEMA other; CREATE TABLE other.invoices (id int PRIMARY KEY, amount int);
ALTER ROLE tenant SET search_path = app, public;
GRANT USAGE ON SCHEMA app, other TO plain; GRANT SELECT ON ALL TABLES IN SCHEMA public, app, other TO plain;
ANALYZE t; ANALYZE guarded; ANALYZE app.orders";

const TEXTS: [&str; 8] = [
    "SELECT * FROM t WHERE id = $1",
    "SELECT * FROM t WHERE v IN ($1, $2) LIMIT $3",
    "SELECT $1 + v FROM t",
    "UPDATE t SET v = $1 WHERE id = $2",
    "SELECT * FROM never WHERE id = $1",
    "SELECT no_such_column FROM t",
    "SELECT normalize($1, $2)",
    "SELECT * FROM t WHERE id = $1 FOR UPDATE",
];

fn server(major: u32) -> Cluster {
    let cluster = builder(major).start().expect("a server");
    cluster.create_database("shop").expect("a database");
    cluster.execute("shop", SCHEMA).expect("a schema");
    cluster
}

#[test]
fn a_pooler_in_transaction_mode_is_left_as_it_was() {
    for major in majors() {
        let cluster = server(major);
        let hypopg = cluster.has_extension("hypopg");
        if hypopg {
            cluster
                .execute("shop", "CREATE EXTENSION hypopg")
                .expect("HypoPG");
        }
        for role in ["plain", "postgres"] {
            let pooler = Pooler::start(&cluster, role, "shop", 3);
            let settings = "SELECT string_agg(name || '=' || setting, ';' ORDER BY name) FROM pg_settings WHERE name NOT LIKE 'hypopg.%'";
            let before = pooler.values(settings);
            let mut taken = snapshot(&cluster, "shop", role, &TEXTS);
            let uri = format!(
                "postgresql://{role}@127.0.0.1:{}/shop?sslmode=disable",
                pooler.port
            );
            runtime().block_on(async {
                let session =
                    crate::connect::connect(&uri, &crate::connect::environment(&[], None))
                        .await
                        .expect("a connection");
                let (_keep, cancelled) = watch::channel(false);
                let all: Vec<usize> = (0..TEXTS.len()).collect();
                run(
                    &session,
                    &mut taken,
                    &all,
                    &options(),
                    &|_| (),
                    cancelled.clone(),
                )
                .await;
                if hypopg {
                    taken.extensions.push(Extension {
                        name: "hypopg".to_owned(),
                        version: "1.3".to_owned(),
                        schema: "public".to_owned(),
                    });
                    let mut oracle = HypopgOracle::open(
                        &session,
                        &taken,
                        &options(),
                        Duration::from_secs(20),
                        cancelled,
                    )
                    .await
                    .expect("HypoPG");
                    let index = IndexDefinition::btree(&QualifiedName::new("public", "t"), ["v"]);
                    let key = taken.statements[1].key.clone();
                    oracle
                        .what_if(&taken, &key, &[index])
                        .await
                        .expect("an answer");
                    let broken =
                        IndexDefinition::btree(&QualifiedName::new("public", "t"), ["gone"]);
                    oracle
                        .what_if(&taken, &key, &[broken])
                        .await
                        .expect_err("no answer");
                }
            });
            expect(&taken, 0, Analyzed, "");
            expect(&taken, 1, Analyzed, "");
            expect(&taken, 2, Analyzed, "");
            expect(&taken, 3, Planned, "");
            expect(&taken, 4, Analyzed, "");
            expect(
                &taken,
                5,
                Failed,
                "column \"no_such_column\" does not exist",
            );
            assert_eq!(pooler.values(settings), before, "{major} {role}");
            assert_eq!(
                pooler.values("SELECT count(*) FROM pg_prepared_statements"),
                ["0", "0", "0"]
            );
            assert_eq!(pooler.values("SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'advisory'"), ["0", "0", "0"]);
            if hypopg {
                assert_eq!(
                    pooler.values("SELECT count(*) FROM hypopg()"),
                    ["0", "0", "0"]
                );
            }
        }
    }
}

#[test]
fn tables_are_found_where_the_application_finds_them() {
    let cluster = server(MAIN_MAJOR);
    let texts = [
        "SELECT * FROM orders WHERE id = $1",
        "SELECT * FROM invoices WHERE id = $1",
        "SELECT * FROM nowhere WHERE id = $1",
    ];
    let mut taken = snapshot(&cluster, "shop", "plain", &texts);
    let tenant = cluster
        .query("shop", "SELECT oid FROM pg_roles WHERE rolname = 'tenant'")
        .expect("a role")[0][0]
        .clone()
        .expect("an oid");
    taken.statements[0].key.userid.0 = tenant.parse().expect("an oid");
    taken.statements[0].role = Some("tenant".to_owned());
    let snapshot = probe(&cluster, "plain", taken, &options());
    expect(&snapshot, 0, Analyzed, "");
    expect(&snapshot, 1, Analyzed, "");
    expect(&snapshot, 2, Failed, "relation \"nowhere\" does not exist");
    let origin = &snapshot.plans[0].parameters[0].origin;
    assert_eq!(origin, "middle of the histogram of app.orders.id");
}

#[test]
fn row_security_is_said_and_writes_become_selects() {
    let cluster = server(MAIN_MAJOR);
    let texts = [
        "SELECT * FROM guarded WHERE id = $1",
        "DELETE FROM guarded WHERE id = $1",
        "DELETE FROM t WHERE v = $1",
    ];
    let plain = probe_texts(&cluster, "shop", "plain", &texts, &options());
    expect(
        &plain,
        0,
        Analyzed,
        "row-level security of public.guarded applies to plain",
    );
    expect(
        &plain,
        1,
        Planned,
        "row-level security of public.guarded applies to plain",
    );
    expect(
        &plain,
        2,
        Planned,
        "permission denied for table t: the plan is of the equivalent SELECT",
    );
    let select = plain
        .plans
        .iter()
        .rfind(|plan| plan.key == plain.statements[2].key)
        .expect("a plan");
    assert_eq!(select.planned_text, PlannedText::EquivalentSelect);
    assert!(
        select
            .text
            .as_deref()
            .is_some_and(|text| text.starts_with("SELECT")),
        "{select:?}"
    );
    let superuser = probe_texts(&cluster, "shop", "postgres", &texts, &options());
    assert_eq!(outcome(&superuser, 0).reason, None);
}

#[test]
fn what_is_not_chosen_is_named_all_the_same() {
    let cluster = server(MAIN_MAJOR);
    cluster
        .execute(
            "shop",
            "CREATE ROLE mallory; CREATE FUNCTION evil(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1'; ALTER FUNCTION evil(int) OWNER TO mallory",
        )
        .expect("a function");
    let texts = [
        "SELECT * FROM t WHERE id = $1",
        "SELECT v FROM t",
        "SELECT evil($1)",
        "COPY t TO STDOUT",
        "SELECT 1; SELECT 2",
    ];
    let mut taken = snapshot(&cluster, "shop", "plain", &texts);
    runtime().block_on(async {
        let session = crate::probing::session(&cluster, "plain", "shop").await;
        let (_keep, cancelled) = watch::channel(false);
        run(&session, &mut taken, &[0], &options(), &|_| (), cancelled).await;
    });
    expect(&taken, 0, Analyzed, "");
    expect(
        &taken,
        1,
        NotProbed,
        "other statements take nearly all of the time",
    );
    expect(
        &taken,
        2,
        Refused,
        "function public.evil(integer) is owned by mallory",
    );
    let copy = &taken.statements[3].key;
    assert!(taken.probes.iter().all(|probe| probe.key != *copy));
    expect(&taken, 4, Refused, "more than one statement");
    assert_eq!(taken.plans.len(), 1);
}
