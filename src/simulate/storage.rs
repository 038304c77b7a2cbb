//! Makes the files of tables and indexes as long as the captured ones, without taking their space.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};

use tokio_postgres::{Client, Row};

use super::btree;
use super::{SimulationError, failed};
use crate::advisor::size;
use crate::demo::cluster::{Cluster, ClusterError};
use crate::ids::QualifiedName;
use crate::snapshot::{Snapshot, Table};
use crate::units::Bytes;

const BLOCKS: &str = query!("simulate_blocks.sql");
const RELATIONS: &str = query!("simulate_relations.sql");
const RELATION: &str = query!("simulate_relation.sql");

const ACTION: &str = "read the catalog";

/// Where `brin` keeps `pagesPerRange` and `lastRevmapPage` in its metapage (`brin_page.h`).
const BRIN_RANGE_AT: u64 = 32;
const BRIN_REVMAP_AT: u64 = 36;
/// `REVMAP_PAGE_MAXITEMS` of 8 kB pages: item pointers of 6 bytes.
const BRIN_ITEMS: i64 = (8192 - 24 - 8) / 6;

/// The sizes of blocks and files.
#[derive(Debug, Clone, Copy)]
pub(super) struct BlockSizes {
    pub(super) block: i64,
    segment: i64,
}

impl BlockSizes {
    pub(super) async fn read(client: &Client) -> Result<Self, SimulationError> {
        let failed = |error| failed(ACTION, &error);
        let row = client.query_one(BLOCKS, &[]).await.map_err(failed)?;
        Ok(Self {
            block: row.try_get("block_size").map_err(failed)?,
            segment: row.try_get("segment_blocks").map_err(failed)?,
        })
    }

    fn bytes(self, blocks: i64) -> u64 {
        u64::try_from(blocks.saturating_mul(self.block)).unwrap_or(0)
    }

    fn block_bytes(self) -> usize {
        usize::try_from(self.block).unwrap_or(8192)
    }
}

/// What is to be done while the server stands still.
#[derive(Debug)]
pub(super) struct Storage {
    sizes: BlockSizes,
    files: Vec<Relation>,
    pub(super) caveats: Vec<String>,
}

/// A file that is to be made longer.
#[derive(Debug)]
struct Relation {
    /// Relative to the data directory.
    file: String,
    pages: i64,
    root: Root,
}

/// What the planner reads of an index's metapage.
#[derive(Debug)]
enum Root {
    Nothing,
    /// The height of a btree.
    Btree(u32),
    /// The blocks of the table that a `brin` index summarises.
    Brin(i64),
}

/// A relation of the schema under test.
struct Found {
    name: QualifiedName,
    file: String,
    method: Option<String>,
    table: Option<QualifiedName>,
    partial: bool,
    /// Names of key columns; `None` for expressions.
    columns: Vec<Option<String>>,
    key_bytes: f64,
    pages: i64,
    table_pages: i64,
    table_tuples: f64,
}

impl Found {
    fn of(row: &Row) -> Result<Self, tokio_postgres::Error> {
        let table: Option<String> = row.try_get("table_schema")?;
        let table_name: Option<String> = row.try_get("table_name")?;
        let widths: Option<Vec<i32>> = row.try_get("widths")?;
        Ok(Self {
            name: QualifiedName::new(
                row.try_get::<_, String>("schema")?,
                row.try_get::<_, String>("name")?,
            ),
            file: row.try_get("file")?,
            method: row.try_get("method")?,
            table: table
                .zip(table_name)
                .map(|(schema, name)| QualifiedName::new(schema, name)),
            partial: row.try_get("partial")?,
            columns: row.try_get::<_, Option<_>>("columns")?.unwrap_or_default(),
            key_bytes: widths.unwrap_or_default().into_iter().map(f64::from).sum(),
            pages: row.try_get("pages")?,
            table_pages: row.try_get::<_, Option<_>>("table_pages")?.unwrap_or(0),
            table_tuples: row.try_get::<_, Option<_>>("table_tuples")?.unwrap_or(0.0),
        })
    }

    /// The size of an index that was not captured, on a table that was.
    fn estimated(&self, table: &Table, major: u32, sizes: BlockSizes) -> Option<i64> {
        let columns: Option<Vec<String>> = self.columns.iter().cloned().collect();
        let plain = self.method.as_deref() == Some("btree") && !self.partial;
        let columns = columns.filter(|_| plain)?;
        let bytes = size::btree(
            table,
            &columns,
            self.table_tuples,
            Bytes(sizes.block),
            major,
        )?;
        Some(bytes.get() / sizes.block)
    }

    fn relation(self, pages: i64, sizes: BlockSizes) -> Relation {
        let root = match self.method.as_deref() {
            Some("btree") => Root::Btree(btree::height(pages, self.key_bytes, sizes.block_bytes())),
            Some("brin") => Root::Brin(self.table_pages),
            _ => Root::Nothing,
        };
        Relation {
            file: self.file,
            pages,
            root,
        }
    }
}

/// Finds out what is to be made longer, and gives indexes that were not captured an estimated size.
pub(super) async fn plan(client: &Client, capture: &Snapshot) -> Result<Storage, SimulationError> {
    let failed = |error| failed(ACTION, &error);
    let sizes = BlockSizes::read(client).await?;
    let tables = capture.tables.iter().map(|table| &table.name);
    let indexes = capture.indexes.iter().map(|index| &index.name);
    let captured: BTreeSet<&QualifiedName> = tables.chain(indexes).collect();
    let mut storage = Storage {
        sizes,
        files: Vec::new(),
        caveats: Vec::new(),
    };
    let rows = client.query(RELATIONS, &[]).await.map_err(failed)?;
    for row in &rows {
        let found = Found::of(row).map_err(failed)?;
        let pages = if captured.contains(&found.name) {
            found.pages
        } else {
            let table = found.table.as_ref();
            let Some(table) =
                table.and_then(|name| capture.tables.iter().find(|t| t.name == *name))
            else {
                continue;
            };
            let Some(pages) = found.estimated(table, capture.server.major(), sizes) else {
                if found.table_pages > 1 {
                    storage.caveats.push(format!(
                        "index {} is not in the capture and its size is not known, so its cost is too low",
                        found.name
                    ));
                }
                continue;
            };
            let (schema, name) = (&found.name.schema, &found.name.name);
            client
                .execute(
                    RELATION,
                    &[schema, name, &pages, &found.table_tuples, &0_i64],
                )
                .await
                .map_err(failed)?;
            pages
        };
        if pages > 0 {
            storage.files.push(found.relation(pages, sizes));
        }
    }
    Ok(storage)
}

impl Storage {
    /// Makes the files longer. The server must have been stopped cleanly.
    pub(super) fn extend(&self, cluster: &Cluster) -> Result<(), ClusterError> {
        for relation in &self.files {
            let extended = self.extend_one(cluster, relation);
            extended.map_err(|error| match error {
                Failure::Cluster(error) => error,
                Failure::Io(source) => ClusterError::Io {
                    action: format!("make {} as long as the captured one", relation.file),
                    source,
                },
            })?;
        }
        Ok(())
    }

    fn extend_one(&self, cluster: &Cluster, relation: &Relation) -> Result<(), Failure> {
        let mut left = relation.pages;
        let mut number = 0;
        while left > 0 {
            let name = match number {
                0 => relation.file.clone(),
                number => format!("{}.{number}", relation.file),
            };
            let mut file = cluster.data_file(&name)?;
            let length = file.metadata()?.len();
            let wanted = self.sizes.bytes(left.min(self.sizes.segment));
            if length < wanted {
                file.set_len(wanted)?;
                if number == 0 {
                    self.put_root(&mut file, length, wanted, &relation.root)?;
                }
            }
            left -= self.sizes.segment;
            number += 1;
        }
        Ok(())
    }

    /// Puts what the planner reads into a metapage. `length` is the file's before it was made longer.
    fn put_root(&self, file: &mut File, length: u64, wanted: u64, root: &Root) -> io::Result<()> {
        let block_bytes = self.sizes.block_bytes();
        match *root {
            Root::Btree(height) if height > 0 && length > 0 => {
                let block = self.sizes.bytes(1);
                let first = u32::try_from(length / block).unwrap_or(u32::MAX);
                let chain = btree::chain(first, height, block_bytes);
                if length + u64::try_from(chain.len()).unwrap_or(u64::MAX) > wanted {
                    return Ok(());
                }
                write_at(file, length, &chain)?;
                write_at(file, btree::ROOT_AT, &btree::root_words(first, height))
            }
            Root::Brin(table_pages) if length > 0 => {
                let mut range = [0; 4];
                file.seek(SeekFrom::Start(BRIN_RANGE_AT))?;
                file.read_exact(&mut range)?;
                let range = i64::from(u32::from_ne_bytes(range)).max(1);
                let items = BRIN_ITEMS.saturating_mul(range);
                let last = u32::try_from((table_pages + items - 1) / items).unwrap_or(1);
                write_at(file, BRIN_REVMAP_AT, &last.max(1).to_ne_bytes())
            }
            _ => Ok(()),
        }
    }
}

enum Failure {
    Cluster(ClusterError),
    Io(io::Error),
}

impl From<ClusterError> for Failure {
    fn from(error: ClusterError) -> Self {
        Self::Cluster(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

fn write_at(file: &mut File, at: u64, bytes: &[u8]) -> io::Result<()> {
    file.seek(SeekFrom::Start(at))?;
    file.write_all(bytes)
}
