-- Gives the database to the application's role, which may then create tables in it on every version. Run as superuser; versions 13-18.
ALTER DATABASE shop OWNER TO shop;
