//! Whatever another role plants, no probe runs it: neither as a superuser nor as a plain role. The canary is the
//! server's log.

use pgtriage::demo::cluster::Cluster;
use pgtriage::probe::{ProbeOptions, Writes};
use pgtriage::snapshot::ProbeStatus::{self, Analyzed, Planned, Refused};

use crate::probing::{expect, options, outcome, probe_texts, state};
use crate::{builder, majors};

const CANARY: &str = "CANARY SANG";

/// What the attacker makes. Every function sings when it is called.
const PLANTED: &str = r"
CREATE FUNCTION evil(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$BEGIN RAISE LOG 'CANARY SANG'; RETURN $1; END$$;
CREATE FUNCTION evil_volatile(int) RETURNS int VOLATILE LANGUAGE plpgsql AS $$BEGIN RAISE LOG 'CANARY SANG'; RETURN $1; END$$;
CREATE FUNCTION evil_set(int) RETURNS SETOF int IMMUTABLE LANGUAGE plpgsql AS $$BEGIN RAISE LOG 'CANARY SANG'; RETURN NEXT $1; END$$;
CREATE FUNCTION evil_test(int) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS $$BEGIN RAISE LOG 'CANARY SANG'; RETURN true; END$$;
CREATE FUNCTION evil_text(text) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS $$BEGIN RAISE LOG 'CANARY SANG'; RETURN true; END$$;
CREATE FUNCTION evil_two(int, int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$BEGIN RAISE LOG 'CANARY SANG'; RETURN $1; END$$;
CREATE FUNCTION evil_sql(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT public.evil($1)';
CREATE FUNCTION evil_trigger() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE LOG 'CANARY SANG'; RETURN NEW; END$$;
CREATE AGGREGATE evil_sum (int) (sfunc = evil_two, stype = int, initcond = '0');
CREATE FUNCTION lower(varchar) RETURNS text IMMUTABLE LANGUAGE plpgsql AS $$BEGIN RAISE LOG 'CANARY SANG'; RETURN $1; END$$;
CREATE OPERATOR ### (leftarg = int, rightarg = int, function = evil_two);
CREATE OPERATOR #? (rightarg = int, function = evil);
CREATE VIEW evil_view AS SELECT evil(1) AS x;
CREATE VIEW evil_outer AS SELECT * FROM evil_view;
CREATE TABLE m_policy (id int); INSERT INTO m_policy VALUES (1);
ALTER TABLE m_policy ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON m_policy USING (evil_test(1));
CREATE TABLE m_lock (id int); INSERT INTO m_lock VALUES (1);
ALTER TABLE m_lock ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON m_lock USING (pg_try_advisory_lock(42));
CREATE TABLE m_xml (id int); INSERT INTO m_xml VALUES (1);
ALTER TABLE m_xml ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON m_xml USING (pg_catalog.query_to_xml('SELECT public.evil(1)', true, true, '') IS NOT NULL);
CREATE TABLE m_index (id int, x int); CREATE INDEX ON m_index (evil(id));
CREATE TABLE m_predicate (id int, x int); CREATE INDEX ON m_predicate (id) WHERE evil_test(x);
CREATE TABLE m_default (id int DEFAULT evil(1), x int);
CREATE TABLE m_generated (id int, x int GENERATED ALWAYS AS (evil(id)) STORED);
CREATE TABLE m_check (id int CHECK (evil_test(id)));
CREATE DOMAIN m_domain AS int CHECK (evil_test(VALUE));
CREATE TABLE m_column (id m_domain);
CREATE DOMAIN m_locking AS int CHECK (pg_try_advisory_lock(VALUE)); CREATE TABLE m_early (id m_locking);
CREATE TYPE m_pair AS (a m_domain, b int);
CREATE TABLE m_array (id m_pair[]);
CREATE TABLE m_statistics (id int, x int);
CREATE TABLE m_partitioned (id int) PARTITION BY RANGE (evil(id));
CREATE TABLE m_part PARTITION OF m_partitioned FOR VALUES FROM (1) TO (10);
CREATE TABLE m_parent (id int); CREATE TABLE m_child (CHECK (evil_test(id))) INHERITS (m_parent);
CREATE TABLE m_trigger (id int); CREATE TRIGGER tg BEFORE INSERT OR UPDATE ON m_trigger FOR EACH ROW EXECUTE FUNCTION evil_trigger();
CREATE TABLE m_rule (id int); CREATE RULE r AS ON INSERT TO m_rule DO ALSO SELECT evil(1);
CREATE TABLE m_plain (id int PRIMARY KEY, x int); INSERT INTO m_plain VALUES (1, 1);
CREATE FUNCTION attribute(m_plain) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$BEGIN RAISE LOG 'CANARY SANG'; RETURN 1; END$$;
CREATE TYPE m_cast AS (a int);
CREATE FUNCTION evil_cast(m_cast) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$BEGIN RAISE LOG 'CANARY SANG'; RETURN 1; END$$;
CREATE CAST (m_cast AS int) WITH FUNCTION evil_cast(m_cast) AS IMPLICIT;
CREATE TABLE m_casts (c m_cast); INSERT INTO m_casts VALUES (ROW(1));
CREATE FUNCTION evil_diff(float8, float8) RETURNS float8 IMMUTABLE LANGUAGE plpgsql AS $$BEGIN RAISE LOG 'CANARY SANG'; RETURN 1; END$$;
CREATE TYPE m_range AS RANGE (subtype = float8, subtype_diff = evil_diff);
CREATE TABLE m_ranges (r m_range);
CREATE SCHEMA hidden;
CREATE FUNCTION hidden.evil(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$BEGIN RAISE LOG 'CANARY SANG'; RETURN $1; END$$;
CREATE OPERATOR hidden.+ (leftarg = int, rightarg = int, function = public.evil_two);
GRANT USAGE ON SCHEMA hidden TO PUBLIC; GRANT SELECT ON ALL TABLES IN SCHEMA public TO PUBLIC;
";

/// What the superuser made in good faith, calling what the attacker can replace.
const TRUSTED: &str = r"
CREATE TABLE t (id int PRIMARY KEY, name varchar, v int);
INSERT INTO t SELECT g, 'n' || g, g % 7 FROM generate_series(1, 1000) g; ANALYZE t;
CREATE TABLE serial (id serial PRIMARY KEY, x int);
CREATE STATISTICS IF NOT EXISTS m_ext ON (public.evil(id)), (x + 1) FROM m_statistics;
CREATE FUNCTION opaque(int) RETURNS int STABLE LANGUAGE plpgsql AS $$BEGIN RETURN evil($1); END$$;
CREATE FUNCTION dynamic(int) RETURNS int STABLE LANGUAGE plpgsql AS $$DECLARE r int; BEGIN EXECUTE 'SELECT evil(1)' INTO r; RETURN r; END$$;
CREATE FUNCTION harmless(int) RETURNS int STABLE LANGUAGE sql AS 'SELECT $1 + 1';
CREATE FUNCTION run_text(text) RETURNS int STABLE LANGUAGE plpgsql AS $$DECLARE r int; BEGIN EXECUTE $1 INTO r; RETURN r; END$$;
CREATE VIEW sleeping AS SELECT set_config('work_mem', '64kB', false) AS x;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO PUBLIC;
";

/// The statement, and what becomes of it: its status, and words of the reason.
const CASES: &[(&str, ProbeStatus, &str)] = &[
    // Planted objects.
    (
        "SELECT evil(1)",
        Refused,
        "function public.evil(integer) is owned by mallory",
    ),
    ("SELECT EVIL($1)", Refused, "function public.evil(integer)"),
    (
        "SELECT \"evil\"(1)",
        Refused,
        "function public.evil(integer)",
    ),
    (
        r#"SELECT U&"\0065vil"(1)"#,
        Refused,
        "function public.evil(integer)",
    ),
    (
        r#"SELECT U&"!0065vil" UESCAPE '!' (1)"#,
        Refused,
        "function public.evil(integer)",
    ),
    (
        "SELECT public . /* c */ evil (1)",
        Refused,
        "function public.evil(integer)",
    ),
    (
        "SELECT hidden.evil(1)",
        Refused,
        "function hidden.evil(integer)",
    ),
    (
        "SELECT evil_volatile(1)",
        Refused,
        "function public.evil_volatile(integer)",
    ),
    (
        "SELECT * FROM evil_set(1)",
        Refused,
        "function public.evil_set(integer)",
    ),
    (
        "SELECT * FROM ROWS FROM (evil_set(1), generate_series(1, 2)) z",
        Refused,
        "evil_set",
    ),
    ("SELECT evil_sum(v) FROM t", Refused, "evil_sum"),
    (
        "SELECT evil_sql(1)",
        Refused,
        "function public.evil_sql(integer)",
    ),
    (
        "SELECT v FROM t WHERE evil(1) = v ORDER BY evil(2) LIMIT evil(3)",
        Refused,
        "function public.evil(integer)",
    ),
    (
        "SELECT id FROM t TABLESAMPLE system (evil(10))",
        Refused,
        "function public.evil(integer)",
    ),
    (
        "UPDATE t SET v = evil(1) WHERE id = $1",
        Refused,
        "function public.evil(integer)",
    ),
    (
        "INSERT INTO t VALUES (evil(1), 'x', 1)",
        Refused,
        "function public.evil(integer)",
    ),
    (
        "DELETE FROM t WHERE id = evil(1)",
        Refused,
        "function public.evil(integer)",
    ),
    (
        "SELECT 1 ### 2",
        Refused,
        "operator public.###(integer,integer)",
    ),
    ("SELECT #? 2", Refused, "operator public.#?"),
    (
        "SELECT 1 OPERATOR(hidden.+) 2",
        Refused,
        "operator hidden.+(integer,integer)",
    ),
    (
        "SELECT 1 OPERATOR(public.###) 2",
        Refused,
        "operator public.###(integer,integer)",
    ),
    ("SELECT x FROM evil_view", Refused, "view public.evil_view"),
    (
        "SELECT x FROM evil_outer",
        Refused,
        "function public.evil(integer)",
    ),
    ("TABLE evil_view", Refused, "view public.evil_view"),
    (
        "SELECT * FROM m_policy",
        Refused,
        "function public.evil_test(integer)",
    ),
    ("SELECT * FROM m_lock", Planned, "pg_try_advisory_lock"),
    ("SELECT * FROM m_xml", Refused, "query_to_xml"),
    (
        "SELECT id FROM m_index WHERE x = $1",
        Refused,
        "function public.evil(integer)",
    ),
    (
        "SELECT id FROM m_predicate WHERE x = $1",
        Refused,
        "function public.evil_test(integer)",
    ),
    (
        "INSERT INTO m_default (x) VALUES ($1)",
        Refused,
        "function public.evil(integer)",
    ),
    (
        "SELECT x FROM m_default",
        Refused,
        "function public.evil(integer)",
    ),
    (
        "SELECT x FROM m_generated",
        Refused,
        "function public.evil(integer)",
    ),
    (
        "SELECT * FROM m_check",
        Refused,
        "function public.evil_test(integer)",
    ),
    ("SELECT 1::m_domain", Refused, "m_domain"),
    ("SELECT CAST($1 AS m_domain)", Refused, "m_domain"),
    ("SELECT m_pair '(1,2)'", Refused, "m_pair"),
    ("SELECT '{1}'::m_domain[]", Refused, "m_domain"),
    (
        "SELECT * FROM m_column",
        Refused,
        "function public.evil_test(integer)",
    ),
    (
        "SELECT * FROM m_array",
        Refused,
        "function public.evil_test(integer)",
    ),
    (
        "SELECT * FROM jsonb_populate_record(null::m_column, '{\"id\":1}')",
        Refused,
        "evil_test",
    ),
    (
        "SELECT * FROM m_partitioned WHERE id = $1",
        Refused,
        "function public.evil(integer)",
    ),
    (
        "SELECT * FROM m_part WHERE id = $1",
        Refused,
        "function public.evil(integer)",
    ),
    (
        "SELECT * FROM m_parent",
        Refused,
        "function public.evil_test(integer)",
    ),
    (
        "INSERT INTO m_rule VALUES (1)",
        Refused,
        "function public.evil(integer)",
    ),
    (
        "SELECT p.attribute FROM m_plain p",
        Refused,
        "function public.attribute(public.m_plain)",
    ),
    (
        "SELECT (p).attribute FROM m_plain p",
        Refused,
        "function public.attribute(public.m_plain)",
    ),
    (
        "SELECT c + 1 FROM m_casts",
        Refused,
        "function public.evil_cast(public.m_cast)",
    ),
    ("SELECT r FROM m_ranges WHERE r && $1", Refused, "evil_diff"),
    (
        "SELECT lower(name) FROM t WHERE lower(name) = $1",
        Refused,
        "function public.lower(character varying)",
    ),
    (
        "SELECT opaque(1)",
        Refused,
        "function public.evil(integer), reached from function public.opaque(integer)",
    ),
    (
        "SELECT dynamic(1)",
        Refused,
        "function public.evil(integer)",
    ),
    (
        "SELECT id FROM m_early WHERE id = $1",
        Refused,
        "pg_try_advisory_lock",
    ),
    (
        "INSERT INTO m_early VALUES ($1)",
        Refused,
        "pg_try_advisory_lock",
    ),
    // Text that runs text.
    (
        "SELECT run_text('SELECT public.' || 'ev' || 'il(1)')",
        Refused,
        "function public.run_text(text) executes text",
    ),
    (
        "SELECT query_to_xml('SELECT 1', true, true, '')",
        Refused,
        "query_to_xml",
    ),
    (
        "SELECT table_to_xml('t'::regclass, true, true, '')",
        Refused,
        "table_to_xml",
    ),
    (
        "SELECT * FROM ts_stat('SELECT evil(1)::text::tsvector')",
        Refused,
        "ts_stat",
    ),
    // Not one statement of the five kinds.
    (
        "SELECT 1; SELECT evil(1)",
        Refused,
        "more than one statement",
    ),
    ("SELECT 1; DROP TABLE t", Refused, "more than one statement"),
    ("COPY t TO STDOUT", Refused, "COPY"),
    ("COPY (SELECT evil(1)) TO PROGRAM 'cat'", Refused, "COPY"),
    ("DO $$ BEGIN PERFORM evil(1); END $$", Refused, "DO"),
    ("EXPLAIN ANALYZE DELETE FROM t", Refused, "EXPLAIN"),
    ("SELECT * INTO stolen FROM t", Refused, "SELECT INTO"),
    ("CREATE TABLE stolen AS SELECT 1", Refused, "CREATE"),
    ("CREATE TEMP TABLE stolen AS SELECT 1", Refused, "CREATE"),
    ("SET work_mem = '64kB'", Refused, "SET"),
    ("CALL x()", Refused, "CALL"),
    (
        "SELECT $$a'$$; DROP TABLE t; --$$",
        Refused,
        "more than one statement",
    ),
    ("SELECT E'a\\'; DROP TABLE t; --'", Analyzed, ""),
    (
        "SELECT 'a\\'; DROP TABLE t; --'",
        Refused,
        "more than one statement",
    ),
    (
        "SELECT 1 /* /* */ ; DROP TABLE t; --",
        Refused,
        "ends inside",
    ),
    ("SELECT 1 -- ; DROP TABLE t", Analyzed, ""),
    ("SELECT 'open", Refused, "ends inside"),
    // What writes or locks.
    (
        "WITH d AS (DELETE FROM t RETURNING *) SELECT * FROM d",
        Planned,
        "change or lock",
    ),
    (
        "SELECT * FROM t WHERE id = $1 FOR UPDATE",
        Planned,
        "change or lock",
    ),
    ("DELETE FROM t", Planned, "DELETE"),
    ("UPDATE t SET v = $1 WHERE id = $2", Planned, "UPDATE"),
    ("INSERT INTO t VALUES ($1, $2, $3)", Planned, "INSERT"),
    // What has effects that no rollback undoes.
    ("SELECT pg_advisory_lock(1)", Planned, "pg_advisory_lock"),
    (
        "SELECT pg_try_advisory_lock_shared($1)",
        Planned,
        "pg_try_advisory_lock_shared",
    ),
    (
        "SELECT set_config('statement_timeout', '0', false)",
        Planned,
        "set_config",
    ),
    ("SELECT x FROM sleeping", Planned, "set_config"),
    ("SELECT pg_sleep(100)", Planned, "pg_sleep"),
    ("SELECT pg_notify('a', 'b')", Planned, "pg_notify"),
    ("SELECT pg_read_file('PG_VERSION')", Planned, "pg_read_file"),
    ("SELECT nextval('serial_id_seq')", Planned, "nextval"),
    ("SELECT lo_create(0)", Planned, "lo_create"),
    (
        "SELECT pg_terminate_backend(pg_backend_pid())",
        Planned,
        "pg_terminate_backend",
    ),
    // What is fine.
    ("SELECT * FROM t WHERE id = $1", Analyzed, ""),
    (
        "SELECT count(*) FROM t WHERE v BETWEEN $1 AND $2 AND created_now IS NULL",
        ProbeStatus::Failed,
        "created_now",
    ),
    (
        "SELECT now(), random(), clock_timestamp(), gen.v FROM t gen",
        Analyzed,
        "",
    ),
    ("SELECT harmless($1)", Analyzed, ""),
    ("SELECT x FROM m_plain WHERE id = $1", Analyzed, ""),
    ("SELECT x FROM serial WHERE id = $1", Analyzed, ""),
];

fn attacked(major: u32) -> Cluster {
    let cluster = builder(major)
        .setting("log_min_messages", "log")
        .start()
        .expect("a server");
    cluster.create_database("atk").expect("a database");
    cluster
        .execute(
            "atk",
            "CREATE ROLE mallory LOGIN; CREATE ROLE plain LOGIN; CREATE ROLE root2 LOGIN SUPERUSER; GRANT ALL ON SCHEMA public TO mallory; GRANT CREATE ON DATABASE atk TO mallory",
        )
        .expect("roles");
    cluster
        .query_as("mallory", "atk", PLANTED)
        .expect("the attacker's objects");
    for statement in TRUSTED.split(";\n").filter(|part| !part.trim().is_empty()) {
        if major >= 14 || !statement.contains("CREATE STATISTICS") {
            cluster
                .execute("atk", statement)
                .unwrap_or_else(|error| panic!("{statement}: {error}"));
        }
    }
    cluster
}

fn canaries(cluster: &Cluster) -> usize {
    cluster
        .log()
        .lines()
        .filter(|line| line.contains(CANARY) && line.contains("LOG:"))
        .count()
}

#[test]
fn nothing_that_others_planted_runs() {
    for major in majors() {
        let cluster = attacked(major);
        let texts: Vec<&str> = CASES.iter().map(|(text, _, _)| *text).collect();
        for role in ["postgres", "plain", "root2"] {
            let before = state(&cluster, "atk");
            let sung = canaries(&cluster);
            let snapshot = probe_texts(&cluster, "atk", role, &texts, &options());
            for (index, (_, status, words)) in CASES.iter().enumerate() {
                // A role without the privilege gets the plan of the SELECT, or the server's refusal.
                let denied = role == "plain"
                    && *status == Planned
                    && outcome(&snapshot, index)
                        .reason
                        .as_deref()
                        .is_some_and(|reason| reason.contains("permission denied"));
                if !denied {
                    expect(&snapshot, index, *status, words);
                }
            }
            assert_eq!(
                canaries(&cluster),
                sung,
                "{major} {role}: a planted function ran\n{}",
                cluster.log()
            );
            assert_eq!(state(&cluster, "atk"), before, "{major} {role}");
        }
    }
}

#[test]
fn writes_are_rolled_back_and_their_triggers_are_guarded() {
    for major in majors() {
        let cluster = attacked(major);
        let texts = [
            "UPDATE t SET v = v + $1 WHERE id = $2",
            "DELETE FROM t WHERE id = $1",
            "INSERT INTO t VALUES (100000, $1, $2)",
            "INSERT INTO m_trigger VALUES ($1)",
            "INSERT INTO serial (x) VALUES ($1)",
            "SELECT * FROM t WHERE id = $1 FOR UPDATE",
        ];
        let before = state(&cluster, "atk");
        let rows = cluster
            .query("atk", "SELECT * FROM t ORDER BY id")
            .expect("rows");
        let options = ProbeOptions {
            writes: Writes::Executed,
            ..options()
        };
        let snapshot = probe_texts(&cluster, "atk", "postgres", &texts, &options);
        expect(&snapshot, 0, Analyzed, "");
        expect(&snapshot, 1, Analyzed, "");
        expect(&snapshot, 2, Analyzed, "");
        expect(&snapshot, 3, Refused, "evil_trigger");
        expect(&snapshot, 4, Planned, "nextval");
        expect(&snapshot, 5, Analyzed, "");
        assert_eq!(canaries(&cluster), 0);
        assert_eq!(state(&cluster, "atk"), before);
        assert_eq!(
            cluster
                .query("atk", "SELECT * FROM t ORDER BY id")
                .expect("rows"),
            rows
        );
    }
}

#[test]
fn a_trusted_owner_is_trusted() {
    let cluster = attacked(crate::MAIN_MAJOR);
    let texts = [
        "SELECT evil(1)",
        "SELECT x FROM evil_view",
        "SELECT evil_volatile(1)",
    ];
    let options = ProbeOptions {
        trust_owners: vec!["mallory".to_owned()],
        ..options()
    };
    let snapshot = probe_texts(&cluster, "atk", "plain", &texts, &options);
    expect(&snapshot, 0, Analyzed, "");
    expect(&snapshot, 1, Analyzed, "");
    expect(&snapshot, 2, Planned, "volatile");
    assert!(canaries(&cluster) > 0, "the canary is alive");
    let own = probe_texts(
        &cluster,
        "atk",
        "mallory",
        &["SELECT evil(1)"],
        &crate::probing::options(),
    );
    expect(&own, 0, Analyzed, "");
}
