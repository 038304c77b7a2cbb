-- The role that pgtriage connects as, with what a full report needs and nothing more. PostgreSQL 13 to 18.
-- Run this in every database to be diagnosed, as a superuser or as an owner of its tables who may create roles; it can
-- be run again. Then give the role a password (in psql: \password {role}) or a line in pg_hba.conf.
--
-- It changes the role and its privileges only. Undo, in every such database: DROP OWNED BY {role}; then DROP ROLE {role};

DO /* pgtriage */ $pgtriage$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = {role_literal}) THEN
        EXECUTE pg_catalog.format('CREATE ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE', {role_literal});
    END IF;
END
$pgtriage$;

-- Counters, texts of other roles' statements, sessions, settings.
GRANT pg_monitor TO {role};

-- Column statistics, and running the statements found (only in transactions that are read-only or rolled back): SELECT
-- everywhere. From 14 on there is a role for it; on 13 the tables are granted one schema at a time, and those created
-- later need this script again.
DO /* pgtriage */ $pgtriage$
DECLARE
    schema_name pg_catalog.name;
BEGIN
    EXECUTE pg_catalog.format('GRANT CONNECT ON DATABASE %I TO %I', pg_catalog.current_database(), {role_literal});
    IF pg_catalog.current_setting('server_version_num')::pg_catalog.int4 >= 140000 THEN
        EXECUTE pg_catalog.format('GRANT pg_read_all_data TO %I', {role_literal});
        RETURN;
    END IF;
    FOR schema_name IN
        SELECT nspname FROM pg_catalog.pg_namespace
        WHERE nspname <> 'information_schema' AND nspname NOT LIKE 'pg\_%'
    LOOP
        EXECUTE pg_catalog.format('GRANT USAGE ON SCHEMA %I TO %I', schema_name, {role_literal});
        EXECUTE pg_catalog.format('GRANT SELECT ON ALL TABLES IN SCHEMA %I TO %I', schema_name, {role_literal});
    END LOOP;
END
$pgtriage$;

-- Only where tables have row-level security, which changes plans for a role that it applies to (a superuser's choice):
-- ALTER ROLE {role} BYPASSRLS;
