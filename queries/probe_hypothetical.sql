-- Makes the planner of this session believe in an index: $1 is its CREATE INDEX. Returns the name that plans show, and the size that HypoPG expects.
-- Nothing is written; the index is forgotten by hypopg_reset(). Runs with HypoPG's schema on the search path, after the guard has found no untrusted function
-- of these names. Needs USAGE on that schema. HypoPG 1.1 and later, versions 13 and later.
SELECT /* pgtriage */ i.indexname::pg_catalog.text AS name, hypopg_relation_size(i.indexrelid)::pg_catalog.int8 AS size
FROM hypopg_create_index($1) AS i
