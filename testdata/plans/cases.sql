-- What scripts/capture-plans explains. A case starts with `--- name; majors; EXPLAIN options`: the majors are a range, and
-- FORMAT JSON is added to the options. SET lines of a case hold for that case only; the rest of it is one statement, which
-- is rolled back.
-- Statements that write come last: what they leave behind, rolled back, would make the estimates of later ones drift.

--- seq_scan_filter; 13-18; ANALYZE, BUFFERS
SELECT * FROM orders WHERE customer_id = 17
--- seq_scan_verbose; 13-18; ANALYZE, BUFFERS, VERBOSE
SELECT * FROM orders WHERE note LIKE '%x%' AND date_trunc('day', placed_at) = timestamp '2024-02-01'
--- index_scan; 13-18; ANALYZE, BUFFERS
SELECT * FROM orders WHERE id = 4711
--- index_scan_backward_filter_limit; 13-18; ANALYZE, BUFFERS
SELECT * FROM orders WHERE note LIKE 'z%' OR customer_id = 3 ORDER BY placed_at DESC LIMIT 5
--- index_only_scan; 13-18; ANALYZE, BUFFERS
SET enable_seqscan = off;
SELECT count(*) FROM orders WHERE placed_at < timestamp '2024-03-01'
--- index_only_heap_fetches; 13-18; ANALYZE, BUFFERS
SET enable_bitmapscan = off;
SET enable_seqscan = off;
SELECT count(*) FROM churned WHERE id < 6000
--- bitmap_or; 13-18; ANALYZE, BUFFERS
SELECT * FROM orders WHERE status = 'open' OR total = 12.21
--- bitmap_and; 13-18; ANALYZE, BUFFERS
SET enable_seqscan = off;
SELECT count(padding) FROM wide WHERE bucket BETWEEN 10 AND 14 AND other BETWEEN 20 AND 24
--- bitmap_lossy; 13-18; ANALYZE, BUFFERS
SET work_mem = '64kB';
SET enable_seqscan = off;
SET enable_indexscan = off;
SELECT count(padding) FROM wide WHERE bucket < 40 AND id <> 3
--- bitmap_lossy_parallel; 13-18; ANALYZE, BUFFERS, VERBOSE
SET work_mem = '64kB';
SET enable_seqscan = off;
SET enable_indexscan = off;
SET min_parallel_table_scan_size = 0;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SELECT count(padding) FROM wide WHERE bucket < 40
--- bitmap_parallel; 13-18; ANALYZE, BUFFERS, VERBOSE
SET enable_seqscan = off;
SET enable_indexscan = off;
SET min_parallel_table_scan_size = 0;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SELECT sum(quantity) FROM order_items WHERE order_id < 30000
--- parallel_aggregate; 13-18; ANALYZE, BUFFERS
SET min_parallel_table_scan_size = 0;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SELECT status, count(*), avg(total) FROM orders GROUP BY status
--- parallel_aggregate_verbose; 13-18; ANALYZE, BUFFERS, VERBOSE
SET min_parallel_table_scan_size = 0;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SELECT status, count(*), avg(total) FROM orders GROUP BY status
--- parallel_skewed; 13-18; ANALYZE, BUFFERS
SET min_parallel_table_scan_size = 0;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SELECT count(*) FROM skewed WHERE burn(heavy) >= 0
--- parallel_skewed_verbose; 13-18; ANALYZE, BUFFERS, VERBOSE
SET min_parallel_table_scan_size = 0;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SELECT count(*) FROM skewed WHERE burn(heavy) >= 0
--- parallel_no_workers; 13-18; ANALYZE, BUFFERS, VERBOSE
SET max_parallel_workers = 0;
SET min_parallel_table_scan_size = 0;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SELECT count(*) FROM order_items WHERE quantity > 3
--- parallel_hash_join; 13-18; ANALYZE, BUFFERS, VERBOSE
SET min_parallel_table_scan_size = 0;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET work_mem = '16MB';
SELECT count(*) FROM order_items AS i JOIN orders AS o ON o.id = i.order_id WHERE o.total > 100
--- nested_parallel_deep; 13-18; ANALYZE, BUFFERS, VERBOSE
SET enable_hashjoin = off;
SET enable_mergejoin = off;
SET min_parallel_table_scan_size = 0;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SELECT count(i.sku) FROM orders AS o JOIN order_items AS i ON i.order_id = o.id WHERE o.total > 800
--- parallel_append; 13-18; ANALYZE, BUFFERS, VERBOSE
SET min_parallel_table_scan_size = 0;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SELECT count(*) FROM events WHERE kind = 3
--- parallel_initplan; 13-18; ANALYZE, BUFFERS
SET min_parallel_table_scan_size = 0;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SELECT count(*) FROM order_items WHERE quantity > (SELECT avg(burn(50)) - 1272 FROM customers)
--- gather_merge; 13-18; ANALYZE, BUFFERS, VERBOSE
SET min_parallel_table_scan_size = 0;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SELECT id, note FROM orders ORDER BY note, total
--- sort_disk_parallel; 13-18; ANALYZE, BUFFERS
SET min_parallel_table_scan_size = 0;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET work_mem = '256kB';
SELECT id, note FROM orders ORDER BY note, total
--- cte_scanned_twice; 13-18; ANALYZE, BUFFERS
WITH spent AS MATERIALIZED (SELECT customer_id, sum(total) AS amount FROM orders GROUP BY customer_id)
SELECT * FROM spent WHERE amount > (SELECT avg(amount) * 2 FROM spent) ORDER BY amount
--- cte_filtered; 13-18; ANALYZE, BUFFERS, VERBOSE
WITH everything AS MATERIALIZED (SELECT * FROM orders) SELECT * FROM everything WHERE customer_id = 99
--- cte_chain; 13-18; ANALYZE, BUFFERS
WITH a AS MATERIALIZED (SELECT id, total FROM orders WHERE total > 10), b AS MATERIALIZED (SELECT id % 10 AS bucket, sum(total) AS amount FROM a GROUP BY 1)
SELECT * FROM b JOIN a ON a.id = b.bucket
--- recursive_cte; 13-18; ANALYZE, BUFFERS
WITH RECURSIVE down AS (SELECT id, 0 AS depth FROM tree WHERE id = 1 UNION ALL SELECT t.id, d.depth + 1 FROM down AS d JOIN tree AS t ON t.parent = d.id)
SELECT depth, count(*) FROM down GROUP BY depth
--- initplan; 13-18; ANALYZE, BUFFERS
SELECT * FROM customers WHERE id = (SELECT max(customer_id) FROM orders WHERE total > 900)
--- initplan_filter; 13-18; ANALYZE, BUFFERS, VERBOSE
SELECT count(*) FROM order_items WHERE quantity > (SELECT avg(quantity) FROM order_items)
--- initplan_result; 13-18; ANALYZE, BUFFERS
SELECT (SELECT count(*) FROM orders WHERE note LIKE 'n%'), (SELECT min(note) FROM orders)
--- initplan_one_time_filter; 13-18; ANALYZE, BUFFERS
SELECT count(*) FROM customers WHERE EXISTS (SELECT 1 FROM orders WHERE customer_id = 4999)
--- subplan_correlated; 13-18; ANALYZE, BUFFERS
SELECT o.id, (SELECT count(*) FROM order_items AS i WHERE i.order_id = o.id) FROM orders AS o WHERE o.id <= 5000
--- subplan_exists; 13-18; ANALYZE, BUFFERS
SELECT count(*) FROM customers AS c WHERE c.active OR EXISTS (SELECT 1 FROM tree AS t WHERE t.parent > c.id)
--- subplan_hashed; 13-18; ANALYZE, BUFFERS
SELECT count(*) FROM customers WHERE id NOT IN (SELECT customer_id FROM orders WHERE status = 'open')
--- subplan_not_in_unhashed; 13-18; ANALYZE, BUFFERS
SET work_mem = '64kB';
SELECT count(*) FROM customers WHERE id <= 300 AND id NOT IN (SELECT order_id FROM order_items WHERE order_id > 50000)
--- sort_memory; 13-18; ANALYZE, BUFFERS
SET work_mem = '32MB';
SELECT * FROM customers ORDER BY name
--- sort_disk; 13-18; ANALYZE, BUFFERS
SET work_mem = '256kB';
SELECT * FROM orders ORDER BY note, total
--- topn_sort; 13-18; ANALYZE, BUFFERS
SELECT * FROM orders ORDER BY customer_id, total LIMIT 10
--- deep_offset; 13-18; ANALYZE, BUFFERS
SELECT * FROM orders ORDER BY id OFFSET 50000 LIMIT 20
--- incremental_sort; 13-18; ANALYZE, BUFFERS
SET enable_seqscan = off;
SET enable_sort = off;
SELECT * FROM order_items ORDER BY order_id, quantity LIMIT 20000
--- incremental_sort_disk; 13-18; ANALYZE, BUFFERS
SET enable_seqscan = off;
SET enable_sort = off;
SET work_mem = '64kB';
SELECT * FROM orders ORDER BY status, note, total
--- hash_join; 13-18; ANALYZE, BUFFERS
SET work_mem = '32MB';
SELECT c.city, sum(o.total) FROM orders AS o JOIN customers AS c ON c.id = o.customer_id GROUP BY c.city
--- hash_batches; 13-18; ANALYZE, BUFFERS
SET work_mem = '64kB';
SET enable_mergejoin = off;
SET enable_nestloop = off;
SELECT count(*) FROM order_items AS i JOIN orders AS o ON o.id = i.order_id
--- hash_batches_grew; 13-18; ANALYZE, BUFFERS
SET work_mem = '64kB';
SET enable_mergejoin = off;
SET enable_nestloop = off;
SELECT count(*) FROM orders AS o JOIN customers AS c ON c.id = o.customer_id JOIN guesses() AS g ON g = o.id
--- hashagg_spill; 13-18; ANALYZE, BUFFERS
SET work_mem = '64kB';
SET enable_sort = off;
SELECT note || id, count(*) FROM orders GROUP BY 1
--- hashagg_spill_parallel; 13-18; ANALYZE, BUFFERS
SET work_mem = '64kB';
SET enable_sort = off;
SET enable_indexscan = off;
SET min_parallel_table_scan_size = 0;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SELECT count(*) FROM (SELECT customer_id FROM orders GROUP BY 1) AS g
--- group_aggregate_limit; 13-18; ANALYZE, BUFFERS
SET enable_hashagg = off;
SELECT order_id, count(*) FROM order_items GROUP BY order_id LIMIT 10
--- grouping_sets; 13-18; ANALYZE, BUFFERS
SELECT status, customer_id % 5, count(*) FROM orders GROUP BY GROUPING SETS ((status), (customer_id % 5), ())
--- memoize; 14-18; ANALYZE, BUFFERS
SET enable_hashjoin = off;
SET enable_mergejoin = off;
SELECT count(c.name) FROM orders AS o JOIN customers AS c ON c.id = o.customer_id % 200
--- nested_loop_inner_index; 13-18; ANALYZE, BUFFERS
SET enable_hashjoin = off;
SET enable_mergejoin = off;
SET enable_memoize = off;
SELECT count(i.quantity) FROM orders AS o JOIN order_items AS i ON i.order_id = o.id WHERE o.id < 20000
--- nested_loop_join_filter; 13-18; ANALYZE, BUFFERS
SELECT count(*) FROM customers AS a JOIN tree AS b ON a.id + b.id = 17 OR a.id = b.parent + 9000 WHERE a.id < 200
--- repeated_seq_scan; 13-18; ANALYZE, BUFFERS
SET enable_hashjoin = off;
SET enable_mergejoin = off;
SET enable_material = off;
SELECT count(o.id) FROM generate_series(1, 25) AS g LEFT JOIN orders AS o ON o.customer_id = g
--- cartesian_product; 13-18; ANALYZE, BUFFERS
SELECT count(*) FROM (SELECT id FROM tree LIMIT 300) AS a, (SELECT id FROM customers LIMIT 400) AS b
--- semi_join; 13-18; ANALYZE, BUFFERS
SET enable_hashjoin = off;
SET enable_mergejoin = off;
SELECT count(*) FROM customers AS c WHERE EXISTS (SELECT 1 FROM events AS e WHERE e.kind > c.id % 3) AND c.id < 100
--- anti_join; 13-18; ANALYZE, BUFFERS
SELECT count(*) FROM customers AS c WHERE NOT EXISTS (SELECT 1 FROM orders AS o WHERE o.customer_id = c.id AND o.status = 'open')
--- merge_join_overread; 13-18; ANALYZE, BUFFERS
SET enable_hashjoin = off;
SET enable_nestloop = off;
SELECT count(*) FROM orders AS o JOIN tree AS t ON t.id = o.id
--- merge_join_rescan; 13-18; ANALYZE, BUFFERS
SET enable_hashjoin = off;
SET enable_nestloop = off;
SELECT count(*) FROM order_items AS i JOIN customers AS c ON c.id % 50 = i.order_id % 50 AND c.id < 100 WHERE i.id < 5000
--- limit_exhausted; 13-18; ANALYZE, BUFFERS
SELECT * FROM customers WHERE city = 'city 7' AND zip = 'z8' LIMIT 1000
--- limit_stops_early; 13-18; ANALYZE, BUFFERS
SELECT * FROM orders WHERE status = 'done' LIMIT 10
--- correlated_columns; 13-18; ANALYZE, BUFFERS
SELECT count(*) FROM customers AS c JOIN orders AS o ON o.customer_id = c.id WHERE c.city = 'city 7' AND c.zip = 'z7' AND c.name LIKE 'customer%'
--- append_pruned_at_start; 13-18; ANALYZE, BUFFERS
SET plan_cache_mode = force_generic_plan;
PREPARE pruned AS SELECT count(*) FROM events WHERE at = $1 AND kind >= $2; EXECUTE pruned('2024-05-05', 2)
--- append_pruned_at_run; 13-18; ANALYZE, BUFFERS
SELECT count(*) FROM events WHERE at = (SELECT min(placed_at)::date + 40 FROM orders)
--- append_all; 13-18; ANALYZE, BUFFERS
SELECT count(*) FROM events WHERE id % 1000 = 1
--- merge_append; 13-18; ANALYZE, BUFFERS
SET enable_sort = off;
SELECT id FROM customers UNION ALL SELECT id FROM tree ORDER BY 1 LIMIT 10
--- jit; 15-15; ANALYZE, BUFFERS
SET jit = on;
SET jit_above_cost = 0;
SET jit_inline_above_cost = 0;
SET jit_optimize_above_cost = 0;
SELECT status, sum(total * 2 + 1) FROM orders GROUP BY status
--- jit_parallel; 15-15; ANALYZE, BUFFERS, VERBOSE
SET jit = on;
SET jit_above_cost = 0;
SET min_parallel_table_scan_size = 0;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SELECT status, sum(total * 2 + 1) FROM orders GROUP BY status
--- never_executed; 13-18; ANALYZE, BUFFERS
SET enable_hashjoin = off;
SET enable_mergejoin = off;
SELECT * FROM customers AS c JOIN orders AS o ON o.customer_id = c.id WHERE c.id = -1
--- function_scan; 13-18; ANALYZE, BUFFERS, VERBOSE
SELECT count(*) FROM guesses() AS g
--- window_agg; 13-18; ANALYZE, BUFFERS
SELECT * FROM (SELECT id, row_number() OVER (PARTITION BY customer_id ORDER BY placed_at DESC) AS place FROM orders) AS ranked WHERE place <= 2
--- foreign_scan; 13-18; ANALYZE, BUFFERS, VERBOSE
SELECT count(*) FROM csv_rows WHERE id % 3 = 0
--- values_subquery_scan; 13-18; ANALYZE, BUFFERS, VERBOSE
SELECT v.x, s.n FROM (VALUES (1), (2), (3)) AS v (x) JOIN (SELECT count(*) AS n, city FROM customers GROUP BY city OFFSET 0) AS s ON s.n > v.x
--- set_operations; 13-18; ANALYZE, BUFFERS
SELECT id FROM customers EXCEPT SELECT customer_id FROM orders WHERE total > 500
--- sample_scan; 13-18; ANALYZE, BUFFERS
SELECT count(*) FROM order_items TABLESAMPLE system (20) REPEATABLE (1) WHERE quantity > 2
--- lateral_limit; 13-18; ANALYZE, BUFFERS
SELECT * FROM customers AS c, LATERAL (SELECT * FROM order_items AS i WHERE i.order_id = c.id ORDER BY i.quantity LIMIT 1) AS top WHERE c.id < 500
--- timing_off; 13-18; ANALYZE, TIMING OFF, BUFFERS
SELECT count(*) FROM orders AS o JOIN customers AS c ON c.id = o.customer_id
--- explain_plain; 13-18; COSTS
SELECT * FROM orders AS o JOIN customers AS c ON c.id = o.customer_id WHERE o.total > 500 LIMIT 5
--- explain_costs_off; 13-18; COSTS OFF
SELECT count(*) FROM orders WHERE customer_id = 5
--- generic_plan; 16-18; GENERIC_PLAN, VERBOSE
SELECT * FROM orders WHERE customer_id = $1 AND placed_at > $2
--- disabled_node; 13-18; ANALYZE, BUFFERS
SET enable_seqscan = off;
SELECT count(*) FROM orders WHERE customer_id = 5
--- settings; 13-18; ANALYZE, BUFFERS, VERBOSE, SETTINGS
SET random_page_cost = 1.1;
SET work_mem = '8MB';
SET compute_query_id = on;
SELECT count(*) FROM customers WHERE active
--- io_timing; 13-18; ANALYZE, BUFFERS, VERBOSE
SET track_io_timing = on;
SET work_mem = '64kB';
SELECT count(*) FROM (SELECT DISTINCT note, total FROM orders ORDER BY 1, 2) AS d
--- memory_serialize; 17-18; ANALYZE, BUFFERS, MEMORY, SERIALIZE
SELECT * FROM orders WHERE id < 30000
--- auto_explain; 13-18; AUTO_EXPLAIN
SELECT c.city, count(*) FROM customers AS c JOIN orders AS o ON o.customer_id = c.id GROUP BY c.city
--- cte_modifying; 13-18; ANALYZE, BUFFERS, WAL
WITH gone AS (DELETE FROM order_items WHERE id % 50 = 0 RETURNING id), marked AS (UPDATE customers SET city = 'x' WHERE id < 2000)
SELECT count(*) FROM gone
--- insert_fk; 13-18; ANALYZE, BUFFERS, WAL
INSERT INTO order_items SELECT 200000 + i, i, 'sku', 1 FROM generate_series(1, 5000) AS i
--- insert_on_conflict; 13-18; ANALYZE, BUFFERS, WAL
INSERT INTO customers SELECT i, 'n', 'c', 'z', true FROM generate_series(4000, 6000) AS i ON CONFLICT (id) DO UPDATE SET name = excluded.name WHERE customers.active
--- update_triggers; 13-18; ANALYZE, BUFFERS, WAL
UPDATE audited SET value = value + 1 WHERE id <= 2000
--- delete_cascade; 13-18; ANALYZE, BUFFERS, WAL
DELETE FROM orders WHERE id BETWEEN 100 AND 3000
--- update_partitions; 13-18; ANALYZE, BUFFERS
UPDATE events SET kind = 9 WHERE at BETWEEN '2024-02-20' AND '2024-03-10'
--- merge; 15-18; ANALYZE, BUFFERS, WAL
MERGE INTO audited AS a USING (SELECT generate_series(4900, 5500) AS id) AS s ON s.id = a.id WHEN MATCHED AND a.id % 3 = 0 THEN DELETE WHEN MATCHED AND a.id % 3 = 1 THEN UPDATE SET value = 0 WHEN NOT MATCHED THEN INSERT VALUES (s.id, 1, NULL)
--- lock_rows; 13-18; ANALYZE, BUFFERS
SELECT * FROM customers WHERE city = 'city 3' FOR UPDATE
