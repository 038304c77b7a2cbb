//! All that the planner knows of the values of columns.

use tokio_postgres::Client;
use tokio_postgres::types::Type;

use super::moment::{Moment, ReadError};
use super::row::{DecodeError, Record};
use super::{CollectError, Options, alive, extended};
use crate::ids::QualifiedName;
use crate::snapshot::{Area, Distribution, Gap, Snapshot, Values};
use crate::units::Bytes;

const DISTRIBUTIONS: &str = query!("distributions.sql");

/// A column has some two hundred values, so these are a hundred megabytes at most; the columns of the largest tables
/// come first.
const MOST: i64 = 20_000;

/// Reads the distributions of columns, and of several together, into the snapshot, in a read-only transaction that is
/// rolled back. That they cannot be read is a gap in it.
///
/// # Errors
/// [`CollectError`] where the connection is lost.
pub async fn distributions(
    client: &Client,
    options: &Options,
    snapshot: &mut Snapshot,
) -> Result<(), CollectError> {
    let moment = Moment::begin(client, options.limits).await?;
    let (found, extended) = (read(&moment).await, extended::read(&moment).await);
    let ended = moment.end().await;
    let mut gaps = Vec::new();
    let mut gap = |error: ReadError| -> Result<(), CollectError> {
        let error = alive(client, error, "read the distributions of columns")?;
        gaps.push(Gap {
            area: Area::ColumnStatistics,
            reason: format!("the distributions of columns cannot be read: {error}"),
            remedy: None,
        });
        Ok(())
    };
    match found {
        Ok(found) => snapshot.distributions = found,
        Err(error) => gap(error)?,
    }
    match extended {
        Ok(extended) => snapshot.extended_statistics = extended,
        Err(error) => gap(error)?,
    }
    snapshot.gaps.extend(gaps);
    ended
}

/// By relation and column.
async fn read(moment: &Moment<'_>) -> Result<Vec<Distribution>, ReadError> {
    let most = [(&MOST as _, Type::INT8)];
    let mut found = moment.read(DISTRIBUTIONS, &most, decode).await?;
    found.sort_by(|a, b| {
        (&a.relation, &a.column, a.inherited).cmp(&(&b.relation, &b.column, b.inherited))
    });
    Ok(found)
}

fn decode(record: &Record<'_>) -> Result<Distribution, DecodeError> {
    let labels = record.texts("labels")?;
    let values = |name: &str| -> Result<Values, DecodeError> {
        let texts = record.texts(name)?;
        let place = |text: &String| labels.iter().position(|label| label == text);
        let ranks: Option<Vec<u32>> = texts
            .iter()
            .map(|text| u32::try_from(place(text)?).ok())
            .collect();
        Ok(Values {
            texts,
            ranks: ranks.unwrap_or_default(),
        })
    };
    let numbers = |name: &str| record.opt::<Vec<f64>>(name).map(Option::unwrap_or_default);
    Ok(Distribution {
        relation: QualifiedName::new(record.text("schema")?, record.text("relation")?),
        column: record.text("column")?,
        type_name: record.text("type_name")?,
        inherited: record.get("inherited")?,
        null_frac: record.get("null_frac")?,
        avg_width_bytes: Bytes(record.get("avg_width")?),
        n_distinct: record.get("n_distinct")?,
        correlation: record.opt("correlation")?,
        most_common: values("most_common")?,
        most_common_freqs: numbers("most_common_freqs")?,
        histogram: values("histogram")?,
        elements: values("elements")?,
        element_freqs: numbers("element_freqs")?,
        element_count_histogram: numbers("element_count_histogram")?,
    })
}
