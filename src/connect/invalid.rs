//! What can be wrong with the connection parameters before anything was sent.

use std::path::PathBuf;

use super::keyword::{Keyword, Origin};

/// A connection parameter, connection string or service file that cannot be used. No variant holds a password or a
/// piece of a connection string that may be one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidParameters {
    /// Two arguments name the target.
    #[error(
        "the target is named twice, by the argument and by -d; keep one (the role is given by -U)"
    )]
    TwoTargets,
    /// A keyword that libpq does not know.
    #[error(
        "unknown connection parameter \"{keyword}\" in {origin}; remove it or correct its name"
    )]
    UnknownKeyword {
        /// The name as given.
        keyword: String,
        /// Where it was given.
        origin: String,
    },
    /// A value outside what the keyword allows.
    #[error("invalid {keyword} \"{value}\" in {origin}; use {expected}")]
    InvalidValue {
        /// The parameter.
        keyword: &'static str,
        /// The value as given.
        value: String,
        /// Where it was given.
        origin: String,
        /// What is allowed.
        expected: &'static str,
    },
    /// A parameter that libpq honours and this program cannot.
    #[error("{keyword} in {origin} is not supported: {reason}")]
    Unsupported {
        /// The parameter, with its value where that is the point.
        keyword: String,
        /// Where it was given.
        origin: String,
        /// Why, and what to do.
        reason: &'static str,
    },
    /// A connection string or URI that does not parse.
    #[error("malformed {what}: {problem}")]
    Malformed {
        /// A connection string or URI.
        what: &'static str,
        /// What is wrong and what to do.
        problem: String,
    },
    /// Parameters that are fine alone and contradict one another.
    #[error("{0}")]
    Contradiction(String),
    /// The service is in none of the service files.
    #[error(
        "service \"{name}\" is not defined; add a [{name}] section to {searched} or set PGSERVICEFILE"
    )]
    UnknownService {
        /// The service asked for.
        name: String,
        /// The files looked at.
        searched: String,
    },
    /// A service file that cannot be read or does not parse.
    #[error("cannot use the service file {}: {problem}", path.display())]
    ServiceFile {
        /// The file.
        path: PathBuf,
        /// What is wrong, with the line.
        problem: String,
    },
    /// Neither a role was given nor does the system user have a name.
    #[error("no role to connect as: the system user has no name; give one with -U or PGUSER")]
    NoUser,
}

impl InvalidParameters {
    /// The value of `keyword` is none of `expected`.
    pub(super) fn value(
        keyword: Keyword,
        value: &str,
        origin: &Origin,
        expected: &'static str,
    ) -> Self {
        Self::InvalidValue {
            keyword: keyword.name(),
            value: if keyword.is_secret() { "…" } else { value }.to_owned(),
            origin: origin.to_string(),
            expected,
        }
    }

    /// The parameter cannot be honoured.
    pub(super) fn unsupported(
        keyword: impl Into<String>,
        origin: &Origin,
        reason: &'static str,
    ) -> Self {
        Self::Unsupported {
            keyword: keyword.into(),
            origin: origin.to_string(),
            reason,
        }
    }
}
