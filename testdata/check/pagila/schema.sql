-- The shape of the Pagila sample database: a chain of film rentals.
CREATE TYPE mpaa_rating AS ENUM ('G', 'PG', 'PG-13', 'R', 'NC-17');
CREATE DOMAIN year AS int CHECK (VALUE >= 1901 AND VALUE <= 2155);
CREATE TABLE language (language_id int PRIMARY KEY, name char(20) NOT NULL);
CREATE TABLE category (category_id int PRIMARY KEY, name text NOT NULL);
CREATE TABLE actor (actor_id int PRIMARY KEY, first_name text NOT NULL, last_name text NOT NULL, last_update timestamptz NOT NULL DEFAULT now());
CREATE INDEX idx_actor_last_name ON actor (last_name);
CREATE TABLE film (
    film_id int PRIMARY KEY, title text NOT NULL, description text, release_year year, language_id int NOT NULL REFERENCES language,
    rental_duration int NOT NULL DEFAULT 3, rental_rate numeric(4, 2) NOT NULL DEFAULT 4.99, length int, rating mpaa_rating DEFAULT 'G',
    special_features text[], fulltext tsvector NOT NULL
);
CREATE INDEX film_fulltext_idx ON film USING gist (fulltext);
CREATE INDEX idx_fk_language_id ON film (language_id);
CREATE INDEX idx_title ON film (title);
CREATE TABLE film_actor (actor_id int REFERENCES actor, film_id int REFERENCES film, PRIMARY KEY (actor_id, film_id));
CREATE INDEX idx_fk_film_id ON film_actor (film_id);
CREATE TABLE film_category (film_id int REFERENCES film, category_id int REFERENCES category, PRIMARY KEY (film_id, category_id));
CREATE TABLE country (country_id int PRIMARY KEY, country text NOT NULL);
CREATE TABLE city (city_id int PRIMARY KEY, city text NOT NULL, country_id int NOT NULL REFERENCES country);
CREATE INDEX idx_fk_country_id ON city (country_id);
CREATE TABLE address (address_id int PRIMARY KEY, address text NOT NULL, city_id int NOT NULL REFERENCES city, phone text NOT NULL);
CREATE INDEX idx_fk_city_id ON address (city_id);
CREATE TABLE store (store_id int PRIMARY KEY, manager_staff_id int NOT NULL, address_id int NOT NULL REFERENCES address);
CREATE TABLE staff (staff_id int PRIMARY KEY, first_name text NOT NULL, last_name text NOT NULL, store_id int NOT NULL REFERENCES store);
CREATE TABLE customer (
    customer_id int PRIMARY KEY, store_id int NOT NULL REFERENCES store, first_name text NOT NULL, last_name text NOT NULL, email text,
    address_id int NOT NULL REFERENCES address, activebool boolean NOT NULL DEFAULT true, create_date date NOT NULL DEFAULT current_date
);
CREATE INDEX idx_fk_address_id ON customer (address_id);
CREATE INDEX idx_fk_store_id ON customer (store_id);
CREATE INDEX idx_last_name ON customer (last_name);
CREATE TABLE inventory (inventory_id int PRIMARY KEY, film_id int NOT NULL REFERENCES film, store_id int NOT NULL REFERENCES store);
CREATE INDEX idx_store_id_film_id ON inventory (store_id, film_id);
CREATE INDEX idx_inventory_film_id ON inventory (film_id);
CREATE TABLE rental (
    rental_id int PRIMARY KEY, rental_date timestamptz NOT NULL, inventory_id int NOT NULL REFERENCES inventory, customer_id int NOT NULL REFERENCES customer,
    return_date timestamptz, staff_id int NOT NULL REFERENCES staff
);
CREATE INDEX idx_fk_inventory_id ON rental (inventory_id);
CREATE INDEX idx_fk_rental_customer_id ON rental (customer_id);
CREATE UNIQUE INDEX idx_unq_rental ON rental (rental_date, inventory_id, customer_id);
CREATE TABLE payment (
    payment_id int NOT NULL, customer_id int NOT NULL, staff_id int NOT NULL, rental_id int NOT NULL, amount numeric(5, 2) NOT NULL, payment_date timestamptz NOT NULL,
    PRIMARY KEY (payment_date, payment_id)
) PARTITION BY RANGE (payment_date);
CREATE TABLE payment_p2025_01 PARTITION OF payment FOR VALUES FROM ('2025-01-01') TO ('2025-02-01');
CREATE TABLE payment_p2025_02 PARTITION OF payment FOR VALUES FROM ('2025-02-01') TO ('2025-03-01');
CREATE INDEX ON payment (customer_id);
CREATE INDEX ON payment (rental_id);
CREATE FUNCTION group_sfunc(text, text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT CASE WHEN $1 IS NULL THEN $2 ELSE $1 || ', ' || $2 END $$;
CREATE AGGREGATE group_concat(text) (SFUNC = group_sfunc, STYPE = text);
CREATE VIEW customer_list AS
    SELECT cu.customer_id AS id, cu.first_name || ' ' || cu.last_name AS name, a.address, city.city, country.country, cu.store_id AS sid,
        CASE WHEN cu.activebool THEN 'active' ELSE '' END AS notes
    FROM customer cu
    JOIN address a ON cu.address_id = a.address_id
    JOIN city ON a.city_id = city.city_id
    JOIN country ON city.country_id = country.country_id;

INSERT INTO language VALUES (1, 'English'), (2, 'Italian');
INSERT INTO category SELECT i, 'Category ' || i FROM generate_series(1, 5) AS i;
INSERT INTO actor SELECT i, 'FIRST' || i, 'LAST' || i FROM generate_series(1, 30) AS i;
INSERT INTO film SELECT i, 'FILM ' || i, 'About ' || i, 2006, 1, 3, 4.99, 90 + i, 'PG', ARRAY['Trailers'], to_tsvector('about ' || i) FROM generate_series(1, 40) AS i;
INSERT INTO film_actor SELECT 1 + i % 30, i FROM generate_series(1, 40) AS i;
INSERT INTO film_category SELECT i, 1 + i % 5 FROM generate_series(1, 40) AS i;
INSERT INTO country SELECT i, 'Country ' || i FROM generate_series(1, 10) AS i;
INSERT INTO city SELECT i, 'City ' || i, 1 + i % 10 FROM generate_series(1, 20) AS i;
INSERT INTO address SELECT i, i || ' Street', 1 + i % 20, '555' FROM generate_series(1, 40) AS i;
INSERT INTO store VALUES (1, 1, 1), (2, 2, 2);
INSERT INTO staff VALUES (1, 'Mike', 'H', 1), (2, 'Jon', 'S', 2);
INSERT INTO customer SELECT i, 1 + i % 2, 'C' || i, 'L' || i, 'c' || i || '@example.org', i FROM generate_series(1, 40) AS i;
INSERT INTO inventory SELECT i, i, 1 + i % 2 FROM generate_series(1, 40) AS i;
INSERT INTO rental SELECT i, timestamptz '2025-01-10' + i * interval '1 hour', i, i, NULL, 1 FROM generate_series(1, 40) AS i;
INSERT INTO payment SELECT i, i, 1, i, 4.99, timestamptz '2025-01-20' + i * interval '10 hours' FROM generate_series(1, 40) AS i;
