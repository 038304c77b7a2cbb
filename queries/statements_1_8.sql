-- Rows of pg_stat_statements 1.8: those of this database that the role may see, this program's own left out.
-- The columns of 1.8; statements inside functions cannot be told from those of clients.
-- {schema} stands for the extension's schema as a quoted identifier; $1 says whether the texts are wanted; they are
-- looked at in any case.
-- Reads: pg_stat_statements(boolean), pg_roles. Privileges: USAGE on the schema, EXECUTE on the function; rows of other
-- roles show their queryid and text to members of pg_read_all_stats only. pg_stat_statements 1.8 (PostgreSQL 13).
SELECT /* pgtriage */
       s.userid, r.rolname AS role, s.queryid, true AS toplevel,
       CASE WHEN $1 THEN s.query END AS query, s.calls, s.rows, s.plans, s.total_plan_time,
       s.total_exec_time, s.min_exec_time, s.max_exec_time, s.mean_exec_time, s.stddev_exec_time,
       s.shared_blks_hit, s.shared_blks_read, s.shared_blks_dirtied, s.shared_blks_written,
       s.local_blks_hit, s.local_blks_read, s.local_blks_dirtied, s.local_blks_written,
       s.temp_blks_read, s.temp_blks_written, s.wal_records, s.wal_fpi, s.wal_bytes::int8 AS wal_bytes,
       s.blk_read_time AS shared_blk_read_time, s.blk_write_time AS shared_blk_write_time
FROM {schema}.pg_stat_statements(true) AS s
LEFT JOIN pg_roles AS r ON r.oid = s.userid
WHERE s.dbid = (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database())
  AND s.queryid IS NOT NULL
  AND (s.query IS NULL OR strpos(s.query, '/* pgtriage */') = 0)
