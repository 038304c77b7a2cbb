-- name: GetTenant :one
SELECT * FROM billing.tenant WHERE slug = $1 LIMIT 1;

-- name: GetCustomer :one
SELECT sqlc.embed(c), sqlc.embed(t) FROM billing.customer c JOIN billing.tenant t ON t.id = c.tenant_id
WHERE c.tenant_id = @tenant_id AND c.id = @customer_id;

-- name: GetCustomerByEmail :one
SELECT * FROM billing.customer WHERE tenant_id = sqlc.arg('tenant_id') AND lower(email) = lower(@email) AND deleted_at IS NULL;

-- name: CustomersByIDs :many
SELECT * FROM billing.customer WHERE tenant_id = @tenant_id AND id = ANY(@ids::bigint[]);

-- name: CustomersSlice :many
SELECT * FROM billing.customer WHERE tenant_id = @tenant_id AND id IN (sqlc.slice('ids'));

-- name: ListCustomers :many
SELECT id, email, name FROM billing.customer
WHERE tenant_id = @tenant_id
  AND (sqlc.narg('after_at')::timestamptz IS NULL OR (created_at, id) < (sqlc.narg('after_at'), sqlc.narg('after_id')::bigint))
ORDER BY created_at DESC, id DESC
LIMIT @page_size::int;

-- name: UpdateCustomer :one
UPDATE billing.customer SET
  name = coalesce(sqlc.narg('name'), name),
  metadata = metadata || sqlc.arg(metadata)::jsonb,
  email = CASE WHEN @set_email::bool THEN @email ELSE email END
WHERE tenant_id = @tenant_id AND id = @id
RETURNING *;

-- name: CreateSubscription :exec
INSERT INTO billing.subscription (tenant_id, customer_id, plan_id, starts_on, ends_on)
SELECT @tenant_id, @customer_id, p.id, @starts_on, billing.period_end(@starts_on::date, p.every)
FROM billing.plan p WHERE p.code = @plan_code;

-- name: UpsertUsage :batchexec
INSERT INTO billing.usage_event (tenant_id, meter, at, quantity, idempotency_key) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (tenant_id, idempotency_key) DO UPDATE SET quantity = excluded.quantity WHERE billing.usage_event.quantity <> excluded.quantity;

-- name: UsageByMeter :many
SELECT meter, date_trunc('day', at)::date AS day, sum(quantity)::numeric AS total
FROM billing.usage_event
WHERE tenant_id = @tenant_id AND meter = ANY(@meters::text[]) AND at >= @since AND at < @until
GROUP BY GROUPING SETS ((meter, date_trunc('day', at)::date), (meter), ());

-- name: MRR :one
SELECT cents FROM billing.mrr WHERE tenant_id = $1;

-- name: RevenueSeries :many
SELECT d::date AS day, coalesce(r.cents, 0)::bigint AS cents
FROM generate_series(@from_day::date, @to_day::date, interval '1 day') d
LEFT JOIN billing.daily_revenue r ON r.tenant_id = @tenant_id AND r.issued_on = d::date
ORDER BY 1;

-- name: ClaimPayments :many
WITH due AS (
  SELECT id FROM billing.payment WHERE state = 'pending' AND next_attempt_at <= now()
  ORDER BY next_attempt_at LIMIT $1 FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE billing.payment p SET attempts = attempts + 1, next_attempt_at = now() + (interval '1 minute' * power(2, attempts))
FROM due WHERE p.id = due.id RETURNING p.*;

-- name: DeleteTenant :execrows
DELETE FROM billing.tenant WHERE id = @id AND suspended_at < now() - make_interval(days => @days::int);

-- name: InvoiceLines :many
SELECT i.id, l.ordinality, l.value ->> 'sku' AS sku, (l.value ->> 'amount')::bigint AS amount
FROM billing.invoice i, jsonb_array_elements(i.lines) WITH ORDINALITY l
WHERE i.tenant_id = $1 AND i.id = $2;

-- name: CopyUsage :copyfrom
INSERT INTO billing.usage_event (tenant_id, meter, at, quantity, idempotency_key) VALUES ($1, $2, $3, $4, $5);

-- name: CountCustomers :one
SELECT count(*) FILTER (WHERE deleted_at IS NULL) AS live, count(*) AS all FROM billing.customer WHERE tenant_id = $1;
