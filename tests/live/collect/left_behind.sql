SELECT (SELECT count(*) FROM pg_prepared_statements),
       (SELECT count(*) FROM pg_locks WHERE locktype <> 'virtualxid' AND pid <> pg_backend_pid()),
       (SELECT count(*) FROM pg_settings WHERE source = 'session'
        AND name NOT IN ('client_encoding', 'application_name')),
       (SELECT count(*) FROM pg_stat_activity WHERE xact_start IS NOT NULL AND pid <> pg_backend_pid()
        AND backend_type = 'client backend')
