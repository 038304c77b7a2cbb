-- The settings by which the role may keep the probes out of the server's slow-query log and out of pg_stat_statements.
-- They belong to superusers and to whom they were granted. Reads pg_settings; needs no privilege. Versions 15 and
-- later.
SELECT /* pgtriage */ s.name::text AS name
FROM pg_settings AS s
WHERE s.name IN (
        'pg_stat_statements.track', 'log_min_duration_statement',
        'log_min_duration_sample', 'log_transaction_sample_rate', 'log_duration',
        'auto_explain.log_min_duration'
    )
    AND has_parameter_privilege(s.name, 'SET')
ORDER BY s.name
