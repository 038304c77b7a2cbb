//! Connecting as psql does: libpq's parameters, files and TLS modes, handed to tokio-postgres.
//!
//! tokio-postgres speaks the protocol; it does not know libpq's verifying TLS modes, service and password files or
//! host fallback. So [`resolve`] turns the command line and the [`Environment`] into [`Resolved`] by libpq's rules,
//! and [`Resolved::connect`] walks its hosts, one plain tokio-postgres connection attempt at a time.

mod attempt;
mod conninfo;
mod environment;
mod error;
mod failure;
mod invalid;
mod keyword;
mod passfile;
mod resolve;
mod secret;
mod service;
mod session;
mod settings;
mod tls;
mod uri;

use std::fmt;

pub use environment::Environment;
pub use error::{Attempt, ConnectError};
pub use failure::{Failure, ServerRefusal};
pub use invalid::InvalidParameters;
pub use resolve::{Resolved, resolve};
pub use session::{Canceller, ConnectionLost, Session};
pub use tls::TlsFailure;

/// Whether the user may be asked for a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PasswordPrompt {
    /// When the server asks for one, none was given and standard input is a terminal.
    #[default]
    WhenAsked,
    /// Never (`-w`).
    Never,
}

/// The connection arguments of the command line, with psql's meaning. `Debug` shows no value: any may hold a password.
#[derive(Clone, Default)]
pub struct ConnectArgs {
    /// The positional argument: a database name, a connection URI or a conninfo string.
    pub target: Option<String>,
    /// `-h`: host names, addresses or socket directories, separated by commas.
    pub host: Option<String>,
    /// `-p`: port numbers, separated by commas.
    pub port: Option<String>,
    /// `-U`: the role.
    pub user: Option<String>,
    /// `-d`: as `target`; only one of the two may be given.
    pub dbname: Option<String>,
    /// `-w` or not.
    pub prompt: PasswordPrompt,
}

impl fmt::Debug for ConnectArgs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectArgs").finish_non_exhaustive()
    }
}
