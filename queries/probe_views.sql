-- Whether any of the names $1 is a view's, in whatever schema. Reads pg_class; needs no privilege. Versions 13 and later.
SELECT /* pgtriage */ EXISTS (SELECT FROM pg_class AS c WHERE c.relkind = 'v' AND c.relname = ANY ($1::name[])) AS found
