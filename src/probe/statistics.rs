//! Reads what values of parameters are taken from: most common values and histograms.

use std::collections::BTreeMap;

use tokio_postgres::Row;
use tokio_postgres::types::Type;

use super::fault::Fault;
use super::link::{Access, ProbeSession, get};
use crate::ids::QualifiedName;
use crate::snapshot::{ColumnStatistics, Table};
use crate::units::Bytes;

/// Reads the statistics of these tables' columns into them, in one round trip.
pub(super) async fn read(session: &ProbeSession, tables: &mut [&mut Table]) -> Result<(), Fault> {
    if tables.is_empty() {
        return Ok(());
    }
    let schemas: Vec<String> = tables.iter().map(|t| t.name.schema.clone()).collect();
    let names: Vec<String> = tables.iter().map(|t| t.name.name.clone()).collect();
    session.begin(Access::Read).await?;
    let rows = session
        .own(
            include_str!("../../queries/sampling.sql"),
            &[(&schemas, Type::TEXT_ARRAY), (&names, Type::TEXT_ARRAY)],
        )
        .await;
    session.end().await?;
    let mut found = BTreeMap::new();
    for row in rows? {
        let table = QualifiedName::new(
            get::<String>(&row, "schema")?,
            get::<String>(&row, "table")?,
        );
        let column: String = get(&row, "column")?;
        found.insert((table, column), decode(&row)?);
    }
    for table in tables {
        for column in &mut table.columns {
            let key = (table.name.clone(), column.name.clone());
            if let Some(statistics) = found.remove(&key) {
                column.statistics = Some(statistics);
            }
        }
    }
    Ok(())
}

fn decode(row: &Row) -> Result<ColumnStatistics, Fault> {
    let list = |column| get::<Option<Vec<String>>>(row, column).map(Option::unwrap_or_default);
    Ok(ColumnStatistics {
        null_frac: get(row, "null_frac")?,
        avg_width_bytes: Bytes(get(row, "avg_width")?),
        n_distinct: get(row, "n_distinct")?,
        correlation: get(row, "correlation")?,
        most_common_values: list("most_common_values")?,
        most_common_freqs: get::<Option<Vec<f64>>>(row, "most_common_freqs")?.unwrap_or_default(),
        histogram_bounds: list("histogram_bounds")?,
    })
}
