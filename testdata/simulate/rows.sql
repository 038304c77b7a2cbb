-- {n}: orders; of the rest as many as fit. 5 x {n} rows in all.
SELECT setseed(0.25);
INSERT INTO countries SELECT chr(65 + g / 5) || chr(65 + g % 5), 'Country ' || g FROM generate_series(0, 39) AS g;
INSERT INTO customers (mail, name, country, region, born, active, joined, tags, home, bonus)
SELECT 'c' || g || '@example.org', initcap(md5((g % 5000)::text)), chr(65 + c / 5) || chr(65 + c % 5), c / 8,
       CASE WHEN g % 10 < 8 THEN date '1950-01-01' + (random() * 20000)::int END, random() < 0.93,
       timestamptz '2020-01-01 00:00+00' + g * interval '5 years' / ({n} / 5),
       ARRAY['t' || (power(random(), 3) * 50)::int, 't' || (power(random(), 3) * 50)::int, 'all'],
       ('10.' || g % 200 || '.' || (g / 200) % 200 || '.' || g % 250)::inet, round((random() * random() * 500)::numeric, 2)
FROM (SELECT g, (power(random(), 4) * 39)::int AS c FROM generate_series(1, {n} / 5) AS g) AS s;
INSERT INTO products
SELECT g, md5(g::text)::uuid, 'Product ' || md5(g::text), round((random() * random() * 300)::numeric, 2),
       jsonb_build_object('weight', g % 40, 'colour', (ARRAY['red', 'green', 'blue'])[1 + g % 3]),
       to_tsvector('simple', 'thing w' || (power(random(), 3) * 300)::int || ' w' || (power(random(), 3) * 300)::int),
       CASE WHEN g % 4 > 0 THEN int4range(g % 50, g % 50 + 5) END
FROM generate_series(1, greatest({n} / 50, 1000)) AS g;
INSERT INTO orders
SELECT g, 1 + (power(random(), 3) * ({n} / 5 - 1))::bigint,
       (ARRAY['done', 'done', 'done', 'done', 'done', 'done', 'done', 'shipped', 'returned', 'paid', 'new'])[
           1 + (CASE WHEN g > {n} * 0.95 THEN random() * 10 ELSE random() * 8.2 END)::int]::order_state,
       timestamptz '2024-01-01 00:00+00' + g * interval '2 years' / {n} + random() * interval '1 day',
       round((5 + random() * random() * 900)::numeric, 2), CASE WHEN random() < 0.1 THEN md5(g::text) END
FROM generate_series(1, {n}) AS g;
INSERT INTO order_items
SELECT g / 5 * 2 + 1, g % 5, 1 + (power(random(), 2) * (greatest({n} / 50, 1000) - 1))::int, 1 + (random() * random() * 20)::int
FROM generate_series(0, {n} * 5 / 2 - 1) AS g;
INSERT INTO events
SELECT g, CASE WHEN random() < 0.8 THEN 1 + (random() * ({n} / 5 - 1))::bigint END,
       (ARRAY['view', 'view', 'view', 'view', 'search', 'search', 'basket', 'buy', 'login', 'rare'])[1 + (power(random(), 1.4) * 9.4)::int],
       timestamptz '2025-01-01 00:00+00' + g * interval '364 days' / ({n} * 6 / 5),
       CASE WHEN g % 3 = 0 THEN jsonb_build_object('ms', g % 900) END
FROM generate_series(1, {n} * 6 / 5) AS g;
REFRESH MATERIALIZED VIEW spending;
