//! `stale_stats`: a table's statistics do not describe it any more, or never did.

use std::collections::BTreeMap;

use super::modified;
use super::support::{Scan, Words, advice};
use super::{Case, CasePlan, Category, Check, CheckMeta, Proposal, TableRef, Threshold};
use crate::finding::{
    Action, CheckId, Draft, Evidence, Impact, Location, Recommendation, Source, Subject, Unit,
    Weight,
};
use crate::format;
use crate::ids::{QualifiedName, quote_ident};
use crate::plan::{ConditionKind, Node, NodeType};
use crate::snapshot::{Area, RelationKind};
use crate::units::Rows;

/// Rows modified since the last ANALYZE, as a share of the live rows: twice what lets autovacuum analyze
/// (`autovacuum_analyze_scale_factor`, 10 %).
static MIN_MODIFIED: Threshold<f64> = Threshold {
    key: "stale_stats.min_modified_share",
    default: 0.20,
    unit: Unit::Ratio,
    what: "rows modified since the last ANALYZE as a share of the live rows",
};

static MIN_LIVE: Threshold<f64> = Threshold {
    key: "stale_stats.min_live_rows",
    default: 1_000.0,
    unit: Unit::Rows,
    what: "live rows of a table that was modified or never analysed",
};

/// The larger row count over the smaller of a scan without conditions, which needs no statistics but the table's size.
static MIN_FACTOR: Threshold<f64> = Threshold {
    key: "stale_stats.min_factor",
    default: 10.0,
    unit: Unit::Factor,
    what: "the larger row count over the smaller of a scan without conditions",
};

static MIN_ROWS: Threshold<Rows> = Threshold {
    key: "stale_stats.min_rows",
    default: Rows(1_000.0),
    unit: Unit::Rows,
    what: "rows on the larger side of such a scan",
};

/// The check's id.
pub const ID: CheckId = CheckId::new("stale_stats");

static META: CheckMeta = CheckMeta {
    id: ID,
    title: "stale statistics",
    summary: "a probed table was never analysed, has 20 % modified rows, or a size off by 10 times",
    category: Category::Schema,
    needs: &[Area::Plans, Area::Tables],
    thresholds: &[&MIN_MODIFIED, &MIN_LIVE, &MIN_FACTOR, &MIN_ROWS],
    page: include_str!("stale_stats.md"),
};

/// The check.
#[derive(Debug)]
pub struct StaleStats;

impl Check for StaleStats {
    fn meta(&self) -> &'static CheckMeta {
        &META
    }

    fn run(&self, case: &Case<'_>, found: &mut Vec<Proposal>) {
        let mut probed: BTreeMap<usize, TableRef<'_>> = BTreeMap::new();
        for plan in &case.plans {
            for node in plan.plan.nodes() {
                let Some(scan) = Scan::of(case, plan, node, &[]) else {
                    continue;
                };
                probed.extend(scan.table.map(|table| (table.place, table)));
                found.extend(wrong_size(case, plan, node, &scan));
            }
        }
        found.extend(probed.into_values().filter_map(|table| behind(case, table)));
    }
}

/// A scan without conditions whose row count is off.
fn wrong_size<'a>(
    case: &Case<'a>,
    plan: &CasePlan<'a>,
    node: &Node,
    scan: &Scan<'a>,
) -> Option<Proposal> {
    let bare =
        node.node_type == NodeType::SeqScan && node.condition(&ConditionKind::Filter).is_none();
    let estimate = plan.metrics_of(node).estimate?;
    if !bare || !plan.is_analyzed() || !estimate.is_off_by(MIN_FACTOR.of(case), MIN_ROWS.of(case)) {
        return None;
    }
    let estimated = estimate.estimated.per_loop().get();
    let actual = estimate.actual.per_loop().get();
    let title = format!(
        "stale statistics of {}: {} rows expected, {} there",
        scan.name,
        format::count(estimated),
        format::count(actual)
    );
    let proof = plan.read(
        "rows that came a loop",
        actual,
        Unit::Rows,
        node,
        "Actual Rows",
    );
    let advice = analyze(&written(scan, node));
    let draft = Draft::new(scan.subject(case, plan), title, proof, advice)
        .with(plan.read(
            "rows expected a loop",
            estimated,
            Unit::Rows,
            node,
            "Plan Rows",
        ))
        .at(scan.location());
    Some(case.of_node(plan, node, plan.share_beside(node), draft))
}

/// The table's name as SQL has it, by a saved plan as far as that tells.
fn written(scan: &Scan<'_>, node: &Node) -> String {
    let of_plan = || match node.target.schema.as_deref() {
        Some(schema) => QualifiedName::new(schema, scan.name.as_str()).to_string(),
        None => quote_ident(&scan.name).into_owned(),
    };
    scan.table
        .map_or_else(of_plan, |table| table.table.name.to_string())
}

/// A table that many modifications have changed since its last ANALYZE, or that never had one.
fn behind(case: &Case<'_>, table: TableRef<'_>) -> Option<Proposal> {
    let modified = modified::since_analyze(table)?;
    if modified.live < MIN_LIVE.of(case) || table.table.kind == RelationKind::ForeignTable {
        return None;
    }
    let live = Evidence::computed(
        "live rows",
        modified.live,
        Unit::Rows,
        Source::PgStat,
        modified.live_formula,
    );
    let name = &table.table.name.to_string();
    let draft = if never_analyzed(case, table) {
        let title = format!("stale statistics: {name} was never analysed");
        Draft::new(subject(table), title, live, analyze(name))
    } else if modified.share >= MIN_MODIFIED.of(case) {
        let title = format!(
            "stale statistics of {name}: {} of its rows modified since the last ANALYZE",
            format::percent(modified.share)
        );
        let label = "rows modified since the last ANALYZE, as a share of the live ones";
        let proof = Evidence::computed(
            label,
            modified.share,
            Unit::Ratio,
            Source::PgStat,
            modified.share_formula,
        );
        Draft::new(subject(table), title, proof, analyze(name)).with(live)
    } else {
        return None;
    };
    // No plan is proven to suffer: what suffers is a finding of its own.
    let impact = Impact {
        text: "no plan is proven to suffer from it".to_owned(),
        ..Impact::default()
    };
    let draft = draft
        .at(location(table))
        .costing(impact)
        .weighed(Weight::Plan(0.0));
    Some(Proposal {
        families: Vec::new(),
        draft,
    })
}

/// No ANALYZE on record and no column with statistics, although the role could see them. (The record alone is lost with
/// the statistics files after a crash.)
fn never_analyzed(case: &Case<'_>, table: TableRef<'_>) -> bool {
    let visible = table.table.readable && case.snapshot.gap(Area::ColumnStatistics).is_none();
    let columns = &table.table.columns;
    visible
        && table.table.last_analyze.is_none()
        && !columns.is_empty()
        && columns.iter().all(|column| column.statistics.is_none())
}

fn subject(table: TableRef<'_>) -> Subject {
    Subject::new(table.table.name.to_string())
}

fn location(table: TableRef<'_>) -> Location {
    Location {
        table: Some(table.table.name.to_string()),
        ..Location::default()
    }
}

fn analyze(name: &str) -> Recommendation {
    let summary =
        format!("analyze {name}; where that recurs, lower its autovacuum_analyze_scale_factor");
    let words = Words {
        summary: &summary,
        expected: "row counts near the truth; what that gains is unknown until the plans are read again",
        risk: "ANALYZE reads a sample of the table and holds a lock that blocks only schema changes",
    };
    let mut advice = advice(Action::Analyze, words);
    advice.ddl.push(format!("ANALYZE {name};"));
    advice
}
