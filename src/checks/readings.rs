//! What each statement asks of each relation, read when it is first needed.

use std::sync::OnceLock;

use super::catalog::Catalog;
use crate::snapshot::Snapshot;
use crate::sql::facts::{Facts, facts};
use crate::sql::parse::parse;

/// The facts of a Snapshot's statements. Several checks need them and parsing is the dearest part of an analysis, so each text is parsed once at most.
#[derive(Debug)]
pub struct Readings(Vec<OnceLock<Option<Facts>>>);

impl Readings {
    /// Nothing read yet.
    pub fn of(snapshot: &Snapshot) -> Self {
        Self(
            snapshot
                .statements
                .iter()
                .map(|_| OnceLock::new())
                .collect(),
        )
    }

    /// The facts of the statement at that position; `None` where its text is lost or does not parse.
    pub fn facts(
        &self,
        snapshot: &Snapshot,
        catalog: &Catalog<'_>,
        statement: usize,
    ) -> Option<&Facts> {
        let read = || {
            let text = snapshot.statements.get(statement)?.query.as_deref()?;
            let parsed = parse(text).ok()?;
            Some(facts(&parsed, catalog))
        };
        self.0.get(statement)?.get_or_init(read).as_ref()
    }
}
