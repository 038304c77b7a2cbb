//! `check` on whole projects: statements as the usual tools keep them, over tables of a few rows.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use pgtriage::demo::cluster::Cluster;
use serde_json::Value;

use crate::program::{Run, pgtriage, text};
use crate::{MAIN_MAJOR, builder, majors};

const PROJECTS: [&str; 3] = ["billing", "booking", "events"];

/// The first version with MERGE, which some files hold.
const MERGE: u32 = 15;

fn folder(project: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("testdata/check")
        .join(project)
}

/// A server with a database a project.
fn server(major: u32) -> Cluster {
    let cluster = builder(major)
        .setting("autovacuum", "off")
        .start()
        .expect("a server");
    for project in PROJECTS {
        cluster.create_database(project).expect("a database");
        let schema = fs::read_to_string(folder(project).join("schema.sql")).expect("a schema");
        cluster.execute(project, &schema).expect("tables");
    }
    cluster
}

fn check(cluster: &Cluster, project: &str, path: &Path) -> Run {
    let uri = cluster.uri(project);
    let arguments = ["--fail-on", "low", "--show-literals", "--format", "json"];
    let mut all = vec!["check", text(path), "-d", &uri];
    all.extend(arguments);
    pgtriage(&all)
}

fn list<'r>(report: &'r Value, key: &str) -> &'r Vec<Value> {
    report[key].as_array().expect("a list")
}

#[test]
fn statements_of_the_usual_tools_pass_from_the_oldest_major_to_the_newest() {
    let all = majors();
    let ends = [all.first().copied(), Some(MAIN_MAJOR), all.last().copied()];
    let some: BTreeSet<u32> = ends.into_iter().flatten().collect();
    for major in some {
        let cluster = server(major);
        for project in PROJECTS {
            let run = check(&cluster, project, &folder(project).join("queries"));
            let report = run.json();
            let told: Vec<String> = list(&report, "bottlenecks")
                .iter()
                .filter(|finding| {
                    let merges = finding["location"]["query"].as_str().expect("a text");
                    major >= MERGE || !merges.starts_with("MERGE")
                })
                .chain(list(&report, "skipped"))
                .map(ToString::to_string)
                .collect();
            assert!(told.is_empty(), "{major} {project}: {told:#?}");
            assert!(list(&report, "checked").len() >= 50);
        }
    }
}

#[test]
fn what_is_advised_mends_what_it_is_advised_for() {
    let cluster = server(MAIN_MAJOR);
    for project in PROJECTS {
        let file = folder(project).join("unservable.sql");
        let report = check(&cluster, project, &file).expect(1).json();
        let passed: Vec<&Value> = list(&report, "checked")
            .iter()
            .filter(|statement| statement["verdict"] != "failed")
            .collect();
        assert!(passed.is_empty(), "{passed:#?}");
        let mut done = BTreeSet::new();
        let mut mended = String::new();
        for finding in list(&report, "bottlenecks") {
            let advice = &finding["recommendation"];
            for ddl in list(advice, "ddl") {
                let ddl = ddl.as_str().expect("text");
                if done.insert(ddl.to_owned()) && !ddl.starts_with("CREATE EXTENSION") {
                    cluster
                        .execute(project, ddl)
                        .unwrap_or_else(|error| panic!("{ddl}: {error}"));
                } else if ddl.starts_with("CREATE EXTENSION") {
                    let once = ddl.replace("EXTENSION", "EXTENSION IF NOT EXISTS");
                    cluster.execute(project, &once).expect("an extension");
                }
            }
            let query = &finding["location"]["query"];
            let next = advice["rewrite"].as_str().or_else(|| query.as_str());
            let next = next.expect("a text");
            mended.extend([next, ";\n"]);
        }
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("mended.sql");
        fs::write(&file, mended).expect("a file");
        let after = check(&cluster, project, &file).json();
        let still = list(&after, "bottlenecks");
        assert!(still.is_empty(), "{project}: {still:#?}");
        assert!(list(&after, "skipped").is_empty(), "{after:#}");
    }
}

#[test]
fn values_come_from_comments_then_plan_files_of_regresql_then_variables() {
    let cluster = builder(MAIN_MAJOR).start().expect("a server");
    let schema = "CREATE TABLE t (a int); INSERT INTO t SELECT generate_series(1, 9); ANALYZE t";
    cluster.execute("postgres", schema).expect("a table");
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    };
    write(
        "sql/q.sql",
        "\\set a 7\n\\set b 7\n\\set c 4\n\
        -- name: one\n-- param a = 2\nSELECT FROM t LIMIT :a;\n\
        -- name: two\nSELECT FROM t LIMIT :b;\n-- name: three\nSELECT FROM t LIMIT :c;\n",
    );
    write("regresql/plans/sql/q_one.yaml", "\"1\":\n  a: 6\n");
    write("regresql/plans/sql/q.yaml", "\"1\":\n  b: \"3\"\n");
    let uri = cluster.uri("postgres");
    let file = folder.path().join("sql/q.sql");
    let lock = folder.path().join("lock.json");
    let arguments = [
        "check",
        text(&file),
        "-d",
        &uri,
        "--update-baseline",
        "--baseline",
        text(&lock),
    ];
    pgtriage(&arguments).expect(0);
    let lock: Value =
        serde_json::from_str(&fs::read_to_string(&lock).expect("a baseline")).expect("JSON");
    let rows: Vec<(&Value, &Value)> = list(&lock, "statements")
        .iter()
        .map(|statement| (&statement["name"], &statement["rows"]))
        .collect();
    let expected = [("one", 2.0), ("three", 4.0), ("two", 3.0)];
    let expected = expected.map(|(name, rows)| (Value::from(name), Value::from(rows)));
    assert!(
        rows.into_iter()
            .eq(expected.iter().map(|(name, rows)| (name, rows)))
    );
}
