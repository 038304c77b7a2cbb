-- Index expressions, index predicates and partition keys as SQL. Deparsing takes ACCESS SHARE on the table, so tables
-- that another session has locked ACCESS EXCLUSIVE, or waits to, are left out rather than waited for.
-- Reads: pg_index, pg_partitioned_table, pg_class, pg_namespace, pg_locks. Privileges: none. PostgreSQL 13 and later.
WITH /* pgtriage */ locked AS MATERIALIZED (
    SELECT l.relation FROM pg_locks AS l
    WHERE l.locktype = 'relation' AND l.mode = 'AccessExclusiveLock' AND l.pid <> pg_backend_pid()
      AND l.database = (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database())
), present AS MATERIALIZED (
    SELECT c.oid FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'm') AND c.relpersistence <> 't'
      AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
      AND NOT EXISTS (SELECT FROM locked AS l WHERE l.relation = c.oid)
)
SELECT i.indexrelid AS oid, k.n AS position, pg_get_indexdef(i.indexrelid, k.n, true) AS expression
FROM pg_index AS i JOIN present AS t ON t.oid = i.indrelid
CROSS JOIN LATERAL generate_series(1, i.indnkeyatts::int4) AS k (n)
WHERE i.indexprs IS NOT NULL AND i.indkey[k.n - 1] = 0
UNION ALL
SELECT i.indexrelid, 0, pg_get_expr(i.indpred, i.indrelid, true)
FROM pg_index AS i JOIN present AS t ON t.oid = i.indrelid
WHERE i.indpred IS NOT NULL
UNION ALL
SELECT p.partrelid, 0, pg_get_partkeydef(p.partrelid)
FROM pg_partitioned_table AS p JOIN present AS t ON t.oid = p.partrelid
