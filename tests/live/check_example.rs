//! The worked example of `docs/check.md`: a pull request that drops an index.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use pgtriage::demo::cluster::Cluster;
use serde_json::Value;

use crate::program::{Run, command};
use crate::{MAIN_MAJOR, builder};

const DATABASE: &str = "shop";

fn example() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/ci"))
}

/// A checkout of the example beside a database with its first migration.
pub struct Checkout {
    cluster: Cluster,
    folder: tempfile::TempDir,
}

impl Checkout {
    pub fn new() -> Self {
        let cluster = builder(MAIN_MAJOR)
            .setting("autovacuum", "off")
            .start()
            .expect("a server");
        cluster.create_database(DATABASE).expect("a database");
        let folder = tempfile::tempdir().expect("a folder");
        copy(example(), folder.path());
        let checkout = Self { cluster, folder };
        checkout.migrate("001_shop.sql");
        checkout
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn uri(&self) -> String {
        self.cluster.uri(DATABASE)
    }

    pub fn migrate(&self, name: &str) {
        let text =
            fs::read_to_string(example().join("migrations").join(name)).expect("a migration");
        self.cluster.execute(DATABASE, &text).expect("tables");
    }

    fn edit(&self, file: &str, from: &str, to: &str) {
        let path = self.folder.path().join(file);
        let text = fs::read_to_string(&path).expect("a file");
        assert!(text.contains(from), "{text}");
        fs::write(&path, text.replace(from, to)).expect("written");
    }

    fn check_at(&self, uri: &str, arguments: &[&str]) -> Run {
        let mut all = vec!["check", "-w", "-d", uri];
        all.extend(arguments);
        let begin = std::time::Instant::now();
        let output = command(&all)
            .current_dir(self.folder.path())
            .output()
            .expect("the program runs");
        Run {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).expect("text"),
            stderr: String::from_utf8(output.stderr).expect("text"),
            took: begin.elapsed(),
        }
    }

    fn check(&self, arguments: &[&str]) -> Run {
        self.check_at(&self.cluster.uri(DATABASE), arguments)
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("a copy");
        }
    }
}

#[test]
fn a_clean_run_passes_and_a_dropped_index_fails_at_its_line_in_every_format() {
    let checkout = Checkout::new();
    let clean = checkout.check(&[]).expect(0);
    assert!(
        clean.has("nothing found in 6 statements"),
        "{}",
        clean.stdout
    );

    checkout.migrate("002_drop_index.sql");
    let fails = checkout.check(&[]).expect(1);
    assert!(
        fails.has("queries/orders.sql:2 orders_of_customer"),
        "{}",
        fails.stdout
    );
    assert!(
        fails.has(
            "CREATE INDEX CONCURRENTLY orders_customer_id_idx ON public.orders (customer_id);"
        )
    );

    let json = checkout.check(&["--format", "json"]).expect(1).json();
    let finding = &json["bottlenecks"][0];
    assert_eq!(finding["type"], "unservable_predicate");
    let place = &finding["location"];
    assert_eq!(
        (&place["file"], &place["line"]),
        (&Value::from("queries/orders.sql"), &Value::from(2))
    );

    let sarif: Value = checkout.check(&["--format", "sarif"]).expect(1).json();
    let place = &sarif["runs"][0]["results"][0]["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "queries/orders.sql");
    assert_eq!(place["region"]["startLine"], 2);

    let gitlab = checkout.check(&["--format", "gitlab"]).expect(1).json();
    assert_eq!(gitlab[0]["location"]["path"], "queries/orders.sql");
    assert_eq!(gitlab[0]["location"]["lines"]["begin"], 2);

    for (format, words) in [
        (
            "github",
            "::error file=queries/orders.sql,line=2,title=unservable_predicate::",
        ),
        ("junit", "queries/orders.sql:2 HIGH unservable_predicate"),
        ("markdown", "queries/orders.sql:2 orders"),
        ("html", "queries/orders.sql:2 orders_of_customer"),
    ] {
        let run = checkout.check(&["--format", format]).expect(1);
        assert!(run.stdout.contains(words), "{format}: {}", run.stdout);
    }
}

#[test]
fn a_statement_that_a_migration_broke_fails_at_the_line_of_its_error() {
    let checkout = Checkout::new();
    checkout.check(&["--update-baseline"]).expect(0);
    let rename = "ALTER TABLE orders RENAME placed_at TO ordered_at";
    checkout.cluster.execute(DATABASE, rename).expect("renamed");
    let fails = checkout.check(&[]).expect(1);
    let told = "orders_of_customer: the server rejects it: column \"placed_at\" does not exist";
    for words in [
        told,
        "CRITICAL queries/orders.sql:2 orders_of_customer",
        "error 42703",
    ] {
        assert!(fails.has(words), "{words}: {}", fails.stdout);
    }
    assert!(!fails.has("could not look"), "{}", fails.stdout);
    // Below the comments and three lines into the statement.
    assert!(
        fails.has("queries/orders.sql:12 revenue_since"),
        "{}",
        fails.stdout
    );
    for (format, words) in [
        (
            "github",
            "::error file=queries/orders.sql,line=2,title=broken_statement::orders_of_customer: the server rejects it",
        ),
        (
            "junit",
            "<failure message=\"the server rejects it: column &quot;placed_at&quot; does not exist",
        ),
        ("gitlab", "\"severity\": \"blocker\""),
        ("sarif", "\"startLine\": 12"),
        ("markdown", "queries/orders.sql:12 revenue"),
    ] {
        let run = checkout.check(&["--format", format]).expect(1);
        assert!(run.stdout.contains(words), "{format}: {}", run.stdout);
    }

    // The other two are known to be broken, and one is allowed to be.
    let both = ["--only", "broken_statement"];
    let name = "-- name: orders_of_customer :many";
    let allow = "-- pgtriage: allow broken_statement because the table comes with the next release";
    checkout.edit("queries/orders.sql", name, &format!("{name}\n{allow}"));
    let allowed = checkout.check(&both).expect(1);
    assert!(allowed.has("1 finding allowed"), "{}", allowed.stdout);
    checkout.check(&["--update-baseline"]).expect(0);
    checkout.check(&["--new-only"]).expect(0);
    checkout.check(&["--skip", "broken_statement"]).expect(3);

    // What had no plan has got no dearer when it has one again.
    let back = "ALTER TABLE orders RENAME ordered_at TO placed_at";
    checkout.cluster.execute(DATABASE, back).expect("renamed");
    let mended = checkout.check(&["--skip", "stale_allow"]).expect(0);
    assert!(mended.has("nothing found"), "{}", mended.stdout);
}

#[test]
fn a_comment_lets_the_finding_pass_until_its_day() {
    let checkout = Checkout::new();
    checkout.migrate("002_drop_index.sql");
    let name = "-- name: orders_of_customer :many";
    let allowed =
        "-- pgtriage: allow unservable_predicate because the shop closes until 2036-12-31";
    checkout.edit("queries/orders.sql", name, &format!("{name}\n{allowed}"));
    let run = checkout.check(&[]).expect(0);
    assert!(run.has("2 findings allowed"), "{}", run.stdout);

    checkout.edit(
        "queries/orders.sql",
        "closes until 2036-12-31",
        "closes until 2025-12-31",
    );
    let expired = checkout.check(&[]).expect(1);
    assert!(
        expired.has("it counted until 2025-12-31"),
        "{}",
        expired.stdout
    );
    assert!(expired.has("no index serves the conditions on public.orders(customer_id)"));

    checkout.edit(
        "queries/orders.sql",
        "allow unservable_predicate because the shop",
        "allow unservable_predikate because the shop",
    );
    let unknown = checkout.check(&[]).expect(1);
    assert!(
        unknown.has("there is no check \"unservable_predikate\""),
        "{}",
        unknown.stdout
    );
}

#[test]
fn what_cannot_be_read_is_told_apart_from_what_may_not_be() {
    let checkout = Checkout::new();
    let nowhere = checkout
        .check_at("postgresql:///shop?host=/nonexistent", &[])
        .expect(2);
    assert!(
        nowhere.stderr.contains("/nonexistent"),
        "{}",
        nowhere.stderr
    );

    let missing = checkout.check(&["no_such_folder"]).expect(2);
    assert!(
        missing.stderr.contains("cannot read no_such_folder"),
        "{}",
        missing.stderr
    );

    let role = "CREATE ROLE guest LOGIN; GRANT SELECT ON customer, country TO guest;";
    checkout.cluster.execute(DATABASE, role).expect("a role");
    let uri = checkout.cluster.uri_as("guest", DATABASE);
    let blind = checkout
        .check_at(&uri, &["queries/orders.sql", "--trust-owner", "postgres"])
        .expect(3);
    assert!(
        blind.has("permission denied for table orders"),
        "{}",
        blind.stdout
    );
    assert!(
        blind.has("GRANT pg_read_all_data TO guest"),
        "{}",
        blind.stdout
    );
}

#[test]
fn the_settings_file_is_taken_at_its_word() {
    let checkout = Checkout::new();
    checkout.edit(
        "pgtriage.toml",
        "small_tables = [\"country\"]",
        "small_table = [\"country\"]",
    );
    let wrong = checkout.check(&[]).expect(2);
    assert!(
        wrong.stderr.contains("line 6: unknown field `small_table`"),
        "{}",
        wrong.stderr
    );

    checkout.edit("pgtriage.toml", "small_table = [\"country\"]", "");
    let large = checkout.check(&[]).expect(1);
    assert!(large.has("public.country(name)"), "{}", large.stdout);
    checkout.check(&["--assume-rows", "country=250"]).expect(0);
    checkout
        .check(&["--skip", "unservable_predicate"])
        .expect(0);
    checkout.check(&["--fail-on", "critical"]).expect(0);
    checkout.check(&["--exit-zero"]).expect(0);
}

#[test]
fn the_baseline_tells_old_from_new() {
    let checkout = Checkout::new();
    checkout.migrate("002_drop_index.sql");
    checkout.check(&["--update-baseline"]).expect(0);
    let lock =
        fs::read_to_string(checkout.folder.path().join("pgtriage.lock.json")).expect("a baseline");
    assert!(
        lock.contains("unservable_predicate:public.orders(customer_id)"),
        "{lock}"
    );
    assert!(
        !lock.contains("queryid") && !lock.contains("2026-01-15") && !lock.contains("\"line\""),
        "{lock}"
    );
    checkout.check(&[]).expect(1);
    checkout.check(&["--new-only"]).expect(0);
    // Statements may move.
    checkout.edit(
        "queries/orders.sql",
        "-- name: orders_of_customer",
        "\n\n\n-- name: orders_of_customer",
    );
    checkout.check(&["--new-only"]).expect(0);
    checkout
        .cluster
        .execute(DATABASE, "DROP INDEX orders_placed_at_idx")
        .expect("a lost index");
    let lost = checkout.check(&["--new-only"]).expect(1);
    assert!(lost.has("revenue_since"), "{}", lost.stdout);

    let other = checkout
        .check(&["--set", "work_mem=64MB", "--skip", "unservable_predicate"])
        .expect(3);
    assert!(
        other.has("nothing was compared: work_mem was"),
        "{}",
        other.stdout
    );
    checkout.check(&["--set", "work_mem=lots"]).expect(2);
}

#[test]
fn the_committed_baseline_is_of_the_example() {
    let checkout = Checkout::new();
    let before = fs::read_to_string(example().join("pgtriage.lock.json")).expect("a baseline");
    checkout.check(&["--update-baseline"]).expect(0);
    let after =
        fs::read_to_string(checkout.folder.path().join("pgtriage.lock.json")).expect("a baseline");
    assert_eq!(
        before, after,
        "run pgtriage check --update-baseline in examples/ci"
    );
}

/// Ends the load whatever becomes of the test.
struct Ended<'f>(&'f AtomicBool);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn twenty_runs_under_load_are_equal_to_the_byte() {
    let checkout = Checkout::new();
    checkout.migrate("002_drop_index.sql");
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let _ended = Ended(&over);
        scope.spawn(|| {
            let write = "CREATE TABLE IF NOT EXISTS noise AS SELECT 1 AS n;
                INSERT INTO noise SELECT generate_series(1, 2000); ANALYZE noise;
                UPDATE customer SET country = 'FR' WHERE id % 7 = 0; ANALYZE customer";
            while !over.load(Ordering::Relaxed) {
                checkout.cluster.execute(DATABASE, write).expect("a write");
            }
        });
        for format in ["json", "terminal"] {
            let first = checkout.check(&["--format", format]).expect(1).stdout;
            for _ in 0..9 {
                let next = checkout.check(&["--format", format]).expect(1).stdout;
                assert_eq!(next, first);
            }
        }
    });
}
