-- Begins each script of a schema as psql would: with settings of its own, and bodies of functions read when they run.
-- Runs on throwaway servers only. Privileges: none. PostgreSQL 13 and later.
SET /* pgtriage */ check_function_bodies = off
