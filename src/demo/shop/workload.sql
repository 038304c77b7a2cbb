-- What the shop's programs send, a statement a name, run as shop by real clients over the extended protocol. These are the
-- statements to be diagnosed, so they carry no marker. Versions 13-18.

-- Healthy: each is served by an index.
-- name: session_by_token
SELECT id, customer_id, last_seen_at FROM sessions WHERE token = $1;
-- name: touch_session
UPDATE sessions SET last_seen_at = now() WHERE id = $1;
-- name: customer
SELECT id, name, email, newsletter FROM customers WHERE id = $1;
-- name: category_page
SELECT id, name, price_cents FROM products WHERE category_id = $1 ORDER BY created_at DESC LIMIT 24;
-- name: product
SELECT id, name, price_cents, stock, description FROM products WHERE id = $1;
-- name: product_reviews
SELECT rating, body, created_at FROM reviews WHERE product_id = $1 ORDER BY created_at DESC LIMIT 10;
-- name: cart
SELECT id, name, price_cents, stock FROM products WHERE id = ANY($1);
-- name: orders_of_a_day
SELECT count(*), sum(total_cents) FROM orders WHERE placed_at >= $1 AND placed_at < $2;
-- name: add_order
INSERT INTO orders (customer_id, status, total_cents, placed_at) VALUES ($1, 'open', $2, now()) RETURNING id;
-- name: add_item
INSERT INTO order_items (order_id, product_id, quantity, unit_price_cents) VALUES ($1, $2, $3, $4);
-- name: add_payment
INSERT INTO payments (order_id, provider, provider_reference, amount_cents, created_at) VALUES ($1, 'card', $2, $3, now());
-- name: add_event
INSERT INTO events (actor_id, kind, payload, occurred_at) VALUES ($1, $2, $3, now());
-- name: next_job
SELECT id, kind FROM jobs WHERE finished_at IS NULL AND run_at <= now() ORDER BY run_at LIMIT 1 FOR UPDATE SKIP LOCKED;
-- name: finish_job
UPDATE jobs SET finished_at = now() WHERE id = $1;

-- A missing index: every row of orders is read for the three of one customer, and again for each account that is erased.
-- name: orders_of_customer
SELECT id, status, total_cents, placed_at FROM orders WHERE customer_id = $1 ORDER BY placed_at DESC;
-- name: erase_customer
DELETE FROM customers WHERE id = $1;

-- N+1: a page of orders, then a statement for the items of each.
-- name: page_of_orders
SELECT id, status, total_cents, placed_at FROM orders WHERE placed_at >= $1 ORDER BY placed_at, id LIMIT 50;
-- name: items_of_order
SELECT id, product_id, quantity, unit_price_cents FROM order_items WHERE order_id = $1 ORDER BY id;

-- Selective scans of the whole table: one payment of all, and the few that are not settled.
-- name: payment_by_reference
SELECT id, order_id, amount_cents, settled_at FROM payments WHERE provider_reference = $1;
-- name: unsettled_payments
SELECT id, order_id, amount_cents, created_at FROM payments WHERE settled_at IS NULL ORDER BY created_at;

-- Spills: a sort and a hash join larger than work_mem.
-- name: time_between_orders
SELECT avg(gap) FROM (SELECT placed_at - lag(placed_at) OVER (PARTITION BY customer_id ORDER BY placed_at) AS gap FROM orders) AS gaps;
-- name: revenue_by_status
SELECT o.status, sum(i.quantity * i.unit_price_cents) AS revenue FROM orders o JOIN order_items i ON i.order_id = o.id GROUP BY o.status ORDER BY revenue DESC;

-- A misestimate: three columns of which one determines the others.
-- name: visitors_of_city
SELECT count(*), max(s.last_seen_at) FROM customers c JOIN sessions s ON s.customer_id = c.id WHERE c.city = $1 AND c.region = $2 AND c.country = $3;

-- Paging by OFFSET through a log.
-- name: page_of_events
SELECT id, actor_id, kind, occurred_at FROM events ORDER BY occurred_at, id LIMIT 50 OFFSET $1;

-- A result that no page shows.
-- name: product_feed
SELECT id, sku, name, price_cents, stock FROM products ORDER BY id;
