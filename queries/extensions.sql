-- Installed extensions with the schema that each one's objects live in, and the two that can be missed.
-- Reads: pg_extension, pg_namespace, pg_available_extensions. Privileges: none. PostgreSQL 13 and later.
SELECT /* pgtriage */ e.extname AS name, e.extversion AS version, n.nspname AS schema,
       has_schema_privilege(n.oid, 'USAGE') AS usable, true AS installed
FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
UNION ALL
SELECT a.name, a.default_version, NULL, NULL, false
FROM pg_available_extensions AS a
WHERE a.name IN ('pg_stat_statements', 'hypopg') AND a.installed_version IS NULL
