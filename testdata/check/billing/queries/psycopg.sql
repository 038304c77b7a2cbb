-- name: overdue^
SELECT i.*, c.email
FROM billing.invoice AS i
JOIN billing.customer AS c USING (tenant_id)
WHERE i.status = 'open' AND i.due_on < current_date - %(grace)s::int AND c.tenant_id = %(tenant)s AND c.id = i.customer_id;

-- name: search_numbers
SELECT id FROM billing.invoice WHERE tenant_id = %(tenant)s AND number LIKE 'N%%' AND total %% 100 = 0;

-- name: by_state
SELECT * FROM billing.payment WHERE provider_ref = %s;

-- name: payments_of
SELECT id, amount FROM billing.payment WHERE (tenant_id, invoice_id) IN %s;

-- name: payments_any
SELECT id, amount FROM billing.payment WHERE id = ANY(%s);

-- name: insert_many*!
INSERT INTO billing.outbox (topic, payload) VALUES %s;

-- name: recent
SELECT * FROM billing.invoice WHERE tenant_id = %(tenant)s AND customer_id = %(customer)s AND issued_on > now() - interval %(age)s;

-- name: recent_days
SELECT * FROM billing.invoice WHERE tenant_id = %s AND customer_id = %s AND issued_on > current_date - interval '%s days';

-- name: page
SELECT * FROM audit.entry WHERE actor = %(actor)s AND at >= %(since)s::timestamptz ORDER BY at LIMIT %(n)s OFFSET %(o)s;

-- name: mark_sent!
UPDATE billing.outbox SET sent_at = now() WHERE id = ANY(%(ids)s) AND sent_at IS NULL;

-- name: json_path
SELECT id FROM billing.customer WHERE metadata @> %(filter)s::jsonb;

-- name: json_path_2
SELECT id FROM billing.customer WHERE metadata @? '$.tags[*] ? (@ == "vip")';
