-- Gives extended statistics the captured contents. Runs on throwaway servers only.
-- $1 their oid, $2 whether of the whole tree, $3 n_distinct and $4 dependencies as they are stored.
-- Writes: pg_statistic_ext_data. Privileges: superuser. PostgreSQL 15 and later.
INSERT /* pgtriage */ INTO pg_statistic_ext_data (stxoid, stxdinherit, stxdndistinct, stxddependencies)
VALUES ($1::oid, $2::bool, $3::bytea::pg_ndistinct, $4::bytea::pg_dependencies)
