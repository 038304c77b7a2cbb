-- Statistics, visibility map and hint bits, as after a quiet night. A section a connection; run as shop; versions 13-18.

-- name: order_items
VACUUM (ANALYZE) order_items;

-- name: events
VACUUM (ANALYZE) events;

-- name: orders
VACUUM (ANALYZE) orders;

-- name: payments
VACUUM (ANALYZE) payments;

-- name: customers
VACUUM (ANALYZE) customers;

-- name: products
VACUUM (ANALYZE) products;

-- name: sessions
VACUUM (ANALYZE) sessions;

-- name: reviews
VACUUM (ANALYZE) reviews;

-- name: categories
VACUUM (ANALYZE) categories;

-- name: jobs
VACUUM (ANALYZE) jobs;
