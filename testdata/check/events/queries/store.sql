-- name: read-stream
-- Reads a stream from a version
select position, version, type, data from es.event where stream_id = :stream and version > :from order by version;

-- name: read-all
select * from es.event where position > :after order by position limit :n;

-- name: read-all-safe
select * from es.event where position > :after and tx < pg_snapshot_xmin(pg_current_snapshot()) order by position limit :n;

-- name: read-types
select * from es.event where type in (:types) and position > :after order by position limit 100;

-- name: append<!
select es.append(:stream::uuid, :expected::bigint, :type, :data::jsonb);

-- name: append-many!
insert into es.event (stream_id, version, type, data)
select :stream::uuid, :expected::bigint + n, e ->> 'type', e -> 'data'
from jsonb_array_elements(:events::jsonb) with ordinality as t(e, n);

-- name: head
select version from es.head where stream_id = ?;

-- name: last
select * from es.event where stream_id = ? order by version desc limit 1;

-- name: correlated
select * from es.event where meta ->> 'correlation_id' = :correlation;

-- name: containing
select * from es.event where data @> :data::jsonb;

-- name: between
select count(*) from es.event where at between :a and :b;

-- name: since-brin
select date_trunc('hour', at) as hour, count(*) from es.event where at >= now() - interval '1 day' group by 1 order by 1;

-- name: snapshot
select s.version, s.state, e.* from es.snapshot s left join es.event e on e.stream_id = s.stream_id and e.version > s.version where s.stream_id = :stream;

-- name: save-snapshot!
insert into es.snapshot as s values (:stream, :version, :state) on conflict (stream_id) do update set version = excluded.version, state = excluded.state where s.version < excluded.version;

-- name: bump!
update es.stream set version = version + 1 where id = :id and version = :expected;

-- name: lead
update es.subscription set leader = inet_client_addr(), beat = now() where name = :name and (leader is null or beat < now() - interval '30 s') returning position;

-- name: advance!
update es.subscription set position = greatest(position, :position) where name = :name;

-- name: take
with next as (
  select id from es.queue where lane = :lane and taken_by is null and ready_at <= now() order by priority desc, ready_at for update skip locked limit 1
)
update es.queue q set taken_by = :worker from next where q.id = next.id returning q.*;

-- name: depth
select lane, count(*) from es.queue where taken_by is null group by lane;

-- name: log-tail
select * from es.log where host = :host and ts > now() - interval '1 hour' order by ts desc limit 200;

-- name: log-window
select time, n, avg(n) over (order by time rows 5 preceding) from (select date_trunc('minute', ts) as time, count(*) as n from es.log where ts >= :from and ts < :to group by 1) t;

-- name: log-literal
select * from es.log where ts >= '2026-01-05' and ts < '2026-01-06';

-- name: tree
with recursive tree(id, parent, depth, trail) as (
  select id, parent, 0, array[id] from es.account where id = :root
  union all
  select a.id, a.parent, depth + 1, trail || a.id from es.account a join tree t on a.parent = t.id where not a.id = any(trail)
)
select * from tree order by trail;

-- name: ancestors
with recursive up as (select * from es.account where id = :id union select a.* from es.account a join up on a.id = up.parent) select * from up;

-- name: path-prefix
select * from es.account where path like '/1%';

-- name: transfer!
with debit as (update es.account set balance = balance - :amount where id = :from_id returning id),
credit as (update es.account set balance = balance + :amount where id = :to_id returning id)
select (select count(*) from debit), (select count(*) from credit);

-- name: cube
select type, stream_id, count(*) from es.event where position between :a and :b group by cube (type, stream_id) having grouping(type) = 0;

-- name: json-build
select json_build_object('id', s.id, 'events', (select json_agg(e.* order by e.version) from es.event e where e.stream_id = s.id)) from es.stream s where s.id = :id;

-- name: inherited
select * from es.base where id = :id;

-- name: only-base
select * from only es.base where id = :id;

-- name: srf
select * from es.recent(:n);

-- name: exists
select exists (select 1 from es.event where stream_id = :s and type = 'closed');

-- name: array-sub
select array(select version from es.event where stream_id = :s order by version);

-- name: rows-from
select * from rows from (generate_series(1, 3), unnest(:a::int[])) with ordinality;

-- name: cast-forms
select cast(:a as int), :b::numeric(10,2), '2020-01-01'::date + :c::int, interval '1' day, timestamp '2020-01-01 00:00', e'a\'b', u&'\0041', b'101', x'1f', $q$it's :notparam$q$, 'a' 
'b';

-- name: at-time-zone
select at at time zone :tz from es.event where position = :p;

-- name: slices
select (array[1,2,3])[1:2], (string_to_array(:s, ','))[:n] ;

-- name: distinct-from
select * from es.account where id = :id and parent is distinct from :p;

-- name: functions-with-from
select extract(epoch from :d::timestamptz), substring(:s from :a for :b), trim(both :c from :s), overlay(:s placing :x from 1), position(:x in :s);

-- name: not-in
delete from es.queue where id = :id and lane not in (:lanes);

-- name: union
select 'e' as what, position as n from es.event where position = :p union all select 'q', id from es.queue where id = :p;

-- name: tablesample
select * from es.event tablesample system (:pct) where position > 0;

-- name: offset-fetch
select * from es.event order by position offset :o rows fetch next :n rows with ties;

-- name: lock
select 1 from es.stream where id = :id for no key update of stream;

-- name: advisory
select pg_advisory_xact_lock(hashtext(:name));

-- name: notify
select pg_notify('events', :payload);

-- name: nextval
select nextval('es.queue_id_seq'), currval(pg_get_serial_sequence('es.queue', 'id'));

-- name: default-values
insert into es.subscription default values;

-- name: overriding
insert into es.event overriding system value select * from es.event where position = :p on conflict do nothing;

-- name: update-from
update es.account a set balance = v.balance from (values (1, 2.0), (2, 3.0)) v(id, balance) where a.id = v.id;

-- name: update-row
update es.account set (owner, balance) = (:owner, :balance) where id = :id;

-- name: update-sub
update es.account set (owner, balance) = (select kind, 1 from es.stream where id = :s) where id = :id;

-- name: delete-using
delete from es.snapshot s using es.stream t where t.id = s.stream_id and t.id = :id;

-- name: current-of-nothing
select version() as v;

-- name: xmltable
select * from json_to_recordset(:j::json) as x(a int, b text);

-- name: escape-like
select * from es.account where path like '/a!_%' escape '!' and id = :id;

-- name: similar
select * from es.account where id = :id and owner similar to '%(a|b)%';
