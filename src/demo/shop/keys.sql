-- Keys and indexes as a careful team would have them, with three left out on purpose: orders (customer_id),
-- payments (provider_reference) and payments (settled_at). A section is what one connection builds, one after another.
-- Run as shop; versions 13-18.

-- name: orders
ALTER TABLE orders ADD PRIMARY KEY (id);
CREATE INDEX orders_placed_at_id_idx ON orders (placed_at, id);

-- name: order_items
ALTER TABLE order_items ADD PRIMARY KEY (id);
CREATE INDEX order_items_order_id_idx ON order_items (order_id);
CREATE INDEX order_items_product_id_idx ON order_items (product_id);

-- name: payments
ALTER TABLE payments ADD PRIMARY KEY (id);
CREATE INDEX payments_order_id_idx ON payments (order_id);

-- name: events
ALTER TABLE events ADD PRIMARY KEY (id);
CREATE INDEX events_occurred_at_id_idx ON events (occurred_at, id);

-- name: customers
ALTER TABLE customers ADD PRIMARY KEY (id);
ALTER TABLE customers ADD UNIQUE (email);
CREATE INDEX customers_city_idx ON customers (city);

-- name: products
ALTER TABLE categories ADD PRIMARY KEY (id);
CREATE INDEX categories_parent_id_idx ON categories (parent_id);
ALTER TABLE products ADD PRIMARY KEY (id);
ALTER TABLE products ADD UNIQUE (sku);
CREATE INDEX products_category_id_created_at_idx ON products (category_id, created_at);

-- name: sessions
ALTER TABLE sessions ADD PRIMARY KEY (id);
ALTER TABLE sessions ADD UNIQUE (token);
CREATE INDEX sessions_customer_id_idx ON sessions (customer_id);

-- name: reviews
ALTER TABLE reviews ADD PRIMARY KEY (id);
CREATE INDEX reviews_product_id_created_at_idx ON reviews (product_id, created_at);
CREATE INDEX reviews_customer_id_idx ON reviews (customer_id);

-- name: jobs
ALTER TABLE jobs ADD PRIMARY KEY (id);
CREATE INDEX jobs_run_at_idx ON jobs (run_at) WHERE finished_at IS NULL;
