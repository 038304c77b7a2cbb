-- Columns with the planner's scalar statistics; most common values and histograms are read for probed tables only.
-- What a domain is made of is another type, perhaps a domain again.
-- Partitioned tables have statistics of their whole tree (inherited), others those of their own rows.
-- Reads: pg_attribute, pg_class, pg_namespace, pg_stats, pg_type. Privileges: none for the columns; pg_stats shows those that
-- the role may SELECT and no table whose row-level security applies to the role. PostgreSQL 13 and later.
WITH RECURSIVE /* pgtriage */ domain (oid, base, typmod) AS (
    SELECT t.oid, t.typbasetype, t.typtypmod
    FROM pg_type AS t
    WHERE t.typtype = 'd'
    UNION ALL
    SELECT d.oid, t.typbasetype, t.typtypmod
    FROM domain AS d
    JOIN pg_type AS t ON t.oid = d.base
    WHERE t.typtype = 'd'
),
stored (oid, type_name) AS (
    SELECT d.oid, format_type(d.base, d.typmod)
    FROM domain AS d
    JOIN pg_type AS t ON t.oid = d.base
    WHERE t.typtype <> 'd'
)
SELECT
       a.attrelid AS "table", a.attname AS name,
       format_type(a.atttypid, a.atttypmod) AS type_name,
       d.type_name AS base_type, a.attnotnull AS not_null,
       s.null_frac::float8 AS null_frac, s.avg_width::int8 AS avg_width, s.n_distinct::float8 AS n_distinct,
       s.correlation::float8 AS correlation
FROM pg_attribute AS a
JOIN pg_class AS c ON c.oid = a.attrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN stored AS d ON d.oid = a.atttypid
LEFT JOIN pg_stats AS s ON s.schemaname = n.nspname AND s.tablename = c.relname AND s.attname = a.attname
                       AND s.inherited = (c.relkind = 'p')
WHERE a.attnum > 0 AND NOT a.attisdropped
  AND c.relkind IN ('r', 'p', 'm', 'f') AND c.relpersistence <> 't'
  AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
ORDER BY a.attrelid, a.attnum
