use super::*;
use crate::logs::Tally;
use crate::snapshot::{LoggedLoop, Logs, LoopKind};
use proptest::prelude::*;

const MILLISECOND: i64 = 1_000;

/// A log of one session, a millisecond between statements.
struct Log {
    digest: Digest,
    at: i64,
    line: u64,
    session: &'static str,
}

impl Log {
    fn new() -> Self {
        Self {
            digest: Digest::new(Some("shop"), Some("pgtriage")),
            at: 1_700_000_000_000_000,
            line: 0,
            session: "a",
        }
    }

    fn say(&mut self, statement: &str, parameters: Option<&str>) -> &mut Self {
        self.at += MILLISECOND;
        self.line += 1;
        self.digest.add(&Logged {
            session: self.session.as_bytes(),
            at: Some(self.at),
            user: None,
            database: Some(b"shop"),
            application: None,
            transaction: None,
            statement: statement.as_bytes(),
            parameters: parameters.map(str::as_bytes),
            duration_ms: Some(0.5),
            query_id: None,
            file: 0,
            line: self.line,
        });
        self
    }

    fn look_up(&mut self, table: &str, keys: impl IntoIterator<Item = u32>) -> &mut Self {
        for key in keys {
            self.say(&format!("SELECT * FROM {table} WHERE id = {key}"), None);
        }
        self
    }

    fn pause(&mut self) -> &mut Self {
        self.at += 10 * ROUGH_PAUSE;
        self
    }

    fn finish(self) -> Logs {
        self.digest
            .finish(vec!["postgresql.log".to_owned()], &Tally::default())
    }
}

/// `statement within …: loops × executions`, statements by their tables.
fn told(logs: &Logs) -> Vec<String> {
    let table = |family: &usize| {
        let text = &logs.families[*family].query;
        let words: Vec<&str> = text.split(' ').collect();
        let from = words
            .iter()
            .position(|word| matches!(*word, "FROM" | "INTO"));
        words[from.unwrap() + 1].to_owned()
    };
    let one = |found: &LoggedLoop| {
        let chain: Vec<String> = found.within.iter().map(table).collect();
        let kind = match found.kind {
            LoopKind::Distinct => "",
            LoopKind::Mixed => " mixed",
            LoopKind::Same => " same",
        };
        let statement = table(&found.statement);
        let (loops, executions) = (found.loops, found.executions);
        format!(
            "{statement} in [{}]{kind}: {loops} x {executions}",
            chain.join(" ")
        )
    };
    let mut all: Vec<String> = logs.loops.iter().map(one).collect();
    all.sort();
    all
}

#[test]
fn look_ups_after_a_statement_are_a_loop() {
    let mut log = Log::new();
    for _ in 0..3 {
        log.say("SELECT * FROM orders LIMIT 6", None)
            .look_up("users", 0..6)
            .pause();
    }
    let logs = log.finish();
    assert_eq!(told(&logs), ["users in [orders]: 3 x 18"]);
    let found = &logs.loops[0];
    assert_eq!(
        (found.longest, found.unbroken, found.in_transaction),
        (6, 3, 0)
    );
    assert!((found.distinct_ratio - 1.0).abs() < 1e-9);
    assert!((found.total_ms.unwrap().get() - 9.0).abs() < 1e-9);
    let excerpt = &found.excerpts[1];
    assert_eq!(
        (excerpt.session.as_str(), excerpt.file.as_str()),
        ("a", "postgresql.log")
    );
    let lines: Vec<u64> = excerpt.lines.iter().map(|line| line.line).collect();
    assert_eq!(lines, [8, 9, 10]);
    assert_eq!(
        excerpt.lines[1].statement,
        "SELECT * FROM users WHERE id = 0"
    );
    assert_eq!((logs.executions, logs.sessions), (21, 1));
}

#[test]
fn four_look_ups_are_no_loop() {
    let mut log = Log::new();
    log.say("SELECT * FROM orders LIMIT 4", None)
        .look_up("users", 0..4);
    assert_eq!(told(&log.finish()), Vec::<String>::new());
}

#[test]
fn the_same_look_up_again_and_again_is_told_apart() {
    let mut log = Log::new();
    log.say("SELECT * FROM orders", None)
        .look_up("settings", [7; 5])
        .pause()
        .say("SELECT * FROM orders", None)
        .look_up("users", [1, 1, 2, 2, 3, 3]);
    let expected = [
        "settings in [orders] same: 1 x 5",
        "users in [orders] mixed: 1 x 6",
    ];
    assert_eq!(told(&log.finish()), expected);
}

#[test]
fn loops_stand_in_loops() {
    let mut log = Log::new();
    log.say("SELECT * FROM orders", None);
    for order in 0..5 {
        log.look_up("items", [order])
            .look_up("products", [2 * order, 2 * order + 1]);
    }
    let expected = [
        "items in [orders]: 1 x 5",
        "products in [items orders]: 1 x 10",
    ];
    assert_eq!(told(&log.finish()), expected);
}

#[test]
fn three_levels_of_loops_are_followed() {
    let mut log = Log::new();
    log.say("SELECT * FROM shops", None);
    for number in 0..5 {
        log.look_up("orders", [number])
            .look_up("items", [number])
            .look_up("products", [number]);
    }
    let expected = [
        "items in [orders shops]: 1 x 5",
        "orders in [shops]: 1 x 5",
        "products in [items orders shops]: 1 x 5",
    ];
    assert_eq!(told(&log.finish()), expected);
}

#[test]
fn two_loops_one_after_the_other_have_one_parent() {
    let mut log = Log::new();
    log.say("SELECT * FROM orders", None)
        .look_up("users", 0..6)
        .look_up("items", 0..7);
    let expected = [
        "items in [users orders]: 1 x 7",
        "items in [users]: 1 x 7",
        "users in [orders]: 1 x 6",
    ];
    assert_eq!(told(&log.finish()), expected);
}

#[test]
fn what_concerns_the_session_breaks_no_loop() {
    let mut log = Log::new();
    log.say("BEGIN", None).say("SELECT * FROM orders", None);
    for key in 0..5 {
        log.say("SAVEPOINT a", None)
            .look_up("users", [key])
            .say("RELEASE a", None);
    }
    log.say("COMMIT", None);
    let logs = log.finish();
    assert_eq!(told(&logs), ["users in [orders]: 1 x 5"]);
    assert_eq!(
        (logs.loops[0].in_transaction, logs.loops[0].unbroken),
        (1, 1)
    );
}

#[test]
fn each_call_in_its_own_transaction_breaks_no_loop() {
    let mut log = Log::new();
    log.say("BEGIN", None)
        .say("SELECT * FROM orders", None)
        .say("COMMIT", None);
    for key in 0..5 {
        log.say("BEGIN", None)
            .look_up("users", [key])
            .say("COMMIT", None);
    }
    let logs = log.finish();
    assert_eq!(told(&logs), ["users in [orders]: 1 x 5"]);
    assert_eq!(logs.loops[0].in_transaction, 0);
}

#[test]
fn requests_are_no_rounds_of_a_loop() {
    let mut log = Log::new();
    for request in 0..20 {
        log.say("BEGIN", None)
            .look_up("sessions", [request])
            .look_up("users", [request])
            .say("COMMIT", None);
    }
    assert_eq!(told(&log.finish()), Vec::<String>::new());
    let mut log = Log::new();
    for request in 0..20 {
        log.look_up("sessions", [request])
            .look_up("users", [request]);
    }
    assert_eq!(told(&log.finish()), ["sessions in []: 1 x 20"]);
    let mut log = Log::new();
    for request in 0..20 {
        log.look_up("users", [request]).pause();
    }
    assert_eq!(told(&log.finish()), Vec::<String>::new());
}

#[test]
fn lists_of_keys_are_no_loop() {
    let mut log = Log::new();
    for request in 0..20 {
        log.say(
            &format!("SELECT * FROM users WHERE id IN ({request}, 1)"),
            None,
        );
    }
    assert_eq!(told(&log.finish()), Vec::<String>::new());
}

#[test]
fn parameters_that_are_not_logged_prove_nothing() {
    let mut log = Log::new();
    for _ in 0..7 {
        log.say("SELECT * FROM users WHERE id = $1", None);
    }
    let logs = log.finish();
    assert_eq!((told(&logs), logs.without_parameters), (Vec::new(), 7));
    let mut log = Log::new();
    for key in 0..7 {
        log.say(
            "SELECT * FROM users WHERE id = $1",
            Some(&format!("$1 = '{key}'")),
        );
    }
    let logs = log.finish();
    assert_eq!(
        (told(&logs), logs.without_parameters),
        (vec!["users in []: 1 x 7".to_owned()], 0)
    );
}

#[test]
fn sessions_between_one_another_are_kept_apart() {
    let mut log = Log::new();
    for key in 0..5 {
        for session in ["a", "b"] {
            log.session = session;
            if key == 0 {
                log.say("SELECT * FROM orders", None);
            }
            log.look_up("users", [key]);
        }
    }
    let logs = log.finish();
    assert_eq!(told(&logs), ["users in [orders]: 2 x 10"]);
    assert_eq!(logs.sessions, 2);
}

#[test]
fn inserts_in_a_row_are_told() {
    let mut log = Log::new();
    for key in 0..9 {
        log.say(&format!("INSERT INTO items VALUES ({key})"), None);
    }
    assert_eq!(told(&log.finish()), ["items in []: 1 x 9"]);
}

#[test]
fn other_databases_and_the_program_itself_are_left_out() {
    let mut digest = Digest::new(Some("shop"), Some("pgtriage"));
    for (database, application) in [("shop", "web"), ("other", "web"), ("shop", "pgtriage")] {
        digest.add(&Logged {
            session: b"",
            at: None,
            user: None,
            database: Some(database.as_bytes()),
            application: Some(application.as_bytes()),
            transaction: None,
            statement: b"SELECT 1",
            parameters: None,
            duration_ms: None,
            query_id: None,
            file: 0,
            line: 1,
        });
    }
    digest.add(&Logged {
        session: b"",
        at: None,
        user: None,
        database: None,
        application: None,
        transaction: None,
        statement: b"EXPLAIN (FORMAT JSON) /* pgtriage */ SELECT 1",
        parameters: None,
        duration_ms: None,
        query_id: None,
        file: 0,
        line: 1,
    });
    let logs = digest.finish(Vec::new(), &Tally::default());
    assert_eq!((logs.executions, logs.without_session), (1, 1));
    assert_eq!((logs.left_out.other_databases, logs.left_out.own), (1, 2));
    assert_eq!((logs.durations, logs.rate), (None, None));
}

#[test]
fn many_sessions_are_followed_in_constant_memory() {
    let mut log = Log::new();
    let names: Vec<String> = (0..5_000).map(|number| format!("s{number}")).collect();
    for name in &names {
        log.session = Box::leak(name.clone().into_boxed_str());
        log.say("SELECT * FROM orders", None).look_up("users", 0..5);
    }
    assert!(log.digest.sessions.len() <= MOST_SESSIONS);
    let logs = log.finish();
    assert_eq!(told(&logs), ["users in [orders]: 5000 x 25000"]);
    assert_eq!(logs.sessions, 5_000);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]
    #[test]
    fn any_order_of_statements_is_taken_in(
        steps in proptest::collection::vec((0..14_u32, 0..3_u32, 0..3_u32), 0..200)
    ) {
        let mut log = Log::new();
        for (table, key, pause) in &steps {
            match table {
                12 => log.say("BEGIN", None),
                13 => log.say("COMMIT", None),
                _ => log.look_up(&format!("t{table}"), [*key]),
            };
            if *pause == 0 {
                log.at -= 3 * MILLISECOND;
            }
        }
        let logs = log.finish();
        prop_assert_eq!(logs.executions, i64::try_from(steps.len()).unwrap());
        for found in &logs.loops {
            prop_assert!(found.longest >= 5 && found.executions >= found.loops * 5);
            prop_assert!(found.in_transaction <= found.loops && found.unbroken <= found.loops);
        }
    }
}
