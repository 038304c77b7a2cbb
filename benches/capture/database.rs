//! The database that is captured: many tables, many statements, hardly any rows.

use pgtriage::demo::cluster::Cluster;

/// The database's name.
pub(crate) const NAME: &str = "bench";

/// The role that captures, privileged as `pgtriage grants` advises.
pub(crate) const ROLE: &str = "reader";

/// Tables, each with a primary key, two indexes and (but for the first) a foreign key.
pub(crate) const TABLES: usize = 1_500;

/// Entries of `pg_stat_statements`.
pub(crate) const STATEMENTS: usize = 5_000;

/// Statements sent at once.
const BATCH: usize = 250;

/// A server with the database, whose log tells what every client sent and how long it took.
pub(crate) fn start() -> Cluster {
    let cluster = Cluster::builder()
        .setting("pg_stat_statements.max", "10000")
        .setting("max_locks_per_transaction", "1024")
        .setting("autovacuum", "off")
        .setting("logging_collector", "on")
        .setting("log_destination", "jsonlog")
        .setting("log_filename", "statements.log")
        .setting("log_rotation_size", "0")
        .start()
        .expect("a server");
    cluster.create_database(NAME).expect("a database");
    let run = |sql: &str| cluster.execute(NAME, sql).expect("the set-up");
    run("CREATE EXTENSION pg_stat_statements");
    for batch in (0..TABLES).collect::<Vec<_>>().chunks(BATCH) {
        run(&batch.iter().map(|n| table(*n)).collect::<String>());
    }
    run("ANALYZE");
    run("SELECT pg_stat_statements_reset()");
    for batch in (0..STATEMENTS).collect::<Vec<_>>().chunks(BATCH) {
        run(&batch.iter().map(|n| statement(*n)).collect::<String>());
    }
    // Not the superuser: that one keeps the capture out of the log.
    run("CREATE ROLE reader LOGIN; GRANT pg_monitor, pg_read_all_data TO reader");
    run("ALTER DATABASE bench SET log_min_duration_statement = 0");
    cluster
}

fn table(n: usize) -> String {
    let parent = n / 2;
    let reference = if n == 0 {
        String::new()
    } else {
        format!(" REFERENCES table_{parent}")
    };
    format!(
        "CREATE TABLE table_{n} (id bigint PRIMARY KEY, parent_id bigint{reference}, name text, status text, \
         amount numeric, created_at timestamptz, note text); \
         CREATE INDEX ON table_{n} (parent_id); CREATE INDEX ON table_{n} (status, created_at); \
         INSERT INTO table_{n} SELECT i, NULL, 'name ' || i, (ARRAY['new', 'open', 'done'])[1 + i % 3], i * 1.5, \
         now() - make_interval(mins => i), NULL FROM generate_series(1, 60) AS i;\n"
    )
}

fn statement(n: usize) -> String {
    let (table, shape) = (n % TABLES, n / TABLES);
    match shape {
        0 => format!("SELECT * FROM table_{table} WHERE id = 1;\n"),
        1 => format!(
            "SELECT id, name FROM table_{table} WHERE status = 'open' ORDER BY created_at DESC LIMIT 5;\n"
        ),
        2 => format!(
            "SELECT status, sum(amount) FROM table_{table} WHERE created_at > now() - interval '1 day' GROUP BY status;\n"
        ),
        _ => format!(
            "SELECT t.id, p.name FROM table_{table} t JOIN table_{} p ON p.id = t.parent_id WHERE t.amount > 2;\n",
            table / 2
        ),
    }
}
