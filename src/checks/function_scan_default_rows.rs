//! `function_scan_default_rows`: the planner takes a row count that nobody has declared.

use super::support::{Words, advice, each_node};
use super::{
    Case, CasePlan, Category, Check, CheckMeta, Proposal, Threshold, is_system, row_misestimate,
};
use crate::finding::{Action, CheckId, Draft, Recommendation, Subject, Unit};
use crate::format;
use crate::ids::QualifiedName;
use crate::plan::{Node, NodeType};
use crate::snapshot::Area;
use crate::units::ratio;

/// What the planner assumes: 1,000 of a function that says nothing (functioncmds.c), 100 of most built-in ones
/// (`pg_proc.dat`).
const DEFAULTS: [f64; 2] = [100.0, 1_000.0];

static MIN_FACTOR: Threshold<f64> = Threshold {
    key: "function_scan_default_rows.min_factor",
    default: 10.0,
    unit: Unit::Factor,
    what: "rows that come over rows assumed",
};

static META: CheckMeta = CheckMeta {
    id: CheckId::new("function_scan_default_rows"),
    title: "function row count",
    summary: "a function returns 10 times or more of the row count that the planner assumes of every function",
    category: Category::Plan,
    needs: &[Area::Plans],
    thresholds: &[&MIN_FACTOR],
    page: include_str!("function_scan_default_rows.md"),
};

/// The check.
#[derive(Debug)]
pub struct FunctionScanDefaultRows;

impl Check for FunctionScanDefaultRows {
    fn meta(&self) -> &'static CheckMeta {
        &META
    }

    fn always_explains(&self) -> &'static [CheckId] {
        &[row_misestimate::ID]
    }

    fn run(&self, case: &Case<'_>, found: &mut Vec<Proposal>) {
        each_node(case, found, propose);
    }
}

fn propose<'a>(case: &Case<'a>, plan: &CasePlan<'a>, node: &Node) -> Option<Proposal> {
    if node.node_type != NodeType::FunctionScan || !plan.is_analyzed() {
        return None;
    }
    let assumed = node.planned?.rows.per_loop().get();
    let returned = node.actual?.rows.per_loop().get();
    let default = DEFAULTS
        .iter()
        .any(|rows| (rows - assumed).abs() < f64::EPSILON);
    let factor = ratio(returned, assumed)?;
    if !default || factor < MIN_FACTOR.of(case) {
        return None;
    }
    let name = name(node)?;
    let title = format!(
        "function row count of {name}: {} assumed, {} came",
        format::count(assumed),
        format::count(returned)
    );
    let formula = format!(
        "{} / {}",
        plan.term(node, "Actual Rows"),
        plan.term(node, "Plan Rows")
    );
    let advice = declare_rows(node)?;
    let factor = plan.computed("off by", factor, Unit::Factor, formula);
    let read = |label, rows, key| plan.read(label, rows, Unit::Rows, node, key);
    let draft = Draft::new(Subject::new(name), title, factor, advice)
        .with(read("rows that the planner assumes", assumed, "Plan Rows"))
        .with(read("rows that came a loop", returned, "Actual Rows"));
    Some(case.of_node(plan, node, plan.share_beside(node), draft))
}

/// The function of a node that scans one, with its schema where the plan tells it.
fn name(node: &Node) -> Option<String> {
    let function = node.target.function.as_deref()?;
    Some(match node.target.schema.as_deref() {
        Some(schema) => QualifiedName::new(schema, function).to_string(),
        None => function.to_owned(),
    })
}

/// Advises to declare as many rows as came from the function that a node scans.
pub fn declare_rows(node: &Node) -> Option<Recommendation> {
    let assumed = node.planned?.rows.per_loop().get();
    let returned = node.actual?.rows.per_loop().get();
    let schema = node.target.schema.as_deref();
    Some(declare(&name(node)?, schema, (assumed, returned)))
}

fn declare(name: &str, schema: Option<&str>, (assumed, came): (f64, f64)) -> Recommendation {
    if schema.is_some_and(is_system) {
        let words = Words {
            summary: "put what the function returns into a temporary table and ANALYZE it, or pass the values as a parameter with = ANY",
            expected: "a row count near the truth, and the plan that follows from it; unknown until it is tried",
            risk: "one more statement each time",
        };
        return advice(Action::RewriteQuery, words);
    }
    let rows = format!("{:.0}", came.max(1.0));
    let summary = format!("declare how many rows {name} returns, about {rows}");
    let words = Words {
        summary: &summary,
        expected: "a row count near the truth, and the plan that follows from it; unknown until it is tried",
        risk: "one number for all calls; where the function has overloads, the statement needs its argument types",
    };
    let mut advice = advice(Action::AlterObject, words);
    if schema.is_some() {
        advice
            .ddl
            .push(format!("ALTER FUNCTION {name} ROWS {rows};"));
        advice
            .rollback
            .push(format!("ALTER FUNCTION {name} ROWS {assumed:.0};"));
    }
    advice
}
