-- Tables, partitioned tables, materialized views and foreign tables outside the system schemas, with their counters.
-- The sizes are relpages, what the last VACUUM or ANALYZE saw: pg_relation_size() would wait for locked tables.
-- reltuples is -1 where never vacuumed or analysed; before 14 that was 0 with relpages 0.
-- Reads: pg_class, pg_namespace, pg_inherits, pg_index, functions under pg_stat_user_tables, row_security_active() where there is any. Privileges: none.
-- Takes no lock on the tables. PostgreSQL 13 and later.
SELECT /* pgtriage */
       c.oid, n.nspname AS schema, c.relname AS name, c.relkind AS kind, o.rolname AS owner, i.inhparent AS parent,
       c.relrowsecurity AND row_security_active(c.oid) AS row_security,
       has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT') AS readable,
       c.relpages::int8 AS pages,
       CASE WHEN c.reltuples < 0
              OR c.reltuples = 0 AND c.relpages = 0 AND current_setting('server_version_num')::int4 < 140000
            THEN NULL ELSE c.reltuples::float8 END AS tuples,
       c.relallvisible::int8 AS all_visible,
       c.reloptions AS options,
       c.relkind IN ('r', 'm') AND current_setting('track_counts')::bool AS counted,
       pg_stat_get_numscans(c.oid) AS seq_scan,
       pg_stat_get_tuples_returned(c.oid) AS seq_tup_read,
       coalesce(x.idx_scan, 0) AS idx_scan,
       coalesce(x.idx_tup_fetch, 0) + pg_stat_get_tuples_fetched(c.oid) AS idx_tup_fetch,
       pg_stat_get_tuples_inserted(c.oid) AS n_tup_ins,
       pg_stat_get_tuples_updated(c.oid) AS n_tup_upd,
       pg_stat_get_tuples_deleted(c.oid) AS n_tup_del,
       pg_stat_get_tuples_hot_updated(c.oid) AS n_tup_hot_upd,
       pg_stat_get_live_tuples(c.oid) AS n_live_tup,
       pg_stat_get_dead_tuples(c.oid) AS n_dead_tup,
       pg_stat_get_mod_since_analyze(c.oid) AS n_mod_since_analyze,
       greatest(pg_stat_get_last_analyze_time(c.oid), pg_stat_get_last_autoanalyze_time(c.oid)) AS last_analyze,
       greatest(pg_stat_get_last_vacuum_time(c.oid), pg_stat_get_last_autovacuum_time(c.oid)) AS last_vacuum
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN pg_roles AS o ON o.oid = c.relowner
LEFT JOIN pg_inherits AS i ON i.inhrelid = c.oid AND i.inhseqno = 1
LEFT JOIN (SELECT k.indrelid, sum(pg_stat_get_numscans(k.indexrelid))::int8 AS idx_scan,
                  sum(pg_stat_get_tuples_fetched(k.indexrelid))::int8 AS idx_tup_fetch
           FROM pg_index AS k GROUP BY k.indrelid) AS x ON x.indrelid = c.oid
WHERE c.relkind IN ('r', 'p', 'm', 'f') AND c.relpersistence <> 't'
  AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
