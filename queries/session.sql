-- Settings for this transaction that not every version or role has: one moment for all counters (15 and later), no
-- just-in-time compilation of catalog queries, and, where the role is a superuser and so may, this program's own
-- statements kept out of the server's log and of pg_stat_statements.
-- Reads: pg_settings, pg_roles. Privileges: none. PostgreSQL 13 and later.
SELECT /* pgtriage */ set_config(wanted.name, wanted.value, true)
FROM (VALUES ('stats_fetch_consistency', 'snapshot', false),
             ('jit', 'off', false),
             ('pg_stat_statements.track', 'none', true),
             ('log_statement', 'none', true),
             ('log_duration', 'off', true),
             ('log_min_duration_statement', '-1', true),
             ('log_min_duration_sample', '-1', true),
             ('auto_explain.log_min_duration', '-1', true)) AS wanted (name, value, superuser)
JOIN pg_settings AS s ON s.name = wanted.name
WHERE NOT wanted.superuser OR (SELECT r.rolsuper FROM pg_roles AS r WHERE r.rolname = current_user)
