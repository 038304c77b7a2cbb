-- Columns with the planner's scalar statistics; most common values and histograms are read for probed tables only.
-- Partitioned tables have statistics of their whole tree (inherited), others those of their own rows.
-- Reads: pg_attribute, pg_class, pg_namespace, pg_stats. Privileges: none for the columns; pg_stats shows those that
-- the role may SELECT and no table whose row-level security applies to the role. PostgreSQL 13 and later.
SELECT /* pgtriage */
       a.attrelid AS "table", a.attname AS name,
       format_type(a.atttypid, a.atttypmod) AS type_name, a.attnotnull AS not_null,
       s.null_frac::float8 AS null_frac, s.avg_width::int8 AS avg_width, s.n_distinct::float8 AS n_distinct,
       s.correlation::float8 AS correlation
FROM pg_attribute AS a
JOIN pg_class AS c ON c.oid = a.attrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN pg_stats AS s ON s.schemaname = n.nspname AND s.tablename = c.relname AND s.attname = a.attname
                       AND s.inherited = (c.relkind = 'p')
WHERE a.attnum > 0 AND NOT a.attisdropped
  AND c.relkind IN ('r', 'p', 'm', 'f') AND c.relpersistence <> 't'
  AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
ORDER BY a.attrelid, a.attnum
