-- Bookings: exclusion constraints, ranges, types of extensions, generated columns.
CREATE EXTENSION btree_gist; CREATE EXTENSION pg_trgm; CREATE EXTENSION citext; CREATE EXTENSION hstore; CREATE EXTENSION unaccent;
CREATE TYPE booking_state AS ENUM ('held','confirmed','cancelled');
CREATE TABLE city (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL, country char(2) NOT NULL, location point NOT NULL);
CREATE INDEX city_location ON city USING gist (location);
CREATE INDEX city_name_trgm ON city USING gin (name gin_trgm_ops);
CREATE TABLE host (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email citext NOT NULL UNIQUE, handle varchar(40) COLLATE "C" NOT NULL UNIQUE, joined date NOT NULL, phones hstore);
CREATE TABLE listing (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, host_id int NOT NULL REFERENCES host, city_id int NOT NULL REFERENCES city,
  title text NOT NULL, description text NOT NULL, nightly numeric(10,2) NOT NULL, capacity smallint NOT NULL,
  amenities text[] NOT NULL DEFAULT '{}', attrs jsonb NOT NULL DEFAULT '{}', active boolean NOT NULL DEFAULT true,
  search tsvector GENERATED ALWAYS AS (to_tsvector('simple', title || ' ' || description)) STORED,
  price_band int GENERATED ALWAYS AS (floor(nightly / 50)::int) STORED,
  slug text GENERATED ALWAYS AS (lower(replace(title, ' ', '-'))) STORED,
  season int4range, photos bytea[], external_id uuid, ip inet);
CREATE INDEX listing_host ON listing (host_id);
CREATE INDEX listing_city_price ON listing (city_id, nightly) INCLUDE (title) WHERE active;
CREATE INDEX listing_amenities ON listing USING gin (amenities);
CREATE INDEX listing_attrs ON listing USING gin (attrs);
CREATE INDEX listing_search ON listing USING gin (search);
CREATE INDEX listing_band ON listing (price_band);
CREATE UNIQUE INDEX listing_slug ON listing (slug);
CREATE INDEX listing_title_trgm ON listing USING gist (title gist_trgm_ops);
CREATE INDEX listing_wifi ON listing (((attrs ->> 'beds')::int));
CREATE INDEX listing_season ON listing USING gist (season);
CREATE INDEX listing_ip ON listing USING gist (ip inet_ops);
CREATE INDEX listing_external ON listing USING hash (external_id);
CREATE TABLE guest (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email citext NOT NULL, full_name text NOT NULL, born date, UNIQUE (email));
CREATE INDEX guest_name_lower ON guest (lower(full_name) text_pattern_ops);
CREATE TABLE booking (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, listing_id bigint NOT NULL REFERENCES listing, guest_id bigint NOT NULL REFERENCES guest,
  stay daterange NOT NULL, state booking_state NOT NULL DEFAULT 'held', total numeric NOT NULL, created_at timestamptz NOT NULL DEFAULT now(), expires_at timestamptz,
  note text,
  EXCLUDE USING gist (listing_id WITH =, stay WITH &&) WHERE (state <> 'cancelled'));
CREATE INDEX booking_guest ON booking (guest_id, created_at DESC);
CREATE INDEX booking_expiring ON booking (expires_at) WHERE state = 'held';
CREATE INDEX booking_stay ON booking USING spgist (stay);
CREATE TABLE review (booking_id bigint PRIMARY KEY REFERENCES booking, stars smallint NOT NULL CHECK (stars BETWEEN 1 AND 5), body text, at timestamptz NOT NULL DEFAULT now());
CREATE TABLE availability (listing_id bigint NOT NULL REFERENCES listing, day date NOT NULL, price numeric, min_nights int, PRIMARY KEY (listing_id, day));
CREATE TABLE message (id bigserial PRIMARY KEY, booking_id bigint NOT NULL REFERENCES booking, sender bigint, sent timestamp NOT NULL DEFAULT localtimestamp, body text NOT NULL, read_at timestamp);
CREATE INDEX message_booking ON message (booking_id, sent);
CREATE INDEX message_unread ON message (sender) WHERE read_at IS NULL;
CREATE TABLE "Audit Log" ("Id" int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, "When" timestamptz NOT NULL, "Who" text NOT NULL);
CREATE INDEX ON "Audit Log" ("Who", "When");
INSERT INTO city (name, country, location) SELECT 'City '||i, 'DE', point(i, i) FROM generate_series(1,20) i;
INSERT INTO host (email, handle, joined) SELECT 'H'||i||'@x.org', 'host'||i, date '2020-01-01'+i FROM generate_series(1,20) i;
INSERT INTO listing (host_id, city_id, title, description, nightly, capacity, amenities, attrs, season, external_id, ip) SELECT i, i, 'Flat '||i, 'nice flat '||i, 40+i*5, 2, ARRAY['wifi','pool'], '{"beds": 2}', int4range(i, i+10), md5(i::text)::uuid, '10.1.1.1' FROM generate_series(1,20) i;
INSERT INTO guest (email, full_name) SELECT 'g'||i||'@x.org', 'Guest '||i FROM generate_series(1,20) i;
INSERT INTO booking (listing_id, guest_id, stay, total) SELECT i, i, daterange(date '2026-01-01'+i, date '2026-01-04'+i), 100 FROM generate_series(1,20) i;
INSERT INTO review SELECT i, 5, 'good' FROM generate_series(1,10) i;
INSERT INTO availability SELECT i, date '2026-02-01', 10, 1 FROM generate_series(1,20) i;
INSERT INTO message (booking_id, body) SELECT i, 'hi' FROM generate_series(1,20) i;
