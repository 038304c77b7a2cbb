-- Calls and rows of each statement of this database that the role may see, for the moments within a measured window.
-- {schema} stands for the extension's schema as a quoted identifier.
-- Reads: pg_stat_statements(false), which leaves the texts out, so that even many statements cost little.
-- Privileges: USAGE on the schema, EXECUTE on the function. pg_stat_statements 1.9 and later (PostgreSQL 14).
SELECT /* pgtriage */
       s.userid, s.queryid, s.toplevel, s.calls, s.rows, clock_timestamp() AS read_at
FROM {schema}.pg_stat_statements(false) AS s
WHERE s.dbid = (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database())
  AND s.queryid IS NOT NULL
