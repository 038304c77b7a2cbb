-- Makes a role that the schema mentions; :name stands for its quoted name. Runs on throwaway servers only.
-- Privileges: superuser. PostgreSQL 13 and later.
CREATE /* pgtriage */ ROLE :name
