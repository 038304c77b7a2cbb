-- Keeps this program's own statements out of the server's log and out of pg_stat_statements, for this transaction and
-- where the role may: these settings belong to superusers.
-- Reads: pg_settings, pg_roles. Privileges: acts for a superuser only. PostgreSQL 13 and later.
SELECT /* pgtriage */ set_config(quiet.name, quiet.value, true)
FROM (VALUES ('pg_stat_statements.track', 'none'),
             ('log_statement', 'none'),
             ('log_duration', 'off'),
             ('log_min_duration_statement', '-1'),
             ('log_min_duration_sample', '-1'),
             ('log_transaction_sample_rate', '0'),
             ('auto_explain.log_min_duration', '-1')) AS quiet (name, value)
JOIN pg_settings AS s ON s.name = quiet.name
WHERE (SELECT r.rolsuper FROM pg_roles AS r WHERE r.rolname = current_user)
