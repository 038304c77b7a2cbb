-- The counters of tables.sql alone, for an earlier moment of a measured window.
-- Reads: pg_class, pg_namespace, pg_index, functions under pg_stat_user_tables. Privileges: none.
-- Takes no lock on the tables. PostgreSQL 13 and later.
SELECT /* pgtriage */
       c.oid,
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
       pg_stat_get_mod_since_analyze(c.oid) AS n_mod_since_analyze
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN (SELECT k.indrelid, sum(pg_stat_get_numscans(k.indexrelid))::int8 AS idx_scan,
                  sum(pg_stat_get_tuples_fetched(k.indexrelid))::int8 AS idx_tup_fetch
           FROM pg_index AS k GROUP BY k.indrelid) AS x ON x.indrelid = c.oid
WHERE c.relkind IN ('r', 'm') AND c.relpersistence <> 't'
  AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
  AND current_setting('track_counts')::bool
