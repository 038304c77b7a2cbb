-- Sets settings for the rest of the transaction: names $1, values $2 (NULL is the session's default), in order. The
-- names run before or after the search path is pinned, so all are qualified, and no operator is used. One text whatever
-- the values: pg_stat_statements does not fill with SET commands.
-- Reads nothing; needs the privilege to set each. Versions 13 and later.
SELECT /* pgtriage */ pg_catalog.set_config(s.name, s.value, true)
FROM ROWS FROM (pg_catalog.unnest($1::pg_catalog.text[]), pg_catalog.unnest($2::pg_catalog.text[])) AS s (name, value)
