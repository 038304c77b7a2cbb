//! The role that `pgtriage grants` prints gives a full report; a role without the grants is told what it lacks.

use serde_json::Value;

use crate::program::{DATABASE, pgtriage, planted, work};
use crate::{MAIN_MAJOR, majors};

fn words(report: &Value) -> Vec<String> {
    let skipped = report["skipped"].as_array().expect("a list");
    skipped.iter().map(ToString::to_string).collect()
}

/// What a grant could mend.
fn of_privileges(report: &Value) -> Vec<String> {
    // The tests reset the counters, which is no business of such a role.
    let own = |entry: &String| entry.contains("pg_stat_statements_reset");
    let lacking = |entry: &String| entry.contains("GRANT") || entry.contains("denied");
    let entries = words(report).into_iter();
    entries
        .filter(|entry| lacking(entry) && !own(entry))
        .collect()
}

fn analyzed(report: &Value) -> usize {
    let statements = report["statements"].as_array().expect("a list");
    statements
        .iter()
        .filter(|statement| statement["probe"]["status"] == "analyzed")
        .count()
}

#[tokio::test]
async fn the_printed_role_gives_a_full_report() {
    let script = pgtriage(&["grants", "--role", "Tri\"age"]).expect(0).stdout;
    for major in majors() {
        let cluster = planted(major);
        cluster
            .execute(
                DATABASE,
                "REVOKE CONNECT ON DATABASE shop FROM PUBLIC; REVOKE ALL ON SCHEMA public FROM PUBLIC",
            )
            .expect("a closed database");
        cluster.execute(DATABASE, &script).expect("the grants");
        cluster
            .execute(DATABASE, "SELECT pg_stat_statements_reset()")
            .expect("a reset");
        work(&cluster).await;
        let client = crate::collect::client(&cluster, "postgres", DATABASE).await;
        client
            .batch_execute(
                "UPDATE items SET amount = amount + 1 WHERE order_id = 5; DELETE FROM items WHERE id = 77; \
                 INSERT INTO customers SELECT 10000 + i, 'x' FROM generate_series(1, 1000) AS i",
            )
            .await
            .expect("writes");
        for id in 20_000..21_000 {
            client
                .execute("INSERT INTO customers VALUES ($1, 'y')", &[&id])
                .await
                .expect("a write");
        }
        let uri = cluster.uri_as("Tri\"age", DATABASE);
        let report = pgtriage(&[&uri, "--format", "json"]).expect(0).json();
        assert_eq!(of_privileges(&report), [""; 0], "PostgreSQL {major}");
        assert_eq!(report["status"], "completed", "{:?}", words(&report));
        assert_eq!(report["target"]["superuser"], false);
        assert!(analyzed(&report) >= 3, "{report}");
        // A second run does not find the first.
        let again = pgtriage(&[&uri, "--format", "json"]).expect(0).json();
        assert_eq!(
            report["baseline_metrics"]["statements"],
            again["baseline_metrics"]["statements"]
        );
    }
}

#[tokio::test]
async fn a_role_without_grants_is_told_which() {
    for major in [13, MAIN_MAJOR] {
        if !majors().contains(&major) {
            continue;
        }
        let cluster = planted(major);
        work(&cluster).await;
        cluster
            .execute(DATABASE, "CREATE ROLE \"Nobody\" LOGIN")
            .expect("a role");
        let uri = cluster.uri_as("Nobody", DATABASE);
        let run = pgtriage(&[&uri]).expect(0);
        let select = if major < 14 {
            "GRANT USAGE ON SCHEMA public TO \"Nobody\"; GRANT SELECT ON ALL TABLES IN SCHEMA public TO \"Nobody\";"
        } else {
            "GRANT pg_read_all_data TO \"Nobody\";"
        };
        for told in [
            "hide their text and id from role \"Nobody\"",
            "GRANT pg_read_all_stats TO \"Nobody\";",
            select,
        ] {
            assert!(run.has(told), "{told}\n{}", run.stdout);
        }
        let report = pgtriage(&[&uri, "--format", "json"]).expect(0).json();
        assert_eq!(report["status"], "partial");
        pgtriage(&[&uri, "--fail-on", "critical"]).expect(3);

        // What it is told is all that it takes.
        let remedies = report["skipped"].as_array().expect("a list").iter();
        let grants: std::collections::BTreeSet<&str> = remedies
            .filter_map(|entry| entry["remedy"].as_str())
            .filter(|remedy| remedy.starts_with("GRANT"))
            .collect();
        for grant in grants {
            cluster.execute(DATABASE, grant).expect(grant);
        }
        cluster
            .execute(DATABASE, "SELECT pg_stat_statements_reset()")
            .expect("a reset");
        work(&cluster).await;
        let report = pgtriage(&[&uri, "--format", "json"]).expect(0).json();
        assert_eq!(of_privileges(&report), [""; 0], "PostgreSQL {major}");
    }
}
