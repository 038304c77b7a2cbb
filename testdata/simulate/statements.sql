-- Statements to compare plans of. `-- values:` gives the parameters of the one below.
-- values: 4711
SELECT * FROM customers WHERE id = $1;
-- values: 'c77@example.org'
SELECT id, name FROM customers WHERE mail = $1;
-- values: 'abc'
SELECT id FROM customers WHERE lower(name) = $1;
-- values: 'AA'
SELECT id, name FROM customers WHERE country = $1 ORDER BY joined DESC LIMIT 20;
-- values: 'HE'
SELECT count(*) FROM customers WHERE country = $1;
-- values: 'AB', '2023-01-01'
SELECT id FROM customers WHERE country = $1 AND joined >= $2;
SELECT id FROM customers WHERE NOT active ORDER BY joined DESC LIMIT 50;
SELECT count(*) FROM customers WHERE active;
-- values: 't40'
SELECT id FROM customers WHERE tags @> ARRAY[$1::text];
-- values: 't0'
SELECT id FROM customers WHERE tags @> ARRAY[$1::text];
-- values: '{t40,t41}'
SELECT id FROM customers WHERE tags && $1::text[];
-- values: '1990-06-01'
SELECT count(*) FROM customers WHERE born > $1::date;
SELECT count(*) FROM customers WHERE born IS NULL;
-- values: 400
SELECT id, bonus FROM customers WHERE bonus > $1 ORDER BY bonus DESC;
-- values: '10.7.0.0/16'
SELECT id FROM customers WHERE home <<= $1::inet;
SELECT country, count(*) FROM customers GROUP BY country;
SELECT region, country, count(*) FROM customers GROUP BY region, country;
-- values: 'HE', 4
SELECT id FROM customers WHERE country = $1 AND region = $2;
SELECT lower(name), count(*) FROM customers GROUP BY lower(name) HAVING count(*) > 3;
-- values: 'c12%'
SELECT id FROM customers WHERE mail LIKE $1;
-- values: 17
SELECT * FROM products WHERE id = $1;
-- values: 'c4ca4238-a0b9-2382-0dcc-509a6f75849b'
SELECT id, title FROM products WHERE sku = $1;
-- values: 'w7'
SELECT id FROM products WHERE words @@ plainto_tsquery('simple', $1);
-- values: 10, 12
SELECT id, price FROM products WHERE price BETWEEN $1 AND $2;
-- values: 7
SELECT id FROM products WHERE sizes @> $1::int;
-- values: 'red'
SELECT count(*) FROM products WHERE details ->> 'colour' = $1;
SELECT id, price FROM products ORDER BY price DESC LIMIT 10;
-- values: 99
SELECT * FROM orders WHERE id = $1;
-- values: 500
SELECT id, placed, total FROM orders WHERE customer_id = $1 ORDER BY placed DESC;
-- values: 500
SELECT sum(total) FROM orders WHERE customer_id = $1;
-- values: 3
SELECT count(*) FROM orders WHERE customer_id < $1;
SELECT id FROM orders WHERE state IN ('new', 'paid') ORDER BY placed LIMIT 100;
-- values: 'returned'
SELECT count(*) FROM orders WHERE state = $1;
-- values: 'done'
SELECT count(*) FROM orders WHERE state = $1;
-- values: 'new', '2025-12-20'
SELECT id FROM orders WHERE state = $1 AND placed > $2;
-- values: '2025-06-01', '2025-06-02'
SELECT sum(total) FROM orders WHERE placed >= $1 AND placed < $2;
-- values: '2025-12-30'
SELECT count(*) FROM orders WHERE placed > $1;
-- values: 850
SELECT id FROM orders WHERE total > $1;
SELECT count(*) FROM orders WHERE note IS NOT NULL;
SELECT state, count(*), sum(total) FROM orders GROUP BY state;
SELECT date_trunc('month', placed), sum(total) FROM orders GROUP BY 1 ORDER BY 1;
SELECT customer_id, count(*) FROM orders GROUP BY customer_id ORDER BY 2 DESC LIMIT 10;
SELECT DISTINCT customer_id FROM orders WHERE state = 'returned';
-- values: 99
SELECT * FROM order_items WHERE order_id = $1;
-- values: 5
SELECT sum(quantity) FROM order_items WHERE product_id = $1;
-- values: 18
SELECT count(*) FROM order_items WHERE quantity > $1;
SELECT product_id, sum(quantity) FROM order_items GROUP BY product_id ORDER BY 2 DESC LIMIT 20;
-- values: 500
SELECT o.id, i.product_id, i.quantity FROM orders AS o JOIN order_items AS i ON i.order_id = o.id WHERE o.customer_id = $1;
-- values: 'c77@example.org'
SELECT o.id, o.total FROM customers AS c JOIN orders AS o ON o.customer_id = c.id WHERE c.mail = $1;
-- values: 'HE'
SELECT sum(o.total) FROM customers AS c JOIN orders AS o ON o.customer_id = c.id WHERE c.country = $1;
-- values: 17
SELECT o.id, c.name FROM order_items AS i JOIN orders AS o ON o.id = i.order_id JOIN customers AS c ON c.id = o.customer_id WHERE i.product_id = $1;
-- values: '2025-06-01', '2025-06-02'
SELECT p.title, sum(i.quantity) FROM orders AS o JOIN order_items AS i ON i.order_id = o.id JOIN products AS p ON p.id = i.product_id WHERE o.placed >= $1 AND o.placed < $2 GROUP BY p.title ORDER BY 2 DESC LIMIT 5;
SELECT c.country, sum(o.total) FROM orders AS o JOIN customers AS c ON c.id = o.customer_id GROUP BY c.country;
SELECT n.name, count(*) FROM customers AS c JOIN countries AS n ON n.code = c.country GROUP BY n.name;
SELECT count(*) FROM customers AS c WHERE NOT EXISTS (SELECT FROM orders AS o WHERE o.customer_id = c.id);
SELECT count(*) FROM customers AS c WHERE EXISTS (SELECT FROM orders AS o WHERE o.customer_id = c.id AND o.state = 'new');
-- values: 20
SELECT c.id, x.total FROM customers AS c CROSS JOIN LATERAL (SELECT o.total FROM orders AS o WHERE o.customer_id = c.id ORDER BY o.placed DESC LIMIT 1) AS x WHERE c.id < $1;
-- values: 321
SELECT * FROM events WHERE customer_id = $1 ORDER BY at DESC LIMIT 20;
-- values: 321, '2025-08-01', '2025-08-15'
SELECT count(*) FROM events WHERE customer_id = $1 AND at >= $2 AND at < $3;
-- values: 'rare'
SELECT count(*) FROM events WHERE kind = $1;
-- values: 'view'
SELECT count(*) FROM events WHERE kind = $1;
-- values: '2025-11-01'
SELECT kind, count(*) FROM events WHERE at > $1 GROUP BY kind;
SELECT kind, count(*) FROM events GROUP BY kind;
-- values: 'buy'
SELECT c.country, count(*) FROM events AS e JOIN customers AS c ON c.id = e.customer_id WHERE e.kind = $1 GROUP BY c.country;
-- values: 500
SELECT * FROM open_orders WHERE customer_id = $1;
-- values: 100000
SELECT customer_id FROM spending WHERE total > $1;
-- values: 77
SELECT c.name, s.total FROM spending AS s JOIN customers AS c ON c.id = s.customer_id WHERE s.customer_id = $1;
-- values: 50
SELECT count(*) FROM orders AS o JOIN spending AS s ON s.customer_id = o.customer_id WHERE s.orders > $1;
-- values: 99
UPDATE orders SET total = total + 1 WHERE id = $1;
-- values: 99
DELETE FROM order_items WHERE order_id = $1;
SELECT o.id FROM orders AS o ORDER BY o.placed DESC LIMIT 10;
SELECT id FROM orders ORDER BY id LIMIT 10 OFFSET 1000;
-- values: '{1,2,3,4,5}'
SELECT * FROM orders WHERE id = ANY ($1::bigint[]);
-- values: '{1,2,3,4,5}'
SELECT count(*) FROM orders WHERE customer_id = ANY ($1::bigint[]);
-- values: 500, 77
SELECT id FROM orders WHERE customer_id = $1 OR id = $2;
