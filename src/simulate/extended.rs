//! Writes statistics over several columns, in the form that they are stored in (`mvdistinct.c`, `dependencies.c`).

use std::collections::BTreeMap;

use tokio_postgres::Client;

use super::{SimulationError, failed};
use crate::ids::QualifiedName;
use crate::snapshot::{ColumnGroup, Snapshot};

const EXTENDED: &str = query!("simulate_extended.sql");
const BEGIN: &str = query!("simulate_extended_begin.sql");
const END: &str = query!("simulate_extended_end.sql");
const WRITE_13: &str = query!("simulate_extended_13.sql");
const WRITE_15: &str = query!("simulate_extended_15.sql");

/// The first version that tells the statistics of a table from those of its whole tree.
const TELLS_INHERITED: u32 = 15;

/// `STATS_NDISTINCT_MAGIC` and `STATS_DEPS_MAGIC` (`statistics.h`), and the only type of each.
const N_DISTINCT_MAGIC: u32 = 0xA352_BFA4;
const DEPENDENCIES_MAGIC: u32 = 0xB454_9A2C;
const BASIC: u32 = 1;

const ACTION: &str = "write extended statistics";

/// The numbers of columns, by name.
type Numbers = BTreeMap<String, i16>;

/// Gives the extended statistics that both the capture and the schema have their contents.
pub(super) async fn inject(
    client: &Client,
    capture: &Snapshot,
    major: u32,
) -> Result<(), SimulationError> {
    let failed = |error| failed(ACTION, &error);
    let known = known(client).await.map_err(failed)?;
    client.batch_execute(BEGIN).await.map_err(failed)?;
    let write = if major >= TELLS_INHERITED {
        WRITE_15
    } else {
        WRITE_13
    };
    for one in &capture.extended_statistics {
        let Some((oid, numbers)) = known.get(&one.name) else {
            continue;
        };
        let n_distinct = n_distinct(&one.n_distinct, numbers);
        let dependencies = dependencies(&one.dependencies, numbers);
        client
            .execute(write, &[oid, &one.inherited, &n_distinct, &dependencies])
            .await
            .map_err(failed)?;
    }
    client.batch_execute(END).await.map_err(failed)
}

async fn known(
    client: &Client,
) -> Result<BTreeMap<QualifiedName, (u32, Numbers)>, tokio_postgres::Error> {
    let rows = client.query(EXTENDED, &[]).await?;
    let rows = rows.iter().map(|row| {
        let (schema, name): (String, String) = (row.try_get("schema")?, row.try_get("name")?);
        let numbers: Option<Vec<i16>> = row.try_get("numbers")?;
        let names: Option<Vec<String>> = row.try_get("names")?;
        let names = names.unwrap_or_default().into_iter();
        let numbers = names.zip(numbers.unwrap_or_default()).collect();
        Ok((
            QualifiedName::new(schema, name),
            (row.try_get("oid")?, numbers),
        ))
    });
    rows.collect()
}

/// `statext_ndistinct_serialize`: of each group its number, the count of its columns as an int, and these.
fn n_distinct(groups: &[ColumnGroup], numbers: &Numbers) -> Option<Vec<u8>> {
    let item = |value: f64, columns: &[i16]| {
        let mut bytes = value.to_ne_bytes().to_vec();
        bytes.extend(i32::try_from(columns.len()).unwrap_or(0).to_ne_bytes());
        bytes
    };
    stored(N_DISTINCT_MAGIC, groups, numbers, item)
}

/// `statext_dependencies_serialize`: as above, with the count as a short.
fn dependencies(groups: &[ColumnGroup], numbers: &Numbers) -> Option<Vec<u8>> {
    let item = |value: f64, columns: &[i16]| {
        let mut bytes = value.to_ne_bytes().to_vec();
        bytes.extend(i16::try_from(columns.len()).unwrap_or(0).to_ne_bytes());
        bytes
    };
    stored(DEPENDENCIES_MAGIC, groups, numbers, item)
}

fn stored(
    magic: u32,
    groups: &[ColumnGroup],
    numbers: &Numbers,
    head: impl Fn(f64, &[i16]) -> Vec<u8>,
) -> Option<Vec<u8>> {
    let items: Option<Vec<Vec<u8>>> = groups
        .iter()
        .map(|group| {
            let columns = group.columns.iter().map(|name| numbers.get(name).copied());
            let columns: Vec<i16> = columns.collect::<Option<_>>()?;
            let mut bytes = head(group.value, &columns);
            bytes.extend(columns.iter().flat_map(|column| column.to_ne_bytes()));
            Some(bytes)
        })
        .collect();
    let items = items.filter(|items| !items.is_empty())?;
    let count = u32::try_from(items.len()).ok()?;
    let head = [magic, BASIC, count].map(u32::to_ne_bytes).concat();
    Some([head, items.concat()].concat())
}
