use super::{NoEquivalent, Rows, equivalent_select};
use crate::sql::parse::tests::{only_reads, statements};

fn check(text: &str, expected: &str, parameters: &[u32]) {
    let select = equivalent_select(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    assert_eq!(select.text, expected, "{text}");
    assert_eq!(select.parameters, parameters, "{text}");
}

#[test]
fn selects_of_updates() {
    for (text, expected, parameters) in [
        (
            "UPDATE orders SET status = $1, total = total + $2 WHERE id = $3;",
            "SELECT orders.* FROM orders WHERE id = $1",
            &[3][..],
        ),
        (
            "update only public.orders as o set status = $1 from users u join orgs g on g.id = u.org_id where u.id = o.user_id and u.email = $2 returning o.id",
            "SELECT o.* FROM only public.orders as o, users u join orgs g on g.id = u.org_id where u.id = o.user_id and u.email = $1",
            &[2],
        ),
        (
            "UPDATE public.orders SET status = $1",
            "SELECT public.orders.* FROM public.orders",
            &[],
        ),
        (
            "UPDATE orders * SET a = b IS DISTINCT FROM $1 WHERE c = $2",
            "SELECT orders.* FROM orders * WHERE c = $1",
            &[2],
        ),
        (
            "UPDATE orders o SET total = (SELECT sum(price) FROM order_items i WHERE i.order_id = o.id AND qty > $1), note = $2 WHERE id = $3",
            "SELECT o.*, (SELECT sum(price) FROM order_items i WHERE i.order_id = o.id AND qty > $1) FROM orders o WHERE id = $2",
            &[1, 3],
        ),
        (
            "UPDATE orders SET (status, note) = (SELECT kind, $1 FROM events) WHERE id = $2",
            "SELECT orders.* FROM orders WHERE id = $1",
            &[2],
        ),
        (
            "UPDATE jobs SET state = $1 WHERE id = (SELECT id FROM jobs WHERE queue = $2 ORDER BY run_at LIMIT $3 FOR UPDATE SKIP LOCKED) RETURNING *",
            "SELECT jobs.* FROM jobs WHERE id = (SELECT id FROM jobs WHERE queue = $1 ORDER BY run_at LIMIT $2)",
            &[2, 3],
        ),
        (
            "WITH x AS (SELECT id FROM users WHERE org_id = $1) UPDATE orders SET status = $2 FROM x WHERE x.id = orders.user_id",
            "WITH x AS (SELECT id FROM users WHERE org_id = $1) SELECT orders.* FROM orders, x WHERE x.id = orders.user_id",
            &[1],
        ),
    ] {
        check(text, expected, parameters);
    }
}

#[test]
fn selects_of_other_writes() {
    for (text, expected, parameters) in [
        (
            "DELETE FROM orders WHERE id = $1",
            "SELECT orders.* FROM orders WHERE id = $1",
            &[1][..],
        ),
        ("DELETE FROM orders", "SELECT orders.* FROM orders", &[]),
        (
            "DELETE FROM order_items i USING orders o JOIN users u USING (id) WHERE o.id = i.order_id RETURNING i.*",
            "SELECT i.* FROM order_items i, orders o JOIN users u USING (id) WHERE o.id = i.order_id",
            &[],
        ),
        (
            "DELETE FROM ONLY \"public\".\"order_items\" WHERE $1 OPERATOR(pg_catalog.=) \"order_id\"",
            "SELECT \"public\".\"order_items\".* FROM ONLY \"public\".\"order_items\" WHERE $1 OPERATOR(pg_catalog.=) \"order_id\"",
            &[1],
        ),
        (
            "INSERT INTO log (a, b) SELECT o.id, $1 FROM orders o WHERE o.status = $2 ON CONFLICT (a) DO NOTHING",
            "SELECT o.id, $1 FROM orders o WHERE o.status = $2",
            &[1, 2],
        ),
        (
            "WITH a AS (SELECT 1) INSERT INTO log WITH b AS (SELECT 2) SELECT * FROM a, b RETURNING id",
            "WITH a AS (SELECT 1) (WITH b AS (SELECT 2) SELECT * FROM a, b)",
            &[],
        ),
        (
            "INSERT INTO log (a) (SELECT id FROM t)",
            "(SELECT id FROM t)",
            &[],
        ),
        (
            "INSERT INTO log AS l (a, b) OVERRIDING USER VALUE VALUES ($1, DEFAULT), ((SELECT max(id) FROM t), $2) ON CONFLICT DO NOTHING",
            "VALUES ($1, NULL), ((SELECT max(id) FROM t), $2)",
            &[1, 2],
        ),
        (
            "MERGE INTO orders o USING users u ON u.id = o.user_id AND u.org_id = $1 WHEN MATCHED THEN UPDATE SET status = $2",
            "SELECT * FROM users u JOIN orders o ON u.id = o.user_id AND u.org_id = $1",
            &[1],
        ),
        (
            "WITH s AS (SELECT 1 AS id) MERGE INTO orders USING s ON orders.id = s.id WHEN MATCHED AND s.id > $1 THEN DELETE WHEN NOT MATCHED THEN INSERT (id) VALUES ($2)",
            "WITH s AS (SELECT 1 AS id) SELECT * FROM s LEFT JOIN orders ON orders.id = s.id",
            &[],
        ),
        (
            "MERGE INTO a USING b ON a.x = b.x WHEN NOT MATCHED BY SOURCE THEN DELETE",
            "SELECT * FROM b RIGHT JOIN a ON a.x = b.x",
            &[],
        ),
        (
            "MERGE INTO a USING b ON a.x = b.x WHEN NOT MATCHED BY TARGET THEN INSERT VALUES (1) WHEN NOT MATCHED BY SOURCE THEN DELETE",
            "SELECT * FROM b FULL JOIN a ON a.x = b.x",
            &[],
        ),
        (
            "SELECT * FROM jobs WHERE id = $3 FOR UPDATE",
            "SELECT * FROM jobs WHERE id = $1",
            &[3],
        ),
        (
            "SELECT id INTO TEMP TABLE x.y FROM users WHERE id = $1 FOR SHARE",
            "SELECT id FROM users WHERE id = $1",
            &[1],
        ),
    ] {
        check(text, expected, parameters);
    }
}

#[test]
fn what_has_no_equivalent_says_why() {
    for (text, reason) in [
        ("SELECT 1", NoEquivalent::OnlyReads),
        ("(SELECT 1) UNION SELECT 2", NoEquivalent::OnlyReads),
        (
            "WITH g AS (DELETE FROM t RETURNING id) SELECT * FROM g",
            NoEquivalent::ModifyingCte,
        ),
        (
            "WITH g AS (UPDATE t SET a = 1 RETURNING id) INSERT INTO u SELECT * FROM g",
            NoEquivalent::ModifyingCte,
        ),
        (
            "UPDATE t SET a = $1 WHERE CURRENT OF c",
            NoEquivalent::Cursor,
        ),
        ("INSERT INTO t DEFAULT VALUES", NoEquivalent::DefaultValues),
        ("VACUUM t", NoEquivalent::NotUnderstood),
        ("UPDATE", NoEquivalent::NotUnderstood),
        ("", NoEquivalent::NotUnderstood),
    ] {
        assert_eq!(equivalent_select(text), Err(reason), "{text}");
    }
    let rows = |text: &str| equivalent_select(text).map(|select| select.rows);
    assert_eq!(rows("INSERT INTO t SELECT 1"), Ok(Rows::Source));
    assert_eq!(rows("DELETE FROM t"), Ok(Rows::Target));
    assert_eq!(rows("SELECT 1 FOR UPDATE"), Ok(Rows::Same));
}

#[test]
fn every_writing_statement_of_the_corpus_is_answered() {
    for (name, text) in statements() {
        if let Ok(select) = equivalent_select(text) {
            let statement = crate::sql::parse::parse(&select.text);
            let statement =
                statement.unwrap_or_else(|error| panic!("{name}: {}: {error}", select.text));
            assert!(only_reads(&statement), "{name}: {}", select.text);
        }
    }
}
