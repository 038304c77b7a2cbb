-- Lets the diagnosing role read the shop's tables. Run as superuser after the tables are there; version 13.
GRANT SELECT ON ALL TABLES IN SCHEMA public TO triage;
