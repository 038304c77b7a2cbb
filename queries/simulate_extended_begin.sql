-- Lets bytes be taken for extended statistics, whose types have no input. Runs on throwaway servers only.
-- Privileges: superuser. PostgreSQL 13 and later.
BEGIN /* pgtriage */;
CREATE CAST (bytea AS pg_ndistinct) WITHOUT FUNCTION;
CREATE CAST (bytea AS pg_dependencies) WITHOUT FUNCTION
