//! `non_sargable_predicate`: a filter wraps the column, so that no plain index on it can serve.

use super::support::{
    Dress, SELECTIVE, Scan, Selective, Told, Words, Wrap, advice, conditions, dress, each_seq_scan,
    filter_facts, lookups, rewritten, selective, special_index, with_index,
};
use super::{Case, CasePlan, Category, Check, CheckMeta, Proposal, seq_scan_selective};
use crate::finding::{Action, CheckId, Recommendation};
use crate::plan::Node;
use crate::snapshot::Area;
use crate::sql::facts::Test;
use crate::sql::rewrite::sargable;

/// The check's id.
pub const ID: CheckId = CheckId::new("non_sargable_predicate");

static META: CheckMeta = CheckMeta {
    id: ID,
    title: "wrapped column",
    summary: "a selective sequential scan's filter wraps the column in a function or an expression",
    category: Category::Plan,
    needs: &[Area::Plans],
    thresholds: SELECTIVE,
    page: include_str!("non_sargable_predicate.md"),
};

/// The check.
#[derive(Debug)]
pub struct NonSargablePredicate;

impl Check for NonSargablePredicate {
    fn meta(&self) -> &'static CheckMeta {
        &META
    }

    fn always_explains(&self) -> &'static [CheckId] {
        &[seq_scan_selective::ID]
    }

    fn run(&self, case: &Case<'_>, found: &mut Vec<Proposal>) {
        each_seq_scan(case, found, selective, tell);
    }
}

fn tell<'a>(
    case: &Case<'a>,
    plan: &CasePlan<'a>,
    node: &Node,
    scan: &mut Scan<'a>,
    rows: Selective,
) -> Option<Told> {
    let predicates = conditions(case, plan, node);
    let wrapped = predicates.iter().find_map(|predicate| {
        let Some(Dress::Wrapped { column, text }) = dress(scan.table, &predicate.operand) else {
            return None;
        };
        looks_up(&predicate.test).then_some(Wrapped {
            column,
            text,
            test: &predicate.test,
        })
    });
    let wrapped = wrapped?;
    scan.columns = vec![wrapped.column.to_owned()];
    Some(Told {
        title: format!(
            "wrapped column: {} is filtered by {}",
            scan.label(),
            wrapped.text
        ),
        proof: rows.proof,
        others: vec![rows.other],
        advice: unwrap(case, plan, node, scan, &wrapped),
    })
}

/// Whether a btree index on the tested expression would find the rows.
fn looks_up(test: &Test) -> bool {
    matches!(
        test,
        Test::Equal(_) | Test::Range { .. } | Test::In(_) | Test::LikePrefix { .. }
    )
}

/// A column below an expression, and the test of that.
struct Wrapped<'w> {
    column: &'w str,
    text: &'w str,
    test: &'w Test,
}

/// The statement with the column bare where that returns the same rows, else an index on the expression.
fn unwrap(
    case: &Case<'_>,
    plan: &CasePlan<'_>,
    node: &Node,
    scan: &Scan<'_>,
    wrapped: &Wrapped<'_>,
) -> Recommendation {
    let Wrapped { column, text, test } = wrapped;
    let name = &scan.name;
    let bare = scan.rewrite(case, plan, &sargable);
    if bare.is_ok() || is_piece_of_time(text) {
        let how = if is_piece_of_time(text) {
            format!(
                "compare {column} itself with the bounds of the period ({column} >= its start AND {column} < its end)"
            )
        } else {
            format!("compare {column} itself")
        };
        let summary = format!("{how}; an index on {name} ({column}) then serves it");
        let words = Words {
            summary: &summary,
            expected: "reads the rows that it keeps instead of the table",
            risk: "the bounds must be those of the expression: mind time zones",
        };
        return rewritten(bare, advice(Action::RewriteQuery, words));
    }
    let opclass = if matches!(test, Test::LikePrefix { .. }) {
        " text_pattern_ops"
    } else {
        ""
    };
    let summary = format!(
        "index the expression, {name} (({text}){opclass}), or write the condition so that {column} stands alone on its side; a plain index on {column} does not serve it"
    );
    let words = Words {
        summary: &summary,
        expected: "reads the rows it keeps instead of the table, and gives the planner statistics of the expression",
        risk: "every write of the table computes the expression; only an IMMUTABLE one can be indexed",
    };
    with_index(
        advice(Action::CreateIndex, words),
        expression_index(case, plan, node, scan, wrapped),
    )
}

/// The index on the expression.
fn expression_index(
    case: &Case<'_>,
    plan: &CasePlan<'_>,
    node: &Node,
    scan: &Scan<'_>,
    wrapped: &Wrapped<'_>,
) -> Option<Recommendation> {
    let table = scan.table?;
    let conditions = lookups(&filter_facts(case, plan, node)?, table);
    let condition = conditions.iter().find(
        |lookup| matches!(&lookup.wrap, Wrap::Expression { text, .. } if text == wrapped.text),
    )?;
    special_index(case, plan, table, condition)
}

/// Functions and casts whose values are periods.
fn is_piece_of_time(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    text.starts_with("date_trunc(") || text.ends_with("::date") || text.ends_with(" as date)")
}
