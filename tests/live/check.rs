//! `check`: statements of files against a database with forty rows a table.

use std::fs;
use std::path::{Path, PathBuf};

use pgtriage::demo::cluster::Cluster;
use serde_json::Value;

use crate::program::{Run, pgtriage, text};
use crate::{MAIN_MAJOR, builder, majors};

const DATABASE: &str = "library";

fn testdata(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("testdata/check")
        .join(name)
}

/// A server with a database of a schema.
fn with_schema(major: u32, schema: &str) -> Cluster {
    let cluster = builder(major)
        .setting("autovacuum", "off")
        .start()
        .expect("a server");
    cluster.create_database(DATABASE).expect("a database");
    let schema = fs::read_to_string(testdata(schema)).expect("a schema");
    cluster.execute(DATABASE, &schema).expect("tables");
    cluster
}

fn check(cluster: &Cluster, arguments: &[&str]) -> Run {
    let uri = cluster.uri(DATABASE);
    let mut all = vec!["check", "-d", &uri];
    all.extend(arguments);
    pgtriage(&all)
}

fn findings(report: &Value) -> Vec<&Value> {
    report["bottlenecks"]
        .as_array()
        .expect("findings")
        .iter()
        .collect()
}

/// What a report found, and what could not be planned.
fn told(report: &Value) -> String {
    let found = findings(report).into_iter().map(|finding| {
        format!(
            "{} {}: {}",
            finding["location"]["line"], finding["id"], finding["location"]["query"]
        )
    });
    let skipped = report["skipped"].as_array().expect("skipped").iter();
    let skipped = skipped.map(ToString::to_string);
    found.chain(skipped).collect::<Vec<_>>().join("\n")
}

#[test]
fn what_an_index_serves_passes_on_every_major() {
    let file = testdata("forty/servable.sql");
    for major in majors() {
        let cluster = with_schema(major, "forty/schema.sql");
        let run = check(
            &cluster,
            &[text(&file), "--fail-on", "low", "--format", "json"],
        );
        let report = run.json();
        assert_eq!(run.code, Some(0), "{major}: {}", told(&report));
        assert!(report["checked"].as_array().expect("statements").len() >= 200);
    }
}

#[test]
fn what_no_index_serves_fails_on_every_major_with_what_mends_it() {
    let file = testdata("forty/unservable.sql");
    for major in majors() {
        let cluster = with_schema(major, "forty/schema.sql");
        let report = check(&cluster, &[text(&file), "--format", "json"])
            .expect(1)
            .json();
        let checked = report["checked"].as_array().expect("statements");
        assert_eq!(checked.len(), 50);
        let passed: Vec<&Value> = checked
            .iter()
            .filter(|statement| statement["verdict"] != "failed")
            .map(|statement| &statement["query"])
            .collect();
        assert!(passed.is_empty(), "{major}: {passed:#?}");
        for finding in findings(&report) {
            assert_eq!(finding["type"], "unservable_predicate", "{finding}");
            let advice = &finding["recommendation"];
            let index = advice["ddl"].as_array().is_some_and(|ddl| !ddl.is_empty());
            let words = finding["fix"].as_str().expect("words");
            let written =
                index || !advice["rewrite"].is_null() || words.contains("--show-literals");
            assert!(
                written || words.starts_with("pass the value"),
                "{finding:#}"
            );
        }
    }
}

#[test]
fn the_advised_indexes_mend_what_they_are_advised_for() {
    let cluster = with_schema(MAIN_MAJOR, "forty/schema.sql");
    let file = testdata("forty/unservable.sql");
    let arguments = [text(&file), "--format", "json", "--show-literals"];
    let report = check(&cluster, &arguments).expect(1).json();
    let mut by_index = Vec::new();
    for finding in findings(&report) {
        let advice = &finding["recommendation"];
        if !advice["rewrite"].is_null() || advice["kind"] != "create_index" {
            continue;
        }
        by_index.push(finding["location"]["line"].clone());
        for ddl in advice["ddl"].as_array().expect("statements") {
            let ddl = ddl.as_str().expect("text");
            // Several findings ask for the same one.
            let free = ddl
                .replacen("CREATE INDEX", "CREATE INDEX IF NOT EXISTS", 1)
                .replacen(
                    "IF NOT EXISTS CONCURRENTLY",
                    "CONCURRENTLY IF NOT EXISTS",
                    1,
                )
                .replacen("CREATE EXTENSION", "CREATE EXTENSION IF NOT EXISTS", 1);
            if free.starts_with("ALTER INDEX") || free.contains("PARTITION") {
                continue;
            }
            cluster
                .execute(DATABASE, &free)
                .unwrap_or_else(|error| panic!("{free}: {error}"));
        }
    }
    assert!(by_index.len() >= 30, "{by_index:?}");
    let after = check(&cluster, &arguments).json();
    let still: Vec<String> = findings(&after)
        .into_iter()
        .filter(|finding| by_index.contains(&finding["location"]["line"]))
        .filter(|finding| finding["location"]["table"] != "public.visit")
        .map(ToString::to_string)
        .collect();
    assert!(still.is_empty(), "{}", still.join("\n"));
}

#[test]
fn a_domain_is_planned_for_and_indexed_as_what_it_is_made_of() {
    let cluster = builder(MAIN_MAJOR).start().expect("a server");
    let schema =
        "CREATE DOMAIN code AS text CHECK (VALUE ~ '^[A-Z]{2}$'); CREATE TABLE stock (place code)";
    cluster.execute("postgres", schema).expect("a table");
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("q.sql");
    fs::write(&file, "SELECT * FROM stock WHERE place = $1::code").expect("a file");
    let uri = cluster.uri("postgres");
    let run = pgtriage(&["check", text(&file), "-d", &uri, "--format", "json"]);
    let report = run.expect(1).json();
    let [only] = findings(&report)[..] else {
        panic!("{report:#}")
    };
    assert_eq!(only["fix"], "create an index on public.stock (place)");
}

#[test]
fn what_others_did_in_the_database_is_no_finding_of_a_statement() {
    let schema = "CREATE TABLE parent (id int PRIMARY KEY); CREATE TABLE child (id int PRIMARY KEY, parent int REFERENCES parent);
        INSERT INTO parent SELECT generate_series(1, 3000); INSERT INTO child SELECT i, i FROM generate_series(1, 3000) AS i;
        DELETE FROM child WHERE id < 10; DELETE FROM parent WHERE id < 10; ANALYZE";
    let cluster = builder(MAIN_MAJOR).start().expect("a server");
    cluster.create_database(DATABASE).expect("a database");
    cluster.execute(DATABASE, schema).expect("a schema");
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("q.sql");
    fs::write(&file, "SELECT id FROM parent WHERE id = $1;").expect("a file");
    let report = check(&cluster, &[text(&file), "--format", "json"])
        .expect(0)
        .json();
    assert!(findings(&report).is_empty(), "{}", told(&report));
}

#[test]
fn public_schemas_statements_pass_as_they_are_on_every_major() {
    for schema in ["chinook", "pagila"] {
        for major in majors() {
            let cluster = with_schema(major, &format!("{schema}/schema.sql"));
            let file = testdata(&format!("{schema}/queries.sql"));
            let settings = testdata(&format!("{schema}/pgtriage.toml"));
            let arguments = [
                text(&file),
                "--config",
                text(&settings),
                "--fail-on",
                "low",
                "--format",
                "json",
            ];
            let run = check(&cluster, &arguments);
            let report = run.json();
            assert_eq!(run.code, Some(0), "{schema} on {major}: {}", told(&report));
            assert!(report["checked"].as_array().expect("statements").len() >= 16);
        }
    }
}

#[test]
fn statements_of_the_database_are_named_by_their_programs() {
    let cluster = with_schema(MAIN_MAJOR, "forty/schema.sql");
    let work = "CREATE EXTENSION pg_stat_statements;
        SELECT pg_stat_statements_reset();
        SELECT * FROM member WHERE card = 'C1' /*controller='members',action='show'*/;
        SELECT * FROM member WHERE id = 1 /*controller='members',action='edit'*/;";
    cluster.execute(DATABASE, work).expect("a workload");
    let report = check(&cluster, &["--statements", "--format", "json"])
        .expect(1)
        .json();
    let found: Vec<&Value> = findings(&report)
        .into_iter()
        .map(|finding| &finding["location"]["statement"])
        .collect();
    assert_eq!(found, ["members#show"], "{}", told(&report));
}
