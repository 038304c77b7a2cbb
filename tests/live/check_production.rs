//! `check --as-production`: statements of files, planned as the captured server would.

use std::fs;
use std::path::Path;

use pgtriage::demo::cluster::Cluster;
use serde_json::Value;

use crate::program::{Run, Running, command, pgtriage, text};
use crate::simulate::{SCHEMA, SHOP, real};
use crate::{MAIN_MAJOR, bin_dir, builder};

const STATEMENTS: &str = "-- name: orders_of_customer\nSELECT id, total FROM orders WHERE customer_id = $1;\n\
    -- name: country_by_name\nSELECT code FROM countries WHERE name = $1;\n";
const UNSERVABLE: &str = "-- name: orders_with_note\nSELECT id FROM orders WHERE note = $1;\n";

/// A capture of production, and a folder with the schema and statements.
struct Project {
    folder: tempfile::TempDir,
}

impl Project {
    fn new(production: &Cluster) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let project = Self { folder };
        for (name, text) in [
            ("schema.sql", SCHEMA),
            ("good.sql", STATEMENTS),
            ("bad.sql", UNSERVABLE),
            ("migrations/1_init.sql", SCHEMA),
            ("migrations/2_drop.up.sql", "DROP INDEX orders_customer;"),
            ("migrations/2_drop.down.sql", "no SQL"),
        ] {
            let path = project.folder.path().join(name);
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            fs::write(path, text).expect("a file");
        }
        let (uri, capture) = (production.uri(SHOP), project.path("production.json"));
        let probe = ["capture", &uri, "--probe", "none", "-o", &capture];
        pgtriage(&probe).expect(0);
        project
    }

    fn path(&self, name: &str) -> String {
        text(&self.folder.path().join(name)).to_owned()
    }

    /// Checks a file as production would, with further arguments.
    fn check(&self, file: &str, arguments: &[&str]) -> Run {
        let (file, capture) = (self.path(file), self.path("production.json"));
        let mut all = vec![
            "check",
            &file,
            "--as-production",
            &capture,
            "--format",
            "json",
        ];
        all.extend(arguments);
        let mut command = command(&all);
        command.env("PGTRIAGE_PG_BIN", bin_dir(MAIN_MAJOR));
        Running::of(command).finish()
    }
}

fn words<'v>(report: &'v Value, list: &str) -> Vec<&'v str> {
    let all = report[list].as_array().expect("a list").iter();
    all.filter_map(|one| one.as_str().or_else(|| one["id"].as_str()))
        .collect()
}

#[test]
fn statements_are_checked_at_the_size_of_production() {
    let production = real(MAIN_MAJOR, 20_000);
    let project = Project::new(&production);
    let schema = project.path("schema.sql");
    let good = project.check("good.sql", &["--schema", &schema]).expect(0);
    let report = good.json();
    assert_eq!(words(&report, "bottlenecks"), Vec::<&str>::new());
    let caveats = words(&report, "caveats").join("\n");
    assert!(caveats.contains("--show-literals"), "{caveats}");
    let again = project.check("good.sql", &["--schema", &schema]).expect(0);
    assert_eq!(good.stdout, again.stdout);

    let bad = project.check("bad.sql", &["--schema", &schema]).expect(1);
    let report = bad.json();
    let found = words(&report, "bottlenecks").join("\n");
    assert!(
        found.contains("unservable_predicate:public.orders"),
        "{found}"
    );

    // A migration that drops the index.
    let migrations = project.path("migrations");
    let dropped = project
        .check("good.sql", &["--schema", &migrations])
        .expect(1);
    let report = dropped.json();
    let found = words(&report, "bottlenecks").join("\n");
    assert!(found.contains("public.orders(customer_id)"), "{found}");

    let missing = project
        .check("good.sql", &["--schema", "none.sql"])
        .expect(2);
    assert!(missing.stderr.contains("none.sql"), "{}", missing.stderr);
}

#[test]
fn the_schema_of_a_test_database_is_copied() {
    let production = real(MAIN_MAJOR, 2_000);
    let project = Project::new(&production);
    let test = builder(MAIN_MAJOR).start().expect("a server");
    test.create_database("ci").expect("a database");
    test.execute("ci", SCHEMA).expect("tables");
    let uri = test.uri("ci");
    let has_dump =
        Path::new("/usr/bin/pg_dump").exists() || bin_dir(MAIN_MAJOR).join("pg_dump").exists();
    if has_dump {
        project.check("good.sql", &["-d", &uri]).expect(0);
        project.check("bad.sql", &["-d", &uri]).expect(1);
    } else {
        let run = project.check("good.sql", &["-d", &uri]).expect(2);
        assert!(run.stderr.contains("--schema FILE"), "{}", run.stderr);
    }
}

#[test]
fn the_rows_of_a_table_that_is_nothing_but_long_are_not_read() {
    let production = real(MAIN_MAJOR, 1_000);
    let project = Project::new(&production);
    let file = project.path("production.json");
    let mut capture: Value =
        serde_json::from_slice(&fs::read(&file).expect("a file")).expect("JSON");
    for table in capture["tables"].as_array_mut().expect("tables") {
        if table["name"]["name"] == "orders" {
            table["pages"] = Value::from(100_000_000);
            table["tuples"] = Value::from(5e9);
        }
    }
    capture["distributions"] = Value::from(Vec::<Value>::new());
    fs::write(&file, capture.to_string()).expect("a file");
    let schema = project.path("schema.sql");
    let report = project
        .check("bad.sql", &["--schema", &schema])
        .expect(1)
        .json();
    let found = words(&report, "bottlenecks").join("\n");
    assert!(found.contains("public.orders(note)"), "{found}");
    assert_eq!(
        report["skipped"].as_array().map(Vec::len),
        Some(0),
        "{report:#}"
    );
}

#[test]
fn the_statements_of_a_test_run_are_checked_at_the_size_of_production() {
    let production = real(MAIN_MAJOR, 20_000);
    let project = Project::new(&production);
    let test = builder(MAIN_MAJOR).start().expect("a server");
    test.create_database("ci").expect("a database");
    let ran = "CREATE EXTENSION pg_stat_statements; SELECT pg_stat_statements_reset()";
    for sql in [SCHEMA, ran, "SELECT id FROM orders WHERE note = 'x'"] {
        test.execute("ci", sql).expect("the test run");
    }
    let (uri, schema) = (test.uri("ci"), project.path("schema.sql"));
    let capture = project.path("production.json");
    let arguments = [
        "check",
        "--statements",
        "-d",
        &uri,
        "--as-production",
        &capture,
        "--schema",
        &schema,
        "--format",
        "json",
    ];
    let mut command = command(&arguments);
    command.env("PGTRIAGE_PG_BIN", bin_dir(MAIN_MAJOR));
    let report = Running::of(command).finish().expect(1).json();
    let found = words(&report, "bottlenecks").join("\n");
    assert!(found.contains("public.orders(note)"), "{found}");
}
