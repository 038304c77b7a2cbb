//! Tables with their columns, indexes, and foreign keys.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::moment::{Moment, ReadError};
use super::row::{DecodeError, Record};
use crate::ids::{Oid, QualifiedName};
use crate::snapshot::{
    Column, ColumnStatistics, ForeignKey, ForeignKeyAction, Index, IndexCounters, IndexKey,
    RelationKind, SampledTable, Table, TableCounters, UNREADABLE,
};
use crate::units::{Blocks, Bytes, Rows};

const TABLES: &str = query!("tables.sql");
const TABLE_COUNTERS: &str = query!("table_counters.sql");
const COLUMNS: &str = query!("columns.sql");
const INDEXES: &str = query!("indexes.sql");
const INDEX_LAST_SCANS: &str = query!("index_last_scans.sql");
const EXPRESSIONS: &str = query!("expressions.sql");
const FOREIGN_KEYS: &str = query!("foreign_keys.sql");

/// Bits of `pg_index.indoption` (`src/include/catalog/pg_index.h`).
const INDOPTION_DESC: i16 = 1;
const INDOPTION_NULLS_FIRST: i16 = 2;

/// Tables without their columns, by schema and name.
pub(super) async fn tables(moment: &Moment<'_>) -> Result<Vec<Table>, ReadError> {
    let mut tables = moment.read(TABLES, &[], decode_table).await?;
    tables.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(tables)
}

fn decode_table(record: &Record<'_>) -> Result<Table, DecodeError> {
    let counted: bool = record.get("counted")?;
    Ok(Table {
        oid: Oid(record.get("oid")?),
        name: QualifiedName::new(record.text("schema")?, record.text("name")?),
        kind: relation_kind(&record.text("kind")?)?,
        owner: record.opt_text("owner")?,
        parent: record.opt("parent")?.map(Oid),
        row_security: record.get("row_security")?,
        readable: record.opt("readable")?.unwrap_or(false),
        pages: Blocks(record.get("pages")?),
        tuples: record.opt("tuples")?.map(Rows),
        all_visible: record.opt("all_visible")?.map(Blocks),
        options: record.texts("options")?,
        partition_key: None,
        counters: counted.then(|| decode_table_counters(record)).transpose()?,
        last_analyze: record.opt_time("last_analyze")?,
        last_vacuum: record.opt_time("last_vacuum")?,
        columns: Vec::new(),
    })
}

fn relation_kind(relkind: &str) -> Result<RelationKind, DecodeError> {
    match relkind {
        "r" => Ok(RelationKind::Table),
        "p" => Ok(RelationKind::PartitionedTable),
        "m" => Ok(RelationKind::MaterializedView),
        "f" => Ok(RelationKind::ForeignTable),
        other => Err(DecodeError::new(
            "kind",
            format!("has the unknown relkind {other}"),
        )),
    }
}

fn decode_table_counters(record: &Record<'_>) -> Result<TableCounters, DecodeError> {
    Ok(TableCounters {
        seq_scan: record.get("seq_scan")?,
        seq_tup_read: record.get("seq_tup_read")?,
        idx_scan: record.get("idx_scan")?,
        idx_tup_fetch: record.get("idx_tup_fetch")?,
        n_tup_ins: record.get("n_tup_ins")?,
        n_tup_upd: record.get("n_tup_upd")?,
        n_tup_del: record.get("n_tup_del")?,
        n_tup_hot_upd: record.get("n_tup_hot_upd")?,
        n_live_tup: record.get("n_live_tup")?,
        n_dead_tup: record.get("n_dead_tup")?,
        n_mod_since_analyze: record.get("n_mod_since_analyze")?,
    })
}

/// The counters of tables alone, by oid.
pub(super) async fn table_counters(moment: &Moment<'_>) -> Result<Vec<SampledTable>, ReadError> {
    let rows = moment.read(TABLE_COUNTERS, &[], |record| {
        Ok(SampledTable {
            oid: Oid(record.get("oid")?),
            counters: decode_table_counters(record)?,
        })
    });
    let mut tables = rows.await?;
    tables.sort_by_key(|table| table.oid);
    Ok(tables)
}

/// Columns in attribute order, with their table.
pub(super) async fn columns(moment: &Moment<'_>) -> Result<Vec<(Oid, Column)>, ReadError> {
    moment
        .read(COLUMNS, &[], |record| {
            let column = Column {
                name: record.text("name")?,
                type_name: record.text("type_name")?,
                base_type: record.opt_text("base_type")?,
                not_null: record.get("not_null")?,
                statistics: decode_statistics(record)?,
            };
            Ok((Oid(record.get("table")?), column))
        })
        .await
}

fn decode_statistics(record: &Record<'_>) -> Result<Option<ColumnStatistics>, DecodeError> {
    let (Some(null_frac), Some(avg_width), Some(n_distinct)) = (
        record.opt("null_frac")?,
        record.opt("avg_width")?,
        record.opt("n_distinct")?,
    ) else {
        return Ok(None);
    };
    Ok(Some(ColumnStatistics {
        null_frac,
        avg_width_bytes: Bytes(avg_width),
        n_distinct,
        correlation: record.opt("correlation")?,
        most_common_values: Vec::new(),
        most_common_freqs: Vec::new(),
        histogram_bounds: Vec::new(),
    }))
}

/// Gives each table its columns.
pub(super) fn attach_columns(tables: &mut [Table], columns: Vec<(Oid, Column)>) {
    let mut by_table: BTreeMap<Oid, Vec<Column>> = BTreeMap::new();
    for (table, column) in columns {
        by_table.entry(table).or_default().push(column);
    }
    for table in tables {
        table.columns = by_table.remove(&table.oid).unwrap_or_default();
    }
}

/// SQL text of an index expression (by position from 1), an index predicate or a partition key (position 0).
pub(super) type Expressions = BTreeMap<(Oid, i32), String>;

pub(super) async fn expressions(moment: &Moment<'_>) -> Result<Expressions, ReadError> {
    let rows = moment.read(EXPRESSIONS, &[], |record| {
        let text = record.opt_text("expression")?;
        let key = (Oid(record.get("oid")?), record.get("position")?);
        Ok(text.map(|text| (key, text)))
    });
    Ok(rows.await?.into_iter().flatten().collect())
}

/// An index as the catalog has it, without its expressions.
pub(super) struct BareIndex {
    index: Index,
    partial: bool,
}

/// Indexes, by schema and name.
pub(super) async fn indexes(moment: &Moment<'_>) -> Result<Vec<BareIndex>, ReadError> {
    let mut indexes = moment.read(INDEXES, &[], decode_index).await?;
    indexes.sort_by(|a, b| a.index.name.cmp(&b.index.name));
    Ok(indexes)
}

fn decode_index(record: &Record<'_>) -> Result<BareIndex, DecodeError> {
    let key_count = usize::try_from(record.get::<i16>("key_count")?)
        .map_err(|_| DecodeError::new("key_count", "is negative"))?;
    let columns = record.opt_texts("columns")?;
    let include = columns.iter().skip(key_count).flatten().cloned().collect();
    let counted: bool = record.get("counted")?;
    let index = Index {
        oid: Oid(record.get("oid")?),
        name: QualifiedName::new(record.text("schema")?, record.text("name")?),
        table: Oid(record.get("table")?),
        method: record.text("method")?,
        keys: decode_keys(record, columns, key_count)?,
        include,
        predicate: None,
        unique: record.get("unique")?,
        primary: record.get("primary")?,
        constraint: record.get("constraint")?,
        valid: record.get("valid")?,
        building: record.opt("building")?.unwrap_or(false),
        replica_identity: record.get("replica_identity")?,
        parent: record.opt("parent")?.map(Oid),
        options: record.texts("options")?,
        pages: Blocks(record.get("pages")?),
        tuples: record.opt("tuples")?.map(Rows),
        counters: counted.then(|| decode_index_counters(record)).transpose()?,
        last_scan: None,
    };
    Ok(BareIndex {
        index,
        partial: record.get("partial")?,
    })
}

fn decode_keys(
    record: &Record<'_>,
    columns: Vec<Option<String>>,
    key_count: usize,
) -> Result<Vec<IndexKey>, DecodeError> {
    let mut opclasses = record.opt_texts("opclasses")?.into_iter();
    let mut collations = record.opt_texts("collations")?.into_iter();
    let flags = record.get::<Vec<Option<i16>>>("flags")?;
    let mut flags = flags.into_iter();
    let keys = columns.into_iter().take(key_count).map(|column| {
        let flags = flags.next().flatten().unwrap_or(0);
        IndexKey {
            column,
            expression: None,
            opclass: opclasses.next().flatten(),
            collation: collations.next().flatten(),
            desc: flags & INDOPTION_DESC != 0,
            nulls_first: flags & INDOPTION_NULLS_FIRST != 0,
        }
    });
    Ok(keys.collect())
}

fn decode_index_counters(record: &Record<'_>) -> Result<IndexCounters, DecodeError> {
    Ok(IndexCounters {
        idx_scan: record.get("idx_scan")?,
        idx_tup_read: record.get("idx_tup_read")?,
        idx_tup_fetch: record.get("idx_tup_fetch")?,
    })
}

/// When indexes were last scanned (16 and later).
pub(super) async fn index_last_scans(
    moment: &Moment<'_>,
) -> Result<BTreeMap<Oid, Timestamp>, ReadError> {
    let rows = moment.read(INDEX_LAST_SCANS, &[], |record| {
        let oid = Oid(record.get("oid")?);
        Ok(record.opt_time("last_scan")?.map(|time| (oid, time)))
    });
    Ok(rows.await?.into_iter().flatten().collect())
}

/// What could not be deparsed.
#[derive(Debug, Default)]
pub(super) struct Undeparsed {
    /// Indexes.
    pub(super) indexes: usize,
    /// Their tables.
    pub(super) tables: BTreeSet<Oid>,
}

/// Completes indexes by their expressions and predicates, and partitioned tables by their keys. What is missing is
/// marked as unreadable: a partial index must not be taken for a full one.
pub(super) fn attach_expressions(
    indexes: Vec<BareIndex>,
    tables: &mut [Table],
    mut expressions: Expressions,
) -> (Vec<Index>, Undeparsed) {
    let mut undeparsed = Undeparsed::default();
    let indexes = indexes.into_iter().map(|BareIndex { mut index, partial }| {
        let mut missing = false;
        let mut text = |position: i32| {
            let text = expressions.remove(&(index.oid, position));
            missing |= text.is_none();
            Some(text.unwrap_or_else(|| UNREADABLE.to_owned()))
        };
        for (position, key) in (1..).zip(&mut index.keys) {
            if key.column.is_none() {
                key.expression = text(position);
            }
        }
        if partial {
            index.predicate = text(0);
        }
        if missing {
            undeparsed.indexes += 1;
            undeparsed.tables.insert(index.table);
        }
        index
    });
    let indexes = indexes.collect();
    for table in tables {
        if table.kind == RelationKind::PartitionedTable {
            table.partition_key = expressions.remove(&(table.oid, 0));
        }
    }
    (indexes, undeparsed)
}

/// Gives each index the time of its last scan.
pub(super) fn attach_last_scans(indexes: &mut [Index], last_scans: &BTreeMap<Oid, Timestamp>) {
    for index in indexes {
        index.last_scan = last_scans.get(&index.oid).copied();
    }
}

/// Foreign keys, by table and name.
pub(super) async fn foreign_keys(moment: &Moment<'_>) -> Result<Vec<ForeignKey>, ReadError> {
    let rows = moment.read(FOREIGN_KEYS, &[], |record| {
        Ok(ForeignKey {
            name: record.text("name")?,
            table: Oid(record.get("table")?),
            columns: record.texts("columns")?,
            referenced_table: Oid(record.get("referenced_table")?),
            referenced_columns: record.texts("referenced_columns")?,
            on_delete: foreign_key_action(&record.text("on_delete")?)?,
            on_update: foreign_key_action(&record.text("on_update")?)?,
            inherited: record.get("inherited")?,
        })
    });
    let mut keys = rows.await?;
    keys.sort_by(|a, b| (a.table, &a.name).cmp(&(b.table, &b.name)));
    Ok(keys)
}

fn foreign_key_action(code: &str) -> Result<ForeignKeyAction, DecodeError> {
    match code {
        "a" => Ok(ForeignKeyAction::NoAction),
        "r" => Ok(ForeignKeyAction::Restrict),
        "c" => Ok(ForeignKeyAction::Cascade),
        "n" => Ok(ForeignKeyAction::SetNull),
        "d" => Ok(ForeignKeyAction::SetDefault),
        other => Err(DecodeError::new(
            "confdeltype",
            format!("has the unknown action {other}"),
        )),
    }
}
