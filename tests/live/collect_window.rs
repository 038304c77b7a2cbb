//! Measured windows on real servers: intervals, and resets and restarts within them.

use std::sync::Mutex;
use std::time::Duration;

use pgtriage::collect::{Measuring, Options, Part, measure, observe, sample};
use pgtriage::demo::cluster::SUPERUSER;
use pgtriage::ids::{QueryId, StatementKey};
use pgtriage::snapshot::Snapshot;
use pgtriage::snapshot::delta::{InvalidReason, SubWindows, Window, WindowCaveat, WindowKind};
use tokio::sync::watch;

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

fn measuring(
    span: Duration,
    parts: u32,
    told: &(dyn Fn(Part) + Sync),
    cancelled: watch::Receiver<bool>,
) -> Measuring<'_> {
    Measuring {
        span,
        parts,
        told,
        cancelled,
    }
}

#[tokio::test]
async fn measuring_reads_the_calls_of_each_part() {
    for major in majors() {
        let cluster = shop(major);
        cluster
            .execute(DATABASE, "CREATE EXTENSION pg_stat_statements")
            .expect("the extension");
        cluster
            .execute(DATABASE, "SELECT count(*) FROM orders")
            .expect("a statement that stands still later");
        let client = client(&cluster, SUPERUSER, DATABASE).await;
        let other = crate::collect::client(&cluster, SUPERUSER, DATABASE).await;
        let parts: Mutex<Vec<u32>> = Mutex::default();
        let told = |part: Part| parts.lock().expect("a list").push(part.number);
        let (_asks, cancelled) = watch::channel(false);
        let measuring = measuring(Duration::from_millis(900), 6, &told, cancelled);
        let options = Options::default();
        let (measured, ()) = tokio::join!(measure(&client, &options, &measuring), async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            for _ in 0..5 {
                let rows = other.query("SELECT * FROM customers LIMIT 3", &[]).await;
                assert_eq!(rows.expect("rows").len(), 3);
            }
        });
        let snapshot = measured.expect("a measurement").expect("in full");
        let window = Window::of(&snapshot);
        assert!(
            window
                .seconds
                .is_some_and(|seconds| (0.85..5.0).contains(&seconds)),
            "{:?}",
            window.seconds
        );
        let told = parts.into_inner().expect("a list");
        assert!(told.is_sorted() && told.last() == Some(&6), "{told:?}");
        let series = snapshot.series.as_ref().expect("a series");
        assert!((3..=7).contains(&series.seconds.len()), "{series:?}");
        let [moved] = series.statements.as_slice() else {
            panic!("one statement ran, on {major}: {series:?}")
        };
        assert_eq!(moved.key, window_key(&snapshot, "FROM customers LIMIT"));
        let grown = |list: &[i64]| list.last().zip(list.first()).map(|(to, from)| to - from);
        assert_eq!(
            (grown(&moved.calls), grown(&moved.rows)),
            (Some(5), Some(15))
        );
        let parts = SubWindows::of(&snapshot, &window).expect("sub-windows");
        assert!(parts.rates(&moved.key).is_ok());
    }
}

fn window_key(snapshot: &Snapshot, part: &str) -> StatementKey {
    let mut statements = snapshot.statements.iter();
    let found = statements.find(|statement| {
        let text = statement.query.as_deref();
        text.is_some_and(|text| text.contains(part))
    });
    found.expect("the statement").key.clone()
}

#[tokio::test]
async fn a_cancelled_window_ends_with_what_was_measured() {
    let cluster = shop(MAIN_MAJOR);
    cluster
        .execute(DATABASE, "CREATE EXTENSION pg_stat_statements")
        .expect("the extension");
    let client = client(&cluster, SUPERUSER, DATABASE).await;
    let (ask, cancelled) = watch::channel(false);
    let told = |part: Part| {
        if part.elapsed > Duration::from_millis(1_200) {
            ask.send_replace(true);
        }
    };
    let hour = Duration::from_secs(3_600);
    let patient = measuring(hour, 36_000, &told, cancelled.clone());
    let options = Options::default();
    let snapshot = measure(&client, &options, &patient)
        .await
        .expect("a measurement");
    let snapshot = snapshot.expect("twelve parts");
    assert_eq!(snapshot.samples.len(), 1);
    let parts = snapshot.series.expect("a series").seconds.len();
    assert!((2..20).contains(&parts), "{parts}");
    let cancelled_before = measuring(hour, 6, &told, cancelled);
    let nothing = measure(&client, &options, &cancelled_before).await;
    assert_eq!(nothing.expect("no error"), None);
}
