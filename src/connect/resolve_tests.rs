//! Precedence, defaults and refusals, without a server.

use std::path::Path;

use super::*;
use crate::connect::tls::{RootSource, SslMode};

/// Environment variables.
type Variables<'a> = &'a [(&'a str, &'a str)];

fn environment(variables: Variables<'_>) -> Environment {
    Environment {
        variables: variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        system_user: Some("sys".to_owned()),
        ..Environment::default()
    }
}

fn args(target: &str) -> ConnectArgs {
    ConnectArgs {
        target: Some(target.to_owned()).filter(|target| !target.is_empty()),
        ..ConnectArgs::default()
    }
}

/// `user@endpoint,endpoint/database` of a target.
fn summary(args: &ConnectArgs, environment: &Environment) -> Result<String, String> {
    let resolved = resolve(args, environment).map_err(|error| error.to_string())?;
    let plan = &resolved.plan;
    let hosts: Vec<_> = plan
        .hosts
        .iter()
        .map(|host| match &host.place {
            Place::Tcp {
                name: Some(name),
                address: Some(address),
            } => format!("{name}={address}:{}", host.port),
            place => place.endpoint(host.port),
        })
        .collect();
    Ok(format!(
        "{}@{}/{}",
        plan.user,
        hosts.join(","),
        plan.database
    ))
}

fn password(resolved: &Resolved) -> Option<String> {
    let supplied = resolved.plan.hosts.first()?.password.as_ref()?;
    Some(String::from_utf8(supplied.password.expose().to_vec()).unwrap())
}

#[test]
fn targets_resolve_as_in_libpq() {
    let cases: &[(&str, Variables<'_>, &str)] = &[
        ("", &[], "sys@localhost:5432/sys"),
        ("shop", &[], "sys@localhost:5432/shop"),
        (
            "shop",
            &[("PGDATABASE", "other"), ("PGUSER", "ann")],
            "ann@localhost:5432/shop",
        ),
        ("", &[("PGUSER", "ann")], "ann@localhost:5432/ann"),
        (
            "",
            &[("PGHOST", "h"), ("PGPORT", "5433"), ("PGDATABASE", "d")],
            "sys@h:5433/d",
        ),
        ("", &[("PGHOST", "")], "sys@localhost:5432/sys"),
        ("host=a", &[("PGHOST", "b"), ("PGPORT", "6")], "sys@a:6/sys"),
        // An empty value hides the environment's.
        ("host=''", &[("PGHOST", "b")], "sys@localhost:5432/sys"),
        ("dbname=x user=y", &[], "y@localhost:5432/x"),
        ("postgres://u@h:1/d", &[], "u@h:1/d"),
        ("postgres://u@h:1/d\n", &[], "u@h:1/d"),
        ("postgres://u@/d?host=/tmp", &[], "u@/tmp/.s.PGSQL.5432/d"),
        ("postgres://u@%2Ftmp:6/d", &[], "u@/tmp/.s.PGSQL.6/d"),
        ("postgres://u@[::1]:6/d", &[], "u@[::1]:6/d"),
        ("postgres://u@a:1,b:2/d", &[], "u@a:1,b:2/d"),
        (
            "postgres://u@a,b/d",
            &[("PGPORT", "7")],
            "u@a:5432,b:5432/d",
        ),
        ("host=a,b", &[("PGPORT", "7")], "sys@a:7,b:7/sys"),
        ("host=a,b port=1,", &[], "sys@a:1,b:5432/sys"),
        (
            "host=a,/run,",
            &[],
            "sys@a:5432,/run/.s.PGSQL.5432,localhost:5432/sys",
        ),
        ("hostaddr=10.0.0.1", &[], "sys@10.0.0.1:5432/sys"),
        ("host=db hostaddr=10.0.0.1", &[], "sys@db=10.0.0.1:5432/sys"),
        (
            "host=db hostaddr=::1",
            &[("PGHOSTADDR", "10.0.0.1")],
            "sys@db=::1:5432/sys",
        ),
    ];
    for (target, variables, expected) in cases {
        let found = summary(&args(target), &environment(variables));
        assert_eq!(found.as_deref(), Ok(*expected), "{target} {variables:?}");
    }
}

#[test]
fn a_connection_string_overrides_the_other_flags() {
    let args = ConnectArgs {
        dbname: Some("postgres://u@h/d".to_owned()),
        host: Some("flag".to_owned()),
        port: Some("9".to_owned()),
        user: Some("flag".to_owned()),
        ..ConnectArgs::default()
    };
    assert_eq!(summary(&args, &environment(&[])).as_deref(), Ok("u@h:9/d"));
    let both = ConnectArgs {
        target: Some("a".to_owned()),
        dbname: Some("b".to_owned()),
        ..ConnectArgs::default()
    };
    assert!(
        summary(&both, &environment(&[]))
            .unwrap_err()
            .contains("named twice")
    );
}

#[test]
fn the_service_stands_between_arguments_and_environment() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("services");
    std::fs::write(
        &file,
        "[s]\nhost=service\nport=1\ndbname=service\nsslmode=require\n",
    )
    .unwrap();
    let variables = [
        ("PGSERVICEFILE", file.to_str().unwrap()),
        ("PGSERVICE", "s"),
        ("PGHOST", "variable"),
        ("PGUSER", "variable"),
    ];
    let environment_with = environment(&variables);
    assert_eq!(
        summary(&args("dbname=argument"), &environment_with).as_deref(),
        Ok("variable@service:1/argument")
    );
    let target = format!("service=s servicefile={} port=2", file.display());
    assert_eq!(
        summary(&args(&target), &environment(&[])).as_deref(),
        Ok("sys@service:2/service")
    );
    assert!(
        summary(&args("service=t"), &environment_with)
            .unwrap_err()
            .contains("service \"t\" is not defined")
    );
}

#[test]
fn the_default_host_is_a_socket_that_is_there() {
    let empty = tempfile::tempdir().unwrap();
    let used = tempfile::tempdir().unwrap();
    std::fs::write(used.path().join(".s.PGSQL.5433"), "").unwrap();
    let environment = Environment {
        socket_dirs: vec![empty.path().to_owned(), used.path().to_owned()],
        ..environment(&[])
    };
    let socket = format!("sys@{}/.s.PGSQL.5433/sys", used.path().display());
    assert_eq!(summary(&args("port=5433"), &environment), Ok(socket));
    assert_eq!(
        summary(&args("port=5432"), &environment).as_deref(),
        Ok("sys@localhost:5432/sys")
    );
}

#[test]
fn refusals_name_the_parameter_its_source_and_a_remedy() {
    let cases: &[(&str, Variables<'_>, &[&str])] = &[
        (
            "port=abc",
            &[],
            &["port \"abc\"", "the connection string", "1 to 65535"],
        ),
        ("", &[("PGPORT", "0")], &["port \"0\"", "PGPORT"]),
        ("port=99999", &[], &["99999"]),
        ("host=a,b port=1,2,3", &[], &["3 ports", "2 hosts"]),
        (
            "host=a,b hostaddr=::1",
            &[],
            &["2 in host", "1 in hostaddr"],
        ),
        ("hostaddr=db", &[], &["hostaddr \"db\"", "IP address"]),
        ("host=@abstract", &[], &["abstract"]),
        (
            "sslmode=strict",
            &[],
            &["sslmode \"strict\"", "verify-full"],
        ),
        ("", &[("PGSSLMODE", "yes")], &["PGSSLMODE"]),
        (
            "sslrootcert=system sslmode=require",
            &[],
            &["too weak", "verify-full"],
        ),
        (
            "sslnegotiation=direct",
            &[],
            &["too weak", "sslmode=prefer"],
        ),
        (
            "gssencmode=require",
            &[],
            &["gssencmode=require", "sslmode=require"],
        ),
        ("replication=database", &[], &["replication=database"]),
        ("requirepeer=postgres", &[], &["requirepeer"]),
        ("require_auth=scram-sha-256", &[], &["require_auth"]),
        ("sslcertmode=require", &[], &["sslcertmode=require"]),
        (
            "target_session_attrs=master",
            &[],
            &["target_session_attrs \"master\"", "prefer-standby"],
        ),
        ("channel_binding=on", &[], &["channel_binding"]),
        ("load_balance_hosts=on", &[], &["load_balance_hosts"]),
        ("connect_timeout=soon", &[], &["connect_timeout \"soon\""]),
        ("ssl_max_protocol_version=TLSv1.1", &[], &["below 1.2"]),
        (
            "ssl_min_protocol_version=SSLv3",
            &[],
            &["ssl_min_protocol_version"],
        ),
        (
            "postgres://h/d?schema=public",
            &[],
            &["unknown", "\"schema\"", "URI"],
        ),
    ];
    for (target, variables, words) in cases {
        let message = summary(&args(target), &environment(variables)).unwrap_err();
        for word in *words {
            assert!(message.contains(word), "{target}: {message}");
        }
    }
    let nobody = Environment::default();
    assert!(
        summary(&args(""), &nobody)
            .unwrap_err()
            .contains("-U or PGUSER")
    );
}

#[test]
fn what_has_no_effect_here_is_accepted() {
    for target in [
        "keepalives=1 keepalives_idle=30 keepalives_interval=10 keepalives_count=3 tcp_user_timeout=5",
        "client_encoding=LATIN1 gssencmode=prefer krbsrvname=postgres sslcompression=1 replication=false",
        "gssencmode=disable sslcertmode=allow sslsni=0 max_protocol_version=3.2 sslpassword=x",
    ] {
        assert!(
            resolve(&args(target), &environment(&[])).is_ok(),
            "{target}"
        );
    }
}

#[test]
fn values_take_effect() {
    let plan = |target: &str| resolve(&args(target), &environment(&[])).unwrap().plan;
    assert_eq!(plan("").application_name, "pgtriage");
    assert_eq!(plan("fallback_application_name=f").application_name, "f");
    assert_eq!(
        plan("fallback_application_name=f application_name=a").application_name,
        "a"
    );
    assert_eq!(plan("options='-c a=b'").options.as_deref(), Some("-c a=b"));
    assert_eq!(plan("").connect_timeout, None);
    assert_eq!(plan("connect_timeout=0").connect_timeout, None);
    assert_eq!(plan("connect_timeout=-1").connect_timeout, None);
    assert_eq!(
        plan("connect_timeout=1").connect_timeout,
        Some(Duration::from_secs(2))
    );
    assert_eq!(
        plan("connect_timeout=9").connect_timeout,
        Some(Duration::from_secs(9))
    );
    assert_eq!(
        plan("target_session_attrs=prefer-standby").target,
        TargetSession::PreferStandby
    );
    assert_eq!(plan("load_balance_hosts=random").order, HostOrder::Random);
    assert_eq!(plan("").tls.mode, SslMode::Prefer);
    assert_eq!(plan("sslrootcert=system").tls.mode, SslMode::VerifyFull);
    assert_eq!(plan("sslrootcert=system").tls.root, RootSource::System);
    assert_eq!(plan("postgres://h/?ssl=true").tls.mode, SslMode::Require);
    for mode in SslMode::ALL {
        assert_eq!(plan(&format!("sslmode={}", mode.name())).tls.mode, mode);
    }
    let required = resolve(&args(""), &environment(&[("PGREQUIRESSL", "1")])).unwrap();
    assert_eq!(required.plan.tls.mode, SslMode::Require);
}

#[test]
fn tls_files_are_those_named_or_those_of_the_home_directory() {
    let home = Environment {
        home: Some("/home/ann".into()),
        ..environment(&[("PGSSLCERT", "/etc/c.crt")])
    };
    let tls = resolve(&args("sslkey=/etc/c.key"), &home)
        .unwrap()
        .plan
        .tls
        .clone();
    let default = |name: &str| Path::new("/home/ann/.postgresql").join(name);
    assert_eq!(tls.certificate.as_deref(), Some(Path::new("/etc/c.crt")));
    assert_eq!(tls.key.as_deref(), Some(Path::new("/etc/c.key")));
    assert_eq!(tls.root, RootSource::Default(Some(default("root.crt"))));
    assert_eq!(tls.crl, Some(default("root.crl")));
}

#[test]
fn passwords_come_from_the_argument_the_variable_or_the_file() {
    let home = tempfile::tempdir().unwrap();
    let pgpass = home.path().join(".pgpass");
    let text = "*:1:*:*:first\nlocalhost:*:*:*:local\nb:*:*:*:second\n";
    write_private(&pgpass, text, 0o600);
    let with = |variables: &[(&str, &str)]| Environment {
        home: Some(home.path().to_owned()),
        ..environment(variables)
    };
    let found = |target: &str, variables: &[(&str, &str)]| {
        password(&resolve(&args(target), &with(variables)).unwrap())
    };
    let own = |text: &str| Some(text.to_owned());
    assert_eq!(found("password=a", &[("PGPASSWORD", "v")]), own("a"));
    assert_eq!(found("", &[("PGPASSWORD", "v")]), own("v"));
    assert_eq!(found("", &[("PGPASSWORD", "")]), own("local"));
    assert_eq!(found("host=/run/x", &[]), own("local"));
    assert_eq!(found("host=a port=1", &[]), own("first"));
    assert_eq!(found("host=a", &[]), None);
    assert_eq!(found("hostaddr=::1 host=b", &[]), own("second"));
    let hosts = resolve(&args("host=a,b"), &with(&[]))
        .unwrap()
        .plan
        .hosts
        .clone();
    assert!(hosts[0].password.is_none() && hosts[1].password.is_some());
    let other = home.path().join("other");
    write_private(&other, "*:*:*:*:other", 0o600);
    let variable = other.to_str().unwrap();
    assert_eq!(found("", &[("PGPASSFILE", variable)]), own("other"));

    write_private(&pgpass, text, 0o644);
    let resolved = resolve(&args("port=1"), &with(&[])).unwrap();
    assert_eq!(password(&resolved), None);
    let [warning] = resolved.warnings() else {
        panic!("{:?}", resolved.warnings());
    };
    assert!(warning.contains("group or world access"), "{warning}");
}

fn write_private(path: &Path, text: &str, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn debug_shows_no_password() {
    let args = args("postgres://u:hunter2@h/d");
    let environment = environment(&[("PGPASSWORD", "hunter2")]);
    let resolved = resolve(&args, &environment).unwrap();
    for shown in [
        format!("{args:?}"),
        format!("{environment:?}"),
        format!("{resolved:?}"),
    ] {
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}

#[test]
fn uris_of_other_schemes_are_refused_without_being_printed() {
    for target in [
        "postgres:/me:s3cret@db/shop",
        "postgresql+psycopg://me:s3cret@db/shop",
        "jdbc:postgresql://db/shop?user=me&password=s3cret",
        "mysql://me:s3cret@db/shop?sslmode=require",
        "Postgres://me:s3cret@db/shop",
        "postgresql:me:s3cret@db",
    ] {
        let args = ConnectArgs {
            target: Some(target.to_owned()),
            ..ConnectArgs::default()
        };
        let message = resolve(&args, &Environment::default())
            .unwrap_err()
            .to_string();
        assert!(message.contains("postgresql://"), "{message}");
        assert!(!message.contains("s3cret"), "{message}");
    }
}
