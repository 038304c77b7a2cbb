-- The planner's statistics of all columns of some tables, with their most common values and elements, and histograms:
-- what parameters of probes are taken from.
-- $1 schemas and $2 tables, pairwise. For a table with children, the statistics of the whole tree stand only where the
-- table itself has none.
-- Reads pg_stats, which shows the columns that the role may read. Versions 13 and later.
SELECT /* pgtriage */ DISTINCT ON (s.schemaname, s.tablename, s.attname)
    s.schemaname::text AS schema,
    s.tablename::text AS table,
    s.attname::text AS column,
    s.null_frac::float8 AS null_frac,
    s.avg_width::int8 AS avg_width,
    s.n_distinct::float8 AS n_distinct,
    s.correlation::float8 AS correlation,
    s.most_common_vals::text::text[] AS most_common_values,
    s.most_common_freqs::float8[] AS most_common_freqs,
    s.histogram_bounds::text::text[] AS histogram_bounds,
    s.most_common_elems::text::text[] AS most_common_elements
FROM unnest($1::text[], $2::text[]) AS wanted (schema, "table")
JOIN pg_stats AS s ON s.schemaname = wanted.schema::name AND s.tablename = wanted."table"::name
ORDER BY s.schemaname, s.tablename, s.attname, s.inherited
