//! What each statement asks of each relation, read when it is first needed.

use std::sync::OnceLock;

use super::catalog::Catalog;
use crate::snapshot::Snapshot;
use crate::sql::facts::{Facts, facts};
use crate::sql::parse::parse;

/// The facts of a Snapshot's statements. Parsing is the dearest part of an analysis, so facts that are asked for again
/// and again are kept. They are much larger than their text, so what looks at every statement once does not keep them.
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

    /// The facts of the statement at that position, kept from now on; `None` where its text is lost or does not parse.
    pub fn facts(
        &self,
        snapshot: &Snapshot,
        catalog: &Catalog<'_>,
        statement: usize,
    ) -> Option<&Facts> {
        let kept = self.0.get(statement)?;
        kept.get_or_init(|| read(snapshot, catalog, statement))
            .as_ref()
    }

    /// What `look` sees in the facts of a statement, which are not kept for it.
    pub fn glance<R>(
        &self,
        snapshot: &Snapshot,
        catalog: &Catalog<'_>,
        statement: usize,
        look: impl FnOnce(&Facts) -> R,
    ) -> Option<R> {
        match self.0.get(statement)?.get() {
            Some(kept) => kept.as_ref().map(look),
            None => read(snapshot, catalog, statement).as_ref().map(look),
        }
    }
}

fn read(snapshot: &Snapshot, catalog: &Catalog<'_>, statement: usize) -> Option<Facts> {
    let text = snapshot.statements.get(statement)?.query.as_deref()?;
    let parsed = parse(text).ok()?;
    Some(facts(&parsed, catalog))
}
