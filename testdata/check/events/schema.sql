-- An event store: streams, a log by partitions, a queue.
CREATE SCHEMA es;
CREATE TABLE es.stream (id uuid PRIMARY KEY, kind text NOT NULL, version bigint NOT NULL DEFAULT 0, created timestamptz NOT NULL DEFAULT now());
CREATE TABLE es.event (
  position bigint GENERATED ALWAYS AS IDENTITY, stream_id uuid NOT NULL REFERENCES es.stream, version bigint NOT NULL,
  type text NOT NULL, data jsonb NOT NULL, meta jsonb NOT NULL DEFAULT '{}', tx xid8 NOT NULL DEFAULT pg_current_xact_id(), at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (stream_id, version));
CREATE UNIQUE INDEX event_position ON es.event (position);
CREATE INDEX event_at_brin ON es.event USING brin (at);
CREATE INDEX event_type_position ON es.event (type, position);
CREATE INDEX event_correlation ON es.event ((meta ->> 'correlation_id'));
CREATE INDEX event_data ON es.event USING gin (data jsonb_path_ops);
CREATE TABLE es.snapshot (stream_id uuid PRIMARY KEY REFERENCES es.stream, version bigint NOT NULL, state bytea NOT NULL);
CREATE TABLE es.subscription (name text PRIMARY KEY, position bigint NOT NULL DEFAULT 0, leader inet, beat timestamptz);
CREATE TABLE es.log (ts timestamptz NOT NULL, host text NOT NULL, level smallint NOT NULL, message text NOT NULL, tags text[]) PARTITION BY RANGE (ts);
CREATE TABLE es.log_1 PARTITION OF es.log FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
CREATE TABLE es.log_2 PARTITION OF es.log FOR VALUES FROM ('2026-02-01') TO ('2026-03-01') PARTITION BY LIST (host);
CREATE TABLE es.log_2a PARTITION OF es.log_2 FOR VALUES IN ('a','b');
CREATE TABLE es.log_2z PARTITION OF es.log_2 DEFAULT;
CREATE INDEX log_ts ON es.log USING brin (ts);
CREATE INDEX log_host_ts ON es.log (host, ts DESC);
CREATE TABLE es.account (id int PRIMARY KEY, owner text NOT NULL, balance numeric NOT NULL, parent int REFERENCES es.account, path text NOT NULL);
CREATE INDEX account_parent ON es.account (parent);
CREATE INDEX account_path ON es.account (path text_pattern_ops);
CREATE TABLE es.base (id int PRIMARY KEY, v int);
CREATE TABLE es.child (w int, PRIMARY KEY (id)) INHERITS (es.base);
CREATE UNLOGGED TABLE es.queue (id bigserial PRIMARY KEY, lane smallint NOT NULL, priority int NOT NULL, ready_at timestamptz NOT NULL, taken_by text, body json NOT NULL);
CREATE INDEX queue_ready ON es.queue (lane, priority DESC, ready_at) WHERE taken_by IS NULL;
CREATE FUNCTION es.append(s uuid, expected bigint, kind text, payload jsonb) RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN INSERT INTO es.event (stream_id, version, type, data) VALUES (s, expected + 1, kind, payload); RETURN expected + 1; END $$;
CREATE FUNCTION es.recent(n int) RETURNS SETOF es.event LANGUAGE sql STABLE AS $$ SELECT * FROM es.event ORDER BY position DESC LIMIT n $$;
CREATE VIEW es.head AS SELECT stream_id, max(version) AS version FROM es.event GROUP BY stream_id;
INSERT INTO es.stream (id, kind) SELECT md5(i::text)::uuid, 'cart' FROM generate_series(1,10) i;
INSERT INTO es.event (stream_id, version, type, data) SELECT md5(i::text)::uuid, 1, 'opened', '{"a": 1}' FROM generate_series(1,10) i;
INSERT INTO es.log SELECT timestamptz '2026-01-05'+i*interval '1 day', 'a', 1, 'm', '{x}' FROM generate_series(1,40) i;
INSERT INTO es.account SELECT i, 'o'||i, i, nullif(i/2,0), '/'||i FROM generate_series(1,20) i;
INSERT INTO es.queue (lane, priority, ready_at, body) SELECT 1, i, now(), '{}' FROM generate_series(1,10) i;
