//! `row_misestimate`: the planner expected other row counts than came, where the error begins.

use std::collections::BTreeSet;

use super::support::{Dress, Scan, Words, advice, conditions, dress, subject, with_setting};
use super::{
    Case, CasePlan, Category, Check, CheckMeta, Proposal, TableRef, Threshold, cte_fence_filter,
    function_scan_default_rows, modified, not_in_unhashed, partitions_not_pruned, stale_stats,
    subplan_per_row,
};
use crate::finding::{Action, Cause, CheckId, Draft, Recommendation, Subject, Unit};
use crate::format;
use crate::ids::{QualifiedName, quote_ident};
use crate::plan::metrics::Direction;
use crate::plan::{ConditionKind, Node, NodeType, Relationship};
use crate::snapshot::Area;
use crate::sql::lexer::truncated;
use crate::units::Rows;

/// The larger side over the smaller. Within a factor of ten plans seldom change (Leis et al., *How Good Are Query
/// Optimizers, Really?*, VLDB 2015, section 4).
static MIN_FACTOR: Threshold<f64> = Threshold {
    key: "row_misestimate.min_factor",
    default: 10.0,
    unit: Unit::Factor,
    what: "the larger row count over the smaller",
};

static MIN_ROWS: Threshold<Rows> = Threshold {
    key: "row_misestimate.min_rows",
    default: Rows(1_000.0),
    unit: Unit::Rows,
    what: "rows on the larger side, per loop",
};

/// Share of the time that must depend on the row count of a node that scans nothing: at the top of a plan, nothing was
/// chosen by it.
const MIN_BESIDE: f64 = 0.01;

/// Share of a table's rows modified since ANALYZE from which stale statistics may be the reason: the autovacuum default
/// (`autovacuum_analyze_scale_factor`).
pub const STALE_SHARE: f64 = 0.10;

/// The check's id.
pub const ID: CheckId = CheckId::new("row_misestimate");

static META: CheckMeta = CheckMeta {
    id: ID,
    title: "row misestimate",
    summary: "the planner's row count is off by 10 times or more, with 1,000 rows or more on the larger side",
    category: Category::Plan,
    needs: &[Area::Plans],
    thresholds: &[&MIN_FACTOR, &MIN_ROWS],
    page: include_str!("row_misestimate.md"),
};

/// The check.
#[derive(Debug)]
pub struct RowMisestimate;

impl Check for RowMisestimate {
    fn meta(&self) -> &'static CheckMeta {
        &META
    }

    fn run(&self, case: &Case<'_>, found: &mut Vec<Proposal>) {
        for plan in case.plans.iter().filter(|plan| plan.is_analyzed()) {
            let nodes = plan.metrics.deepest_misestimates(
                &plan.plan,
                MIN_FACTOR.of(case),
                MIN_ROWS.of(case),
            );
            let groups = alike(case, plan, nodes);
            found.extend(groups.iter().filter_map(|group| propose(case, plan, group)));
        }
    }
}

/// Nodes with one reason, the one that is off most first: scans of a table's partitions by the same columns.
fn alike<'p>(case: &Case<'_>, plan: &CasePlan<'_>, nodes: Vec<&'p Node>) -> Vec<Vec<&'p Node>> {
    let mut groups: Vec<(Option<Partitions>, Vec<&Node>)> = Vec::new();
    for node in nodes {
        let of = Partitions::of(case, plan, node);
        let known = groups
            .iter_mut()
            .find(|(group, _)| of.is_some() && *group == of);
        match known {
            Some((_, group)) => group.push(node),
            None => groups.push((of, vec![node])),
        }
    }
    let factor = |node: &Node| plan.metrics_of(node).estimate.map_or(1.0, |own| own.factor);
    let groups = groups.into_iter().map(|(_, mut group)| {
        group.sort_by(|one, other| factor(other).total_cmp(&factor(one)));
        let mut met = BTreeSet::new();
        group.retain(|node| {
            let scan = Scan::of(case, plan, node, &SCAN_CONDITIONS);
            scan.is_none_or(|scan| met.insert(scan.name))
        });
        group
    });
    groups.collect()
}

/// What scans of one table's partitions have in common.
#[derive(Debug, PartialEq)]
struct Partitions {
    table: String,
    columns: Vec<String>,
}

impl Partitions {
    fn of(case: &Case<'_>, plan: &CasePlan<'_>, node: &Node) -> Option<Self> {
        let own = Scan::of(case, plan, node, &SCAN_CONDITIONS)?;
        let root = Scan::of_root(case, plan, node, &SCAN_CONDITIONS)?;
        let table = if root.name != own.name {
            root.name
        } else if own.table.is_none() && node.relationship == Some(Relationship::Member) {
            // A saved plan tells partitions by their alias: that of the table with a number.
            let (stem, number) = node.target.alias.as_deref()?.rsplit_once('_')?;
            number.parse::<u32>().ok()?;
            stem.to_owned()
        } else {
            return None;
        };
        Some(Self {
            table,
            columns: own.columns,
        })
    }
}

/// The finding about the row count that was underestimated most within `top`, where there is one.
pub fn underestimate(case: &Case<'_>, plan: &CasePlan<'_>, top: &Node) -> Option<Cause> {
    let factor = |node: &Node| {
        let estimate = plan.metrics_of(node).estimate?;
        let low = estimate.direction == Direction::Under;
        low.then_some(estimate.factor)
    };
    let nodes =
        plan.metrics
            .deepest_misestimates(&plan.plan, MIN_FACTOR.of(case), MIN_ROWS.of(case));
    let within = |node: &&Node| plan.plan.is_within(node, top.id);
    let (_, worst) = nodes
        .iter()
        .copied()
        .filter(within)
        .filter_map(|node| Some((factor(node)?, node)))
        .max_by(|(one, _), (other, _)| one.total_cmp(other))?;
    let groups = alike(case, plan, nodes);
    let group = groups
        .iter()
        .find(|group| group.iter().any(|node| node.id == worst.id))?;
    let subject = propose(case, plan, group)?.draft.subject().clone();
    Some(Cause { check: ID, subject })
}

/// The finding about a group of nodes with one reason, of which the first is off most.
fn propose<'a>(case: &Case<'a>, plan: &CasePlan<'a>, group: &[&Node]) -> Option<Proposal> {
    let (node, others) = group.split_first()?;
    let node = *node;
    let estimate = plan.metrics_of(node).estimate?;
    let estimated = estimate.estimated.per_loop().get();
    let actual = estimate.actual.per_loop().get();
    let scan = Scan::of(case, plan, node, &SCAN_CONDITIONS);
    let is_scan = scan.is_some() || node.target.function.is_some();
    if !is_scan && plan.share_beside(node) < MIN_BESIDE {
        return None;
    }
    let place = match &scan {
        Some(scan) => format!("{}{}", scan.label(), and_more(others.len())),
        None => format!("{} in {}", plan.plan.label(node), case.label(plan)),
    };
    let title = format!(
        "row misestimate on {place}: {} expected, {} came",
        format::count(estimated),
        format::count(actual)
    );
    let mut advice = mend(case, plan, node, scan.as_ref());
    for other in others {
        let scan = Scan::of(case, plan, other, &SCAN_CONDITIONS);
        let other = mend(case, plan, other, scan.as_ref());
        if other.kind == advice.kind {
            advice.ddl.extend(other.ddl);
            advice.rollback.extend(other.rollback);
        }
    }
    let subject = match &scan {
        Some(scan) => scan.subject(case, plan),
        None => node_subject(case, plan, node),
    };
    // Where either side is below one row, PostgreSQL counts it as one, and so does the factor.
    let rows = |key| format!("max(1, {})", plan.term(node, key));
    let (actual_term, estimated_term) = (rows("Actual Rows"), rows("Plan Rows"));
    let formula =
        format!("max({actual_term} / {estimated_term}, {estimated_term} / {actual_term})");
    let factor = plan.computed("off by", estimate.factor, Unit::Factor, formula);
    let mut draft = Draft::new(subject, title, factor, advice)
        .with(plan.read(
            "rows expected a loop",
            estimated,
            Unit::Rows,
            node,
            "Plan Rows",
        ))
        .with(plan.read(
            "rows that came a loop",
            actual,
            Unit::Rows,
            node,
            "Actual Rows",
        ))
        .following(causes(case, plan, node));
    if let Some(scan) = scan {
        draft = draft.at(scan.location());
    }
    Some(case.of_node(plan, node, plan.share_beside(node), draft))
}

fn and_more(partitions: usize) -> String {
    match partitions {
        0 => String::new(),
        1 => " and another partition".to_owned(),
        more => format!(" and {more} other partitions"),
    }
}

/// The findings that explain it where they are found, the likeliest first.
fn causes(case: &Case<'_>, plan: &CasePlan<'_>, node: &Node) -> Vec<Cause> {
    if asks_sub_plan(node) {
        let shape = subject(&case.shape(plan));
        return [not_in_unhashed::ID, subplan_per_row::ID]
            .map(|check| Cause {
                check,
                subject: shape.clone(),
            })
            .to_vec();
    }
    // The planner knows no values of a CTE that it computes on its own, and guesses at what a filter above it keeps.
    let guessed = |below: &Node| {
        below.node_type == NodeType::CteScan && below.condition(&ConditionKind::Filter).is_some()
    };
    if plan.plan.subtree(node).any(guessed) {
        return vec![Cause {
            check: cte_fence_filter::ID,
            subject: subject(&case.shape(plan)),
        }];
    }
    if let Some(cause) = partitions_not_pruned::by_hidden_key(case, plan, node) {
        return vec![cause];
    }
    // Without a condition, all that the planner has to know is how many rows there are.
    let whole = Scan::of(case, plan, node, &SCAN_CONDITIONS).filter(|scan| scan.columns.is_empty());
    let stale = whole.map(|scan| Cause {
        check: stale_stats::ID,
        subject: scan.subject(case, plan),
    });
    stale.into_iter().collect()
}

/// Whether its rows are filtered by whether a sub-plan has a row, which the planner takes for one row in two whatever
/// it says (clausesel.c, `clause_selectivity_ext()`).
fn asks_sub_plan(node: &Node) -> bool {
    let filter = node.condition(&ConditionKind::Filter);
    filter.is_some_and(tests_sub_plan)
}

/// Whether a condition is about a sub-plan's rows, not about the one value that it gives.
fn tests_sub_plan(condition: &str) -> bool {
    const OPERATORS: [char; 17] = [
        '<', '>', '=', '~', '!', '@', '#', '%', '^', '&', '|', '`', '?', '+', '-', '*', '/',
    ];
    condition.match_indices("SubPlan ").any(|(at, _)| {
        let (before, from) = condition.split_at(at);
        let before = before.trim_end_matches("hashed ").trim_end_matches('(');
        let after = from.split_once(')').map_or("", |(_, after)| after);
        let compared = before.trim_end().ends_with(OPERATORS)
            || after.trim_start().starts_with(OPERATORS)
            || after.starts_with("::");
        after.starts_with(".col") || !compared
    })
}

const SCAN_CONDITIONS: [ConditionKind; 3] = [
    ConditionKind::IndexCond,
    ConditionKind::RecheckCond,
    ConditionKind::Filter,
];

fn node_subject(case: &Case<'_>, plan: &CasePlan<'_>, node: &Node) -> Subject {
    subject(&format!(
        "{} in {}",
        plan.plan.label(node),
        case.shape(plan)
    ))
}

fn mend(
    case: &Case<'_>,
    plan: &CasePlan<'_>,
    node: &Node,
    scan: Option<&Scan<'_>>,
) -> Recommendation {
    if asks_sub_plan(node) {
        let summary = "write the sub-query of the condition as a join: the planner knows how many rows a join gives, and takes a condition with a sub-query for one row in two";
        let words = Words {
            risk: "the join must return the same rows, NULLs and duplicates included",
            ..words(summary)
        };
        return advice(Action::RewriteQuery, words);
    }
    if let Some(scan) = scan {
        return mend_scan(case, plan, node, scan);
    }
    if node.node_type == NodeType::FunctionScan
        && let Some(advice) = function_scan_default_rows::declare_rows(node)
    {
        return advice;
    }
    let summary = "look at what is joined or grouped here: columns that depend on each other need extended statistics, skewed ones n_distinct";
    advice(Action::Investigate, words(summary))
}

fn mend_scan(case: &Case<'_>, plan: &CasePlan<'_>, node: &Node, scan: &Scan<'_>) -> Recommendation {
    let name = &scan.name;
    let stale = scan
        .table
        .and_then(modified::since_analyze)
        .is_some_and(|modified| modified.share >= STALE_SHARE);
    if stale {
        let mut advice = advice(
            Action::Analyze,
            words(&format!("analyze {name}: its statistics are behind")),
        );
        advice.ddl.push(format!("ANALYZE {name};"));
        return advice;
    }
    let compared = Compared::of(case, plan, node, scan.table);
    match (scan.columns.as_slice(), scan.table) {
        (_, table) if compared.is_of_expressions() => {
            expression_statistics(case, scan, table, &compared)
        }
        ([_, _, ..], Some(table)) => extended_statistics(table, &scan.columns),
        ([column], Some(_)) => {
            let column = quote_ident(column);
            let summary =
                format!("raise the statistics target of {name}.{column}, or set its n_distinct");
            let alter = format!("ALTER TABLE {name} ALTER COLUMN {column} SET STATISTICS");
            let mut advice = with_setting(
                advice(Action::CreateStatistics, words(&summary)),
                format!("{alter} 1000;"),
                format!("{alter} -1;"),
            );
            advice.ddl.push(format!("ANALYZE {name};"));
            advice
        }
        // A saved plan does not tell how old the statistics are.
        ([_, _, ..], None) => {
            let summary = format!(
                "create extended statistics on {}, whose values seem to depend on each other; ANALYZE first where many rows changed since the last one",
                scan.label()
            );
            advice(Action::CreateStatistics, words(&summary))
        }
        ([column], None) => {
            let summary = format!(
                "analyze {name} where many rows changed since the last ANALYZE, else raise the statistics target of {name}.{}",
                quote_ident(column)
            );
            advice(Action::Analyze, words(&summary))
        }
        ([], _) => advice(
            Action::Investigate,
            words(&format!("compare the statistics of {name} with its rows")),
        ),
    }
}

/// What the conditions of a filter compare, each once.
#[derive(Debug, Default)]
struct Compared {
    columns: Vec<String>,
    expressions: Vec<String>,
}

impl Compared {
    fn of(case: &Case<'_>, plan: &CasePlan<'_>, node: &Node, table: Option<TableRef<'_>>) -> Self {
        let mut compared = Self::default();
        for predicate in conditions(case, plan, node) {
            let (kind, item) = match dress(table, &predicate.operand) {
                Some(Dress::Bare { column } | Dress::Cast { column, .. }) => {
                    (&mut compared.columns, column)
                }
                Some(Dress::Wrapped { text, .. }) => (&mut compared.expressions, text),
                None => continue,
            };
            if !kind.iter().any(|known| known == item) {
                kind.push(item.to_owned());
            }
        }
        compared
    }

    /// Whether statistics of columns say little of it: of the values of an expression they tell nothing.
    fn is_of_expressions(&self) -> bool {
        !self.expressions.is_empty() && self.columns.len() < 2
    }
}

/// The major from which statistics can be of expressions.
const EXPRESSION_STATISTICS: u32 = 14;

fn expression_statistics(
    case: &Case<'_>,
    scan: &Scan<'_>,
    table: Option<TableRef<'_>>,
    compared: &Compared,
) -> Recommendation {
    let name = &scan.name;
    let columns = compared
        .columns
        .iter()
        .map(|column| quote_ident(column).into_owned());
    let expressions = compared.expressions.iter().map(|text| format!("({text})"));
    let items: Vec<String> = columns.chain(expressions).take(MAX_COLUMNS).collect();
    let list = items.join(", ");
    let known = "the planner knows the values of columns, and guesses at those of expressions";
    if case.snapshot.server.major() < EXPRESSION_STATISTICS && table.is_some() {
        let summary = format!(
            "compare the bare column, or index the expression, {name} ({list}), and analyze the table: {known}"
        );
        return advice(Action::CreateStatistics, words(&summary));
    }
    // A token or a parameter stands in the place of a literal.
    let open = list.contains(['‹', '$']);
    let shown = if list.contains('‹') {
        "; --show-literals writes it out"
    } else {
        ""
    };
    let summary =
        format!("create statistics on what is compared, {list} of {name}: {known}{shown}");
    let mut advice = advice(Action::CreateStatistics, words(&summary));
    if let Some(table) = table.filter(|_| !open) {
        let base = format!(
            "{}_{}_expr_stats",
            table.table.name.name,
            scan.columns.join("_")
        );
        create_statistics(&mut advice, table, base, &format!("ON {list}"));
    }
    advice
}

/// Columns of one statistics object at most (`STATS_MAX_DIMENSIONS`, `src/include/statistics/statistics.h`).
const MAX_COLUMNS: usize = 8;

fn extended_statistics(table: TableRef<'_>, columns: &[String]) -> Recommendation {
    let name = &table.table.name;
    let quoted: Vec<_> = columns
        .iter()
        .take(MAX_COLUMNS)
        .map(|column| quote_ident(column))
        .collect();
    let list = quoted.join(", ");
    let summary =
        format!("create extended statistics on {name} ({list}): the columns depend on each other");
    let mut advice = advice(Action::CreateStatistics, words(&summary));
    let base = format!("{}_{}_stats", name.name, columns.join("_"));
    create_statistics(
        &mut advice,
        table,
        base,
        &format!("(ndistinct, dependencies, mcv) ON {list}"),
    );
    advice
}

fn create_statistics(advice: &mut Recommendation, table: TableRef<'_>, base: String, what: &str) {
    let name = &table.table.name;
    let statistics = QualifiedName::new(&name.schema, truncated(base));
    advice.ddl.push(format!(
        "CREATE STATISTICS {statistics} {what} FROM {name};"
    ));
    advice.ddl.push(format!("ANALYZE {name};"));
    advice
        .rollback
        .push(format!("DROP STATISTICS {statistics};"));
}

fn words(summary: &str) -> Words<'_> {
    Words {
        summary,
        expected: "an estimate near the truth, and the plan that follows from it; unknown until it is tried",
        risk: "ANALYZE reads a sample of the table; other statements' plans may change, too",
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn sub_plans_that_are_tested_are_told_from_those_that_give_a_value() {
        for (condition, expected) in [
            ("(SubPlan 1)", true),
            ("((a > 1) AND (NOT (SubPlan 2)))", true),
            ("(hashed SubPlan 1)", true),
            ("(NOT (ANY (x = (hashed SubPlan 1).col1)))", true),
            ("(total > (SubPlan 1))", false),
            ("((SubPlan 1) < 5)", false),
            ("((total)::numeric = ((SubPlan 1))::numeric)", false),
            ("(a = 1)", false),
        ] {
            assert_eq!(super::tests_sub_plan(condition), expected, "{condition}");
        }
    }
}
