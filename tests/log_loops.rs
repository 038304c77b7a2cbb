//! Loops that a log shows, without any counters: each found with its parent, and nothing found where there is none.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking; helpers of tests are no test functions to clippy"
)]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use pgtriage::analyze::{Config, analyze};
use pgtriage::finding::{Confidence, EstimateBasis, Report};
use pgtriage::logs::{Digest, LinePrefix, Reader};
use pgtriage::snapshot::{Setting, Snapshot};
use serde_json::Value;

/// A log as a server writes it with `log_line_prefix = '%m [%p] '` and `log_min_duration_statement = 0`.
struct Log {
    text: String,
    milliseconds: i64,
    process: u32,
}

impl Log {
    fn new() -> Self {
        Self {
            text: String::new(),
            milliseconds: 36_000_000,
            process: 4711,
        }
    }

    fn line(&mut self, message: &str) {
        let (seconds, rest) = (self.milliseconds / 1000, self.milliseconds % 1000);
        let time = format!(
            "{:02}:{:02}:{:02}.{rest:03}",
            seconds / 3600,
            seconds / 60 % 60,
            seconds % 60
        );
        writeln!(
            self.text,
            "2026-11-22 {time} UTC [{}] {message}",
            self.process
        )
        .unwrap();
    }

    /// A statement with its values in its text, a millisecond after the one before.
    fn say(&mut self, statement: &str) -> &mut Self {
        self.milliseconds += 1;
        self.line(&format!("LOG:  duration: 0.050 ms  statement: {statement}"));
        self
    }

    /// A prepared statement.
    fn run(&mut self, statement: &str, values: &[&str]) -> &mut Self {
        self.milliseconds += 1;
        self.line(&format!(
            "LOG:  duration: 0.050 ms  execute <unnamed>: {statement}"
        ));
        let values = values.iter().zip(1..);
        let values: Vec<String> = values
            .map(|(value, number)| format!("${number} = '{value}'"))
            .collect();
        self.line(&format!("DETAIL:  parameters: {}", values.join(", ")));
        self
    }

    /// A prepared statement for each of these keys.
    fn each(&mut self, statement: &str, keys: std::ops::Range<u32>) -> &mut Self {
        for key in keys {
            self.run(statement, &[&key.to_string()]);
        }
        self
    }

    fn wait(&mut self, milliseconds: i64) -> &mut Self {
        self.milliseconds += milliseconds;
        self
    }

    fn snapshot(&self) -> Snapshot {
        let shop = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/nplusone/shop.json");
        let shop = std::fs::read_to_string(shop).unwrap();
        let mut snapshot: Snapshot = serde_json::from_str(&shop).unwrap();
        snapshot.counter_source = None;
        snapshot.statements = Vec::new();
        let mut reader = Reader::new(Some(LinePrefix::new("%m [%p] ")));
        let mut digest = Digest::new(Some("shop"), Some("pgtriage"));
        reader
            .read(self.text.as_bytes(), |logged| digest.add(logged))
            .unwrap();
        let tally = reader.finish(|logged| digest.add(logged));
        snapshot.logs = Some(digest.finish(vec!["postgresql.log".to_owned()], &tally));
        snapshot
    }

    fn report(&self) -> Report {
        analyze(&self.snapshot(), &Config::default())
    }

    /// The findings about loops, without the digits that tell statements apart.
    fn loops(&self) -> BTreeSet<String> {
        let capture = serde_json::to_value(self.snapshot()).unwrap();
        let findings = self.report().bottlenecks.into_iter();
        let about_loops = findings
            .filter(|finding| matches!(finding.kind.as_str(), "n_plus_one" | "repeated_lookup"));
        about_loops
            .map(|finding| {
                assert_eq!(finding.confidence, Confidence::Measured);
                assert!(!finding.excerpts.is_empty());
                for evidence in &finding.evidence {
                    let value = match (&evidence.pointer, &evidence.formula) {
                        (Some(pointer), _) => capture.pointer(pointer).and_then(Value::as_f64),
                        (_, Some(formula)) => formula.evaluate(&capture).ok(),
                        _ => None,
                    };
                    assert!(
                        (value.unwrap() - evidence.value).abs() < 1e-6,
                        "{evidence:?}"
                    );
                }
                finding.id.split(" #").next().unwrap().to_owned()
            })
            .collect()
    }
}

const BOOKS: &str = "SELECT id, author_id, title FROM books ORDER BY title LIMIT 30";
const AUTHOR: &str = "SELECT id, name FROM authors WHERE id = $1";

fn found(log: &Log, expected: &[&str]) {
    let expected: BTreeSet<String> = expected.iter().map(|id| (*id).to_owned()).collect();
    assert_eq!(log.loops(), expected, "{}", log.text);
}

/// Three pages of ten rows, each row looked up.
fn pages(parent: &str, child: &str) -> Log {
    let mut log = Log::new();
    for page in 0..3 {
        log.say(parent)
            .each(child, page * 10..page * 10 + 10)
            .wait(2_000);
    }
    log
}

#[test]
fn look_ups_of_every_shape_are_loops() {
    for (parent, child, expected) in [
        (BOOKS, AUTHOR, "public.authors(id) for each of public.books"),
        (
            "SELECT * FROM authors",
            "SELECT id, title FROM books WHERE author_id = $1",
            "public.books(author_id) for each of public.authors",
        ),
        (
            "SELECT id FROM users WHERE name LIKE 'a%'",
            "SELECT p.id, p.bio FROM profiles p WHERE p.user_id = $1 LIMIT 1",
            "public.profiles(user_id) for each of public.users",
        ),
        (
            "SELECT id FROM authors",
            "SELECT count(*) FROM books WHERE author_id = $1",
            "public.books(author_id) for each of public.authors",
        ),
        (
            "SELECT id FROM authors",
            "SELECT EXISTS (SELECT 1 FROM books WHERE author_id = $1)",
            "public.books(author_id) for each of public.authors",
        ),
        (
            BOOKS,
            "SELECT id, name FROM authors WHERE id IN ($1)",
            "public.authors(id) for each of public.books",
        ),
        (
            "SELECT * FROM payments ORDER BY id",
            "SELECT name FROM customers WHERE customer_no = $1",
            "public.customers(customer_no) for each of public.payments",
        ),
        (
            "SELECT id, title FROM books",
            "SELECT body FROM comments WHERE owner_type = 'Book' AND owner_id = $1",
            "public.comments(owner_id) for each of public.books",
        ),
        (
            "SELECT name FROM tags",
            "SELECT bio FROM profiles WHERE bio = $1",
            "public.profiles(bio) for each of public.tags",
        ),
    ] {
        let log = pages(parent, child);
        assert_eq!(
            log.loops(),
            [format!("n_plus_one:{expected}")].into(),
            "{parent} | {child}"
        );
    }
}

#[test]
fn keys_of_several_columns_are_looked_up_in_loops() {
    let mut log = Log::new();
    log.say("SELECT tenant_id, account_id, total FROM invoices ORDER BY total");
    for account in 0..10 {
        log.run(
            "SELECT name FROM accounts WHERE tenant_id = $1 AND id = $2",
            &["7", &account.to_string()],
        );
    }
    found(
        &log,
        &["n_plus_one:public.accounts(tenant_id, id) for each of public.invoices"],
    );
}

#[test]
fn loops_within_loops_have_their_own_parents() {
    let mut log = Log::new();
    log.say("BEGIN")
        .say("SELECT id, user_id FROM orders WHERE status = 'open'");
    for order in 0..6 {
        log.run(
            "SELECT id, book_id FROM items WHERE order_id = $1",
            &[&order.to_string()],
        );
        log.each(
            "SELECT title FROM books WHERE id = $1",
            order * 2..order * 2 + 2,
        );
        log.say("SAVEPOINT row");
    }
    log.say("COMMIT");
    found(
        &log,
        &[
            "n_plus_one:public.books(id) for each of public.items",
            "n_plus_one:public.items(order_id) for each of public.orders",
        ],
    );
}

#[test]
fn two_look_ups_for_each_row_have_one_parent() {
    let mut log = Log::new();
    log.say("SELECT id, user_id FROM orders WHERE status = 'open'");
    for order in 0..8 {
        log.run(
            "SELECT name FROM users WHERE id = $1",
            &[&(100 + order).to_string()],
        );
        log.run(
            "SELECT qty FROM items WHERE order_id = $1",
            &[&order.to_string()],
        );
    }
    found(
        &log,
        &[
            "n_plus_one:public.items(order_id) for each of public.orders",
            "n_plus_one:public.users(id) for each of public.orders",
        ],
    );
}

#[test]
fn a_look_up_that_runs_once_beside_another_has_the_same_parent() {
    let mut log = Log::new();
    log.say(BOOKS);
    for book in 0..8 {
        log.run(AUTHOR, &[&(100 + book).to_string()]);
        log.run(
            "SELECT body FROM comments WHERE owner_type = $1 AND owner_id = $2",
            &["Book", &book.to_string()],
        );
    }
    found(
        &log,
        &[
            "n_plus_one:public.authors(id) for each of public.books",
            "n_plus_one:public.comments(owner_id) for each of public.books",
        ],
    );
}

#[test]
fn rows_that_share_what_is_looked_up_are_looped_over_too() {
    let shared = |parent: &str| {
        let mut log = Log::new();
        log.say(parent);
        for book in 0..12 {
            log.run(AUTHOR, &[&(book / 2).to_string()]);
        }
        log
    };
    found(
        &shared(BOOKS),
        &["n_plus_one:public.authors(id) for each of public.books"],
    );
    // Nothing ties the two.
    found(&shared("SELECT name FROM tags"), &[]);
}

#[test]
fn trees_are_walked_by_look_ups() {
    let mut log = Log::new();
    log.each(
        "SELECT id, name FROM categories WHERE parent_id = $1",
        0..12,
    );
    found(
        &log,
        &["n_plus_one:public.categories(parent_id) for each of public.categories"],
    );
}

#[test]
fn statements_without_parameters_are_loops_too() {
    let mut log = Log::new();
    log.say(BOOKS);
    for key in 0..7 {
        log.say(&format!(
            "SELECT id, name FROM authors WHERE id = {key} /* page 3 */"
        ));
    }
    found(
        &log,
        &["n_plus_one:public.authors(id) for each of public.books"],
    );
}

#[test]
fn the_same_key_again_and_again_lacks_a_cache() {
    let mut log = Log::new();
    log.say("BEGIN");
    for book in 0..6 {
        log.run("SELECT value FROM settings WHERE name = $1", &["currency"]);
        log.run(
            "UPDATE books SET price = 1 WHERE id = $1",
            &[&book.to_string()],
        );
    }
    log.say("COMMIT");
    found(&log, &["repeated_lookup:public.settings(name)"]);
}

#[test]
fn what_is_no_loop_is_not_found() {
    let mut silent: Vec<(&str, Log)> = Vec::new();
    let mut silence = |name: &'static str, make: &dyn Fn(&mut Log, u32)| {
        let mut log = Log::new();
        for request in 0..30 {
            make(&mut log, request);
        }
        silent.push((name, log));
    };
    silence(
        "a session and its user a request, in transactions",
        &|log, request| {
            let key = request.to_string();
            log.say("BEGIN")
                .run("SELECT id, user_id FROM sessions WHERE token = $1", &[&key])
                .run("SELECT * FROM users WHERE id = $1", &[&key])
                .say("COMMIT");
        },
    );
    silence("the same without transactions", &|log, request| {
        let key = request.to_string();
        log.run("SELECT id, user_id FROM sessions WHERE token = $1", &[&key])
            .run("SELECT * FROM users WHERE id = $1", &[&key]);
    });
    silence("one session asks for itself at each request", &|log, _| {
        log.run("SELECT id, user_id FROM sessions WHERE token = $1", &["t"])
            .run("SELECT * FROM users WHERE id = $1", &["5"])
            .say("SELECT 1");
    });
    silence("a user a request, far apart", &|log, request| {
        log.wait(400)
            .run("SELECT * FROM users WHERE id = $1", &[&request.to_string()]);
    });
    silence("a user a request, near one another", &|log, request| {
        log.run("SELECT * FROM users WHERE id = $1", &[&request.to_string()]);
    });
    silence("a queue", &|log, _| {
        log.say("BEGIN")
            .say("SELECT id, payload FROM jobs WHERE status = 'new' ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED")
            .say("COMMIT");
    });
    silence("pages by key", &|log, request| {
        let last = (request * 100).to_string();
        log.run(
            "SELECT id, title FROM books WHERE id > $1 ORDER BY id LIMIT 100",
            &[&last],
        );
    });
    silence("batches", &|log, request| {
        let keys = format!("{{{request},2,3}}");
        log.say(BOOKS)
            .run("SELECT id, name FROM authors WHERE id = ANY($1)", &[&keys]);
    });
    silence("lists", &|log, request| {
        log.say(BOOKS);
        log.say(&format!(
            "SELECT id, name FROM authors WHERE id IN ({request}, 2, 3)"
        ));
    });
    silence("inserts", &|log, request| {
        log.run(
            "INSERT INTO visits (user_id) VALUES ($1)",
            &[&request.to_string()],
        );
    });
    silence("validations before inserts", &|log, request| {
        let name = request.to_string();
        log.run("SELECT 1 FROM users WHERE email = $1 LIMIT 1", &[&name])
            .run("INSERT INTO users (email) VALUES ($1)", &[&name]);
    });
    silence("one row and what belongs to it", &|log, request| {
        let key = request.to_string();
        log.say("BEGIN")
            .run("SELECT * FROM orders WHERE id = $1", &[&key])
            .run("SELECT * FROM users WHERE id = $1", &[&key])
            .run("SELECT * FROM items WHERE order_id = $1", &[&key])
            .say("COMMIT");
    });
    silence(
        "a list page now and then between details",
        &|log, request| {
            if request % 10 == 0 {
                log.process += 1;
                log.say("SELECT * FROM orders ORDER BY created_at DESC LIMIT 50");
                log.process -= 1;
            }
            log.run("SELECT * FROM users WHERE id = $1", &[&request.to_string()]);
        },
    );
    for (name, log) in &silent {
        assert_eq!(log.loops(), BTreeSet::new(), "{name}");
    }
}

#[test]
fn sessions_are_told_apart() {
    let mut log = Log::new();
    for key in 0..4 {
        for process in 0..5 {
            log.process = process;
            if key == 0 {
                log.say(BOOKS);
            }
            log.run(AUTHOR, &[&key.to_string()]);
        }
    }
    found(&log, &[]);
}

#[test]
fn a_log_without_parameters_is_no_proof_and_says_so() {
    let mut log = Log::new();
    log.say(BOOKS);
    for _ in 0..10 {
        log.milliseconds += 1;
        log.line(&format!(
            "LOG:  duration: 0.050 ms  execute <unnamed>: {AUTHOR}"
        ));
    }
    let report = log.report();
    assert!(
        report
            .bottlenecks
            .iter()
            .all(|finding| finding.kind.as_str() != "n_plus_one")
    );
    let entry = report
        .skipped
        .iter()
        .find(|entry| entry.check.as_str() == "n_plus_one");
    let remedy = entry.unwrap().remedy.as_deref().unwrap();
    assert!(remedy.contains("log_parameter_max_length = -1"), "{remedy}");
}

#[test]
fn a_log_of_slow_statements_is_no_proof_and_says_so() {
    let log = pages(BOOKS, AUTHOR);
    let mut snapshot = log.snapshot();
    let setting = |value: &str| Setting {
        value: value.to_owned(),
        unit: None,
        source: None,
    };
    for (name, value, remedy) in [
        ("log_min_duration_statement", "0", None),
        // What the log has was written with another value.
        ("log_min_duration_statement", "100", None),
        (
            "log_statement_sample_rate",
            "0.1",
            Some("log_statement_sample_rate = 1"),
        ),
    ] {
        snapshot.settings.clear();
        snapshot
            .settings
            .insert("log_min_duration_sample".to_owned(), setting("0"));
        snapshot.settings.insert(name.to_owned(), setting(value));
        let report = analyze(&snapshot, &Config::default());
        let found = report
            .bottlenecks
            .iter()
            .any(|finding| finding.kind.as_str() == "n_plus_one");
        assert_eq!(found, remedy.is_none(), "{name} = {value}");
        let told = report
            .skipped
            .iter()
            .filter_map(|entry| entry.remedy.as_deref());
        let told = told
            .into_iter()
            .any(|told| remedy.is_some_and(|remedy| told.contains(remedy)));
        assert_eq!(told, remedy.is_some(), "{name} = {value}");
        let basis = report.baseline_metrics.unwrap().p95_ms.basis;
        assert_eq!(basis == EstimateBasis::Measured, remedy.is_none());
    }
}

#[test]
fn the_log_alone_gives_the_workload_its_figures() {
    let log = pages(BOOKS, AUTHOR);
    let report = log.report();
    let metrics = report.baseline_metrics.unwrap();
    assert_eq!(metrics.calls, 33);
    assert_eq!(metrics.p50_ms.basis, EstimateBasis::Measured);
    assert!((metrics.p50_ms.value.unwrap() - 0.05).abs() < 0.001);
    assert_eq!(
        metrics.calls_over_time.unwrap().counts.iter().sum::<i64>(),
        33
    );
    let log = report.log.unwrap();
    assert_eq!((log.executions, log.durations, log.sessions), (33, 33, 1));
    let calls: Vec<i64> = report
        .statements
        .iter()
        .map(|statement| statement.calls)
        .collect();
    assert_eq!(calls, [30, 3]);
    let first = report.statements.first().unwrap();
    assert_eq!(first.p95_ms.basis, EstimateBasis::Measured);
    assert_eq!(first.rows, None);
}
