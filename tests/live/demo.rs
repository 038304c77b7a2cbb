//! The sample shop: its rows, its traffic, and that the traffic is what the report will be about.

use std::time::Instant;

use pgtriage::demo::shop::{Options, Phase, Progress, Scale, Shop};

use crate::{MAIN_MAJOR, bin_dir, majors, value};

fn start(major: u32, scale: Scale, traffic: Scale) -> Shop {
    Shop::start(&Options {
        scale,
        traffic,
        bin_dir: Some(bin_dir(major)),
    })
    .expect("a shop")
}

const CALLS: &str = "SELECT sum(calls) FROM pg_stat_statements s JOIN pg_roles r ON r.oid = s.userid \
                     WHERE r.rolname = 'shop' AND query LIKE ";

#[tokio::test]
async fn a_small_shop_opens_on_every_major() {
    for major in majors() {
        let shop = start(major, Scale(2), Scale(10));
        let mut seen: Vec<Progress> = Vec::new();
        let rows = shop
            .load(&mut |progress| seen.push(progress))
            .await
            .expect("a load");
        let sent = shop
            .run_traffic(&mut |progress| seen.push(progress))
            .await
            .expect("traffic");
        let cluster = shop.cluster();

        let counted = value(
            cluster,
            "shop",
            "SELECT count(*) FROM order_items WHERE id < 1000000000",
        );
        assert_eq!(counted, "36000", "PostgreSQL {major}");
        assert!((60_000..120_000).contains(&rows), "{rows}");
        for phase in [Phase::Load, Phase::Index, Phase::Traffic] {
            let of_phase: Vec<&Progress> = seen.iter().filter(|p| p.phase == phase).collect();
            assert!(of_phase.windows(2).all(|pair| pair[0].done <= pair[1].done));
            let last = of_phase.last().expect("progress was told");
            assert_eq!(last.done, last.total, "{phase:?}");
        }

        // The counters hold the traffic, all of it and nothing else.
        let calls = |pattern: &str| value(cluster, "shop", &format!("{CALLS} '{pattern}'"));
        assert_eq!(calls("%"), sent.to_string());
        assert_eq!(
            calls("%FROM order_items WHERE order_id = $1 ORDER BY id"),
            "6000"
        );
        assert_eq!(
            calls("%WHERE customer_id = $1 ORDER BY placed_at DESC"),
            "12"
        );

        // The diagnosing role reads what it needs and cannot write.
        let read = cluster.query_as(
            "triage",
            "shop",
            "SELECT count(query) FROM pg_stat_statements; SELECT 1 FROM orders LIMIT 1",
        );
        read.expect("the role reads");
        let written = cluster
            .query_as("triage", "shop", "DELETE FROM jobs")
            .expect_err("the role does not write");
        assert!(written.to_string().contains("42501"), "{written}");
        assert_eq!(
            value(
                cluster,
                "shop",
                "SELECT count(*) FROM pg_extension WHERE extname = 'hypopg'"
            ) == "1",
            cluster.has_extension("hypopg")
        );
    }
}

/// `cargo test --test live -- --ignored --nocapture demo::full_size` shows where the time goes.
#[tokio::test]
#[ignore = "takes a minute and asserts nothing that the small shop does not"]
async fn full_size() {
    let begin = Instant::now();
    let major = std::env::var("PGTRIAGE_TEST_MAJORS")
        .ok()
        .and_then(|m| m.parse().ok())
        .unwrap_or(MAIN_MAJOR);
    let shop = start(major, Scale::default(), Scale::default());
    println!("started  {:>6.1} s", begin.elapsed().as_secs_f64());
    let mut phase = None;
    let rows = shop
        .load(&mut |progress| {
            if phase != Some(progress.phase) {
                phase = Some(progress.phase);
                println!(
                    "{:?} from {:>6.1} s",
                    progress.phase,
                    begin.elapsed().as_secs_f64()
                );
            }
        })
        .await
        .expect("a load");
    println!(
        "loaded   {:>6.1} s, {rows} rows",
        begin.elapsed().as_secs_f64()
    );
    let sent = shop.run_traffic(&mut |_| {}).await.expect("traffic");
    println!(
        "traffic  {:>6.1} s, {sent} statements",
        begin.elapsed().as_secs_f64()
    );
    let top = "SELECT round(total_exec_time) AS ms, calls, round(mean_exec_time::numeric, 3) AS mean, rows, temp_blks_written, \
               left(query, 100) FROM pg_stat_statements ORDER BY total_exec_time DESC LIMIT 30";
    for row in shop.cluster().query("shop", top).expect("counters") {
        let row: Vec<String> = row.into_iter().map(Option::unwrap_or_default).collect();
        println!("{}", row.join("  "));
    }
    println!(
        "{}",
        value(
            shop.cluster(),
            "shop",
            "SELECT pg_size_pretty(pg_database_size('shop'))"
        )
    );
}
