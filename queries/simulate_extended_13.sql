-- Gives extended statistics the captured contents. Runs on throwaway servers only.
-- $1 their oid, $2 whether of the whole tree (which 13 and 14 do not tell apart), $3 n_distinct and $4 dependencies as they
-- are stored. Writes: pg_statistic_ext_data. Privileges: superuser. PostgreSQL 13 and 14.
UPDATE /* pgtriage */ pg_statistic_ext_data
SET stxdndistinct = $3::bytea::pg_ndistinct, stxddependencies = $4::bytea::pg_dependencies
WHERE stxoid = $1::oid AND $2::bool IS NOT NULL
