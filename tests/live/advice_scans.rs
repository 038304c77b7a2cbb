//! What is advised for scans is carried out, and the finding is gone.

use crate::advice::{Advised, Carried, Values, ends_the_finding};

const ADVISED: &[Advised] = &[
    Advised {
        name: "selective",
        from: 13,
        requires: None,
        setup: "CREATE TABLE parcel (id int, depot int, note text);
            INSERT INTO parcel SELECT i, i % 500, repeat('n', 40) FROM generate_series(1, 40000) AS i",
        settings: &[],
        query: "SELECT * FROM parcel WHERE depot = 42",
        finds: &["seq_scan_selective"],
        carried: Carried::Sql("CREATE INDEX ON parcel (depot)"),
    },
    Advised {
        name: "repeated",
        from: 13,
        requires: None,
        setup: "CREATE TABLE boss (id int); CREATE TABLE minion (id int, boss int);
            INSERT INTO boss SELECT generate_series(1, 30); INSERT INTO minion SELECT i, i % 300 FROM generate_series(1, 20000) AS i",
        settings: &[],
        query: "SELECT b.id, m.id FROM boss b CROSS JOIN LATERAL (SELECT id FROM minion m WHERE m.boss = b.id OFFSET 0) m",
        finds: &["repeated_seq_scan"],
        carried: Carried::Sql("CREATE INDEX ON minion (boss)"),
    },
    Advised {
        name: "lower_email",
        from: 13,
        requires: None,
        setup: "CREATE TABLE member (id int, email text);
            INSERT INTO member SELECT i, 'User' || i || '@Example.org' FROM generate_series(1, 40000) AS i; CREATE INDEX ON member (email)",
        settings: &[],
        query: "SELECT id FROM member WHERE lower(email) = 'user777@example.org'",
        finds: &["non_sargable_predicate", "seq_scan_selective"],
        carried: Carried::DdlOf("non_sargable_predicate"),
    },
    Advised {
        name: "day_of_time",
        from: 13,
        requires: None,
        setup: "CREATE TABLE visit (id int, at timestamptz);
            INSERT INTO visit SELECT i, '2024-01-01'::timestamptz + i * interval '10 min' FROM generate_series(1, 40000) AS i; CREATE INDEX ON visit (at)",
        settings: &[],
        query: "SELECT id FROM visit WHERE date_trunc('day', at) = $1",
        finds: &["non_sargable_predicate", "seq_scan_selective"],
        carried: Carried::RewriteWith(
            "non_sargable_predicate",
            Values {
                before: &["TIMESTAMPTZ '2024-02-01'"],
                after: &["TIMESTAMPTZ '2024-02-01'"],
            },
        ),
    },
    Advised {
        name: "fraction",
        from: 13,
        requires: None,
        setup: "CREATE TABLE parcel (id int PRIMARY KEY, note text);
            INSERT INTO parcel SELECT i, repeat('n', 40) FROM generate_series(1, 40000) AS i",
        settings: &[],
        query: "SELECT * FROM parcel WHERE id = $1::numeric",
        finds: &["implicit_cast", "seq_scan_selective"],
        carried: Carried::RewriteWith(
            "implicit_cast",
            Values {
                before: &["42"],
                after: &["42"],
            },
        ),
    },
    Advised {
        name: "pages",
        from: 13,
        requires: None,
        setup: "CREATE TABLE entry (id int PRIMARY KEY, at timestamptz NOT NULL, note text);
            INSERT INTO entry SELECT i, '2024-01-01'::timestamptz + i * interval '1 min', repeat('n', 40) FROM generate_series(1, 40000) AS i;
            CREATE INDEX ON entry (at, id)",
        settings: &[],
        query: "SELECT id, at FROM entry ORDER BY at, id LIMIT $1 OFFSET $2",
        finds: &["deep_offset"],
        carried: Carried::RewriteWith(
            "deep_offset",
            Values {
                before: &["10", "30000"],
                after: &["10", "'2024-01-21 20:00'", "30000"],
            },
        ),
    },
    Advised {
        name: "infix",
        from: 13,
        requires: Some("pg_trgm"),
        setup: "CREATE TABLE song (id int, title text);
            INSERT INTO song SELECT i, 'song ' || md5(i::text) FROM generate_series(1, 40000) AS i",
        settings: &[],
        query: "SELECT id FROM song WHERE title LIKE '%abcde%'",
        finds: &["leading_wildcard_like", "seq_scan_selective"],
        carried: Carried::DdlOf("leading_wildcard_like"),
    },
    Advised {
        name: "contained",
        from: 13,
        requires: None,
        setup: "CREATE TABLE item (id int, data jsonb);
            INSERT INTO item SELECT i, jsonb_build_object('k', i % 5000, 'pad', repeat('j', 40)) FROM generate_series(1, 40000) AS i",
        settings: &[],
        query: "SELECT id FROM item WHERE data @> '{\"k\": 77}'",
        finds: &["seq_scan_selective"],
        carried: Carried::DdlOf("seq_scan_selective"),
    },
    Advised {
        name: "elements",
        from: 13,
        requires: None,
        setup: "CREATE TABLE item (id int, tags int[]);
            INSERT INTO item SELECT i, ARRAY[i % 3000, i % 13] FROM generate_series(1, 40000) AS i",
        settings: &[],
        query: "SELECT id FROM item WHERE tags && ARRAY[77]",
        finds: &["seq_scan_selective"],
        carried: Carried::DdlOf("seq_scan_selective"),
    },
    Advised {
        name: "bookings",
        from: 13,
        requires: None,
        setup: "CREATE TABLE item (id int, during int8range);
            INSERT INTO item SELECT i, int8range(i * 10, i * 10 + 25) FROM generate_series(1, 40000) AS i",
        settings: &[],
        query: "SELECT id FROM item WHERE during && int8range(70000, 70010)",
        finds: &["seq_scan_selective"],
        carried: Carried::DdlOf("seq_scan_selective"),
    },
    Advised {
        name: "lexemes",
        from: 13,
        requires: None,
        setup: "CREATE TABLE item (id int, words tsvector);
            INSERT INTO item SELECT i, to_tsvector('simple', 'w' || i % 3000 || ' common') FROM generate_series(1, 40000) AS i",
        settings: &[],
        query: "SELECT id FROM item WHERE words @@ to_tsquery('simple', 'w77')",
        finds: &["seq_scan_selective"],
        carried: Carried::DdlOf("seq_scan_selective"),
    },
    Advised {
        name: "coarse",
        from: 13,
        requires: None,
        setup: "CREATE TABLE claim (id int, branch int, flag int, pad text);
            INSERT INTO claim SELECT i, i % 4, i % 997, repeat('c', 80) FROM generate_series(1, 60000) AS i; CREATE INDEX ON claim (branch)",
        settings: &[("enable_seqscan", "off")],
        query: "SELECT * FROM claim WHERE branch = 2 AND flag = 5",
        finds: &["index_filter_inefficient"],
        carried: Carried::Sql("CREATE INDEX ON claim (branch, flag)"),
    },
    Advised {
        name: "order_first",
        from: 13,
        requires: None,
        setup: "CREATE TABLE event (id int, at timestamptz, kind text, pad text);
            INSERT INTO event SELECT i, '2024-01-01'::timestamptz + i * interval '1 s', CASE WHEN i > 39000 AND i % 100 = 0 THEN 'rare' ELSE 'usual' END, repeat('p', 60)
            FROM generate_series(1, 40000) AS i; CREATE INDEX ON event (at)",
        settings: &[("enable_sort", "off"), ("enable_seqscan", "off")],
        query: "SELECT * FROM event WHERE kind = 'rare' ORDER BY at LIMIT 5",
        finds: &["limit_ordered_index_filter", "index_filter_inefficient"],
        carried: Carried::Sql("CREATE INDEX ON event (kind, at)"),
    },
    Advised {
        name: "unseen_pages",
        from: 13,
        requires: None,
        setup: "CREATE TABLE meter (id int, val int) WITH (autovacuum_enabled = off);
            INSERT INTO meter SELECT i, i % 100 FROM generate_series(1, 40000) AS i; CREATE INDEX ON meter (val)",
        settings: &[("enable_bitmapscan", "off"), ("enable_seqscan", "off")],
        query: "SELECT count(*) FROM meter WHERE val < 10",
        finds: &["heap_fetches_high"],
        carried: Carried::DdlOf("heap_fetches_high"),
    },
    Advised {
        name: "lossy",
        from: 13,
        requires: None,
        setup: "CREATE TABLE trace (id int, grp int, pad text);
            INSERT INTO trace SELECT i, i % 20, repeat('t', 200) FROM generate_series(1, 60000) AS i; CREATE INDEX ON trace (grp)",
        settings: &[
            ("work_mem", "64kB"),
            ("enable_seqscan", "off"),
            ("enable_indexscan", "off"),
        ],
        query: "SELECT count(pad) FROM trace WHERE grp IN (1, 2, 3)",
        finds: &["lossy_bitmap"],
        carried: Carried::DdlOf("lossy_bitmap"),
    },
    Advised {
        name: "collisions",
        from: 13,
        requires: None,
        setup: "CREATE TABLE doc (id int, words tsvector);
            INSERT INTO doc SELECT i, array_to_tsvector(array_agg('w' || i * 400 + w)) FROM generate_series(1, 1500) AS i, generate_series(1, 400) AS w GROUP BY i;
            CREATE INDEX doc_words ON doc USING gist (words tsvector_ops (siglen = 4))",
        settings: &[("enable_seqscan", "off")],
        query: "SELECT id FROM doc WHERE words @@ 'w5001'::tsquery",
        finds: &["recheck_false_positives"],
        carried: Carried::Sql(
            "DROP INDEX doc_words; CREATE INDEX ON doc USING gist (words tsvector_ops (siglen = 500))",
        ),
    },
    Advised {
        name: "undeclared",
        from: 13,
        requires: None,
        setup: "CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t SELECT generate_series(1, 50000); ANALYZE t;
            CREATE FUNCTION many (n int) RETURNS SETOF int LANGUAGE plpgsql AS 'BEGIN RETURN QUERY SELECT generate_series(1, n); END'",
        settings: &[],
        query: "SELECT count(*) FROM many(40000) AS m JOIN t ON t.id = m",
        finds: &["function_scan_default_rows", "row_misestimate"],
        carried: Carried::DdlOf("function_scan_default_rows"),
    },
    Advised {
        name: "sparse",
        from: 13,
        requires: None,
        setup: "CREATE TABLE bloat (id int, pad text) WITH (autovacuum_enabled = off);
            INSERT INTO bloat SELECT i, repeat('b', 300) FROM generate_series(1, 40000) AS i; DELETE FROM bloat WHERE id % 500 <> 0",
        settings: &[],
        query: "SELECT count(*) FROM bloat",
        finds: &["read_inefficient"],
        carried: Carried::DdlOf("read_inefficient"),
    },
    Advised {
        name: "pruning",
        from: 13,
        requires: None,
        setup: "CREATE TABLE pm (id int, day int) PARTITION BY RANGE (day);
            DO 'BEGIN FOR i IN 0..15 LOOP EXECUTE format(''CREATE TABLE pm_%s PARTITION OF pm FOR VALUES FROM (%s) TO (%s)'', i, i * 10, i * 10 + 10); END LOOP; END';
            INSERT INTO pm SELECT i, i % 160 FROM generate_series(1, 16000) AS i",
        settings: &[],
        query: "SELECT count(*) FROM pm WHERE day + 0 = 35",
        finds: &["partitions_not_pruned"],
        carried: Carried::Query("SELECT count(*) FROM pm WHERE day = 35"),
    },
    Advised {
        name: "forbidden",
        from: 13,
        requires: None,
        setup: "CREATE TABLE only_seq (id int, v int); INSERT INTO only_seq SELECT i, i FROM generate_series(1, 500) AS i",
        settings: &[("enable_seqscan", "off")],
        query: "SELECT * FROM only_seq WHERE v = 3",
        finds: &["disabled_node"],
        carried: Carried::Sql("ALTER DATABASE forbidden SET enable_seqscan = on"),
    },
    Advised {
        name: "workers",
        from: 13,
        requires: None,
        setup: "CREATE TABLE parcel (id int, note text); INSERT INTO parcel SELECT i, repeat('n', 40) FROM generate_series(1, 40000) AS i",
        settings: &[
            ("max_parallel_workers_per_gather", "2"),
            ("max_parallel_workers", "0"),
            ("min_parallel_table_scan_size", "0"),
            ("parallel_setup_cost", "0"),
            ("parallel_tuple_cost", "0"),
        ],
        query: "SELECT count(*) FROM parcel WHERE note <> 'x'",
        finds: &["workers_not_launched"],
        carried: Carried::Sql("ALTER DATABASE workers SET max_parallel_workers = 8"),
    },
    Advised {
        name: "alternatives",
        from: 13,
        requires: None,
        setup: "CREATE TABLE claim (id int, branch int, flag int, grade int);
            INSERT INTO claim SELECT i, i % 2, i % 997, i % 991 FROM generate_series(1, 60000) AS i; CREATE INDEX ON claim (branch)",
        settings: &[("enable_seqscan", "off")],
        query: "SELECT id FROM claim WHERE branch = 1 AND (flag = 5 OR grade = 6)",
        finds: &["index_filter_inefficient"],
        carried: Carried::Sql("CREATE INDEX ON claim (flag); CREATE INDEX ON claim (grade)"),
    },
    Advised {
        name: "of_expression",
        from: 14,
        requires: None,
        setup: "CREATE TABLE member (id int, code text);
            INSERT INTO member SELECT i, CASE WHEN i % 2 = 0 THEN 'Gold' ELSE 'c' || i END FROM generate_series(1, 40000) AS i",
        settings: &[],
        query: "SELECT count(*) FROM member WHERE lower(code) = 'gold'",
        finds: &["row_misestimate"],
        carried: Carried::DdlOf("row_misestimate"),
    },
    Advised {
        name: "of_partitions",
        from: 14,
        requires: None,
        setup: "CREATE TABLE gps (id int, day int) PARTITION BY RANGE (day);
            CREATE TABLE gps_low PARTITION OF gps FOR VALUES FROM (0) TO (50);
            CREATE TABLE gps_high PARTITION OF gps FOR VALUES FROM (50) TO (100);
            INSERT INTO gps SELECT i, i % 100 FROM generate_series(1, 20000) AS i",
        settings: &[],
        query: "SELECT count(*) FROM gps WHERE abs(day) BETWEEN 20 AND 80",
        finds: &["row_misestimate"],
        carried: Carried::DdlOf("row_misestimate"),
    },
    Advised {
        name: "pages_only",
        from: 13,
        requires: None,
        setup: "CREATE TABLE tick (id int, at timestamptz);
            INSERT INTO tick SELECT i, '2024-01-01'::timestamptz + (i % 5000) * interval '1 min' FROM generate_series(1, 60000) AS i;
            CREATE INDEX tick_at ON tick USING brin (at)",
        settings: &[("enable_seqscan", "off")],
        query: "SELECT count(id) FROM tick WHERE at = '2024-01-01 10:00+00'",
        finds: &["lossy_bitmap"],
        carried: Carried::Sql("DROP INDEX tick_at; CREATE INDEX ON tick (at)"),
    },
    Advised {
        name: "bounds_and_elements",
        from: 13,
        requires: None,
        setup: "CREATE TABLE seat (id int, price int, tags text[]);
            INSERT INTO seat SELECT i, i % 100, ARRAY['t' || i % 400] FROM generate_series(1, 40000) AS i",
        settings: &[],
        query: "SELECT id FROM seat WHERE price < 70 AND tags @> ARRAY['t13']",
        finds: &["seq_scan_selective"],
        carried: Carried::DdlOf("seq_scan_selective"),
    },
    Advised {
        name: "all_of_them",
        from: 13,
        requires: None,
        setup: "CREATE TABLE member (id int NOT NULL); CREATE TABLE banned (id int NOT NULL);
            INSERT INTO member SELECT generate_series(1, 2000); INSERT INTO banned SELECT generate_series(1, 1500)",
        settings: &[],
        query: "SELECT count(*) FROM member WHERE id >= ALL (SELECT id FROM banned)",
        finds: &["not_in_unhashed"],
        carried: Carried::Query(
            "SELECT count(*) FROM member WHERE id >= (SELECT max(id) FROM banned)",
        ),
    },
    Advised {
        name: "correlated",
        from: 13,
        requires: None,
        setup: "CREATE TABLE city (id int, country int, zip int);
            INSERT INTO city SELECT i, i % 100, (i % 100) * 10 FROM generate_series(1, 100000) AS i",
        settings: &[],
        query: "SELECT count(*) FROM city WHERE country = 7 AND zip = 70",
        finds: &["row_misestimate"],
        carried: Carried::DdlOf("row_misestimate"),
    },
];

#[tokio::test]
async fn advice_that_is_carried_out_ends_the_finding() {
    Box::pin(ends_the_finding(ADVISED)).await;
}
