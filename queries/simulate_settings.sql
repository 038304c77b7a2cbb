-- Statements that set the planner of a database as it was captured; what this version does not know is left out.
-- $1 names and $2 values of settings, pairwise. Reads: pg_settings. Privileges: none. PostgreSQL 13 and later.
SELECT /* pgtriage */ format('ALTER DATABASE %I SET %I = %L', current_database(), s.name, wanted.value) AS statement
FROM unnest($1::text[], $2::text[]) AS wanted (name, value)
JOIN pg_settings AS s ON s.name = wanted.name
WHERE s.context IN ('user', 'superuser')
  AND (s.category LIKE 'Query Tuning%'
       OR s.name IN ('work_mem', 'hash_mem_multiplier', 'max_parallel_workers_per_gather', 'max_parallel_workers',
                     'parallel_leader_participation', 'effective_io_concurrency'))
ORDER BY s.name
