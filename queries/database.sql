-- The database's cumulative counters and its size, and when the server began its statistics: the views of the whole server
-- are reset together with all others when the server has to begin anew, and each on its own on demand, so the earliest of
-- their resets is the nearest to it.
-- Reads: pg_stat_database, pg_stat_bgwriter, pg_stat_archiver, pg_stat_slru, pg_database_size(). Privileges: CONNECT, which a
-- connected role has. PostgreSQL 13 and later.
SELECT /* pgtriage */ d.xact_commit, d.xact_rollback, d.blks_read, d.blks_hit, d.temp_bytes, d.deadlocks, d.blk_read_time,
       d.stats_reset, least(b.stats_reset, a.stats_reset, (SELECT min(s.stats_reset) FROM pg_stat_slru AS s)) AS server_stats_reset,
       pg_database_size(d.datid) AS size_bytes
FROM pg_stat_database AS d, pg_stat_bgwriter AS b, pg_stat_archiver AS a
WHERE d.datname = current_database()
