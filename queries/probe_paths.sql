-- The search paths that are configured for roles in this database and everywhere, the more specific first: statements
-- of a role find their tables there.
-- Reads pg_db_role_setting, pg_database; needs no privilege. Versions 13 and later.
SELECT /* pgtriage */
    s.setrole AS role,
    split_part(item, '=', 1)::text AS name,
    substr(item, position('=' IN item) + 1)::text AS value
FROM pg_db_role_setting AS s
CROSS JOIN LATERAL unnest(s.setconfig) AS item
WHERE s.setdatabase IN (0, (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database()))
    AND split_part(item, '=', 1) = 'search_path'
ORDER BY s.setrole <> 0 DESC, s.setdatabase <> 0 DESC, s.setrole
