-- Installs an extension; the program puts its name in. Run as superuser; versions 13-18.
CREATE EXTENSION :name;
