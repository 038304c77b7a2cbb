-- name: customer_by_email :one
SELECT id, email, country
FROM customer
WHERE email = @email;

-- name: country_by_name :one
SELECT code
FROM country
WHERE name = @name;
