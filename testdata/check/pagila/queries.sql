-- name: GetActor :one
SELECT * FROM actor WHERE actor_id = $1 LIMIT 1;

-- name: ActorsByLastName :many
SELECT actor_id, first_name, last_name FROM actor WHERE last_name = $1 ORDER BY first_name;

-- name: ActorsOfFilm :many
SELECT a.actor_id, a.first_name, a.last_name FROM actor a JOIN film_actor fa ON fa.actor_id = a.actor_id WHERE fa.film_id = $1;

-- name: FilmsOfActor :many
SELECT f.film_id, f.title FROM film f JOIN film_actor fa USING (film_id) WHERE fa.actor_id = sqlc.arg(actor) ORDER BY f.title;

-- name: FilmsByTitle :many
SELECT film_id, title, rating FROM film WHERE title = ANY (@titles::text[]);

-- name: SearchFilms :many
SELECT title, ts_rank(fulltext, query) FROM film, plainto_tsquery('english', @words) AS query WHERE fulltext @@ query ORDER BY 2 DESC LIMIT 20;

-- name: FilmList :many
SELECT film.film_id AS fid, film.title, category.name AS category, film.rental_rate AS price, group_concat(actor.first_name || ' ' || actor.last_name) AS actors
FROM category
LEFT JOIN film_category ON category.category_id = film_category.category_id
LEFT JOIN film ON film_category.film_id = film.film_id
JOIN film_actor ON film.film_id = film_actor.film_id
JOIN actor ON film_actor.actor_id = actor.actor_id
GROUP BY film.film_id, film.title, category.name, film.rental_rate;

-- name: FilmInStock :many
SELECT inventory_id FROM inventory
WHERE film_id = $1 AND store_id = $2
AND NOT EXISTS (SELECT 1 FROM rental WHERE rental.inventory_id = inventory.inventory_id AND rental.return_date IS NULL);

-- name: CustomerBalance :one
SELECT coalesce(sum(film.rental_rate), 0) - coalesce((SELECT sum(p.amount) FROM payment p WHERE p.customer_id = @customer AND p.payment_date <= @until), 0) AS balance
FROM film, inventory, rental
WHERE film.film_id = inventory.film_id AND inventory.inventory_id = rental.inventory_id AND rental.rental_date <= @until AND rental.customer_id = @customer;

-- name: RentalsOfCustomer :many
SELECT r.rental_id, f.title, r.rental_date, r.return_date
FROM rental r JOIN inventory i ON i.inventory_id = r.inventory_id JOIN film f ON f.film_id = i.film_id
WHERE r.customer_id = $1 ORDER BY r.rental_date DESC;

-- name: RentalsSince :many
SELECT rental_id, customer_id FROM rental WHERE rental_date >= $1 AND rental_date < $1 + interval '1 day';

-- name: LastRentals :many
SELECT c.customer_id, last.rental_date
FROM customer c
LEFT JOIN LATERAL (SELECT rental_date FROM rental r WHERE r.customer_id = c.customer_id ORDER BY rental_date DESC LIMIT 1) last ON true
WHERE c.store_id = $1;

-- name: PaymentsOfRental :many
SELECT payment_id, amount FROM payment WHERE rental_id = $1;

-- name: SalesByStore :many
SELECT s.store_id, sum(p.amount) AS total
FROM payment p
JOIN rental r ON p.rental_id = r.rental_id
JOIN inventory i ON r.inventory_id = i.inventory_id
JOIN store s ON i.store_id = s.store_id
GROUP BY s.store_id;

-- name: SalesByCategory :many
SELECT c.name, sum(p.amount) AS total
FROM payment p
JOIN rental r USING (rental_id)
JOIN inventory i USING (inventory_id)
JOIN film_category fc USING (film_id)
JOIN category c USING (category_id)
GROUP BY c.name ORDER BY total DESC;

-- name: CustomersOfCity :many
SELECT * FROM customer_list WHERE id = $1;

-- name: CustomersByCountry :many
SELECT cu.customer_id, cu.last_name FROM customer cu JOIN address a USING (address_id) WHERE a.city_id IN (SELECT city_id FROM city WHERE country_id = $1);

-- name: ReturnFilm :exec
UPDATE rental SET return_date = now() WHERE rental_id = $1;

-- name: Rent :one
INSERT INTO rental (rental_id, rental_date, inventory_id, customer_id, staff_id) VALUES ($1, now(), $2, $3, $4) RETURNING rental_id;

-- name: Pay :exec
INSERT INTO payment (payment_id, customer_id, staff_id, rental_id, amount, payment_date) VALUES ($1, $2, $3, $4, sqlc.narg('amount'), @paid);
