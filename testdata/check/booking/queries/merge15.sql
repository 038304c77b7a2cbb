-- name: sync_prices
MERGE INTO availability a USING (SELECT :listing_id::bigint AS listing_id, :day::date AS day, :price::numeric AS price) s
ON a.listing_id = s.listing_id AND a.day = s.day
WHEN MATCHED AND a.price IS DISTINCT FROM s.price THEN UPDATE SET price = s.price
WHEN NOT MATCHED THEN INSERT (listing_id, day, price) VALUES (s.listing_id, s.day, s.price);
