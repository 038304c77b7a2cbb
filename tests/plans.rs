//! Plans of PostgreSQL 13 to 18, as captured by `scripts/capture-plans`: the model reads them completely, the
//! arithmetic adds up.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

use std::fs;
use std::path::{Path, PathBuf};

use pgtriage::plan::metrics::{Excuse, Metrics, Verdict, WallBasis};
use pgtriage::plan::{Node, NodeType, Plan, columns, read_text};
use pgtriage::sql::redact::Redactor;
use pgtriage::units::{Millis, Rows};
use serde_json::Value;

const MAJORS: [u32; 6] = [13, 14, 15, 16, 17, 18];

/// Keys that the model leaves in `extra` on purpose.
const UNTYPED: [&str; 7] = [
    "Foreign File",
    "Foreign File Size",
    "Grouping Sets",
    "Repeatable Seed",
    "Sampling Method",
    "Sampling Parameters",
    "Window",
];

struct Fixture {
    major: u32,
    name: String,
    raw: Value,
    plan: Plan,
    metrics: Metrics,
}

impl Fixture {
    fn load(major: u32, path: &Path) -> Self {
        let text = fs::read_to_string(path).unwrap();
        let raw = read_text(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let plan = Plan::parse(&raw).unwrap();
        Self {
            major,
            name: path.file_stem().unwrap().to_string_lossy().into_owned(),
            metrics: Metrics::of(&plan),
            plan,
            raw,
        }
    }

    fn named(major: u32, name: &str) -> Self {
        Self::load(major, &directory(major).join(format!("{name}.json")))
    }

    fn describe(&self) -> String {
        format!("{}/{}", self.major, self.name)
    }

    fn self_time(&self, pointer: &str) -> f64 {
        let node = self
            .plan
            .nodes()
            .find(|node| node.pointer() == pointer)
            .unwrap();
        self.metrics.node(node.id).self_time.unwrap().get()
    }

    /// Average × loops of the node at `pointer`, straight from the JSON.
    fn total(&self, pointer: &str) -> f64 {
        self.number(pointer, "Actual Total Time") * self.number(pointer, "Actual Loops")
    }

    fn number(&self, pointer: &str, key: &str) -> f64 {
        self.raw
            .pointer(&format!("{pointer}/{key}"))
            .unwrap_or_else(|| panic!("{}: no {pointer}/{key}", self.describe()))
            .as_f64()
            .unwrap()
    }

    fn misestimates(&self) -> Vec<String> {
        self.metrics
            .deepest_misestimates(&self.plan, 10.0, Rows(50.0))
            .into_iter()
            .map(|node| self.plan.label(node))
            .collect()
    }
}

fn directory(major: u32) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("testdata/plans/{major}"))
}

fn fixtures() -> Vec<Fixture> {
    MAJORS
        .into_iter()
        .flat_map(|major| {
            let mut paths: Vec<PathBuf> = fs::read_dir(directory(major))
                .unwrap()
                .map(|entry| entry.unwrap().path())
                .collect();
            paths.sort();
            paths
                .into_iter()
                .map(move |path| Fixture::load(major, &path))
        })
        .collect()
}

fn is_unknown(word: &impl std::fmt::Debug) -> bool {
    format!("{word:?}").contains("Other(")
}

#[test]
fn every_word_and_key_of_the_supported_versions_is_known() {
    let fixtures = fixtures();
    assert!(fixtures.len() > 450);
    for fixture in fixtures {
        assert!(
            fixture.plan.extra.is_empty(),
            "{}: {:?}",
            fixture.describe(),
            fixture.plan.extra
        );
        for node in fixture.plan.nodes() {
            let at = format!("{} {}", fixture.describe(), node.pointer());
            assert!(!is_unknown(&node.node_type), "{at}: {}", node.node_type);
            for known in [
                is_unknown(&node.strategy),
                is_unknown(&node.partial_mode),
                is_unknown(&node.operation),
                is_unknown(&node.relationship),
                is_unknown(&node.join_type),
                is_unknown(&node.scan_direction),
                is_unknown(&node.sort),
            ] {
                assert!(!known, "{at}: an unknown word in {node:?}");
            }
            for key in node.extra.keys() {
                assert!(UNTYPED.contains(&key.as_str()), "{at}: unknown key {key}");
            }
            for worker in &node.workers {
                assert!(worker.extra.is_empty(), "{at}: {:?}", worker.extra);
            }
        }
    }
}

#[test]
fn pointers_lead_back_to_the_node() {
    for fixture in fixtures() {
        for node in fixture.plan.nodes() {
            let raw = fixture.raw.pointer(&node.pointer_to("Node Type")).unwrap();
            assert_eq!(raw.as_str(), Some(node.node_type.as_str()));
        }
    }
    let timed = Fixture::named(18, "io_timing");
    let pointer = timed.plan.root().pointer_to("Shared I/O Read Time");
    assert!(timed.raw.pointer(&pointer).unwrap().is_number());
}

#[test]
fn own_blocks_add_up_to_the_roots() {
    for fixture in fixtures() {
        let Some(root) = fixture.plan.root().buffers else {
            continue;
        };
        let own: i64 = fixture
            .plan
            .nodes()
            .filter_map(|node| fixture.metrics.node(node.id).self_buffers)
            .map(|blocks| blocks.accessed().get())
            .sum();
        // CTEs that the statement did not read ran after the root.
        let after: i64 = fixture
            .plan
            .nodes()
            .filter(|node| node.subplan_name.as_deref() == Some("CTE marked"))
            .filter_map(|node| node.buffers)
            .map(|blocks| blocks.accessed().get())
            .sum();
        assert_eq!(own, root.accessed().get() + after, "{}", fixture.describe());
    }
}

#[test]
fn self_time_is_the_total_less_the_inputs() {
    for major in MAJORS {
        let hash_join = Fixture::named(major, "hash_join");
        let of = |pointer: &str| hash_join.total(pointer);
        // Aggregate → Hash Join → (Seq Scan on orders, Hash → Seq Scan on customers)
        for (pointer, expected) in [
            ("/Plan", of("/Plan") - of("/Plan/Plans/0")),
            (
                "/Plan/Plans/0",
                of("/Plan/Plans/0") - of("/Plan/Plans/0/Plans/0") - of("/Plan/Plans/0/Plans/1"),
            ),
            ("/Plan/Plans/0/Plans/0", of("/Plan/Plans/0/Plans/0")),
            (
                "/Plan/Plans/0/Plans/1",
                of("/Plan/Plans/0/Plans/1") - of("/Plan/Plans/0/Plans/1/Plans/0"),
            ),
        ] {
            let own = hash_join.self_time(pointer);
            assert!(
                (own - expected).abs() < 0.000_5,
                "{major} {pointer}: {own} {expected}"
            );
        }

        // A sub-plan's time is within the node that has it in an expression, 25 × 1.234 and the like.
        let repeated = Fixture::named(major, "repeated_seq_scan");
        let (join, inner) = ("/Plan/Plans/0", "/Plan/Plans/0/Plans/1");
        let expected =
            repeated.total(join) - repeated.total("/Plan/Plans/0/Plans/0") - repeated.total(inner);
        assert!((repeated.self_time(join) - expected).abs() < 0.02);
        assert!((repeated.number(inner, "Actual Loops") - 25.0).abs() < f64::EPSILON);

        // The InitPlan is printed under the Aggregate and runs in the Seq Scan that compares with it.
        let filter = Fixture::named(major, "initplan_filter");
        let (top, scan) = ("/Plan/Plans/0", "/Plan/Plans/1");
        assert!(
            (filter.self_time(scan) - (filter.total(scan) - filter.total(top))).abs() < 0.000_5
        );
        assert!(
            (filter.self_time("/Plan") - (filter.total("/Plan") - filter.total(scan))).abs()
                < 0.000_5
        );

        // Result owns two InitPlans and runs them itself.
        let result = Fixture::named(major, "initplan_result");
        let own =
            result.total("/Plan") - result.total("/Plan/Plans/0") - result.total("/Plan/Plans/1");
        assert!((result.self_time("/Plan") - own).abs() < 0.000_5);

        // The CTE's whole time is within its only scan, which is the root and owns it.
        let cte = Fixture::named(major, "cte_filtered");
        let own = cte.total("/Plan") - cte.total("/Plan/Plans/0");
        assert!((cte.self_time("/Plan") - own).abs() < 0.000_5);
    }
}

#[test]
fn wall_time_below_a_gather_is_the_longest_process() {
    for major in MAJORS {
        let fixture = Fixture::named(major, "parallel_skewed_verbose");
        let [section] = fixture.metrics.sections() else {
            panic!("{major}: one Gather");
        };
        assert_eq!(section.basis, WallBasis::Measured);
        // Finalize Aggregate → Gather → Partial Aggregate with Workers[]
        let top = "/Plan/Plans/0/Plans/0";
        let workers: Vec<f64> = (0..section.launched)
            .map(|worker| fixture.total(&format!("{top}/Workers/{worker}")))
            .collect();
        let leader = fixture.total(top) - workers.iter().sum::<f64>();
        let longest = workers.into_iter().fold(leader, f64::max);
        assert!((section.wall_time.get() - longest).abs() < 0.000_5);
        let effective = fixture.total(top) / longest;
        assert!((section.effective_processes - effective).abs() < 0.001);
        assert!((1.0..=3.0).contains(&effective));

        let blind = Fixture::named(major, "parallel_skewed");
        let [section] = blind.metrics.sections() else {
            panic!("{major}: one Gather");
        };
        assert_eq!(section.basis, WallBasis::UpperBound);
        assert!(section.wall_time.get() <= blind.total("/Plan/Plans/0") + 0.000_5);

        let alone = Fixture::named(major, "parallel_no_workers");
        let [section] = alone.metrics.sections() else {
            panic!("{major}: one Gather");
        };
        assert_eq!((section.planned, section.launched), (2, 0));
        assert!((section.effective_processes - 1.0).abs() < 1e-9);
    }
}

#[test]
fn rescans_are_loops_beyond_one_a_process() {
    let rescanned = |name: &str, node_type: &NodeType| {
        let fixture = Fixture::named(15, name);
        let node = fixture
            .plan
            .nodes()
            .find(|node| node.node_type == *node_type)
            .unwrap();
        fixture.metrics.node(node.id).rescanned
    };
    assert!(rescanned("repeated_seq_scan", &NodeType::SeqScan));
    assert!(!rescanned("parallel_aggregate", &NodeType::SeqScan));
    assert!(rescanned("nested_parallel_deep", &NodeType::IndexScan));
    assert!(!rescanned("seq_scan_filter", &NodeType::SeqScan));
}

#[test]
fn misestimates_are_real_and_the_deepest() {
    for major in MAJORS {
        for (name, expected) in [
            ("correlated_columns", vec!["Seq Scan on customers c"]),
            ("hash_batches_grew", vec!["Function Scan on guesses g"]),
            ("function_scan", vec!["Function Scan on public.guesses g"]),
            ("foreign_scan", vec!["Foreign Scan on public.csv_rows"]),
            ("limit_stops_early", vec![]),
            ("limit_exhausted", vec![]),
            ("topn_sort", vec![]),
            ("deep_offset", vec![]),
            ("merge_join_overread", vec![]),
            ("merge_join_rescan", vec![]),
            ("semi_join", vec![]),
            ("anti_join", vec![]),
            ("never_executed", vec![]),
            ("append_pruned_at_start", vec![]),
            ("append_pruned_at_run", vec![]),
            ("bitmap_or", vec![]),
            ("parallel_aggregate", vec![]),
            ("initplan_one_time_filter", vec![]),
            ("subplan_exists", vec![]),
            ("group_aggregate_limit", vec![]),
            ("delete_cascade", vec![]),
        ] {
            let fixture = Fixture::named(major, name);
            assert_eq!(fixture.misestimates(), expected, "{}", fixture.describe());
        }
    }
}

#[test]
fn excuses_name_their_reason() {
    for (name, node_type, excuse) in [
        ("limit_stops_early", NodeType::SeqScan, Excuse::BelowLimit),
        (
            "merge_join_overread",
            NodeType::IndexOnlyScan,
            Excuse::BelowMergeJoin,
        ),
        ("never_executed", NodeType::SeqScan, Excuse::NeverExecuted),
        (
            "never_executed",
            NodeType::NestedLoop,
            Excuse::InputNeverExecuted,
        ),
        (
            "append_pruned_at_start",
            NodeType::Append,
            Excuse::SubplansRemoved,
        ),
        (
            "append_pruned_at_run",
            NodeType::Append,
            Excuse::InputNeverExecuted,
        ),
        ("semi_join", NodeType::Materialize, Excuse::SingleMatch),
        ("bitmap_or", NodeType::BitmapOr, Excuse::NoRowCount),
    ] {
        let fixture = Fixture::named(15, name);
        let node = fixture
            .plan
            .nodes()
            .find(|node| node.node_type == node_type)
            .unwrap();
        let verdict = fixture.metrics.node(node.id).estimate.unwrap().verdict;
        assert_eq!(verdict, Verdict::Excused(excuse), "{name} {node_type}");
    }
}

#[test]
fn disabled_nodes_are_seen_in_every_version() {
    for fixture in fixtures() {
        let disabled: Vec<&str> = fixture
            .plan
            .nodes()
            .filter(|node| fixture.plan.disabled(node))
            .map(Node::pointer)
            .collect();
        let expected: &[&str] = if fixture.name == "disabled_node" {
            &["/Plan/Plans/0"]
        } else {
            &[]
        };
        assert_eq!(disabled, expected, "{}", fixture.describe());
    }
}

#[test]
fn top_level_facts_are_read() {
    let memory = Fixture::named(18, "memory_serialize").plan;
    assert!(memory.planning.unwrap().memory_allocated.is_some());
    assert!(memory.serialization.unwrap().output_volume.is_some());
    let settings = Fixture::named(18, "settings").plan;
    assert_eq!(settings.settings["work_mem"].as_deref(), Some("8MB"));
    assert!(settings.query_identifier.is_some());
    let jit = Fixture::named(15, "jit").plan.jit.unwrap();
    assert!(jit.generation.is_some() && jit.total.unwrap() > Millis(0.0));
    for major in MAJORS {
        assert!(
            Fixture::named(major, "auto_explain")
                .plan
                .query_text
                .is_some()
        );
        let triggers = Fixture::named(major, "delete_cascade").plan.triggers;
        assert!(triggers.iter().any(|trigger| trigger.constraint.is_some()));
        let timing_off = Fixture::named(major, "timing_off");
        assert!(timing_off.metrics.accounting().is_none());
        assert!(timing_off.metrics.node(timing_off.plan.root().id).kept > Rows(0.0));
        assert!(!Fixture::named(major, "explain_plain").plan.is_analyzed());
        let io = Fixture::named(major, "io_timing").plan;
        assert!(io.root().io_times.shared_read.is_some());
    }
}

/// Plans are analysed after redaction: it must not change what is found in them.
#[test]
fn redaction_changes_nothing_but_constants() {
    for fixture in fixtures() {
        let mut raw = fixture.raw.clone();
        Redactor::new().plan(&mut raw);
        let redacted = Plan::parse(&raw).unwrap();
        assert_eq!(
            Metrics::of(&redacted),
            fixture.metrics,
            "{}",
            fixture.describe()
        );
        for (before, after) in fixture.plan.nodes().zip(redacted.nodes()) {
            assert_eq!(fixture.plan.label(before), redacted.label(after));
            for (before, after) in before.conditions.iter().zip(&after.conditions) {
                assert_eq!(
                    columns(&before.text),
                    columns(&after.text),
                    "{} {}",
                    before.text,
                    after.text
                );
            }
        }
    }
}

#[test]
fn spills_are_found_in_every_process() {
    for major in MAJORS {
        for (name, node_type) in [
            ("sort_disk", NodeType::Sort),
            ("sort_disk_parallel", NodeType::Sort),
            ("incremental_sort_disk", NodeType::IncrementalSort),
        ] {
            let fixture = Fixture::named(major, name);
            let sort = fixture
                .plan
                .nodes()
                .find(|node| node.node_type == node_type);
            assert!(
                sort.unwrap().sort_on_disk().is_some(),
                "{}",
                fixture.describe()
            );
        }
        let sorted = Fixture::named(major, "sort_memory");
        assert_eq!(sorted.plan.root().sort_on_disk(), None);
        for name in ["hashagg_spill", "hashagg_spill_parallel"] {
            let fixture = Fixture::named(major, name);
            let spilled = fixture
                .plan
                .nodes()
                .any(|node| node.hash_aggregate_spill().is_some());
            assert!(spilled, "{}", fixture.describe());
        }
        let lossy = Fixture::named(major, "bitmap_lossy");
        let blocks = lossy
            .plan
            .nodes()
            .find_map(Node::heap_blocks_total)
            .unwrap();
        assert!(blocks.lossy > blocks.exact);
        let grew = Fixture::named(major, "hash_batches_grew");
        assert!(grew.plan.nodes().any(|node| {
            node.hash
                .is_some_and(|hash| hash.batches > hash.original_batches)
        }));
    }
}
