\set ON_ERROR_STOP on
\set tenant '\'c4ca4238-a0b9-2382-0dcc-509a6f75849b\''
\set since 2026-01-01
\timing off
\pset pager off
BEGIN;
SET LOCAL search_path = billing, public;
SELECT slug FROM billing.tenant WHERE id = :tenant;
SELECT * FROM billing.invoice WHERE tenant_id = :tenant::uuid AND issued_on >= :'since' AND customer_id = 3;
SELECT * FROM billing.invoice WHERE tenant_id = :tenant::uuid AND customer_id = 3 AND issued_on >= date :'since';
SELECT customer_id, issued_on, total,
       sum(total) OVER w AS running, lag(total) OVER w AS before, rank() OVER (PARTITION BY customer_id ORDER BY total DESC)
FROM billing.invoice WHERE tenant_id = :tenant::uuid
WINDOW w AS (PARTITION BY customer_id ORDER BY issued_on ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
\g /tmp/never
WITH RECURSIVE months(m) AS (SELECT date '2026-01-01' UNION ALL SELECT (m + interval '1 month')::date FROM months WHERE m < date '2026-12-01')
SELECT m, (SELECT count(*) FROM billing.subscription s WHERE s.tenant_id = :tenant::uuid AND s.customer_id = 7 AND s.starts_on <= m) FROM months;
SELECT c.id, latest.*
FROM billing.customer c
CROSS JOIN LATERAL (SELECT i.id AS invoice_id, i.total FROM billing.invoice i WHERE i.tenant_id = c.tenant_id AND i.customer_id = c.id ORDER BY i.issued_on DESC LIMIT 3) latest
WHERE c.tenant_id = :tenant;
SELECT slug FROM :"schema".tenant;
\gexec
TABLE billing.plan;
VALUES (1, 'a'), (2, 'b');
DECLARE cur CURSOR FOR SELECT * FROM billing.payment WHERE state = 'never';
FETCH 10 FROM cur;
CLOSE cur;
COPY (SELECT * FROM billing.invoice WHERE total > 3) TO STDOUT WITH (FORMAT csv);
\copy (SELECT * FROM billing.invoice) TO '/tmp/x.csv' CSV
EXPLAIN (COSTS OFF) SELECT * FROM billing.payment WHERE state = 'never';
PREPARE p(bigint) AS SELECT * FROM billing.outbox WHERE id = $1;
EXECUTE p(1);
DEALLOCATE p;
DO $do$ BEGIN PERFORM 1; RAISE NOTICE 'x; y'; END $do$;
CREATE OR REPLACE FUNCTION pg_temp.f(a int) RETURNS int LANGUAGE plpgsql AS $$
DECLARE r record;
BEGIN
  FOR r IN SELECT * FROM billing.payment WHERE state = 'x' LOOP NULL; END LOOP;
  RETURN a;
END;
$$;
CREATE TEMP TABLE t AS SELECT 1 AS a;
SELECT * INTO TEMP u FROM billing.plan WHERE id = 1;
REFRESH MATERIALIZED VIEW CONCURRENTLY billing.daily_revenue;
CALL pg_temp.nothing();
ROLLBACK;
SELECT * FROM billing.plan TABLESAMPLE BERNOULLI (10) REPEATABLE (1);
SELECT count(*) FROM billing.customer; -- the end
