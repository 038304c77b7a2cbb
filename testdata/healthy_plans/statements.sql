-- One statement a line.
UPDATE accounts SET abalance = abalance + 10 WHERE aid = 4711
SELECT abalance FROM accounts WHERE aid = 4711
UPDATE tellers SET tbalance = tbalance + 10 WHERE tid = 42
UPDATE branches SET bbalance = bbalance + 10 WHERE bid = 7
INSERT INTO history (tid, bid, aid, delta, mtime) VALUES (42, 7, 4711, 10, now())
SELECT count(*) FROM tellers
SELECT bid, sum(tbalance) FROM tellers GROUP BY bid ORDER BY bid
SELECT sum(abalance) FROM accounts
SELECT bid, sum(abalance) FROM accounts GROUP BY bid
SELECT abalance FROM accounts WHERE aid IN (1, 500, 90000)
SELECT abalance FROM accounts WHERE aid BETWEEN 1000 AND 1100
SELECT a.abalance, b.bbalance FROM accounts a JOIN branches b USING (bid) WHERE a.aid = 99
SELECT max(aid) FROM accounts
SELECT min(aid) FROM accounts
SELECT aid, abalance FROM accounts ORDER BY aid LIMIT 100
SELECT aid, abalance FROM accounts ORDER BY aid DESC LIMIT 10
SELECT id, name FROM customers WHERE id = 77
SELECT id FROM customers WHERE email = 'c77@example.com'
SELECT id, name FROM customers WHERE lower(name) = 'name 77'
SELECT id, name FROM customers WHERE country = 'c7'
SELECT count(*) FROM customers WHERE country = 'c7'
SELECT id FROM customers WHERE joined >= DATE '2022-09-20' AND joined < DATE '2022-09-22'
SELECT id, joined FROM customers ORDER BY joined, id LIMIT 25
SELECT id, joined FROM customers WHERE (joined, id) > (DATE '2021-05-05', 500) ORDER BY joined, id LIMIT 25
SELECT EXISTS (SELECT 1 FROM customers WHERE email = 'nobody@example.com')
SELECT c.name, co.name FROM customers c JOIN countries co ON co.code = c.country WHERE c.id = 77
SELECT co.name, count(*) FROM customers c JOIN countries co ON co.code = c.country GROUP BY co.name
SELECT country, count(*) FROM customers GROUP BY country ORDER BY count(*) DESC
SELECT id, name, price FROM products WHERE id = 17
SELECT id, name FROM products WHERE sku = 'sku-17'
SELECT id, name, price FROM products WHERE category = 17
SELECT id, name, price FROM products WHERE category = 17 AND price < 300
SELECT id, name, price FROM products WHERE category = 17 ORDER BY price LIMIT 10
SELECT id FROM products WHERE name LIKE 'Product 99%'
SELECT id, name FROM products WHERE id = ANY (ARRAY[1, 5, 9, 13, 17])
SELECT id, name FROM products WHERE id IN (1, 5, 9)
SELECT id FROM products WHERE tags @> ARRAY['t17']
SELECT id FROM products WHERE extra @> '{"colour": "c17"}'
SELECT min(price), max(price) FROM products WHERE category = 17
SELECT category, avg(price) FROM products GROUP BY category
SELECT p.name, c.name FROM products p JOIN categories c ON c.id = p.category WHERE p.id = 17
SELECT p.name, c.name FROM products p JOIN categories c ON c.id = p.category WHERE c.id = 17
SELECT count(*) FROM products
SELECT id, total FROM orders WHERE id = 4711
SELECT id, total FROM orders WHERE customer_id = 77 ORDER BY placed DESC LIMIT 10
SELECT id, placed FROM orders ORDER BY placed DESC LIMIT 20
SELECT id, placed FROM orders ORDER BY placed DESC, id DESC LIMIT 20 OFFSET 40
SELECT id, placed FROM orders WHERE (placed, id) < (TIMESTAMPTZ '2025-02-01Z', 500) ORDER BY placed DESC, id DESC LIMIT 20
SELECT id FROM orders WHERE placed >= TIMESTAMPTZ '2025-02-01Z' AND placed < TIMESTAMPTZ '2025-02-02Z'
SELECT count(*) FROM orders WHERE placed >= TIMESTAMPTZ '2025-02-01Z' AND placed < TIMESTAMPTZ '2025-02-02Z'
SELECT id FROM orders WHERE status = 'open' ORDER BY id LIMIT 5
SELECT count(*) FROM orders WHERE status = 'open'
SELECT max(placed) FROM orders WHERE customer_id = 77
SELECT sum(total) FROM orders WHERE customer_id = 77
SELECT status, count(*) FROM orders GROUP BY status
SELECT date_trunc('hour', placed) AS hour, sum(total) FROM orders WHERE placed >= TIMESTAMPTZ '2025-02-01Z' AND placed < TIMESTAMPTZ '2025-02-02Z' GROUP BY 1 ORDER BY 1
SELECT o.id, i.line, i.quantity FROM orders o JOIN items i ON i.order_id = o.id WHERE o.customer_id = 77
SELECT o.id, c.name FROM orders o JOIN customers c ON c.id = o.customer_id WHERE o.id = 4711
SELECT o.id, c.name FROM orders o JOIN customers c ON c.id = o.customer_id ORDER BY o.placed DESC LIMIT 20
SELECT o.id, c.name, i.line, p.name FROM orders o JOIN customers c ON c.id = o.customer_id JOIN items i ON i.order_id = o.id JOIN products p ON p.id = i.product_id WHERE o.id = 4711
SELECT c.id, c.name, o.id FROM customers c LEFT JOIN orders o ON o.customer_id = c.id WHERE c.id = 77
SELECT c.id, (SELECT count(*) FROM orders o WHERE o.customer_id = c.id) FROM customers c WHERE c.id = 77
SELECT c.id FROM customers c WHERE c.id = 77 AND EXISTS (SELECT 1 FROM orders o WHERE o.customer_id = c.id)
SELECT c.id FROM customers c WHERE c.id < 100 AND NOT EXISTS (SELECT 1 FROM sessions s WHERE s.customer_id = c.id)
SELECT c.id, last.id FROM customers c CROSS JOIN LATERAL (SELECT id FROM orders o WHERE o.customer_id = c.id ORDER BY placed DESC LIMIT 1) AS last WHERE c.id BETWEEN 10 AND 30
SELECT i.line, p.name, p.price FROM items i JOIN products p ON p.id = i.product_id WHERE i.order_id = 4711
SELECT sum(quantity) FROM items WHERE product_id = 17
SELECT order_id, line FROM items WHERE order_id = 4711 ORDER BY line
SELECT order_id, line, product_id FROM items WHERE order_id = ANY (ARRAY[10, 20, 30, 40, 50, 60, 70, 80]::bigint[])
SELECT o.customer_id, sum(i.quantity) FROM orders o JOIN items i ON i.order_id = o.id WHERE o.customer_id BETWEEN 10 AND 20 GROUP BY o.customer_id
SELECT product_id, sum(quantity) FROM items WHERE product_id BETWEEN 100 AND 120 GROUP BY product_id
SELECT customer_id FROM sessions WHERE token = md5('77')::uuid
UPDATE sessions SET seen = now() WHERE token = md5('77')::uuid
DELETE FROM sessions WHERE token = md5('78')::uuid
SELECT s.token, c.name FROM sessions s JOIN customers c ON c.id = s.customer_id WHERE s.token = md5('77')::uuid
SELECT count(*) FROM sessions WHERE seen < TIMESTAMPTZ '2025-02-15Z' AND seen > TIMESTAMPTZ '2025-02-14Z'
DELETE FROM sessions WHERE seen < TIMESTAMPTZ '2025-02-15 03:00Z'
SELECT code, name FROM countries ORDER BY name
SELECT name FROM countries WHERE code = 'c7'
SELECT name FROM countries WHERE name = 'Country 7'
SELECT id, name FROM categories WHERE parent IS NULL ORDER BY name
SELECT id, name FROM categories WHERE parent = 3
WITH RECURSIVE tree AS (SELECT id, parent, name FROM categories WHERE id = 100 UNION ALL SELECT c.id, c.parent, c.name FROM categories c JOIN tree t ON c.id = t.parent) SELECT id, name FROM tree
WITH mine AS (SELECT id FROM orders WHERE customer_id = 77) SELECT count(*) FROM items JOIN mine ON mine.id = items.order_id
WITH moved AS (UPDATE products SET price = price + 1 WHERE id = 17 RETURNING id, price) SELECT id, price FROM moved
SELECT id FROM jobs WHERE queue = 'q1' AND done_at IS NULL AND run_at < now() ORDER BY run_at LIMIT 1 FOR UPDATE SKIP LOCKED
SELECT queue, count(*) FROM jobs WHERE done_at IS NULL GROUP BY queue
UPDATE jobs SET done_at = now() WHERE id = 29950
INSERT INTO jobs (id, queue, run_at, payload) VALUES (900001, 'q1', now(), '{}')
SELECT id, title FROM documents WHERE body @@ to_tsquery('simple', 'word17')
SELECT id, title FROM documents WHERE body @@ to_tsquery('simple', 'word17 & common')
SELECT id FROM bookings WHERE room = 7 ORDER BY id LIMIT 10
SELECT id FROM bookings WHERE during && tsrange('2025-01-03 10:00', '2025-01-03 10:30')
SELECT avg(value) FROM measures WHERE device = 7 AND at >= TIMESTAMPTZ '2025-02-03Z' AND at < TIMESTAMPTZ '2025-02-04Z'
SELECT at, value FROM measures WHERE device = 7 AND at >= TIMESTAMPTZ '2025-02-03Z' AND at < TIMESTAMPTZ '2025-03-04Z' ORDER BY at LIMIT 20
SELECT count(*) FROM measures WHERE at >= TIMESTAMPTZ '2025-02-01Z' AND at < TIMESTAMPTZ '2025-03-01Z'
SELECT at, value FROM measures WHERE device = 7 ORDER BY at DESC LIMIT 1
INSERT INTO measures (at, device, value) VALUES (TIMESTAMPTZ '2025-04-20Z', 7, 1.5)
SELECT device, avg(value) FROM measures WHERE at >= TIMESTAMPTZ '2025-04-01Z' AND at < TIMESTAMPTZ '2025-05-01Z' GROUP BY device
INSERT INTO orders (id, customer_id, placed, status, total) VALUES (900001, 77, now(), 'open', 10)
INSERT INTO items (order_id, line, product_id, quantity) VALUES (4711, 4, 17, 1), (4711, 5, 18, 1)
INSERT INTO items (order_id, line, product_id, quantity) VALUES (4711, 1, 17, 1) ON CONFLICT (order_id, line) DO UPDATE SET quantity = excluded.quantity
INSERT INTO customers (id, email, name, country, joined) VALUES (900001, 'new@example.com', 'New', 'c1', now()) ON CONFLICT DO NOTHING
UPDATE orders SET status = 'done' WHERE id = 400
DELETE FROM items WHERE order_id = 4711 AND line = 2
DELETE FROM orders WHERE id = 900002
SELECT 1
SELECT now()
SELECT generate_series(1, 10)
SELECT unnest(ARRAY[1, 2, 3])
SELECT id, name FROM customers WHERE id BETWEEN 100 AND 200 ORDER BY id
SELECT id, name FROM customers WHERE id > 100 ORDER BY id LIMIT 50
SELECT DISTINCT country FROM customers
SELECT count(DISTINCT category) FROM products
SELECT id, name FROM customers WHERE id = 1 UNION ALL SELECT id, name FROM customers WHERE id = 2
SELECT id, rank() OVER (ORDER BY placed) FROM orders WHERE customer_id = 77
SELECT customer_id, id, row_number() OVER (PARTITION BY customer_id ORDER BY placed DESC) FROM orders WHERE customer_id BETWEEN 10 AND 15
SELECT c.name, sum(o.total) FROM customers c JOIN orders o ON o.customer_id = c.id GROUP BY c.id, c.name ORDER BY sum(o.total) DESC LIMIT 10
SELECT p.category, sum(i.quantity) FROM items i JOIN products p ON p.id = i.product_id GROUP BY p.category
SELECT o.status, count(*) FROM orders o JOIN customers c ON c.id = o.customer_id WHERE c.country = 'c7' GROUP BY o.status
SELECT c.id, c.name FROM customers c WHERE c.id IN (SELECT customer_id FROM orders WHERE status = 'open' AND id < 8000)
SELECT a.aid FROM accounts a WHERE a.aid IN (SELECT aid FROM history)
SELECT aid, CASE WHEN abalance > 500 THEN 'rich' ELSE 'poor' END FROM accounts WHERE aid < 50
SELECT coalesce(max(line), 0) + 1 FROM items WHERE order_id = 4711
SELECT id, name FROM products WHERE id >= 100 ORDER BY id LIMIT 30 FOR SHARE
VALUES (1, 'a'), (2, 'b')
TABLE countries
