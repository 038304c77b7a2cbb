-- The application's role, which owns the shop and runs its traffic. Run as superuser; versions 13-18.
CREATE ROLE shop LOGIN;
