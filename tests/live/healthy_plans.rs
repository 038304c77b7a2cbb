//! Over a hundred sound statements on a well-kept database: no plan check finds anything in their plans, on any major.

use std::fs;
use std::path::Path;
use std::thread;

use pgtriage::analyze::{Config, analyze};
use pgtriage::collect::{self, observe};
use pgtriage::finding::Report;
use pgtriage::probe::{ProbeOptions, Writes};
use pgtriage::snapshot::{Scope, Snapshot};

use crate::collect::client;
use crate::probing::{options, probe, runtime, snapshot};
use crate::{builder, majors};

const DATABASE: &str = "kept";

fn read(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/healthy_plans");
    fs::read_to_string(folder.join(name)).expect("a file")
}

/// The statements on a server of that major, with all that `explain` would look at.
fn explained(major: u32, texts: &[&str]) -> Snapshot {
    let cluster = builder(major)
        .setting("autovacuum", "off")
        .start()
        .expect("a server");
    cluster.create_database(DATABASE).expect("a database");
    cluster
        .execute(DATABASE, &read("schema.sql"))
        .expect("a schema");
    cluster.execute(DATABASE, "VACUUM ANALYZE").expect("vacuum");
    let mut observed = runtime().block_on(async {
        let client = client(&cluster, "postgres", DATABASE).await;
        observe(&client, &collect::Options::default())
            .await
            .expect("an observation")
    });
    observed.statements = snapshot(&cluster, DATABASE, "postgres", texts).statements;
    observed.scope = Scope::Explained;
    let options = ProbeOptions {
        writes: Writes::Executed,
        runs: 2,
        ..options()
    };
    let mut explained = probe(&cluster, "postgres", observed, &options);
    explained.count_executions();
    explained
}

/// What is found in each plan's statement alone, so that no other one takes its share away.
fn found(major: u32, texts: &[&str]) -> Vec<String> {
    let all = explained(major, texts);
    assert_eq!(all.plans.len(), texts.len(), "PostgreSQL {major}");
    let mut found = Vec::new();
    for (place, text) in texts.iter().enumerate() {
        let mut one = all.clone();
        one.statements = vec![all.statements[place].clone()];
        let key = one.statements[0].key.clone();
        one.plans.retain(|plan| plan.key == key);
        one.probes.retain(|probe| probe.key == key);
        assert_eq!(one.plans.len(), 1, "PostgreSQL {major}: {text}");
        let report: Report = analyze(&one, &Config::default());
        found.extend(
            report
                .bottlenecks
                .iter()
                .map(|finding| format!("PostgreSQL {major}: {} in {text}", finding.id)),
        );
    }
    found
}

#[test]
fn nothing_is_found_in_sound_plans() {
    let statements = read("statements.sql");
    let lines = statements.lines();
    let texts: Vec<&str> = lines.filter(|line| !line.starts_with("--")).collect();
    assert!(texts.len() >= 100);
    let texts = texts.as_slice();
    let found: Vec<String> = thread::scope(|scope| {
        let runs: Vec<_> = majors()
            .into_iter()
            .map(|major| scope.spawn(move || found(major, texts)))
            .collect();
        runs.into_iter()
            .flat_map(|run| run.join().expect("a run"))
            .collect()
    });
    assert!(found.is_empty(), "{}", found.join("\n"));
}
