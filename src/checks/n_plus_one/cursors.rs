//! Rows that are fetched from cursors, as those of the queries that the cursors were declared for.

use std::collections::BTreeMap;

use crate::checks::Case;
use crate::checks::workload::Member;
use crate::ids::Oid;
use crate::snapshot::Statement;
use crate::sql::cursor::{declared, fetched};
use crate::sql::facts::{Facts, facts};
use crate::sql::family::{Family, Fingerprint};
use crate::sql::parse::parse;

use super::groups::{Group, Query};

/// The queries of the workload's cursors, by role and name. A name may be used for one query after the other.
pub struct Cursors<'s> {
    queries: BTreeMap<(Oid, String), &'s str>,
    groups: BTreeMap<(Oid, Fingerprint), Option<Group>>,
}

impl<'s> Cursors<'s> {
    pub fn of(case: &Case<'s>) -> Self {
        let mut queries: BTreeMap<(Oid, String), &'s str> = BTreeMap::new();
        let mut several = Vec::new();
        for statement in &case.snapshot.statements {
            let Some(cursor) = statement.query.as_deref().and_then(declared) else {
                continue;
            };
            let key = (statement.key.userid, cursor.name);
            let known = queries.insert(key.clone(), cursor.query);
            let shape = |query: &str| Family::of(query).fingerprint;
            if known.is_some_and(|known| shape(known) != shape(cursor.query)) {
                several.push(key);
            }
        }
        for key in several {
            queries.remove(&key);
        }
        Self {
            queries,
            groups: BTreeMap::new(),
        }
    }

    /// Takes in a statement of the workload; `false` where it fetches from no cursor that is known.
    pub fn add(
        &mut self,
        case: &Case<'_>,
        family: usize,
        member: Member,
        statement: &Statement,
    ) -> bool {
        if self.queries.is_empty() {
            return false;
        }
        let name = statement.query.as_deref().and_then(fetched);
        let query = name.and_then(|name| self.queries.get(&(statement.key.userid, name)));
        let (Some(query), Some(counters)) = (query, case.workload.counters(member)) else {
            return false;
        };
        let shape = Family::of(query).fingerprint;
        let begun = || {
            let of_query = Query {
                text: (*query).to_owned(),
                facts: read(case, query)?,
            };
            Some(Group::fetching(family, member, statement, of_query))
        };
        let group = self
            .groups
            .entry((statement.key.userid, shape))
            .or_insert_with(begun);
        if let Some(group) = group {
            group.add(member, counters);
        }
        true
    }

    /// A group for each query.
    pub fn into_groups(self) -> impl Iterator<Item = Group> {
        self.groups.into_values().flatten()
    }
}

fn read(case: &Case<'_>, query: &str) -> Option<Facts> {
    Some(facts(&parse(query).ok()?, &case.catalog))
}
