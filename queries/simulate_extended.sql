-- Extended statistics of the schema, with the numbers of the columns that they are over.
-- Reads: pg_statistic_ext, pg_namespace, pg_attribute. Privileges: none. PostgreSQL 13 and later.
SELECT /* pgtriage */ n.nspname::text AS schema, e.stxname::text AS name, e.oid, k.numbers, k.names
FROM pg_statistic_ext AS e
JOIN pg_namespace AS n ON n.oid = e.stxnamespace
CROSS JOIN LATERAL (
    SELECT array_agg(a.attnum ORDER BY a.attnum) AS numbers, array_agg(a.attname::text ORDER BY a.attnum) AS names
    FROM pg_attribute AS a WHERE a.attrelid = e.stxrelid AND a.attnum = ANY (e.stxkeys::int2[])
) AS k
