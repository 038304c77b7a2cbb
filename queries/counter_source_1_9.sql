-- The state of pg_stat_statements: how many rows it holds, the sum of those of this database that the role may not see
-- (their queryid is NULL; calls and time of the toplevel ones), when it was reset, and its eviction passes since.
-- Sums of floating-point numbers depend on their order, so they have one.
-- {schema} stands for the extension's schema as a quoted identifier.
-- Reads: pg_stat_statements(false), which leaves the texts out, and pg_stat_statements_info.
-- Privileges: USAGE on the schema, EXECUTE on both functions. pg_stat_statements 1.9 and later (PostgreSQL 14).
SELECT /* pgtriage */
       s.entries, s.hidden_statements, s.hidden_calls, s.hidden_total_exec_time, i.stats_reset, i.dealloc,
       clock_timestamp() AS read_at
FROM (SELECT count(*) AS entries,
             count(*) FILTER (WHERE hidden) AS hidden_statements,
             coalesce(sum(calls) FILTER (WHERE hidden AND toplevel), 0)::int8 AS hidden_calls,
             coalesce(sum(total_exec_time ORDER BY total_exec_time) FILTER (WHERE hidden AND toplevel), 0)
                 AS hidden_total_exec_time
      FROM (SELECT s.queryid IS NULL
                   AND s.dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) AS hidden,
                   s.toplevel, s.calls, s.total_exec_time
            FROM {schema}.pg_stat_statements(false) AS s) AS s) AS s,
     {schema}.pg_stat_statements_info() AS i
