//! What a node, a worker or the planner used: buffers, I/O time, WAL, sort space, hash tables, caches.
//!
//! All of these are totals over all loops (explain.c prints the counters of `Instrumentation` as they are), never
//! averages.

use serde_json::Value;

use crate::units::{Blocks, Bytes, Millis};

use super::vocabulary::SpaceType;

/// Blocks of one kind (shared or local) that were touched.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct BlockUsage {
    /// Found in the cache.
    pub hit: Blocks,
    /// Read into the cache.
    pub read: Blocks,
    /// Made dirty.
    pub dirtied: Blocks,
    /// Written out by this backend.
    pub written: Blocks,
}

/// Blocks of temporary files.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct TempUsage {
    /// Read back.
    pub read: Blocks,
    /// Written.
    pub written: Blocks,
}

/// `BUFFERS`: totals over all loops and processes, children included where EXPLAIN says so.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Buffers {
    /// Blocks of tables and indexes.
    pub shared: BlockUsage,
    /// Blocks of temporary tables.
    pub local: BlockUsage,
    /// Blocks of sorts, hashes and tuple stores that spilled.
    pub temp: TempUsage,
}

impl Buffers {
    /// Shared and local blocks that were looked at, in the cache or not.
    pub fn accessed(&self) -> Blocks {
        self.shared.hit + self.shared.read + self.local.hit + self.local.read
    }

    /// Field by field `f(self, other)`.
    #[must_use]
    pub fn zip(&self, other: &Self, f: impl Fn(i64, i64) -> i64) -> Self {
        let block = |a: Blocks, b: Blocks| Blocks(f(a.get(), b.get()));
        let usage = |a: &BlockUsage, b: &BlockUsage| BlockUsage {
            hit: block(a.hit, b.hit),
            read: block(a.read, b.read),
            dirtied: block(a.dirtied, b.dirtied),
            written: block(a.written, b.written),
        };
        Self {
            shared: usage(&self.shared, &other.shared),
            local: usage(&self.local, &other.local),
            temp: TempUsage {
                read: block(self.temp.read, other.temp.read),
                written: block(self.temp.written, other.temp.written),
            },
        }
    }
}

/// Time spent in reads and writes of blocks (`track_io_timing`). Before 17 one figure covered shared and local blocks;
/// it stands under `shared`.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct IoTimes {
    /// `Shared I/O Read Time`; `I/O Read Time` before 17.
    pub shared_read: Option<Millis>,
    /// `Shared I/O Write Time`; `I/O Write Time` before 17.
    pub shared_write: Option<Millis>,
    /// `Local I/O Read Time` (17).
    pub local_read: Option<Millis>,
    /// `Local I/O Write Time` (17).
    pub local_write: Option<Millis>,
    /// `Temp I/O Read Time` (15).
    pub temp_read: Option<Millis>,
    /// `Temp I/O Write Time` (15).
    pub temp_write: Option<Millis>,
}

/// `WAL`: what was written to the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Wal {
    /// Records.
    pub records: i64,
    /// Full page images.
    pub full_page_images: i64,
    /// Bytes.
    pub bytes: i64,
    /// How often the WAL buffers were full (18).
    pub buffers_full: Option<i64>,
}

/// How a Sort sorted. Of one process: the leader's stands in the node, those of the workers in [`super::Worker`].
#[derive(Debug, Clone, PartialEq)]
pub struct SortUsage {
    /// `Sort Method`, such as `quicksort`, `top-N heapsort`, `external merge`.
    pub method: String,
    /// `Sort Space Used`.
    pub space_used: Option<Bytes>,
    /// `Sort Space Type`.
    pub space_type: Option<SpaceType>,
}

/// Average and peak of the space that the groups of an Incremental Sort took.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GroupSpace {
    /// `Average Sort Space Used`.
    pub average: Bytes,
    /// `Peak Sort Space Used`.
    pub peak: Bytes,
}

/// `Full-sort Groups` or `Pre-sorted Groups` of an Incremental Sort.
#[derive(Debug, Clone, PartialEq)]
pub struct SortGroups {
    /// `Group Count`.
    pub count: i64,
    /// `Sort Methods Used`.
    pub methods: Vec<String>,
    /// `Sort Space Memory`.
    pub memory: Option<GroupSpace>,
    /// `Sort Space Disk`: present when at least one group spilled.
    pub disk: Option<GroupSpace>,
}

/// The table of a Hash node; the maxima over all processes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HashUsage {
    /// `Hash Buckets`.
    pub buckets: i64,
    /// `Original Hash Buckets`.
    pub original_buckets: i64,
    /// `Hash Batches`: more than one means temporary files.
    pub batches: i64,
    /// `Original Hash Batches`: what the planner expected.
    pub original_batches: i64,
    /// `Peak Memory Usage`.
    pub peak_memory: Option<Bytes>,
}

/// The hash table of an Aggregate. Of one process, like [`SortUsage`].
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct HashAggregateUsage {
    /// `Planned Partitions`: more than zero means that the planner expected to spill.
    pub planned_partitions: Option<i64>,
    /// `HashAgg Batches`: more than one means temporary files.
    pub batches: Option<i64>,
    /// `Peak Memory Usage`.
    pub peak_memory: Option<Bytes>,
    /// `Disk Usage`.
    pub disk_usage: Option<Bytes>,
}

/// The cache of a Memoize node. Of one process, like [`SortUsage`].
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct MemoizeUsage {
    /// `Cache Hits`.
    pub hits: i64,
    /// `Cache Misses`.
    pub misses: i64,
    /// `Cache Evictions`.
    pub evictions: i64,
    /// `Cache Overflows`.
    pub overflows: i64,
    /// `Peak Memory Usage`.
    pub peak_memory: Option<Bytes>,
}

/// Pages that a Bitmap Heap Scan read. Of one process, like [`SortUsage`]; before 18 only the leader's are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct HeapBlocks {
    /// `Exact Heap Blocks`: pages whose tuples the bitmap knew.
    pub exact: i64,
    /// `Lossy Heap Blocks`: pages of which the bitmap knew only that something is on them.
    pub lossy: i64,
}

impl HeapBlocks {
    /// Whether the index itself knew pages only: a bitmap that ran out of memory still knows some pages' rows
    /// (tidbitmap.c, `tbm_lossify()`).
    pub fn is_of_pages(self) -> bool {
        self.exact == 0 && self.lossy > 0
    }
}

/// A tuple store (18): Materialize, `WindowAgg`, CTE Scan, Table Function Scan, Recursive Union.
#[derive(Debug, Clone, PartialEq)]
pub struct Storage {
    /// `Storage`.
    pub kind: SpaceType,
    /// `Maximum Storage`.
    pub maximum: Bytes,
}

/// What a just-in-time compilation cost, summed over the processes.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Jit {
    /// `Functions`: how many were generated.
    pub functions: i64,
    /// `Timing.Generation`: a number up to 16, an object with `Total` from 17.
    pub generation: Option<Millis>,
    /// `Timing.Generation.Deform` (17), part of the generation.
    pub deform: Option<Millis>,
    /// `Timing.Inlining`.
    pub inlining: Option<Millis>,
    /// `Timing.Optimization`.
    pub optimization: Option<Millis>,
    /// `Timing.Emission`.
    pub emission: Option<Millis>,
    /// `Timing.Total`.
    pub total: Option<Millis>,
    /// `Options`: which of inlining, optimization, expressions and deforming were on.
    pub options: Vec<(String, bool)>,
}

/// `Planning`: what the planner used.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Planning {
    /// Blocks of the catalogs, mostly.
    pub buffers: Option<Buffers>,
    /// Time of their reads and writes.
    pub io_times: IoTimes,
    /// `Memory Used` (17).
    pub memory_used: Option<Bytes>,
    /// `Memory Allocated` (17).
    pub memory_allocated: Option<Bytes>,
}

/// `Serialization` (17): what turning the result into its wire format cost.
#[derive(Debug, Clone, PartialEq)]
pub struct Serialization {
    /// `Time`; absent with `TIMING OFF`.
    pub time: Option<Millis>,
    /// `Output Volume`.
    pub output_volume: Option<Bytes>,
    /// `Format`: `text` or `binary`.
    pub format: Option<String>,
    /// Blocks touched, of TOAST tables mostly.
    pub buffers: Option<Buffers>,
}

/// One trigger's part (explain.c, `report_triggers`); totals.
#[derive(Debug, Clone, PartialEq)]
pub struct Trigger {
    /// `Trigger Name`.
    pub name: String,
    /// `Constraint Name`, for those that enforce one. They always run after the statement.
    pub constraint: Option<String>,
    /// `Relation`.
    pub relation: Option<String>,
    /// `Time`; absent with `TIMING OFF`.
    pub time: Option<Millis>,
    /// `Calls`.
    pub calls: i64,
    /// What else the entry says.
    pub extra: Vec<(String, Value)>,
}
