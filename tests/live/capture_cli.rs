//! What `capture` writes and `diagnose` prints holds no literal unless asked, and never a password.

use std::fs;

use pgtriage::demo::cluster::Cluster;

use crate::program::{DATABASE, pgtriage, text};
use crate::{MAIN_MAJOR, builder};

/// Each stands in one place of the workload or of the data, and nowhere else.
const SECRETS: &[&str] = &[
    "SecretText",      // a constant of a statement
    "SecretCommon",    // a most common value
    "SecretSpread",    // bounds of a histogram
    "SecretComment",   // a comment
    "SecretLine",      // a comment to the line's end
    "SecretSetting",   // a utility statement
    "SecretPassword",  // another
    "SecretCopied",    // another
    "SecretDollar",    // a dollar-quoted constant
    "SecretEscape",    // a constant with escapes
    "SecretCast",      // a constant that no cast takes
    "SecretArray",     // an element of an array
    "SecretDefault",   // a default of a column
    "SecretPredicate", // a predicate of an index
    "SecretCheck",     // a check constraint
    "SecretView",      // a view
    "SecretAlias",     // a constant in a function's body that is inlined
    "7316400",         // a number
    "7316401",         // a number in LIMIT
    "7316402",         // a most common number
    "2031-07-16",      // a date
    "c0ffee00-7316",   // a uuid
];

const TABLES: &str = "
    CREATE EXTENSION pg_stat_statements;
    CREATE TABLE people (
        id int PRIMARY KEY, kind text NOT NULL, name text NOT NULL DEFAULT 'SecretDefault' CHECK (name <> 'SecretCheck'),
        score int NOT NULL, born date NOT NULL, token uuid);
    INSERT INTO people SELECT i, CASE WHEN i % 3 > 0 THEN 'SecretCommon' ELSE 'k' || i END, 'SecretSpread' || i,
        CASE WHEN i % 2 = 0 THEN 7316402 ELSE i END, DATE '2031-07-16' + i % 2, 'c0ffee00-7316-4000-8000-000000000000'
        FROM generate_series(1, 30000) AS i;
    CREATE INDEX ON people (score) WHERE kind = 'SecretPredicate';
    CREATE VIEW named AS SELECT * FROM people WHERE name <> 'SecretView';
    CREATE FUNCTION of_alias(int) RETURNS text IMMUTABLE LANGUAGE sql AS $$SELECT 'SecretAlias' || $1$$;
    ANALYZE;
    SELECT pg_stat_statements_reset();";

const WORK: &[&str] = &[
    "SELECT id FROM people WHERE name = 'SecretText' AND score <> 7316400 LIMIT 7316401",
    "SELECT count(*) FROM people WHERE kind = 'SecretCommon' AND score = 7316402",
    "SELECT id FROM people WHERE name = 'SecretSpread77' ORDER BY kind",
    "SELECT id /* SecretComment */ FROM people WHERE score = 1 -- SecretLine\n",
    "SELECT id FROM people WHERE name = $tag$SecretDollar$tag$ OR name = E'Secret\\x45scape\\'SecretEscape'",
    "SELECT id FROM people WHERE name = ANY (ARRAY['SecretArray', 'b']) AND born = DATE '2031-07-16'",
    "SELECT id FROM people WHERE name = ANY ('{SecretArray,b}')",
    "SELECT id FROM people WHERE token = 'c0ffee00-7316-4000-8000-000000000000'",
    "SELECT id FROM named WHERE name = of_alias(5)",
    "SELECT id FROM people WHERE name LIKE 'SecretText%' AND born BETWEEN '2031-07-16' AND '2031-07-17'",
    "SELECT id, name || 'SecretText' AS x, 7316400 + score FROM people GROUP BY id, name || 'SecretText' ORDER BY 2",
    "UPDATE people SET name = 'SecretText' WHERE name = 'SecretText' AND score = 7316400",
    "SET application_name = 'SecretSetting'",
    "DO $$BEGIN PERFORM 'SecretSetting'; END$$",
    "CREATE ROLE someone PASSWORD 'SecretPassword'",
    "COPY (SELECT 'SecretCopied') TO STDOUT",
    "PREPARE p AS SELECT id FROM people WHERE name = 'SecretText'; EXECUTE p",
    "DECLARE c CURSOR WITH HOLD FOR SELECT id FROM people WHERE name = 'SecretText' AND score = 7316400",
];

/// Statements that fail: their text never gets into the counters, but a probe may be refused with such words.
const FAILING: &[&str] = &[
    "SELECT id FROM people WHERE score = 'SecretCast'",
    "SELECT id FROM people WHERE score = CAST(name AS int)",
];

fn server() -> Cluster {
    let cluster = builder(MAIN_MAJOR)
        .setting("work_mem", "64kB")
        .start()
        .expect("a server");
    cluster.create_database(DATABASE).expect("a database");
    cluster.execute(DATABASE, TABLES).expect("tables");
    for _ in 0..3 {
        for statement in WORK.iter().filter(|s| !s.starts_with("COPY")) {
            drop(cluster.query(DATABASE, statement));
        }
    }
    for statement in FAILING {
        cluster.query(DATABASE, statement).expect_err("bad input");
    }
    // A statement that a probe cannot repeat: its values are of the wrong type by now.
    cluster
        .execute(
            DATABASE,
            "SELECT id FROM people WHERE score < CAST(substr(name, 100) || '0' AS int)",
        )
        .expect("a cast of nothing");
    cluster
}

fn assert_clean(what: &str, printed: &str) {
    for secret in SECRETS {
        if let Some(at) = printed.find(secret) {
            let before: String = printed[..at].chars().rev().take(200).collect();
            let before: String = before.chars().rev().collect();
            let after: String = printed[at..].chars().take(100).collect();
            panic!("{what} holds {secret}: {before}{after}");
        }
    }
}

#[test]
fn no_literal_gets_out() {
    let cluster = server();
    let uri = cluster.uri(DATABASE);
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str| folder.path().join(name);

    let captured = pgtriage(&[
        "-v",
        "capture",
        &uri,
        "--analyze-writes",
        "-o",
        text(&file("c.json")),
    ])
    .expect(0);
    assert_clean("messages of capture", &captured.stderr);
    let capture = fs::read_to_string(file("c.json")).expect("a capture");
    assert_clean("the capture", &capture);
    for format in ["terminal", "markdown", "json"] {
        for from in [&["--from", text(&file("c.json"))][..], &["-d", &uri]] {
            let run = pgtriage(&[&["-v", "diagnose", "--format", format], from].concat()).expect(0);
            assert_clean(&format!("{format} of {from:?}"), &run.stdout);
            assert_clean("messages", &run.stderr);
        }
    }
    // Whoever asks gets them, also in the file; a report of that file still holds none.
    pgtriage(&[
        "capture",
        &uri,
        "--show-literals",
        "-o",
        text(&file("open.json")),
    ])
    .expect(0);
    let open = fs::read_to_string(file("open.json")).expect("a capture");
    for secret in ["SecretCommon", "SecretSpread", "SecretPredicate", "7316402"] {
        assert!(open.contains(secret), "{secret}");
    }
    let run = pgtriage(&["--from", text(&file("open.json")), "--format", "json"]).expect(0);
    assert_clean("the report of an open capture", &run.stdout);
    let shown = pgtriage(&[
        "--from",
        text(&file("open.json")),
        "--show-literals",
        "--format",
        "json",
    ]);
    let closed = pgtriage(&["--from", text(&file("c.json")), "--format", "json"]);
    assert_eq!(
        shown.expect(0).json()["bottlenecks"]
            .as_array()
            .map(Vec::len),
        closed.expect(0).json()["bottlenecks"]
            .as_array()
            .map(Vec::len)
    );
}

#[test]
fn a_password_appears_nowhere() {
    let cluster = builder(MAIN_MAJOR)
        .tcp()
        .hba("local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n")
        .start()
        .expect("a server");
    cluster.create_database(DATABASE).expect("a database");
    cluster
        .execute(DATABASE, "CREATE EXTENSION pg_stat_statements; CREATE ROLE app LOGIN SUPERUSER PASSWORD 's3cr/t&pass'")
        .expect("a role");
    let port = cluster.port();
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("c.json");
    let good = format!("postgresql://app:s3cr%2Ft%26pass@127.0.0.1:{port}/shop");
    let conninfo =
        format!("host=127.0.0.1 port={port} user=app dbname=shop password='s3cr/t&pass'");
    let runs = [
        (0, vec!["-v", "diagnose", &good]),
        (0, vec!["-v", "diagnose", "--format", "json", &conninfo]),
        (0, vec!["-v", "capture", &good, "-o", text(&file)]),
    ];
    for (code, arguments) in runs {
        let run = pgtriage(&arguments).expect(code);
        assert_no_password(&run.stdout);
        assert_no_password(&run.stderr);
    }
    assert_no_password(&fs::read_to_string(&file).expect("a capture"));
    let bad = [
        format!("postgresql://app:s3cr%2Ft%26pass@127.0.0.1:{port}/nowhere"),
        format!("postgresql://nobody:s3cr%2Ft%26pass@127.0.0.1:{port}/shop"),
        "postgresql://app:s3cr%2Ft%26pass@127.0.0.1:1/shop".to_owned(),
        "postgresql://app:s3cr/t&pass@127.0.0.1:1/shop".to_owned(),
        format!("postgresql://app:s3cr%2Ft%26pass@127.0.0.1:{port}/shop?sslmode=nonsense"),
        format!("postgresql://app:s3cr%2Ft%26pass@127.0.0.1:{port}x/shop"),
        "host=127.0.0.1 port=1 password='s3cr/t&pass".to_owned(),
        "host=127.0.0.1 port=1 password=s3cr/t&pass pass word".to_owned(),
        "postgresql://app@127.0.0.1:1/shop?password=s3cr%2Ft%26pass&sslmode=x".to_owned(),
        "postgres:/app:s3cr%2Ft%26pass@127.0.0.1:1/shop".to_owned(),
    ];
    for target in &bad {
        for arguments in [
            &["-v", "-w", "diagnose", "-d", target][..],
            &["-v", "-w", target],
        ] {
            let run = pgtriage(arguments).expect(2);
            assert_no_password(&run.stdout);
            assert_no_password(&run.stderr);
            let errors = run
                .stderr
                .lines()
                .filter(|line| !line.contains("connecting to"));
            assert_eq!(errors.count(), 1, "{}", run.stderr);
        }
    }
}

fn assert_no_password(printed: &str) {
    for part in ["s3cr", "t&pass", "t%26pass"] {
        assert!(!printed.contains(part), "{printed}");
    }
}
