//! The counters within EXPLAIN's JSON.

use serde_json::Value;

use crate::units::{Blocks, Millis};

use super::fields::Fields;
use super::usage::{
    BlockUsage, Buffers, GroupSpace, HashAggregateUsage, HashUsage, HeapBlocks, IoTimes, Jit,
    MemoizeUsage, Planning, Serialization, SortGroups, SortUsage, Storage, TempUsage, Wal,
};
use super::vocabulary::SpaceType;

pub(super) fn buffers(fields: &mut Fields<'_>) -> Option<Buffers> {
    let shared_hit = fields.blocks("Shared Hit Blocks")?;
    let mut blocks = |key| fields.blocks(key).unwrap_or(Blocks(0));
    Some(Buffers {
        shared: BlockUsage {
            hit: shared_hit,
            read: blocks("Shared Read Blocks"),
            dirtied: blocks("Shared Dirtied Blocks"),
            written: blocks("Shared Written Blocks"),
        },
        local: BlockUsage {
            hit: blocks("Local Hit Blocks"),
            read: blocks("Local Read Blocks"),
            dirtied: blocks("Local Dirtied Blocks"),
            written: blocks("Local Written Blocks"),
        },
        temp: TempUsage {
            read: blocks("Temp Read Blocks"),
            written: blocks("Temp Written Blocks"),
        },
    })
}

pub(super) fn io_times(fields: &mut Fields<'_>) -> IoTimes {
    IoTimes {
        shared_read: fields
            .millis("Shared I/O Read Time")
            .or_else(|| fields.millis("I/O Read Time")),
        shared_write: fields
            .millis("Shared I/O Write Time")
            .or_else(|| fields.millis("I/O Write Time")),
        local_read: fields.millis("Local I/O Read Time"),
        local_write: fields.millis("Local I/O Write Time"),
        temp_read: fields.millis("Temp I/O Read Time"),
        temp_write: fields.millis("Temp I/O Write Time"),
    }
}

pub(super) fn wal(fields: &mut Fields<'_>) -> Option<Wal> {
    Some(Wal {
        records: fields.count("WAL Records")?,
        full_page_images: fields.count("WAL FPI").unwrap_or(0),
        bytes: fields.count("WAL Bytes").unwrap_or(0),
        buffers_full: fields.count("WAL Buffers Full"),
    })
}

pub(super) fn sort(fields: &mut Fields<'_>) -> Option<SortUsage> {
    Some(SortUsage {
        method: fields.text("Sort Method")?,
        space_used: fields.kilobytes("Sort Space Used"),
        space_type: fields.word("Sort Space Type", SpaceType::from_word),
    })
}

pub(super) fn sort_groups(fields: &mut Fields<'_>, key: &'static str) -> Option<SortGroups> {
    let mut groups = fields.object(key)?;
    let mut space = |key| {
        let mut space = groups.object(key)?;
        Some(GroupSpace {
            average: space.kilobytes("Average Sort Space Used")?,
            peak: space.kilobytes("Peak Sort Space Used")?,
        })
    };
    Some(SortGroups {
        memory: space("Sort Space Memory"),
        disk: space("Sort Space Disk"),
        count: groups.count("Group Count").unwrap_or(0),
        methods: groups.texts("Sort Methods Used"),
    })
}

pub(super) fn hash(fields: &mut Fields<'_>) -> Option<HashUsage> {
    let batches = fields.count("Hash Batches")?;
    let buckets = fields.count("Hash Buckets").unwrap_or(0);
    Some(HashUsage {
        buckets,
        original_buckets: fields.count("Original Hash Buckets").unwrap_or(buckets),
        batches,
        original_batches: fields.count("Original Hash Batches").unwrap_or(batches),
        peak_memory: fields.kilobytes("Peak Memory Usage"),
    })
}

pub(super) fn hash_aggregate(fields: &mut Fields<'_>) -> Option<HashAggregateUsage> {
    let usage = HashAggregateUsage {
        planned_partitions: fields.count("Planned Partitions"),
        batches: fields.count("HashAgg Batches"),
        peak_memory: fields.kilobytes("Peak Memory Usage"),
        disk_usage: fields.kilobytes("Disk Usage"),
    };
    (usage != HashAggregateUsage::default()).then_some(usage)
}

pub(super) fn memoize(fields: &mut Fields<'_>) -> Option<MemoizeUsage> {
    Some(MemoizeUsage {
        hits: fields.count("Cache Hits")?,
        misses: fields.count("Cache Misses").unwrap_or(0),
        evictions: fields.count("Cache Evictions").unwrap_or(0),
        overflows: fields.count("Cache Overflows").unwrap_or(0),
        peak_memory: fields.kilobytes("Peak Memory Usage"),
    })
}

pub(super) fn storage(fields: &mut Fields<'_>) -> Option<Storage> {
    Some(Storage {
        maximum: fields.kilobytes("Maximum Storage")?,
        kind: fields.word("Storage", SpaceType::from_word)?,
    })
}

pub(super) fn heap_blocks(fields: &mut Fields<'_>) -> Option<HeapBlocks> {
    Some(HeapBlocks {
        exact: fields.count("Exact Heap Blocks")?,
        lossy: fields.count("Lossy Heap Blocks").unwrap_or(0),
    })
}

pub(super) fn planning(mut fields: Fields<'_>) -> Planning {
    Planning {
        buffers: buffers(&mut fields),
        io_times: io_times(&mut fields),
        memory_used: fields.kilobytes("Memory Used"),
        memory_allocated: fields.kilobytes("Memory Allocated"),
    }
}

pub(super) fn serialization(mut fields: Fields<'_>) -> Serialization {
    Serialization {
        time: fields.millis("Time"),
        output_volume: fields.kilobytes("Output Volume"),
        format: fields.text("Format"),
        buffers: buffers(&mut fields),
    }
}

pub(super) fn jit(mut fields: Fields<'_>) -> Jit {
    let mut jit = Jit {
        functions: fields.count("Functions").unwrap_or(0),
        options: fields
            .object("Options")
            .map(Fields::rest)
            .unwrap_or_default()
            .into_iter()
            .filter_map(|(name, value)| Some((name, value.as_bool()?)))
            .collect(),
        ..Jit::default()
    };
    if let Some(mut timing) = fields.object("Timing") {
        // A number up to 16; from 17 an object that shows how much of it went into tuple deforming.
        jit.generation = timing.read("Generation", |value| {
            value
                .as_f64()
                .or_else(|| value.get("Total").and_then(Value::as_f64))
                .map(Millis)
        });
        jit.deform = timing
            .object("Generation")
            .and_then(|mut generation| generation.millis("Deform"));
        jit.inlining = timing.millis("Inlining");
        jit.optimization = timing.millis("Optimization");
        jit.emission = timing.millis("Emission");
        jit.total = timing.millis("Total");
    }
    jit
}
