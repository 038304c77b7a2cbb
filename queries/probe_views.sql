-- The views with any of the names $1, in whatever schema, with their columns and queries.
-- Reads pg_class, pg_attribute, pg_rewrite; needs no privilege. pg_get_viewdef() locks the relations of a view in
-- ACCESS SHARE mode. Versions 13 and later.
SELECT /* pgtriage */
    n.nspname::text AS schema,
    c.relname::text AS name,
    ARRAY(
        SELECT a.attname::text FROM pg_attribute AS a
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        ORDER BY a.attnum
    ) AS columns,
    pg_get_viewdef(c.oid) AS definition
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind = 'v' AND c.relname = ANY ($1::name[]) AND n.nspname NOT IN ('pg_catalog', 'information_schema')
ORDER BY n.nspname, c.relname
LIMIT 500
