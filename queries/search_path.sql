-- The schemas that the role's unqualified names are looked up in. Runs before the search path is pinned, so every name
-- in it is qualified and it uses no operator.
-- Reads: nothing but the session's own state. Privileges: none. PostgreSQL 13 and later.
SELECT /* pgtriage */ pg_catalog.current_schemas(true) AS search_path
