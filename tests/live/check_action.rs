//! `action.yml`, as a runner of GitHub executes it: the inputs in the environment of each step, its script by bash.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use crate::check_example::Checkout;

/// A step: its environment as written, and its script.
#[derive(Debug, Default)]
struct Step {
    name: String,
    env: Vec<(String, String)>,
    script: String,
}

/// The steps of `action.yml`, of which no more is read than it is written in: one key a line, scripts as blocks.
fn steps() -> Vec<Step> {
    let text = include_str!("../../action.yml");
    let mut steps: Vec<Step> = Vec::new();
    let mut inside = "";
    for line in text.lines().skip_while(|line| line.trim() != "steps:") {
        let depth = line.len() - line.trim_start().len();
        let entry = line.trim_start();
        if let Some(name) = entry.strip_prefix("- name: ") {
            let name = name.to_owned();
            steps.push(Step {
                name,
                ..Step::default()
            });
            inside = "";
        }
        let Some(step) = steps.last_mut() else {
            continue;
        };
        match (depth, entry) {
            (6, "env:" | "run: |") => inside = entry,
            (6, _) => inside = "",
            _ if inside == "run: |" => {
                step.script
                    .push_str(line.strip_prefix("        ").unwrap_or(line));
                step.script.push('\n');
            }
            _ if inside == "env:" => {
                let (name, value) = entry.split_once(": ").expect("a variable");
                step.env.push((name.to_owned(), value.to_owned()));
            }
            _ => {}
        }
    }
    steps
}

/// Runs the step that checks, with these inputs, in a checkout.
fn run(checkout: &Checkout, inputs: &[(&str, &str)]) -> (Output, String, String) {
    let folder = checkout.path();
    let step = steps()
        .into_iter()
        .find(|step| step.name == "Check")
        .expect("a step");
    let script = folder.join("step.sh");
    fs::write(&script, &step.script).expect("a script");
    let program = Path::new(env!("CARGO_BIN_EXE_pgtriage"));
    let tools = std::env::var("PATH").expect("a path");
    let path = format!("{}:{tools}", program.parent().expect("a folder").display());
    let mut bash = Command::new("bash");
    bash.args(["--noprofile", "--norc", "-eo", "pipefail"])
        .arg(&script)
        .current_dir(folder)
        .env("PATH", path)
        .env("GITHUB_OUTPUT", folder.join("output"))
        .env("GITHUB_STEP_SUMMARY", folder.join("summary"));
    for (name, value) in &step.env {
        let input = value
            .strip_prefix("${{ inputs.")
            .and_then(|rest| rest.strip_suffix(" }}"))
            .expect("an input");
        let given = inputs.iter().find(|(name, _)| *name == input);
        let default = if input == "working-directory" {
            "."
        } else {
            ""
        };
        bash.env(name, given.map_or(default, |(_, value)| *value));
    }
    let output = bash.output().expect("bash runs");
    let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap_or_default();
    (output, read("output"), read("summary"))
}

#[test]
fn scripts_of_the_action_take_inputs_from_the_environment_alone() {
    let steps = steps();
    assert_eq!(steps.len(), 2);
    for step in steps {
        assert!(!step.script.contains("${{"), "{}", step.script);
        assert!(!step.script.is_empty() && !step.env.is_empty());
    }
}

#[test]
fn the_action_fails_with_annotations_a_summary_and_sarif() {
    let checkout = Checkout::new();
    let database = checkout.uri();
    let inputs = [("database", database.as_str())];
    let (clean, output, summary) = run(&checkout, &inputs);
    assert_eq!(clean.status.code(), Some(0), "{clean:?}");
    assert_eq!(output, "exit-code=0\n");
    assert!(
        summary.contains("nothing found in 6 statements"),
        "{summary}"
    );

    checkout.migrate("002_drop_index.sql");
    let evil = "queries\nno$(touch pwned)`touch pwned`;touch pwned.sql";
    let inputs = [("database", database.as_str()), ("paths", evil)];
    let (refused, output, _) = run(&checkout, &inputs);
    assert_eq!(refused.status.code(), Some(2), "{refused:?}");
    assert!(output.ends_with("exit-code=2\n"));
    assert!(!checkout.path().join("pwned").exists());

    let inputs = [
        ("database", database.as_str()),
        ("paths", "queries"),
        ("arguments", "--only\nunservable_predicate"),
    ];
    let (fails, output, summary) = run(&checkout, &inputs);
    assert_eq!(fails.status.code(), Some(1), "{fails:?}");
    assert!(output.ends_with("exit-code=1\n"));
    let annotations = String::from_utf8(fails.stdout).expect("text");
    assert!(
        annotations.contains("::error file=queries/orders.sql,line=2,"),
        "{annotations}"
    );
    assert!(summary.contains("1 of 6 statements failed"), "{summary}");
    let sarif = fs::read_to_string(checkout.path().join("pgtriage.sarif")).expect("a log");
    assert!(sarif.contains("\"uri\": \"queries/orders.sql\""));
}
