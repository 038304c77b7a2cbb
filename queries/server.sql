-- The server, the database, the moment and the connected role.
-- Reads: pg_database, pg_roles, functions of the session. Privileges: none. Written so that versions before 13 answer,
-- too, and can be refused with a clear error.
SELECT /* pgtriage */
       current_setting('server_version_num')::int4 AS version_num,
       current_setting('server_version') AS version,
       d.datname AS database,
       d.oid AS database_oid,
       CASE to_jsonb(d) ->> 'datlocprovider' WHEN 'b' THEN 'C' ELSE d.datcollate END AS collation,
       pg_is_in_recovery() AS in_recovery,
       pg_postmaster_start_time() AS started_at,
       clock_timestamp() AS captured_at,
       current_setting('block_size')::int8 AS block_size,
       r.rolname AS role,
       r.oid AS role_oid,
       r.rolsuper AS superuser,
       r.rolsuper OR r.rolbypassrls AS bypass_rls,
       (SELECT coalesce(bool_or(pg_has_role(m.oid, 'USAGE')), false) FROM pg_roles AS m
        WHERE m.rolname = 'pg_read_all_stats') AS read_all_stats,
       (SELECT coalesce(bool_or(pg_has_role(m.oid, 'USAGE')), false) FROM pg_roles AS m
        WHERE m.rolname = 'pg_read_all_data') AS read_all_data,
       (SELECT coalesce(bool_or(pg_has_role(m.oid, 'USAGE')), false) FROM pg_roles AS m
        WHERE m.rolname IN (
            'pg_execute_server_program', 'pg_write_server_files', 'pg_read_server_files')) AS server_access
FROM pg_database AS d, pg_roles AS r
WHERE d.datname = current_database() AND r.rolname = current_user
