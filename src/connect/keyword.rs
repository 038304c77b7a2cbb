//! The connection parameters of libpq 18 (`PQconninfoOptions` in fe-connect.c): their names and environment variables.

use std::collections::BTreeMap;
use std::fmt;

macro_rules! keywords {
    ($($variant:ident $name:literal $variable:literal,)*) => {
        /// A connection parameter that libpq knows.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub(super) enum Keyword { $($variant,)* }

        impl Keyword {
            /// Every parameter, in libpq's order.
            pub(super) const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name in connection strings and service files.
            pub(super) fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The environment variable that gives a default, if there is one.
            pub(super) fn variable(self) -> Option<&'static str> {
                let name = match self { $(Self::$variant => $variable,)* };
                (!name.is_empty()).then_some(name)
            }
        }
    };
}

keywords! {
    Service "service" "PGSERVICE",
    ServiceFile "servicefile" "PGSERVICEFILE",
    User "user" "PGUSER",
    Password "password" "PGPASSWORD",
    PassFile "passfile" "PGPASSFILE",
    ChannelBinding "channel_binding" "PGCHANNELBINDING",
    ConnectTimeout "connect_timeout" "PGCONNECT_TIMEOUT",
    DbName "dbname" "PGDATABASE",
    Host "host" "PGHOST",
    HostAddr "hostaddr" "PGHOSTADDR",
    Port "port" "PGPORT",
    ClientEncoding "client_encoding" "PGCLIENTENCODING",
    Options "options" "PGOPTIONS",
    ApplicationName "application_name" "PGAPPNAME",
    FallbackApplicationName "fallback_application_name" "",
    Keepalives "keepalives" "",
    KeepalivesIdle "keepalives_idle" "",
    KeepalivesInterval "keepalives_interval" "",
    KeepalivesCount "keepalives_count" "",
    TcpUserTimeout "tcp_user_timeout" "",
    SslMode "sslmode" "PGSSLMODE",
    SslNegotiation "sslnegotiation" "PGSSLNEGOTIATION",
    SslCompression "sslcompression" "PGSSLCOMPRESSION",
    SslCert "sslcert" "PGSSLCERT",
    SslKey "sslkey" "PGSSLKEY",
    SslCertMode "sslcertmode" "PGSSLCERTMODE",
    SslPassword "sslpassword" "",
    SslRootCert "sslrootcert" "PGSSLROOTCERT",
    SslCrl "sslcrl" "PGSSLCRL",
    SslCrlDir "sslcrldir" "PGSSLCRLDIR",
    SslSni "sslsni" "PGSSLSNI",
    SslKeyLogFile "sslkeylogfile" "",
    RequirePeer "requirepeer" "PGREQUIREPEER",
    RequireAuth "require_auth" "PGREQUIREAUTH",
    SslMinProtocolVersion "ssl_min_protocol_version" "PGSSLMINPROTOCOLVERSION",
    SslMaxProtocolVersion "ssl_max_protocol_version" "PGSSLMAXPROTOCOLVERSION",
    MinProtocolVersion "min_protocol_version" "PGMINPROTOCOLVERSION",
    MaxProtocolVersion "max_protocol_version" "PGMAXPROTOCOLVERSION",
    GssEncMode "gssencmode" "PGGSSENCMODE",
    KrbSrvName "krbsrvname" "PGKRBSRVNAME",
    GssLib "gsslib" "PGGSSLIB",
    GssDelegation "gssdelegation" "PGGSSDELEGATION",
    Replication "replication" "",
    TargetSessionAttrs "target_session_attrs" "PGTARGETSESSIONATTRS",
    LoadBalanceHosts "load_balance_hosts" "PGLOADBALANCEHOSTS",
    ScramClientKey "scram_client_key" "",
    ScramServerKey "scram_server_key" "",
    OauthIssuer "oauth_issuer" "",
    OauthClientId "oauth_client_id" "",
    OauthClientSecret "oauth_client_secret" "",
    OauthScope "oauth_scope" "",
    AuthType "authtype" "",
    Tty "tty" "",
}

impl Keyword {
    /// The parameter of this name. Names are case-sensitive, as in libpq.
    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|k| k.name() == name)
    }

    /// Whether the value must never be shown.
    pub(super) fn is_secret(self) -> bool {
        matches!(
            self,
            Self::Password
                | Self::SslPassword
                | Self::ScramClientKey
                | Self::ScramServerKey
                | Self::OauthClientSecret
        )
    }
}

/// Where the value of a parameter came from; shown in errors, so that the user knows what to edit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Origin {
    /// A command-line flag.
    Flag(&'static str),
    /// A conninfo string.
    ConnInfo,
    /// A connection URI.
    Uri,
    /// The service of this name in a service file.
    Service(String),
    /// This environment variable.
    Variable(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => write!(f, "the option {flag}"),
            Self::ConnInfo => f.write_str("the connection string"),
            Self::Uri => f.write_str("the connection URI"),
            Self::Service(name) => write!(f, "the service \"{name}\""),
            Self::Variable(name) => write!(f, "the environment variable {name}"),
        }
    }
}

/// A value and where it came from. No `Debug`: it may be a password.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Given {
    pub(super) value: String,
    pub(super) origin: Origin,
}

/// The parameters gathered so far. An empty value is a value: it hides what a later source would give.
pub(super) type Parameters = BTreeMap<Keyword, Given>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_unique_and_found() {
        for keyword in Keyword::ALL {
            assert_eq!(Keyword::named(keyword.name()), Some(*keyword));
        }
        assert_eq!(Keyword::named("HOST"), None);
        assert_eq!(Keyword::named(""), None);
    }
}
