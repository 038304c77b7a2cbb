//! The GRANT that would let a role do what the server denied it.

use std::collections::BTreeSet;

use crate::ids::quote_ident;

/// What lets a role do what the server denied it, from the server's message; in a language that is not understood,
/// tables are meant, as nearly always.
pub(super) fn grant(message: &str, major: i32, schemas: &BTreeSet<String>, role: &str) -> String {
    let object = message
        .split_once("permission denied for ")
        .and_then(|(_, object)| object.split_once(' '));
    match object {
        Some(("schema", name)) => format!("GRANT USAGE ON SCHEMA {} TO {role};", quote_ident(name)),
        Some((kind @ ("function" | "procedure" | "sequence" | "type"), name)) => {
            let privilege = match kind {
                "sequence" => "SELECT",
                "type" => "USAGE",
                _ => "EXECUTE",
            };
            let kind = kind.to_ascii_uppercase();
            format!(
                "GRANT {privilege} ON {kind} {} TO {role};",
                quote_ident(name)
            )
        }
        _ if major >= 14 => format!("GRANT pg_read_all_data TO {role};"),
        _ if schemas.is_empty() => {
            format!("GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role};")
        }
        _ => {
            let list: Vec<_> = schemas.iter().map(|schema| quote_ident(schema)).collect();
            format!(
                "GRANT SELECT ON ALL TABLES IN SCHEMA {} TO {role};",
                list.join(", ")
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grant_fits_what_was_denied() {
        for (message, major, remedy) in [
            (
                "permission denied for table orders",
                15,
                "GRANT pg_read_all_data TO me;",
            ),
            (
                "permission denied for view orders",
                13,
                "GRANT SELECT ON ALL TABLES IN SCHEMA public TO me;",
            ),
            (
                "permission denied for schema Private",
                13,
                "GRANT USAGE ON SCHEMA \"Private\" TO me;",
            ),
            (
                "permission denied for function f",
                18,
                "GRANT EXECUTE ON FUNCTION f TO me;",
            ),
            (
                "permission denied for sequence s",
                18,
                "GRANT SELECT ON SEQUENCE s TO me;",
            ),
            (
                "keine Berechtigung für Tabelle orders",
                18,
                "GRANT pg_read_all_data TO me;",
            ),
        ] {
            assert_eq!(grant(message, major, &BTreeSet::new(), "me"), remedy);
        }
        assert_eq!(
            grant(
                "permission denied for table orders",
                13,
                &["Shop", "audit"].map(str::to_owned).into(),
                "me"
            ),
            "GRANT SELECT ON ALL TABLES IN SCHEMA \"Shop\", audit TO me;"
        );
    }
}
