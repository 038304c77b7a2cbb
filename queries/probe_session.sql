-- What a probe session needs to know about itself. Runs before the search path is pinned, so every name in it is
-- qualified and it uses no operator.
-- Reads the session's own state; needs no privilege. Versions 13 and later.
SELECT /* pgtriage */
    pg_catalog.current_schemas(false)::pg_catalog.text[] AS schemas,
    pg_catalog.current_setting('server_version_num')::pg_catalog.int4 AS version_num
