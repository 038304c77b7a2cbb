//! Connecting as psql does, to real servers: authentication, files, hosts, and connections that break.

use std::fs::{self, Permissions};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use pgtriage::connect::{ConnectArgs, ConnectError, Environment, Failure, Session, resolve};
use pgtriage::demo::cluster::{Cluster, StopMode};

use crate::{MAIN_MAJOR, builder, majors};

const HBA: &str = "
local all postgres            trust
local all trusted             trust
local all all                 peer
host  all md5,limited 127.0.0.1/32 md5
host  all plain   127.0.0.1/32 password
host  all scram   127.0.0.1/32 scram-sha-256
host  all missing 127.0.0.1/32 trust
";

const ROLES: &str = "
SET password_encryption = 'md5'; CREATE ROLE md5 LOGIN PASSWORD 'hunter2';
CREATE ROLE limited LOGIN PASSWORD 'hunter2' CONNECTION LIMIT 0;
SET password_encryption = 'scram-sha-256'; CREATE ROLE scram LOGIN PASSWORD 'hunter2';
CREATE ROLE plain LOGIN PASSWORD 'hunter2';
CREATE ROLE trusted LOGIN;
";

fn server(major: u32) -> Cluster {
    let cluster = builder(major).tcp().hba(HBA).start().expect("a server");
    cluster.execute("postgres", ROLES).expect("roles");
    cluster.create_database("shop").expect("a database");
    cluster
}

/// An environment with these variables, this home directory, and no sockets of this machine.
pub fn environment(variables: &[(&str, &str)], home: Option<&Path>) -> Environment {
    Environment {
        variables: variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        home: home.map(Path::to_owned),
        system_user: Environment::from_process().system_user,
        ..Environment::default()
    }
}

/// Connects to a connection string.
pub async fn connect(target: &str, environment: &Environment) -> Result<Session, ConnectError> {
    let args = ConnectArgs {
        target: Some(target.to_owned()),
        ..ConnectArgs::default()
    };
    resolve(&args, environment)?.connect().await
}

/// The error of connecting, which must not hold the password of every role here.
pub async fn refusal(target: &str, environment: &Environment) -> ConnectError {
    let error = match connect(target, environment).await {
        Ok(session) => panic!("{target}: connected to {}", session.target()),
        Err(error) => error,
    };
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains("hunter2"), "{shown}");
    error
}

/// One value of one row.
pub async fn text(session: &Session, sql: &str) -> String {
    session
        .client
        .query_one(sql, &[])
        .await
        .expect("a row")
        .get(0)
}

fn assert_words(error: &ConnectError, words: &[&str]) {
    let shown = error.to_string();
    for word in words {
        assert!(shown.contains(word), "no {word:?} in: {shown}");
    }
}

#[tokio::test]
async fn every_authentication_method_of_every_major_works() {
    for major in majors() {
        let cluster = server(major);
        let port = cluster.port();
        let passwords = environment(&[("PGPASSWORD", "hunter2")], None);
        for role in ["md5", "plain", "scram"] {
            let target = format!("host=127.0.0.1 port={port} user={role} dbname=shop");
            let session = connect(&target, &passwords).await.expect(role);
            assert_eq!(text(&session, "SELECT current_user::text").await, role);
            assert_eq!(session.target(), format!("shop @ 127.0.0.1:{port}"));
            assert_eq!((session.role(), session.database()), (role, "shop"));
        }
        let uri = cluster.uri_as("trusted", "shop");
        let session = connect(&uri, &environment(&[], None)).await.expect("trust");
        assert!(session.target().ends_with(&format!("/.s.PGSQL.{port}")));
    }
}

#[tokio::test]
async fn peer_and_the_default_user_are_the_system_user() {
    let cluster = server(MAIN_MAJOR);
    let environment = Environment {
        socket_dirs: vec![cluster.socket_dir().to_owned()],
        ..environment(&[("PGPORT", &cluster.port().to_string())], None)
    };
    let user = environment.system_user.clone().expect("a user");
    cluster
        .execute("postgres", &format!("CREATE ROLE \"{user}\" LOGIN"))
        .expect("a role");
    let session = connect("dbname=shop", &environment).await.expect("peer");
    assert_eq!(session.role(), user);
    let error = refusal("user=scram dbname=shop", &environment).await;
    assert_words(&error, &["\"scram\"", "-h localhost"]);
}

#[tokio::test]
async fn passwords_come_from_uri_file_and_service() {
    let cluster = server(MAIN_MAJOR);
    let port = cluster.port();
    let home = tempfile::tempdir().expect("a directory");
    let write = |name: &str, text: &str| {
        let path = home.path().join(name);
        fs::write(&path, text).expect("a file");
        fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("permissions");
    };
    write(
        ".pgpass",
        &format!("127.0.0.1:{port}:*:scram:hunter2\n*:*:*:plain:wrong\n"),
    );
    write(
        ".pg_service.conf",
        &format!("[staging]\nhost=127.0.0.1\nport={port}\ndbname=shop\nuser=scram\n"),
    );
    let with_home = environment(&[], Some(home.path()));
    let bare = environment(&[], None);

    connect(
        &format!("postgres://scram:hunter2@127.0.0.1:{port}/shop"),
        &bare,
    )
    .await
    .expect("the URI's");
    connect(
        &format!("postgres://scram@127.0.0.1:{port}/shop"),
        &with_home,
    )
    .await
    .expect("the file's");
    let session = connect("service=staging", &with_home)
        .await
        .expect("the service");
    assert_eq!(session.target(), format!("shop @ 127.0.0.1:{port}"));

    let error = refusal(
        &format!("postgres://plain@127.0.0.1:{port}/shop"),
        &with_home,
    )
    .await;
    assert_words(
        &error,
        &["password authentication failed", ".pgpass", "PGPASSWORD"],
    );
    let error = refusal(&format!("postgres://md5@127.0.0.1:{port}/shop"), &with_home).await;
    assert_eq!(error.attempts()[0].failure, Failure::PasswordNeeded);
    let wrong = environment(&[("PGPASSWORD", "nothunter2")], None);
    let error = refusal(&format!("postgres://md5@127.0.0.1:{port}/shop"), &wrong).await;
    assert_words(
        &error,
        &[
            "role \"md5\"",
            "the environment variable PGPASSWORD",
            &port.to_string(),
        ],
    );
}

#[tokio::test]
async fn refusals_say_what_to_do() {
    let cluster = server(MAIN_MAJOR);
    let port = cluster.port();
    let passwords = environment(&[("PGPASSWORD", "hunter2")], None);
    let free = TcpListener::bind("127.0.0.1:0")
        .expect("a port")
        .local_addr()
        .expect("it")
        .port();
    cluster
        .execute("postgres", "CREATE DATABASE closed")
        .expect("a database");
    cluster
        .execute("postgres", "REVOKE CONNECT ON DATABASE closed FROM public")
        .expect("a revoke");
    let tcp = format!("host=127.0.0.1 port={port}");
    let cases = [
        (
            format!("{tcp} user=scram dbname=shp"),
            vec!["database \"shp\" does not exist", "psql -l"],
        ),
        (
            format!("{tcp} user=nobody dbname=shop"),
            vec!["no pg_hba.conf entry", "sslmode=require"],
        ),
        (
            format!("{tcp} user=missing dbname=shop"),
            vec!["role \"missing\" does not exist", "-U"],
        ),
        (
            format!("{tcp} user=limited dbname=shop"),
            vec!["too many connections", "limit"],
        ),
        (
            format!("{tcp} user=scram dbname=closed"),
            vec!["permission denied", "CONNECT"],
        ),
        (
            format!("{tcp} user=scram dbname=shop sslmode=require"),
            vec!["does not offer TLS", "ssl on"],
        ),
        (
            format!("{tcp} user=scram dbname=shop options='-c no_such=1'"),
            vec!["no_such", "PGOPTIONS"],
        ),
        (
            format!("{tcp} user=scram dbname=shop channel_binding=require"),
            vec!["channel_binding=require"],
        ),
        (
            format!("host=127.0.0.1 port={free} user=scram dbname=shop"),
            vec!["connection refused", "listen_addresses", "role \"scram\""],
        ),
        (
            format!("host=/nonexistent port={port} dbname=shop"),
            vec!["/nonexistent/.s.PGSQL", "no such socket"],
        ),
        (
            format!("host=no-such-host.invalid port={port}"),
            vec!["no-such-host.invalid", "cannot be resolved"],
        ),
    ];
    for (target, words) in cases {
        assert_words(&refusal(&target, &passwords).await, &words);
    }
}

#[tokio::test]
async fn hosts_are_tried_in_order() {
    let cluster = server(MAIN_MAJOR);
    let port = cluster.port();
    let passwords = environment(&[("PGPASSWORD", "hunter2")], None);
    let free = TcpListener::bind("127.0.0.1:0")
        .expect("a port")
        .local_addr()
        .expect("it")
        .port();
    let uri = format!("postgres://scram@127.0.0.1:{free},127.0.0.1:{port}/shop");
    let session = connect(&uri, &passwords).await.expect("the second host");
    assert_eq!(session.target(), format!("shop @ 127.0.0.1:{port}"));
    let random = format!("{uri}?load_balance_hosts=random");
    connect(&random, &passwords).await.expect("either order");

    let uri = format!("postgres://scram@127.0.0.1:{free},[::1]:{free},no-such-host.invalid:1/shop");
    let error = refusal(&uri, &passwords).await;
    assert_eq!(error.attempts().len(), 3);
    assert_words(
        &error,
        &[
            &format!("127.0.0.1:{free}: connection refused"),
            &format!("[::1]:{free}: "),
            "no-such-host.invalid:1: ",
        ],
    );

    // A wrong password ends the walk, as in libpq.
    let wrong = environment(&[("PGPASSWORD", "wrong")], None);
    let uri = format!("postgres://scram@127.0.0.1:{port},127.0.0.1:{free}/shop");
    assert_eq!(refusal(&uri, &wrong).await.attempts().len(), 1);
}

#[tokio::test]
async fn target_session_attrs_chooses_the_server() {
    let primary = builder(MAIN_MAJOR).tcp().start().expect("a server");
    let standby = builder(MAIN_MAJOR).tcp().start().expect("a server");
    standby.stop(StopMode::Fast).expect("a stop");
    fs::write(standby.data_dir().join("standby.signal"), "").expect("a file");
    standby.start().expect("a standby");
    let bare = environment(&[], None);
    let of = |cluster: &Cluster| format!("postgres @ 127.0.0.1:{}", cluster.port());
    let (p, s) = (primary.port(), standby.port());
    for (ports, wanted, found) in [
        (format!("{s},{p}"), "any", &standby),
        (format!("{s},{p}"), "read-write", &primary),
        (format!("{s},{p}"), "primary", &primary),
        (format!("{p},{s}"), "read-only", &standby),
        (format!("{p},{s}"), "standby", &standby),
        (format!("{p},{s}"), "prefer-standby", &standby),
        (format!("{p},{p}"), "prefer-standby", &primary),
    ] {
        let target = format!(
            "host=127.0.0.1,127.0.0.1 port={ports} user=postgres target_session_attrs={wanted}"
        );
        let session = connect(&target, &bare).await.expect(wanted);
        assert_eq!(session.target(), of(found), "{wanted}");
    }
    let one = format!("host=127.0.0.1 port={p} user=postgres");
    let error = refusal(&format!("{one} target_session_attrs=standby"), &bare).await;
    assert_eq!(
        error.attempts()[0].failure,
        Failure::WrongSession("standby")
    );
    let read_only = format!("{one} options='-c default_transaction_read_only=on'");
    connect(
        &format!("{read_only} target_session_attrs=read-only"),
        &bare,
    )
    .await
    .expect("read-only");
    connect(&format!("{read_only} target_session_attrs=primary"), &bare)
        .await
        .expect("a primary");
    refusal(
        &format!("{read_only} target_session_attrs=read-write"),
        &bare,
    )
    .await;
}

#[tokio::test]
async fn startup_parameters_arrive_and_reconnecting_keeps_them() {
    let cluster = server(MAIN_MAJOR);
    let environment = environment(&[("PGOPTIONS", "-c work_mem=77kB")], None);
    let session = connect(&cluster.uri("shop"), &environment)
        .await
        .expect("a session");
    let again = session.reconnect().await.expect("another");
    let pid = "SELECT pg_backend_pid()::text";
    assert_ne!(text(&session, pid).await, text(&again, pid).await);
    for session in [&session, &again] {
        assert_eq!(text(session, "SHOW work_mem").await, "77kB");
        assert_eq!(text(session, "SHOW application_name").await, "pgtriage");
        assert_eq!(session.database(), "shop");
    }
    assert!(!format!("{session:?}").is_empty());
}

#[tokio::test]
async fn a_running_statement_can_be_cancelled() {
    let cluster = server(MAIN_MAJOR);
    let session = connect(&cluster.uri("shop"), &environment(&[], None))
        .await
        .expect("a session");
    let canceller = session.canceller();
    let cancelling = tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(200)).await;
        canceller.cancel().await
    });
    let error = session
        .client
        .batch_execute("SELECT pg_sleep(60)")
        .await
        .expect_err("a cancel");
    assert_eq!(
        error.code().map(|code| code.code().to_owned()).as_deref(),
        Some("57014")
    );
    assert_eq!(session.lost(&error).await, None);
    cancelling.await.expect("the task").expect("the request");
    assert_eq!(text(&session, "SELECT 'alive'").await, "alive");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_connection_tells_why() {
    let cluster = server(MAIN_MAJOR);
    let bare = environment(&[], None);
    let idle = connect(&cluster.uri("shop"), &bare)
        .await
        .expect("a session");
    let busy = connect(&cluster.uri("shop"), &bare)
        .await
        .expect("a session");
    let terminated = connect(&cluster.uri("shop"), &bare)
        .await
        .expect("a session");
    let by_administrator = "terminating connection due to administrator command";
    let pid = text(&terminated, "SELECT pg_backend_pid()::text").await;
    // The statement of the line above is closed in the background; its answer must not be the one that is looked for.
    tokio::time::sleep(Duration::from_millis(200)).await;
    cluster
        .execute("postgres", &format!("SELECT pg_terminate_backend({pid})"))
        .expect("a kill");
    tokio::time::sleep(Duration::from_millis(200)).await;
    let error = terminated
        .client
        .batch_execute("SELECT 1")
        .await
        .expect_err("a loss");
    let lost = terminated.lost(&error).await.expect("a reason");
    assert_eq!(lost.reason, by_administrator);
    assert!(lost.to_string().contains("shop @ "), "{lost}");

    let (error, ()) = tokio::join!(busy.client.batch_execute("SELECT pg_sleep(60)"), async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        tokio::task::block_in_place(|| cluster.stop(StopMode::Fast)).expect("a stop");
    });
    let lost = busy
        .lost(&error.expect_err("a loss"))
        .await
        .expect("a reason");
    assert_eq!(lost.reason, by_administrator);
    let error = idle
        .client
        .batch_execute("SELECT 1")
        .await
        .expect_err("a loss");
    assert_eq!(
        idle.lost(&error).await.expect("a reason").reason,
        by_administrator
    );
    assert!(idle.reconnect().await.is_err());

    cluster.start().expect("a start");
    let killed = connect(&cluster.uri("shop"), &bare)
        .await
        .expect("a session");
    cluster.kill().expect("a kill");
    tokio::time::sleep(Duration::from_millis(500)).await;
    let error = killed
        .client
        .batch_execute("SELECT 1")
        .await
        .expect_err("a loss");
    assert!(killed.lost(&error).await.is_some());
}

#[tokio::test]
async fn servers_that_do_not_answer_are_given_up() {
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = silent.local_addr().expect("it").port();
    let bare = environment(&[], None);
    let started = Instant::now();
    let target = format!("host=127.0.0.1 port={port} user=u connect_timeout=2");
    let error = refusal(&target, &bare).await;
    assert!(
        (2..10).contains(&started.elapsed().as_secs()),
        "{:?}",
        started.elapsed()
    );
    assert_words(&error, &["no answer within 2 s", "firewall"]);

    let closing = tokio::spawn(async move {
        silent.set_nonblocking(true).expect("a socket");
        let listener = tokio::net::TcpListener::from_std(silent).expect("a socket");
        while let Ok((stream, _)) = listener.accept().await {
            drop(stream);
        }
    });
    let error = refusal(&format!("host=127.0.0.1 port={port} user=u"), &bare).await;
    assert_words(&error, &["closed the connection without a word"]);
    closing.abort();
}
