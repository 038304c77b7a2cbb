//! `not_in_unhashed`: NOT IN with a sub-query whose result is searched for each row.

use super::support::{Seen, Words, advice, each_seen, rewrite, rewritten};
use super::{Case, CasePlan, Category, Check, CheckMeta, Proposal, Threshold};
use crate::finding::{Action, CheckId, Evidence, Formula, Recommendation, Source, Unit};
use crate::format;
use crate::plan::{Node, NodeType, Plan, Relationship, columns};
use crate::snapshot::Area;
use crate::sql::lexer::{Token, tokens};
use crate::sql::rewrite::not_exists;

static MIN_ROWS: Threshold<f64> = Threshold {
    key: "not_in_unhashed.min_rows",
    default: 1_000.0,
    unit: Unit::Rows,
    what: "rows that are tested",
};

/// The check's id.
pub const ID: CheckId = CheckId::new("not_in_unhashed");

static META: CheckMeta = CheckMeta {
    id: ID,
    title: "NOT IN by search",
    summary: "NOT IN or ALL searches a sub-query's result for each of 1,000 rows or more, without a hash",
    category: Category::Plan,
    needs: &[Area::Plans],
    thresholds: &[&MIN_ROWS],
    page: include_str!("not_in_unhashed.md"),
};

/// The check.
#[derive(Debug)]
pub struct NotInUnhashed;

impl Check for NotInUnhashed {
    fn meta(&self) -> &'static CheckMeta {
        &META
    }

    fn run(&self, case: &Case<'_>, found: &mut Vec<Proposal>) {
        each_seen(case, found, look);
    }
}

fn look(case: &Case<'_>, plan: &CasePlan<'_>, top: &Node) -> Option<Seen> {
    if !is_unhashed(case, plan, top) {
        return None;
    }
    let (rows, proof) = if plan.is_analyzed() {
        let rows = plan.metrics_of(top).loops.get();
        let label = "rows that are compared with the sub-query's";
        (
            rows,
            plan.read(label, rows, Unit::Rows, top, "Actual Loops"),
        )
    } else {
        planned(case, plan, top)?
    };
    if rows < MIN_ROWS.of(case) {
        return None;
    }
    let size = top.planned?.rows.per_loop().get();
    let bound = Bound::of(case, plan, top);
    let label = "rows of the sub-query that the planner expects";
    Some(Seen {
        title: format!(
            "{} by search: {} rows compared with {} each",
            bound.map_or("NOT IN", |_| "ALL"),
            format::count(rows),
            format::count(size)
        ),
        proof,
        others: vec![plan.read(label, size, Unit::Rows, top, "Plan Rows")],
        advice: bound.map_or_else(|| anti_join(case, plan), extreme),
        share: search_share(plan, top),
        causes: Vec::new(),
        at_most: None,
    })
}

/// The sub-plan hands out its rows, and its owner compares them.
fn search_share(plan: &CasePlan<'_>, top: &Node) -> f64 {
    let owner = plan.plan.parent(top);
    let comparing = owner.map_or(0.0, |owner| plan.own_share(owner));
    (1.0 - plan.share_beside(top) + comparing).min(1.0)
}

/// Every row of the owner is tested: of a table, all of its rows.
fn planned(case: &Case<'_>, plan: &CasePlan<'_>, top: &Node) -> Option<(f64, Evidence)> {
    let owner = plan.plan.parent(top)?;
    if plan.plan.under_limit_without_blocking(owner).is_some() {
        return None;
    }
    let label = "rows that the planner expects to pass at least";
    let passing = owner.planned?.rows.per_loop().get();
    let proof = plan.read(label, passing, Unit::Rows, owner, "Plan Rows");
    let table = plan.table(&case.catalog, owner);
    let scanned = table.filter(|_| owner.node_type == NodeType::SeqScan);
    let rows =
        scanned.and_then(|table| Some((table.table.tuples?.get(), table.pointer("/tuples"))));
    let Some((rows, pointer)) = rows else {
        return Some((passing, proof));
    };
    let label = "rows of the table, which are compared with the sub-query's";
    let formula = Formula::new(Formula::at(&pointer));
    let proof = Evidence::computed(label, rows, Unit::Rows, Source::Explain, formula);
    Some((rows, proof))
}

/// Whether a sub-plan is that of a `NOT IN` or an `ALL`, and is not hashed.
pub fn is_unhashed(case: &Case<'_>, plan: &CasePlan<'_>, top: &Node) -> bool {
    let name = top.subplan_name.as_deref().unwrap_or_default();
    if top.relationship != Some(Relationship::SubPlan) || name.is_empty() {
        return false;
    }
    let Some(owner) = plan.plan.parent(top) else {
        return false;
    };
    let says = |words: &[&str]| mentions(case.text(plan), words);
    let mut conditions = owner.conditions.iter();
    conditions.any(|condition| match Test::of(&condition.text, name) {
        Some(Test::NotAny | Test::All) => true,
        Some(Test::Not) => is_uncorrelated(&plan.plan, top) || says(&NOT_IN) && !says(&NOT_EXISTS),
        Some(Test::Bare) => says(&ALL) && is_uncorrelated(&plan.plan, top),
        None => false,
    })
}

/// How a condition tests a sub-plan that is not hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Test {
    /// `NOT (ANY (x = (SubPlan 1).col1))`, from 17.
    NotAny,
    /// `ALL (x <> (SubPlan 1).col1)`, from 17.
    All,
    /// `NOT (SubPlan 1)`: `NOT IN`, or `NOT EXISTS`, up to 16.
    Not,
    /// `(SubPlan 1)`: `ALL`, `IN` or `EXISTS`, up to 16.
    Bare,
}

impl Test {
    fn of(condition: &str, name: &str) -> Option<Self> {
        let mark = format!("({name})");
        let (before, after) = condition.split_once(&mark)?;
        if !after.starts_with(".col") {
            let not = before.ends_with("NOT ");
            let exists = before.ends_with("EXISTS");
            return (!exists).then_some(if not { Self::Not } else { Self::Bare });
        }
        // The operator that the sub-plan stands in: what follows the last quantifier before it.
        let (any, all) = (before.rfind("ANY ("), before.rfind("ALL ("));
        match (any, all) {
            (Some(any), all) if all.is_none_or(|all| all < any) => {
                let start = before.get(..any).unwrap_or_default();
                start.ends_with("NOT (").then_some(Self::NotAny)
            }
            (_, Some(_)) => Some(Self::All),
            _ => None,
        }
    }
}

/// `EXISTS` without correlation is an `InitPlan`, so that a sub-plan whose rows are kept is that of an `IN` or `ALL`
/// (subselect.c, `build_subplan()`).
fn is_uncorrelated(plan: &Plan, top: &Node) -> bool {
    let within = || plan.subtree(top);
    let own = |alias: &String| within().any(|node| node.target.alias.as_ref() == Some(alias));
    let asks_outside = within().flat_map(Node::expressions).any(|text| {
        let columns = columns(text).into_iter();
        columns
            .filter_map(|column| column.qualifier)
            .any(|alias| !own(&alias))
    });
    top.node_type == NodeType::Materialize || !asks_outside
}

const NOT_IN: [&str; 4] = ["not", "in", "(", "select"];
const NOT_EXISTS: [&str; 2] = ["not", "exists"];
const ALL: [&str; 3] = ["all", "(", "select"];

/// Whether a statement has these words in a row.
fn mentions(text: &str, words: &[&str]) -> bool {
    let found: Vec<Token<'_>> = tokens(text).filter(|token| !token.is_trivia()).collect();
    position(&found, words).is_some()
}

/// Where these words stand in a row.
fn position(found: &[Token<'_>], words: &[&str]) -> Option<usize> {
    found.windows(words.len()).position(|window| {
        let mut pairs = window.iter().zip(words);
        pairs.all(|(token, word)| token.is_word(word) || token.text == *word)
    })
}

/// Which of the sub-query's values decides about `ALL`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bound {
    Largest,
    Smallest,
}

impl Bound {
    /// `None` where all values are compared for equality.
    fn of(case: &Case<'_>, plan: &CasePlan<'_>, top: &Node) -> Option<Self> {
        let name = top.subplan_name.as_deref()?;
        let mut conditions = plan.plan.parent(top)?.conditions.iter();
        let (test, condition) =
            conditions.find_map(|printed| Some((Test::of(&printed.text, name)?, &printed.text)))?;
        match test {
            Test::All => {
                let (before, _) = condition.split_once(&format!("({name}).col"))?;
                Self::by(before.trim_end().rsplit(' ').next()?)
            }
            Test::Bare => Self::written(case.text(plan)),
            Test::Not | Test::NotAny => None,
        }
    }

    /// By the operator before the only `ALL (SELECT` of a statement.
    fn written(text: &str) -> Option<Self> {
        let found: Vec<Token<'_>> = tokens(text).filter(|token| !token.is_trivia()).collect();
        let at = position(&found, &ALL)?;
        if position(found.get(at + 1..)?, &ALL).is_some() {
            return None;
        }
        let operator = at.checked_sub(1).and_then(|before| found.get(before))?;
        Self::by(operator.text)
    }

    fn by(operator: &str) -> Option<Self> {
        match operator {
            ">" | ">=" => Some(Self::Largest),
            "<" | "<=" => Some(Self::Smallest),
            _ => None,
        }
    }
}

fn extreme(bound: Bound) -> Recommendation {
    let (value, function) = match bound {
        Bound::Largest => ("largest", "max"),
        Bound::Smallest => ("smallest", "min"),
    };
    let summary = format!(
        "compare with the {value} value of the sub-query, (SELECT {function}(…) …), instead of each of them with ALL"
    );
    let words = Words {
        summary: &summary,
        expected: "one pass over the sub-query's rows instead of a search for each row",
        risk: "ALL is true where the sub-query returns no row, and never once it returns a NULL: there the comparison with one value differs",
    };
    advice(Action::RewriteQuery, words)
}

fn anti_join(case: &Case<'_>, plan: &CasePlan<'_>) -> Recommendation {
    let written = rewrite(case, plan, &|statement, catalog| {
        not_exists(statement, catalog)
    });
    let nulls = if written.is_ok() {
        "what NOT IN does with NULLs stands beside it where a column may have them"
    } else {
        "where NULLs cannot come, the result is the same"
    };
    let summary =
        format!("write NOT IN as NOT EXISTS with an equality: it becomes an anti join; {nulls}");
    let words = Words {
        summary: &summary,
        expected: "one hash of the sub-query's rows instead of a search for each row",
        risk: "NOT IN gives no row at all once the sub-query returns a NULL, and NOT EXISTS does not",
    };
    rewritten(written, advice(Action::RewriteQuery, words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_value_decides_about_all_where_values_have_an_order() {
        for (text, expected) in [
            (
                "SELECT 1 FROM a WHERE x >= ALL (SELECT y FROM b)",
                Some(Bound::Largest),
            ),
            (
                "SELECT 1 FROM a WHERE x < all(select y FROM b)",
                Some(Bound::Smallest),
            ),
            ("SELECT 1 FROM a WHERE x <> ALL (SELECT y FROM b)", None),
            ("SELECT 1 FROM a WHERE x NOT IN (SELECT y FROM b)", None),
        ] {
            assert_eq!(Bound::written(text), expected, "{text}");
        }
    }

    #[test]
    fn tests_of_sub_plans_are_told_apart() {
        for (condition, expected) in [
            ("(NOT (SubPlan 1))", Some(Test::Not)),
            ("((a.grp = 1) OR (NOT (SubPlan 1)))", Some(Test::Not)),
            ("(SubPlan 1)", Some(Test::Bare)),
            ("(NOT (hashed SubPlan 1))", None),
            ("(NOT (SubPlan 12))", None),
            ("(NOT (ANY (a.id = (SubPlan 1).col1)))", Some(Test::NotAny)),
            ("(ANY (a.id = (SubPlan 1).col1))", None),
            ("(ALL (a.id <> (SubPlan 1).col1))", Some(Test::All)),
            (
                "((NOT (ANY (a.id = (SubPlan 2).col1))) OR (ANY (a.id = (SubPlan 1).col1)))",
                None,
            ),
            ("(NOT (ANY (a.id = (hashed SubPlan 1).col1)))", None),
            ("(NOT EXISTS(SubPlan 1))", None),
            ("(a.x > (SubPlan 1))", Some(Test::Bare)),
        ] {
            assert_eq!(Test::of(condition, "SubPlan 1"), expected, "{condition}");
        }
    }
}
