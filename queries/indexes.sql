-- Indexes with their keys. Expressions and predicates come from expressions.sql, which has to wait for locks.
-- An invalid index counts as being built while pg_stat_progress_create_index says so; to a role that may not see other
-- sessions there, while another session holds a lock on the table that a build takes.
-- Reads: pg_index, pg_class, pg_namespace, pg_am, pg_attribute, pg_opclass, pg_collation, pg_constraint, pg_inherits,
-- pg_stat_progress_create_index, pg_locks, functions under pg_stat_user_indexes. Privileges: none. PostgreSQL 13 and
-- later.
SELECT /* pgtriage */
       i.indexrelid AS oid, n.nspname AS schema, c.relname AS name, i.indrelid AS "table", m.amname AS method,
       i.indnkeyatts AS key_count, k.columns, k.opclasses, k.collations, k.flags,
       i.indpred IS NOT NULL AS partial,
       i.indisunique AS "unique", i.indisprimary AS "primary", i.indisvalid AS valid,
       i.indisreplident AS replica_identity,
       i.indisexclusion OR con.conindid IS NOT NULL AS "constraint",
       NOT i.indisvalid AND (
           EXISTS (SELECT FROM pg_stat_progress_create_index AS p WHERE p.index_relid = i.indexrelid)
           OR NOT pg_has_role('pg_read_all_stats', 'USAGE')
              AND EXISTS (SELECT FROM pg_locks AS l
                          WHERE l.relation = i.indrelid AND l.granted AND l.pid <> pg_backend_pid()
                            AND l.mode IN ('ShareUpdateExclusiveLock', 'ShareLock')
                            AND l.database = (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database()))
       ) AS building,
       h.inhparent AS parent,
       c.relpages::int8 AS pages,
       CASE WHEN c.reltuples < 0
              OR c.reltuples = 0 AND c.relpages = 0 AND current_setting('server_version_num')::int4 < 140000
            THEN NULL ELSE c.reltuples::float8 END AS tuples,
       c.reloptions AS options,
       c.relkind = 'i' AND current_setting('track_counts')::bool AS counted,
       pg_stat_get_numscans(i.indexrelid) AS idx_scan,
       pg_stat_get_tuples_returned(i.indexrelid) AS idx_tup_read,
       pg_stat_get_tuples_fetched(i.indexrelid) AS idx_tup_fetch
FROM pg_index AS i
JOIN pg_class AS c ON c.oid = i.indexrelid
JOIN pg_class AS t ON t.oid = i.indrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_am AS m ON m.oid = c.relam
LEFT JOIN pg_inherits AS h ON h.inhrelid = i.indexrelid AND h.inhseqno = 1
LEFT JOIN (SELECT DISTINCT x.conindid FROM pg_constraint AS x WHERE x.contype IN ('p', 'u', 'x')) AS con
       ON con.conindid = i.indexrelid
CROSS JOIN LATERAL (
    SELECT array_agg(a.attname ORDER BY g.n) AS columns,
           array_agg(CASE WHEN NOT o.opcdefault
                          THEN CASE WHEN o.opcnamespace = 'pg_catalog'::regnamespace THEN ''
                                    ELSE quote_ident(os.nspname) || '.' END
                          || quote_ident(o.opcname) END ORDER BY g.n) AS opclasses,
           array_agg(CASE WHEN i.indcollation[g.n] <> coalesce(a.attcollation, 100) AND l.oid IS NOT NULL
                          THEN CASE WHEN l.collnamespace = 'pg_catalog'::regnamespace THEN ''
                                    ELSE quote_ident(ls.nspname) || '.' END
                          || quote_ident(l.collname) END ORDER BY g.n) AS collations,
           array_agg(i.indoption[g.n] ORDER BY g.n) AS flags
    FROM generate_series(0, i.indnatts - 1) AS g (n)
    LEFT JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[g.n]
    LEFT JOIN pg_opclass AS o ON o.oid = i.indclass[g.n]
    LEFT JOIN pg_namespace AS os ON os.oid = o.opcnamespace
    LEFT JOIN pg_collation AS l ON l.oid = i.indcollation[g.n]
    LEFT JOIN pg_namespace AS ls ON ls.oid = l.collnamespace
) AS k
WHERE t.relkind IN ('r', 'p', 'm') AND t.relpersistence <> 't'
  AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
