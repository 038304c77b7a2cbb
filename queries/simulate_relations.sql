-- The tables and indexes outside the system schemas, where their files lie, and what an index is made of: the names of its
-- keys, and the widths that the statistics tell of them (an integer's where they tell nothing).
-- Reads: pg_class, pg_namespace, pg_index, pg_am, pg_attribute, pg_statistic. Privileges: superuser. PostgreSQL 13 and later.
SELECT /* pgtriage */
       n.nspname::text AS schema, c.relname::text AS name, pg_relation_filepath(c.oid) AS file, m.amname::text AS method,
       tn.nspname::text AS table_schema, t.relname::text AS table_name, i.indpred IS NOT NULL AS partial, k.columns, k.widths,
       c.relpages::int8 AS pages, t.relpages::int8 AS table_pages, t.reltuples::float8 AS table_tuples
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN pg_index AS i ON i.indexrelid = c.oid
LEFT JOIN pg_am AS m ON m.oid = c.relam AND m.amtype = 'i'
LEFT JOIN pg_class AS t ON t.oid = i.indrelid
LEFT JOIN pg_namespace AS tn ON tn.oid = t.relnamespace
LEFT JOIN LATERAL (
    SELECT array_agg(h.attname::text ORDER BY g.n) AS columns, array_agg(coalesce(s.stawidth, 8)::int4 ORDER BY g.n) AS widths
    FROM generate_series(0, i.indnkeyatts - 1) AS g (n)
    LEFT JOIN pg_attribute AS h ON h.attrelid = i.indrelid AND h.attnum = i.indkey[g.n] AND i.indkey[g.n] > 0
    LEFT JOIN pg_statistic AS s
           ON (s.starelid, s.staattnum) = (CASE WHEN i.indkey[g.n] > 0 THEN i.indrelid ELSE c.oid END,
                                           CASE WHEN i.indkey[g.n] > 0 THEN i.indkey[g.n] ELSE g.n + 1 END)
          AND NOT s.stainherit
) AS k ON i.indexrelid IS NOT NULL
WHERE c.relkind IN ('r', 'm', 'i') AND c.relpersistence <> 't' AND pg_relation_filepath(c.oid) IS NOT NULL
  AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
ORDER BY n.nspname, c.relname
