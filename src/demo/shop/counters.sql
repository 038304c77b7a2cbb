-- Forgets the statements of the load: from here on the counters hold the shop's own traffic. Run as superuser; versions 13-18.
/* pgtriage */ SELECT pg_stat_statements_reset();
