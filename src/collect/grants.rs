//! Plain SQL that creates a least-privileged role for this program. It is printed, never run.

use crate::ids::quote_ident;
use crate::sql::lexer::IDENTIFIER_BYTES;

const TEMPLATE: &str = include_str!("../../queries/grants.sql");

/// The role's name where the user gives none.
pub const DEFAULT_ROLE: &str = "triage";

/// Why there can be no role of that name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GrantsError {
    /// Empty.
    #[error("the role's name is empty; name one with --role")]
    Empty,
    /// It holds a line break or the like, which could end a comment in the script.
    #[error("the role's name {name:?} holds a control character; choose another")]
    ControlCharacter {
        /// The name.
        name: String,
    },
    /// It is longer than the server keeps.
    #[error("the role's name {name} is longer than {IDENTIFIER_BYTES} bytes; choose a shorter one")]
    TooLong {
        /// The name.
        name: String,
    },
    /// The server keeps such names for itself.
    #[error("the role's name {name} is reserved by PostgreSQL; choose another")]
    Reserved {
        /// The name.
        name: String,
    },
}

/// The script for a role of that name, unquoted. It can be pasted into psql, or run by any client, on every supported
/// version, and again.
///
/// # Errors
/// [`GrantsError`] for a name that no role can have, or that a script cannot hold safely.
pub fn script(role: &str) -> Result<String, GrantsError> {
    check(role)?;
    // One pass, so that a name that looks like a placeholder stays a name.
    let mut parts = TEMPLATE.split('{');
    let mut script = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        if let Some(rest) = part.strip_prefix("role_literal}") {
            script.push_str(&literal(role));
            script.push_str(rest);
        } else if let Some(rest) = part.strip_prefix("role}") {
            script.push_str(&quote_ident(role));
            script.push_str(rest);
        } else {
            script.push('{');
            script.push_str(part);
        }
    }
    Ok(script)
}

fn check(role: &str) -> Result<(), GrantsError> {
    let name = || role.to_owned();
    if role.is_empty() {
        Err(GrantsError::Empty)
    } else if role.chars().any(char::is_control) {
        Err(GrantsError::ControlCharacter { name: name() })
    } else if role.len() > IDENTIFIER_BYTES {
        Err(GrantsError::TooLong { name: name() })
    } else if role.starts_with("pg_") || role == "public" || role == "none" {
        Err(GrantsError::Reserved { name: name() })
    } else {
        Ok(())
    }
}

/// A string constant; `$` is written as an escape, so that it cannot end the dollar-quoted body around it.
fn literal(text: &str) -> String {
    if text.contains(['\\', '$']) {
        let escaped = text
            .replace('\\', "\\\\")
            .replace('\'', "''")
            .replace('$', "\\044");
        format!("E'{escaped}'")
    } else {
        format!("'{}'", text.replace('\'', "''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_is_quoted_in_each_place() {
        let script = script("O'Brien \"$pgtriage$ {role}").unwrap();
        assert!(
            script.contains("GRANT pg_monitor TO \"O'Brien \"\"$pgtriage$ {role}\";"),
            "{script}"
        );
        assert!(
            script.contains("rolname = E'O''Brien \"\\044pgtriage\\044 {role}'"),
            "{script}"
        );
    }

    #[test]
    fn names_that_no_role_can_have_are_refused() {
        for (name, part) in [
            ("", "is empty"),
            ("a\nDROP", "control character"),
            ("pg_me", "reserved"),
            ("public", "reserved"),
            (&"x".repeat(64), "longer than 63 bytes"),
        ] {
            let message = script(name).unwrap_err().to_string();
            assert!(
                message.contains(part) && !message.contains('\n'),
                "{message}"
            );
        }
    }
}
