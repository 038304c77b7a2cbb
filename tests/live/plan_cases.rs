//! `pgtriage explain` on plans with one known problem each, and on sound ones: what it must find and what it must not.
//!
//! A case is a file of `testdata/plan_cases`: statements that set a database up, a query, session settings, the types
//! of findings that must be there and those that must not. Each is explained live, and again from the plan that a
//! session printed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;

use pgtriage::checks;
use pgtriage::demo::cluster::Cluster;
use serde::Deserialize;
use serde_json::Value;

use crate::program::{pgtriage, text};
use crate::{MAIN_MAJOR, builder, majors};

/// Where a major's plan does not show the problem: case, major, finding, reason.
const NOT_THERE: &[(&str, u32, &str, &str)] = &[
    (
        "jit_on",
        13,
        "jit_overhead",
        "these binaries come without LLVM",
    ),
    (
        "jit_on",
        14,
        "jit_overhead",
        "these binaries come without LLVM",
    ),
    (
        "jit_on",
        16,
        "jit_overhead",
        "these binaries come without LLVM",
    ),
    (
        "jit_on",
        17,
        "jit_overhead",
        "these binaries come without LLVM",
    ),
    (
        "jit_on",
        18,
        "jit_overhead",
        "these binaries come without LLVM",
    ),
    (
        "memoize_ineffective",
        13,
        "memoize_ineffective",
        "Memoize is new in 14",
    ),
];

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    #[serde(skip)]
    name: String,
    setup: Vec<String>,
    /// What the session runs before the query; such a plan can only be got in that session.
    session: Option<String>,
    query: String,
    settings: BTreeMap<String, String>,
    finds: BTreeSet<String>,
    never: BTreeSet<String>,
    #[serde(default, rename = "note")]
    _note: String,
}

fn cases() -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/plan_cases");
    let entries = fs::read_dir(folder).expect("a folder");
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.sort();
    let case = |path: PathBuf| {
        let bytes = fs::read(&path).expect("a file");
        let case: Case = serde_json::from_slice(&bytes)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let name = path
            .file_stem()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        Case { name, ..case }
    };
    paths.into_iter().map(case).collect()
}

impl Case {
    fn set_up(&self, cluster: &Cluster) {
        cluster.create_database(&self.name).expect("a database");
        for statement in &self.setup {
            cluster
                .execute(&self.name, statement)
                .unwrap_or_else(|error| panic!("{}: {statement}: {error}", self.name));
        }
        if cluster.has_extension("hypopg") {
            cluster
                .execute(&self.name, "CREATE EXTENSION hypopg")
                .expect("hypopg");
        }
    }

    /// All cases of all servers together would fill a disk.
    fn clear_away(&self, cluster: &Cluster) {
        cluster
            .execute(
                "postgres",
                &format!("DROP DATABASE {} WITH (FORCE)", self.name),
            )
            .expect("a database less");
    }

    /// What a person runs who saves a plan.
    fn plan(&self, cluster: &Cluster) -> String {
        let mut script = String::new();
        let settings = self.settings.iter();
        script.extend(settings.map(|(name, value)| format!("SET {name} = '{value}'; ")));
        script.extend(self.session.iter().map(|session| format!("{session}; ")));
        script.extend([
            "BEGIN; EXPLAIN (ANALYZE, BUFFERS, VERBOSE, FORMAT JSON) ",
            &self.query,
            "; ROLLBACK",
        ]);
        let rows = cluster
            .query(&self.name, &script)
            .unwrap_or_else(|error| panic!("{}: {error}", self.name));
        let lines = rows.into_iter().flatten().flatten();
        lines.collect::<Vec<String>>().join("\n")
    }

    fn explained_live(&self, cluster: &Cluster) -> Value {
        let uri = cluster.uri(&self.name);
        let mut arguments = vec!["explain", &uri, "-c", &self.query, "--format", "json"];
        let settings: Vec<String> = self
            .settings
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        for setting in &settings {
            arguments.extend(["--set", setting]);
        }
        arguments.push("--analyze-writes");
        pgtriage(&arguments).expect(0).json()
    }

    fn explained_from_file(&self, cluster: &Cluster) -> Value {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("plan.json");
        fs::write(&file, self.plan(cluster)).expect("a file");
        pgtriage(&["explain", "--plan", text(&file), "--format", "json"])
            .expect(0)
            .json()
    }

    /// What is wrong with a report on it.
    fn faults(&self, major: u32, how: &str, report: &Value) -> Vec<String> {
        let known: BTreeSet<&str> = checks::ids().collect();
        let list = report["bottlenecks"].as_array().expect("a list");
        let found: BTreeSet<&str> = list
            .iter()
            .filter_map(|finding| finding["type"].as_str())
            .collect();
        let excused = |id: &str| {
            let mut excuses = NOT_THERE.iter();
            excuses
                .any(|(name, of, what, _)| (*name, *of, *what) == (self.name.as_str(), major, id))
        };
        let wanted = self.finds.iter().map(String::as_str);
        let missing = wanted.filter(|id| known.contains(id) && !found.contains(id) && !excused(id));
        let unwanted = self.never.iter().filter(|id| found.contains(id.as_str()));
        let told = |what: &str, id: &str| {
            format!(
                "{} on {major} {how}: {what} {id}, found {found:?}",
                self.name
            )
        };
        missing
            .map(|id| told("no", id))
            .chain(unwanted.map(|id| told("has", id)))
            .collect()
    }
}

/// On one server of a major version.
fn faults(major: u32) -> Vec<String> {
    let cluster = builder(major)
        .setting("autovacuum", "off")
        .start()
        .expect("a server");
    let mut faults = Vec::new();
    for case in cases() {
        case.set_up(&cluster);
        if case.session.is_none() {
            faults.extend(case.faults(major, "live", &case.explained_live(&cluster)));
        }
        faults.extend(case.faults(major, "saved", &case.explained_from_file(&cluster)));
        case.clear_away(&cluster);
    }
    faults
}

#[test]
fn known_problems_are_found_and_sound_plans_left_alone() {
    let runs: Vec<_> = majors()
        .into_iter()
        .map(|major| thread::spawn(move || faults(major)))
        .collect();
    let faults: Vec<String> = runs
        .into_iter()
        .flat_map(|run| run.join().expect("a run"))
        .collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn the_partitions_of_a_table_are_one_bottleneck() {
    let case = cases()
        .into_iter()
        .find(|case| case.name == "part_wrapped_key");
    let case = case.expect("the case");
    let cluster = builder(MAIN_MAJOR).start().expect("a server");
    case.set_up(&cluster);
    let report = case.explained_live(&cluster);
    let findings = report["bottlenecks"].as_array().expect("a list");
    let leads: Vec<&str> = findings
        .iter()
        .filter(|finding| finding["explained_by"].is_null())
        .filter_map(|finding| finding["id"].as_str())
        .collect();
    assert_eq!(leads, ["non_sargable_predicate:public.part(day)"]);
}

#[test]
fn every_excuse_is_of_a_case() {
    let cases: BTreeMap<String, Case> = cases()
        .into_iter()
        .map(|case| (case.name.clone(), case))
        .collect();
    for (name, major, finding, reason) in NOT_THERE {
        let case = &cases[*name];
        assert!((13..=18).contains(major) && !reason.is_empty());
        assert!(case.finds.contains(*finding), "{name} {finding}");
    }
}
