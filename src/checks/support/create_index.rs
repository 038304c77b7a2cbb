//! Advice to create an index.

use crate::advisor::Blueprint;
use crate::checks::TableRef;
use crate::finding::{Action, Expected, Recommendation, Risk};
use crate::format;

/// The advice, with what the index should bring.
pub fn create_index(
    blueprint: &Blueprint,
    table: TableRef<'_>,
    expected: Expected,
) -> Recommendation {
    let mut summary = format!(
        "create an index on {} ({})",
        table.table.name,
        blueprint.definition.key_list()
    );
    if let Some(superfluous) = &blueprint.replaces {
        summary = format!(
            "{summary}; it begins with the keys of {}, which is then superfluous: {}",
            superfluous.name, superfluous.drop
        );
    }
    Recommendation {
        kind: Action::CreateIndex,
        summary,
        ddl: blueprint.script.create.clone(),
        rollback: blueprint.script.drop.clone(),
        rewrite: None,
        index: Some(blueprint.definition.clone()),
        expected,
        risk: risk(blueprint),
    }
}

/// What an index costs.
fn risk(blueprint: &Blueprint) -> Risk {
    let writes = &blueprint.writes;
    let mut parts = Vec::new();
    parts.extend(
        blueprint
            .size
            .map(|size| format!("about {} of disk", format::bytes(size))),
    );
    parts.extend(
        writes
            .per_second
            .map(|rate| format!("{} writes a second keep it up", format::quantity(rate))),
    );
    parts.extend(
        writes
            .hot_ratio
            .filter(|share| *share > 0.0)
            .map(|share| format!("{} of updates stop to be heap-only", format::percent(share))),
    );
    if parts.is_empty() {
        parts.push("every write of the table keeps one more index".to_owned());
    }
    Risk {
        text: parts.join("; "),
        size_bytes: blueprint.size,
        writes_per_second: writes.per_second,
        hot_ratio: writes.hot_ratio,
    }
}
