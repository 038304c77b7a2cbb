//! Statistics over several columns.

use std::collections::BTreeMap;

use serde_json::Value;

use super::moment::{Moment, ReadError};
use super::row::{DecodeError, Record};
use crate::ids::QualifiedName;
use crate::snapshot::{ColumnGroup, ExtendedStatistics};

const EXTENDED: &str = query!("extended_statistics.sql");

/// By name.
pub(super) async fn read(moment: &Moment<'_>) -> Result<Vec<ExtendedStatistics>, ReadError> {
    moment.read(EXTENDED, &[], decode).await
}

fn decode(record: &Record<'_>) -> Result<ExtendedStatistics, DecodeError> {
    let numbers: Vec<i16> = record.opt("numbers")?.unwrap_or_default();
    let names = numbers.into_iter().zip(record.texts("names")?).collect();
    Ok(ExtendedStatistics {
        name: QualifiedName::new(record.text("schema")?, record.text("name")?),
        inherited: record.get("inherited")?,
        n_distinct: groups(record, "n_distinct", &names)?,
        dependencies: groups(record, "dependencies", &names)?,
    })
}

/// `{"1, 2": 11, "1, 3 => 2": 0.5}`; groups with expressions, whose numbers are negative, are left out.
fn groups(
    record: &Record<'_>,
    column: &str,
    names: &BTreeMap<i16, String>,
) -> Result<Vec<ColumnGroup>, DecodeError> {
    let Some(text) = record.opt_text(column)? else {
        return Ok(Vec::new());
    };
    let parsed: BTreeMap<String, Value> = serde_json::from_str(&text)
        .map_err(|error| DecodeError::new(column, format!("cannot be read: {error}")))?;
    let group = |(numbers, value): (String, Value)| {
        let columns = numbers
            .split([',', '>'])
            .map(|number| number.trim_matches([' ', '=']).parse().ok())
            .map(|number| names.get(&number?).cloned());
        Some(ColumnGroup {
            columns: columns.collect::<Option<_>>()?,
            value: value.as_f64()?,
        })
    };
    Ok(parsed.into_iter().filter_map(group).collect())
}
