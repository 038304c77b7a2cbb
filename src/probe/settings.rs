//! The settings that a user gives the probes.

use super::ProbeOptions;
use super::link::{SET, Settings};
use crate::connect::Session;
use crate::snapshot::{Area, Gap, Snapshot};

/// Settings that the safety of the probes stands on, or that would change who runs them.
const RESERVED_SETTINGS: [&str; 15] = [
    "client_connection_check_interval",
    "default_transaction_read_only",
    "idle_in_transaction_session_timeout",
    "lock_timeout",
    "role",
    "row_security",
    "search_path",
    "session_authorization",
    "session_replication_role",
    "standard_conforming_strings",
    "statement_timeout",
    "transaction_isolation",
    "transaction_read_only",
    "transaction_timeout",
    "client_encoding",
];

/// Whether `--set` may name this setting: it has the form of a name, and the probes' safety does not stand on it.
pub fn setting_is_allowed(name: &str) -> bool {
    let part = |part: &str| {
        let mut chars = part.chars();
        chars
            .next()
            .is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
            && chars.all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '$')
    };
    let name = name.to_ascii_lowercase();
    name.split('.').count() <= 2
        && name.split('.').all(part)
        && !RESERVED_SETTINGS.contains(&name.as_str())
}

/// Asks the server whether it takes each of the user's settings, which it keeps no longer than the question.
///
/// # Errors
/// The first that it does not take, with what it says.
pub async fn try_settings(
    session: &Session,
    settings: &[(String, String)],
) -> Result<(), RefusedSetting> {
    for (name, value) in settings {
        let mut one = Settings::default();
        one.set(name, value);
        let parameters = one.parameters();
        let asked = session.client.query_typed(SET, &parameters);
        // A connection that broke is told of by what needs it next.
        if let Err(error) = asked.await
            && let Some(refusal) = error.as_db_error()
        {
            return Err(RefusedSetting {
                name: name.clone(),
                value: value.clone(),
                message: refusal.message().to_owned(),
            });
        }
    }
    Ok(())
}

/// A setting that the server does not take.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("--set {name}={value}: {message}")]
pub struct RefusedSetting {
    /// Its name.
    pub name: String,
    /// The value that was given.
    pub value: String,
    /// What the server says.
    pub message: String,
}

/// The user's settings, as far as they are allowed.
pub(super) fn allowed_settings(options: &ProbeOptions) -> Settings {
    let mut settings = Settings::default();
    for (name, value) in &options.settings {
        if setting_is_allowed(name) {
            settings.set(name, value);
        }
    }
    settings
}

/// Settings that are not allowed become gaps.
pub(super) fn refuse_settings(options: &ProbeOptions, snapshot: &mut Snapshot) {
    for (name, _) in &options.settings {
        if !setting_is_allowed(name) {
            snapshot.gaps.push(Gap {
                area: Area::Plans,
                reason: format!("--set {name} was ignored: the probes' safety stands on it"),
                remedy: None,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_safety_stands_on_are_not_allowed() {
        for name in [
            "work_mem",
            "enable_seqscan",
            "auto_explain.log_nested_statements",
            "Random_Page_Cost",
        ] {
            assert!(setting_is_allowed(name), "{name}");
        }
        for name in [
            "search_path",
            "STATEMENT_TIMEOUT",
            "role",
            "a = 1; drop table t; --",
            "",
            "a.b.c",
            "work mem",
            "transaction_read_only",
        ] {
            assert!(!setting_is_allowed(name), "{name}");
        }
    }
}
