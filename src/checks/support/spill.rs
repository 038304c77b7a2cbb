//! Nodes whose data does not fit into memory and goes through temporary files.

use super::{Words, advice, subject, with_setting};
use crate::checks::{Case, CasePlan, Proposal, row_misestimate};
use crate::finding::{Action, Draft, Evidence, Recommendation};
use crate::format;
use crate::ids::quote_ident;
use crate::plan::Node;
use crate::units::{Bytes, float};

/// What a node writes to temporary files.
#[derive(Debug)]
pub struct Spill {
    /// What it is and how much: the beginning of the title, such as `sort spill: 12 MB of temporary files`.
    pub title: String,
    /// The number that proves it.
    pub proof: Evidence,
    /// More numbers.
    pub others: Vec<Evidence>,
    /// The `work_mem` with which it would stay in memory.
    pub needed: Bytes,
    /// What else would help: imperative.
    pub instead: &'static str,
    /// The share of the plan's time that it costs, 0..1.
    pub share: f64,
}

/// Proposes for each node of each plan that spills.
pub fn each_spill<'a>(
    case: &Case<'a>,
    found: &mut Vec<Proposal>,
    look: impl Fn(&Case<'a>, &CasePlan<'a>, &Node) -> Option<Spill>,
) {
    super::each_node(case, found, |case, plan, node| {
        let spill = look(case, plan, node)?;
        let title = format!("{} in {}", spill.title, case.label(plan));
        let advice = more_work_mem(case, plan, spill.needed, spill.instead);
        let subject = subject(&case.shape(plan));
        let draft = Draft::new(subject, title, spill.proof, advice)
            .with_all(spill.others)
            .following(row_misestimate::underestimate(case, plan, node));
        Some(case.of_node(plan, node, spill.share, draft))
    });
}

/// The largest `work_mem` that is advised; what needs more should read less instead.
const MOST_WORK_MEM: i64 = 1 << 30;

/// Advises so much `work_mem` for the role that runs a plan's statement.
pub fn more_work_mem(
    case: &Case<'_>,
    plan: &CasePlan<'_>,
    needed: Bytes,
    instead: &str,
) -> Recommendation {
    let megabytes = (needed.get() / (1 << 20) + 1).max(1).cast_unsigned();
    let size = Bytes(i64::try_from(megabytes.next_power_of_two()).unwrap_or(i64::MAX) << 20);
    if size.get() > MOST_WORK_MEM {
        let summary = format!(
            "sort or hash less: it would take about {} of work_mem; {instead}",
            format::bytes(needed)
        );
        let words = Words {
            summary: &summary,
            expected: "no temporary files where the input becomes small",
            risk: "none until the statement is changed",
        };
        return advice(Action::RewriteQuery, words);
    }
    let value = format!("{}MB", size.get() >> 20);
    let summary = format!("give the statement or its role work_mem = {value}; or {instead}");
    let words = Words {
        summary: &summary,
        expected: "it fits into memory and writes no temporary files",
        risk: "each sort and hash of each session of the role may take that much; SET LOCAL in the one transaction is narrower",
    };
    let advice = advice(Action::ChangeSetting, words);
    for_role(case, plan, advice, ("work_mem", &value))
}

/// Adds the statements that give the role of a plan's statement a setting; where the role is unknown, none.
pub fn for_role(
    case: &Case<'_>,
    plan: &CasePlan<'_>,
    advice: Recommendation,
    (setting, value): (&str, &str),
) -> Recommendation {
    let Some(role) = role_of(case, plan) else {
        return advice;
    };
    let target = format!(
        "ALTER ROLE {} IN DATABASE {}",
        quote_ident(role),
        quote_ident(&case.snapshot.server.database)
    );
    with_setting(
        advice,
        format!("{target} SET {setting} = '{value}';"),
        format!("{target} RESET {setting};"),
    )
}

fn role_of<'c>(case: &'c Case<'_>, plan: &CasePlan<'_>) -> Option<&'c str> {
    let family = case.workload.families().get(plan.family?)?;
    case.workload.representative(family)?.role.as_deref()
}

/// A number of kilobytes that EXPLAIN printed, as bytes.
pub fn kilobytes(value: i64) -> f64 {
    float(value) * 1024.0
}
