-- The types that the server inferred for the parameters of the prepared statement $1, in order. base is the type below
-- domains; label is the first label of an enum. Reads pg_prepared_statements and pg_catalog; needs no privilege.
-- Versions 13 and later.
SELECT /* pgtriage */
    format_type(p.type::oid, NULL)::text AS name,
    format_type(base.oid, NULL)::text AS base,
    base.typtype::text AS kind,
    base.is_array AS is_array,
    (SELECT e.enumlabel::text FROM pg_enum AS e WHERE e.enumtypid = base.oid ORDER BY e.enumsortorder LIMIT 1) AS label
FROM pg_prepared_statements AS s
CROSS JOIN LATERAL unnest(s.parameter_types) WITH ORDINALITY AS p (type, number)
CROSS JOIN LATERAL (
    WITH RECURSIVE below (oid) AS (
        SELECT p.type::oid
        UNION ALL
        SELECT t.typbasetype FROM below AS b JOIN pg_type AS t ON t.oid = b.oid WHERE t.typtype = 'd'
    )
    SELECT t.oid, t.typtype, t.typelem <> 0 AND t.typlen = -1 AS is_array
    FROM below AS b
    JOIN pg_type AS t ON t.oid = b.oid
    WHERE t.typtype <> 'd'
) AS base
WHERE s.name = $1
ORDER BY p.number
