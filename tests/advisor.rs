//! The advisor over an oracle that answers like a simple planner: which indexes, for which statements, and that the
//! record of the answers gives the same advice.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking; helpers of tests are no test functions to clippy"
)]

use pgtriage::advisor::{Advice, CostOracle, RecordedAnswers, advise};
use pgtriage::analyze::{Config, analyze};
use pgtriage::checks::{Case, Thresholds};
use pgtriage::ids::StatementKey;
use pgtriage::snapshot::{IndexDefinition, Snapshot, WhatIf, WhatIfBasis};
use pgtriage::units::Cost;
use serde_json::{Value, json};

/// What a statement costs with an index that begins with these keys; the cheapest counts.
type Costs = &'static [(&'static str, &'static [(&'static str, f64)])];

/// A planner that knows a few costs, and a record of what it was asked.
struct Planner {
    costs: Vec<Vec<(String, f64)>>,
    answers: Vec<WhatIf>,
}

const WITHOUT: f64 = 10_000.0;

impl CostOracle for Planner {
    fn cost(&mut self, statement: &StatementKey, indexes: &[IndexDefinition]) -> Option<WhatIf> {
        let number: usize = statement.queryid?.to_string().parse().ok()?;
        let costs = &self.costs[number - 1];
        let mut best = (WITHOUT, None);
        for (place, index) in indexes.iter().enumerate() {
            let list = format!("{}({}", index.table, index.key_list());
            for (keys, cost) in costs {
                let begins = list == *keys || list.starts_with(&format!("{keys},"));
                if begins && *cost < best.0 {
                    best = (*cost, Some(place));
                }
            }
        }
        let answer = WhatIf {
            key: statement.clone(),
            indexes: indexes.to_vec(),
            basis: WhatIfBasis::Hypopg,
            before_cost: Cost(WITHOUT),
            after_cost: Cost(best.0),
            before_ms: None,
            after_ms: None,
            used: best.1.into_iter().collect(),
            size_bytes: Vec::new(),
        };
        self.answers.push(answer.clone());
        Some(answer)
    }
}

fn column(name: &str, type_name: &str, n_distinct: f64) -> Value {
    json!({"name": name, "type_name": type_name, "statistics": {"null_frac": 0.0, "avg_width_bytes": 8, "n_distinct": n_distinct, "correlation": 0.1}})
}

/// `orders` of 450,000 rows and `items` of 900,000, primary keys only, and the statements with 1,000 calls and 10 s
/// each.
fn shop(statements: impl Iterator<Item = String>) -> Snapshot {
    let name = |name: &str| json!({"schema": "public", "name": name});
    let primary = |oid: u32, table: &str, of: u32| json!({"oid": oid, "name": name(table), "table": of, "method": "btree", "keys": [{"column": "id"}], "unique": true, "primary": true, "constraint": true});
    let statements: Vec<Value> = statements
        .enumerate()
        .map(|(place, text)| {
            json!({
                "key": {"userid": 10, "queryid": (place + 1).to_string(), "toplevel": true},
                "query": text,
                "counters": {"calls": 1000, "rows": 1000, "total_exec_time_ms": 10_000.0}
            })
        })
        .collect();
    serde_json::from_value(json!({
        "capture_version": 1,
        "tool_version": "0.1.0",
        "captured_at": "2026-11-22T10:00:00Z",
        "server": {"version_num": 150_018, "version": "15.18", "database": "shop", "started_at": "2026-11-01T00:00:00Z"},
        "role": {"name": "triage", "search_path": ["pg_catalog", "public"]},
        "counter_source": {"extension_version": "1.10", "schema": "public", "stats_reset": "2026-11-22T09:00:00Z"},
        "statements": statements,
        "tables": [
            {"oid": 1, "name": name("orders"), "kind": "table", "pages": 5000, "tuples": 450_000.0, "columns": [
                column("id", "bigint", -1.0), column("customer_id", "integer", 20_000.0), column("status", "text", 4.0),
                column("kind", "text", 6.0), column("created_at", "timestamp with time zone", -1.0), column("doc", "json", -1.0)]},
            {"oid": 2, "name": name("items"), "kind": "table", "pages": 9000, "tuples": 900_000.0, "columns": [
                column("id", "bigint", -1.0), column("order_id", "bigint", -0.5), column("sku", "text", 5_000.0)]}
        ],
        "indexes": [primary(11, "orders_pkey", 1), primary(12, "items_pkey", 2)]
    }))
    .unwrap()
}

/// The advice, after the record of the planner's answers has given the same.
fn advice(costs: Costs) -> Advice {
    let mut snapshot = shop(costs.iter().map(|(text, _)| (*text).to_owned()));
    let mut planner = Planner {
        costs: costs
            .iter()
            .map(|(_, costs)| {
                let own = costs.iter().map(|(keys, cost)| ((*keys).to_owned(), *cost));
                own.collect()
            })
            .collect(),
        answers: Vec::new(),
    };
    let live = advise(&Case::of(&snapshot, &Thresholds::default()), &mut planner);
    snapshot.what_if = planner.answers;
    let mut record = RecordedAnswers::new(&snapshot.what_if);
    let replayed = advise(&Case::of(&snapshot, &Thresholds::default()), &mut record);
    assert_eq!(record.unanswered().len(), 0);
    assert_eq!(live, replayed);
    live
}

fn indexes(costs: Costs) -> Vec<String> {
    let advice = advice(costs);
    let shown = advice.indexes.iter().map(|advised| {
        let definition = &advised.blueprint.definition;
        let helped = advised.helped.len();
        format!(
            "{}({}) helps {helped}",
            definition.table,
            definition.key_list()
        )
    });
    shown.collect()
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn the_fewest_and_shortest_indexes_serve_all_statements() {
    let cases: &[(&str, Costs, &[&str])] = &[
        (
            "the order within each row of an outer query",
            &[(
                "SELECT o.id, i.sku FROM orders o CROSS JOIN LATERAL (SELECT sku FROM items WHERE order_id = o.id ORDER BY sku DESC LIMIT 1) i",
                &[
                    ("items(order_id", 900.0),
                    ("items(sku", 120.0),
                    ("items(order_id, sku", 50.0),
                ],
            )],
            &["items(order_id, sku) helps 1"],
        ),
        (
            "one column",
            &[(
                "SELECT id FROM orders WHERE customer_id = $1",
                &[("orders(customer_id", 80.0)],
            )],
            &["orders(customer_id) helps 1"],
        ),
        (
            "the most selective column alone does nearly as well",
            &[(
                "SELECT id FROM orders WHERE status = $1 AND customer_id = $2",
                &[
                    ("orders(customer_id", 100.0),
                    ("orders(customer_id, status", 40.0),
                ],
            )],
            &["orders(customer_id) helps 1"],
        ),
        (
            "both columns are needed",
            &[(
                "SELECT id FROM orders WHERE status = $1 AND kind = $2",
                &[
                    ("orders(kind", 6000.0),
                    ("orders(kind, status", 900.0),
                    ("orders(status, kind", 950.0),
                ],
            )],
            &["orders(kind, status) helps 1"],
        ),
        (
            "equality before the range",
            &[(
                "SELECT id FROM orders WHERE created_at >= $1 AND status = $2",
                &[
                    ("orders(status, created_at", 300.0),
                    ("orders(created_at", 2500.0),
                ],
            )],
            &["orders(status, created_at) helps 1"],
        ),
        (
            "equality before the order, which a scan gives both ways",
            &[(
                "SELECT id FROM orders WHERE customer_id = $1 ORDER BY created_at DESC LIMIT $2",
                &[
                    ("orders(customer_id", 1500.0),
                    ("orders(customer_id, created_at", 9.0),
                ],
            )],
            &["orders(customer_id, created_at) helps 1"],
        ),
        (
            "the order, however little of the whole it saves, and for the other statement too",
            &[
                (
                    "SELECT id FROM orders WHERE customer_id = $1 ORDER BY created_at DESC LIMIT $2",
                    &[
                        ("orders(customer_id", 90.0),
                        ("orders(customer_id, created_at", 9.0),
                    ],
                ),
                (
                    "SELECT count(*) FROM orders WHERE customer_id = $1",
                    &[("orders(customer_id", 80.0)],
                ),
            ],
            &["orders(customer_id, created_at) helps 2"],
        ),
        (
            "no order where a sort costs next to nothing",
            &[(
                "SELECT id FROM orders WHERE customer_id = $1 ORDER BY created_at DESC",
                &[
                    ("orders(customer_id", 9.5),
                    ("orders(customer_id, created_at", 9.0),
                ],
            )],
            &["orders(customer_id) helps 1"],
        ),
        (
            "an order of mixed directions",
            &[(
                "SELECT id FROM orders ORDER BY status, created_at DESC LIMIT $1",
                &[("orders(status, created_at DESC", 9.0)],
            )],
            &["orders(status, created_at DESC) helps 1"],
        ),
        (
            "the longer of two serves both statements",
            &[
                (
                    "SELECT id FROM orders WHERE customer_id = $1",
                    &[("orders(customer_id", 80.0)],
                ),
                (
                    "SELECT id FROM orders WHERE customer_id = $1 AND created_at > $2",
                    &[
                        ("orders(customer_id", 3000.0),
                        ("orders(customer_id, created_at", 20.0),
                    ],
                ),
            ],
            &["orders(customer_id, created_at) helps 2"],
        ),
        (
            "one order of two columns serves both statements",
            &[
                (
                    "SELECT id FROM orders WHERE status = $1 AND kind = $2",
                    &[
                        ("orders(kind, status", 900.0),
                        ("orders(status, kind", 950.0),
                    ],
                ),
                (
                    "SELECT id, doc FROM orders WHERE status = $1 AND kind = $2 AND created_at > $3",
                    &[
                        ("orders(status, kind", 901.0),
                        ("orders(kind, status", 990.0),
                    ],
                ),
            ],
            &["orders(kind, status) helps 2"],
        ),
        (
            "the inner side of a join",
            &[(
                "SELECT i.sku FROM orders o JOIN items i ON i.order_id = o.id WHERE o.id = $1",
                &[("items(order_id", 60.0)],
            )],
            &["items(order_id) helps 1"],
        ),
        (
            "a pattern",
            &[(
                "SELECT id FROM items WHERE sku LIKE 'ab%'",
                &[("items(sku text_pattern_ops", 60.0)],
            )],
            &["items(sku text_pattern_ops) helps 1"],
        ),
        (
            "DELETE and UPDATE find their rows, too",
            &[
                (
                    "DELETE FROM items WHERE order_id = $1",
                    &[("items(order_id", 60.0)],
                ),
                (
                    "UPDATE items SET sku = $1 WHERE order_id = $2",
                    &[("items(order_id", 60.0)],
                ),
            ],
            &["items(order_id) helps 2"],
        ),
        (
            "nothing that the planner would not use",
            &[("SELECT id FROM orders WHERE status = $1", &[])],
            &[],
        ),
        (
            "nothing for a key, for a type without order, for all rows",
            &[
                (
                    "SELECT doc FROM orders WHERE id = $1",
                    &[("orders(id", 1.0)],
                ),
                (
                    "SELECT doc FROM orders WHERE id = $1 AND status = $2",
                    &[("orders(id", 1.0)],
                ),
                (
                    "SELECT id FROM orders WHERE doc IS NULL",
                    &[("orders(doc", 1.0)],
                ),
                ("SELECT count(*) FROM orders", &[]),
            ],
            &[],
        ),
    ];
    for (what, costs, expected) in cases {
        assert_eq!(indexes(costs), *expected, "{what}");
    }
}

#[test]
fn refusals_say_why() {
    let costs: Costs = &[
        ("SELECT doc FROM orders WHERE id = $1", &[]),
        ("SELECT id FROM orders WHERE doc IS NULL", &[]),
        (
            "SELECT id FROM orders WHERE status = $1",
            &[("orders(status", 9_500.0)],
        ),
    ];
    let told: Vec<String> = advice(costs)
        .refusals
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        told,
        [
            "no index is advised on public.orders: it saves 5 % of the statement's cost",
            "no index is advised on public.orders (doc): doc is of type json, which has no order",
            "no index is advised on public.orders (id): public.orders_pkey has these leading columns",
        ]
    );
}

#[test]
fn advice_names_what_it_replaces_and_how_to_go_back() {
    let mut snapshot = shop(std::iter::once(
        "SELECT id FROM orders WHERE customer_id = $1 AND created_at > $2".to_owned(),
    ));
    let mut index = snapshot.indexes[0].clone();
    index.oid.0 = 13;
    index.name.name = "orders_customer_id_created_at_idx".to_owned();
    index.keys[0].column = Some("customer_id".to_owned());
    (index.unique, index.primary, index.constraint) = (false, false, false);
    snapshot.indexes.push(index);
    let mut planner = Planner {
        costs: vec![vec![("orders(customer_id, created_at".to_owned(), 20.0)]],
        answers: Vec::new(),
    };
    let advice = advise(&Case::of(&snapshot, &Thresholds::default()), &mut planner);
    snapshot.what_if = planner.answers;
    let blueprint = &advice.indexes[0].blueprint;
    assert_eq!(
        blueprint.script.create,
        [
            "CREATE INDEX CONCURRENTLY orders_customer_id_created_at_idx1 ON public.orders (customer_id, created_at);"
        ]
    );
    assert_eq!(
        blueprint.script.drop,
        ["DROP INDEX CONCURRENTLY public.orders_customer_id_created_at_idx1;"]
    );
    assert_eq!(
        blueprint.replaces.as_ref().unwrap().name.to_string(),
        "public.orders_customer_id_created_at_idx"
    );
    let report = analyze(&snapshot, &Config::default());
    let finding = report
        .bottlenecks
        .iter()
        .find(|finding| finding.kind.as_str() == "missing_index")
        .unwrap();
    assert_eq!(
        finding.id,
        "missing_index:public.orders(customer_id, created_at)"
    );
    assert!(
        finding
            .fix
            .contains("DROP INDEX CONCURRENTLY public.orders_customer_id_created_at_idx")
    );
}

#[test]
fn partitioned_tables_get_the_recipe_that_blocks_nobody() {
    let text = std::fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/testdata/checks/missing_index/fires/partitioned.json"
    ))
    .unwrap();
    let snapshot: Snapshot = serde_json::from_str(&text).unwrap();
    let report = analyze(&snapshot, &Config::default());
    let finding = report
        .bottlenecks
        .iter()
        .find(|finding| finding.kind.as_str() == "missing_index")
        .unwrap();
    assert_eq!(
        finding.recommendation.ddl,
        [
            "CREATE INDEX events_blog_id_idx ON ONLY public.events (blog_id);",
            "CREATE INDEX CONCURRENTLY events_0_blog_id_idx ON public.events_0 (blog_id);",
            "ALTER INDEX public.events_blog_id_idx ATTACH PARTITION public.events_0_blog_id_idx;",
            "CREATE INDEX CONCURRENTLY events_1_blog_id_idx ON public.events_1 (blog_id);",
            "ALTER INDEX public.events_blog_id_idx ATTACH PARTITION public.events_1_blog_id_idx;",
        ]
    );
    assert_eq!(
        finding.recommendation.rollback,
        ["DROP INDEX public.events_blog_id_idx;"]
    );
}

#[test]
fn a_foreign_key_and_the_index_that_serves_it_are_one_bottleneck() {
    let text = std::fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/testdata/checks/unindexed_foreign_key/fires/missing_index_leads.json"
    ))
    .unwrap();
    let snapshot: Snapshot = serde_json::from_str(&text).unwrap();
    let report = analyze(&snapshot, &Config::default());
    let key = report
        .bottlenecks
        .iter()
        .find(|finding| finding.kind.as_str() == "unindexed_foreign_key")
        .unwrap();
    assert_eq!(
        key.explained_by.as_deref(),
        Some("missing_index:public.items(order_id)")
    );
}
