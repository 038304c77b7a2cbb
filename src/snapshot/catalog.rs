//! Tables, columns, indexes and foreign keys, with their sizes, statistics and counters.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{Oid, QualifiedName};
use crate::units::{Blocks, Bytes, Rows};

/// `pg_class.relkind`, of those that hold or gather rows.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum RelationKind {
    /// An ordinary table, or a partition.
    Table,
    /// A partitioned table: its rows are in its partitions.
    PartitionedTable,
    /// A materialized view.
    MaterializedView,
    /// A foreign table.
    ForeignTable,
}

/// A relation with rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Table {
    /// Its oid.
    pub oid: Oid,
    /// Schema and name.
    pub name: QualifiedName,
    /// What it is.
    pub kind: RelationKind,
    /// The owner's name.
    #[serde(default)]
    pub owner: Option<String>,
    /// The partitioned (or inherited) table it belongs to.
    #[serde(default)]
    pub parent: Option<Oid>,
    /// Whether row-level security applies to the connected role.
    #[serde(default)]
    pub row_security: bool,
    /// Whether the connected role may SELECT from it.
    #[serde(default = "yes")]
    pub readable: bool,
    /// `relpages`: blocks at the last VACUUM or ANALYZE.
    #[serde(default)]
    pub pages: Blocks,
    /// `reltuples`: the planner's row count; `None` if never vacuumed or analysed.
    #[serde(default)]
    pub tuples: Option<Rows>,
    /// `relallvisible`: blocks that index-only scans need not look at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub all_visible: Option<Blocks>,
    /// Storage parameters, such as `fillfactor=90`.
    #[serde(default)]
    pub options: Vec<String>,
    /// The partition key of a partitioned table as SQL, such as `RANGE (created_at)`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partition_key: Option<String>,
    /// Activity counters; `None` where the statistics system has none.
    #[serde(default)]
    pub counters: Option<TableCounters>,
    /// The later of the last manual and automatic ANALYZE.
    #[serde(default)]
    pub last_analyze: Option<Timestamp>,
    /// The later of the last manual and automatic VACUUM.
    #[serde(default)]
    pub last_vacuum: Option<Timestamp>,
    /// Columns in attribute order, dropped ones left out.
    #[serde(default)]
    pub columns: Vec<Column>,
}

const fn yes() -> bool {
    true
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the signature that serde's skip_serializing_if asks for"
)]
const fn is_false(flag: &bool) -> bool {
    !*flag
}

impl Table {
    /// The column of that name.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }
}

/// Counters of `pg_stat_user_tables` that only grow, and its estimates of live and dead tuples.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct TableCounters {
    /// Sequential scans.
    pub seq_scan: i64,
    /// Rows that they read.
    pub seq_tup_read: i64,
    /// Index scans.
    pub idx_scan: i64,
    /// Rows that they fetched.
    pub idx_tup_fetch: i64,
    /// Rows inserted.
    pub n_tup_ins: i64,
    /// Rows updated.
    pub n_tup_upd: i64,
    /// Rows deleted.
    pub n_tup_del: i64,
    /// Rows updated without new index entries (heap-only tuples).
    pub n_tup_hot_upd: i64,
    /// Estimated live rows.
    pub n_live_tup: i64,
    /// Estimated dead rows.
    pub n_dead_tup: i64,
    /// Rows modified since the last ANALYZE.
    pub n_mod_since_analyze: i64,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Column {
    /// The name, unquoted.
    pub name: String,
    /// The type as SQL writes it, such as `character varying(20)`.
    pub type_name: String,
    /// The type that a domain's values are stored as; `None` where the type is no domain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_type: Option<String>,
    /// Declared NOT NULL.
    #[serde(default)]
    pub not_null: bool,
    /// `pg_stats` of the column; `None` if never analysed or hidden.
    #[serde(default)]
    pub statistics: Option<ColumnStatistics>,
}

impl Column {
    /// The type that operators and indexes know: a domain's is the one that it is made of.
    pub fn stored_type(&self) -> &str {
        self.base_type.as_deref().unwrap_or(&self.type_name)
    }
}

/// The planner's statistics of a column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ColumnStatistics {
    /// Share of NULLs, 0..1.
    pub null_frac: f64,
    /// Mean width.
    pub avg_width_bytes: Bytes,
    /// Distinct values: a count, or if negative a share of the rows.
    pub n_distinct: f64,
    /// Correlation of physical and logical order, −1..1; `None` for types without an order.
    #[serde(default)]
    pub correlation: Option<f64>,
    /// Most common values in text form, most frequent first. Read only for tables of probed statements.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub most_common_values: Vec<String>,
    /// Their frequencies, 0..1.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub most_common_freqs: Vec<f64>,
    /// Bounds of equally filled buckets of the other values, in text form. Read only for tables of probed statements.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub histogram_bounds: Vec<String>,
}

/// Stands for an index expression or predicate that could not be read because the table was locked. It is a SQL
/// comment, so that whoever parses it finds nothing to build on.
pub const UNREADABLE: &str = "/* not readable: the table was locked */";

/// An index.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a catalog column of its own"
)]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Index {
    /// Its oid.
    pub oid: Oid,
    /// Schema and name.
    pub name: QualifiedName,
    /// The table's oid.
    pub table: Oid,
    /// Access method, such as `btree`.
    pub method: String,
    /// Key columns and expressions in order.
    pub keys: Vec<IndexKey>,
    /// Columns of INCLUDE.
    #[serde(default)]
    pub include: Vec<String>,
    /// The predicate of a partial index, as SQL.
    #[serde(default)]
    pub predicate: Option<String>,
    /// UNIQUE.
    #[serde(default)]
    pub unique: bool,
    /// PRIMARY KEY.
    #[serde(default)]
    pub primary: bool,
    /// Belongs to a constraint (primary key, unique, exclusion).
    #[serde(default)]
    pub constraint: bool,
    /// `indisvalid`: may be used by queries.
    #[serde(default = "yes")]
    pub valid: bool,
    /// A session is building it at this moment (`pg_stat_progress_create_index`).
    #[serde(default, skip_serializing_if = "is_false")]
    pub building: bool,
    /// `indisreplident`: logical replication identifies rows by it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub replica_identity: bool,
    /// The partitioned index that it is a part of; such an index cannot be dropped alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<Oid>,
    /// Storage parameters, such as `fillfactor=70`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<String>,
    /// `relpages`.
    #[serde(default)]
    pub pages: Blocks,
    /// `reltuples`; `None` if never vacuumed or analysed.
    #[serde(default)]
    pub tuples: Option<Rows>,
    /// Activity counters.
    #[serde(default)]
    pub counters: Option<IndexCounters>,
    /// The last scan (16 and later); `None` if never or unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_scan: Option<Timestamp>,
}

/// One key of an index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct IndexKey {
    /// The column's name, or `None` for an expression.
    pub column: Option<String>,
    /// The expression as SQL, or `None` for a column.
    #[serde(default)]
    pub expression: Option<String>,
    /// The operator class as SQL, where it is not the type's default; with its schema unless that is `pg_catalog`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opclass: Option<String>,
    /// The collation as SQL, where it is not the column's; with its schema unless that is `pg_catalog`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collation: Option<String>,
    /// Descending.
    #[serde(default, skip_serializing_if = "is_false")]
    pub desc: bool,
    /// NULLs come first.
    #[serde(default, skip_serializing_if = "is_false")]
    pub nulls_first: bool,
}

/// Counters of `pg_stat_user_indexes`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct IndexCounters {
    /// Scans.
    pub idx_scan: i64,
    /// Index entries returned.
    pub idx_tup_read: i64,
    /// Live rows fetched by simple scans.
    pub idx_tup_fetch: i64,
}

/// What a foreign key does on DELETE or UPDATE of the referenced row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ForeignKeyAction {
    /// Raises an error at the end of the statement or transaction.
    NoAction,
    /// Raises an error at once.
    Restrict,
    /// Follows.
    Cascade,
    /// Sets NULL.
    SetNull,
    /// Sets the default.
    SetDefault,
}

/// A foreign key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ForeignKey {
    /// The constraint's name.
    pub name: String,
    /// The referencing table.
    pub table: Oid,
    /// Its columns, in key order.
    pub columns: Vec<String>,
    /// The referenced table.
    pub referenced_table: Oid,
    /// Its columns, in the same order.
    pub referenced_columns: Vec<String>,
    /// ON DELETE.
    pub on_delete: ForeignKeyAction,
    /// ON UPDATE.
    pub on_update: ForeignKeyAction,
    /// Whether it is the copy, made for a partition, of a partitioned table's foreign key.
    #[serde(default, skip_serializing_if = "is_false")]
    pub inherited: bool,
}
