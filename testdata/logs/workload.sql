-- One session, as scripts/capture-logs runs it by the simple protocol.
SELECT 1;
SELECT id,
       name
  FROM orders

 WHERE name = 'a "quoted" name, with a comma' -- and a tab	here
   AND name <> 'Grüße, 漢字';
BEGIN;
INSERT INTO orders (name) VALUES ('x'), ('y');
SAVEPOINT s;
SELECT nothing FROM nowhere;
ROLLBACK TO s;
UPDATE orders SET name = 'LOG:  duration: 1.000 ms  statement: SELECT 2'
WHERE id = 1;
COMMIT;
PREPARE by_name (text, int) AS SELECT id FROM orders WHERE name = $1 AND id > $2;
EXECUTE by_name ('it''s', 0);
DO $$ BEGIN RAISE NOTICE 'two
lines'; END $$;
