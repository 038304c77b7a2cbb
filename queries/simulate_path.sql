-- The statement that sets the search path of a database; {path} stands for its quoted schemas. Runs on throwaway servers
-- only. Privileges: superuser. PostgreSQL 13 and later.
DO /* pgtriage */ $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = {path}', current_database()); END $$
