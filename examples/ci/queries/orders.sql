-- name: orders_of_customer :many
SELECT id, status, placed_at, total_cents
FROM orders
WHERE customer_id = $1
ORDER BY placed_at DESC
LIMIT 20;

-- name: revenue_since :one
-- param since = 2026-01-15
SELECT sum(total_cents)
FROM orders
WHERE placed_at >= sqlc.arg(since);

-- name: place_order :one
INSERT INTO orders (customer_id, status, placed_at, total_cents)
VALUES ($1, 'new', now(), $2)
RETURNING id;

-- Runs once a night and reads everything on purpose.
-- name: revenue_by_status :many
-- pgtriage: allow unservable_predicate because it is a nightly report until 2036-12-31
SELECT status, sum(total_cents)
FROM orders
WHERE total_cents > 0
GROUP BY status;
