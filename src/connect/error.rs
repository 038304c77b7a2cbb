//! The error of connecting.

use std::fmt;

use super::failure::Failure;
use super::invalid::InvalidParameters;

/// Why there is no connection. Never holds a password.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The parameters cannot be used; nothing was sent.
    #[error(transparent)]
    Invalid(#[from] InvalidParameters),
    /// No server could be connected to.
    #[error("{}", describe(user, database, attempts))]
    Failed {
        /// The role.
        user: String,
        /// The database.
        database: String,
        /// What was tried, in order; at least one.
        attempts: Vec<Attempt>,
    },
    /// The password could not be read from the terminal.
    #[error(
        "cannot read the password from the terminal: {reason}; set PGPASSWORD or add a line to ~/.pgpass"
    )]
    Prompt {
        /// What went wrong.
        reason: String,
    },
}

/// One server that was tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// `host:port`, with the address in parentheses where a name stands for several, or the path of the socket.
    pub endpoint: String,
    /// What came of it.
    pub failure: Failure,
    /// Where the password that the server rejected came from.
    pub password_source: Option<String>,
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.failure.fmt(f)?;
        match &self.password_source {
            Some(source) => write!(f, " (the password came from {source})"),
            None => Ok(()),
        }
    }
}

fn describe(user: &str, database: &str, attempts: &[Attempt]) -> String {
    let target = format!("database \"{database}\" as role \"{user}\"");
    match attempts {
        [only] => format!("cannot connect to {} ({target}): {only}", only.endpoint),
        several => {
            let lines: Vec<_> = several
                .iter()
                .map(|attempt| format!("\n  {}: {attempt}", attempt.endpoint))
                .collect();
            format!("cannot connect to {target}; tried:{}", lines.concat())
        }
    }
}

impl ConnectError {
    /// The attempts that failed, in order; none when the parameters were at fault.
    pub fn attempts(&self) -> &[Attempt] {
        match self {
            Self::Failed { attempts, .. } => attempts,
            _ => &[],
        }
    }
}
