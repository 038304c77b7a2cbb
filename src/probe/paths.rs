//! The search paths under which a statement's names may be found.

use super::fault::Fault;
use super::link::{Access, ProbeSession, get};
use crate::ids::Oid;
use crate::sql::lexer::tokens;

/// The search paths that are configured for roles.
#[derive(Debug, Default)]
pub(super) struct RolePaths {
    /// Role (0 is every role) and its path, the more specific first.
    paths: Vec<(Oid, Vec<String>)>,
}

impl RolePaths {
    pub(super) async fn read(session: &ProbeSession) -> Result<Self, Fault> {
        session.begin(Access::Read).await?;
        let rows = session.own(query!("probe_paths.sql"), &[]).await;
        session.end().await?;
        let mut paths = Vec::new();
        for row in rows? {
            let value: String = get(&row, "value")?;
            paths.push((Oid(get(&row, "role")?), schemas(&value)));
        }
        Ok(Self { paths })
    }

    /// The path of a role, `"$user"` replaced by its name.
    pub(super) fn of(&self, role: Oid, name: Option<&str>) -> Option<Vec<String>> {
        let (_, path) = self
            .paths
            .iter()
            .find(|(of, _)| *of == role || *of == Oid(0))?;
        let resolved = path
            .iter()
            .filter_map(|schema| match schema.as_str() {
                "$user" => name.map(str::to_owned),
                schema => Some(schema.to_owned()),
            })
            .collect();
        Some(resolved)
    }
}

/// The schemas of a `search_path` setting.
fn schemas(setting: &str) -> Vec<String> {
    tokens(setting)
        .filter_map(|token| token.identifier().or_else(|| token.string_value()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_as_the_server_reads_them() {
        assert_eq!(
            schemas("\"$user\", App, \"Quoted\"\"Name\""),
            ["$user", "app", "Quoted\"Name"]
        );
        assert!(schemas("").is_empty());
    }

    #[test]
    fn the_roles_own_path_wins() {
        let paths = RolePaths {
            paths: vec![
                (Oid(7), vec!["$user".to_owned(), "app".to_owned()]),
                (Oid(0), vec!["shared".to_owned()]),
            ],
        };
        assert_eq!(paths.of(Oid(7), Some("bob")).unwrap(), ["bob", "app"]);
        assert_eq!(paths.of(Oid(8), None).unwrap(), ["shared"]);
        assert!(RolePaths::default().of(Oid(8), None).is_none());
    }
}
