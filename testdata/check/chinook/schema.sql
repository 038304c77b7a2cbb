-- The shape of the Chinook sample database: a shop of music.
CREATE TABLE artist (artist_id int PRIMARY KEY, name varchar(120));
CREATE TABLE album (album_id int PRIMARY KEY, title varchar(160) NOT NULL, artist_id int NOT NULL REFERENCES artist);
CREATE TABLE genre (genre_id int PRIMARY KEY, name varchar(120));
CREATE TABLE media_type (media_type_id int PRIMARY KEY, name varchar(120));
CREATE TABLE track (
    track_id int PRIMARY KEY, name varchar(200) NOT NULL, album_id int REFERENCES album, media_type_id int NOT NULL REFERENCES media_type,
    genre_id int REFERENCES genre, composer varchar(220), milliseconds int NOT NULL, bytes int, unit_price numeric(10, 2) NOT NULL
);
CREATE TABLE playlist (playlist_id int PRIMARY KEY, name varchar(120));
CREATE TABLE playlist_track (playlist_id int REFERENCES playlist, track_id int REFERENCES track, PRIMARY KEY (playlist_id, track_id));
CREATE TABLE employee (
    employee_id int PRIMARY KEY, last_name varchar(20) NOT NULL, first_name varchar(20) NOT NULL, reports_to int REFERENCES employee, hire_date timestamp
);
CREATE TABLE customer (
    customer_id int PRIMARY KEY, first_name varchar(40) NOT NULL, last_name varchar(20) NOT NULL, country varchar(40), email varchar(60) NOT NULL,
    support_rep_id int REFERENCES employee
);
CREATE TABLE invoice (
    invoice_id int PRIMARY KEY, customer_id int NOT NULL REFERENCES customer, invoice_date timestamp NOT NULL, billing_country varchar(40),
    total numeric(10, 2) NOT NULL
);
CREATE TABLE invoice_line (
    invoice_line_id int PRIMARY KEY, invoice_id int NOT NULL REFERENCES invoice, track_id int NOT NULL REFERENCES track, unit_price numeric(10, 2) NOT NULL,
    quantity int NOT NULL
);
CREATE INDEX ON album (artist_id);
CREATE INDEX ON track (album_id);
CREATE INDEX ON track (genre_id);
CREATE INDEX ON track (media_type_id);
CREATE INDEX ON playlist_track (track_id);
CREATE INDEX ON employee (reports_to);
CREATE INDEX ON customer (support_rep_id);
CREATE INDEX ON invoice (customer_id);
CREATE INDEX ON invoice_line (invoice_id);
CREATE INDEX ON invoice_line (track_id);

INSERT INTO artist SELECT i, 'Artist ' || i FROM generate_series(1, 25) AS i;
INSERT INTO album SELECT i, 'Album ' || i, 1 + i % 25 FROM generate_series(1, 40) AS i;
INSERT INTO genre SELECT i, 'Genre ' || i FROM generate_series(1, 5) AS i;
INSERT INTO media_type VALUES (1, 'MPEG'), (2, 'AAC');
INSERT INTO track SELECT i, 'Track ' || i, 1 + i % 40, 1 + i % 2, 1 + i % 5, NULL, 200000 + i, 5000000, 0.99 FROM generate_series(1, 80) AS i;
INSERT INTO playlist VALUES (1, 'Music'), (2, 'Classical');
INSERT INTO playlist_track SELECT 1, i FROM generate_series(1, 80) AS i;
INSERT INTO employee VALUES (1, 'Adams', 'Andrew', NULL, '2002-08-14'), (2, 'Edwards', 'Nancy', 1, '2002-05-01');
INSERT INTO customer SELECT i, 'First ' || i, 'Last ' || i, 'Brazil', 'c' || i || '@example.org', 2 FROM generate_series(1, 20) AS i;
INSERT INTO invoice SELECT i, 1 + i % 20, timestamp '2025-01-01' + i * interval '1 day', 'Brazil', 9.9 FROM generate_series(1, 60) AS i;
INSERT INTO invoice_line SELECT i, 1 + i % 60, 1 + i % 80, 0.99, 1 FROM generate_series(1, 120) AS i;
