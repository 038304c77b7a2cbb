-- Makes a database of a throwaway cluster; the program puts the quoted name in. Privileges: superuser of that cluster.
-- Versions: 13-18.
/* pgtriage */ CREATE DATABASE :name
