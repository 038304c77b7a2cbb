//! What is advised for joins, sub-queries, spills, triggers and the like is carried out, and the finding is gone.

use crate::advice::{Advised, Carried, ends_the_finding};

const PARCEL: &str = "
    CREATE TABLE parcel (id int NOT NULL, depot int NOT NULL, weight numeric(8, 2), note text);
    INSERT INTO parcel SELECT i, i * 7919 % 500, i % 977 / 10.0, repeat('n', 40) FROM generate_series(1, 60000) AS i;
    CREATE INDEX parcel_id_idx ON parcel (id)";

const SHOP: &str = "
    CREATE TABLE orders (id int PRIMARY KEY, region int, country int, pad text);
    CREATE TABLE items (id int, order_id int, sku text);
    INSERT INTO orders SELECT i, i % 20, i % 20, repeat('o', 100) FROM generate_series(1, 40000) AS i;
    INSERT INTO items SELECT i, i % 40000 + 1, 's' || i FROM generate_series(1, 120000) AS i;
    CREATE INDEX items_order_id_idx ON items (order_id)";

const PAIRS: &str = "
    CREATE TABLE a (id int, x int);
    CREATE TABLE b (id int, y int);
    INSERT INTO a SELECT i, i % 100 FROM generate_series(1, 1000) AS i;
    INSERT INTO b SELECT i, i % 100 FROM generate_series(1, 1000) AS i";

const ACCOUNTS: &str = "
    CREATE TABLE acct (id int PRIMARY KEY);
    CREATE TABLE txn (id int, acct int NOT NULL, amt int);
    INSERT INTO acct SELECT generate_series(1, 3000);
    INSERT INTO txn SELECT i, i % 3000 + 1, i % 7 FROM generate_series(1, 9000) AS i;
    CREATE INDEX txn_acct_idx ON txn (acct)";

const ADVISED: &[Advised] = &[
    Advised {
        name: "sort",
        from: 13,
        requires: None,
        setup: PARCEL,
        settings: &[("work_mem", "256kB")],
        query: "SELECT note, weight FROM parcel ORDER BY weight",
        finds: &["sort_spill", "temp_io"],
        carried: Carried::DdlOf("sort_spill"),
    },
    Advised {
        name: "hash",
        from: 13,
        requires: None,
        setup: SHOP,
        settings: &[
            ("work_mem", "64kB"),
            ("enable_mergejoin", "off"),
            ("enable_nestloop", "off"),
        ],
        query: "SELECT count(o.pad || i.sku) FROM items AS i JOIN orders AS o ON o.id = i.order_id",
        finds: &["hash_spill", "temp_io"],
        carried: Carried::DdlOf("hash_spill"),
    },
    Advised {
        name: "hash_grows",
        from: 13,
        requires: None,
        setup: SHOP,
        settings: &[
            ("work_mem", "64kB"),
            ("enable_mergejoin", "off"),
            ("enable_nestloop", "off"),
        ],
        query: "SELECT count(o.pad || i.sku) FROM items AS i JOIN orders AS o ON o.id = i.order_id
                WHERE o.region = 7 AND o.country = 7",
        finds: &["hash_batches_grew", "row_misestimate"],
        carried: Carried::DdlOf("row_misestimate"),
    },
    Advised {
        name: "groups",
        from: 13,
        requires: None,
        setup: PARCEL,
        settings: &[
            ("work_mem", "256kB"),
            ("enable_sort", "off"),
            ("enable_indexscan", "off"),
            ("enable_indexonlyscan", "off"),
        ],
        query: "SELECT id, count(*) FROM parcel GROUP BY id",
        finds: &["hashagg_spill", "temp_io"],
        carried: Carried::DdlOf("hashagg_spill"),
    },
    Advised {
        name: "kept_rows",
        from: 13,
        requires: None,
        setup: PARCEL,
        settings: &[("work_mem", "256kB")],
        query: "WITH p AS MATERIALIZED (SELECT * FROM parcel) SELECT count(*) FROM p",
        finds: &["temp_io"],
        carried: Carried::DdlOf("temp_io"),
    },
    Advised {
        name: "look_ups",
        from: 13,
        requires: None,
        setup: SHOP,
        settings: &[],
        query: "SELECT count(i.sku) FROM orders AS o JOIN items AS i ON i.order_id = o.id
                WHERE o.region = 7 AND o.country = 7",
        finds: &["nested_loop_many_loops", "row_misestimate"],
        carried: Carried::DdlOf("row_misestimate"),
    },
    Advised {
        name: "alternatives",
        from: 13,
        requires: None,
        setup: PAIRS,
        settings: &[],
        query: "SELECT count(*) FROM a JOIN b ON a.id = b.id OR a.x = -b.id",
        finds: &["nested_loop_join_filter"],
        carried: Carried::RewriteOf("nested_loop_join_filter"),
    },
    Advised {
        name: "product",
        from: 13,
        requires: None,
        setup: PAIRS,
        settings: &[],
        query: "SELECT count(*) FROM a, b",
        finds: &["cartesian_product"],
        carried: Carried::Query("SELECT count(*) FROM a, b WHERE a.id = b.id"),
    },
    Advised {
        name: "cache",
        from: 14,
        requires: None,
        setup: "
            CREATE TABLE f (id int, d int);
            CREATE TABLE d (id int PRIMARY KEY, pad text);
            INSERT INTO f SELECT i, i * 7919 % 20000 + 1 FROM generate_series(1, 20000) AS i;
            INSERT INTO d SELECT i, repeat('d', 30) FROM generate_series(1, 20000) AS i;
            ALTER TABLE f ALTER d SET (n_distinct = 50)",
        settings: &[
            ("enable_hashjoin", "off"),
            ("enable_mergejoin", "off"),
            ("work_mem", "32MB"),
        ],
        query: "SELECT count(d.pad) FROM f JOIN d ON d.id = f.d",
        finds: &["memoize_ineffective"],
        carried: Carried::DdlOf("memoize_ineffective"),
    },
    Advised {
        name: "sub_query",
        from: 13,
        requires: None,
        setup: ACCOUNTS,
        settings: &[],
        query: "SELECT id, (SELECT max(amt) FROM txn AS t WHERE t.acct = a.id) FROM acct AS a",
        finds: &["subplan_per_row"],
        carried: Carried::RewriteOf("subplan_per_row"),
    },
    Advised {
        name: "not_in",
        from: 13,
        requires: None,
        setup: ACCOUNTS,
        settings: &[("work_mem", "64kB")],
        query: "SELECT count(*) FROM acct WHERE id NOT IN (SELECT acct FROM txn)",
        finds: &["not_in_unhashed"],
        carried: Carried::RewriteOf("not_in_unhashed"),
    },
    Advised {
        name: "fence",
        from: 13,
        requires: None,
        setup: PARCEL,
        settings: &[],
        query: "WITH p AS MATERIALIZED (SELECT * FROM parcel) SELECT * FROM p WHERE id = 42",
        finds: &["cte_fence_filter"],
        carried: Carried::Query(
            "WITH p AS NOT MATERIALIZED (SELECT * FROM parcel) SELECT * FROM p WHERE id = 42",
        ),
    },
    Advised {
        name: "first_rows",
        from: 13,
        requires: None,
        setup: PARCEL,
        settings: &[],
        query: "SELECT * FROM parcel ORDER BY weight DESC LIMIT 10",
        finds: &["topn_sort_large_input"],
        carried: Carried::Sql("CREATE INDEX ON parcel (weight DESC)"),
    },
    Advised {
        name: "referring_rows",
        from: 13,
        requires: None,
        setup: "
            CREATE TABLE par (id int PRIMARY KEY);
            CREATE TABLE chi (id int, par int REFERENCES par ON DELETE CASCADE);
            INSERT INTO par SELECT generate_series(1, 2000);
            INSERT INTO chi SELECT i, 1001 + i % 1000 FROM generate_series(1, 60000) AS i",
        settings: &[],
        query: "DELETE FROM par WHERE id <= 200",
        finds: &["trigger_time"],
        carried: Carried::Sql("CREATE INDEX ON chi (par)"),
    },
    Advised {
        name: "compilation",
        from: 13,
        requires: Some("jit"),
        setup: PARCEL,
        settings: &[
            ("jit", "on"),
            ("jit_above_cost", "0"),
            ("jit_inline_above_cost", "0"),
            ("jit_optimize_above_cost", "0"),
        ],
        query: "SELECT depot, sum(weight * 2 + 1), avg(weight), count(note) FROM parcel WHERE note <> 'x' GROUP BY depot",
        finds: &["jit_overhead"],
        carried: Carried::DdlOf("jit_overhead"),
    },
    Advised {
        name: "planning",
        from: 13,
        requires: None,
        setup: "
            DO $$ BEGIN FOR i IN 0..9 LOOP
                EXECUTE format('CREATE TABLE j%s AS SELECT g AS id FROM generate_series(1, 5) AS g', i);
            END LOOP; END $$",
        settings: &[("join_collapse_limit", "20"), ("plan_cache_mode", "force_generic_plan")],
        query: "SELECT count(*) FROM j0 JOIN j1 USING (id) JOIN j2 USING (id) JOIN j3 USING (id) JOIN j4 USING (id)
                JOIN j5 USING (id) JOIN j6 USING (id) JOIN j7 USING (id) JOIN j8 USING (id) JOIN j9 USING (id)",
        finds: &["planning_dominant"],
        carried: Carried::Prepared,
    },
];

#[tokio::test]
async fn advice_that_is_carried_out_ends_the_finding() {
    Box::pin(ends_the_finding(ADVISED)).await;
}
