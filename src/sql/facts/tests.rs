mod show;

use std::collections::BTreeMap;
use std::fmt::Write;

use proptest::prelude::*;

use show::show;
pub use show::usage;

use super::facts;
use crate::ids::QualifiedName;
use crate::sql::parse::parse;
use crate::sql::scope::{CatalogNames, NoCatalog, RelationColumns};

/// The relations of `testdata/sql/schema.sql` with `public` and `audit` as schemas, and some views.
pub struct Shop(BTreeMap<(String, String), RelationColumns>);

impl Shop {
    pub fn new() -> Self {
        let mut all = BTreeMap::new();
        let mut add = |schema: &str, name: &str, columns: &str, view: Option<&str>| {
            all.insert(
                (schema.to_owned(), name.to_owned()),
                RelationColumns {
                    name: QualifiedName::new(schema, name),
                    columns: columns.split_whitespace().map(str::to_owned).collect(),
                    view: view.map(str::to_owned),
                },
            );
        };
        for line in include_str!("../../../testdata/sql/schema.sql").lines() {
            let Some(rest) = line.strip_prefix("CREATE TABLE ") else {
                continue;
            };
            let (name, columns) = rest.split_once(" (").unwrap();
            let columns: Vec<_> = columns
                .split("PRIMARY KEY (")
                .next()
                .unwrap()
                .split(", ")
                .filter_map(|column| column.split_whitespace().next())
                .filter(|name| !name.ends_with(')'))
                .map(|name| name.trim_matches('"'))
                .collect();
            let name = name.trim_matches('"');
            let (schema, name) = name.split_once('.').unwrap_or(("public", name));
            add(schema, name, &columns.join(" "), None);
        }
        add(
            "public",
            "open_orders",
            "id buyer",
            Some(
                " SELECT o.id,\n    o.user_id AS buyer\n   FROM orders o\n  WHERE o.status = 'open'::text;",
            ),
        );
        add(
            "public",
            "buyers",
            "buyer n",
            Some("SELECT buyer, count(*) AS n FROM open_orders GROUP BY buyer"),
        );
        add("public", "loop", "id", Some("SELECT id FROM loop"));
        Self(all)
    }
}

impl CatalogNames for Shop {
    fn relation(&self, schema: Option<&str>, name: &str) -> Option<&RelationColumns> {
        self.0
            .get(&(schema.unwrap_or("public").to_owned(), name.to_owned()))
    }
}

/// The facts of every statement of `statements.sql`, against `facts.txt`; `UPDATE=1` writes it anew.
#[test]
fn facts_of_many_statements() {
    let shop = Shop::new();
    let mut text = String::new();
    for (name, sql) in crate::sql::parse::tests::statements() {
        if let Ok(statement) = parse(sql) {
            writeln!(
                text,
                "-- {name}\n{sql}\n{}",
                show(&facts(&statement, &shop))
            )
            .unwrap();
        }
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/sql/facts.txt");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, &text).unwrap();
    }
    let expected = std::fs::read_to_string(path).unwrap();
    for (ours, theirs) in text.split("\n\n").zip(expected.split("\n\n")) {
        assert_eq!(ours, theirs);
    }
    assert_eq!(text.len(), expected.len());
}

fn shown(sql: &str, catalog: &dyn CatalogNames) -> String {
    show(&facts(&parse(sql).unwrap(), catalog))
}

#[test]
fn without_a_catalog_a_single_relation_has_all_columns() {
    let text = shown(
        "SELECT id FROM users WHERE email = $1 AND org_id IN (SELECT id FROM orgs WHERE name = $2)",
        &NoCatalog,
    );
    for line in [
        "  email = $1",
        "  name = $2",
        "join 0.org_id = 1.id Semi",
        "$1 users.email =",
    ] {
        assert!(text.lines().any(|one| one == line), "{line} in\n{text}");
    }
    let text = shown(
        "SELECT a.x FROM a JOIN b ON a.id = b.id WHERE y = $1 AND b.z = $2",
        &NoCatalog,
    );
    for line in ["  z = $2", "join 0.id = 1.id Inner", "unresolved {\"y\"}"] {
        assert!(text.lines().any(|one| one == line), "{line} in\n{text}");
    }
}

#[test]
fn views_are_read_through() {
    let shop = Shop::new();
    let text = shown("SELECT * FROM open_orders v WHERE v.buyer = $1", &shop);
    for line in [
        "use 0 Scan public.orders as o in view public.open_orders; mentions id status user_id; selects id user_id",
        "  status = 'open'",
        "  user_id = $1",
        "$1 public.orders.user_id =",
    ] {
        assert!(text.lines().any(|one| one == line), "{line} in\n{text}");
    }
    // The group key lets the condition through, the count does not.
    let text = shown("SELECT 1 FROM buyers WHERE buyer = $1 AND n > $2", &shop);
    assert!(
        text.contains("  user_id = $1\n") && !text.contains("$2\njoin"),
        "{text}"
    );
    assert!(shown("SELECT * FROM loop", &shop).contains("use 0 Scan public.loop"));
}

#[test]
fn conditions_reach_only_what_they_restrict() {
    let shop = Shop::new();
    for (sql, present, absent) in [
        // The rows of the outer side of a join stay whatever ON says.
        (
            "SELECT 1 FROM users u LEFT JOIN orders o ON o.user_id = u.id AND u.active = $1 AND o.status = $2",
            "  status = $2",
            "  active = $1",
        ),
        (
            "SELECT 1 FROM users u RIGHT JOIN orders o ON o.user_id = u.id AND u.active = $1 AND o.status = $2",
            "  active = $1",
            "  status = $2",
        ),
        (
            "SELECT 1 FROM users u FULL JOIN orders o ON o.user_id = u.id AND u.active = $1",
            "join 1.user_id = 0.id Full",
            "  active = $1",
        ),
        (
            "SELECT 1 FROM (SELECT user_id, count(*) OVER (PARTITION BY user_id) n, status FROM orders) s WHERE user_id = $1 AND status = $2",
            "  user_id = $1",
            "  status = $2",
        ),
        (
            "SELECT 1 FROM (SELECT DISTINCT ON (user_id) user_id, status FROM orders) s WHERE user_id = $1 AND status = $2",
            "  user_id = $1",
            "  status = $2",
        ),
        (
            "SELECT 1 FROM (SELECT user_id, status FROM orders FOR UPDATE) s WHERE user_id = $1",
            "$1 public.orders.user_id =",
            "  user_id = $1",
        ),
        (
            "SELECT 1 FROM orders WHERE NOT (user_id = $1 OR status = $2)",
            "  user_id <> $1",
            "  user_id = $1",
        ),
        (
            "SELECT 1 FROM orders WHERE NOT (user_id = $1 AND total < $2)",
            "  total >= $2 [or 0 arm 1]",
            "  user_id = $1",
        ),
        (
            "SELECT 1 FROM orders WHERE status LIKE 'a\\_b%'",
            "  status starts \"a_b\"",
            "  status like 'a\\_b%'",
        ),
        (
            "SELECT 1 FROM orders WHERE status LIKE 'abc'",
            "  status = 'abc'",
            "  status like 'abc'",
        ),
        (
            "SELECT 1 FROM orders WHERE status LIKE '%abc'",
            "  status like '%abc'",
            "  status starts \"\"",
        ),
        (
            "SELECT 1 FROM orders WHERE ROW(placed_at, id) >= ROW($1, $2)",
            "  placed_at row (placed_at, id) >= ($1, $2)",
            "  placed_at >= $1",
        ),
        (
            "SELECT 1 FROM orders o, users u WHERE o.user_id + 1 = u.id",
            "join 0.«o.user_id + 1» of user_id = 1.id Inner",
            "unresolved",
        ),
        (
            "SELECT 1 FROM orders WHERE total > placed_at",
            "  total other > ",
            "join",
        ),
    ] {
        let text = shown(sql, &shop);
        let has = |line: &str| {
            text.lines()
                .any(|one| one == line.replace("o.user_id + 1", "user_id + 1"))
        };
        assert!(has(present), "{present} in\n{text}");
        assert!(!has(absent), "{absent} in\n{text}");
    }
}

#[test]
fn lookups_are_what_loops_send() {
    let shop = Shop::new();
    for (sql, expected) in [
        (
            "SELECT * FROM orders WHERE user_id = $1",
            vec![("user_id", Some(1))],
        ),
        (
            "SELECT * FROM orders WHERE user_id = $1 AND status = 'open'",
            vec![("user_id", Some(1)), ("status", None)],
        ),
        ("SELECT * FROM orders WHERE user_id = ANY($1)", vec![]),
        (
            "SELECT * FROM orders WHERE user_id IN ($1 /*, ... */)",
            vec![],
        ),
        (
            "SELECT * FROM orders o JOIN users u ON u.id = o.user_id WHERE u.id = $1",
            vec![],
        ),
        ("UPDATE orders SET status = $1 WHERE id = $2", vec![]),
        ("SELECT * FROM orders WHERE user_id = $1 OR id = $2", vec![]),
    ] {
        let statement = parse(sql).unwrap();
        let facts = facts(&statement, &shop);
        let lookups: Vec<_> = facts
            .lookups()
            .iter()
            .map(|l| (l.column, l.parameter))
            .collect();
        assert_eq!(lookups, expected, "{sql}");
    }
}

#[test]
fn what_a_statement_returns() {
    let shop = Shop::new();
    for (sql, table, column, expected) in [
        ("SELECT id FROM orders", "orders", "id", true),
        ("SELECT id FROM orders", "orders", "user_id", false),
        ("SELECT * FROM orders", "orders", "user_id", true),
        (
            "SELECT o.* FROM orders o JOIN users u ON u.id = o.user_id",
            "users",
            "id",
            false,
        ),
        (
            "WITH r AS (SELECT user_id AS u FROM orders LIMIT 5) SELECT u FROM r",
            "orders",
            "user_id",
            true,
        ),
        ("SELECT max(id) FROM orders", "orders", "id", false),
        ("DELETE FROM orders RETURNING id", "orders", "id", true),
        (
            "SELECT id FROM users UNION SELECT user_id FROM orders",
            "orders",
            "user_id",
            true,
        ),
    ] {
        for schema in [None, Some("public")] {
            let facts = facts(&parse(sql).unwrap(), &shop);
            assert_eq!(facts.returns(schema, table, column), expected, "{sql}");
        }
        let unknown = facts(&parse(sql).unwrap(), &NoCatalog);
        assert_eq!(
            unknown.returns(Some("public"), table, column),
            expected,
            "{sql}"
        );
    }
    assert!(
        !facts(&parse("SELECT id FROM orders").unwrap(), &shop).returns(
            Some("audit"),
            "orders",
            "id"
        )
    );
}

#[test]
fn deep_trees_are_walked() {
    let shop = Shop::new();
    for (open, close, n) in [
        ("(", ")", 150),
        ("coalesce(", ", 1)", 150),
        ("not ", "", 150),
        ("", " or id = 1", 3000),
        ("", " + id", 3000),
        ("", " = id", 500),
    ] {
        let sql = format!(
            "select id from users where {}id{}",
            open.repeat(n),
            close.repeat(n)
        );
        if let Ok(statement) = parse(&sql) {
            let _ = facts(&statement, &shop);
        }
    }
    let union = format!(
        "select id from users{}",
        " union all select id from orders".repeat(1000)
    );
    assert_eq!(facts(&parse(&union).unwrap(), &shop).relations.len(), 1001);
}

/// Work that grows with the square of the text shows as minutes here, not as milliseconds.
#[test]
fn long_statements_take_no_longer_than_they_are() {
    let list = |n: usize, item: &str| vec![item; n].join(",");
    let started = std::time::Instant::now();
    for sql in [
        format!("insert into t (a, b) values {}", list(20_000, "($1, $2)")),
        format!("select 1 from t where a in ({})", list(60_000, "$1")),
        format!("select a {} from t", " + $1".repeat(7_900)),
        format!("select a {} from t", " = $1".repeat(7_900)),
        format!("select 1 from t where a = 1 {}", " or b = $1".repeat(3_900)),
        format!("select {} from t", list(5_000, "$1 is null")),
        format!(
            "select {} from t group by {}",
            list(3_000, "f($1, x)"),
            list(3_000, "f('a', x)")
        ),
    ] {
        let _ = facts(&parse(&sql).unwrap(), &NoCatalog);
        let _ = crate::sql::parameters::from_tokens(&sql, &NoCatalog);
        let _ = crate::sql::rewrite::repair(&sql);
        let _ = crate::sql::rewrite::equivalent_select(&sql);
    }
    assert!(started.elapsed().as_secs() < 60, "{:?}", started.elapsed());
}

proptest! {
    #[test]
    fn mutated_sql_is_walked(index in 0usize..1000, cut in 0usize..400, len in 0usize..20, insert in "(\\$[0-9]|[(),;'\"*.]| select | from users | as | for update | array\\[|::|interval | case | not | in | union | lateral ){0,3}") {
        let all = crate::sql::parse::tests::statements();
        let mut text: Vec<char> = all[index % all.len()].1.chars().collect();
        let cut = cut.min(text.len());
        let end = (cut + len).min(text.len());
        text.splice(cut..end, insert.chars());
        if let Ok(statement) = parse(&text.into_iter().collect::<String>()) {
            let _ = facts(&statement, &Shop::new());
            let _ = facts(&statement, &NoCatalog);
        }
    }
}

/// Where lists of rows and subqueries carry parameters to. The server takes these for text, so it prepares none of the
/// texts as they stand.
#[test]
fn parameters_are_carried_to_where_a_column_tells_their_type() {
    for (text, expected) in [
        (
            "UPDATE jobs j SET state = v.s, attempts = j.attempts + v.n FROM (VALUES ($1, $2, $3)) v (id, s, n) WHERE j.id = v.id",
            "$1 jobs.id = (carried); $2 into jobs.state (carried); $3 into jobs.attempts (carried)",
        ),
        (
            "WITH v (id, state) AS (VALUES ($1, $2)) SELECT jobs.id FROM v JOIN jobs USING (id) WHERE jobs.state <> v.state",
            "$1 jobs.id = (carried); $2 jobs.state <> (carried)",
        ),
        (
            "SELECT id FROM jobs WHERE id IN (VALUES ($1), ($2)) AND queue = ANY (SELECT $3 UNION SELECT $4)",
            "$1 jobs.id = (carried); $2 jobs.id = (carried); $3 jobs.queue = (carried); $4 jobs.queue = (carried)",
        ),
        (
            "UPDATE jobs SET (state, attempts) = (SELECT $1, max(qty) FROM order_items) WHERE id = $2",
            "$1 into jobs.state (carried)",
        ),
        (
            "INSERT INTO jobs (id, queue, attempts) SELECT v.id, $1, v.n FROM (VALUES ($2, $3)) AS v (id, n)",
            "$2 into jobs.id (carried); $3 into jobs.attempts (carried)",
        ),
    ] {
        let carried: Vec<_> = facts(&parse(text).unwrap(), &NoCatalog)
            .parameters
            .iter()
            .flat_map(|(number, uses)| uses.iter().map(move |used| (number, show::usage(used))))
            .filter(|(_, used)| used.ends_with("(carried)"))
            .map(|(number, used)| format!("${number} {used}"))
            .collect();
        assert_eq!(carried.join("; "), expected, "{text}");
    }
}
