-- A script of psql works on tables of its own.
CREATE TEMPORARY TABLE due AS SELECT * FROM billing.invoice WHERE false;
INSERT INTO due SELECT * FROM billing.invoice WHERE status = 'open' AND due_on < current_date;
SELECT count(*) FROM due WHERE total > 5;
