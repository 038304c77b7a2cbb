-- What kind of session this is, for target_session_attrs (docs: libpq, "Parameter Key Words").
-- Reads: pg_is_in_recovery(), transaction_read_only. Privileges: none. Versions: 13 and later.
SELECT /* pgtriage */
       pg_catalog.pg_is_in_recovery() AS in_recovery,
       pg_catalog.current_setting('transaction_read_only') OPERATOR(pg_catalog.=) 'on' AS read_only
