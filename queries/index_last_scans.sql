-- When each index was last scanned.
-- Reads: pg_index, pg_class, pg_namespace, a function under pg_stat_user_indexes. Privileges: none. PostgreSQL 16 and
-- later.
SELECT /* pgtriage */ i.indexrelid AS oid, pg_stat_get_lastscan(i.indexrelid) AS last_scan
FROM pg_index AS i
JOIN pg_class AS c ON c.oid = i.indexrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE pg_stat_get_lastscan(i.indexrelid) IS NOT NULL
  AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
