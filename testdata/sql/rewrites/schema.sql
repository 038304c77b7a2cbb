CREATE TABLE visits (id integer PRIMARY KEY, at timestamp, seen timestamptz, day date, site integer, hits bigint NOT NULL, kind text, score numeric(8,2), ref uuid);
CREATE TABLE sites (id integer PRIMARY KEY, owner integer, name text NOT NULL, code varchar(10) UNIQUE);
CREATE TABLE owners (id bigint PRIMARY KEY, name text, parent bigint, since date NOT NULL);
CREATE TABLE blocked (owner bigint NOT NULL, site integer, since timestamp);
