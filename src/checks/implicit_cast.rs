//! `implicit_cast`: a comparison casts the column to the type of the value, so that no index on the column can serve.

use super::support::{
    Dress, SELECTIVE, Scan, Selective, Told, Words, advice, conditions, dress, each_seq_scan,
    rewritten, selective,
};
use super::{Case, CasePlan, Category, Check, CheckMeta, Proposal, seq_scan_selective};
use crate::finding::{Action, CheckId};
use crate::plan::Node;
use crate::snapshot::Area;
use crate::sql::facts::Test;
use crate::sql::rewrite::uncast;

/// The check's id.
pub const ID: CheckId = CheckId::new("implicit_cast");

static META: CheckMeta = CheckMeta {
    id: ID,
    title: "column cast",
    summary: "a selective sequential scan's filter casts the column to the type of what it is compared with",
    category: Category::Plan,
    needs: &[Area::Plans],
    thresholds: SELECTIVE,
    page: include_str!("implicit_cast.md"),
};

/// The check.
#[derive(Debug)]
pub struct ImplicitCast;

impl Check for ImplicitCast {
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
    let converted = predicates.iter().find_map(|predicate| {
        let Some(Dress::Cast { column, to }) = dress(scan.table, &predicate.operand) else {
            return None;
        };
        let compares = matches!(
            predicate.test,
            Test::Equal(_) | Test::Range { .. } | Test::In(_)
        );
        compares.then_some((column, to))
    });
    let (column, to) = converted?;
    scan.columns = vec![column.to_owned()];
    let own = scan
        .table
        .and_then(|table| table.table.column(column))
        .map_or("the column's type", |column| column.type_name.as_str());
    let summary = format!(
        "pass the value of {column} as {own}, not as {to}; an index on {} ({column}) then serves it, and no other index is needed",
        scan.name
    );
    let words = Words {
        summary: &summary,
        expected: "the comparison is made in the column's own type, which its index has in order",
        risk: "a value that the column's type cannot hold must be caught by the application",
    };
    let advice = advice(Action::ChangeApplication, words);
    let advice = match scan.rewrite(case, plan, &uncast) {
        Ok(rewrite) => rewritten(Ok(rewrite), advice),
        Err(_) => advice,
    };
    Some(Told {
        title: format!("column cast: {} is compared as {to}", scan.label()),
        proof: rows.proof,
        others: vec![rows.other],
        advice,
    })
}
