/* name: findInvoice */
select * from billing.invoice where tenant_id = ? and id = ? and issued_on = ?;

/* name: findByMeta */
select id from billing.customer where tenant_id = ? and metadata ?? 'crm' and metadata ??| array['a','b'];

/* name: pagePayments */
select * from billing.payment where tenant_id = ? and invoice_id in (?, ?, ?) order by created_at desc offset ? rows fetch first ? rows only;

/* name: jpa */
select p.* from billing.plan p where p.code = ?1 or p.id = ?2;

/* name: jpaNamed */
select s from billing.subscription s where s.tenant_id = :tenantId and s.customer_id = :customerId and (:planId is null or s.plan_id = :planId);

/* name: merge */
insert into billing.plan (code, every, price) values (?, ?::billing.plan_interval, ?) on conflict (code) do update set price = excluded.price returning id;

/* name: between */
select count(*) from billing.usage_event where tenant_id = ? and meter = ? and at between ? and ?;

/* name: coalesced */
select coalesce(sum(amount), 0) from billing.payment where tenant_id = ? and invoice_id = ?;

/* name: casewhen */
update billing.payment set state = case when attempts > ? then 'failed' else 'pending' end where id = ?::uuid;

/* name: optionalFilters */
select * from billing.customer where tenant_id = ? and (? is null or name = ?) and (:vat is null or vat_id = :vat);
