//! Counters that EXPLAIN prints for each process: the leader's in the node, the workers' under `Workers`.

use crate::units::Bytes;

use super::node::Node;
use super::usage::{GroupSpace, HeapBlocks, MemoizeUsage, SortGroups, SortUsage};
use super::vocabulary::SpaceType;

/// How much the hash tables of an Aggregate wrote to disk.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HashAggregateSpill {
    /// `HashAgg Batches`, of the process that had most.
    pub batches: i64,
    /// `Disk Usage`, all processes.
    pub disk: Bytes,
    /// `Peak Memory Usage`, of the process that had most.
    pub peak_memory: Bytes,
}

impl Node {
    /// Disk space that the sorts of all processes took: the sum of their `Sort Space Used`, and for an Incremental Sort
    /// of the peaks of their groups. `None` when nothing was sorted on disk.
    pub fn sort_on_disk(&self) -> Option<Bytes> {
        let workers = self.workers.iter();
        let sorts = std::iter::once(self.sort.as_ref())
            .chain(workers.clone().map(|worker| worker.sort.as_ref()))
            .flatten()
            .filter_map(disk_sort);
        let groups = [&self.full_sort_groups, &self.presorted_groups]
            .into_iter()
            .chain(workers.flat_map(|worker| [&worker.full_sort_groups, &worker.presorted_groups]))
            .flatten()
            .filter_map(disk_group);
        sorts.chain(groups).reduce(plus)
    }

    /// What an Aggregate's hash tables spilled, over all processes; `None` when they stayed in memory.
    pub fn hash_aggregate_spill(&self) -> Option<HashAggregateSpill> {
        std::iter::once(self.hash_aggregate)
            .chain(self.workers.iter().map(|worker| worker.hash_aggregate))
            .flatten()
            .map(|usage| HashAggregateSpill {
                batches: usage.batches.unwrap_or(0),
                disk: usage.disk_usage.unwrap_or_default(),
                peak_memory: usage.peak_memory.unwrap_or_default(),
            })
            .filter(|spill| spill.batches > 1 || spill.disk.get() > 0)
            .reduce(|a, b| HashAggregateSpill {
                batches: a.batches.max(b.batches),
                disk: plus(a.disk, b.disk),
                peak_memory: Bytes(a.peak_memory.get().max(b.peak_memory.get())),
            })
    }

    /// The caches of a Memoize, over all processes; the peak memory is that of the largest.
    pub fn memoize_total(&self) -> Option<MemoizeUsage> {
        std::iter::once(self.memoize)
            .chain(self.workers.iter().map(|worker| worker.memoize))
            .flatten()
            .reduce(|a, b| MemoizeUsage {
                hits: a.hits.saturating_add(b.hits),
                misses: a.misses.saturating_add(b.misses),
                evictions: a.evictions.saturating_add(b.evictions),
                overflows: a.overflows.saturating_add(b.overflows),
                peak_memory: if a.peak_memory >= b.peak_memory {
                    a.peak_memory
                } else {
                    b.peak_memory
                },
            })
    }

    /// The pages of a Bitmap Heap Scan, over all processes that EXPLAIN knows of: before 18 the leader only.
    pub fn heap_blocks_total(&self) -> Option<HeapBlocks> {
        std::iter::once(self.heap_blocks)
            .chain(self.workers.iter().map(|worker| worker.heap_blocks))
            .flatten()
            .reduce(|a, b| HeapBlocks {
                exact: a.exact.saturating_add(b.exact),
                lossy: a.lossy.saturating_add(b.lossy),
            })
    }
}

fn disk_sort(sort: &SortUsage) -> Option<Bytes> {
    (sort.space_type == Some(SpaceType::Disk)).then(|| sort.space_used.unwrap_or_default())
}

fn disk_group(groups: &SortGroups) -> Option<Bytes> {
    groups.disk.map(|GroupSpace { peak, .. }| peak)
}

fn plus(a: Bytes, b: Bytes) -> Bytes {
    Bytes(a.get().saturating_add(b.get()))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::plan::Plan;

    fn root(node: &Value) -> Node {
        Plan::parse(&json!({ "Plan": node }))
            .unwrap()
            .root()
            .clone()
    }

    #[test]
    fn processes_are_summed() {
        let sort = |space: &str, kilobytes: i64| json!({"Node Type": "Sort", "Sort Method": "x", "Sort Space Type": space, "Sort Space Used": kilobytes});
        let mut parallel = sort("Memory", 25);
        assert_eq!(root(&parallel).sort_on_disk(), None);
        parallel["Workers"] = json!([sort("Disk", 2), sort("Disk", 3)]);
        assert_eq!(root(&parallel).sort_on_disk(), Some(Bytes(5 * 1024)));

        let aggregate = json!({"Node Type": "Aggregate", "HashAgg Batches": 1, "Disk Usage": 0, "Workers": [
            {"Worker Number": 0, "HashAgg Batches": 5, "Peak Memory Usage": 9, "Disk Usage": 2}]});
        let spill = root(&aggregate).hash_aggregate_spill().unwrap();
        assert_eq!((spill.batches, spill.disk), (5, Bytes(2048)));

        let bitmap = json!({"Node Type": "Bitmap Heap Scan", "Exact Heap Blocks": 3, "Lossy Heap Blocks": 1, "Workers": [
            {"Worker Number": 0, "Exact Heap Blocks": 4, "Lossy Heap Blocks": 2}]});
        let total = root(&bitmap).heap_blocks_total().unwrap();
        assert_eq!((total.exact, total.lossy), (7, 3));

        let memoize = json!({"Node Type": "Memoize", "Cache Hits": 1, "Cache Misses": 2, "Workers": [
            {"Worker Number": 0, "Cache Hits": 10, "Cache Misses": 20, "Peak Memory Usage": 3}]});
        let total = root(&memoize).memoize_total().unwrap();
        assert_eq!(
            (total.hits, total.misses, total.peak_memory),
            (11, 22, Some(Bytes(3072)))
        );
    }

    #[test]
    fn incremental_sorts_spill_by_group() {
        let node = json!({"Node Type": "Incremental Sort",
            "Full-sort Groups": {"Group Count": 2, "Sort Methods Used": ["quicksort"], "Sort Space Memory": {"Average Sort Space Used": 1, "Peak Sort Space Used": 1}},
            "Pre-sorted Groups": {"Group Count": 2, "Sort Methods Used": ["external merge"], "Sort Space Disk": {"Average Sort Space Used": 5, "Peak Sort Space Used": 7}}});
        assert_eq!(root(&node).sort_on_disk(), Some(Bytes(7 * 1024)));
    }
}
