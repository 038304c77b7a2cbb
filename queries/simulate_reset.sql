-- Removes what ANALYZE of a migration left, so that only the capture's statistics count. Runs on throwaway servers only.
-- Writes: pg_statistic. Privileges: superuser. PostgreSQL 13 and later.
DELETE /* pgtriage */ FROM pg_statistic WHERE starelid >= 16384
