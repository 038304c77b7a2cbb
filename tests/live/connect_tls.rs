//! TLS by libpq's rules, against real servers with certificates made here.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use pgtriage::connect::{ConnectError, Failure, Session, TlsFailure};
use pgtriage::demo::cluster::Cluster;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer,
    DistinguishedName, DnType, IsCa, KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams,
    SerialNumber, date_time_ymd,
};
use tempfile::TempDir;

use crate::connect::{connect, environment, refusal, text};
use crate::{MAIN_MAJOR, builder, majors};

const HBA: &str = "
local     all postgres              trust
hostssl   all tls     127.0.0.1/32  trust
hostnossl all plain   127.0.0.1/32  trust
host      all scram   127.0.0.1/32  scram-sha-256
hostssl   all cert    127.0.0.1/32  cert
";

const ROLES: &str = "
SET password_encryption = 'scram-sha-256'; CREATE ROLE scram LOGIN PASSWORD 'hunter2';
CREATE ROLE tls LOGIN; CREATE ROLE plain LOGIN; CREATE ROLE cert LOGIN;
";

const ENCRYPTED: &str = "SELECT CASE WHEN ssl THEN version ELSE 'plain' END FROM pg_stat_ssl WHERE pid = pg_backend_pid()";

/// A directory of certificates and keys.
struct Files {
    directory: TempDir,
}

impl Files {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        Self { directory }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn show(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    fn write(&self, name: &str, text: &str) {
        fs::create_dir_all(self.path(name).parent().expect("a parent")).expect("a directory");
        fs::write(self.path(name), text).expect("a file");
        fs::set_permissions(self.path(name), Permissions::from_mode(0o600)).expect("permissions");
    }

    fn home(&self, name: &str) -> PathBuf {
        fs::create_dir_all(self.path(name)).expect("a directory");
        self.path(name)
    }

    fn authority(&self, name: &str) -> CertifiedIssuer<'static, KeyPair> {
        let mut params = named(&format!("{name} authority"), &[]);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().expect("a key");
        let authority = CertifiedIssuer::self_signed(params, key).expect("an authority");
        self.write(&format!("{name}.ca"), &authority.pem());
        authority
    }

    fn issue(
        &self,
        name: &str,
        params: &CertificateParams,
        authority: &CertifiedIssuer<'_, KeyPair>,
    ) {
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, authority).expect("a certificate");
        self.write(&format!("{name}.crt"), &certificate.pem());
        self.write(&format!("{name}.key"), &key.serialize_pem());
    }
}

fn named(common: &str, names: &[&str]) -> CertificateParams {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    let mut params = CertificateParams::new(names).expect("parameters");
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common);
    params
}

fn server(major: u32, files: &Files, name: &str, ca: Option<&Path>) -> Cluster {
    let certificate = files.path(&format!("{name}.crt"));
    let cluster = builder(major)
        .tcp()
        .hba(HBA)
        .ssl_files(&certificate, &files.path(&format!("{name}.key")), ca)
        .start()
        .expect("a server");
    cluster.execute("postgres", ROLES).expect("roles");
    cluster
}

/// Files with an authority `ours`, another `theirs`, and a server certificate for localhost.
fn usual() -> (Files, CertifiedIssuer<'static, KeyPair>) {
    let files = Files::new();
    let ours = files.authority("ours");
    files.authority("theirs");
    files.issue(
        "server",
        &named("db", &["localhost", "*.example.com"]),
        &ours,
    );
    (files, ours)
}

fn tls_failure(error: &ConnectError) -> &TlsFailure {
    match &error.attempts()[0].failure {
        Failure::Tls(failure) => failure,
        other => panic!("{other:?}"),
    }
}

struct Server<'a> {
    cluster: &'a Cluster,
    home: Option<PathBuf>,
}

impl Server<'_> {
    fn target(&self, more: &str) -> String {
        format!(
            "host=localhost hostaddr=127.0.0.1 port={} dbname=postgres {more}",
            self.cluster.port()
        )
    }

    async fn connect(&self, more: &str) -> Session {
        let environment = environment(&[("PGPASSWORD", "hunter2")], self.home.as_deref());
        match connect(&self.target(more), &environment).await {
            Ok(session) => session,
            Err(error) => panic!("{more}: {error}"),
        }
    }

    /// How the connection is encrypted: the TLS version or `plain`.
    async fn encryption(&self, more: &str) -> String {
        text(&self.connect(more).await, ENCRYPTED).await
    }

    async fn refusal(&self, more: &str) -> ConnectError {
        let environment = environment(&[("PGPASSWORD", "hunter2")], self.home.as_deref());
        refusal(&self.target(more), &environment).await
    }
}

#[tokio::test]
async fn every_major_speaks_verified_tls_with_channel_binding() {
    let (files, _) = usual();
    for major in majors() {
        let cluster = server(major, &files, "server", None);
        let server = Server {
            cluster: &cluster,
            home: None,
        };
        let verified = format!(
            "user=scram sslmode=verify-full sslrootcert={} channel_binding=require",
            files.show("ours.ca")
        );
        assert_eq!(server.encryption(&verified).await, "TLSv1.3", "{major}");
        if major >= 17 {
            assert_eq!(
                server
                    .encryption(&format!("{verified} sslnegotiation=direct"))
                    .await,
                "TLSv1.3"
            );
        }
    }
}

#[tokio::test]
async fn certificates_are_verified_as_the_mode_says() {
    let (files, _) = usual();
    let cluster = server(MAIN_MAJOR, &files, "server", None);
    let server = Server {
        cluster: &cluster,
        home: Some(files.home("empty")),
    };
    let ours = format!("user=tls sslrootcert={}", files.show("ours.ca"));
    let theirs = format!("user=tls sslrootcert={}", files.show("theirs.ca"));
    for mode in ["allow", "prefer", "require", "verify-ca", "verify-full"] {
        assert_eq!(
            server.encryption(&format!("{ours} sslmode={mode}")).await,
            "TLSv1.3",
            "{mode}"
        );
    }
    for mode in ["allow", "prefer", "require"] {
        assert_eq!(
            server.encryption(&format!("user=tls sslmode={mode}")).await,
            "TLSv1.3",
            "{mode}"
        );
    }
    for mode in ["allow", "prefer", "require", "verify-ca", "verify-full"] {
        let error = server.refusal(&format!("{theirs} sslmode={mode}")).await;
        assert!(
            error.to_string().contains("unknown authority"),
            "{mode}: {error}"
        );
    }
    // The last host given wins, so these names go to the same address.
    for host in ["127.0.0.1", "db", "elsewhere.org", "a.b.example.com"] {
        server
            .connect(&format!("{ours} sslmode=verify-ca host={host}"))
            .await;
        let error = server
            .refusal(&format!("{ours} sslmode=verify-full host={host}"))
            .await;
        let names = vec!["localhost".to_owned(), "*.example.com".to_owned()];
        assert_eq!(
            *tls_failure(&error),
            TlsFailure::WrongName {
                host: host.to_owned(),
                names
            }
        );
        assert!(
            error
                .to_string()
                .contains("for localhost, *.example.com, not for"),
            "{error}"
        );
    }
    server
        .connect(&format!("{ours} sslmode=verify-full host=DB.example.com"))
        .await;
    for mode in ["verify-ca", "verify-full"] {
        for more in ["", "sslrootcert=/nonexistent/root.crt"] {
            let error = server
                .refusal(&format!("user=tls sslmode={mode} {more}"))
                .await;
            assert!(error.to_string().contains("sslrootcert=system"), "{error}");
        }
    }
    let error = server.refusal("user=tls sslrootcert=system").await;
    assert!(
        matches!(
            tls_failure(&error),
            TlsFailure::UnknownIssuer | TlsFailure::Other(_)
        ),
        "{error}"
    );
    let error = server
        .refusal(&format!("{ours} sslmode=verify-full host='' "))
        .await;
    assert_eq!(*tls_failure(&error), TlsFailure::NoNameToVerify);
    let capped = format!("{ours} sslmode=verify-full ssl_max_protocol_version=TLSv1.2");
    assert_eq!(server.encryption(&capped).await, "TLSv1.2");
}

#[tokio::test]
async fn prefer_and_allow_fall_back_and_the_others_do_not() {
    let (files, _) = usual();
    let cluster = server(MAIN_MAJOR, &files, "server", None);
    let server = Server {
        cluster: &cluster,
        home: None,
    };
    for (user, mode, found) in [
        ("plain", "disable", Some("plain")),
        ("plain", "allow", Some("plain")),
        ("plain", "prefer", Some("plain")),
        ("plain", "require", None),
        ("tls", "disable", None),
        ("tls", "allow", Some("TLSv1.3")),
        ("tls", "prefer", Some("TLSv1.3")),
        ("tls", "require", Some("TLSv1.3")),
        ("scram", "disable", Some("plain")),
        ("scram", "allow", Some("plain")),
        ("scram", "prefer", Some("TLSv1.3")),
    ] {
        let target = format!("user={user} sslmode={mode}");
        if let Some(found) = found {
            assert_eq!(server.encryption(&target).await, found, "{target}");
        } else {
            let error = server.refusal(&target).await;
            assert!(
                error.to_string().contains("no pg_hba.conf entry"),
                "{target}: {error}"
            );
        }
    }
    let error = server.refusal("user=scram password=wrong").await;
    assert!(
        error.to_string().contains("password authentication failed"),
        "{error}"
    );
    let error = server
        .refusal("user=tls sslmode=require sslnegotiation=direct")
        .await;
    assert_eq!(error.attempts().len(), 1);
}

#[tokio::test]
async fn tls_sessions_can_be_cancelled_and_reopened() {
    let (files, _) = usual();
    let cluster = server(MAIN_MAJOR, &files, "server", None);
    let server = Server {
        cluster: &cluster,
        home: None,
    };
    let session = server
        .connect(&format!(
            "user=scram sslmode=verify-full sslrootcert={}",
            files.show("ours.ca")
        ))
        .await;
    let again = session.reconnect().await.expect("another");
    assert_eq!(text(&again, ENCRYPTED).await, "TLSv1.3");
    let canceller = again.canceller();
    let (error, ()) = tokio::join!(again.client.batch_execute("SELECT pg_sleep(60)"), async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        canceller.cancel().await.expect("a request");
    });
    assert_eq!(
        error
            .expect_err("a cancel")
            .code()
            .map(|code| code.code().to_owned())
            .as_deref(),
        Some("57014")
    );
}

#[tokio::test]
async fn client_certificates_are_presented() {
    let (files, ours) = usual();
    let theirs = files.authority("theirs");
    files.issue("cert", &named("cert", &[]), &ours);
    files.issue("stranger", &named("cert", &[]), &theirs);
    let home = files.home("home");
    files.write(
        "home/.postgresql/postgresql.crt",
        &fs::read_to_string(files.path("cert.crt")).expect("a file"),
    );
    files.write(
        "home/.postgresql/postgresql.key",
        &fs::read_to_string(files.path("cert.key")).expect("a file"),
    );
    let cluster = server(MAIN_MAJOR, &files, "server", Some(&files.path("ours.ca")));
    let server = Server {
        cluster: &cluster,
        home: None,
    };
    let with = |cert: &str, key: &str| {
        format!(
            "user=cert sslmode=require sslcert={} sslkey={}",
            files.show(cert),
            files.show(key)
        )
    };
    for more in ["", "ssl_max_protocol_version=TLSv1.2", "sslpassword=unused"] {
        server
            .connect(&format!("{} {more}", with("cert.crt", "cert.key")))
            .await;
    }
    let at_home = Server {
        cluster: &cluster,
        home: Some(home),
    };
    at_home.connect("user=cert sslmode=require").await;

    let error = server.refusal("user=cert sslmode=require").await;
    assert!(
        error.to_string().contains("valid client certificate"),
        "{error}"
    );
    let error = at_home
        .refusal("user=cert sslmode=require sslcertmode=disable")
        .await;
    assert!(
        error.to_string().contains("valid client certificate"),
        "{error}"
    );
    let error = server.refusal(&with("stranger.crt", "stranger.key")).await;
    assert!(
        matches!(tls_failure(&error), TlsFailure::ClientCertificateRefused(_)),
        "{error}"
    );
    let error = server.refusal(&with("cert.crt", "stranger.key")).await;
    assert_eq!(*tls_failure(&error), TlsFailure::KeyMismatch);
    let error = server.refusal(&with("cert.crt", "none.key")).await;
    assert!(error.to_string().contains("no private key"), "{error}");
    fs::set_permissions(files.path("cert.key"), Permissions::from_mode(0o644))
        .expect("permissions");
    let error = server.refusal(&with("cert.crt", "cert.key")).await;
    assert!(
        error.to_string().contains("group or world access"),
        "{error}"
    );
    files.write(
        "cert.key",
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
    );
    let error = server.refusal(&with("cert.crt", "cert.key")).await;
    assert!(
        error.to_string().contains("encrypted") && error.to_string().contains("openssl pkey"),
        "{error}"
    );
}

#[tokio::test]
async fn expired_and_revoked_certificates_are_refused() {
    let (files, ours) = usual();
    let mut expired = named("db", &["localhost"]);
    expired.not_before = date_time_ymd(2001, 1, 1);
    expired.not_after = date_time_ymd(2002, 1, 1);
    files.issue("expired", &expired, &ours);
    let mut revoked = named("db", &["localhost"]);
    revoked.serial_number = Some(SerialNumber::from(7));
    files.issue("revoked", &revoked, &ours);
    let list = CertificateRevocationListParams {
        this_update: date_time_ymd(2020, 1, 1),
        next_update: date_time_ymd(2100, 1, 1),
        crl_number: SerialNumber::from(1),
        issuing_distribution_point: None,
        revoked_certs: vec![RevokedCertParams {
            serial_number: SerialNumber::from(7),
            revocation_time: date_time_ymd(2020, 1, 1),
            reason_code: None,
            invalidity_date: None,
        }],
        key_identifier_method: KeyIdMethod::Sha256,
    };
    files.write(
        "list.crl",
        &list.signed_by(&ours).expect("a list").pem().expect("PEM"),
    );
    let verified = format!(
        "user=tls sslmode=verify-full sslrootcert={}",
        files.show("ours.ca")
    );
    let listed = format!("{verified} sslcrl={}", files.show("list.crl"));

    let cluster = server(MAIN_MAJOR, &files, "expired", None);
    let server_ = Server {
        cluster: &cluster,
        home: None,
    };
    assert_eq!(
        *tls_failure(&server_.refusal(&verified).await),
        TlsFailure::Expired
    );
    server_.connect("user=tls sslmode=require").await;

    let cluster = server(MAIN_MAJOR, &files, "revoked", None);
    let server_ = Server {
        cluster: &cluster,
        home: None,
    };
    server_.connect(&verified).await;
    assert_eq!(
        *tls_failure(&server_.refusal(&listed).await),
        TlsFailure::Revoked
    );
}

/// What the manual's recipes produce:
/// <https://www.postgresql.org/docs/current/ssl-tcp.html#SSL-CERTIFICATE-CREATION>.
#[tokio::test]
async fn certificates_made_by_the_manual_work() {
    let files = Files::new();
    let openssl = |arguments: &str| {
        let output = Command::new("openssl")
            .args(arguments.split(' '))
            .current_dir(files.directory.path())
            .output()
            .expect("openssl runs");
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    };
    // A self-signed one, an authority by openssl's default extensions.
    openssl(
        "req -new -x509 -days 365 -nodes -text -out self.crt -keyout self.key -subj /CN=localhost",
    );
    // One issued by an own root: X.509 version 1, without subject alternative names.
    openssl("req -new -nodes -text -out root.csr -keyout root.key -subj /CN=root.yourdomain.com");
    fs::write(
        files.path("v3_ca.cnf"),
        "basicConstraints=critical,CA:true\nkeyUsage=keyCertSign,cRLSign\n",
    )
    .expect("a file");
    openssl(
        "x509 -req -in root.csr -text -days 3650 -extfile v3_ca.cnf -signkey root.key -out root.crt",
    );
    openssl("req -new -nodes -text -out server.csr -keyout server.key -subj /CN=localhost");
    openssl(
        "x509 -req -in server.csr -text -days 365 -CA root.crt -CAkey root.key -CAcreateserial -out server.crt",
    );
    openssl("req -new -nodes -text -out cert.csr -keyout cert.key -subj /CN=cert");
    openssl(
        "x509 -req -in cert.csr -text -days 365 -CA root.crt -CAkey root.key -CAcreateserial -out cert.crt",
    );
    fs::set_permissions(files.path("cert.key"), Permissions::from_mode(0o600))
        .expect("permissions");

    for (name, root, other) in [
        ("self", "self.crt", "root.crt"),
        ("server", "root.crt", "self.crt"),
    ] {
        let cluster = server(MAIN_MAJOR, &files, name, Some(&files.path("root.crt")));
        let server = Server {
            cluster: &cluster,
            home: None,
        };
        for versions in ["", "ssl_max_protocol_version=TLSv1.2"] {
            let verified = format!(
                "user=tls sslmode=verify-full sslrootcert={} {versions}",
                files.show(root)
            );
            server.connect(&verified).await;
            server
                .connect(&format!("user=tls sslmode=require {versions}"))
                .await;
            let error = server.refusal(&format!("{verified} host=elsewhere")).await;
            assert!(
                matches!(tls_failure(&error), TlsFailure::WrongName { .. }),
                "{error}"
            );
            let wrong = format!(
                "user=tls sslmode=verify-ca sslrootcert={} {versions}",
                files.show(other)
            );
            assert_eq!(
                *tls_failure(&server.refusal(&wrong).await),
                TlsFailure::UnknownIssuer
            );
            let presenting = format!(
                "user=cert sslmode=require sslcert={} sslkey={} {versions}",
                files.show("cert.crt"),
                files.show("cert.key")
            );
            server.connect(&presenting).await;
        }
    }
}
