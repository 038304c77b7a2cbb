-- The tables that scripts/capture-plans explains against: small, and deterministic but for physical placement.
SET client_min_messages = warning;
SELECT setseed(0.42);

CREATE EXTENSION file_fdw;
CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;

CREATE TABLE customers (
    id integer PRIMARY KEY,
    name text NOT NULL,
    city text NOT NULL,
    zip text NOT NULL,
    active boolean NOT NULL
);
INSERT INTO customers
SELECT i, 'customer ' || i, 'city ' || i % 50, 'z' || i % 50, i % 10 <> 0
FROM generate_series(1, 5000) AS i;

-- orders.customer_id has no index on purpose.
CREATE TABLE orders (
    id integer PRIMARY KEY,
    customer_id integer NOT NULL REFERENCES customers,
    status text NOT NULL,
    total numeric(10, 2) NOT NULL,
    placed_at timestamp NOT NULL,
    note text NOT NULL
);
INSERT INTO orders
SELECT i, 1 + (i * 7919) % 5000, CASE WHEN i % 100 = 0 THEN 'open' ELSE 'done' END, (i * 37 % 100000) / 100.0,
       timestamp '2024-01-01' + i * interval '5 minutes', repeat('n', 40)
FROM generate_series(1, 60000) AS i;
CREATE INDEX orders_status_idx ON orders (status);
CREATE INDEX orders_placed_at_idx ON orders (placed_at);
CREATE INDEX orders_total_idx ON orders (total);

CREATE TABLE order_items (
    id integer PRIMARY KEY,
    order_id integer NOT NULL REFERENCES orders ON DELETE CASCADE,
    sku text NOT NULL,
    quantity integer NOT NULL
);
INSERT INTO order_items
SELECT i, 1 + i % 60000, 'sku' || i % 500, 1 + i % 7
FROM generate_series(1, 100000) AS i;
CREATE INDEX order_items_order_id_idx ON order_items (order_id);

-- All the work is in the last partition of the heap, so that parallel workers get unequal shares of it.
CREATE TABLE skewed (id integer, payload text, heavy integer);
INSERT INTO skewed SELECT i, repeat('x', 60), CASE WHEN i > 59000 THEN 200 ELSE 0 END FROM generate_series(1, 60000) AS i;
CREATE FUNCTION burn(rounds integer) RETURNS integer LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE COST 1000
AS $$ DECLARE total integer := 0; BEGIN FOR i IN 1..rounds LOOP total := total + i; END LOOP; RETURN total; END $$;

CREATE TABLE events (id integer, at date NOT NULL, kind integer) PARTITION BY RANGE (at);
DO $$ BEGIN FOR m IN 1..12 LOOP
    EXECUTE format('CREATE TABLE events_%s PARTITION OF events FOR VALUES FROM (%L) TO (%L)', to_char(m, 'FM00'),
        make_date(2024, m, 1), make_date(2024, m, 1) + interval '1 month');
END LOOP; END $$;
INSERT INTO events SELECT i, date '2024-01-01' + i % 366, i % 5 FROM generate_series(1, 24000) AS i;
CREATE INDEX events_at_idx ON events (at);

CREATE TABLE audited (id integer PRIMARY KEY, value integer, changed timestamp);
INSERT INTO audited SELECT i, i, NULL FROM generate_series(1, 5000) AS i;
CREATE TABLE audit_log (id integer, old integer, new integer);
CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.changed := clock_timestamp(); RETURN NEW; END $$;
CREATE FUNCTION log_change() RETURNS trigger LANGUAGE plpgsql
AS $$ BEGIN INSERT INTO audit_log VALUES (NEW.id, OLD.value, NEW.value); RETURN NULL; END $$;
CREATE TRIGGER audited_stamp BEFORE UPDATE ON audited FOR EACH ROW EXECUTE FUNCTION stamp();
CREATE TRIGGER audited_log AFTER UPDATE ON audited FOR EACH ROW EXECUTE FUNCTION log_change();

CREATE TABLE tree (id integer PRIMARY KEY, parent integer);
INSERT INTO tree SELECT i, i / 3 FROM generate_series(1, 3000) AS i;
CREATE INDEX tree_parent_idx ON tree (parent);

CREATE FUNCTION guesses() RETURNS SETOF integer LANGUAGE sql AS 'SELECT generate_series(1, 20000)';

-- Enough pages that 64 kB of bitmap must become lossy.
CREATE TABLE wide (id integer, bucket integer, other integer, padding text);
INSERT INTO wide SELECT i, i * 7 % 100, i * 13 % 100, repeat('p', 900) FROM generate_series(1, 20000) AS i;
CREATE INDEX wide_bucket_idx ON wide (bucket);
CREATE INDEX wide_other_idx ON wide (other);

CREATE TABLE churned (id integer PRIMARY KEY, value integer) WITH (autovacuum_enabled = off);
INSERT INTO churned SELECT i, i FROM generate_series(1, 20000) AS i;

COPY (SELECT i, 'row ' || i FROM generate_series(1, 2000) AS i) TO :'csv' (FORMAT csv);
CREATE FOREIGN TABLE csv_rows (id integer, label text) SERVER files OPTIONS (filename :'csv', format 'csv');

VACUUM (ANALYZE);

-- No page of this one is all-visible any more.
UPDATE churned SET value = value + 1;
