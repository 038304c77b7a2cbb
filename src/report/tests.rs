use proptest::prelude::*;
use unicode_width::UnicodeWidthStr;

use super::terminal::{Colour, Terminal};
use super::{json, markdown, plan_lines, plan_tree};
use crate::finding::*;
use crate::ids::{QualifiedName, QueryId};
use crate::snapshot::{IndexDefinition, ProbeStatus, WhatIfBasis};
use crate::units::{Bytes, Cost, Millis, Rows};

pub(super) const QUERY: &str = "SELECT * FROM orders WHERE customer_id = $1 ORDER BY created_at";

pub(super) fn missing_index(query: &str) -> Finding {
    let advice = Recommendation {
        kind: Action::CreateIndex,
        summary: "create an index on public.orders (customer_id)".to_owned(),
        ddl: vec![
            "CREATE INDEX CONCURRENTLY orders_customer_id_idx ON public.orders (customer_id);"
                .to_owned(),
        ],
        rollback: vec!["DROP INDEX CONCURRENTLY public.orders_customer_id_idx;".to_owned()],
        rewrite: None,
        index: Some(IndexDefinition::btree(
            &QualifiedName::new("public", "orders"),
            ["customer_id"],
        )),
        expected: Expected {
            text: "99.9 % less planner cost".to_owned(),
            before_cost: Some(Cost(12_345.0)),
            after_cost: Some(Cost(8.5)),
            before_ms: None,
            after_ms: None,
            improvement_percent: Some(99.9),
            basis: WhatIfBasis::Hypopg,
        },
        risk: Risk {
            text: "11 MB; 3.2 writes a second pay for it".to_owned(),
            size_bytes: Some(Bytes(11_534_336)),
            writes_per_second: Some(3.2),
            hot_ratio: None,
        },
    };
    let proof = Evidence::read(
        "rows removed by filter",
        499_880.0,
        Unit::Rows,
        Source::ExplainAnalyze,
        "/plans/0/plan/Plan/Rows Removed by Filter",
    );
    Draft::new(
        Subject::new("public.orders(customer_id)"),
        "missing index on public.orders (customer_id)",
        proof,
        advice,
    )
    .with(Evidence::read(
        "calls",
        92_011.0,
        Unit::Calls,
        Source::PgStatStatements,
        "/statements/0/counters/calls",
    ))
    .at(Location {
        table: Some("public.orders".to_owned()),
        columns: vec!["customer_id".to_owned()],
        queryids: vec![QueryId(42)],
        query: Some(query.to_owned()),
        ..Location::default()
    })
    .costing(Impact {
        text: "92,011 calls, 19.4 ms each".to_owned(),
        time_ms: Some(Millis(6_480_000.0)),
        share: Some(0.43),
        calls: Some(92_011),
    })
    .stamp(CheckId::new("missing_index"), Severity::Critical)
}

pub(super) fn report(bottlenecks: Vec<Finding>) -> Report {
    let estimated = Estimated {
        value: Some(0.4),
        basis: EstimateBasis::Estimated,
    };
    Report {
        schema_version: SCHEMA_VERSION,
        tool: ToolInfo {
            name: "pgtriage",
            version: "0.1.0",
        },
        status: Status::Partial,
        summary: format!(
            "{} bottleneck accounts for 43 % of the execution time",
            bottlenecks.len()
        ),
        target: Some(Target {
            database: "shop".to_owned(),
            address: Some("db.staging:5432".to_owned()),
            server_version: "15.18".to_owned(),
            role: "triage".to_owned(),
            superuser: false,
            in_recovery: false,
            captured_at: Some("2026-11-22T10:00:00Z".parse().unwrap()),
        }),
        window: Some(WindowInfo {
            kind: WindowKind::SinceReset,
            from: None,
            to: "2026-11-22T10:00:00Z".parse().unwrap(),
            seconds: Some(532_800.0),
        }),
        baseline_metrics: Some(BaselineMetrics {
            statements: 812,
            families: 240,
            calls: 1_200_000,
            total_exec_time_ms: Millis(14_760_000.0),
            throughput_qps: Some(13.9),
            mean_ms: Some(Millis(0.78)),
            cache_hit_ratio: Some(0.993),
            p50_ms: estimated,
            p95_ms: estimated,
            p99_ms: estimated,
            calls_over_time: None,
        }),
        log: None,
        statements: vec![ReportStatement {
            queryid: Some(QueryId(42)),
            family: "select * from orders where customer_id = ?".to_owned(),
            members: vec![QueryId(42)],
            query: QUERY.to_owned(),
            role: Some("app".to_owned()),
            toplevel: true,
            calls: 92_011,
            rows: Some(Rows(11_041_320.0)),
            total_exec_time_ms: Millis(6_480_000.0),
            mean_exec_time_ms: Some(Millis(70.4)),
            p50_ms: estimated,
            p95_ms: estimated,
            p99_ms: estimated,
            calls_over_time: None,
            share: Some(0.43),
            probe: Probe {
                status: ProbeStatus::Refused,
                reason: Some(
                    "function public.f() is owned by mallory, who is not trusted".to_owned(),
                ),
                remedy: Some("--trust-owner mallory".to_owned()),
            },
        }],
        bottlenecks,
        plans: Vec::new(),
        checked: Vec::new(),
        probed_plans: Vec::new(),
        skipped: vec![Skipped {
            check: Looker::Check(CheckId::new("io_bound_statement")),
            reason: "track_io_timing is off".to_owned(),
            remedy: Some("ALTER SYSTEM SET track_io_timing = on;".to_owned()),
        }],
        caveats: vec![Caveat::UnknownTableWindow],
    }
}

/// Reasons end alike; who is told apart by whose they are.
#[test]
fn a_probe_is_told_once_and_no_other_in_its_place() {
    let skipped = |check: Looker, reason: &str| Skipped {
        check,
        reason: reason.to_owned(),
        remedy: None,
    };
    let mut told = report(Vec::new());
    let noted = "statement 42 (43 % of the execution time) refused: in other words";
    let other = "statement 7 refused: function public.f() is owned by mallory, who is not trusted";
    told.skipped = vec![
        skipped(Looker::Probe(Some(QueryId(42))), noted),
        skipped(Looker::Probe(Some(QueryId(7))), other),
    ];
    let page = markdown::render(&told);
    assert!(!page.contains("in other words"), "{page}");
    assert!(page.contains("statement 7 refused"), "{page}");
}

#[test]
fn terminal_page() {
    let page = Terminal {
        columns: 80,
        colour: Colour::Off,
    }
    .render(&report(vec![missing_index(QUERY)]));
    insta::assert_snapshot!(page);
}

#[test]
fn terminal_page_wide() {
    let page = Terminal {
        columns: 140,
        colour: Colour::Off,
    }
    .render(&report(vec![missing_index(QUERY)]));
    insta::assert_snapshot!(page);
}

#[test]
fn a_long_title_is_wrapped_and_one_call_is_one() {
    let mut finding = missing_index("SELECT 1");
    finding.title =
        "temporary files: 8,746 blocks written a call in SELECT orders, order_items, products"
            .to_owned();
    finding.impact.calls = Some(1);
    let terminal = Terminal {
        columns: 80,
        colour: Colour::Off,
    };
    let page = terminal.render(&report(vec![finding.clone()]));
    let long = |line: &&str| line.chars().count() > 80 && !line.contains("CREATE INDEX");
    assert_eq!(page.lines().find(long), None);
    let wide = Terminal {
        columns: 140,
        colour: Colour::Off,
    };
    assert!(wide.render(&report(vec![finding])).contains(" 1 call "));
}

#[test]
fn markdown_ticket() {
    insta::assert_snapshot!(markdown::render(&report(vec![missing_index(QUERY)])));
}

#[test]
fn json_document() {
    insta::assert_snapshot!(json::render(&report(vec![missing_index(QUERY)])).unwrap());
}

#[test]
fn colour_changes_nothing_but_escapes() {
    let report = report(vec![missing_index(QUERY)]);
    let plain = Terminal {
        columns: 100,
        colour: Colour::Off,
    }
    .render(&report);
    let coloured = Terminal {
        columns: 100,
        colour: Colour::On,
    }
    .render(&report);
    assert!(coloured.contains("\u{1b}["));
    let escapes = regex::Regex::new("\u{1b}\\[[0-9;]*m").unwrap();
    let words = |text: &str| {
        text.split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(words(&escapes.replace_all(&coloured, "")), words(&plain));
}

#[test]
fn markdown_is_cut_by_finding_below_the_limit() {
    let many = report(vec![missing_index(QUERY); 500]);
    let text = markdown::render(&many);
    assert!(text.chars().count() <= markdown::GITHUB_COMMENT_LIMIT);
    assert!(text.contains("findings are left out"));
    assert_eq!(text.matches("```").count() % 2, 0);
}

#[test]
fn a_table_of_findings_that_is_too_long_is_cut_as_well() {
    for count in [450, 600, 5_000] {
        let text = markdown::render(&report(vec![missing_index(QUERY); count]));
        let length = text.chars().count();
        assert!(length <= markdown::GITHUB_COMMENT_LIMIT, "{length}");
        let rows = text
            .lines()
            .filter(|line| line.starts_with("| ") && line.contains("CRITICAL"));
        let shown = rows.count();
        assert_eq!(
            shown < count,
            text.contains(&format!("*… and {} more*", count - shown))
        );
    }
}

#[test]
fn one_finding_that_is_left_out_is_one() {
    let two = report(vec![missing_index(QUERY); 2]);
    let whole = markdown::render(&two).chars().count();
    let cuts: Vec<String> = (1_000..whole)
        .step_by(50)
        .map(|limit| markdown::render_within(&two, limit))
        .collect();
    assert!(
        cuts.iter()
            .any(|text| text.contains("*1 finding is left out"))
    );
    assert!(
        cuts.iter()
            .any(|text| text.contains("*2 findings are left out"))
    );
}

#[test]
fn hostile_query_text_stays_inside_its_fence() {
    let text = markdown::render(&report(vec![missing_index(
        "SELECT '```\n# gotcha' /* @all */",
    )]));
    assert!(text.contains("````sql"));
    assert!(!text.lines().any(|line| line.starts_with("# gotcha")));
}

proptest! {
    #[test]
    fn no_line_but_sql_is_wider_than_the_terminal(query in "\\PC{0,300}", columns in 60_usize..160) {
        let page = Terminal { columns, colour: Colour::Off }.render(&report(vec![missing_index(&query)]));
        for line in page.lines().filter(|line| !line.contains(" INDEX CONCURRENTLY ") && !line.contains("→")) {
            prop_assert!(line.width() <= columns, "{} > {columns}: {line}", line.width());
        }
    }
}

/// A plan of testdata.
fn plan_of(path: &std::path::Path) -> plan_tree::PlanTree {
    let text = std::fs::read_to_string(path).unwrap();
    let plan = crate::plan::read_text(&text).unwrap();
    let snapshot = crate::snapshot::Snapshot::of_plans(vec![plan]).unwrap();
    let marks = plan_tree::Marks::default();
    plan_tree::PlanTree::of(0, None, &snapshot.plans[0], &marks).unwrap()
}

#[test]
fn every_plan_is_drawn_within_the_width() {
    use unicode_width::UnicodeWidthStr;
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/plans");
    let mut drawn = 0;
    for major in 13..=18 {
        for file in std::fs::read_dir(folder.join(major.to_string())).unwrap() {
            let path = file.unwrap().path();
            if path.extension().is_none_or(|suffix| suffix != "json") {
                continue;
            }
            let tree = plan_of(&path);
            for columns in [80, 100, 140] {
                let lines = plan_lines::lines(&tree, columns);
                let nodes = lines
                    .iter()
                    .filter(|line| line.kind == plan_lines::Kind::Node);
                assert!(nodes.count() >= tree.nodes.len(), "{}", path.display());
                for line in &lines {
                    assert!(
                        line.text.width() <= columns,
                        "{}: {}",
                        path.display(),
                        line.text
                    );
                }
            }
            drawn += 1;
        }
    }
    assert!(drawn > 50, "{drawn} plans");
}

#[test]
fn a_plan_shows_where_the_time_went() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/plans/15");
    let tree = plan_of(&path.join("hashagg_spill_parallel.json"));
    let lines: Vec<String> = plan_lines::lines(&tree, 80)
        .into_iter()
        .map(|line| line.text)
        .collect();
    insta::assert_snapshot!("plan_tree", lines.join("\n"));
}
