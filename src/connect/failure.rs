//! Why one server could not be connected to, and what to do about it.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::time::Duration;

use tokio_postgres::error::{DbError, SqlState};

use super::tls::TlsFailure;

/// Why one attempt to connect failed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Failure {
    /// Nothing listens at the port.
    Refused,
    /// There is no socket in the directory.
    NoSocket,
    /// The operating system does not let this user connect to the socket.
    SocketForbidden,
    /// No answer in time; `connect_timeout`, where it was what ran out.
    TimedOut(Option<Duration>),
    /// The host name has no address; the resolver's words.
    UnknownHost(String),
    /// The connection broke while it was being set up, or the network refused it.
    Network(String),
    /// The server closed the connection without a word.
    Closed,
    /// TLS could not be set up.
    Tls(TlsFailure),
    /// The server asks for a password and there is none.
    PasswordNeeded,
    /// The server asks for a way of authentication that is not spoken; what and why.
    Authentication(String),
    /// The server answered with an error.
    Server(ServerRefusal),
    /// The server is not of the kind that `target_session_attrs` wants; the wanted kind.
    WrongSession(&'static str),
    /// The server said something that is not PostgreSQL's protocol, or failed at the query that
    /// `target_session_attrs` needs.
    Protocol(String),
}

/// The error of a server that refused the connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerRefusal {
    /// The SQLSTATE.
    pub code: String,
    /// The server's message, in its language.
    pub message: String,
    /// The routine of the server that raised it: tells causes apart that share a SQLSTATE, in any language.
    routine: Option<String>,
}

impl From<&DbError> for ServerRefusal {
    fn from(error: &DbError) -> Self {
        let mut message = error.message().to_owned();
        for more in [error.detail(), error.hint()].into_iter().flatten() {
            message.push_str(" (");
            message.push_str(more);
            message.push(')');
        }
        Self {
            code: error.code().code().to_owned(),
            message,
            routine: error.routine().map(str::to_owned),
        }
    }
}

/// What libpq does after a failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// Try the next address or host.
    Continue,
    /// The user has to change something: the other hosts are not tried.
    Stop,
}

impl Failure {
    /// Whether other hosts are to be tried. libpq goes on after what the network or a starting server says and
    /// stops at authentication and TLS (`PQconnectPoll` in fe-connect.c).
    pub(super) fn next(&self) -> Next {
        match self {
            Self::Server(refusal) if refusal.code == SqlState::CANNOT_CONNECT_NOW.code() => {
                Next::Continue
            }
            Self::Server(_) | Self::Tls(_) | Self::PasswordNeeded | Self::Authentication(_) => {
                Next::Stop
            }
            _ => Next::Continue,
        }
    }

    /// What an error of tokio-postgres means.
    pub(super) fn from_client(error: &tokio_postgres::Error) -> Self {
        if let Some(refusal) = error.as_db_error() {
            return Self::Server(refusal.into());
        }
        let causes = causes(error);
        if let Some(tls) = causes.iter().find_map(|cause| rustls_error(*cause)) {
            return Self::Tls(TlsFailure::from_rustls(tls));
        }
        if let Some(error) = causes
            .iter()
            .find_map(|cause| cause.downcast_ref::<io::Error>())
        {
            return Self::from_io(error);
        }
        let reason = causes.last().map(ToString::to_string).unwrap_or_default();
        match reason.as_str() {
            // The texts of tokio-postgres 0.7 (connect_raw.rs, connect_tls.rs); it gives no other sign.
            "password missing" => Self::PasswordNeeded,
            "server does not support TLS" => Self::Tls(TlsFailure::NotOffered),
            "unsupported authentication method" => Self::Authentication(
                "the server wants GSSAPI, SSPI or an outdated method, which are not spoken; \
                 ask for a scram-sha-256 line in pg_hba.conf"
                    .to_owned(),
            ),
            "unsupported SASL mechanism" => Self::Authentication(
                "the server wants a SASL mechanism other than SCRAM-SHA-256; \
                 ask for a scram-sha-256 line in pg_hba.conf"
                    .to_owned(),
            ),
            "server did not use channel binding" => Self::Authentication(
                "the server did not use channel binding, which channel_binding=require demands; \
                 it needs TLS and a SCRAM password (else use channel_binding=prefer)"
                    .to_owned(),
            ),
            _ if error.is_closed() => Self::Closed,
            _ if error.to_string() == "authentication error" => Self::Authentication(format!(
                "authentication failed: {reason}; check that this is the server it should be"
            )),
            _ => Self::Protocol(format!("{error}: {reason}")),
        }
    }

    /// What an error of the socket means.
    pub(super) fn from_io(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::ConnectionRefused => Self::Refused,
            io::ErrorKind::NotFound => Self::NoSocket,
            io::ErrorKind::PermissionDenied => Self::SocketForbidden,
            io::ErrorKind::TimedOut => Self::TimedOut(None),
            io::ErrorKind::UnexpectedEof
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe => Self::Closed,
            _ => Self::Network(error.to_string()),
        }
    }
}

fn causes(error: &tokio_postgres::Error) -> Vec<&(dyn StdError + 'static)> {
    let mut causes = Vec::new();
    let mut next = error.source();
    while let Some(cause) = next {
        causes.push(cause);
        next = cause.source();
    }
    causes
}

/// The TLS error in an I/O error.
fn rustls_error<'a>(cause: &'a (dyn StdError + 'static)) -> Option<&'a rustls::Error> {
    cause.downcast_ref::<rustls::Error>().or_else(|| {
        cause
            .downcast_ref::<io::Error>()?
            .get_ref()?
            .downcast_ref::<rustls::Error>()
    })
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused => f.write_str(
                "connection refused; is the server running there, does it listen on that address \
                 (listen_addresses) and is the port right?",
            ),
            Self::NoSocket => f.write_str(
                "there is no such socket; is the server running, and is this its unix_socket_directories and port? \
                 (a host name connects over TCP)",
            ),
            Self::SocketForbidden => f.write_str(
                "permission denied; this user may not use the socket (unix_socket_permissions) or network",
            ),
            Self::TimedOut(Some(limit)) => write!(
                f,
                "no answer within {} s; check host, port and firewall, or raise connect_timeout",
                limit.as_secs()
            ),
            Self::TimedOut(None) => {
                f.write_str("no answer in time; check host, port and firewall")
            }
            Self::UnknownHost(reason) => {
                write!(f, "the host name cannot be resolved ({reason}); check its spelling")
            }
            Self::Network(reason) => write!(f, "{reason}; check host, port and network"),
            Self::Closed => f.write_str(
                "the server closed the connection without a word; is it a PostgreSQL server, and what does its log say?",
            ),
            Self::Tls(failure) => failure.fmt(f),
            Self::PasswordNeeded => f.write_str(
                "the server asks for a password and none was given; set PGPASSWORD or add a line to ~/.pgpass",
            ),
            Self::Authentication(problem) | Self::Protocol(problem) => f.write_str(problem),
            Self::Server(refusal) => refusal.fmt(f),
            Self::WrongSession(wanted) => write!(
                f,
                "the session is not {wanted}; add a server that is or change target_session_attrs"
            ),
        }
    }
}

impl fmt::Display for ServerRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match self.remedy() {
            Some(remedy) => write!(f, "; {remedy}"),
            None => Ok(()),
        }
    }
}

impl ServerRefusal {
    /// Whether `pg_hba.conf` has no line for this kind of connection.
    pub(super) fn is_not_admitted(&self) -> bool {
        self.code == SqlState::INVALID_AUTHORIZATION_SPECIFICATION.code()
            && self.routine.as_deref() == Some("ClientAuthentication")
    }

    /// Whether the password is wrong.
    pub(super) fn is_wrong_password(&self) -> bool {
        self.code == SqlState::INVALID_PASSWORD.code()
    }

    fn remedy(&self) -> Option<&'static str> {
        let routine = self.routine.as_deref().unwrap_or_default();
        let is = |state: &SqlState| self.code == state.code();
        Some(if is(&SqlState::INVALID_PASSWORD) {
            "give the right password in PGPASSWORD or ~/.pgpass"
        } else if is(&SqlState::INVALID_AUTHORIZATION_SPECIFICATION) {
            match routine {
                "ClientAuthentication" => {
                    "ask for a line in pg_hba.conf that lets this role in from here; \
                     it may admit only TLS (sslmode=require), or only connections without (sslmode=disable)"
                }
                "InitializeSessionUserId" => {
                    "check the role (-U or PGUSER): it must exist and have LOGIN"
                }
                "auth_failed" => {
                    "pg_hba.conf decides by another name than the role's: connect as the role of that name, \
                     or to a host that asks for a password (-h localhost)"
                }
                _ => "check the role, and pg_hba.conf at the server",
            }
        } else if is(&SqlState::INVALID_CATALOG_NAME) {
            "name an existing database (psql -l lists them)"
        } else if is(&SqlState::TOO_MANY_CONNECTIONS) {
            "wait, close idle sessions, or raise max_connections (or the limit of the role or database)"
        } else if is(&SqlState::CANNOT_CONNECT_NOW) {
            "the server is starting up, shutting down or recovering; try again later"
        } else if is(&SqlState::INSUFFICIENT_PRIVILEGE) {
            "grant the role CONNECT on the database"
        } else if is(&SqlState::PROTOCOL_VIOLATION) {
            "a pooler may refuse startup parameters: remove options (PGOPTIONS), or connect to the server itself"
        } else if is(&SqlState::UNDEFINED_OBJECT)
            || is(&SqlState::INVALID_PARAMETER_VALUE)
            || is(&SqlState::SYNTAX_ERROR)
        {
            "check the settings in options (PGOPTIONS)"
        } else {
            return None;
        })
    }
}
