//! The values of connection parameters, typed and checked as libpq checks them.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use tokio_postgres::config::ChannelBinding;

use super::environment::Environment;
use super::invalid::InvalidParameters;
use super::keyword::{Given, Keyword, Parameters};
use super::tls::{ClientCertificate, Negotiation, RootSource, Sni, SslMode, TlsSettings, Versions};

/// Where a server is: over TCP or a socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// A host name, an address that stands in for looking it up, or both.
    Tcp {
        name: Option<String>,
        address: Option<IpAddr>,
    },
    /// The directory of the server's socket.
    Socket(PathBuf),
}

/// What kind of session is wanted (`target_session_attrs`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TargetSession {
    Any,
    ReadWrite,
    ReadOnly,
    Primary,
    Standby,
    PreferStandby,
}

impl TargetSession {
    /// The parameter's value.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::ReadWrite => "read-write",
            Self::ReadOnly => "read-only",
            Self::Primary => "primary",
            Self::Standby => "standby",
            Self::PreferStandby => "prefer-standby",
        }
    }
}

/// The order in which hosts and their addresses are tried (`load_balance_hosts`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HostOrder {
    AsGiven,
    Random,
}

/// The parameter's value, unless it is empty.
pub(super) fn given(parameters: &Parameters, keyword: Keyword) -> Option<&Given> {
    parameters.get(&keyword).filter(|g| !g.value.is_empty())
}

/// The parameter's text, unless it is empty.
pub(super) fn text(parameters: &Parameters, keyword: Keyword) -> Option<&str> {
    given(parameters, keyword).map(|g| g.value.as_str())
}

fn choice<T: Copy>(
    parameters: &Parameters,
    keyword: Keyword,
    default: T,
    expected: &'static str,
    choices: &[(&str, T)],
) -> Result<T, InvalidParameters> {
    let Some(given) = given(parameters, keyword) else {
        return Ok(default);
    };
    choices
        .iter()
        .find(|(name, _)| *name == given.value)
        .map(|(_, value)| *value)
        .ok_or_else(|| InvalidParameters::value(keyword, &given.value, &given.origin, expected))
}

/// `channel_binding`.
pub(super) fn channel_binding(
    parameters: &Parameters,
) -> Result<ChannelBinding, InvalidParameters> {
    choice(
        parameters,
        Keyword::ChannelBinding,
        ChannelBinding::Prefer,
        "disable, prefer or require",
        &[
            ("disable", ChannelBinding::Disable),
            ("prefer", ChannelBinding::Prefer),
            ("require", ChannelBinding::Require),
        ],
    )
}

/// `target_session_attrs`.
pub(super) fn target_session(parameters: &Parameters) -> Result<TargetSession, InvalidParameters> {
    let all = [
        TargetSession::Any,
        TargetSession::ReadWrite,
        TargetSession::ReadOnly,
        TargetSession::Primary,
        TargetSession::Standby,
        TargetSession::PreferStandby,
    ];
    choice(
        parameters,
        Keyword::TargetSessionAttrs,
        TargetSession::Any,
        "any, read-write, read-only, primary, standby or prefer-standby",
        &all.map(|target| (target.name(), target)),
    )
}

/// `load_balance_hosts`.
pub(super) fn host_order(parameters: &Parameters) -> Result<HostOrder, InvalidParameters> {
    choice(
        parameters,
        Keyword::LoadBalanceHosts,
        HostOrder::AsGiven,
        "disable or random",
        &[
            ("disable", HostOrder::AsGiven),
            ("random", HostOrder::Random),
        ],
    )
}

/// `connect_timeout`: zero and less wait for ever, one second counts as two (`connectDBComplete` in fe-connect.c).
pub(super) fn connect_timeout(
    parameters: &Parameters,
) -> Result<Option<Duration>, InvalidParameters> {
    let Some(given) = given(parameters, Keyword::ConnectTimeout) else {
        return Ok(None);
    };
    let seconds: i32 = given.value.trim().parse().map_err(|_| {
        let expected = "a whole number of seconds";
        InvalidParameters::value(
            Keyword::ConnectTimeout,
            &given.value,
            &given.origin,
            expected,
        )
    })?;
    Ok(u64::try_from(seconds)
        .ok()
        .filter(|seconds| *seconds > 0)
        .map(|seconds| Duration::from_secs(seconds.max(2))))
}

/// Refuses what libpq would honour and this program cannot: silence would weaken what the user asked for.
pub(super) fn refuse_unsupported(parameters: &Parameters) -> Result<(), InvalidParameters> {
    let never = [
        (
            Keyword::RequirePeer,
            "the owner of a socket is not checked; remove it",
        ),
        (
            Keyword::RequireAuth,
            "the authentication method cannot be restricted; remove it or use channel_binding=require",
        ),
        (
            Keyword::SslCrlDir,
            "put the revocation lists into one file and name it with sslcrl",
        ),
        (Keyword::ScramClientKey, "give the password instead"),
        (Keyword::ScramServerKey, "give the password instead"),
    ];
    for (keyword, reason) in never {
        if let Some(given) = given(parameters, keyword) {
            return Err(InvalidParameters::unsupported(
                keyword.name(),
                &given.origin,
                reason,
            ));
        }
    }
    let accepted = [
        (
            Keyword::Replication,
            &["0", "off", "no", "false"][..],
            "a replication connection cannot run queries; remove it",
        ),
        (
            Keyword::GssEncMode,
            &["disable", "prefer"],
            "GSSAPI encryption is not spoken; use gssencmode=disable with sslmode=require",
        ),
        (
            Keyword::SslCertMode,
            &["disable", "allow"],
            "whether the server asks for a certificate is not checked; use sslcertmode=allow",
        ),
        (
            Keyword::MinProtocolVersion,
            &["3.0"],
            "protocol 3.0 is spoken; remove it",
        ),
    ];
    for (keyword, values, reason) in accepted {
        if let Some(given) = given(parameters, keyword)
            && !values.contains(&given.value.as_str())
        {
            let shown = format!("{}={}", keyword.name(), given.value);
            return Err(InvalidParameters::unsupported(shown, &given.origin, reason));
        }
    }
    Ok(())
}

/// Everything about TLS. Files are only named here; they are read when a connection needs them.
pub(super) fn tls(
    parameters: &Parameters,
    environment: &Environment,
) -> Result<TlsSettings, InvalidParameters> {
    let root = match text(parameters, Keyword::SslRootCert) {
        Some("system") => RootSource::System,
        Some(path) => RootSource::File(PathBuf::from(path)),
        None => RootSource::Default(default_file(environment, "root.crt")),
    };
    let mode = ssl_mode(parameters, environment, &root)?;
    let file = |keyword, name| {
        text(parameters, keyword)
            .map(PathBuf::from)
            .or_else(|| default_file(environment, name))
    };
    Ok(TlsSettings {
        mode,
        negotiation: negotiation(parameters, mode)?,
        root,
        certificate: file(Keyword::SslCert, "postgresql.crt"),
        key: file(Keyword::SslKey, "postgresql.key"),
        crl: file(Keyword::SslCrl, "root.crl"),
        client_certificate: match text(parameters, Keyword::SslCertMode) {
            Some("disable") => ClientCertificate::Withhold,
            _ => ClientCertificate::Offer,
        },
        sni: choice(
            parameters,
            Keyword::SslSni,
            Sni::Send,
            "0 or 1",
            &[("0", Sni::Withhold), ("1", Sni::Send)],
        )?,
        versions: versions(parameters)?,
    })
}

fn default_file(environment: &Environment, name: &str) -> Option<PathBuf> {
    let home = environment.home.as_ref()?;
    Some(home.join(".postgresql").join(name))
}

fn ssl_mode(
    parameters: &Parameters,
    environment: &Environment,
    root: &RootSource,
) -> Result<SslMode, InvalidParameters> {
    let system = matches!(root, RootSource::System);
    // `conninfo_add_defaults`: an older variable, and the strict default of the system's roots.
    let default = if environment
        .variable("PGREQUIRESSL")
        .is_some_and(|value| value.starts_with('1'))
    {
        SslMode::Require
    } else {
        SslMode::Prefer
    };
    let default = if system { SslMode::VerifyFull } else { default };
    let mode = choice(
        parameters,
        Keyword::SslMode,
        default,
        "disable, allow, prefer, require, verify-ca or verify-full",
        &SslMode::ALL.map(|mode| (mode.name(), mode)),
    )?;
    if system && mode != SslMode::VerifyFull {
        return Err(InvalidParameters::Contradiction(format!(
            "sslmode={} is too weak for sslrootcert=system: anyone can get a certificate of a public authority; \
             use sslmode=verify-full",
            mode.name()
        )));
    }
    Ok(mode)
}

fn negotiation(parameters: &Parameters, mode: SslMode) -> Result<Negotiation, InvalidParameters> {
    let negotiation = choice(
        parameters,
        Keyword::SslNegotiation,
        Negotiation::Postgres,
        "postgres or direct",
        &[
            ("postgres", Negotiation::Postgres),
            ("direct", Negotiation::Direct),
        ],
    )?;
    if negotiation == Negotiation::Direct && mode < SslMode::Require {
        return Err(InvalidParameters::Contradiction(format!(
            "sslmode={} is too weak for sslnegotiation=direct; use require, verify-ca or verify-full",
            mode.name()
        )));
    }
    Ok(negotiation)
}

/// `ssl_min_protocol_version` and `ssl_max_protocol_version`: 1.2 and 1.3 are spoken, as by libpq's default.
fn versions(parameters: &Parameters) -> Result<Versions, InvalidParameters> {
    let version = |keyword, default: u8| {
        let Some(given) = given(parameters, keyword) else {
            return Ok(default);
        };
        ["tlsv1", "tlsv1.1", "tlsv1.2", "tlsv1.3"]
            .iter()
            .zip(0_u8..)
            .find(|(name, _)| given.value.eq_ignore_ascii_case(name))
            .map(|(_, minor)| minor)
            .ok_or_else(|| {
                let expected = "TLSv1, TLSv1.1, TLSv1.2 or TLSv1.3";
                InvalidParameters::value(keyword, &given.value, &given.origin, expected)
            })
    };
    let min = version(Keyword::SslMinProtocolVersion, 2)?;
    let max = version(Keyword::SslMaxProtocolVersion, 3)?;
    match (min, max) {
        (_, 0 | 1) => Err(InvalidParameters::Contradiction(
            "TLS below 1.2 is not spoken; set ssl_max_protocol_version to TLSv1.2 or TLSv1.3"
                .to_owned(),
        )),
        (min, max) if min > max => Err(InvalidParameters::Contradiction(
            "ssl_min_protocol_version is above ssl_max_protocol_version; swap them".to_owned(),
        )),
        (_, 2) => Ok(Versions::Only12),
        (3, _) => Ok(Versions::Only13),
        _ => Ok(Versions::Both),
    }
}
