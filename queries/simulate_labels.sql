-- The labels of enums in their order, by the type's name as SQL writes it where no schema is on the path.
-- Reads: pg_enum, pg_type, pg_namespace. Privileges: none. PostgreSQL 13 and later.
SELECT /* pgtriage */ quote_ident(n.nspname) || '.' || quote_ident(t.typname) AS type_name,
       array_agg(e.enumlabel::text ORDER BY e.enumsortorder) AS labels
FROM pg_enum AS e JOIN pg_type AS t ON t.oid = e.enumtypid JOIN pg_namespace AS n ON n.oid = t.typnamespace
GROUP BY 1
