-- Texts as pg_stat_statements 1.10 (PostgreSQL 15) and 1.12 (18) show them: one a line, over the tables of schema.sql. The live tests prepare what repair() makes of them.
delete from events where at < now()::timestamp - interval $1 and extract($2 from at) in ($3 /*, ... */) and id in (select id from events order by at limit $4)
delete from events where at < now()::timestamp - interval $1 and extract($2 from at) in ($3, $4) and id in (select id from events order by at limit $5)
delete from jobs where run_at < now() - interval $1 and attempts >= $2+$3
insert into events (id, at, span, score, flag, payload, ip, day) values ($1, timestamp $2, interval $3, $4, $5, $6, $7, current_date - $8)
insert into jobs(id, queue) select $1+g, $2 from generate_series($3,$4) g
insert into jobs(id, queue, attempts, run_at) values ($1+$2, $3||$4, $5+$6, now() + interval $7)
insert into jobs(id,queue) values ($1,$2) on conflict (id) do update set attempts = jobs.attempts + $3, run_at = now() + $4 * interval $5
merge into orders o using (values ($1, $2), ($3, $4)) v(id, s) on o.id = v.id when matched and o.total > $5 + $6 then update set status = v.s, placed_at = now() - interval $7 when not matched then insert (id, status) values (v.id, $8 || $9)
select $1 / $2 * total, total + $3, (total - $4) / $5, -total, $6 - total from orders where total > $7 * $8
select $1 as x union all select name from users
select $1 collate "C", $2 < $3, $4 <> $5, $6 = $7 from users
select $1 in ($2 /*, ... */), $3 = any($4::int[]), exists(select $5), not exists (select $6 from users where id = $7)
select $1 in ($2,$3), $4 = any($5::int[]), exists(select $6), not exists (select $7 from users where id = $8)
select $1 union all select $2
select $1 || $2 || name, name || $3 || $4, $5 || name from users where name || $6 like $7 || $8
select $1+$2, $3*$4, $5||$6, $7, $8, $9^$10, $11 % $12 from users
select $1, $2, $3, $4 and id = $5, not $6 from products where $7
select $1::text, cast($2 as int), $3::date + $4, $5::numeric(10,2), $6::int[] from products
select (date $1, date $2) overlaps (date $3, interval $4)
select (placed_at at time zone $1)::date, count(*) from orders group by (placed_at at time zone 'UTC')::date
select * from (values ($1,$2),($3,$4)) v(a,b) where a = $5
select * from generate_series($1, (select max(id) from orders)) s(n), generate_series(current_date - $2, current_date, $3) d, generate_series($4, $5, $6) e
select * from generate_series($1,$2)
select * from generate_series($1::date,$2::date, interval $3)
select * from generate_series($1::timestamp,$2, $3)
select array(select $1), (select $2), (select $3 + $4) from users limit $5
select array[$1 /*, ... */], array[$2 /*, ... */], array[$3], array[[$4 /*, ... */],[$5 /*, ... */]] from products where id = any(array[$6 /*, ... */]) and tags && array[$7 /*, ... */]
select array[$1,$2], array[$3,$4], array[$5], array[[$6,$7],[$8,$9]] from products where id = any(array[$10,$11,$12]) and tags && array[$13,$14]
select attrs->$1->$2->>$3, attrs->>$4, attrs#>$5, attrs[$6], attrs - $7, attrs ? $8 from products
select attrs->>$1, count(*) from products group by attrs->>'color' order by count(*) desc limit $2
select case when total < $1 then $2 when total < $3 then $4 else $5 end as bucket, count(*) from orders group by case when total < 10 then 'low' when total < 100 then 'mid' else 'high' end
select cast($1 as int), $2::text, coalesce($3, $4, $5), greatest($6, $7), nullif($8, $9), case $10 when $11 then $12 end
select coalesce(status, $1), count(*) filter (where total > $2), sum(case when status = $3 then $4 else $5 end), avg(case when total > $6 then $7 else $8 end) from orders group by coalesce(status, 'none') having sum(case when status = $9 then $10 else $11 end) > $12
select concat($1, name), concat_ws($2, $3, name), format($4, name, $5), jsonb_build_object($6, name, $7, $8), json_build_array($9, $10, name), num_nulls($11, name) from users
select concat(name, $1, email, $2), concat_ws($3, name, $4), format($5, id, $6) from users where concat(name, $7) = $8
select count(*) from orders where (placed_at, id) > (timestamptz $1, $2) and row($3, $4) < row(id, user_id)
select count(*) from users where created_at > date_trunc($1, current_date) - interval $2 * $3
select crypt from (select $1 as crypt) s where crypt = $2 or $3 = $4 or $5 = $6
select current_date - $1, current_date + $2, current_date - interval $3, now() - interval $4, placed_on - $5 , placed_on - date $6, current_timestamp(3), localtime(0) from orders
select date $1, timestamp $2, timestamptz $3, time $4, timetz $5, numeric $6, float8 $7, bool $8, int4 $9, text $10, jsonb $11, uuid $12, bytea $13, inet $14, point $15 from users
select date_trunc($1, placed_at) as d, sum(total) from orders where date_trunc($2, placed_at) > now() - interval $3 group by date_trunc('day', placed_at), status order by 1
select date_trunc($1, placed_at), count(*) from orders group by date_trunc('month', placed_at) order by date_trunc('month', placed_at) desc
select date_trunc($1, placed_at), date_part($2, placed_at), to_char(placed_at, $3), placed_at at time zone $4, age(placed_at), make_interval(days => $5), to_timestamp($6), date_bin($7, placed_at, timestamp $8) from orders
select daterange($1, $2, $3) @> placed_on, int4range($4, $5), tsrange(now()::timestamp, $6), $7::int4range * $8 from orders limit $9
select distinct $1, $2 from products
select distinct lower(coalesce(name, $1)) from users order by lower(coalesce(name, ''))
select extract($1 from (now() - placed_at)) / $2, extract($3 from placed_at + interval $4), date_part($5, now() - placed_at) > $6 from orders where extract($7 from now() - placed_at) > $8 * $9
select extract($1 from created_at), extract($2 from created_at), extract($3 from now()) from users
select extract($1 from placed_at), extract($2 from placed_at), sum(total * $3) from orders group by extract(year from placed_at), extract(month from placed_at)
select generate_series($1,$2) from users
select generate_series(date $1, date $2, interval $3)
select greatest(total, $1), least($2, $3), nullif(total, $4), total / nullif($5, $6) from orders where coalesce(total, $7) > $8 and nullif(status, $9) is not null
select id from events where at > now() - $1::interval and span > interval $2 and flag = $3 and score > $4 and ip << $5
select id from events where day between current_date - $1 and current_date + $2 and at >= now() - interval $3 day
select id from events where span > interval $1 hour and span < interval $2 year to month and at::time > time $3 and ip <<= inet $4 and point(score, score) <@ box $5
select id from orders tablesample bernoulli ($1) repeatable ($2)
select id from orders where placed_at + interval $1 < now() and placed_on - $2 > date $3
select id from orders where placed_on = date $1 + $2 and placed_on + $3 > current_date
select id from products group by id having count(*) > $1 order by 1
select id from products where id in ($1 /*, ... */) limit $2 offset $3
select id from products where id in ($1,$2) limit $3 offset $4
select id from products where valid && daterange $1 and price between numeric $2 and numeric $3 + $4 and sku = text $5 and attrs = jsonb $6
select id from users where ($1 is null or org_id = $2) and id in (select unnest(array[$3 /*, ... */]))
select id from users where ($1 is null or org_id = $2) and id in (select unnest(array[$3,$4,$5]))
select id from users where created_at > current_date - $1 and created_at < current_timestamp - interval $2 * $3
select id from users where created_at between $1 and $2::timestamptz + $3 * interval $4 fetch first $5 rows only
select id from users where exists (select $1 from orders where user_id = users.id and placed_at > now() - interval $2 limit $3) order by case when id = $4 then $5 else $6 end, id limit $7
select id from users where id = $1 or email in ($2 /*, ... */) or (name, org_id) in (($3, $4), ($5, $6)) or created_at::date = date $7 or $8 is false
select id from users where id = $1 or email in ($2, $3) or (name, org_id) in (($4, $5), ($6, $7)) or created_at::date = date $8 or $9 is false
select id from users where profile->$1->>$2 = $3 and (profile->>$4)::int > $5 and profile @> $6 and profile->$7->$8 = $9
select id, sum($1), abs(-total), $2 + id, id + $3, $4 - $5 - id, ($6 + $7) * id, id % $8, id & $9, $10 << $11, ~$12 from orders group by id
select interval $1 day, interval $2 year to month, interval(3) $3, interval $4 second(2) from users
select interval $1 from users limit $2
select is_json from (select $1 as is_json) x
select json_build_object($1, id, $2, $3, $4, $5, $6, jsonb_build_array($7, id, $8)) from users where id = $9
select jsonb_agg(jsonb_build_object($1, $2, $3, id) order by id) from users
select jsonb_set($1, $2, $3), jsonb_set(attrs, $4, $5, $6), to_json($7::text), to_jsonb($8), jsonb_path_query(attrs, $9), json_build_object($10, $11), row_to_json(row($12,$13)), jsonb_array_elements($14), jsonb_each($15) from products
select lag(id, $1, $2) over (order by id), ntile($3) over (order by id), nth_value(id, $4) over (order by id rows between $5 preceding and $6 following) from products
select make_date($1, $2, $3), to_date($4, $5), justify_days(interval $6), clock_timestamp(), timezone($7, now()), extract($8 from interval $9), isfinite(date $10) limit $11
select min(id) + $1, max(total) - min(total) * $2, count(*) * $3 / $4, sum(qty * price) * $5 from orders join order_items on order_id = id
select name is $1 normalized, normalize(name, $2), name is not $3 normalized from users where normalize(name, $4) = $5
select normalize($1, $2), normalize(name), name is normalized, name is $3 normalized from users
select now() - $1 * interval $2, $3 * interval $4, interval $5 * $6, $7::interval / $8
select now()::date - $1, now() + $2, date_trunc($3, now()) - interval $4, date_trunc($5, current_date) + interval $6 - interval $7, localtimestamp - interval $8 hour
select numeric(10,2) $1, timestamp(0) with time zone $2, time(3) without time zone $3, character varying(10) $4, float $5, decimal(5) $6 , bit varying $7, real $8, smallint $9, bigint $10, boolean $11, oid $12, regclass $13, jsonpath $14, daterange $15, money $16, uuid $17, cidr $18, macaddr $19, tsquery $20, tsvector $21, xml $22, name $23, box $24
select overlay($1 placing $2 from $3), bit_length($4), $5, $6, $7, $8, $9 from users limit $10
select percentile_cont($1) within group (order by total), mode() within group (order by status) from orders
select pg_catalog.date $1 from users limit $2
select pg_typeof($1), pg_sleep($2), pg_advisory_lock($3), current_setting($4, $5) from products limit $6
select pg_typeof($1), to_json($2::text), to_jsonb($3), unnest($4::int[]), array_fill($5, array[$6]), array_length(array[$7 /*, ... */], $8), cardinality(array[$9])
select pg_typeof($1), to_json($2::text), to_jsonb($3), unnest($4::int[]), array_fill($5, array[$6]), array_length(array[$7,$8], $9), cardinality(array[$10])
select regexp_replace(name, $1, $2, $3), regexp_matches(name, $4), split_part(name, $5, $6), strpos(name, $7), replace(name, $8, $9), repeat($10, $11), chr($12), ascii($13), md5($14), encode($15, $16), decode($17,$18), length($19), upper($20), lower($21), initcap($22), reverse($23), quote_literal($24), translate(name,$25,$26) from users
select round(avg(total), $1), round((sum(total) / $2)::numeric, $3), trunc($4, $5), mod(id, $6) , power(id, $7), $8 * count(*) / $9 from orders group by mod(id, 10), id
select round(price, $1), round($2, $3), floor($4), power($5, $6), mod($7, $8), abs($9), random() * $10, width_bucket($11, $12, $13, $14), setseed($15) from products
select row($1,$2), ($3,$4) = ($5,$6), $7 between $8 and $9, $10 like $11, case when id = $12 then $13 else $14 end, coalesce($15, $16), nullif($17,$18), greatest($19,$20), least(id, $21) from products
select substring(email from $1 for $2), substring(email from $3), substr(email, $4, $5), left(email, $6) from users where substring(email, $7, $8) = $9
select substring(name from $1 for $2), substring(name, $3), substring(name from $4), substring(name similar $5 escape $6), overlay(name placing $7 from $8 for $9), position($10 in name), trim($11 from name), trim(leading from name), left(name, $12), lpad(name, $13, $14) from users
select sum($1), count($2), max($3), min($4), array_agg($5), string_agg($6, $7), jsonb_agg($8) from products
select sum(total) over (order by placed_at range between interval $1 preceding and current row) from orders
select timestamp with time zone $1, timestamp without time zone $2, time with time zone $3, timestamp(3) $4, double precision $5, character varying $6, bit $7, national character $8, char(3) $9, dec $10 from users limit $11
select to_char(now(), $1), to_char(date $2, $3), to_char($4, $5), date_part($6, timestamp $7), date_trunc($8, timestamptz $9), age(timestamp $10), age(now(), $11)
select to_tsvector($1, title), to_tsquery($2), title @@ $3, setweight(search, $4), ts_headline($5, title, to_tsquery($6), $7) from products
select u.id from users u where u.id = any(array[$1 /*, ... */]) and u.org_id <> all(array[$2 /*, ... */]) and not (u.id = any ($3))
select u.id from users u where u.id = any(array[$1,$2]) and u.org_id <> all(array[$3,$4]) and not (u.id = any ($5))
select unnest(array[$1 /*, ... */]), unnest($2::text[]), array_length(tags, $3), tags[$4], tags[$5:$6], array_append(tags, $7), array_remove(tags, $8), array_cat(tags, array[$9]), array_to_string(tags, $10), cardinality(tags), tags || array[$11] from products
select unnest(array[$1,$2]), unnest($3::text[]), array_length(tags, $4), tags[$5], tags[$6:$7], array_append(tags, $8), array_remove(tags, $9), array_cat(tags, array[$10]), array_to_string(tags, $11), cardinality(tags), tags || array[$12] from products
select width_bucket(total, $1, $2, $3), floor(total / $4) * $5 from orders group by width_bucket(total, 0, 100, 10), floor(total / 10) * 10
select xmlelement(name a, xmlattributes($1 as y, id as z), $2, name), xmlforest($3 as a, name) from users where id = $4
select xmlelement(name foo, $1, name), xmlforest(name as a, $2 as b), xmlconcat($3, $4), xmlpi(name php, $5) from users
select xmlparse(document $1), xmlserialize(content $2::xml as text), xmlexists($3 passing xmlparse(document $4))
update jobs set attempts = attempts + $1, run_at = now() + interval $2, payload = payload || $3 where id = $4
update jobs set payload = jsonb_set(payload, $1, to_jsonb($2)) where id = $3
update orders set total = total * $1 + $2, placed_at = placed_at + interval $3, placed_on = placed_on + $4, status = case when total > $5 then $6 else $7 end, note = format($8, $9) where id % $10 = $11 and placed_at < now() - interval $12
update users set profile = profile || jsonb_build_object($1, $2), created_at = timestamptz $3 where profile->>$4 is null and id = $5
values ($1,$2),($3,$4)
with recursive d(day, n) as (select current_date - $1, $2 union all select (day + interval $3)::date, n + $4 from d where day < current_date) select count(*) from d
with recursive f(a, b) as (values ($1, $2) union all select b, a + b from f where b < $3) select a from f
with recursive t as (select $1 as n, $2 as path union all select n+$3, path || $4 from t where n < $5) select n from t
with recursive t as (select id, parent_id, $1 as depth, $2 || name as path, array[id] as ids from orgs where id = $3 union all select o.id, o.parent_id, t.depth + $4, t.path || $5 || o.name, t.ids || o.id from orgs o join t on t.id = o.parent_id where t.depth < $6 and not o.id = any(t.ids)) select * from t
with recursive t(n) as (select $1 union all select n+$2 from t where n < $3) select n from t
