CREATE TABLE customer (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    email text NOT NULL UNIQUE,
    country char(2) NOT NULL
);

CREATE TABLE country (
    code char(2) PRIMARY KEY,
    name text NOT NULL
);

CREATE TABLE orders (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    customer_id bigint NOT NULL REFERENCES customer,
    status text NOT NULL,
    placed_at timestamptz NOT NULL,
    total_cents bigint NOT NULL
);
CREATE INDEX orders_customer_id_placed_at_idx ON orders (customer_id, placed_at DESC);
CREATE INDEX orders_placed_at_idx ON orders (placed_at);

INSERT INTO country VALUES ('DE', 'Germany'), ('FR', 'France'), ('IT', 'Italy');
INSERT INTO customer (email, country) SELECT 'c' || i || '@example.org', 'DE' FROM generate_series(1, 10) AS i;
INSERT INTO orders (customer_id, status, placed_at, total_cents)
    SELECT 1 + i % 10, 'paid', timestamptz '2026-01-01' + i * interval '1 hour', i * 100 FROM generate_series(1, 30) AS i;
