-- Leaves the schema as it was. Runs on throwaway servers only. Privileges: superuser. PostgreSQL 13 and later.
DROP /* pgtriage */ CAST (bytea AS pg_ndistinct);
DROP CAST (bytea AS pg_dependencies);
COMMIT
