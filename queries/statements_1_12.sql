-- Rows of pg_stat_statements 1.12: those of this database that the role may see, this program's own left out.
-- New since 1.11: parallel workers.
-- {schema} stands for the extension's schema as a quoted identifier; $1 says whether the texts are wanted; they are
-- looked at in any case.
-- Reads: pg_stat_statements(boolean), pg_roles. Privileges: USAGE on the schema, EXECUTE on the function; rows of other
-- roles show their queryid and text to members of pg_read_all_stats only. pg_stat_statements 1.12 (PostgreSQL 18) and
-- later.
SELECT /* pgtriage */
       s.userid, r.rolname AS role, s.queryid, s.toplevel,
       CASE WHEN $1 THEN s.query END AS query, s.calls, s.rows, s.plans, s.total_plan_time,
       s.total_exec_time, s.min_exec_time, s.max_exec_time, s.mean_exec_time, s.stddev_exec_time,
       s.shared_blks_hit, s.shared_blks_read, s.shared_blks_dirtied, s.shared_blks_written,
       s.local_blks_hit, s.local_blks_read, s.local_blks_dirtied, s.local_blks_written,
       s.temp_blks_read, s.temp_blks_written, s.wal_records, s.wal_fpi, s.wal_bytes::int8 AS wal_bytes,
       s.shared_blk_read_time, s.shared_blk_write_time,
       s.temp_blk_read_time, s.temp_blk_write_time,
       s.jit_functions,
       s.jit_generation_time + s.jit_inlining_time + s.jit_optimization_time + s.jit_emission_time
           + s.jit_deform_time AS jit_total_time,
       s.stats_since,
       s.parallel_workers_to_launch, s.parallel_workers_launched
FROM {schema}.pg_stat_statements(true) AS s
LEFT JOIN pg_roles AS r ON r.oid = s.userid
WHERE s.dbid = (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database())
  AND s.queryid IS NOT NULL
  AND (s.query IS NULL OR strpos(s.query, '/* pgtriage */') = 0)
