//! Writes the captured statistics into the catalog of the throwaway server.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use tokio_postgres::{Client, Statement};

use super::values::Synthesis;
use super::{SimulationError, failed, message};
use crate::ids::QualifiedName;
use crate::snapshot::{Distribution, RelationKind, Snapshot, Table, Values};
use crate::sql::redact::is_token;
use crate::units::{Blocks, Rows};

const RESET: &str = query!("simulate_reset.sql");
const RELATION: &str = query!("simulate_relation.sql");
const COLUMN: &str = query!("simulate_column.sql");
const LABELS: &str = query!("simulate_labels.sql");

const ACTION: &str = "write statistics";

/// Columns that are on their way at the same time.
const AT_ONCE: usize = 64;

/// Gives tables and indexes the captured rows, sizes and distributions, and returns the caveats. What the schema does
/// not have is passed over.
pub(super) async fn inject(
    client: &Client,
    capture: &Snapshot,
) -> Result<Vec<String>, SimulationError> {
    let failed = |error| failed(ACTION, &error);
    client.batch_execute(RESET).await.map_err(failed)?;
    let scale = Scale::of(client, capture).await?;
    let relation = client.prepare(RELATION).await.map_err(failed)?;
    let mut absent = Vec::new();
    for table in &capture.tables {
        let visible = table.all_visible.unwrap_or(Blocks(0));
        let size = (table.pages, table.tuples, visible);
        if !set_size(client, &relation, &table.name, size, &scale).await? {
            absent.push(table);
        }
    }
    for index in &capture.indexes {
        let size = (index.pages, index.tuples, Blocks(0));
        set_size(client, &relation, &index.name, size, &scale).await?;
    }
    let mut caveats = Vec::new();
    caveats.extend(without(&absent, capture));
    caveats.extend(set_distributions(client, capture).await?);
    Ok(caveats)
}

/// Says which captured tables the schema does not have.
fn without(absent: &[&Table], capture: &Snapshot) -> Option<String> {
    let first = absent.first()?;
    if absent.len() == capture.tables.len() {
        return Some(
            "the schema has none of the captured tables, so nothing is of production's size"
                .to_owned(),
        );
    }
    let partitions = if absent.iter().any(|table| table.parent.is_some()) {
        "; partitions that no migration makes are in what pg_dump --schema-only writes"
    } else {
        ""
    };
    Some(format!(
        "{} of the {} captured tables are not in the schema, the first {}{partitions}",
        absent.len(),
        capture.tables.len(),
        first.name
    ))
}

/// Blocks of the throwaway server for those of the captured one.
struct Scale {
    captured: i64,
    own: i64,
}

impl Scale {
    async fn of(client: &Client, capture: &Snapshot) -> Result<Self, SimulationError> {
        let blocks = super::storage::BlockSizes::read(client).await?;
        Ok(Self {
            captured: capture.server.block_size.get().max(1),
            own: blocks.block.max(1),
        })
    }

    fn blocks(&self, blocks: Blocks) -> i64 {
        if self.captured == self.own {
            return blocks.get();
        }
        blocks.get().saturating_mul(self.captured) / self.own
    }
}

async fn set_size(
    client: &Client,
    statement: &Statement,
    name: &QualifiedName,
    (pages, tuples, visible): (Blocks, Option<Rows>, Blocks),
    scale: &Scale,
) -> Result<bool, SimulationError> {
    // Rows that were never counted stay uncounted, as a new table's are.
    let Some(Rows(tuples)) = tuples else {
        return Ok(true);
    };
    let (pages, visible) = (scale.blocks(pages), scale.blocks(visible));
    let updated = client
        .execute(
            statement,
            &[&name.schema, &name.name, &pages, &tuples, &visible],
        )
        .await
        .map_err(|error| failed(ACTION, &error))?;
    Ok(updated > 0)
}

async fn set_distributions(
    client: &Client,
    capture: &Snapshot,
) -> Result<Vec<String>, SimulationError> {
    let scalars;
    let distributions = if capture.distributions.is_empty() {
        scalars = scalars_of(capture);
        &scalars
    } else {
        &capture.distributions
    };
    let mut caveats = Vec::new();
    if capture.distributions.is_empty() {
        caveats.push("the capture holds no distributions of values; write it again with this version of pgtriage capture".to_owned());
    } else if distributions
        .iter()
        .any(|one| !one.histogram.ranks.is_empty() || !one.most_common.ranks.is_empty())
        && capture.redacted
    {
        caveats.push("the capture holds the order and the frequencies of values, not the values: a constant in a statement is planned for as a value that is neither common nor rare; write the capture with --show-literals to plan for the values themselves".to_owned());
    }
    let prepared = client
        .prepare(COLUMN)
        .await
        .map_err(|error| failed(ACTION, &error))?;
    let synthesis = Synthesis::new(distributions, labels(client).await?, end_of_today());
    let mut refused = Vec::new();
    for group in distributions.chunks(AT_ONCE) {
        let lists: Vec<Lists> = group.iter().map(|one| Lists::of(one, &synthesis)).collect();
        let sent = lists.iter().zip(group);
        let sent = sent.map(|(lists, one)| lists.insert(client, &prepared, one));
        for (one, inserted) in group.iter().zip(join_all(sent).await) {
            let Err(error) = inserted else { continue };
            // A value that the column of the schema under test cannot hold: its type is another one than captured.
            let Some(_) = error.as_db_error() else {
                return Err(failed(ACTION, &error));
            };
            let reason = message(&error);
            refused.push(format!("{}.{}: {reason}", one.relation, one.column));
            let scalars = Lists::default().insert(client, &prepared, one).await;
            scalars.map_err(|error| failed(ACTION, &error))?;
        }
    }
    if let Some(first) = refused.first() {
        caveats.push(format!(
            "the captured values of {} columns do not fit the schema (the first: {first}); they are planned for without",
            refused.len()
        ));
    }
    Ok(caveats)
}

/// The end of the day: two runs of a day plan alike.
fn end_of_today() -> Timestamp {
    let day = SignedDuration::from_hours(24);
    let days = Timestamp::now().as_second().div_euclid(day.as_secs()) + 1;
    Timestamp::from_second(days * day.as_secs()).unwrap_or(Timestamp::UNIX_EPOCH)
}

async fn labels(client: &Client) -> Result<BTreeMap<String, Vec<String>>, SimulationError> {
    let failed = |error| failed(ACTION, &error);
    let rows = client.query(LABELS, &[]).await.map_err(failed)?;
    let rows = rows.iter().map(|row| {
        let name: String = row.try_get("type_name")?;
        Ok((name, row.try_get("labels")?))
    });
    rows.collect::<Result<_, tokio_postgres::Error>>()
        .map_err(failed)
}

/// What every capture knows of columns.
fn scalars_of(capture: &Snapshot) -> Vec<Distribution> {
    let columns = capture.tables.iter().flat_map(|table| {
        let columns = table.columns.iter();
        columns.filter_map(move |column| Some((table, column, column.statistics.as_ref()?)))
    });
    let shown = |texts: &[String]| {
        let texts = if texts.iter().any(|text| is_token(text)) {
            &[]
        } else {
            texts
        };
        Values {
            texts: texts.to_vec(),
            ranks: Vec::new(),
        }
    };
    let distribution = columns.map(|(table, column, known)| Distribution {
        relation: table.name.clone(),
        column: column.name.clone(),
        type_name: column.type_name.clone(),
        inherited: table.kind == RelationKind::PartitionedTable,
        null_frac: known.null_frac,
        avg_width_bytes: known.avg_width_bytes,
        n_distinct: known.n_distinct,
        correlation: known.correlation,
        most_common: shown(&known.most_common_values),
        most_common_freqs: known.most_common_freqs.clone(),
        histogram: shown(&known.histogram_bounds),
        elements: Values::default(),
        element_freqs: Vec::new(),
        element_count_histogram: Vec::new(),
    });
    distribution.collect()
}

/// The lists of a distribution as texts of arrays.
#[derive(Default)]
struct Lists {
    common: Option<String>,
    histogram: Option<String>,
    elements: Option<String>,
}

impl Lists {
    fn of(one: &Distribution, synthesis: &Synthesis) -> Self {
        let sorted = |values: &Values| Values {
            texts: values.texts.clone(),
            ranks: {
                let mut ranks = values.ranks.clone();
                ranks.sort_unstable();
                ranks
            },
        };
        let type_name = &one.type_name;
        Self {
            common: synthesis
                .array(type_name, &one.most_common)
                .filter(|_| one.most_common.len() == one.most_common_freqs.len()),
            histogram: synthesis.array(type_name, &sorted(&one.histogram)),
            elements: synthesis.elements(type_name, &one.elements),
        }
    }

    async fn insert(
        &self,
        client: &Client,
        statement: &Statement,
        one: &Distribution,
    ) -> Result<u64, tokio_postgres::Error> {
        let counts =
            (!one.element_count_histogram.is_empty()).then_some(&one.element_count_histogram);
        client
            .execute(
                statement,
                &[
                    &one.relation.schema,
                    &one.relation.name,
                    &one.column,
                    &one.inherited,
                    &one.null_frac,
                    &one.avg_width_bytes.get(),
                    &one.n_distinct,
                    &one.correlation,
                    &self.common,
                    &one.most_common_freqs,
                    &self.histogram,
                    &self.elements,
                    &one.element_freqs,
                    &counts,
                ],
            )
            .await
    }
}
