-- The shop's rows: a statement a table, for the ids $1 to $2; $3 and $4 are the numbers of rows of the tables it refers
-- to. Values are hashes of the ids, so that every load gives the same data. Run as shop; versions 13-18.

-- name: categories
INSERT INTO categories (id, parent_id, name)
SELECT i, CASE WHEN i > 20 THEN 1 + i % 20 END, 'Category ' || i
FROM generate_series($1::bigint, $2::bigint) AS i;

-- name: customers
-- Region and country follow from the city, and a few cities hold most customers: what the planner takes for
-- independent columns.
INSERT INTO customers (id, email, name, city, region, country, newsletter, created_at)
SELECT i, 'customer' || i || '@example.com', 'Customer ' || i, p.city, p.region, p.country, i % 3 = 0,
       now() - make_interval(hours => (i % 20000)::int)
FROM generate_series($1::bigint, $2::bigint) AS i
JOIN (VALUES
    (0, 'Berlin', 'Berlin', 'Germany'), (1, 'München', 'Bayern', 'Germany'), (2, 'Lyon', 'Auvergne-Rhône-Alpes', 'France'),
    (3, 'Köln', 'Nordrhein-Westfalen', 'Germany'), (4, 'Wien', 'Wien (Land)', 'Austria'), (5, 'Milano', 'Lombardia', 'Italy'),
    (6, 'Marseille', 'Provence', 'France'), (7, 'Graz', 'Steiermark', 'Austria'), (8, 'Torino', 'Piemonte', 'Italy'),
    (9, 'Gdańsk', 'Pomorskie', 'Poland'), (10, 'Kraków', 'Małopolskie', 'Poland'), (11, 'Porto', 'Norte', 'Portugal'),
    (12, 'Sevilla', 'Andalucía', 'Spain'), (13, 'Bilbao', 'Euskadi', 'Spain'), (14, 'Gent', 'Oost-Vlaanderen', 'Belgium'),
    (15, 'Utrecht', 'Utrecht (Provincie)', 'Netherlands'), (16, 'Aarhus', 'Midtjylland', 'Denmark'), (17, 'Malmö', 'Skåne', 'Sweden'),
    (18, 'Bergen', 'Vestland', 'Norway'), (19, 'Tampere', 'Pirkanmaa', 'Finland'), (20, 'Brno', 'Jihomoravský', 'Czechia'),
    (21, 'Košice', 'Košický', 'Slovakia'), (22, 'Split', 'Dalmacija', 'Croatia'), (23, 'Cork', 'Munster', 'Ireland')
) AS p (rank, city, region, country)
    ON p.rank = floor(24 * power((hashint8(i) & 65535) / 65536.0::float8, 1.75))::int;

-- name: products
INSERT INTO products (id, sku, name, category_id, price_cents, stock, description, created_at)
SELECT i, 'SKU-' || lpad(i::text, 8, '0'), 'Product ' || i, 1 + (hashint8(i) & 2147483647) % $3::bigint,
       100 + (hashint8(i + 7) & 65535), (hashint8(i + 11) & 255), repeat('Made to last. ', 8),
       now() - make_interval(mins => ((hashint8(i + 13) & 2147483647) % 1000000))
FROM generate_series($1::bigint, $2::bigint) AS i;

-- name: orders
-- The last hundredth of the customers has no orders, so that an account can be erased.
INSERT INTO orders (id, customer_id, status, total_cents, placed_at, note)
SELECT i, 1 + (hashint8(i) & 2147483647) % greatest($3::bigint * 99 / 100, 1),
       CASE WHEN hashint8(i + 3) & 63 = 0 THEN 'cancelled' WHEN hashint8(i + 3) & 63 < 4 THEN 'open' ELSE 'shipped' END,
       500 + (hashint8(i + 5) & 262143),
       now() - interval '730 days' + interval '729 days' * (i::float8 / $4::bigint),
       CASE WHEN i % 10 = 0 THEN 'Please leave the parcel with the neighbours.' END
FROM generate_series($1::bigint, $2::bigint) AS i;

-- name: order_items
-- Six items an order; the ids of one order's items lie beside one another.
INSERT INTO order_items (id, order_id, product_id, quantity, unit_price_cents)
SELECT i, 1 + (i - 1) / 6 % $3::bigint, 1 + (hashint8(i) & 2147483647) % $4::bigint, 1 + (hashint8(i + 3) & 3),
       100 + (hashint8(i + 7) & 65535)
FROM generate_series($1::bigint, $2::bigint) AS i;

-- name: payments
-- One in 250 is not settled yet.
INSERT INTO payments (id, order_id, provider, provider_reference, amount_cents, created_at, settled_at)
SELECT i, 1 + (i - 1) % $3::bigint, CASE WHEN i % 3 = 0 THEN 'transfer' ELSE 'card' END,
       'pay_' || md5(i::text), 500 + (hashint8(i + 5) & 262143), placed_at,
       CASE WHEN hashint8(i) & 255 <> 0 THEN placed_at + interval '2 days' END
FROM generate_series($1::bigint, $2::bigint) AS i,
     LATERAL (SELECT now() - interval '730 days' + interval '729 days' * (i::float8 / $3::bigint) AS placed_at) AS t;

-- name: sessions
INSERT INTO sessions (id, token, customer_id, user_agent, created_at, last_seen_at)
SELECT i, md5('session' || i), 1 + (hashint8(i) & 2147483647) % greatest($3::bigint * 99 / 100, 1),
       'Mozilla/5.0 (X11; Linux x86_64)', now() - make_interval(mins => (i % 40000)::int), now()
FROM generate_series($1::bigint, $2::bigint) AS i;

-- name: reviews
INSERT INTO reviews (id, product_id, customer_id, rating, body, created_at)
SELECT i, 1 + (hashint8(i) & 2147483647) % $3::bigint, 1 + (hashint8(i + 3) & 2147483647) % greatest($4::bigint * 99 / 100, 1),
       1 + (hashint8(i + 5) & 2147483647) % 5, 'Just as described, and delivered in time.',
       now() - make_interval(mins => ((hashint8(i + 7) & 2147483647) % 1000000))
FROM generate_series($1::bigint, $2::bigint) AS i;

-- name: events
INSERT INTO events (id, actor_id, kind, payload, occurred_at)
SELECT i, 1 + (hashint8(i) & 2147483647) % $3::bigint, (ARRAY['login', 'logout', 'view', 'search', 'checkout'])[1 + i % 5],
       '{"source": "web"}', now() - interval '730 days' + interval '729 days' * (i::float8 / $4::bigint)
FROM generate_series($1::bigint, $2::bigint) AS i;

-- name: jobs
INSERT INTO jobs (id, kind, run_at)
SELECT i, CASE WHEN i % 2 = 0 THEN 'mail' ELSE 'invoice' END, now() - make_interval(secs => 5 * ($2::bigint - i))
FROM generate_series($1::bigint, $2::bigint) AS i;
