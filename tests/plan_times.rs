//! The self times of all nodes of the captured plans against the times that the server printed, read here from the JSON
//! alone.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

use std::fs;
use std::path::Path;

use pgtriage::plan::metrics::Metrics;
use pgtriage::plan::{Node, Plan, Relationship, read_text};
use serde_json::Value;

const MAJORS: [u32; 6] = [13, 14, 15, 16, 17, 18];

/// Captures without times.
const UNTIMED: [&str; 4] = [
    "explain_costs_off",
    "explain_plain",
    "generic_plan",
    "timing_off",
];

/// EXPLAIN prints averages with three decimals, so that a total is off by up to this × loops.
const ROUNDING_MS: f64 = 0.0005;

struct Capture {
    name: String,
    raw: Value,
    plan: Plan,
    metrics: Metrics,
}

impl Capture {
    fn read(major: u32, path: &Path) -> Self {
        let raw = read_text(&fs::read_to_string(path).unwrap()).unwrap();
        let plan = Plan::parse(&raw).unwrap();
        Self {
            name: format!("{major}/{}", path.file_stem().unwrap().to_string_lossy()),
            metrics: Metrics::of(&plan),
            plan,
            raw,
        }
    }

    fn is_timed(&self) -> bool {
        !UNTIMED.iter().any(|name| self.name.ends_with(name))
    }

    fn number(&self, pointer: &str) -> f64 {
        let value = self.raw.pointer(pointer).and_then(Value::as_f64);
        value.unwrap_or_else(|| panic!("{}: no number at {pointer}", self.name))
    }

    /// Average × loops.
    fn total(&self, node: &Node) -> f64 {
        let of = |key| self.number(&node.pointer_to(key));
        of("Actual Total Time") * of("Actual Loops")
    }

    fn own(&self, node: &Node) -> f64 {
        let time = self.metrics.node(node.id).self_time;
        time.unwrap_or_else(|| panic!("{}: no time of {}", self.name, node.pointer()))
            .get()
    }

    /// By how much the totals of a node and of all below it may be off together.
    fn rounding(&self, top: &Node) -> f64 {
        let nodes = self.plan.subtree(top);
        let loops: f64 = nodes
            .map(|node| self.number(&node.pointer_to("Actual Loops")))
            .sum();
        ROUNDING_MS * (loops + 1.0)
    }

    /// The time of CTEs that write and that the statement did not read to their end: they run on after the root.
    fn after_root(&self) -> f64 {
        self.metrics.accounting().unwrap().after_root.get()
    }
}

fn captures() -> Vec<Capture> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/plans");
    let mut all = Vec::new();
    for major in MAJORS {
        let entries = fs::read_dir(root.join(major.to_string())).unwrap();
        let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        all.extend(paths.iter().map(|path| Capture::read(major, path)));
    }
    all
}

#[test]
fn no_capture_is_left_out() {
    let captures = captures();
    assert!(captures.len() > 500);
    for capture in captures {
        let timed = capture.metrics.accounting().is_some();
        assert_eq!(timed, capture.is_timed(), "{}", capture.name);
    }
}

/// All nodes together: the root's time as printed, and what ran on after it.
#[test]
fn self_times_add_up_to_the_roots_time() {
    for capture in captures().iter().filter(|capture| capture.is_timed()) {
        let own: f64 = capture.plan.nodes().map(|node| capture.own(node)).sum();
        let root = capture.plan.root();
        let whole = capture.total(root) + capture.after_root();
        let off = (own - whole).abs();
        assert!(
            off <= 0.001 * whole + capture.rounding(root),
            "{}: {own} of {whole}",
            capture.name
        );
        for node in capture.plan.nodes() {
            let own = capture.own(node);
            assert!(
                (0.0..=capture.total(node) + capture.rounding(node)).contains(&own),
                "{} {}: {own}",
                capture.name,
                node.pointer()
            );
        }
    }
}

/// Each part of a plan: what stands below a node adds up to that node's printed time, where no process runs beside it
/// and no `InitPlan` or CTE is printed elsewhere than it ran.
#[test]
fn self_times_add_up_to_each_nodes_time() {
    let mut compared = 0;
    for capture in captures().iter().filter(|capture| capture.is_timed()) {
        let plan = &capture.plan;
        if plan.nodes().any(Node::is_init_plan) {
            continue;
        }
        for top in plan.nodes().filter(|node| plan.gather_of(node).is_none()) {
            let own: f64 = plan.subtree(top).map(|node| capture.own(node)).sum();
            let total = capture.total(top);
            compared += 1;
            assert!(
                (own - total).abs() <= capture.rounding(top),
                "{} {}: {own} of {total}",
                capture.name,
                top.pointer()
            );
        }
    }
    assert!(compared > 1_000, "{compared}");
}

/// What is parallel: below a Gather all processes' work adds up to the time that passed meanwhile, which is no longer
/// than the Gather ran.
#[test]
fn self_times_below_a_gather_add_up_to_the_time_that_passed() {
    let mut sections = 0;
    for capture in captures().iter().filter(|capture| capture.is_timed()) {
        for section in capture.metrics.sections() {
            let gather = capture.plan.node(section.gather);
            let below = capture
                .plan
                .child(gather, &Relationship::Outer)
                .unwrap_or_else(|| panic!("{}: nothing below", capture.name));
            let own: f64 = capture
                .plan
                .subtree(below)
                .map(|node| capture.own(node))
                .sum();
            let wall = section.wall_time.get();
            sections += 1;
            assert!(
                (own - wall).abs() <= 0.001 * wall + capture.rounding(below),
                "{}: {own} of {wall}",
                capture.name
            );
            assert!(
                wall <= capture.total(gather) + capture.rounding(gather),
                "{}: {wall}",
                capture.name
            );
        }
    }
    assert!(sections > 50, "{sections}");
}

/// The whole: nodes, AFTER triggers and serialization are the execution time within 1 %, but for what the executor does
/// outside of them all.
#[test]
fn self_times_add_up_to_the_execution_time() {
    let mut compared = 0;
    for capture in captures().iter().filter(|capture| capture.is_timed()) {
        if capture.name.ends_with("auto_explain") {
            continue;
        }
        let execution = capture.number("/Execution Time");
        let own: f64 = capture.plan.nodes().map(|node| capture.own(node)).sum();
        let optional = |pointer| capture.raw.pointer(pointer).and_then(Value::as_f64);
        let serialized = optional("/Serialization/Time").unwrap_or_default();
        let triggers = capture.metrics.accounting().unwrap().triggers_after.get();
        let sum = own + triggers + serialized;
        let outside = Outside::of(capture).most();
        compared += 1;
        assert!(
            (-0.01 * execution..=0.01 * execution + outside).contains(&(execution - sum)),
            "{}: {sum} of {execution}, at most {outside} outside",
            capture.name
        );
    }
    assert!(compared > 480, "{compared}");
}

/// What the executor does outside of all nodes and triggers.
struct Outside {
    /// Opens and closes each relation, and prunes partitions as it starts.
    nodes: usize,
    /// Removes temporary files.
    temporary_files: bool,
    /// Waits for the workers to end.
    workers: bool,
    /// Fires triggers, whose queue is outside of their own time.
    trigger_calls: f64,
    /// Hands rows to the serialization and looks at the clock for each.
    serialized_rows: f64,
    /// Compiles expressions as it starts.
    compiling: f64,
}

impl Outside {
    fn of(capture: &Capture) -> Self {
        let root = capture.plan.root();
        let triggers = capture.raw.pointer("/Triggers").and_then(Value::as_array);
        let calls = |trigger: &Value| trigger["Calls"].as_f64().unwrap_or_default();
        let serialized = capture.raw.pointer("/Serialization");
        let rows = capture.metrics.node(root.id).kept.get();
        let compiling = capture.raw.pointer("/JIT/Timing/Total");
        let written = root
            .buffers
            .is_some_and(|buffers| buffers.temp.written.get() > 0);
        Self {
            nodes: capture.plan.node_count(),
            temporary_files: written,
            workers: !capture.metrics.sections().is_empty(),
            trigger_calls: triggers.into_iter().flatten().map(calls).sum(),
            serialized_rows: serialized.map_or(0.0, |_| rows),
            compiling: compiling.and_then(Value::as_f64).unwrap_or_default(),
        }
    }

    /// In milliseconds, on the machine that made the captures.
    fn most(&self) -> f64 {
        let start: f64 = std::iter::repeat_n(0.03, self.nodes).sum::<f64>() + 0.5;
        let files = if self.temporary_files { 5.0 } else { 0.0 };
        let workers = if self.workers { 1.0 } else { 0.0 };
        start
            + files
            + workers
            + 0.001 * self.trigger_calls
            + 0.0001 * self.serialized_rows
            + self.compiling
    }
}
