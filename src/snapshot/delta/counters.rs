//! Differences and sums of counters.

use crate::snapshot::{
    BlockCounters, DatabaseCounters, HiddenStatements, IoTimes, JitCounters, ParallelWorkers,
    StatementCounters, TableCounters, WalCounters,
};
use crate::units::{Blocks, Bytes, Millis, float, ratio};

/// A counter is lower than it was, so there is no difference.
pub(super) struct Fell;

fn count(before: i64, after: i64) -> Result<i64, Fell> {
    let difference = after.checked_sub(before);
    difference.filter(|difference| *difference >= 0).ok_or(Fell)
}

/// Times are sums of floating-point numbers that only grow, so a fall is a reset, not a rounding error.
fn time(before: Millis, after: Millis) -> Result<Millis, Fell> {
    let difference = after - before;
    if difference.0 >= 0.0 {
        Ok(difference)
    } else {
        Err(Fell)
    }
}

fn blocks(before: Blocks, after: Blocks) -> Result<Blocks, Fell> {
    count(before.0, after.0).map(Blocks)
}

/// A counter that is unknown at either moment has no difference, which is no fall.
fn known<T, D>(
    before: Option<T>,
    after: Option<T>,
    difference: impl FnOnce(T, T) -> Result<D, Fell>,
) -> Result<Option<D>, Fell> {
    match (before, after) {
        (Some(before), Some(after)) => difference(before, after).map(Some),
        _ => Ok(None),
    }
}

fn block_counters(before: BlockCounters, after: BlockCounters) -> Result<BlockCounters, Fell> {
    Ok(BlockCounters {
        hit: blocks(before.hit, after.hit)?,
        read: blocks(before.read, after.read)?,
        dirtied: blocks(before.dirtied, after.dirtied)?,
        written: blocks(before.written, after.written)?,
    })
}

fn io_times(before: IoTimes, after: IoTimes) -> Result<IoTimes, Fell> {
    Ok(IoTimes {
        read_ms: time(before.read_ms, after.read_ms)?,
        write_ms: time(before.write_ms, after.write_ms)?,
    })
}

fn jit_counters(before: JitCounters, after: JitCounters) -> Result<JitCounters, Fell> {
    Ok(JitCounters {
        functions: count(before.functions, after.functions)?,
        total_ms: time(before.total_ms, after.total_ms)?,
    })
}

fn parallel_workers(
    before: ParallelWorkers,
    after: ParallelWorkers,
) -> Result<ParallelWorkers, Fell> {
    Ok(ParallelWorkers {
        to_launch: count(before.to_launch, after.to_launch)?,
        launched: count(before.launched, after.launched)?,
    })
}

pub(super) fn statement(
    before: &StatementCounters,
    after: &StatementCounters,
) -> Result<StatementCounters, Fell> {
    Ok(StatementCounters {
        calls: count(before.calls, after.calls)?,
        rows: count(before.rows, after.rows)?,
        total_exec_time_ms: time(before.total_exec_time_ms, after.total_exec_time_ms)?,
        plans: known(before.plans, after.plans, count)?,
        total_plan_time_ms: known(before.total_plan_time_ms, after.total_plan_time_ms, time)?,
        spread: None,
        shared: block_counters(before.shared, after.shared)?,
        local: block_counters(before.local, after.local)?,
        temp: block_counters(before.temp, after.temp)?,
        shared_io: known(before.shared_io, after.shared_io, io_times)?,
        temp_io: known(before.temp_io, after.temp_io, io_times)?,
        wal: WalCounters {
            records: count(before.wal.records, after.wal.records)?,
            full_page_images: count(before.wal.full_page_images, after.wal.full_page_images)?,
            bytes: count(before.wal.bytes.0, after.wal.bytes.0).map(Bytes)?,
        },
        jit: known(before.jit, after.jit, jit_counters)?,
        parallel_workers: known(
            before.parallel_workers,
            after.parallel_workers,
            parallel_workers,
        )?,
    })
}

/// The standard deviation of the calls between two moments, by the pairwise update of the sum of squared deviations
/// (Chan, Golub and `LeVeque` 1979: `M2 = M2a + M2b + (mean_b − mean_a)² · na · nb / n`) solved for the later part.
/// `pg_stat_statements` reports `sqrt(M2 / calls)` (`contrib/pg_stat_statements/pg_stat_statements.c`).
pub(super) fn stddev(before: &StatementCounters, after: &StatementCounters) -> Option<Millis> {
    let (early, all) = (before.spread?, after.spread?);
    let (early_calls, all_calls) = (float(before.calls), float(after.calls));
    let calls = float(count(before.calls, after.calls).ok()?);
    let early_mean = ratio(before.total_exec_time_ms.0, early_calls).unwrap_or(0.0);
    let mean = ratio(
        after.total_exec_time_ms.0 - before.total_exec_time_ms.0,
        calls,
    )?;
    let squares = all.stddev_exec_time_ms.0.powi(2) * all_calls
        - early.stddev_exec_time_ms.0.powi(2) * early_calls
        - (mean - early_mean).powi(2) * early_calls * calls / all_calls;
    ratio(squares.max(0.0), calls).map(|variance| Millis(variance.sqrt()))
}

pub(super) fn table(before: &TableCounters, after: &TableCounters) -> Result<TableCounters, Fell> {
    Ok(TableCounters {
        seq_scan: count(before.seq_scan, after.seq_scan)?,
        seq_tup_read: count(before.seq_tup_read, after.seq_tup_read)?,
        idx_scan: count(before.idx_scan, after.idx_scan)?,
        idx_tup_fetch: count(before.idx_tup_fetch, after.idx_tup_fetch)?,
        n_tup_ins: count(before.n_tup_ins, after.n_tup_ins)?,
        n_tup_upd: count(before.n_tup_upd, after.n_tup_upd)?,
        n_tup_del: count(before.n_tup_del, after.n_tup_del)?,
        n_tup_hot_upd: count(before.n_tup_hot_upd, after.n_tup_hot_upd)?,
        ..*after
    })
}

pub(super) fn database(
    before: &DatabaseCounters,
    after: &DatabaseCounters,
) -> Result<DatabaseCounters, Fell> {
    Ok(DatabaseCounters {
        xact_commit: count(before.xact_commit, after.xact_commit)?,
        xact_rollback: count(before.xact_rollback, after.xact_rollback)?,
        blks_read: count(before.blks_read, after.blks_read)?,
        blks_hit: count(before.blks_hit, after.blks_hit)?,
        temp_bytes: count(before.temp_bytes.0, after.temp_bytes.0).map(Bytes)?,
        deadlocks: count(before.deadlocks, after.deadlocks)?,
        blk_read_time: time(before.blk_read_time, after.blk_read_time)?,
        stats_reset: after.stats_reset,
        server_stats_reset: after.server_stats_reset,
    })
}

/// The number of hidden statements is that of the later moment: a sum has no statements of its own.
pub(super) fn hidden(
    before: &HiddenStatements,
    after: &HiddenStatements,
) -> Result<HiddenStatements, Fell> {
    Ok(HiddenStatements {
        statements: after.statements,
        calls: count(before.calls, after.calls)?,
        total_exec_time_ms: time(before.total_exec_time_ms, after.total_exec_time_ms)?,
    })
}

/// Adds one statement's amounts to a sum; what is unknown of one adds nothing.
pub(super) fn add(sum: &mut StatementCounters, one: &StatementCounters) {
    sum.calls = sum.calls.saturating_add(one.calls);
    sum.rows = sum.rows.saturating_add(one.rows);
    sum.total_exec_time_ms += one.total_exec_time_ms;
    if let Some(plans) = one.plans {
        let sum = sum.plans.get_or_insert_default();
        *sum = sum.saturating_add(plans);
    }
    if let Some(time) = one.total_plan_time_ms {
        *sum.total_plan_time_ms.get_or_insert_default() += time;
    }
    for (sum, one) in [
        (&mut sum.shared, one.shared),
        (&mut sum.local, one.local),
        (&mut sum.temp, one.temp),
    ] {
        sum.hit += one.hit;
        sum.read += one.read;
        sum.dirtied += one.dirtied;
        sum.written += one.written;
    }
    add_io(&mut sum.shared_io, one.shared_io);
    add_io(&mut sum.temp_io, one.temp_io);
    sum.wal.records = sum.wal.records.saturating_add(one.wal.records);
    sum.wal.full_page_images = sum
        .wal
        .full_page_images
        .saturating_add(one.wal.full_page_images);
    sum.wal.bytes += one.wal.bytes;
    if let Some(jit) = one.jit {
        let sum = sum.jit.get_or_insert_default();
        sum.functions = sum.functions.saturating_add(jit.functions);
        sum.total_ms += jit.total_ms;
    }
    if let Some(workers) = one.parallel_workers {
        let sum = sum.parallel_workers.get_or_insert_default();
        sum.to_launch = sum.to_launch.saturating_add(workers.to_launch);
        sum.launched = sum.launched.saturating_add(workers.launched);
    }
}

fn add_io(sum: &mut Option<IoTimes>, one: Option<IoTimes>) {
    if let Some(one) = one {
        let sum = sum.get_or_insert_default();
        sum.read_ms += one.read_ms;
        sum.write_ms += one.write_ms;
    }
}
