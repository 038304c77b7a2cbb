CREATE TABLE customers (id int PRIMARY KEY, name text NOT NULL);
CREATE INDEX customers_upper ON customers (upper(name));
INSERT INTO customers SELECT i, 'customer ' || i FROM generate_series(1, 100) AS i;
CREATE TABLE orders (
    id bigint PRIMARY KEY, customer_id int, gone int, note varchar(40), "Total" numeric(10, 2), tags text[]
) WITH (fillfactor = 90);
ALTER TABLE orders DROP COLUMN gone;
INSERT INTO orders
SELECT i, i % 100, CASE WHEN i % 2 = 0 THEN 'note ' || i END, i * 1.5, ARRAY['a', 'b'] FROM generate_series(1, 1000) AS i;
CREATE INDEX orders_lower ON orders (lower(note), customer_id DESC) WHERE customer_id > 3;
CREATE INDEX orders_covering ON orders (note COLLATE "C" varchar_pattern_ops) INCLUDE ("Total") WITH (fillfactor = 80);
CREATE INDEX orders_tags ON orders USING gin (tags);
CREATE TABLE parents (a int, b int, PRIMARY KEY (b, a));
CREATE TABLE children (id int, order_a int, order_b int, CONSTRAINT children_fk FOREIGN KEY (order_b, order_a) REFERENCES parents (b, a) ON DELETE CASCADE);
CREATE TABLE events (at date NOT NULL, kind int) PARTITION BY RANGE (at);
CREATE TABLE events_2026 PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
CREATE INDEX events_kind_idx ON events (kind);
INSERT INTO events SELECT date '2026-01-01' + i, i % 3 FROM generate_series(1, 300) AS i;
CREATE MATERIALIZED VIEW totals AS SELECT customer_id, sum("Total") FROM orders GROUP BY 1;
CREATE TEMPORARY TABLE scratch (id int);
ANALYZE;
CREATE TABLE never_analysed (id int);
SET enable_seqscan = off;
SELECT note FROM orders WHERE id = 7;
