//! Whether an index that is there does what a new one would.

use crate::checks::Catalog;
use crate::ids::Oid;
use crate::snapshot::Index;

use super::candidates::Candidate;

/// The index that already has the candidate's columns in front: those compared for equality in any order, the others in
/// theirs. An index in the other direction counts, because scans go both ways.
pub fn covering<'a>(catalog: &Catalog<'a>, table: Oid, candidate: &Candidate) -> Option<&'a Index> {
    catalog
        .indexes(table)
        .filter(|index| is_plain(index))
        .find(|index| covers(index, candidate))
}

/// A valid btree over all rows.
pub fn is_plain(index: &Index) -> bool {
    index.valid && !index.building && index.method == "btree" && index.predicate.is_none()
}

/// The index that has the candidate's columns in front, whether or not another one finds single rows by some of them.
pub fn leading<'a>(catalog: &Catalog<'a>, table: Oid, candidate: &Candidate) -> Option<&'a Index> {
    catalog
        .indexes(table)
        .filter(|index| is_plain(index))
        .find(|index| begins(index, candidate))
}

fn covers(index: &Index, candidate: &Candidate) -> bool {
    begins(index, candidate) || holds_unique_key(index, candidate)
}

fn begins(index: &Index, candidate: &Candidate) -> bool {
    let (equal, rest) = candidate
        .keys
        .split_at(candidate.equal.min(candidate.keys.len()));
    if index.keys.len() < candidate.keys.len() {
        return false;
    }
    let (front, behind) = index.keys.split_at(equal.len());
    let same_front = front.iter().all(|key| {
        let column = key.column.as_deref();
        key.opclass.is_none()
            && key.collation.is_none()
            && equal
                .iter()
                .any(|wanted| Some(wanted.column.as_str()) == column)
    });
    let matches = |reversed: bool| {
        rest.iter().zip(behind).all(|(wanted, key)| {
            key.column.as_deref() == Some(wanted.column.as_str())
                && (key.desc != wanted.desc) == reversed
                && key.nulls_first == key.desc
                && key.collation.is_none()
                && key.opclass.is_some() == wanted.pattern
        })
    };
    let in_order = matches(false)
        || matches(true)
        || (candidate.bounded && rest.len() == 1 && {
            let (wanted, key) = (rest.first(), behind.first());
            wanted.zip(key).is_some_and(|(wanted, key)| {
                key.column.as_deref() == Some(wanted.column.as_str())
                    && key.collation.is_none()
                    && key.opclass.is_some() == wanted.pattern
            })
        });
    same_front && in_order
}

/// Whether the equality columns hold a whole unique key: one row is found already.
fn holds_unique_key(index: &Index, candidate: &Candidate) -> bool {
    let equal = candidate.keys.get(..candidate.equal).unwrap_or_default();
    index.unique
        && index.keys.iter().all(|key| {
            equal
                .iter()
                .any(|wanted| key.column.as_deref() == Some(wanted.column.as_str()))
        })
}

/// The index whose keys are the first ones of the candidate's, so that the candidate could take its place. One that is
/// part of a partitioned index cannot be dropped alone.
pub fn extended<'a>(catalog: &Catalog<'a>, table: Oid, candidate: &Candidate) -> Option<&'a Index> {
    let replaceable = |index: &&Index| {
        is_plain(index)
            && !index.unique
            && !index.constraint
            && !index.replica_identity
            && index.parent.is_none()
            && index.include.is_empty()
            && index.keys.len() < candidate.keys.len()
            && index.keys.iter().zip(&candidate.keys).all(|(key, wanted)| {
                key.column.as_deref() == Some(wanted.column.as_str())
                    && key.desc == wanted.desc
                    && key.nulls_first == key.desc
                    && key.opclass.is_some() == wanted.pattern
                    && key.collation.is_none()
            })
    };
    catalog.indexes(table).find(replaceable)
}
