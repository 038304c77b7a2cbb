//! `leading_wildcard_like`: a pattern that begins with a wildcard, which a btree index cannot look up.

use super::support::{
    Asks, Dress, SELECTIVE, Scan, Selective, Told, Words, advice, conditions, dress, each_seq_scan,
    filter_facts, is_infix, lookups, selective, special_index, with_index,
};
use super::{Case, CasePlan, Category, Check, CheckMeta, Proposal, seq_scan_selective};
use crate::finding::{Action, CheckId, Recommendation};
use crate::ids::quote_ident;
use crate::plan::Node;
use crate::snapshot::Area;
use crate::sql::facts::Operand;

static META: CheckMeta = CheckMeta {
    id: CheckId::new("leading_wildcard_like"),
    title: "infix LIKE",
    summary: "a selective sequential scan's filter is LIKE or ILIKE with a pattern that begins with %",
    category: Category::Plan,
    needs: &[Area::Plans],
    thresholds: SELECTIVE,
    page: include_str!("leading_wildcard_like.md"),
};

/// The check.
#[derive(Debug)]
pub struct LeadingWildcardLike;

impl Check for LeadingWildcardLike {
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
    let infix = predicates
        .into_iter()
        .find(|predicate| is_infix(&predicate.test))?;
    scan.columns = infix.operand.columns().to_vec();
    let key = match (dress(scan.table, &infix.operand), &infix.operand) {
        (Some(Dress::Bare { column }), _) => quote_ident(column).into_owned(),
        (_, Operand::Column(column)) => quote_ident(column).into_owned(),
        // An index takes a cast column in parentheses of its own.
        (_, Operand::Expression(expression)) => format!("({})", expression.text),
    };
    Some(Told {
        title: format!("infix LIKE on {}", scan.label()),
        proof: rows.proof,
        others: vec![rows.other],
        advice: with_index(
            trigrams(case, scan, &key),
            trigram_index(case, plan, node, scan),
        ),
    })
}

/// The index on those columns.
fn trigram_index(
    case: &Case<'_>,
    plan: &CasePlan<'_>,
    node: &Node,
    scan: &Scan<'_>,
) -> Option<Recommendation> {
    let table = scan.table?;
    let conditions = lookups(&filter_facts(case, plan, node)?, table);
    let condition = conditions
        .iter()
        .find(|lookup| lookup.asks == Asks::Trigrams && scan.columns.contains(&lookup.column))?;
    special_index(case, plan, table, condition)
}

fn trigrams(case: &Case<'_>, scan: &Scan<'_>, key: &str) -> Recommendation {
    let name = &scan.name;
    let first = if case.snapshot.has_extension("pg_trgm") {
        ""
    } else {
        "CREATE EXTENSION pg_trgm, then "
    };
    let summary = format!(
        "{first}a trigram index: CREATE INDEX CONCURRENTLY ON {name} USING gin ({key} gin_trgm_ops)"
    );
    let words = Words {
        summary: &summary,
        expected: "looks up the three-letter pieces of the pattern instead of reading the table; patterns need three letters in a row",
        risk: "a GIN index is dear to keep up on a table that is written often; it is larger than a btree",
    };
    advice(Action::CreateIndex, words)
}
