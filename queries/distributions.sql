-- All that the planner knows of the values of columns and of index expressions: most common values and elements, and
-- histograms, of the largest tables first. Of an enum, the places of its labels in the type stand beside its values.
-- $1 rows at most. Reads: pg_stats, pg_class, pg_namespace, pg_attribute, pg_type, pg_enum. Privileges: pg_stats shows the
-- columns that the role may SELECT. PostgreSQL 13 and later.
SELECT /* pgtriage */
       s.schemaname AS schema, s.tablename AS relation, s.attname AS column, format_type(b.oid, NULL) AS type_name,
       s.inherited, s.null_frac::float8 AS null_frac, s.avg_width::int8 AS avg_width, s.n_distinct::float8 AS n_distinct,
       s.correlation::float8 AS correlation,
       s.most_common_vals::text::text[] AS most_common, s.most_common_freqs::float8[] AS most_common_freqs,
       s.histogram_bounds::text::text[] AS histogram,
       s.most_common_elems::text::text[] AS elements, s.most_common_elem_freqs::float8[] AS element_freqs,
       s.elem_count_histogram::float8[] AS element_count_histogram,
       CASE WHEN b.typtype = 'e' THEN ARRAY(SELECT e.enumlabel::text FROM pg_enum AS e WHERE e.enumtypid = b.oid
                                            ORDER BY e.enumsortorder) END AS labels
FROM pg_stats AS s
JOIN pg_namespace AS n ON n.nspname = s.schemaname
JOIN pg_class AS c ON c.relnamespace = n.oid AND c.relname = s.tablename
JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attname = s.attname
JOIN pg_type AS t ON t.oid = a.atttypid
JOIN pg_type AS b ON b.oid = CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.oid END
WHERE s.schemaname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') AND c.relpersistence <> 't'
ORDER BY c.relpages DESC, c.oid, a.attnum, s.inherited
LIMIT $1
