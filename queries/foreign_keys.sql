-- Foreign keys with their columns in key order.
-- Reads: pg_constraint, pg_class, pg_namespace, pg_attribute. Privileges: none. PostgreSQL 13 and later.
SELECT /* pgtriage */
       f.conname AS name, f.conrelid AS "table", f.confrelid AS referenced_table, k.columns, k.referenced_columns,
       f.confdeltype AS on_delete, f.confupdtype AS on_update, f.conparentid <> 0 AS inherited
FROM pg_constraint AS f
JOIN pg_class AS c ON c.oid = f.conrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
CROSS JOIN LATERAL (
    SELECT array_agg(a.attname ORDER BY u.n) AS columns, array_agg(b.attname ORDER BY u.n) AS referenced_columns
    FROM unnest(f.conkey, f.confkey) WITH ORDINALITY AS u (own, referenced, n)
    JOIN pg_attribute AS a ON a.attrelid = f.conrelid AND a.attnum = u.own
    JOIN pg_attribute AS b ON b.attrelid = f.confrelid AND b.attnum = u.referenced
) AS k
WHERE f.contype = 'f' AND n.nspname NOT IN ('pg_catalog', 'information_schema')
