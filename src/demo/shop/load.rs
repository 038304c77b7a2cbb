//! Loads the shop: rows first, by several connections at once, then keys, indexes and statistics.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use futures_util::future::try_join_all;
use tokio_postgres::Client;
use tokio_postgres::types::ToSql;

use super::size::Table;
use super::{Counter, OnProgress, Phase, Script, Shop, ShopError, failed, statement};

const SCHEMA: &str = include_str!("schema.sql");
const LOAD: &str = include_str!("load.sql");
const KEYS: &str = include_str!("keys.sql");
const FOREIGN_KEYS: &str = include_str!("foreign_keys.sql");
const VACUUM: &str = include_str!("vacuum.sql");

/// Rows a statement: small enough for a smooth progress bar, large enough that its overhead does not matter.
const CHUNK: i64 = 50_000;

struct Chunk {
    table: Table,
    from: i64,
    to: i64,
}

pub(super) async fn load(shop: &Shop, progress: &mut OnProgress<'_>) -> Result<u64, ShopError> {
    let connections = std::thread::available_parallelism().map_or(2, usize::from);
    let mut clients = Vec::new();
    for _ in 0..connections.clamp(2, 4) {
        clients.push(shop.connect().await?);
    }
    let Some(first) = clients.first() else {
        return Ok(0);
    };
    batch(first, "create the tables", SCHEMA).await?;
    let rows = load_rows(shop, &clients, progress).await?;
    build(first, &clients, progress).await?;
    Ok(rows)
}

async fn load_rows(
    shop: &Shop,
    clients: &[Client],
    progress: &mut OnProgress<'_>,
) -> Result<u64, ShopError> {
    let script = Script::new(LOAD);
    let chunks = Table::ALL
        .into_iter()
        .flat_map(|table| chunks(table, shop.scale.rows(table)));
    let total: i64 = Table::ALL.into_iter().map(|t| shop.scale.rows(t)).sum();
    let counter = Counter::new(Phase::Load, u64::try_from(total).unwrap_or(0), progress);
    share_out(clients, chunks, async |client, chunk| {
        let sql = statement(&script, chunk.table.name())?;
        let mut numbers = vec![chunk.from, chunk.to];
        numbers.extend(chunk.table.sized_by().iter().map(|t| shop.scale.rows(*t)));
        let parameters: Vec<&(dyn ToSql + Sync)> = numbers
            .iter()
            .map(|number| number as &(dyn ToSql + Sync))
            .collect();
        let loaded = client
            .execute(sql, &parameters)
            .await
            .map_err(failed(format!("load {}", chunk.table.name())))?;
        counter.add(loaded);
        Ok(())
    })
    .await?;
    Ok(counter.done())
}

fn chunks(table: Table, rows: i64) -> impl Iterator<Item = Chunk> {
    (0..)
        .map(|n| n * CHUNK)
        .take_while(move |from| *from < rows)
        .map(move |from| Chunk {
            table,
            from: from + 1,
            to: rows.min(from + CHUNK),
        })
}

async fn build(
    first: &Client,
    clients: &[Client],
    progress: &mut OnProgress<'_>,
) -> Result<(), ShopError> {
    let (keys, vacuum) = (Script::new(KEYS), Script::new(VACUUM));
    let steps = keys.iter().chain(vacuum.iter()).count() + 1;
    let counter = Counter::new(Phase::Index, u64::try_from(steps).unwrap_or(0), progress);
    let run = async |client: &Client, (name, sql): (&'static str, &str)| {
        batch(client, &format!("build the keys of {name}"), sql).await?;
        counter.add(1);
        Ok(())
    };
    share_out(clients, keys.iter(), run).await?;
    // One connection: each takes locks on two tables, and two at once could wait for one another.
    batch(first, "add the foreign keys", FOREIGN_KEYS).await?;
    counter.add(1);
    share_out(clients, vacuum.iter(), run).await
}

async fn batch(client: &Client, action: &str, sql: &str) -> Result<(), ShopError> {
    client.batch_execute(sql).await.map_err(failed(action))
}

/// Every connection takes the next item as soon as it is free.
async fn share_out<T>(
    clients: &[Client],
    items: impl Iterator<Item = T>,
    run: impl AsyncFn(&Client, T) -> Result<(), ShopError>,
) -> Result<(), ShopError> {
    let queue: Mutex<VecDeque<T>> = Mutex::new(items.collect());
    let next = || {
        queue
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop_front()
    };
    let (next, run) = (&next, &run);
    try_join_all(clients.iter().map(|client| async move {
        while let Some(item) = next() {
            run(client, item).await?;
        }
        Ok(())
    }))
    .await
    .map(|_: Vec<()>| ())
}
