//! What `diagnose` says of a small shop: every planted bottleneck by name, and nothing of the healthy traffic.

use std::collections::BTreeSet;
use std::process::Command;

use pgtriage::demo::shop::Scale;
use serde_json::Value;

use crate::demo::start;
use crate::majors;

/// The oldest, the newest, and the one in between that has `HypoPG`: each takes some fifteen seconds.
const MAJORS: [u32; 3] = [13, 15, 18];

/// The beginnings of the ids of what is planted and shows at this size.
const PLANTED: [&str; 10] = [
    "missing_index:public.orders(customer_id)",
    "missing_index:public.payments(provider_reference)",
    "missing_index:public.payments(settled_at)",
    "unindexed_foreign_key:public.orders(customer_id)",
    "n_plus_one:public.order_items(order_id) for each of public.orders",
    "seq_scan_selective:public.orders(customer_id)",
    "row_misestimate:public.customers(city, country, region)",
    "sort_spill:SELECT avg(gap)",
    "hash_spill:SELECT orders.status",
    "deep_offset:SELECT id, actor_id",
];

/// What would be advised if typical values were taken for those that the traffic asks for.
const MISTAKEN: [&str; 1] = ["missing_index:public.customers("];

/// Parts of the texts of the healthy statements.
const HEALTHY: [&str; 14] = [
    "FROM sessions WHERE token",
    "UPDATE sessions SET",
    "newsletter FROM customers WHERE id",
    "FROM products WHERE category_id",
    "description FROM products WHERE id",
    "FROM reviews WHERE product_id",
    "FROM products WHERE id = ANY",
    "FROM orders WHERE placed_at >= $1 AND placed_at < $2",
    "INSERT INTO orders",
    "INSERT INTO order_items",
    "INSERT INTO payments",
    "INSERT INTO events",
    "FROM jobs WHERE finished_at",
    "UPDATE jobs SET",
];

#[tokio::test]
async fn the_report_names_what_is_planted_and_nothing_healthy() {
    for major in majors().into_iter().filter(|major| MAJORS.contains(major)) {
        let shop = start(major, Scale(25), Scale(25));
        // As much less memory as there are fewer rows: for the shop and for the probes.
        let memory = "ALTER DATABASE shop SET work_mem = '512kB'";
        shop.cluster().execute("shop", memory).expect("a setting");
        shop.load(&mut |_| {}).await.expect("a load");
        shop.run_traffic(&mut |_| {}).await.expect("traffic");

        let uri = shop.uri();
        let run = Command::new(env!("CARGO_BIN_EXE_pgtriage"))
            .args(["diagnose", &uri, "--format", "json", "--quiet"])
            .output()
            .expect("the program runs");
        assert!(run.status.success(), "{run:?}");
        let report: Value = serde_json::from_slice(&run.stdout).expect("a report");
        let findings = report["bottlenecks"].as_array().expect("findings");
        let ids: Vec<&str> = findings.iter().filter_map(|f| f["id"].as_str()).collect();
        for planted in PLANTED {
            let found = ids.iter().any(|id| id.starts_with(planted));
            assert!(found, "PostgreSQL {major}: no {planted} in {ids:#?}");
        }
        for mistaken in MISTAKEN {
            let found = ids.iter().find(|id| id.starts_with(mistaken));
            assert!(found.is_none(), "PostgreSQL {major}: {found:?}");
        }
        for text in HEALTHY {
            let accused = accused(&report, findings, text);
            assert!(
                accused.is_empty(),
                "PostgreSQL {major}: {text}: {accused:?}"
            );
        }
    }
}

/// The findings about a statement, those aside that only say how much of the time it takes.
fn accused<'r>(report: &'r Value, findings: &'r [Value], text: &str) -> Vec<&'r str> {
    let statements = report["statements"].as_array().expect("statements");
    let queryids: BTreeSet<&str> = statements
        .iter()
        .filter(|statement| {
            statement["query"]
                .as_str()
                .is_some_and(|q| q.contains(text))
        })
        .filter_map(|statement| statement["queryid"].as_str())
        .collect();
    assert!(!queryids.is_empty(), "no statement {text}");
    let about = |finding: &&Value| {
        let of = finding["location"]["queryids"].as_array();
        let mut of = of.into_iter().flatten().filter_map(Value::as_str);
        finding["severity"] != "info" && of.any(|id| queryids.contains(id))
    };
    findings
        .iter()
        .filter(about)
        .filter_map(|finding| finding["id"].as_str())
        .collect()
}
