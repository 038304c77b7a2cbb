//! Ways around the guard that are closed, and what it must not mistake for one.

use pgtriage::demo::cluster::Cluster;
use pgtriage::probe::{ProbeOptions, Writes};
use pgtriage::snapshot::ProbeStatus::{self, Analyzed, Planned, Refused};

use crate::probing::{expect, options, outcome, probe_texts};
use crate::{MAIN_MAJOR, builder};

const DATABASE: &str = "atk";

const SINGS: &str =
    "LANGUAGE plpgsql AS $$BEGIN RAISE LOG 'CANARY SANG to %', session_user; RETURN";

fn attacked(major: u32) -> Cluster {
    let cluster = builder(major)
        .setting("log_min_messages", "log")
        .start()
        .expect("a server");
    cluster
        .execute(
            "postgres",
            "CREATE ROLE mallory LOGIN CREATEDB; CREATE ROLE plain LOGIN; CREATE ROLE root2 LOGIN SUPERUSER",
        )
        .expect("roles");
    cluster.create_database(DATABASE).expect("a database");
    cluster
        .execute(DATABASE, "GRANT ALL ON SCHEMA public TO mallory")
        .expect("a privilege");
    cluster
}

fn mallory(cluster: &Cluster, database: &str, sql: &str) {
    cluster
        .query_as("mallory", database, sql)
        .unwrap_or_else(|error| panic!("{sql}: {error}"));
}

fn assert_silent(cluster: &Cluster, what: &str) {
    let log = cluster.log();
    let sang = log
        .lines()
        .find(|line| line.contains("CANARY SANG to ") && !line.contains("to mallory"));
    assert_eq!(sang, None, "{what}");
}

/// A text, what becomes of it, words of the reason, and the first version that knows it.
type Case = (&'static str, ProbeStatus, &'static str, u32);

const CASES: &[Case] = &[
    (
        "SELECT domain_in('1', 'm_domain'::regtype, -1)",
        Refused,
        "domain_in",
        13,
    ),
    (
        "SELECT array_in('{1}', 'm_domain'::regtype, -1)",
        Refused,
        "array_in",
        13,
    ),
    (
        "SELECT record_in('(1)', 'm_pair'::regtype, -1)",
        Refused,
        "record_in",
        13,
    ),
    (
        "SELECT range_in('[1,2]', 'm_range'::regtype, -1)",
        Refused,
        "range_in",
        13,
    ),
    (
        "SELECT multirange_in('{[1,2]}', 'm_range'::regtype, -1)",
        Refused,
        "multirange_in",
        14,
    ),
    (
        "SELECT fmgr_sql_validator('m_sql'::regproc)",
        Refused,
        "fmgr_sql_validator",
        13,
    ),
    (
        "SELECT pg_input_is_valid('1', 'm_domain')",
        Refused,
        "pg_input_is_valid",
        16,
    ),
    (
        "SELECT * FROM pg_input_error_info('1', 'm_domain')",
        Refused,
        "pg_input_error_info",
        16,
    ),
    ("SELECT executes('SELECT 1')", Refused, "executes", 13),
    ("SELECT makes_xml('SELECT 1')", Refused, "makes_xml", 13),
    (
        "SELECT * FROM makes_rows('SELECT 1')",
        Refused,
        "makes_rows",
        13,
    ),
    ("SELECT reads_in('1')", Refused, "reads_in", 13),
    (
        "SELECT * FROM my_crosstab('SELECT 1') AS c (a text, b text)",
        Refused,
        "my_crosstab",
        13,
    ),
    // What has an effect though it is not volatile, and what has none though it is.
    ("SELECT txid_current()", Planned, "txid_current", 13),
    (
        "SELECT pg_current_xact_id()",
        Planned,
        "pg_current_xact_id",
        13,
    ),
    ("SELECT name FROM pg_settings", Analyzed, "", 13),
    ("SELECT pid FROM pg_locks", Analyzed, "", 13),
    (
        "SELECT pg_total_relation_size('pg_class')",
        Analyzed,
        "",
        13,
    ),
];

#[test]
fn text_that_is_run_in_disguise_is_refused() {
    for major in [13, MAIN_MAJOR, 18] {
        let cluster = attacked(major);
        mallory(
            &cluster,
            DATABASE,
            &format!(
                "CREATE FUNCTION evil_test(int) RETURNS boolean IMMUTABLE {SINGS} true; END$$;
                 CREATE DOMAIN m_domain AS int CHECK (evil_test(VALUE)); CREATE TYPE m_pair AS (a m_domain);
                 CREATE TYPE m_range AS RANGE (subtype = m_domain);
                 CREATE FUNCTION m_sql() RETURNS boolean LANGUAGE sql AS 'SELECT evil_test(1)'"
            ),
        );
        let library = if cluster.has_extension("tablefunc") {
            "CREATE SCHEMA ext; CREATE EXTENSION tablefunc SCHEMA ext;
             CREATE FUNCTION my_crosstab(text) RETURNS SETOF record STABLE LANGUAGE c AS '$libdir/tablefunc', 'crosstab';"
        } else {
            "CREATE FUNCTION my_crosstab(text) RETURNS SETOF record STABLE LANGUAGE plpgsql AS 'BEGIN RETURN QUERY EXECUTE $1; END';"
        };
        cluster
            .execute(
                DATABASE,
                &format!(
                    "{library}
                     CREATE FUNCTION executes(text) RETURNS int STABLE LANGUAGE plpgsql AS 'DECLARE r int; BEGIN EXECUTE $1 INTO r; RETURN r; END';
                     CREATE FUNCTION makes_xml(text) RETURNS xml STABLE LANGUAGE plpgsql AS 'BEGIN RETURN query_to_xml($1, true, true, ''''); END';
                     CREATE FUNCTION makes_rows(text) RETURNS SETOF record STABLE LANGUAGE plpgsql AS 'BEGIN RETURN QUERY SELECT * FROM crosstab($1) AS c (a text); END';
                     CREATE FUNCTION reads_in(text) RETURNS int STABLE LANGUAGE plpgsql AS 'BEGIN RETURN domain_in($1::cstring, 1, -1); END'"
                ),
            )
            .expect("what a superuser wrote in good faith");
        let cases: Vec<&Case> = CASES.iter().filter(|case| case.3 <= major).collect();
        let texts: Vec<&str> = cases.iter().map(|case| case.0).collect();
        for role in ["plain", "postgres"] {
            let snapshot = probe_texts(&cluster, DATABASE, role, &texts, &options());
            for (index, (_, status, words, _)) in cases.iter().enumerate() {
                expect(&snapshot, index, *status, words);
            }
            assert_silent(&cluster, &format!("{major} {role}"));
        }
    }
}

#[test]
fn names_are_cut_where_the_database_cuts_them() {
    let cluster = attacked(MAIN_MAJOR);
    cluster
        .execute(
            "postgres",
            "CREATE DATABASE latin OWNER mallory ENCODING 'LATIN1' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'",
        )
        .expect("a database");
    // 80 bytes in UTF-8, 40 in LATIN1.
    let name = "ü".repeat(40);
    mallory(
        &cluster,
        "latin",
        &format!("CREATE FUNCTION \"{name}\"(int) RETURNS int IMMUTABLE {SINGS} 1; END$$"),
    );
    let texts = [format!("SELECT \"{name}\"(1)"), format!("SELECT {name}(1)")];
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let snapshot = probe_texts(&cluster, "latin", "plain", &texts, &options());
    for index in 0..texts.len() {
        expect(&snapshot, index, Refused, "owned by mallory");
    }
    assert_silent(&cluster, "latin");
}

#[test]
fn a_role_that_the_database_sets_is_not_trusted() {
    let cluster = attacked(MAIN_MAJOR);
    mallory(
        &cluster,
        DATABASE,
        &format!("CREATE FUNCTION evil(int) RETURNS int IMMUTABLE {SINGS} 1; END$$"),
    );
    for setting in ["DATABASE atk", "ROLE root2"] {
        cluster
            .execute("postgres", &format!("ALTER {setting} SET role = 'mallory'"))
            .expect("a setting");
        let snapshot = probe_texts(&cluster, DATABASE, "root2", &["SELECT evil(1)"], &options());
        expect(&snapshot, 0, Refused, "owned by mallory");
        assert_silent(&cluster, setting);
        cluster
            .execute("postgres", &format!("ALTER {setting} RESET role"))
            .expect("a setting");
    }
}

#[test]
fn a_search_path_of_the_database_does_not_run_planted_operators() {
    let cluster = attacked(MAIN_MAJOR);
    mallory(
        &cluster,
        DATABASE,
        &format!(
            "CREATE FUNCTION evil_equal(text, text) RETURNS boolean IMMUTABLE {SINGS} true; END$$;
             CREATE OPERATOR public.= (leftarg = text, rightarg = text, function = evil_equal)"
        ),
    );
    cluster
        .execute(
            "postgres",
            "ALTER DATABASE atk SET search_path = public, pg_catalog",
        )
        .expect("a setting");
    let uri = format!(
        "{}&target_session_attrs=read-write",
        cluster.uri_as("root2", DATABASE)
    );
    let uri = if uri.contains('?') {
        uri
    } else {
        uri.replacen('&', "?", 1)
    };
    let statements = crate::probing::snapshot(&cluster, DATABASE, "root2", &["SELECT 1"]);
    let probed = crate::probing::probe_at(&uri, statements, &options());
    assert_eq!(
        outcome(&probed, 0).status,
        Refused,
        "{:?}",
        outcome(&probed, 0)
    );
    assert_silent(&cluster, "target_session_attrs");
}

#[test]
fn a_trigger_that_a_partition_inherits_does_not_run() {
    for major in [13, 14] {
        let cluster = attacked(major);
        mallory(
            &cluster,
            DATABASE,
            &format!(
                "CREATE FUNCTION evil_trigger() RETURNS trigger {SINGS} NEW; END$$;
                 CREATE TABLE m_parted (id int) PARTITION BY RANGE (id); CREATE TABLE m_one PARTITION OF m_parted FOR VALUES FROM (1) TO (10);
                 CREATE TRIGGER tg AFTER INSERT ON m_parted FOR EACH ROW EXECUTE FUNCTION evil_trigger();
                 GRANT ALL ON m_parted, m_one TO PUBLIC"
            ),
        );
        let options = ProbeOptions {
            writes: Writes::Executed,
            ..options()
        };
        let texts = [
            "INSERT INTO m_one VALUES (1)",
            "INSERT INTO m_parted VALUES (1)",
        ];
        let snapshot = probe_texts(&cluster, DATABASE, "postgres", &texts, &options);
        for index in 0..texts.len() {
            expect(&snapshot, index, Refused, "evil_trigger");
        }
        assert_silent(&cluster, &major.to_string());
    }
}

#[test]
fn a_cast_of_a_partitions_rows_does_not_run_in_a_trigger() {
    let cluster = attacked(MAIN_MAJOR);
    cluster
        .execute(
            DATABASE,
            "CREATE TABLE ours (id int) PARTITION BY RANGE (id);
             CREATE TABLE theirs PARTITION OF ours FOR VALUES FROM (1) TO (10); ALTER TABLE theirs OWNER TO mallory;
             CREATE FUNCTION told() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM NEW::text; RETURN NEW; END';
             CREATE TRIGGER tell BEFORE INSERT ON ours FOR EACH ROW EXECUTE FUNCTION told();
             GRANT ALL ON ours TO PUBLIC",
        )
        .expect("a table");
    mallory(
        &cluster,
        DATABASE,
        &format!(
            "CREATE FUNCTION evil_cast(theirs) RETURNS text IMMUTABLE {SINGS} 'x'; END$$;
             CREATE CAST (theirs AS text) WITH FUNCTION evil_cast(theirs)"
        ),
    );
    let options = ProbeOptions {
        writes: Writes::ExecutedAsGiven,
        ..options()
    };
    let texts = ["INSERT INTO ours VALUES (1)"];
    let snapshot = probe_texts(&cluster, DATABASE, "postgres", &texts, &options);
    expect(&snapshot, 0, Refused, "evil_cast");
    assert_silent(&cluster, "a cast");
}

#[test]
fn a_schema_with_the_name_of_a_placeholder_is_not_searched() {
    let cluster = attacked(MAIN_MAJOR);
    cluster
        .execute(DATABASE, "GRANT CREATE ON DATABASE atk TO mallory")
        .expect("a privilege");
    // The role's own schema takes the place of "$user" on the path; the guard must look where the server does.
    mallory(
        &cluster,
        DATABASE,
        &format!(
            "CREATE SCHEMA \"$user\"; CREATE SCHEMA plain; GRANT USAGE ON SCHEMA \"$user\", plain TO PUBLIC;
             CREATE FUNCTION plain.evil(int) RETURNS int IMMUTABLE {SINGS} 1; END$$"
        ),
    );
    cluster
        .execute(
            "postgres",
            r#"ALTER ROLE plain SET search_path = '"$user"', '$user', public"#,
        )
        .expect("a setting");
    let snapshot = probe_texts(&cluster, DATABASE, "plain", &["SELECT evil(1)"], &options());
    let found = outcome(&snapshot, 0);
    assert!(
        matches!(found.status, Refused | ProbeStatus::Failed),
        "{found:?}"
    );
    assert_silent(&cluster, "$user");
}
