-- simple
SELECT * FROM users WHERE id = $1

-- columns
SELECT id, email FROM users WHERE email = $1 AND active = $2 ORDER BY created_at DESC LIMIT $3

-- in list of 18
SELECT id FROM users WHERE id IN ($1 /*, ... */)

-- in list
SELECT id FROM users WHERE id IN ($1, $2, $3)

-- any array
SELECT id FROM users WHERE id = ANY($1)

-- any array with cast
SELECT id FROM users WHERE id = ANY($1::bigint[])

-- not all
SELECT id FROM users WHERE id <> ALL($1)

-- array constructor
SELECT id FROM users WHERE id = ANY(ARRAY[$1, $2, $3])

-- tags contain
SELECT id FROM products WHERE tags @> ARRAY[$1]::text[]

-- element of column
SELECT id FROM products WHERE $1 = ANY(tags)

-- jsonb contain
SELECT id FROM products WHERE attrs @> $1

-- jsonb key
SELECT id FROM products WHERE attrs ->> $1 = $2

-- jsonb path
SELECT id, attrs #>> $1 FROM products WHERE attrs #> $2 IS NOT NULL

-- jsonb exists
SELECT id FROM products WHERE attrs ? $1

-- jsonb exists any
SELECT id FROM products WHERE attrs ?| $1

-- jsonpath
SELECT id FROM products WHERE attrs @? $1 AND attrs @@ $2

-- full text
SELECT id, ts_rank(search, plainto_tsquery($1, $2)) AS r FROM products WHERE search @@ plainto_tsquery($1, $2) ORDER BY r DESC LIMIT $3

-- range type
SELECT id FROM products WHERE valid @> $1::date

-- range overlap
SELECT id FROM products WHERE valid && daterange($1, $2)

-- between
SELECT count(*) FROM orders WHERE placed_at BETWEEN $1 AND $2

-- not between
SELECT count(*) FROM orders WHERE total NOT BETWEEN $1 AND $2

-- half open
SELECT sum(total) FROM orders WHERE placed_at >= $1 AND placed_at < $2 AND status = $3

-- like prefix
SELECT id FROM users WHERE email LIKE 'a%'

-- like parameter
SELECT id FROM users WHERE email LIKE $1

-- ilike
SELECT id FROM users WHERE name ILIKE $1 OR email ILIKE $1

-- not like
SELECT id FROM users WHERE name NOT LIKE $1

-- like escape
SELECT id FROM users WHERE name LIKE $1 ESCAPE $2

-- similar
SELECT id FROM users WHERE name SIMILAR TO $1

-- regex
SELECT id FROM users WHERE name ~ $1 AND name !~* $2

-- starts with operator
SELECT id FROM users WHERE name ^@ $1

-- lower
SELECT id FROM users WHERE lower(email) = lower($1)

-- date trunc
SELECT count(*) FROM orders WHERE date_trunc($1, placed_at) = $2

-- soft delete
SELECT * FROM users WHERE org_id = $1 AND deleted_at IS NULL ORDER BY id

-- boolean column
SELECT id FROM users WHERE active AND NOT (org_id = $1)

-- is not true
SELECT id FROM users WHERE active IS NOT TRUE

-- or arms
SELECT id FROM orders WHERE user_id = $1 AND (status = $2 OR placed_at > $3)

-- optional filter
SELECT id FROM orders WHERE ($1::text IS NULL OR status = $1) AND user_id = $2

-- row comparison keyset
SELECT id FROM orders WHERE (placed_at, id) < ($1, $2) ORDER BY placed_at DESC, id DESC LIMIT $3

-- row in
SELECT qty FROM order_items WHERE (order_id, product_id) IN (($1, $2), ($3, $4))

-- row in subquery
SELECT qty FROM order_items WHERE (order_id, product_id) IN (SELECT order_id, product_id FROM order_items WHERE qty > $1)

-- row equality
SELECT qty FROM order_items WHERE (order_id, product_id) = ($1, $2)

-- is distinct from
SELECT id FROM orders WHERE status IS DISTINCT FROM $1

-- join on
SELECT o.id, u.email FROM orders o JOIN users u ON u.id = o.user_id WHERE o.status = $1 ORDER BY o.placed_at DESC LIMIT $2

-- left join
SELECT u.id, count(o.id) FROM users u LEFT JOIN orders o ON o.user_id = u.id AND o.status = $1 WHERE u.org_id = $2 GROUP BY u.id

-- using
SELECT * FROM order_items JOIN (SELECT id AS product_id, title FROM products) p USING (product_id) WHERE product_id = $1

-- natural
SELECT qty FROM order_items NATURAL JOIN (SELECT id AS order_id FROM orders WHERE user_id = $1) o

-- cross and comma
SELECT u.id FROM users u, orgs g CROSS JOIN products p WHERE u.org_id = g.id AND p.price > $1

-- full join
SELECT a.id, b.id FROM users a FULL JOIN orders b ON a.id = b.user_id

-- nested join
SELECT u.id FROM users u LEFT JOIN (orders o JOIN order_items i ON i.order_id = o.id) ON o.user_id = u.id WHERE u.email = $1

-- many joins
SELECT u.email, o.id, p.title FROM users u INNER JOIN orders o ON o.user_id = u.id INNER JOIN order_items i ON i.order_id = o.id LEFT OUTER JOIN products p ON p.id = i.product_id WHERE u.id = $1

-- exists
SELECT u.id FROM users u WHERE EXISTS (SELECT $1 FROM orders o WHERE o.user_id = u.id AND o.status = $2)

-- not exists
SELECT u.id FROM users u WHERE NOT EXISTS (SELECT FROM orders o WHERE o.user_id = u.id)

-- in subquery
SELECT * FROM users WHERE id IN (SELECT user_id FROM orders WHERE total > $1)

-- not in subquery
SELECT * FROM users WHERE id NOT IN (SELECT user_id FROM orders WHERE total > $1)

-- any subquery
SELECT * FROM users WHERE id = ANY (SELECT user_id FROM orders WHERE placed_on = $1)

-- scalar subquery
SELECT u.id, (SELECT max(o.placed_at) FROM orders o WHERE o.user_id = u.id) AS last FROM users u WHERE u.id = $1

-- scalar comparison
SELECT id FROM orders WHERE total > (SELECT avg(total) FROM orders WHERE status = $1)

-- lateral
SELECT u.id, l.total FROM users u CROSS JOIN LATERAL (SELECT total FROM orders o WHERE o.user_id = u.id ORDER BY o.placed_at DESC LIMIT $1) l WHERE u.org_id = $2

-- lateral left
SELECT u.id, l.id FROM users u LEFT JOIN LATERAL (SELECT o.id FROM orders o WHERE o.user_id = u.id LIMIT $1) l ON $2 WHERE u.id > $3

-- lateral function
SELECT p.id, t FROM products p, LATERAL unnest(p.tags) AS t WHERE t = $1

-- function with ordinality
SELECT x.ord, u.id FROM unnest($1::bigint[]) WITH ORDINALITY AS x(id, ord) JOIN users u ON u.id = x.id ORDER BY x.ord

-- jsonb elements
SELECT e.value ->> $1 FROM products p, jsonb_array_elements(p.attrs -> $2) AS e(value) WHERE p.id = $3

-- rows from
SELECT * FROM ROWS FROM (generate_series($1, $2), unnest($3::text[])) AS r(n, t)

-- json to recordset
SELECT x.a FROM jsonb_to_recordset($1) AS x(a int, b text) WHERE x.b = $2

-- series join
SELECT d, count(o.id) FROM generate_series($1::date, $2::date, $3::interval) AS d LEFT JOIN orders o ON o.placed_on = d GROUP BY d ORDER BY d

-- derived filter
SELECT s.user_id FROM (SELECT user_id, status, total FROM orders) s WHERE s.status = $1 AND s.total > $2

-- derived group
SELECT s.user_id FROM (SELECT user_id, sum(total) AS t FROM orders GROUP BY user_id) s WHERE s.user_id = $1 AND s.t > $2

-- derived limit
SELECT s.id FROM (SELECT id, status FROM orders ORDER BY placed_at LIMIT $1) s WHERE s.status = $2

-- derived column aliases
SELECT s.a FROM (SELECT id, status FROM orders) AS s(a, b) WHERE s.b = $1

-- table column aliases
SELECT o.a FROM orders AS o(a, b) WHERE o.b = $1

-- values
SELECT u.id FROM users u JOIN (VALUES ($1::bigint, $2), ($3, $4)) AS v(id, label) ON v.id = u.id

-- cte
WITH recent AS (SELECT id, user_id FROM orders WHERE placed_at > $1) SELECT u.email FROM recent r JOIN users u ON u.id = r.user_id WHERE r.user_id = $2

-- cte twice
WITH r AS (SELECT id, user_id FROM orders WHERE placed_at > $1) SELECT a.id FROM r a JOIN r b ON a.user_id = b.user_id WHERE a.id = $2

-- cte materialized
WITH r AS MATERIALIZED (SELECT * FROM orders) SELECT id FROM r WHERE status = $1

-- cte not materialized
WITH r AS NOT MATERIALIZED (SELECT * FROM orders) SELECT a.id FROM r a, r b WHERE a.status = $1 AND b.status = $2

-- recursive
WITH RECURSIVE tree AS (SELECT id, parent_id, $1 AS depth FROM orgs WHERE id = $2 UNION ALL SELECT o.id, o.parent_id, t.depth + $3 FROM orgs o JOIN tree t ON o.parent_id = t.id WHERE t.depth < $4) SELECT * FROM tree ORDER BY depth

-- recursive column names
WITH RECURSIVE t(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM t WHERE n < 100) SELECT sum(n) FROM t

-- recursive search
WITH RECURSIVE t(id, pid) AS (SELECT id, parent_id FROM orgs WHERE parent_id IS NULL UNION ALL SELECT o.id, o.parent_id FROM orgs o JOIN t ON t.id = o.parent_id) SEARCH DEPTH FIRST BY id SET ord CYCLE id SET is_cycle USING path SELECT * FROM t ORDER BY ord

-- cte shadows table
WITH users AS (SELECT id FROM orgs WHERE name = $1) SELECT id FROM users WHERE id = $2

-- data modifying cte
WITH gone AS (DELETE FROM jobs WHERE state = $1 RETURNING id, payload) INSERT INTO audit.log (id, action) SELECT id, $2 FROM gone

-- union all
SELECT id FROM users WHERE org_id = $1 UNION ALL SELECT id FROM orgs WHERE parent_id = $2 ORDER BY id LIMIT $3

-- union in derived
SELECT s.id FROM (SELECT id, user_id FROM orders WHERE status = $1 UNION ALL SELECT id, user_id FROM events WHERE kind = $2) s WHERE s.user_id = $3

-- intersect except
(SELECT id FROM users INTERSECT SELECT user_id FROM orders) EXCEPT SELECT actor_id FROM audit.log WHERE action = $1

-- distinct
SELECT DISTINCT status FROM orders WHERE user_id = $1

-- distinct on
SELECT DISTINCT ON (user_id) user_id, id, placed_at FROM orders WHERE status = $1 ORDER BY user_id, placed_at DESC NULLS LAST

-- min max
SELECT min(placed_at), max(placed_at) FROM orders WHERE user_id = $1

-- group ordinal
SELECT status, count(*) FROM orders GROUP BY 1 ORDER BY 2 DESC

-- group having
SELECT user_id, count(*) AS n FROM orders WHERE placed_at > $1 GROUP BY user_id HAVING count(*) > $2 AND user_id > $3 ORDER BY n DESC

-- grouping sets
SELECT status, user_id, sum(total) FROM orders GROUP BY GROUPING SETS ((status), (user_id), ())

-- rollup cube
SELECT status, placed_on, sum(total) FROM orders GROUP BY ROLLUP (status, placed_on), CUBE (user_id)

-- group by distinct
SELECT status, count(*) FROM orders GROUP BY DISTINCT ROLLUP (status), ROLLUP (status, user_id)

-- filter aggregate
SELECT count(*) FILTER (WHERE status = $1), sum(total) FILTER (WHERE status = $2 AND total > $3) FROM orders

-- ordered set
SELECT percentile_cont($1) WITHIN GROUP (ORDER BY total) FROM orders WHERE user_id = $2

-- string agg
SELECT string_agg(DISTINCT name, $1 ORDER BY name) FROM users WHERE org_id = $2

-- window
SELECT id, row_number() OVER (PARTITION BY user_id ORDER BY placed_at DESC) AS rn FROM orders WHERE status = $1

-- window named
SELECT id, sum(total) OVER w, lag(total, $1) OVER w FROM orders WHERE user_id = $2 WINDOW w AS (PARTITION BY user_id ORDER BY placed_at ROWS BETWEEN $3 PRECEDING AND CURRENT ROW)

-- window frame range
SELECT id, avg(total) OVER (ORDER BY placed_at RANGE BETWEEN $1::interval PRECEDING AND UNBOUNDED FOLLOWING EXCLUDE TIES) FROM orders

-- top per group
SELECT * FROM (SELECT o.*, rank() OVER (PARTITION BY o.user_id ORDER BY o.total DESC) AS r FROM orders o) x WHERE x.r <= $1 AND x.user_id = $2

-- order nulls
SELECT id FROM orders ORDER BY placed_at DESC NULLS LAST, id ASC NULLS FIRST

-- order using
SELECT id FROM orders ORDER BY placed_at USING >

-- order alias
SELECT id, lower(name) AS ln FROM users ORDER BY ln LIMIT $1

-- order expression
SELECT id FROM users ORDER BY lower(email) DESC LIMIT $1

-- order ordinal
SELECT placed_at, id FROM orders WHERE user_id = $1 ORDER BY 1 DESC, 2 LIMIT 20 OFFSET 40

-- order distance
SELECT id FROM events ORDER BY point(score, score) <-> point($1, $2) LIMIT $3

-- fetch first
SELECT id FROM orders ORDER BY id OFFSET $1 ROWS FETCH FIRST $2 ROWS ONLY

-- fetch with ties
SELECT id FROM orders ORDER BY total DESC FETCH FIRST $1 ROWS WITH TIES

-- limit all
SELECT id FROM orders LIMIT ALL OFFSET $1

-- for update
SELECT * FROM jobs WHERE id = $1 FOR UPDATE

-- skip locked
SELECT id FROM jobs WHERE queue = $1 AND state = $2 AND run_at <= now() ORDER BY run_at LIMIT $3 FOR UPDATE SKIP LOCKED

-- for no key update of
SELECT j.id FROM jobs j JOIN users u ON u.id = j.id WHERE j.state = $1 FOR NO KEY UPDATE OF j, u NOWAIT

-- for key share
SELECT $2 FROM ONLY users x WHERE id OPERATOR(pg_catalog.=) $1 FOR KEY SHARE OF x

-- for share twice
SELECT u.id FROM users u, orgs g WHERE u.org_id = g.id FOR UPDATE OF u FOR SHARE OF g

-- tablesample
SELECT id FROM orders TABLESAMPLE SYSTEM ($1) WHERE status = $2

-- tablesample repeatable
SELECT id FROM orders o TABLESAMPLE BERNOULLI ($1) REPEATABLE ($2)

-- only and star
SELECT * FROM ONLY users

-- quoted
SELECT "Id", "Qty" FROM "Order Lines" WHERE "orderId" = $1 ORDER BY "Id"

-- schema qualified
SELECT audit.log.action, l."Data" ->> $1 FROM audit.log, audit.log l WHERE audit.log.actor_id = $2 AND l.id = audit.log.id

-- fully qualified column
SELECT public.users.email FROM public.users WHERE public.users.id = $1

-- case folding
SELECT U.EMAIL FROM USERS AS U WHERE U.Id = $1

-- case expression
SELECT CASE WHEN status = $1 THEN total ELSE $2 END FROM orders WHERE CASE status WHEN $3 THEN total > $4 ELSE $5 END

-- coalesce
SELECT id FROM users WHERE coalesce(name, $1) = $2

-- arithmetic on column
SELECT id FROM orders WHERE total * $1 > $2 AND id + $3 = $4

-- interval arithmetic
SELECT id FROM orders WHERE placed_at > now() - $1::interval

-- interval literal
SELECT id FROM orders WHERE placed_at > now() - interval '7 days' AND placed_at < current_timestamp - '1 day'::interval

-- at time zone
SELECT (placed_at AT TIME ZONE $1)::date AS d, count(*) FROM orders GROUP BY (placed_at AT TIME ZONE $1)::date

-- collate
SELECT id FROM users WHERE name COLLATE "C" > $1 ORDER BY name COLLATE "C"

-- cast column
SELECT id FROM orders WHERE placed_at::date = $1 AND id::text = $2 AND CAST(total AS int) = $3

-- extract
SELECT extract(year FROM placed_at), count(*) FROM orders WHERE extract(dow FROM placed_at) = $1 GROUP BY 1

-- overlaps
SELECT id FROM orders WHERE (placed_at, placed_at) OVERLAPS ($1::timestamptz, $2::timestamptz)

-- array subquery
SELECT ARRAY(SELECT id FROM orders o WHERE o.user_id = u.id ORDER BY id) FROM users u WHERE u.id = $1

-- array access
SELECT tags[1], tags[$1:$2] FROM products WHERE tags[$3] = $4

-- composite access
SELECT (u).email, u.*::text FROM users u WHERE (u).id = $1

-- inet
SELECT id FROM events WHERE ip << $1 AND ip <<= $2::inet

-- custom operator
SELECT id FROM users WHERE name OPERATOR(pg_catalog.~) $1 AND id OPERATOR(pg_catalog.=) $2

-- positional text functions
SELECT position($1 IN name), overlay(name PLACING $2 FROM $3 FOR $4), trim(BOTH $5 FROM name) FROM users

-- named arguments
SELECT make_interval(days => $1), id FROM users WHERE created_at > now() - make_interval(hours => $2)

-- variadic
SELECT jsonb_extract_path_text(attrs, VARIADIC $1::text[]) FROM products

-- xml and strings
SELECT E'a\'b', U&'\0041', $$dollar 'quoted'$$, B'101', X'1F' FROM users WHERE name = $1

-- comments
/* app:web */ SELECT /* in */ id -- trailing
FROM users WHERE id = $1 /*controller='x'*/

-- insert
INSERT INTO orders (id, user_id, status) VALUES ($1, $2, $3)

-- insert many
INSERT INTO order_items (order_id, product_id, qty) VALUES ($1, $2, $3), ($4, $5, $6)

-- insert returning
INSERT INTO users (id, email) VALUES ($1, $2) RETURNING id, created_at

-- insert no columns
INSERT INTO orgs VALUES ($1, $2, DEFAULT)

-- insert default
INSERT INTO users DEFAULT VALUES

-- insert select
INSERT INTO audit.log (id, actor_id, action) SELECT o.id, o.user_id, $1 FROM orders o WHERE o.status = $2

-- insert overriding
INSERT INTO orgs (id, name) OVERRIDING SYSTEM VALUE VALUES ($1, $2)

-- upsert
INSERT INTO users AS u (id, email, name) VALUES ($1, $2, $3) ON CONFLICT (id) DO UPDATE SET name = EXCLUDED.name, email = $4 WHERE u.active = $5 RETURNING u.id

-- upsert constraint
INSERT INTO users (id, email) VALUES ($1, $2) ON CONFLICT ON CONSTRAINT users_pkey DO NOTHING

-- upsert partial
INSERT INTO users (id, email) VALUES ($1, $2) ON CONFLICT (id) WHERE active DO NOTHING

-- insert unnest
INSERT INTO order_items (order_id, product_id) SELECT * FROM unnest($1::bigint[], $2::bigint[])

-- update
UPDATE orders SET status = $1, total = total + $2 WHERE id = $3

-- update from
UPDATE orders AS o SET status = $1 FROM users u WHERE u.id = o.user_id AND u.email = $2 RETURNING o.id

-- update from join
UPDATE orders SET note = p.title FROM order_items i JOIN products p ON p.id = i.product_id WHERE i.order_id = orders.id AND p.sku = $1

-- update multi
UPDATE orders SET (status, note) = ($1, $2) WHERE id = $3

-- update multi subquery
UPDATE orders SET (status, note) = (SELECT kind, $1 FROM events e WHERE e.user_id = orders.user_id LIMIT $2) WHERE id = $3

-- update queue
UPDATE jobs SET state = $1, attempts = attempts + $2 WHERE id = (SELECT id FROM jobs WHERE queue = $3 AND state = $4 ORDER BY run_at LIMIT $5 FOR UPDATE SKIP LOCKED) RETURNING *

-- update only
UPDATE ONLY users SET active = $1 WHERE id = $2

-- update default and json
UPDATE users SET profile = jsonb_set(profile, $1, $2), name = DEFAULT WHERE id = $3

-- update cte
WITH x AS (SELECT id FROM users WHERE org_id = $1) UPDATE orders SET status = $2 FROM x WHERE x.id = orders.user_id

-- update current of
UPDATE orders SET status = $1 WHERE CURRENT OF c

-- delete
DELETE FROM orders WHERE id = $1

-- delete using
DELETE FROM order_items i USING orders o WHERE o.id = i.order_id AND o.status = $1 RETURNING i.*

-- delete subquery
DELETE FROM jobs WHERE id IN (SELECT id FROM jobs WHERE state = $1 ORDER BY run_at LIMIT $2 FOR UPDATE SKIP LOCKED)

-- delete ctid
DELETE FROM events WHERE ctid = ANY(ARRAY(SELECT ctid FROM events WHERE at < $1 LIMIT $2))

-- merge
MERGE INTO users AS t USING (SELECT user_id, max(placed_at) AS last FROM orders GROUP BY user_id) s ON t.id = s.user_id WHEN MATCHED AND s.last < $1 THEN DELETE WHEN MATCHED THEN UPDATE SET created_at = s.last WHEN NOT MATCHED THEN INSERT (id, email) VALUES (s.user_id, $2)

-- merge matched only
MERGE INTO orders o USING users u ON u.id = o.user_id AND u.org_id = $1 WHEN MATCHED THEN UPDATE SET status = $2

-- merge cte
WITH s AS (SELECT id FROM users WHERE org_id = $1) MERGE INTO orders o USING s ON o.user_id = s.id WHEN MATCHED AND o.status = $2 THEN DO NOTHING WHEN NOT MATCHED THEN INSERT (id, user_id) VALUES ($3, s.id)

-- table command
TABLE users

-- values command
VALUES ($1, $2), ($3, $4)

-- select into
SELECT id INTO TEMP x FROM users WHERE org_id = $1

-- no from
SELECT $1, now(), version()

-- empty select list
SELECT FROM users WHERE id = $1

-- django
SELECT "users"."id", "users"."email", "users"."name" FROM "users" WHERE ("users"."active" AND "users"."org_id" = $1) ORDER BY "users"."id" ASC LIMIT $2

-- django count
SELECT COUNT(*) AS "__count" FROM "orders" INNER JOIN "users" ON ("orders"."user_id" = "users"."id") WHERE (UPPER("users"."email"::text) LIKE UPPER($1) AND "orders"."placed_at" >= $2)

-- django prefetch
SELECT "order_items"."order_id", "order_items"."qty" FROM "order_items" WHERE "order_items"."order_id" IN ($1, $2, $3, $4, $5)

-- django exists
SELECT $1 AS "a" FROM "users" WHERE "users"."email" = $2 LIMIT $3

-- sqlalchemy
SELECT users.id AS users_id, users.email AS users_email, orders_1.id AS orders_1_id FROM users LEFT OUTER JOIN orders AS orders_1 ON users.id = orders_1.user_id WHERE users.id = $1::BIGINT

-- sqlalchemy selectin
SELECT orders.user_id AS orders_user_id, orders.id AS orders_id FROM orders WHERE orders.user_id IN ($1::BIGINT, $2::BIGINT, $3::BIGINT)

-- activerecord
SELECT "orders".* FROM "orders" WHERE "orders"."user_id" = $1 AND "orders"."status" != $2 ORDER BY "orders"."placed_at" DESC LIMIT $3

-- activerecord exists
SELECT 1 AS one FROM "users" WHERE "users"."email" = $1 AND "users"."id" != $2 LIMIT $3

-- hibernate
select u1_0.id,u1_0.email,o1_0.user_id,o1_0.id,o1_0.status from users u1_0 left join orders o1_0 on u1_0.id=o1_0.user_id where u1_0.org_id=$1 order by u1_0.email offset $2 rows fetch first $3 rows only

-- prisma
SELECT "public"."users"."id", "public"."users"."email" FROM "public"."users" WHERE ("public"."users"."email" = $1 AND 1=1) LIMIT $2 OFFSET $3

-- prisma aggregate
SELECT COUNT(*) FROM (SELECT "public"."orders"."id" FROM "public"."orders" WHERE "public"."orders"."status" = $1 OFFSET $2) AS "sub"

-- prisma join
SELECT "t0"."id", "User_orders"."__prisma_data__" AS "orders" FROM "public"."users" AS "t0" LEFT JOIN LATERAL (SELECT COALESCE(JSONB_AGG("__prisma_data__"), '[]') AS "__prisma_data__" FROM (SELECT "t2"."__prisma_data__" FROM (SELECT JSONB_BUILD_OBJECT('id', "t1"."id") AS "__prisma_data__", "t1"."id" FROM (SELECT "t3".* FROM "public"."orders" AS "t3" WHERE "t0"."id" = "t3"."user_id" /* root select */) AS "t1" /* inner select */) AS "t2" /* middle select */) AS "t4" /* outer select */) AS "User_orders" ON true WHERE "t0"."id" = $1 LIMIT $2

-- typeorm
SELECT DISTINCT "distinctAlias"."User_id" AS "ids_User_id" FROM (SELECT "User"."id" AS "User_id", "User"."email" AS "User_email" FROM "users" "User" LEFT JOIN "orders" "o" ON "o"."user_id"="User"."id" WHERE "User"."org_id" = $1) "distinctAlias" ORDER BY "User_id" ASC LIMIT 1

-- sequelize
SELECT "User"."id", "User"."email", "orders"."id" AS "orders.id", "orders"."status" AS "orders.status" FROM "users" AS "User" LEFT OUTER JOIN "orders" AS "orders" ON "User"."id" = "orders"."user_id" WHERE "User"."id" = $1

-- ecto
SELECT u0."id", u0."email" FROM "users" AS u0 WHERE (u0."org_id" = $1) AND (u0."deleted_at" IS NULL) ORDER BY u0."id" LIMIT $2

-- ecto preload
SELECT o0."id", o0."user_id", o0."user_id" FROM "orders" AS o0 WHERE (o0."user_id" = ANY($1)) ORDER BY o0."user_id"

-- laravel
select * from "users" where "users"."id" = $1 and "users"."deleted_at" is null limit $2

-- sidekiq like queue
WITH picked AS MATERIALIZED (SELECT id FROM jobs WHERE state = $1 AND run_at <= $2 ORDER BY run_at FOR UPDATE SKIP LOCKED LIMIT $3) UPDATE jobs SET state = $4 FROM picked WHERE picked.id = jobs.id RETURNING jobs.*

-- foreign key trigger
DELETE FROM ONLY "public"."order_items" WHERE $1 OPERATOR(pg_catalog.=) "order_id"
