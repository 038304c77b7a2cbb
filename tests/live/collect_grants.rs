//! The role that `grants` prints sees everything, may not write, and its script runs anywhere and again.

use std::process::Command;

use pgtriage::collect::grants::script;
use pgtriage::collect::{Options, observe};
use pgtriage::demo::cluster::SUPERUSER;
use pgtriage::snapshot::Area;

use crate::collect::{DATABASE, client, shop};
use crate::majors;

const ROLES: [&str; 2] = ["triage", "O'Brien \"$pgtriage$"];

#[tokio::test]
async fn the_printed_role_suffices_for_everything() {
    for major in majors() {
        let cluster = shop(major);
        let hidden = "CREATE SCHEMA \"Ext\"; CREATE EXTENSION pg_stat_statements SCHEMA \"Ext\"; REVOKE CONNECT ON DATABASE shop FROM PUBLIC; \
             CREATE SCHEMA private; CREATE TABLE private.secrets AS SELECT i AS id FROM generate_series(1, 10) AS i; ANALYZE private.secrets";
        cluster
            .execute(DATABASE, hidden)
            .expect("what is hidden by default");
        for role in ROLES {
            let script = script(role).expect("a script");
            cluster.execute(DATABASE, &script).expect("the script runs");
            cluster
                .execute(DATABASE, &script)
                .expect("the script runs again");
            let client = client(&cluster, role, DATABASE).await;
            let snapshot = observe(&client, &Options::default())
                .await
                .expect("an observation");
            assert!(snapshot.role.read_all_stats && !snapshot.role.superuser);
            let hidden = snapshot
                .counter_source
                .as_ref()
                .and_then(|source| source.hidden)
                .expect("a count");
            assert_eq!(hidden.statements, 0);
            assert!(!snapshot.statements.is_empty());
            assert!(snapshot.settings.contains_key("shared_preload_libraries"));
            let secrets = snapshot
                .tables
                .iter()
                .find(|table| table.name.name == "secrets")
                .expect("the table");
            assert!(secrets.readable && secrets.columns[0].statistics.is_some());
            let lacking = [
                Area::Statements,
                Area::StatementTexts,
                Area::ColumnStatistics,
                Area::Tables,
                Area::Settings,
            ];
            assert!(
                !snapshot.gaps.iter().any(|gap| lacking.contains(&gap.area)),
                "{:?}",
                snapshot.gaps
            );
            client
                .batch_execute("SELECT * FROM private.secrets")
                .await
                .expect("reading");
            for write in [
                "INSERT INTO private.secrets VALUES (0)",
                "CREATE ROLE other",
                "CREATE SCHEMA other",
                "SELECT pg_read_file('PG_VERSION')",
            ] {
                client.batch_execute(write).await.expect_err(write);
            }
        }
    }
}

#[tokio::test]
async fn the_script_can_be_pasted_into_psql() {
    if Command::new("psql").arg("--version").output().is_err() {
        return;
    }
    for major in majors() {
        let cluster = shop(major);
        let file = cluster.directory().join("grants.sql");
        std::fs::write(&file, script("triage").expect("a script")).expect("a file");
        let output = Command::new("psql")
            .args(["-X", "-v", "ON_ERROR_STOP=1", "-h"])
            .arg(cluster.socket_dir())
            .args([
                "-p",
                &cluster.port().to_string(),
                "-U",
                SUPERUSER,
                "-d",
                DATABASE,
                "-f",
            ])
            .arg(&file)
            .output()
            .expect("psql runs");
        let words = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        assert_eq!(
            words.split_whitespace().collect::<Vec<_>>(),
            ["DO", "GRANT", "ROLE", "DO"]
        );
        assert!(
            output.stderr.is_empty(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}
