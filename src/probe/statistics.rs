//! Reads what values of parameters are taken from: most common values and histograms, and the views through which
//! columns are named.

use std::collections::BTreeMap;

use tokio_postgres::Row;
use tokio_postgres::types::Type;

use super::fault::Fault;
use super::link::{Access, ProbeSession, get};
use crate::ids::QualifiedName;
use crate::snapshot::{ColumnStatistics, Table};
use crate::sql::scope::RelationColumns;
use crate::units::Bytes;

/// The most common elements of array columns, by table and column.
pub(super) type Elements = BTreeMap<(QualifiedName, String), Vec<String>>;

/// Reads the statistics of these tables' columns into them, in one round trip, and returns those of array elements.
pub(super) async fn read(
    session: &ProbeSession,
    tables: &mut [&mut Table],
) -> Result<Elements, Fault> {
    let mut elements = Elements::new();
    if tables.is_empty() {
        return Ok(elements);
    }
    let schemas: Vec<String> = tables.iter().map(|t| t.name.schema.clone()).collect();
    let names: Vec<String> = tables.iter().map(|t| t.name.name.clone()).collect();
    session.begin(Access::Read).await?;
    let rows = session
        .own(
            query!("sampling.sql"),
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
        if let Some(common) = get::<Option<Vec<String>>>(&row, "most_common_elements")? {
            elements.insert((table.clone(), column.clone()), common);
        }
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
    Ok(elements)
}

/// The views among these names, with their queries, in one round trip.
pub(super) async fn views(
    session: &ProbeSession,
    names: &[String],
) -> Result<Vec<RelationColumns>, Fault> {
    session.begin(Access::Read).await?;
    let rows = session.own(VIEWS, &[(&names, Type::TEXT_ARRAY)]).await;
    session.end().await?;
    rows?
        .iter()
        .map(|row| {
            Ok(RelationColumns {
                name: QualifiedName::new(
                    get::<String>(row, "schema")?,
                    get::<String>(row, "name")?,
                ),
                columns: get(row, "columns")?,
                view: get(row, "definition")?,
            })
        })
        .collect()
}

/// Views by name.
pub(super) const VIEWS: &str = query!("probe_views.sql");

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
