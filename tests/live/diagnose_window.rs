//! `--window`: what ran during it, and nothing else.

use serde_json::Value;

use crate::MAIN_MAJOR;
use crate::program::{
    DATABASE, Running, SESSIONS, flat, pgtriage, planted, text, wait_until, work,
};

fn calls(report: &Value, part: &str) -> Option<i64> {
    let statements = report["statements"].as_array().expect("a list");
    let found = statements.iter().find(|statement| {
        statement["query"]
            .as_str()
            .is_some_and(|q| q.contains(part))
    });
    found.and_then(|statement| statement["calls"].as_i64())
}

#[tokio::test]
async fn only_the_window_counts() {
    let cluster = planted(MAIN_MAJOR);
    work(&cluster).await;
    cluster
        .execute(DATABASE, "SELECT max(email) FROM customers")
        .expect("work before");
    let uri = cluster.uri(DATABASE);

    let running = Running::start(&[&uri, "--window", "5s", "--format", "json"]);
    wait_until(&cluster, SESSIONS, "1");
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    work(&cluster).await;
    let run = running.finish().expect(0);
    let report = run.json();
    assert_eq!(report["window"]["kind"], "interval");
    let seconds = report["window"]["seconds"].as_f64().expect("a length");
    assert!((4.9..7.0).contains(&seconds), "{seconds}");
    assert_eq!(calls(&report, "FROM orders WHERE customer_id"), Some(40));
    assert_eq!(calls(&report, "FROM orders ORDER BY note"), Some(3));
    assert_eq!(calls(&report, "max(email)"), None);
    let qps = report["baseline_metrics"]["throughput_qps"].as_f64();
    let all = report["baseline_metrics"]["calls"]
        .as_f64()
        .expect("a count");
    assert!((qps.expect("a rate") - all / seconds).abs() < 1e-6 * all);
}

#[tokio::test]
async fn an_idle_window_says_so() {
    let cluster = planted(MAIN_MAJOR);
    work(&cluster).await;
    let uri = cluster.uri(DATABASE);
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("idle.json");
    pgtriage(&["capture", &uri, "--window", "2s", "-o", text(&file)]).expect(0);
    for run in [
        pgtriage(&[&uri, "--window", "2s"]).expect(0),
        pgtriage(&["diagnose", "--from", text(&file)]).expect(0),
    ] {
        let plain = flat(&run.stdout);
        assert!(plain.contains("no statement ran"), "{}", run.stdout);
        assert!(
            !plain.contains("NaN") && !plain.contains("inf "),
            "{}",
            run.stdout
        );
    }
    pgtriage(&["diagnose", "--from", text(&file), "--fail-on", "low"]).expect(3);
}

/// The window is over when the user says so, and its report follows.
#[tokio::test]
async fn an_interrupted_window_reports_what_was_measured() {
    let cluster = planted(MAIN_MAJOR);
    let uri = cluster.uri(DATABASE);
    let running = Running::start(&[&uri, "--window", "1h", "--format", "json"]);
    wait_until(&cluster, SESSIONS, "1");
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    work(&cluster).await;
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    running.signal("INT");
    let report = running.finish().expect(130).json();
    let seconds = report["window"]["seconds"].as_f64().expect("a length");
    assert!((3.0..30.0).contains(&seconds), "{seconds}");
    assert_eq!(calls(&report, "FROM orders WHERE customer_id"), Some(40));
}
