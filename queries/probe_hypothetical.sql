-- Makes the planner of this session believe in indexes: $1 are their CREATE INDEX commands. Returns, in their order, the names that plans show, and the sizes
-- that HypoPG expects. Nothing is written; the indexes are forgotten by hypopg_reset(). Runs with HypoPG's schema before others on the search path, after the
-- guard has found no untrusted function of these names. Needs USAGE on that schema. HypoPG 1.1 and later, versions 13 and later.
SELECT /* pgtriage */ i.indexname::pg_catalog.text AS name, hypopg_relation_size(i.indexrelid)::pg_catalog.int8 AS size
FROM pg_catalog.unnest($1::pg_catalog.text[]) WITH ORDINALITY AS c (command, number)
CROSS JOIN LATERAL hypopg_create_index(c.command) AS i
ORDER BY c.number
