-- Gives a column the captured statistics, as ANALYZE would write them (typanalyze.c, array_typanalyze.c): in slots of
-- pg_statistic, each with the operator and the collation that its kind is about. Operators are those of the default operator
-- class of the type, found as GetDefaultOpClass() finds it. Runs on throwaway servers only.
-- $1 schema, $2 relation, $3 column, $4 whether of the whole tree, $5 null_frac, $6 avg_width, $7 n_distinct,
-- $8 correlation, $9 most common values as an array's text, $10 their frequencies, $11 histogram as an array's text,
-- $12 most common elements as an array's text, $13 their frequencies, $14 histogram of the number of elements.
-- Writes: pg_statistic. Privileges: superuser. PostgreSQL 13 and later.
WITH /* pgtriage */ wanted AS (
    SELECT a.attrelid, a.attnum, a.attcollation, b.oid AS type, b.typelem AS element
    FROM pg_attribute AS a
    JOIN pg_class AS c ON c.oid = a.attrelid
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    JOIN pg_type AS t ON t.oid = a.atttypid
    JOIN pg_type AS b ON b.oid = CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.oid END
    WHERE n.nspname = $1::text::name AND c.relname = $2::text::name AND a.attname = $3::text::name AND NOT a.attisdropped
), types AS (
    SELECT w.type FROM wanted AS w
    UNION
    SELECT CASE WHEN w.type = 'tsvector'::regtype THEN 'text'::regtype ELSE w.element END FROM wanted AS w
), operators AS (
    SELECT p.oid AS type,
           (SELECT o.amopopr FROM pg_amop AS o
            WHERE o.amopfamily = f.opcfamily AND o.amopstrategy = 1
              AND o.amoplefttype = f.opcintype AND o.amoprighttype = f.opcintype) AS less,
           (SELECT o.amopopr FROM pg_amop AS o
            WHERE o.amopfamily = f.opcfamily AND o.amopstrategy = 3
              AND o.amoplefttype = f.opcintype AND o.amoprighttype = f.opcintype) AS equal
    FROM types AS w
    JOIN pg_type AS p ON p.oid = w.type
    CROSS JOIN LATERAL (
        SELECT o.opcfamily, o.opcintype
        FROM pg_opclass AS o
        JOIN pg_type AS i ON i.oid = o.opcintype
        WHERE o.opcmethod = (SELECT m.oid FROM pg_am AS m WHERE m.amname = 'btree') AND o.opcdefault
          AND (o.opcintype = p.oid
               OR i.typname = CASE WHEN p.typtype = 'e' THEN 'anyenum' WHEN p.typtype = 'r' THEN 'anyrange'
                                   WHEN p.typtype = 'm' THEN 'anymultirange' WHEN p.typtype = 'c' THEN 'record'
                                   WHEN p.typlen = -1 AND p.typelem <> 0 THEN 'anyarray' END
               OR EXISTS (SELECT FROM pg_cast AS k
                          WHERE k.castsource = p.oid AND k.casttarget = o.opcintype
                            AND k.castmethod = 'b' AND k.castcontext = 'i'))
        ORDER BY o.opcintype = p.oid DESC, i.typispreferred DESC
        LIMIT 1
    ) AS f
), slots AS (
    SELECT w.attrelid, w.attnum, w.attcollation, own.less, own.equal, of_elements.equal AS element_equal,
           CASE WHEN w.type = 'tsvector'::regtype THEN 100 ELSE w.attcollation END AS element_collation,
           array_in(textout($9::text), w.type, -1) AS common,
           array_in(textout($11::text), w.type, -1) AS histogram,
           array_in(textout($12::text),
                    CASE WHEN w.type = 'tsvector'::regtype THEN 'text'::regtype ELSE w.element END, -1) AS elements
    FROM wanted AS w
    LEFT JOIN operators AS own ON own.type = w.type
    LEFT JOIN operators AS of_elements
           ON of_elements.type = CASE WHEN w.type = 'tsvector'::regtype THEN 'text'::regtype ELSE w.element END
)
INSERT INTO pg_statistic (
    starelid, staattnum, stainherit, stanullfrac, stawidth, stadistinct,
    stakind1, stakind2, stakind3, stakind4, stakind5,
    staop1, staop2, staop3, staop4, staop5,
    stacoll1, stacoll2, stacoll3, stacoll4, stacoll5,
    stanumbers1, stanumbers2, stanumbers3, stanumbers4, stanumbers5,
    stavalues1, stavalues2, stavalues3, stavalues4, stavalues5)
SELECT s.attrelid, s.attnum, $4::bool, $5::float8::float4, $6::int8::int4, $7::float8::float4,
       CASE WHEN $9::text IS NULL THEN 0 ELSE 1 END, CASE WHEN $11::text IS NULL THEN 0 ELSE 2 END,
       CASE WHEN $8::float8 IS NULL THEN 0 ELSE 3 END, CASE WHEN $12::text IS NULL THEN 0 ELSE 4 END,
       CASE WHEN $14::float8[] IS NULL THEN 0 ELSE 5 END,
       CASE WHEN $9::text IS NULL THEN 0 ELSE coalesce(s.equal, 0) END,
       CASE WHEN $11::text IS NULL THEN 0 ELSE coalesce(s.less, 0) END,
       CASE WHEN $8::float8 IS NULL THEN 0 ELSE coalesce(s.less, 0) END,
       CASE WHEN $12::text IS NULL THEN 0 ELSE coalesce(s.element_equal, 0) END,
       CASE WHEN $14::float8[] IS NULL THEN 0 ELSE coalesce(s.element_equal, 0) END,
       CASE WHEN $9::text IS NULL THEN 0 ELSE s.attcollation END,
       CASE WHEN $11::text IS NULL THEN 0 ELSE s.attcollation END,
       CASE WHEN $8::float8 IS NULL THEN 0 ELSE s.attcollation END,
       CASE WHEN $12::text IS NULL THEN 0 ELSE s.element_collation END,
       CASE WHEN $14::float8[] IS NULL THEN 0 ELSE s.element_collation END,
       CASE WHEN $9::text IS NOT NULL THEN $10::float8[]::float4[] END, NULL,
       CASE WHEN $8::float8 IS NOT NULL THEN ARRAY[$8::float8::float4] END,
       CASE WHEN $12::text IS NOT NULL THEN $13::float8[]::float4[] END, $14::float8[]::float4[],
       s.common, s.histogram, NULL, s.elements, NULL
FROM slots AS s
