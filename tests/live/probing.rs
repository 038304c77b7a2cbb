//! Helpers for tests of the probes: a snapshot of given texts, a run, and what a server looks like before and after.

use std::collections::BTreeMap;
use std::time::Duration;

use pgtriage::connect::Session;
use pgtriage::demo::cluster::Cluster;
use pgtriage::probe::{ProbeOptions, run};
use pgtriage::snapshot::{ProbeOutcome, ProbeStatus, Snapshot};
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::connect::{connect, environment};

/// A session of a role.
pub async fn session(cluster: &Cluster, role: &str, database: &str) -> Session {
    connect(&cluster.uri_as(role, database), &environment(&[], None))
        .await
        .expect("a connection")
}

fn rows(cluster: &Cluster, database: &str, sql: &str) -> Vec<Vec<String>> {
    cluster
        .query(database, sql)
        .unwrap_or_else(|error| panic!("{sql}: {error}"))
        .into_iter()
        .map(|row| row.into_iter().map(Option::unwrap_or_default).collect())
        .collect()
}

/// A snapshot that holds these statements, as if `role` had run each ten times for 10 ms.
pub fn snapshot(cluster: &Cluster, database: &str, role: &str, texts: &[&str]) -> Snapshot {
    let facts = rows(
        cluster,
        database,
        &format!(
            "SELECT r.oid, r.rolsuper, r.rolbypassrls, current_setting('server_version_num') FROM pg_roles r WHERE rolname = '{role}'"
        ),
    );
    let [oid, superuser, bypass, version] = facts[0].as_slice() else {
        panic!("no role {role}");
    };
    let statements: Vec<Value> = texts
        .iter()
        .enumerate()
        .map(|(index, text)| {
            json!({
                "key": {"userid": oid.parse::<u32>().unwrap(), "queryid": (index + 1).to_string(), "toplevel": true},
                "role": role, "query": text,
                "counters": {"calls": 10, "rows": 10, "total_exec_time_ms": 100.0},
            })
        })
        .collect();
    let document = json!({
        "capture_version": 1, "tool_version": "test", "captured_at": "2026-01-01T00:00:00Z",
        "server": {"version_num": version.parse::<u32>().unwrap(), "version": version, "database": database, "started_at": "2026-01-01T00:00:00Z"},
        "role": {"name": role, "oid": oid.parse::<u32>().unwrap(), "superuser": superuser == "t", "bypass_rls": bypass == "t"},
        "statements": statements,
        "tables": tables(cluster, database),
    });
    serde_json::from_value(document).expect("a snapshot")
}

fn tables(cluster: &Cluster, database: &str) -> Vec<Value> {
    let mut columns: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for row in rows(
        cluster,
        database,
        "SELECT attrelid, attname, format_type(atttypid, atttypmod) FROM pg_attribute JOIN pg_class c ON c.oid = attrelid
         WHERE attnum > 0 AND NOT attisdropped AND c.oid >= 16384 AND relkind IN ('r', 'p', 'm') ORDER BY 1, attnum",
    ) {
        columns
            .entry(row[0].clone())
            .or_default()
            .push(json!({"name": row[1], "type_name": row[2]}));
    }
    rows(
        cluster,
        database,
        "SELECT c.oid, nspname, relname, relkind, relrowsecurity, pg_get_userbyid(relowner) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
         WHERE c.oid >= 16384 AND relkind IN ('r', 'p', 'm') AND nspname NOT LIKE 'pg\\_%'",
    )
    .into_iter()
    .map(|row| {
        let kind = match row[3].as_str() {
            "p" => "partitioned_table",
            "m" => "materialized_view",
            _ => "table",
        };
        json!({
            "oid": row[0].parse::<u32>().unwrap(), "name": {"schema": row[1], "name": row[2]}, "kind": kind,
            "row_security": row[4] == "t", "owner": row[5], "columns": columns.remove(&row[0]).unwrap_or_default(),
        })
    })
    .collect()
}

/// Probes all statements of a snapshot as a role.
pub fn probe(
    cluster: &Cluster,
    role: &str,
    snapshot: Snapshot,
    options: &ProbeOptions,
) -> Snapshot {
    let uri = cluster.uri_as(role, &snapshot.server.database);
    probe_at(&uri, snapshot, options)
}

/// Probes all statements of a snapshot through this connection string.
pub fn probe_at(uri: &str, mut snapshot: Snapshot, options: &ProbeOptions) -> Snapshot {
    runtime().block_on(async {
        let session = connect(uri, &environment(&[], None))
            .await
            .expect("a connection");
        let (_keep, cancelled) = watch::channel(false);
        let all: Vec<usize> = (0..snapshot.statements.len()).collect();
        run(&session, &mut snapshot, &all, options, &|_| (), cancelled).await;
    });
    snapshot
}

pub fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime")
}

/// Probes texts as a role.
pub fn probe_texts(
    cluster: &Cluster,
    database: &str,
    role: &str,
    texts: &[&str],
    options: &ProbeOptions,
) -> Snapshot {
    probe(
        cluster,
        role,
        snapshot(cluster, database, role, texts),
        options,
    )
}

/// The outcome of each text, in order.
pub fn outcome(snapshot: &Snapshot, index: usize) -> &ProbeOutcome {
    let key = &snapshot.statements[index].key;
    let mut of = snapshot.probes.iter().filter(|probe| probe.key == *key);
    let first = of
        .next()
        .unwrap_or_else(|| panic!("no outcome for statement {index}"));
    assert!(of.next().is_none(), "two outcomes for statement {index}");
    first
}

/// Panics unless a statement has this status and its reason holds these words.
pub fn expect(snapshot: &Snapshot, index: usize, status: ProbeStatus, words: &str) {
    let outcome = outcome(snapshot, index);
    let reason = outcome.reason.as_deref().unwrap_or_default();
    let query = snapshot.statements[index]
        .query
        .as_deref()
        .unwrap_or_default();
    assert!(
        outcome.status == status && reason.contains(words),
        "{query}\n  expected {status:?} with {words:?}\n  got {outcome:?}"
    );
}

/// What must be the same before and after: sessions, locks that outlive a statement, prepared transactions, temporary
/// objects, relations.
pub fn state(cluster: &Cluster, database: &str) -> Vec<Vec<String>> {
    // A session that was just closed takes a moment to leave.
    std::thread::sleep(Duration::from_millis(300));
    rows(
        cluster,
        database,
        "SELECT 'session', usename::text, state FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
         UNION ALL SELECT 'lock', locktype, mode FROM pg_locks WHERE pid <> pg_backend_pid()
         UNION ALL SELECT 'prepared transaction', gid, owner::text FROM pg_prepared_xacts
         UNION ALL SELECT 'relation', n.nspname::text || '.' || relname, relfilenode::text FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
             WHERE c.oid >= 16384 AND nspname <> 'pg_toast'
         ORDER BY 1, 2, 3",
    )
}

/// Analyse with a budget that tests can afford.
pub fn options() -> ProbeOptions {
    ProbeOptions {
        timeout: Duration::from_secs(5),
        budget: Duration::from_secs(60),
        ..ProbeOptions::default()
    }
}
