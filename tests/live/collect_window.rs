//! Measured windows on real servers: intervals, and resets and restarts within them.

use std::time::Duration;

use pgtriage::collect::{Options, measure, observe, sample};
use pgtriage::demo::cluster::SUPERUSER;
use pgtriage::ids::QueryId;
use pgtriage::snapshot::delta::{InvalidReason, Window, WindowCaveat, WindowKind};

use crate::collect::{DATABASE, client, look, shop, statement};
use crate::{MAIN_MAJOR, majors};

#[tokio::test]
async fn an_interval_holds_what_happened_within_it() {
    for major in majors() {
        let cluster = shop(major);
        let query = "SELECT count(*) FROM customers WHERE name = 'x'";
        cluster
            .execute(DATABASE, "CREATE EXTENSION pg_stat_statements")
            .expect("the extension");
        cluster.execute(DATABASE, query).expect("a query");
        let client = client(&cluster, SUPERUSER, DATABASE).await;
        let base = sample(&client, &Options::default())
            .await
            .expect("a sample");
        for _ in 0..5 {
            cluster.execute(DATABASE, query).expect("a query");
        }
        cluster
            .execute(
                DATABASE,
                "SELECT 'only in the window' FROM customers LIMIT 1",
            )
            .expect("a query");
        let mut snapshot = observe(&client, &Options::default())
            .await
            .expect("an observation");
        snapshot.samples.push(base);
        let window = Window::of(&snapshot);
        assert_eq!(window.kind, WindowKind::Interval);
        assert!(
            window
                .seconds
                .is_some_and(|seconds| seconds > 0.0 && seconds < 60.0)
        );
        let calls = |part: &str| {
            let delta = window.statements.iter().find(|delta| {
                snapshot.statements[delta.index]
                    .query
                    .as_ref()
                    .is_some_and(|query| query.contains(part))
            });
            delta.map(|delta| (delta.base.is_some(), delta.counters.get().calls))
        };
        assert_eq!(calls("WHERE name ="), Some((true, 5)));
        assert_eq!(calls("FROM customers LIMIT"), Some((false, 1)));
        assert!(
            window.invalid.is_empty() && window.caveats.is_empty(),
            "{:?} {:?}",
            window.invalid,
            window.caveats
        );
    }
}

#[tokio::test]
async fn a_reset_inside_a_window_is_said() {
    for major in majors() {
        let cluster = shop(major);
        let query = "SELECT count(*) FROM customers WHERE name = 'x'";
        cluster
            .execute(DATABASE, "CREATE EXTENSION pg_stat_statements")
            .expect("the extension");
        for _ in 0..4 {
            cluster.execute(DATABASE, query).expect("a query");
        }
        let client = client(&cluster, SUPERUSER, DATABASE).await;
        let base = sample(&client, &Options::default())
            .await
            .expect("a sample");
        cluster
            .execute(DATABASE, "SELECT pg_stat_statements_reset()")
            .expect("a reset");
        cluster.execute(DATABASE, query).expect("a query");
        let snapshot = observe(&client, &Options::default())
            .await
            .expect("an observation");
        let window = Window::between(&base, &snapshot);
        if major >= 14 {
            assert!(
                matches!(
                    window.caveats.as_slice(),
                    [WindowCaveat::ResetInside { .. }]
                ),
                "{:?}",
                window.caveats
            );
            assert!(window.from > Some(base.taken_at));
        } else {
            assert!(
                window
                    .invalid
                    .iter()
                    .any(|invalid| invalid.reason == InvalidReason::CountersFell)
            );
        }
        assert!(
            window
                .statements
                .iter()
                .all(|delta| delta.counters.get().calls == 1)
        );
    }
}

#[tokio::test]
async fn a_single_reset_and_a_restart_inside_a_window_are_said() {
    for major in majors() {
        let cluster = shop(major);
        let query = "SELECT count(*) FROM customers WHERE name = 'x'";
        cluster
            .execute(DATABASE, "CREATE EXTENSION pg_stat_statements")
            .expect("the extension");
        cluster.execute(DATABASE, query).expect("a query");
        let session = client(&cluster, SUPERUSER, DATABASE).await;
        let base = sample(&session, &Options::default())
            .await
            .expect("a sample");
        let before = observe(&session, &Options::default())
            .await
            .expect("an observation");
        let QueryId(id) = statement(&before, "WHERE name =")
            .and_then(|found| found.key.queryid)
            .expect("an id");
        cluster
            .execute(
                DATABASE,
                &format!("SELECT pg_stat_statements_reset(0, 0, {id})"),
            )
            .expect("a reset");
        for _ in 0..3 {
            cluster.execute(DATABASE, query).expect("a query");
        }
        let snapshot = observe(&session, &Options::default())
            .await
            .expect("an observation");
        let window = Window::between(&base, &snapshot);
        if major >= 17 {
            assert_eq!(window.invalid[0].reason, InvalidReason::CountersReset);
        }
        drop(session);
        cluster.restart().expect("a restart");
        let snapshot = look(&cluster, SUPERUSER).await;
        let window = Window::between(&base, &snapshot);
        assert_eq!(window.caveats, [WindowCaveat::RestartInside], "on {major}");
        assert!(window.statements.is_empty());
        assert!(
            window
                .invalid
                .iter()
                .any(|invalid| invalid.reason == InvalidReason::ServerRestarted)
        );
    }
}

#[tokio::test]
async fn measuring_takes_samples_over_the_span() {
    let cluster = shop(MAIN_MAJOR);
    cluster
        .execute(DATABASE, "CREATE EXTENSION pg_stat_statements")
        .expect("the extension");
    let client = client(&cluster, SUPERUSER, DATABASE).await;
    let span = Duration::from_millis(900);
    let snapshot = measure(&client, &Options::default(), span, 3)
        .await
        .expect("a measurement");
    assert_eq!(snapshot.samples.len(), 3);
    let window = Window::of(&snapshot);
    assert!(
        window
            .seconds
            .is_some_and(|seconds| (0.85..3.0).contains(&seconds)),
        "{:?}",
        window.seconds
    );
    assert_eq!(Window::series(&snapshot).len(), 3);
    assert!(
        window.statements.is_empty(),
        "only its own statements ran: {:?}",
        window.statements
    );
}
