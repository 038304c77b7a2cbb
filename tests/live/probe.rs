//! Plans of a wide workload, as `pg_stat_statements` normalises it, on every version.

use std::collections::BTreeSet;

use pgtriage::demo::cluster::Cluster;
use pgtriage::snapshot::{PlannedText, ProbeStatus, Snapshot};

use crate::probing::{options, probe, snapshot, state};
use crate::{builder, majors};

const SCHEMA: &str = include_str!("../../testdata/statements/workload_schema.sql");
const WORKLOAD: &str = include_str!("../../testdata/statements/workload.sql");

/// The statements that a version knows.
fn workload(major: u32) -> Vec<&'static str> {
    WORKLOAD
        .lines()
        .filter(|line| !line.starts_with("--") && !line.is_empty())
        .filter_map(|line| match line.strip_prefix('@') {
            Some(versioned) => {
                let (from, statement) = versioned.split_once(' ')?;
                (from.parse::<u32>().expect("a version") <= major).then_some(statement)
            }
            None => Some(line),
        })
        .collect()
}

fn loaded(major: u32) -> Cluster {
    let cluster = builder(major).start().expect("a server");
    cluster.create_database("shop").expect("a database");
    cluster
        .execute("shop", "CREATE EXTENSION pg_stat_statements")
        .expect("counters");
    cluster.execute("shop", SCHEMA).expect("the schema");
    cluster
}

/// Runs the workload and takes the texts and counters that the server kept.
fn observed(cluster: &Cluster, major: u32, role: &str) -> Snapshot {
    cluster
        .execute("shop", "SELECT pg_stat_statements_reset()")
        .expect("a reset");
    for statement in workload(major) {
        cluster
            .execute("shop", statement)
            .unwrap_or_else(|error| panic!("{major}: {statement}: {error}"));
    }
    let rows = cluster
        .query(
            "shop",
            "SELECT query, total_exec_time, calls FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid
             WHERE datname = 'shop' AND query NOT LIKE '%pg_stat_statements%' ORDER BY query",
        )
        .expect("counters");
    let texts: Vec<&str> = rows
        .iter()
        .map(|row| row[0].as_deref().expect("a text"))
        .collect();
    let mut snapshot = snapshot(cluster, "shop", role, &texts);
    for (statement, row) in snapshot.statements.iter_mut().zip(&rows) {
        let number = |column: usize| row[column].as_deref().expect("a number").to_owned();
        statement.counters.total_exec_time_ms.0 = number(1).parse().expect("a time");
        statement.counters.calls = number(2).parse().expect("a count");
    }
    snapshot
}

/// Panics unless 95 % of the time, and nearly all of the texts, have a plan.
fn assert_covered(snapshot: &Snapshot, label: &str) {
    let planned: BTreeSet<_> = snapshot.plans.iter().map(|plan| &plan.key).collect();
    let (mut all, mut covered, mut count) = (0.0, 0.0, 0);
    let mut without = Vec::new();
    for statement in &snapshot.statements {
        let time = statement.counters.total_exec_time_ms.get();
        all += time;
        if planned.contains(&statement.key) {
            covered += time;
            count += 1;
        } else {
            let outcome = snapshot
                .probes
                .iter()
                .find(|probe| probe.key == statement.key);
            without.push(format!(
                "{:.2} ms {}\n    {:?}",
                time,
                statement.query.as_deref().unwrap_or_default(),
                outcome.map(|o| (o.status, o.reason.as_deref().unwrap_or_default()))
            ));
        }
    }
    println!(
        "{label}: {count} of {} texts planned, {:.2} % of the time; without:\n{}",
        snapshot.statements.len(),
        100.0 * covered / all,
        without.join("\n")
    );
    assert!(covered >= all * 0.95, "{label}: {covered} of {all} ms");
    assert!(
        count * 100 >= snapshot.statements.len() * 95,
        "{label}: {count} texts"
    );
}

#[test]
fn a_wide_workload_gets_plans() {
    for major in majors() {
        let cluster = loaded(major);
        let snapshot = observed(&cluster, major, "postgres");
        assert!(
            snapshot.statements.len() >= 200,
            "{}",
            snapshot.statements.len()
        );
        let before = state(&cluster, "shop");
        let snapshot = probe(&cluster, "postgres", snapshot, &options());
        assert_covered(&snapshot, &format!("{major} superuser"));
        let analyzed = snapshot
            .probes
            .iter()
            .filter(|probe| probe.status == ProbeStatus::Analyzed)
            .count();
        println!("{major}: {analyzed} executed");
        assert!(analyzed >= 150, "{major}: {analyzed}");
        assert_eq!(state(&cluster, "shop"), before);
    }
}

#[test]
fn a_role_that_may_only_read_gets_plans_of_writes_too() {
    for major in majors() {
        let cluster = loaded(major);
        cluster
            .execute(
                "shop",
                "CREATE ROLE reader LOGIN; GRANT USAGE ON SCHEMA audit TO reader; GRANT SELECT ON ALL TABLES IN SCHEMA public, audit TO reader",
            )
            .expect("a role");
        let observed = observed(&cluster, major, "reader");
        let before = state(&cluster, "shop");
        let snapshot = probe(&cluster, "reader", observed, &options());
        assert_covered(&snapshot, &format!("{major} reader"));
        let selects = snapshot
            .plans
            .iter()
            .filter(|plan| plan.planned_text == PlannedText::EquivalentSelect)
            .count();
        assert!(selects >= 20, "{major}: {selects}");
        assert_eq!(state(&cluster, "shop"), before);
    }
}
