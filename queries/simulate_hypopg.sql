-- Lets indexes be asked for that do not exist. Runs on throwaway servers only. Privileges: superuser.
-- PostgreSQL 13 and later.
CREATE /* pgtriage */ EXTENSION IF NOT EXISTS hypopg
