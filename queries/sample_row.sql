-- One row of a table, for columns that have no statistics to take a parameter's value from. {columns} and {table} stand
-- for quoted names; only tables that the guard has let through are read.
-- Reads: the table. Privileges: SELECT on it. PostgreSQL 13 and later.
SELECT /* pgtriage */ {columns} FROM {table} LIMIT 1
