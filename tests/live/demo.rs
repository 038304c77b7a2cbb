//! The sample shop: its rows, its traffic, and that the traffic is what the report will be about.

use pgtriage::demo::shop::{Options, Phase, Progress, Scale, Shop};

use crate::{bin_dir, majors, value};

pub fn start(major: u32, scale: Scale, traffic: Scale) -> Shop {
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
        assert!((60_000..100_000).contains(&rows), "{rows}");
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
            "20000"
        );
        assert_eq!(
            calls("%WHERE customer_id = $1 ORDER BY placed_at DESC"),
            "4"
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
