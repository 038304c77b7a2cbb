//! `nested_loop_join_filter`: a nested loop compares every pair of rows to find a few.

use super::support::{Seen, Words, advice, each_seen, rewrite, rewritten};
use super::{Case, CasePlan, Category, Check, CheckMeta, Proposal, Threshold, row_misestimate};
use crate::finding::{Action, CheckId, Evidence, Recommendation, Unit};
use crate::format;
use crate::plan::{ConditionKind, JoinType, Node, NodeType, Relationship};
use crate::snapshot::Area;
use crate::sql::lexer::redacted_tokens;
use crate::sql::rewrite::union_all;

static MIN_REMOVED: Threshold<f64> = Threshold {
    key: "nested_loop_join_filter.min_rows_removed",
    default: 100_000.0,
    unit: Unit::Rows,
    what: "pairs of rows thrown away",
};

static MIN_FACTOR: Threshold<f64> = Threshold {
    key: "nested_loop_join_filter.min_factor",
    default: 10.0,
    unit: Unit::Factor,
    what: "pairs thrown away for each one kept",
};

static META: CheckMeta = CheckMeta {
    id: CheckId::new("nested_loop_join_filter"),
    title: "join by comparing all",
    summary: "a nested loop's join filter throws away 100,000 pairs of rows or more, and 10 times as many as it keeps",
    category: Category::Plan,
    needs: &[Area::Plans],
    thresholds: &[&MIN_REMOVED, &MIN_FACTOR],
    page: include_str!("nested_loop_join_filter.md"),
};

/// The check.
#[derive(Debug)]
pub struct NestedLoopJoinFilter;

impl Check for NestedLoopJoinFilter {
    fn meta(&self) -> &'static CheckMeta {
        &META
    }

    fn run(&self, case: &Case<'_>, found: &mut Vec<Proposal>) {
        each_seen(case, found, look);
    }
}

fn look(case: &Case<'_>, plan: &CasePlan<'_>, join: &Node) -> Option<Seen> {
    let condition = join.condition(&ConditionKind::JoinFilter)?;
    if join.node_type != NodeType::NestedLoop {
        return None;
    }
    let pairs = if plan.is_analyzed() {
        measured(plan, join)?
    } else {
        planned(plan, join)?
    };
    if pairs.removed < MIN_REMOVED.of(case) || pairs.removed < MIN_FACTOR.of(case) * pairs.kept {
        return None;
    }
    let join_by = JoinBy::of(condition);
    // An equality could be hashed: a loop was chosen because fewer rows were expected.
    let reason = (join_by == JoinBy::Equality)
        .then(|| row_misestimate::underestimate(case, plan, join))
        .flatten();
    Some(Seen {
        title: format!(
            "join by comparing all: {} pairs of rows thrown away",
            format::count(pairs.removed)
        ),
        proof: pairs.proof,
        others: vec![pairs.other],
        advice: join_by.advice(case, plan),
        share: plan.share_of_loop(join),
        causes: reason.into_iter().collect(),
        at_most: None,
    })
}

struct Pairs {
    removed: f64,
    kept: f64,
    proof: Evidence,
    other: Evidence,
}

fn measured(plan: &CasePlan<'_>, join: &Node) -> Option<Pairs> {
    let metrics = plan.metrics_of(join);
    let removed = metrics.removed.join_filter?.get();
    let kept = metrics.kept.get();
    let total = |label, value, key| plan.total(label, value, join, key);
    Some(Pairs {
        removed,
        kept,
        proof: total(
            "pairs of rows thrown away",
            removed,
            "Rows Removed by Join Filter",
        ),
        other: total("rows kept", kept, "Actual Rows"),
    })
}

/// Each outer row is compared with every inner row. (A semi or anti join stops at the first match, which nobody can
/// foresee.)
fn planned(plan: &CasePlan<'_>, join: &Node) -> Option<Pairs> {
    let rows = |node: &Node| Some(node.planned?.rows.per_loop().get());
    let outer = plan.plan.child(join, &Relationship::Outer)?;
    let inner = plan.plan.child(join, &Relationship::Inner)?;
    let complete = matches!(join.join_type, Some(JoinType::Inner | JoinType::Left));
    if !complete || join.inner_unique {
        return None;
    }
    let kept = rows(join)?;
    let removed = rows(outer)? * rows(inner)? - kept;
    let term = |node| plan.term(node, "Plan Rows");
    let formula = format!("{} * {} - {}", term(outer), term(inner), term(join));
    Some(Pairs {
        removed,
        kept,
        proof: plan.computed(
            "pairs of rows that the planner expects to throw away",
            removed,
            Unit::Rows,
            formula,
        ),
        other: plan.read(
            "rows that it expects to keep",
            kept,
            Unit::Rows,
            join,
            "Plan Rows",
        ),
    })
}

/// What the rows are joined by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum JoinBy {
    /// Alternatives.
    Or,
    /// One equality at least.
    Equality,
    /// Anything else: a range, a pattern, an inequality.
    Other,
}

impl JoinBy {
    fn of(condition: &str) -> Self {
        let mut equality = false;
        for token in redacted_tokens(condition) {
            if token.is_word("or") {
                return Self::Or;
            }
            equality |= token.text == "=";
        }
        if equality {
            Self::Equality
        } else {
            Self::Other
        }
    }

    fn advice(self, case: &Case<'_>, plan: &CasePlan<'_>) -> Recommendation {
        let summary = match self {
            Self::Or => {
                "join by one alternative of the OR at a time and put the results together with UNION: each part can be hashed or looked up"
            }
            Self::Equality => {
                "index what the inner side is joined by, or mend the row estimates so that the planner hashes it: the condition is an equality"
            }
            Self::Other => {
                "join by an equality where there is one (a bucket of the range, a normalised key), or give the inner side an index that the condition can use"
            }
        };
        let words = Words {
            summary,
            expected: "each row meets the rows that match instead of all",
            risk: "UNION removes equal rows: keep a key in the result where they must stay",
        };
        let advice = advice(Action::RewriteQuery, words);
        if self == Self::Or {
            let written = rewrite(case, plan, &|statement, catalog| {
                union_all(statement, catalog)
            });
            return rewritten(written, advice);
        }
        advice
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_told_apart() {
        for (condition, expected) in [
            ("(a.id = b.id)", JoinBy::Equality),
            ("((a.id = b.id) AND (a.x > b.y))", JoinBy::Equality),
            ("((a.id = b.id) OR (a.x = b.y))", JoinBy::Or),
            ("((a.x >= b.low) AND (a.x < b.high))", JoinBy::Other),
            (
                "(a.name ~~ ((b.name)::text || '% or = %'::text))",
                JoinBy::Other,
            ),
        ] {
            assert_eq!(JoinBy::of(condition), expected, "{condition}");
        }
    }
}
