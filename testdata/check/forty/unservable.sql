-- Statements that no index of the schema serves: each one is a finding, with what mends it.

-- no index on the column
SELECT * FROM member WHERE card = $1;
SELECT * FROM member WHERE points > 1000;
SELECT * FROM member WHERE points BETWEEN 10 AND 20;
SELECT * FROM book WHERE shelf = $1;
SELECT * FROM book WHERE summary = 'none';
SELECT * FROM book WHERE price > 10;
SELECT * FROM book WHERE price IN (5, 10, 15);
SELECT * FROM branch WHERE country = 'AA';
SELECT * FROM branch WHERE opened >= '2000-01-10';
SELECT * FROM loan WHERE clerk = 'clerk 1';
SELECT * FROM loan WHERE state = 'lost' AND fee > 10;
SELECT * FROM loan WHERE returned_at > now() - interval '1 day';
SELECT * FROM review WHERE stars = 5;
SELECT * FROM review WHERE stars = 5 ORDER BY written_at DESC LIMIT 10;
SELECT * FROM job WHERE kind = 'mail';
SELECT * FROM job WHERE done AND run_at < now() - interval '30 days';
SELECT * FROM visit WHERE gate = 3;
SELECT * FROM visit WHERE gate = 1 OR gate = 2;
SELECT count(*) FROM loan WHERE due < current_date;
SELECT count(*) FROM review WHERE written_at >= '2025-04-01';
SELECT * FROM member WHERE card = $1 AND active;
SELECT * FROM country WHERE name = $1;

-- the column is wrapped, or compared as another type
SELECT * FROM book WHERE upper(title) = 'TITLE 1';
SELECT * FROM book WHERE lower(isbn) = $1;
SELECT * FROM member WHERE date(joined_at) = '2025-01-05';
SELECT * FROM member WHERE joined_at::date = '2025-01-05';
SELECT * FROM member WHERE date_trunc('day', joined_at) = '2025-01-05';
SELECT * FROM book WHERE published + 1 = 2000;
SELECT * FROM author WHERE coalesce(name, '') = 'Author 1';
SELECT * FROM book WHERE author_id::text = '3';
SELECT * FROM book WHERE author_id = 3.0::numeric;
SELECT * FROM book WHERE published::numeric > 1990.5;
SELECT * FROM author WHERE substring(name FROM 1 FOR 3) = 'Aut';
SELECT * FROM author WHERE length(bio) = 10;

-- texts
SELECT * FROM author WHERE bio LIKE '%somewhere%';
SELECT * FROM author WHERE name ILIKE 'author%';
SELECT * FROM book WHERE title LIKE '%1';
SELECT * FROM member WHERE notes LIKE 'note 1%';
SELECT * FROM member WHERE card ~ 'C1.*';

-- values inside of values
SELECT * FROM book WHERE 'tag1' = ANY (tags);
SELECT * FROM book WHERE details ->> 'pages' = '100';
SELECT * FROM member WHERE address << '10.0.0.0/24';

-- OR with an arm that no index serves
SELECT * FROM book WHERE id = $1 OR summary = $2;
SELECT * FROM member WHERE branch_id = $1 OR card = $2;

-- behind joins and subqueries
SELECT b.title FROM book b JOIN review r ON r.book_id = b.id WHERE r.stars = 1;
SELECT m.email FROM member m JOIN loan l ON l.member_id = m.id WHERE l.clerk = $1;
SELECT * FROM author WHERE id IN (SELECT author_id FROM book WHERE price > 30);
SELECT * FROM author a WHERE EXISTS (SELECT 1 FROM branch b WHERE b.country = a.country AND b.opened > '2000-02-01');

-- statements that write
UPDATE member SET points = 0 WHERE card = $1;
DELETE FROM review WHERE written_at < $1;
