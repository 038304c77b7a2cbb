-- A shop of many kinds of columns and indexes.
CREATE TYPE order_state AS ENUM ('new', 'paid', 'shipped', 'done', 'returned');
CREATE DOMAIN email AS text CHECK (VALUE LIKE '%@%');

CREATE TABLE customers (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    mail email NOT NULL,
    name varchar(60) NOT NULL,
    country char(2) NOT NULL,
    region smallint NOT NULL,
    born date,
    active boolean NOT NULL,
    joined timestamptz NOT NULL,
    tags text[] NOT NULL,
    home inet,
    bonus numeric(10, 2) NOT NULL
);
CREATE UNIQUE INDEX customers_mail ON customers (mail);
CREATE INDEX customers_lower_name ON customers (lower(name));
CREATE INDEX customers_country_joined ON customers (country, joined DESC);
CREATE INDEX customers_tags ON customers USING gin (tags);
CREATE INDEX customers_inactive ON customers (joined) WHERE NOT active;

CREATE STATISTICS customers_regions (ndistinct, dependencies) ON country, region FROM customers;

CREATE TABLE products (
    id integer PRIMARY KEY,
    sku uuid NOT NULL,
    title text NOT NULL,
    price double precision NOT NULL,
    details jsonb NOT NULL,
    words tsvector NOT NULL,
    sizes int4range
);
CREATE INDEX products_sku ON products USING hash (sku);
CREATE INDEX products_words ON products USING gin (words);
CREATE INDEX products_price ON products (price);
CREATE INDEX products_sizes ON products USING gist (sizes);

CREATE TABLE orders (
    id bigint PRIMARY KEY,
    customer_id bigint NOT NULL REFERENCES customers,
    state order_state NOT NULL,
    placed timestamptz NOT NULL,
    total numeric(12, 2) NOT NULL,
    note text
);
CREATE INDEX orders_customer ON orders (customer_id) INCLUDE (total);
CREATE INDEX orders_open ON orders (placed) WHERE state IN ('new', 'paid');
CREATE INDEX orders_placed ON orders USING brin (placed);
CREATE INDEX orders_state_placed ON orders (state, placed);

CREATE TABLE order_items (
    order_id bigint NOT NULL REFERENCES orders,
    line smallint NOT NULL,
    product_id integer NOT NULL REFERENCES products,
    quantity integer NOT NULL,
    PRIMARY KEY (order_id, line)
);
CREATE INDEX order_items_product ON order_items (product_id);

CREATE TABLE events (
    id bigint NOT NULL,
    customer_id bigint,
    kind text NOT NULL,
    at timestamptz NOT NULL,
    payload jsonb
) PARTITION BY RANGE (at);
CREATE TABLE events_2025_q1 PARTITION OF events FOR VALUES FROM ('2025-01-01 00:00+00') TO ('2025-04-01 00:00+00');
CREATE TABLE events_2025_q2 PARTITION OF events FOR VALUES FROM ('2025-04-01 00:00+00') TO ('2025-07-01 00:00+00');
CREATE TABLE events_2025_q3 PARTITION OF events FOR VALUES FROM ('2025-07-01 00:00+00') TO ('2025-10-01 00:00+00');
CREATE TABLE events_2025_q4 PARTITION OF events FOR VALUES FROM ('2025-10-01 00:00+00') TO ('2026-01-01 00:00+00');
CREATE INDEX events_customer_at ON events (customer_id, at);
CREATE INDEX events_kind ON events (kind);

CREATE TABLE countries (code char(2) PRIMARY KEY, name text NOT NULL);

CREATE VIEW open_orders AS SELECT o.id, o.customer_id, o.placed, o.total FROM orders AS o WHERE o.state IN ('new', 'paid');
CREATE MATERIALIZED VIEW spending AS
    SELECT customer_id, sum(total) AS total, count(*) AS orders FROM orders GROUP BY customer_id;
CREATE UNIQUE INDEX spending_customer ON spending (customer_id);
