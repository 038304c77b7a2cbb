-- Gives a relation the size and the rows of the captured one. Runs on throwaway servers only.
-- $1 schema, $2 name, $3 relpages, $4 reltuples, $5 relallvisible. Writes: pg_class. Privileges: superuser.
-- PostgreSQL 13 and later.
UPDATE /* pgtriage */ pg_class AS c
SET relpages = $3::int8::int4, reltuples = $4::float8::float4, relallvisible = $5::int8::int4
FROM pg_namespace AS n
WHERE n.oid = c.relnamespace AND n.nspname = $1::text::name AND c.relname = $2::text::name
  AND c.relkind IN ('r', 'p', 'm', 'i', 'I')
