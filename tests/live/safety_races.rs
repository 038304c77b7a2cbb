//! Objects that are planted after the guard has looked: by a session that acts between two round trips, and by one that
//! holds the probe back with a lock.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use pgtriage::demo::cluster::Cluster;
use pgtriage::ids::QualifiedName;
use pgtriage::probe::{Hold, HypopgOracle};
use pgtriage::snapshot::ProbeStatus::Refused;
use pgtriage::snapshot::{Extension, IndexDefinition, Snapshot, WhatIf};
use tokio::sync::watch;

use crate::collect::client;
use crate::connect::{connect, environment};
use crate::interposed::{Deed, Relay};
use crate::probing::{options, outcome, probe_at, probe_texts, runtime, snapshot, state};
use crate::{MAIN_MAJOR, builder, value};

/// What the attacker has from the start: nothing of it hangs on a table, and no statement mentions it.
const PREPARED: &str = r"
CREATE FUNCTION evil(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS
    $$BEGIN RAISE LOG 'CANARY SANG to %', session_user; RETURN $1; END$$;
CREATE FUNCTION evil_test(int) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS
    $$BEGIN RAISE LOG 'CANARY SANG to %', session_user; RETURN true; END$$;
CREATE FUNCTION evil_equal(varchar, varchar) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS
    $$BEGIN RAISE LOG 'CANARY SANG to %', session_user; RETURN true; END$$;
CREATE TABLE m (id int, x int); INSERT INTO m VALUES (1, 1);
CREATE TABLE m_parent (id int, x int); CREATE TABLE m_child () INHERITS (m_parent); INSERT INTO m_child VALUES (1, 1);
CREATE TABLE m_parted (id int, x int) PARTITION BY LIST (x); CREATE TABLE m_one PARTITION OF m_parted FOR VALUES IN (1);
GRANT ALL ON ALL TABLES IN SCHEMA public TO PUBLIC;
";

/// What the attacker plants, how it goes away again, and the statement that would run it.
struct Plot {
    plant: &'static str,
    undo: &'static str,
    text: &'static str,
}

const PLOTS: &[Plot] = &[
    Plot {
        plant: "CREATE INDEX trap ON m ((id + evil(1)))",
        undo: "DROP INDEX trap",
        text: "SELECT x FROM m WHERE id = 1",
    },
    Plot {
        plant: "CREATE INDEX trap ON m (id) WHERE evil_test(1)",
        undo: "DROP INDEX trap",
        text: "UPDATE m SET x = 2 WHERE id = 1",
    },
    Plot {
        plant: "CREATE INDEX trap ON m ((id + evil(1)))",
        undo: "DROP INDEX trap",
        text: "SELECT x FROM trusted_view WHERE id = 1",
    },
    Plot {
        plant: "CREATE INDEX trap ON m_child ((id + evil(1)))",
        undo: "DROP INDEX trap",
        text: "SELECT x FROM m_parent WHERE id = 1",
    },
    Plot {
        plant: "ALTER TABLE m_child ADD CONSTRAINT trap CHECK (evil_test(1) AND id > 0)",
        undo: "ALTER TABLE m_child DROP CONSTRAINT trap",
        text: "SELECT x FROM m_parent WHERE id = 1",
    },
    Plot {
        plant: "CREATE TABLE trap PARTITION OF m_parted FOR VALUES IN (2); CREATE INDEX ON trap ((id + evil(1)))",
        undo: "DROP TABLE trap",
        text: "SELECT x FROM m_parted WHERE id = 1",
    },
    Plot {
        plant: "CREATE TABLE trap (id int, x int); CREATE INDEX ON trap ((id + evil(1))); \
                ALTER TABLE m_parted ATTACH PARTITION trap FOR VALUES IN (2)",
        undo: "DROP TABLE trap",
        text: "SELECT x FROM m_parted WHERE id = 1",
    },
    Plot {
        plant: "ALTER TABLE m ENABLE ROW LEVEL SECURITY; CREATE POLICY trap ON m USING (evil_test(1))",
        undo: "DROP POLICY trap ON m; ALTER TABLE m DISABLE ROW LEVEL SECURITY",
        text: "SELECT x FROM m WHERE id = 1",
    },
    Plot {
        plant: "CREATE RULE trap AS ON INSERT TO m DO ALSO SELECT evil(1)",
        undo: "DROP RULE trap ON m",
        text: "INSERT INTO m VALUES (1, 1)",
    },
    Plot {
        plant: "ALTER TABLE m ALTER x SET DEFAULT evil(1)",
        undo: "ALTER TABLE m ALTER x DROP DEFAULT",
        text: "INSERT INTO m (id) VALUES (1)",
    },
    Plot {
        plant: "CREATE STATISTICS trap ON (id + evil(1)), x FROM m",
        undo: "DROP STATISTICS trap",
        text: "SELECT x FROM m WHERE id = 1",
    },
    Plot {
        plant: "CREATE FUNCTION lower(varchar) RETURNS text IMMUTABLE LANGUAGE sql AS 'SELECT evil(1)::text'",
        undo: "DROP FUNCTION lower(varchar)",
        text: "SELECT lower('A'::varchar) FROM m",
    },
    Plot {
        plant: "CREATE OPERATOR = (leftarg = varchar, rightarg = varchar, function = evil_equal)",
        undo: "DROP OPERATOR = (varchar, varchar)",
        text: "SELECT x FROM m WHERE 'a'::varchar = 'b'::varchar",
    },
    Plot {
        plant: "CREATE DOMAIN trap AS int CHECK (evil_test(VALUE))",
        undo: "DROP DOMAIN trap",
        text: "SELECT '{1}'::trap[] FROM m",
    },
    Plot {
        plant: "CREATE DOMAIN trap AS int CHECK (evil_test(VALUE))",
        undo: "DROP DOMAIN trap",
        text: "SELECT '{1}'::trap[], $1 FROM m",
    },
];

fn attacked(major: u32) -> Arc<Cluster> {
    let cluster = builder(major)
        .setting("log_min_messages", "log")
        .start()
        .expect("a server");
    cluster.create_database("atk").expect("a database");
    cluster
        .execute(
            "atk",
            "CREATE ROLE mallory LOGIN; CREATE ROLE plain LOGIN; GRANT ALL ON SCHEMA public TO mallory",
        )
        .expect("roles");
    cluster
        .query_as("mallory", "atk", PREPARED)
        .expect("the attacker's objects");
    cluster
        .execute(
            "atk",
            "CREATE VIEW trusted_view AS SELECT * FROM m; GRANT SELECT ON trusted_view TO PUBLIC",
        )
        .expect("a view");
    Arc::new(cluster)
}

/// How often anything of the attacker's ran in a session of another.
fn canaries(cluster: &Cluster) -> usize {
    cluster
        .log()
        .lines()
        .filter(|line| line.contains("CANARY SANG to ") && !line.contains("to mallory"))
        .count()
}

fn plots(major: u32) -> impl Iterator<Item = &'static Plot> {
    PLOTS
        .iter()
        .filter(move |plot| major >= 14 || !plot.plant.starts_with("CREATE STATISTICS"))
}

fn is_guard(request: &str) -> bool {
    request.contains("WITH RECURSIVE /* pgtriage */")
}

#[test]
fn what_is_planted_after_the_guard_has_looked_does_not_run() {
    for major in [13, MAIN_MAJOR, 18] {
        let cluster = attacked(major);
        let relay = Relay::start(&cluster);
        let roles: &[&str] = match major {
            MAIN_MAJOR => &["plain", "postgres"],
            _ => &["plain"],
        };
        for plot in plots(major) {
            for role in roles.iter().copied() {
                let attacker = Arc::clone(&cluster);
                relay.prepare(Deed {
                    before: Box::new(|_, previous| is_guard(previous)),
                    act: Box::new(move || {
                        attacker
                            .query_as("mallory", "atk", plot.plant)
                            .unwrap_or_else(|error| panic!("{}: {error}", plot.plant));
                    }),
                });
                let statements = snapshot(&cluster, "atk", role, &[plot.text]);
                let probed = probe_at(&relay.uri(role, "atk"), statements, &options());
                assert!(relay.is_done(), "{}", plot.plant);
                let found = outcome(&probed, 0);
                assert_eq!(canaries(&cluster), 0, "{major} {}: {found:?}", plot.plant);
                assert_eq!(found.status, Refused, "{major} {}: {found:?}", plot.plant);
                assert!(
                    found
                        .reason
                        .as_deref()
                        .is_some_and(|r| r.contains("mallory")),
                    "{major} {}: {found:?}",
                    plot.plant
                );
                cluster
                    .query_as("mallory", "atk", plot.undo)
                    .expect("the attacker's own object");
            }
        }
    }
}

#[test]
fn a_lock_does_not_hold_the_probe_between_the_guard_and_the_plan() {
    let cluster = attacked(MAIN_MAJOR);
    let relay = Relay::start(&cluster);
    let before = state(&cluster, "atk");
    for plot in plots(MAIN_MAJOR) {
        let locked = "LOCK TABLE m, m_parent, m_parted IN ACCESS EXCLUSIVE MODE";
        let runtime = runtime();
        let attacker = runtime.block_on(async {
            let attacker = client(&cluster, "mallory", "atk").await;
            attacker
                .batch_execute(&format!("BEGIN; {locked}; {}", plot.plant))
                .await
                .unwrap_or_else(|error| panic!("{}: {error}", plot.plant));
            attacker
        });
        // The attacker lets go when the probe waits for the lock, or comes back.
        let let_go = Arc::new(AtomicBool::new(false));
        let asked = Arc::clone(&let_go);
        let (gone, mut looks) = (Arc::new(AtomicBool::new(false)), 0);
        let went = Arc::clone(&gone);
        relay.prepare(Deed {
            before: Box::new(move |request, _| {
                looks += usize::from(is_guard(request));
                looks == 2
            }),
            act: Box::new(move || {
                asked.store(true, Ordering::Release);
                while !went.load(Ordering::Acquire) {
                    std::thread::sleep(Duration::from_millis(1));
                }
            }),
        });
        let probing = {
            let statements = snapshot(&cluster, "atk", "plain", &[plot.text]);
            let uri = relay.uri("plain", "atk");
            std::thread::spawn(move || probe_at(&uri, statements, &options()))
        };
        let waits = "SELECT count(*) FROM pg_locks WHERE NOT granted";
        while value(&cluster, "atk", waits) == "0" && !let_go.load(Ordering::Acquire) {
            std::thread::sleep(Duration::from_millis(1));
        }
        runtime
            .block_on(attacker.batch_execute("COMMIT"))
            .expect("a commit");
        gone.store(true, Ordering::Release);
        let probed = probing.join().expect("a probe");
        let found = outcome(&probed, 0);
        assert_eq!(canaries(&cluster), 0, "{}: {found:?}", plot.plant);
        assert_eq!(found.status, Refused, "{}: {found:?}", plot.plant);
        drop(attacker);
        cluster
            .query_as("mallory", "atk", plot.undo)
            .expect("the attacker's own object");
    }
    assert_eq!(state(&cluster, "atk"), before);
}

/// Whether a request begins a round trip of the program: neither the guard's question nor what is sent in the same
/// breath.
fn begins_round_trip(request: &str, previous: &str) -> bool {
    const CREATE: &str = "hypopg_create_index(";
    let follows = is_guard(previous) || previous.contains(CREATE);
    let together = ["EXPLAIN (", CREATE]
        .iter()
        .any(|part| request.contains(part));
    !is_guard(request) && !follows && !together
}

#[test]
fn what_is_planted_while_indexes_are_tried_does_not_run() {
    let cluster = attacked(MAIN_MAJOR);
    cluster
        .execute("atk", "CREATE EXTENSION hypopg")
        .expect("the extension");
    let text = "SELECT x FROM m WHERE id = 1";
    let mut planned = probe_texts(&cluster, "atk", "plain", &[text], &options());
    planned.extensions.push(Extension {
        name: "hypopg".to_owned(),
        version: "1.3".to_owned(),
        schema: "public".to_owned(),
    });
    let index = IndexDefinition::btree(&QualifiedName::new("public", "m"), ["id"]);
    let relay = Relay::start(&cluster);
    let mut refused = 0;
    for round_trip in 1.. {
        let (attacker, mut seen) = (Arc::clone(&cluster), 0);
        relay.prepare(Deed {
            before: Box::new(move |request, previous| {
                seen += usize::from(begins_round_trip(request, previous));
                seen == round_trip
            }),
            act: Box::new(move || {
                attacker
                    .query_as("mallory", "atk", "CREATE INDEX trap ON m ((id + evil(1)))")
                    .expect("an index");
            }),
        });
        let answer = ask(&relay.uri("plain", "atk"), &planned, &index);
        assert_eq!(canaries(&cluster), 0, "{round_trip}: {answer:?}");
        if !relay.is_done() {
            break;
        }
        refused += usize::from(answer.is_err_and(|hold| hold.reason.contains("mallory")));
        cluster
            .query_as("mallory", "atk", "DROP INDEX trap")
            .expect("the attacker's own index");
    }
    assert!(refused >= 3, "{refused}");
}

fn ask(uri: &str, planned: &Snapshot, index: &IndexDefinition) -> Result<WhatIf, Hold> {
    runtime().block_on(async {
        let session = connect(uri, &environment(&[], None))
            .await
            .expect("a connection");
        let (_keep, cancelled) = watch::channel(false);
        let time = Duration::from_secs(30);
        let oracle = HypopgOracle::open(&session, planned, &options(), time, cancelled).await;
        let key = &planned.statements[0].key;
        oracle
            .expect("HypoPG")
            .what_if(planned, key, std::slice::from_ref(index))
            .await
    })
}
