-- Lets the diagnosing role read the shop's tables. Run as superuser; versions 14-18.
GRANT pg_read_all_data TO triage;
