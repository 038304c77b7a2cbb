-- Makes the database that is planned in; :name stands for its quoted name, :collation for the quoted name of a collation.
-- Runs on throwaway servers only. Privileges: superuser. PostgreSQL 13 and later.
CREATE /* pgtriage */ DATABASE :name TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE :collation LC_CTYPE :collation
