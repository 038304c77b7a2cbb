-- The database's cumulative counters and its size.
-- Reads: pg_stat_database, pg_database_size(). Privileges: CONNECT, which a connected role has. PostgreSQL 13 and later.
SELECT /* pgtriage */ d.xact_commit, d.xact_rollback, d.blks_read, d.blks_hit, d.temp_bytes, d.deadlocks, d.blk_read_time,
       d.stats_reset, pg_database_size(d.datid) AS size_bytes
FROM pg_stat_database AS d
WHERE d.datname = current_database()
