-- Values for the traffic to ask for. Run as shop; versions 13-18.

-- name: sessions
/* pgtriage */ SELECT id, token FROM sessions ORDER BY id LIMIT 5000

-- name: payments
/* pgtriage */ SELECT provider_reference FROM payments WHERE id % 97 = 0 ORDER BY id LIMIT 1000

-- name: cities
/* pgtriage */ SELECT city, region, country FROM customers GROUP BY 1, 2, 3 ORDER BY count(*) DESC, 1 LIMIT 5
