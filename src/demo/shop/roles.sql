-- The application's role, which owns the shop and runs its traffic, and the role that diagnoses it. Run as superuser; versions 13-18.
CREATE ROLE shop LOGIN;
CREATE ROLE triage LOGIN;
GRANT pg_monitor TO triage;
