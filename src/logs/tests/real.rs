//! What real servers wrote, in each format at the same time (`scripts/capture-logs`).

use std::fs;
use std::path::{Path, PathBuf};

use super::*;

/// The statements of `testdata/logs/workload.sql` that did not fail, as psql sent them, and what was run before it.
const PSQL: &[&str] = &[
    "CREATE TABLE orders (id serial PRIMARY KEY, name text)",
    "INSERT INTO orders (name) VALUES ('a'), ('b')",
    "SELECT 1;",
    "SELECT id,⏎       name⏎  FROM orders⏎ WHERE name = 'a \"quoted\" name, with a comma' -- and a tab\there⏎   AND name \
     <> 'Grüße, 漢字';",
    "BEGIN;",
    "INSERT INTO orders (name) VALUES ('x'), ('y');",
    "SAVEPOINT s;",
    "SELECT nothing FROM nowhere;",
    "ROLLBACK TO s;",
    "UPDATE orders SET name = 'LOG:  duration: 1.000 ms  statement: SELECT 2'⏎WHERE id = 1;",
    "COMMIT;",
    "PREPARE by_name (text, int) AS SELECT id FROM orders WHERE name = $1 AND id > $2;",
    "EXECUTE by_name ('it''s', 0);",
    "DO $$ BEGIN RAISE NOTICE 'two⏎lines'; END $$;",
];

/// The statements of `testdata/logs/workload.pgbench`, and how many parameters they have.
const PGBENCH: &[(&str, usize)] = &[
    ("SELECT id, name FROM orders WHERE id = $1;", 1),
    ("BEGIN;", 0),
    ("UPDATE orders SET name = 'o''clock'⏎WHERE id = $1;", 1),
    (
        "SELECT name⏎\tFROM orders⏎\tWHERE id BETWEEN $1 AND $2 + 1⏎\t  AND name IS NOT NULL;",
        2,
    ),
    ("END;", 0),
];

#[derive(Debug, Clone, PartialEq)]
struct Statement {
    session: String,
    at: Option<i64>,
    user: Option<String>,
    application: Option<String>,
    transaction: Option<String>,
    text: String,
    parameters: Option<String>,
    duration_ms: Option<f64>,
    query_id: Option<i64>,
}

/// The `log_line_prefix` of a log.
fn prefix(major: u32, name: &str) -> &'static str {
    match (name, major) {
        ("split", _) => "%t %c [%l-1] %v user=%u,db=%d,app=%a,client=%r ",
        (_, 13) => "%m [%p] %q%u@%d ",
        _ => "%m [%p] %c %v %Q %b %q%u@%d/%a ",
    }
}

fn statements(path: &Path, prefix: Option<&str>) -> (Vec<Statement>, Tally) {
    let text = |bytes: &[u8]| {
        String::from_utf8(bytes.to_vec())
            .unwrap()
            .replace('\n', "⏎")
    };
    let mut found = Vec::new();
    let mut keep = |logged: &Logged<'_>| {
        found.push(Statement {
            session: text(logged.session),
            at: logged.at,
            user: logged.user.map(text),
            application: logged.application.map(text),
            transaction: logged.transaction.map(text),
            text: text(logged.statement),
            parameters: logged.parameters.map(text),
            duration_ms: logged.duration_ms,
            query_id: logged.query_id,
        });
    };
    let bytes = fs::read(path).unwrap();
    let mut reader = Reader::new(prefix.map(LinePrefix::new));
    reader.read(bytes.as_slice(), &mut keep).unwrap();
    let tally = reader.finish(keep);
    // A server writes each format by itself, and so sessions in one order here, in another there. Those of later
    // sessions have higher numbers.
    found.sort_by(|a, b| a.session.cmp(&b.session));
    (found, tally)
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("testdata/logs")
        .join(name)
}

/// Asserts that the log has all that was run, in order within each session, and no more.
fn assert_complete(path: &Path, statements: &[Statement], failed: bool) {
    let mut sessions: Vec<&str> = statements
        .iter()
        .map(|statement| statement.session.as_str())
        .collect();
    sessions.dedup();
    let psql = PSQL
        .iter()
        .filter(|text| failed || !text.contains("nowhere"));
    let count = psql.clone().count();
    let first: Vec<&str> = statements
        .iter()
        .map(|statement| statement.text.as_str())
        .take(count)
        .collect();
    assert_eq!(
        first,
        psql.copied().collect::<Vec<_>>(),
        "{}",
        path.display()
    );
    for session in sessions {
        let own = statements
            .iter()
            .skip(count)
            .filter(|statement| statement.session == session);
        let own: Vec<(&str, usize)> = own
            .map(|statement| {
                let parameters = statement.parameters.as_deref().unwrap_or_default();
                (statement.text.as_str(), parameters.matches(" = '").count())
            })
            // pgbench asks for the tables that its own scripts would need.
            .filter(|(text, _)| !text.contains("pgbench_"))
            .collect();
        assert!(
            own.is_empty() || own == PGBENCH,
            "{}: {session}: {own:?}",
            path.display()
        );
    }
}

#[test]
fn servers_of_all_majors_are_read_in_all_formats() {
    for major in 13..=18 {
        for name in ["timed", "split"] {
            let folder = folder(&major.to_string());
            let (csv, of_csv) = statements(&folder.join(format!("{name}.csv")), None);
            assert_complete(&folder.join(name), &csv, name == "split");
            assert!(of_csv.skipped.is_empty(), "{major} {name}: {of_csv:?}");
            let (log, of_log) = statements(
                &folder.join(format!("{name}.log")),
                Some(prefix(major, name)),
            );
            assert_complete(&folder.join(name), &log, name == "split");
            assert!(of_log.skipped.is_empty(), "{major} {name}: {of_log:?}");
            for (log, csv) in log.iter().zip(&csv) {
                let mut csv = csv.clone();
                if name == "split" {
                    // %t has whole seconds, and the query identifier is not in this prefix.
                    csv.at = csv.at.map(|at| at - at.rem_euclid(1_000_000));
                    csv.query_id = None;
                } else if major == 13 {
                    (csv.session, csv.application, csv.transaction) =
                        (log.session.clone(), None, None);
                }
                assert_eq!(*log, csv, "{major} {name}");
            }
            let (guessed, _) = statements(&folder.join(format!("{name}.log")), None);
            for (guessed, log) in guessed.iter().zip(&log) {
                let mut log = log.clone();
                // Its name does not stand before it.
                log.application = guessed.application.clone();
                assert_eq!(*guessed, log, "{major} {name}");
            }
            if major >= 15 {
                let (json, of_json) = statements(&folder.join(format!("{name}.json")), None);
                assert_eq!(json, csv, "{major} {name}");
                assert!(of_json.skipped.is_empty(), "{major} {name}: {of_json:?}");
            }
        }
    }
}

#[test]
fn every_statement_has_what_the_log_says_of_it() {
    for major in 14..=18 {
        let (found, tally) = statements(&folder(&major.to_string()).join("timed.log"), None);
        assert!(
            found
                .iter()
                .all(|statement| statement.duration_ms.is_some()),
            "{major}"
        );
        assert!(
            found
                .iter()
                .all(|statement| statement.user.as_deref() == Some("postgres")),
            "{major}"
        );
        assert!(
            found.iter().all(|statement| statement.query_id.is_some()),
            "{major}"
        );
        assert_eq!(tally.statements, tally.with_duration, "{major}");
        assert!(
            tally.preparations > 0 && tally.errors == 1,
            "{major}: {tally:?}"
        );
        // Only statements in a transaction block are logged before it ends.
        let transaction = |text: &str| {
            let found = found
                .iter()
                .find(|statement| statement.text == text)
                .unwrap();
            found.transaction.clone()
        };
        assert_eq!(transaction("SELECT 1;"), None, "{major}");
        assert!(transaction("SAVEPOINT s;").is_some(), "{major}");
        assert_eq!(
            transaction("BEGIN;"),
            transaction("SAVEPOINT s;"),
            "{major}"
        );
    }
}

#[test]
fn servers_of_all_languages_are_read() {
    let mut languages = 0;
    for entry in fs::read_dir(folder("languages")).unwrap() {
        let path = entry.unwrap().path();
        let (found, tally) = statements(&path, None);
        assert_complete(&path, &found, false);
        assert_eq!(tally.skipped, [].into(), "{}", path.display());
        assert!(
            found
                .iter()
                .all(|statement| statement.duration_ms.is_some()),
            "{}",
            path.display()
        );
        assert_eq!(tally.errors, 1, "{}", path.display());
        languages += 1;
    }
    assert_eq!(languages, 11);
}
