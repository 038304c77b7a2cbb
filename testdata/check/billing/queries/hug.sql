-- :name tenant-by-slug :? :1
-- :doc Finds a tenant
select * from billing.tenant where slug = :slug

-- :name tenants-by-ids :? :*
select * from billing.tenant where id in (:v*:ids)

-- :name insert-outbox :! :n
insert into billing.outbox (topic, payload) values :tuple*:rows

-- :name payments-of-invoice :? :*
select * from billing.payment where (tenant_id, invoice_id) = :tuple:tenant-invoice

-- :name sorted-customers :? :*
select :i*:columns from billing.customer where tenant_id = :tenant-id order by :i:sort-by

-- :name from-any :? :1
select count(*) from :i:table-name

-- :name by-raw :? :*
select * from billing.payment where :sql:condition

-- :snip customer-columns
select id, email

-- :snip only-tenant
where tenant_id = :tenant-id and nowhere = :value

-- :name composed :? :*
:snip:select from billing.customer :snip:where

-- :name with-expression :? :*
select * from billing.customer
--~ (when (:x params) ",")
where tenant_id = :tenant-id
/*~ (if (:id params) */
and id = :id
/*~*/
and id = :customer.id
/*~ ) ~*/

-- :name returning :<! :1
insert into billing.outbox (topic, payload) values (:topic, :payload::jsonb) returning id
