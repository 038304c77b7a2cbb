//! What there is to say of a node beside its numbers.

use crate::format;
use crate::plan::metrics::{Direction, NodeMetrics, Verdict};
use crate::plan::{Buffers, Node, NodeType};
use crate::report::text::one_line;
use crate::units::{Blocks, Bytes, float};

use super::{FACTOR_NAMED, Fact};

/// From this factor on a wrong expectation is worth a remark.
const FACTOR_REMARKED: f64 = 10.0;

/// What was wasted, the plainest first.
pub(super) fn remarks(node: &Node, own: &NodeMetrics) -> Vec<String> {
    let mut remarks = Vec::new();
    if own.never_executed {
        remarks.push("never executed".to_owned());
    }
    remarks.extend(removed(own));
    remarks.extend(misestimate(own));
    remarks.extend(spills(node));
    remarks.extend(fetches(node));
    remarks.extend(workers(node));
    remarks
}

fn removed(own: &NodeMetrics) -> Vec<String> {
    let by = [
        (own.removed.filter, "the filter"),
        (own.removed.join_filter, "the join filter"),
        (own.removed.index_recheck, "the recheck"),
        (own.removed.conflict_filter, "the conflict filter"),
    ];
    let remark = |(rows, what): (Option<crate::units::Rows>, &str)| {
        let rows = rows.filter(|rows| rows.get() >= 1.0)?;
        let seen = format::count(rows.get() + own.kept.get());
        let rows = format::count(rows.get());
        Some(format!("{rows} of {seen} rows removed by {what}"))
    };
    by.into_iter().filter_map(remark).collect()
}

fn misestimate(own: &NodeMetrics) -> Option<String> {
    let estimate = own.estimate.as_ref()?;
    if estimate.verdict != Verdict::Misestimate || estimate.factor < FACTOR_REMARKED {
        return None;
    }
    let than = match estimate.direction {
        Direction::Over => "fewer",
        Direction::Under => "more",
    };
    let factor = format::quantity(estimate.factor.round());
    Some(format!("{factor} times {than} rows than expected"))
}

fn spills(node: &Node) -> Vec<String> {
    let sort = node
        .sort_on_disk()
        .map(|size| format!("sort spilled {} to disk", format::bytes(size)));
    let hash = node.hash.filter(|hash| hash.batches > 1).map(|hash| {
        format!(
            "hash table in {} batches",
            format::count(float(hash.batches))
        )
    });
    let aggregate = node.hash_aggregate_spill().map(|spill| {
        format!(
            "hash aggregate spilled {} to disk",
            format::bytes(spill.disk)
        )
    });
    [sort, hash, aggregate].into_iter().flatten().collect()
}

fn fetches(node: &Node) -> Vec<String> {
    let lossy = node
        .heap_blocks_total()
        .filter(|blocks| blocks.lossy > 0)
        .map(|blocks| format!("{} lossy pages", format::count(float(blocks.lossy))));
    let heap = node
        .heap_fetches
        .filter(|fetches| *fetches > 0)
        .map(|fetches| {
            format!(
                "{} rows fetched from the table",
                format::count(float(fetches))
            )
        });
    [lossy, heap].into_iter().flatten().collect()
}

fn workers(node: &Node) -> Option<String> {
    let gather = node.gather.as_ref()?;
    let launched = gather.launched?;
    (launched < gather.planned)
        .then(|| format!("{launched} of {} planned workers launched", gather.planned))
}

/// Conditions and keys, as the server prints them.
pub(super) fn conditions(node: &Node) -> Vec<Fact> {
    let conditions = node
        .conditions
        .iter()
        .map(|condition| fact(condition.kind.as_str(), one_line(&condition.text)));
    let keys = [
        ("Sort Key", &node.sort_key),
        ("Presorted Key", &node.presorted_key),
        ("Group Key", &node.group_key),
    ];
    let keys = keys
        .into_iter()
        .filter(|(_, columns)| !columns.is_empty())
        .map(|(label, columns)| fact(label, one_line(&columns.join(", "))));
    conditions.chain(keys).collect()
}

/// Everything else that is worth a look.
pub(super) fn details(node: &Node, own: &NodeMetrics) -> Vec<Fact> {
    let mut details = Vec::new();
    if let Some(total) = own.total_time {
        details.push(fact("time with its children", format::duration(total)));
    }
    if node.executed() {
        details.push(fact("loops", format::count(own.loops.get())));
        details.push(fact("rows in all loops", format::quantity(own.kept.get())));
    }
    if let Some(Verdict::Excused(excuse)) = own
        .estimate
        .as_ref()
        .filter(|estimate| estimate.factor >= FACTOR_NAMED)
        .map(|estimate| estimate.verdict)
    {
        details.push(fact("other rows than expected", excuse.to_string()));
    }
    if let Some(planned) = node.planned {
        details.push(fact("cost", format::quantity(planned.total_cost.get())));
    }
    details.extend(
        own.self_buffers
            .as_ref()
            .map(|buffers| fact("blocks", blocks(buffers))),
    );
    details.extend(memory(node));
    if let Some(gather) = &node.gather {
        let launched = gather
            .launched
            .map_or_else(String::new, |n| format!(", {n} launched"));
        details.push(fact(
            "workers",
            format!("{} planned{launched}", gather.planned),
        ));
    }
    details
}

fn memory(node: &Node) -> Vec<Fact> {
    let space = |size: Option<Bytes>| {
        size.map_or_else(String::new, |size| format!(", {}", format::bytes(size)))
    };
    let sort = node.sort.as_ref().map(|sort| {
        fact(
            "sort",
            format!("{}{}", one_line(&sort.method), space(sort.space_used)),
        )
    });
    let hash = node.hash.map(|hash| {
        let buckets = format::count(float(hash.buckets));
        let batches = format::count(float(hash.batches));
        fact(
            "hash table",
            format!(
                "{buckets} buckets, {batches} batches{}",
                space(hash.peak_memory)
            ),
        )
    });
    let cache = node.memoize_total().map(|cache| {
        let [hits, misses, evictions] =
            [cache.hits, cache.misses, cache.evictions].map(|n| format::count(float(n)));
        fact(
            "cache",
            format!(
                "{hits} hits, {misses} misses, {evictions} evictions{}",
                space(cache.peak_memory)
            ),
        )
    });
    let pages = node
        .heap_blocks_total()
        .filter(|_| node.node_type == NodeType::BitmapHeapScan)
        .map(|pages| {
            let [exact, lossy] = [pages.exact, pages.lossy].map(|n| format::count(float(n)));
            fact("pages", format!("{exact} exact, {lossy} lossy"))
        });
    [sort, hash, cache, pages].into_iter().flatten().collect()
}

fn blocks(buffers: &Buffers) -> String {
    let kinds = [
        (buffers.shared.hit + buffers.local.hit, "found in the cache"),
        (buffers.shared.read + buffers.local.read, "read"),
        (buffers.shared.dirtied + buffers.local.dirtied, "dirtied"),
        (buffers.shared.written + buffers.local.written, "written"),
        (buffers.temp.read, "temporary read"),
        (buffers.temp.written, "temporary written"),
    ];
    let some: Vec<String> = kinds
        .into_iter()
        .filter(|(blocks, _)| *blocks > Blocks(0))
        .map(|(blocks, kind)| format!("{} {kind}", format::count(float(blocks.get()))))
        .collect();
    if some.is_empty() {
        "none".to_owned()
    } else {
        some.join(", ")
    }
}

fn fact(label: &str, value: String) -> Fact {
    Fact {
        label: label.to_owned(),
        value,
    }
}
