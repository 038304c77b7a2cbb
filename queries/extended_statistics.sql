-- Extended statistics over several columns: how many groups they form, and how far one column implies another. Columns are
-- numbered in the texts of both, so their numbers and names stand beside.
-- Reads: pg_stats_ext, pg_statistic_ext, pg_namespace, pg_attribute. Privileges: pg_stats_ext shows those whose columns the
-- role may SELECT, and in later minor versions only to the owner. PostgreSQL 13 and later.
SELECT /* pgtriage */
       s.statistics_schemaname AS schema, s.statistics_name AS name,
       coalesce((to_jsonb(s) ->> 'inherited')::bool, false) AS inherited,
       s.n_distinct::text AS n_distinct, s.dependencies::text AS dependencies, k.numbers, k.names
FROM pg_stats_ext AS s
JOIN pg_namespace AS n ON n.nspname = s.statistics_schemaname
JOIN pg_statistic_ext AS e ON e.stxnamespace = n.oid AND e.stxname = s.statistics_name
CROSS JOIN LATERAL (
    SELECT array_agg(a.attnum ORDER BY a.attnum) AS numbers, array_agg(a.attname ORDER BY a.attnum) AS names
    FROM pg_attribute AS a WHERE a.attrelid = e.stxrelid AND a.attnum = ANY (e.stxkeys::int2[])
) AS k
WHERE s.n_distinct IS NOT NULL OR s.dependencies IS NOT NULL
ORDER BY s.statistics_schemaname, s.statistics_name
