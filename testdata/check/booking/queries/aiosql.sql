-- name: get_booking(id)^
-- record_class: Booking
SELECT * FROM booking WHERE id = :id;

-- name: hold_stay(listing_id, guest_id, a, b, total)<!
INSERT INTO booking (listing_id, guest_id, stay, total, expires_at)
VALUES (:listing_id, :guest_id, daterange(:a, :b), :total, now() + interval '15 minutes')
RETURNING id;

-- name: confirm(id)!
UPDATE booking SET state = 'confirmed', expires_at = NULL WHERE id = :id AND state = 'held';

-- name: expire!
-- Cancels what nobody confirmed
DELETE FROM booking WHERE state = 'held' AND expires_at < now();

-- name: add_days(listing_id, day, price)*!
INSERT INTO availability (listing_id, day, price) VALUES (:listing_id, :day, :price)
ON CONFLICT (listing_id, day) DO UPDATE SET price = excluded.price;

-- name: create_schema#
CREATE TABLE IF NOT EXISTS nothing (id int);
CREATE INDEX IF NOT EXISTS nothing_id ON nothing (id);

-- name: count_guests()$
SELECT count(*) FROM guest;

-- name: calendar
SELECT d::date, b.id IS NOT NULL AS taken
FROM generate_series(:from_day::date, :to_day::date, '1 day') AS d
LEFT JOIN booking b ON b.listing_id = :listing_id AND b.stay @> d::date AND b.state <> 'cancelled';

-- name: upcoming
SELECT b.id, g.full_name, lower(b.stay) AS arrives, upper(b.stay) - lower(b.stay) AS nights
FROM booking b JOIN guest g ON g.id = b.guest_id
WHERE b.listing_id = ANY(:listing_ids) AND b.stay && daterange(current_date, NULL) AND b.state <> 'cancelled'
ORDER BY lower(b.stay);

-- name: user-attr^
SELECT * FROM guest WHERE id = :guest.id;

-- name: thread
SELECT m.*, row_number() OVER (ORDER BY m.sent) FROM message m WHERE m.booking_id = :booking_id AND m.sent > :since ORDER BY m.sent DESC FETCH FIRST 50 ROWS ONLY;

-- name: unread$
SELECT count(*) FROM message WHERE sender = :me AND read_at IS NULL;

-- name: name_prefix
SELECT id FROM guest WHERE lower(full_name) LIKE lower(:prefix) || '%' AND email = :e;

-- name: title_like
SELECT id FROM listing WHERE title ILIKE '%' || :q || '%' ORDER BY title <-> :q LIMIT 3;

-- name: beds
SELECT id FROM listing WHERE (attrs ->> 'beds')::int >= :beds;

-- name: has_key
SELECT id FROM listing WHERE attrs ? 'beds';

-- name: keys
SELECT id FROM listing WHERE attrs ?& ARRAY['a','b'] OR attrs ?| ARRAY['c'];

-- name: contains
SELECT id FROM listing WHERE attrs @> jsonb_build_object('beds', :beds::int);

-- name: path
SELECT id FROM listing WHERE attrs @@ '$.beds > 1';

-- name: band
SELECT price_band, count(*), percentile_cont(0.5) WITHIN GROUP (ORDER BY nightly) FROM listing WHERE price_band IN (1, 2, :band) GROUP BY ROLLUP (price_band);

-- name: slug
SELECT * FROM listing WHERE slug = :slug;

-- name: season
SELECT * FROM listing WHERE season @> :week::int;

-- name: season_overlap
SELECT * FROM listing WHERE season && int4range(:a, :b, '[]');

-- name: ip
SELECT * FROM listing WHERE ip <<= inet :'net';

-- name: external
SELECT * FROM listing WHERE external_id = :external_id::uuid;

-- name: quoted
SELECT "Id", "When" FROM "Audit Log" WHERE "Who" = :who AND "When" BETWEEN :a AND :b;

-- name: stars
SELECT l.id, avg(r.stars)::numeric(3,2) FROM listing l JOIN booking b ON b.listing_id = l.id AND b.state <> 'cancelled' JOIN review r ON r.booking_id = b.id WHERE l.host_id = :host GROUP BY l.id HAVING count(*) >= 3;

-- name: recent_guest_bookings
SELECT DISTINCT ON (listing_id) * FROM booking WHERE guest_id = :guest_id ORDER BY listing_id, created_at DESC;

-- name: stay_contains
SELECT id FROM booking WHERE stay @> :day::date;

-- name: chain
WITH RECURSIVE chain AS (
    SELECT id, stay, 1 AS n FROM booking WHERE id = :id
    UNION ALL
    SELECT b.id, b.stay, n + 1 FROM chain c JOIN booking b ON b.listing_id = 7 AND b.stay -|- c.stay AND b.state <> 'cancelled' WHERE n < 10
)
SELECT * FROM chain;

-- name: cancel_and_log
WITH gone AS (UPDATE booking SET state = 'cancelled' WHERE id = :id RETURNING id, listing_id),
     logged AS (INSERT INTO message (booking_id, body) SELECT id, 'cancelled' FROM gone RETURNING id)
SELECT count(*) FROM logged;

-- name: lock_listing^
SELECT id FROM listing WHERE id = :id FOR UPDATE NOWAIT;

-- name: values_join
SELECT l.id, v.label FROM (VALUES (1, 'a'), (2, 'b')) AS v(id, label) JOIN listing l ON l.id = v.id;

-- name: unnest_join
SELECT a.* FROM unnest(:ids::bigint[], :days::date[]) AS k(listing_id, day) JOIN availability a USING (listing_id, day);

-- name: full_join
SELECT coalesce(a.day, b.day) FROM (SELECT day FROM availability WHERE listing_id = :a) a FULL JOIN (SELECT day FROM availability WHERE listing_id = :b) b USING (day);

-- name: intersect
SELECT listing_id FROM availability WHERE listing_id = :a INTERSECT SELECT id FROM listing WHERE host_id = :h EXCEPT ALL SELECT 4;

-- name: all_cities
SELECT c.*, count(l.id) FROM city c LEFT JOIN listing l ON l.city_id = c.id AND l.active GROUP BY c.id;

-- name: hosts_without
SELECT h.* FROM host h WHERE NOT EXISTS (SELECT FROM listing l WHERE l.host_id = h.id);

-- name: not_cancelled
SELECT count(*) FROM booking WHERE state <> 'cancelled';

-- name: with_note
SELECT id FROM booking WHERE note IS NOT NULL AND guest_id = :g;

-- name: case-blind
-- No index knows the patterns of citext.
SELECT * FROM host WHERE email LIKE 'a%';
