//! Conditions that row-level security keeps every index from.

use super::lookup::{Asks, Lookup};
use super::mend::{EXPECTED, Mend};
use super::{Words, advice};
use crate::checks::{Case, TableRef};
use crate::finding::{Action, Severity};
use crate::snapshot::{Index, IndexDefinition};

/// What is to be done where the policy of a table comes before the condition: always, unless the condition's operator
/// is leakproof, which those for patterns, documents, arrays and ranges are not, or where the index that `mend` advises
/// is there already.
pub(super) fn behind_policy(
    case: &Case<'_>,
    table: TableRef<'_>,
    lookup: &Lookup,
    mend: &Mend,
) -> Option<Mend> {
    let role = &case.snapshot.role;
    let table = table.table;
    if !table.row_security || role.superuser || role.bypass_rls {
        return None;
    }
    let wanted = mend.advice.index.as_ref()?;
    let leaks = wanted.method != "btree" || lookup.asks == Asks::Prefix;
    let mut indexes = case.catalog.indexes(table.oid);
    let is_there = indexes.any(|index| is_like(index, wanted, lookup));
    if !is_there && !leaks {
        return None;
    }
    let summary = format!(
        "row-level security of {} applies to role {}, and the condition is not leakproof, so that the policy is \
         checked first, row by row, and no index serves the condition: give the statement or the policy another one \
         that an index serves, or run the statement in a function of a role that bypasses the policy",
        table.name, role.name
    );
    let words = Words {
        summary: &summary,
        expected: EXPECTED,
        risk: "rows that the policy hides must stay hidden",
    };
    Some(Mend {
        at_most: Severity::Medium,
        ..Mend::new(mend.columns.clone(), advice(Action::RewriteQuery, words))
    })
}

/// Whether an index would serve the condition as well as the one wanted; several operator classes of GIN and `GiST`
/// would.
fn is_like(index: &Index, wanted: &IndexDefinition, lookup: &Lookup) -> bool {
    let class = wanted.keys.first().and_then(|key| key.opclass.as_ref());
    index.valid
        && index.predicate.is_none()
        && index.method == wanted.method
        && index.keys.first().is_some_and(|key| {
            lookup.begins(key) && (index.method != "btree" || key.opclass.as_ref() == class)
        })
}
