-- The tables that statements.sql and repairs.sql speak of; loaded by the live tests.
CREATE TABLE users (id bigint PRIMARY KEY, email text NOT NULL, name text, active boolean NOT NULL DEFAULT true, org_id bigint, created_at timestamptz NOT NULL DEFAULT now(), deleted_at timestamptz, profile jsonb);
CREATE TABLE orgs (id bigint PRIMARY KEY, name text, parent_id bigint);
CREATE TABLE products (id bigint PRIMARY KEY, sku text, title text, price numeric(10,2), tags text[], attrs jsonb, search tsvector, valid daterange);
CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint REFERENCES users, status text, total numeric(10,2), placed_at timestamptz, placed_on date, note text);
CREATE TABLE order_items (order_id bigint, product_id bigint, qty int, price numeric(10,2), PRIMARY KEY (order_id, product_id));
CREATE TABLE events (id bigint, user_id bigint, kind text, at timestamp, day date, span interval, score float8, flag boolean, payload jsonb, ip inet);
CREATE TABLE jobs (id bigint PRIMARY KEY, queue text, state text, run_at timestamptz, attempts int, payload jsonb);
CREATE SCHEMA audit;
CREATE TABLE audit.log (id bigint PRIMARY KEY, actor_id bigint, action text, at timestamptz, "Data" jsonb);
CREATE TABLE "Order Lines" ("Id" bigint PRIMARY KEY, "orderId" bigint, "Qty" int);
