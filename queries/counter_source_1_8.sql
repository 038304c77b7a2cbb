-- The state of pg_stat_statements 1.8: how many rows it holds, and the sum of those of this database that the role may
-- not see (their queryid is NULL). This version has no toplevel column and no record of its reset.
-- Sums of floating-point numbers depend on their order, so they have one.
-- {schema} stands for the extension's schema as a quoted identifier.
-- Reads: pg_stat_statements(false), which leaves the texts out. Privileges: USAGE on the schema, EXECUTE on the
-- function. pg_stat_statements 1.8 (PostgreSQL 13).
SELECT /* pgtriage */
       count(*) AS entries,
       count(*) FILTER (WHERE hidden) AS hidden_statements,
       coalesce(sum(calls) FILTER (WHERE hidden), 0)::int8 AS hidden_calls,
       coalesce(sum(total_exec_time ORDER BY total_exec_time) FILTER (WHERE hidden), 0) AS hidden_total_exec_time,
       NULL::timestamptz AS stats_reset,
       NULL::int8 AS dealloc,
       clock_timestamp() AS read_at
FROM (SELECT s.queryid IS NULL AND s.dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) AS hidden,
             s.calls, s.total_exec_time
      FROM {schema}.pg_stat_statements(false) AS s) AS s
