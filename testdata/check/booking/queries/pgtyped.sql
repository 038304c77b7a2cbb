/* @name GetListing */
SELECT * FROM listing WHERE id = :id!;

/*
  @name InsertGuests
  @param guests -> ((email!, fullName!, born)...)
*/
INSERT INTO guest (email, full_name, born) VALUES :guests RETURNING id AS "id!";

/* @name InsertGuest
   @param guest -> (email, fullName) */
INSERT INTO guest (email, full_name)
VALUES :guest!
ON CONFLICT (email) DO UPDATE SET full_name = EXCLUDED.full_name;

/*
  @name ListingsByIds
  @param ids -> (...)
*/
SELECT id, title FROM listing WHERE id IN :ids! AND active;

/*
  @name ByHostOrCity
  @param hosts -> (...)
  @param cities -> (...)
*/
SELECT id FROM listing WHERE host_id in :hosts or id in :cities;

/* @name Search */
SELECT id, title, ts_rank(search, q) AS rank FROM listing, websearch_to_tsquery('simple', :q!) q
WHERE search @@ q ORDER BY rank DESC, id LIMIT COALESCE(:limit, 20);

/* @name Fuzzy */
SELECT name, similarity(name, :q) FROM city WHERE name % :q! ORDER BY name <-> :q LIMIT 5;

/* @name Nearest */
SELECT id, name, location <-> point(:x!, :y!) AS distance FROM city ORDER BY location <-> point(:x!, :y!) LIMIT 10;

/* @name InBox */
SELECT id FROM city WHERE location <@ box(point(:x1, :y1), point(:x2, :y2));

/* @name HasAmenities */
SELECT id FROM listing WHERE amenities @> :amenities::text[] AND active;

/* @name FreeListings */
SELECT l.id FROM listing l
WHERE l.city_id = :cityId! AND l.active AND l.nightly BETWEEN :min AND :max
  AND NOT EXISTS (SELECT 1 FROM booking b WHERE b.listing_id = l.id AND b.state <> 'cancelled' AND b.stay && daterange(:from::date, :to::date, '[)'))
ORDER BY l.nightly
LIMIT :n!;

/* @name ByEmail */
SELECT * FROM guest WHERE email = :email!::citext;

/* @name ByHandle */
SELECT * FROM host WHERE handle LIKE :prefix || '%' AND handle = :h;

/* @name UpdateAttrs */
UPDATE listing SET attrs = jsonb_set(attrs, ARRAY[:key]::text[], to_jsonb(:value::text)) WHERE id = :id AND host_id = :hostId RETURNING id;
