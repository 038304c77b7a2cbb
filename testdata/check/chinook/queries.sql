-- name: list-albums-by-artist
-- How many albums an artist has, and how long they are.
  select album.title as album, sum(milliseconds) * interval '1 ms' as duration
    from album
         join artist using (artist_id)
         left join track using (album_id)
   where artist.name = :name
group by album.album_id, album.title
order by album.title;

-- name: genre-topn
-- The longest tracks of each genre.
  select genre.name as genre,
         case when length(ss.name) > 15 then substring(ss.name from 1 for 15) || '…' else ss.name end as track,
         artist.name as artist
    from genre
         left join lateral (
            select track.name, track.album_id, count(playlist_id)
              from track left join playlist_track using (track_id)
             where track.genre_id = genre.genre_id
          group by track.track_id
          order by count(playlist_id) desc
             limit :n
         ) as ss (name, album_id, count) on true
         join album using (album_id)
         join artist using (artist_id)
order by genre.name, ss.count desc;

-- name: genre-tracks
  select genre.name, count(*) as tracks
    from genre left join track using (genre_id)
group by genre.name
order by tracks desc;

-- name: tracks-of-album
select track_id, name, milliseconds from track where album_id = :album order by track_id;

-- name: tracks-of-playlist
  select track.track_id, track.name, album.title
    from playlist_track join track using (track_id) left join album using (album_id)
   where playlist_track.playlist_id = :playlist
order by album.title, track.name;

-- name: playlists-of-track
select playlist.name from playlist join playlist_track using (playlist_id) where track_id = :track;

-- name: invoices-of-customer
select invoice_id, invoice_date, total from invoice where customer_id = :customer order by invoice_date desc;

-- name: invoice-lines
  select invoice_line.quantity, invoice_line.unit_price, track.name, artist.name as artist
    from invoice_line
         join track using (track_id)
         left join album using (album_id)
         left join artist using (artist_id)
   where invoice_line.invoice_id = :invoice;

-- name: sales-by-country
  select billing_country, count(*), sum(total), round(avg(total), 2)
    from invoice
group by rollup (billing_country)
order by billing_country;

-- name: monthly-sales
  with month as (select date_trunc('month', invoice_date)::date as month, sum(total) as total from invoice group by 1)
  select month, total, total - lag(total) over (order by month) as change, ntile(4) over (order by total)
    from month
order by month;

-- name: sales-by-employee
  select employee.first_name, employee.last_name, count(invoice_id), sum(total)
    from employee
         left join customer on customer.support_rep_id = employee.employee_id
         left join invoice using (customer_id)
group by employee.employee_id
order by 4 desc nulls last;

-- name: reports
with recursive chain as (
    select employee_id, last_name, 1 as level from employee where reports_to is null
    union all
    select e.employee_id, e.last_name, c.level + 1 from employee e join chain c on e.reports_to = c.employee_id
)
select * from chain order by level, last_name;

-- name: never-sold
select count(*) from track where not exists (select 1 from invoice_line where invoice_line.track_id = track.track_id);

-- name: also-bought
  select other.track_id, count(*)
    from invoice_line mine join invoice_line other using (invoice_id)
   where mine.track_id = :track and other.track_id <> :track
group by other.track_id
order by 2 desc
   limit 10;

-- name: add-to-playlist!
insert into playlist_track (playlist_id, track_id) values (:playlist, :track) on conflict do nothing;

-- name: remove-invoice!
delete from invoice_line where invoice_id = :invoice;
