//! `pgtriage.toml`: what a repository says of its gate once for all.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

/// The keys of the file. All may be absent; a flag on the command line stands before it.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FileConfig {
    /// Database name, URI or conninfo string.
    pub database: Option<String>,
    /// Files and folders to check where the command line names none.
    pub paths: Vec<String>,
    /// The least severity that fails.
    pub fail_on: Option<String>,
    /// Run only these checks.
    pub only: Vec<String>,
    /// Leave these checks out.
    pub skip: Vec<String>,
    /// Tables that stay small, with or without their schema.
    pub small_tables: BTreeSet<String>,
    /// Rows that tables have in production.
    pub assume_rows: BTreeMap<String, f64>,
    /// The baseline.
    pub baseline: Option<String>,
}

/// A file that is not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct BadConfig {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub message: String,
}

impl FileConfig {
    /// Reads the file's text.
    ///
    /// # Errors
    /// Names the line of what is unknown or of the wrong type.
    pub fn read(text: &str) -> Result<Self, BadConfig> {
        toml::from_str(text).map_err(|error| BadConfig {
            line: error.span().map_or(1, |span| {
                let before = text.get(..span.start).unwrap_or_default();
                before.matches('\n').count() + 1
            }),
            message: error.message().trim().replace('\n', " "),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_unknown_is_told_with_its_line() {
        let error =
            FileConfig::read("fail_on = \"high\"\n\nsmall_table = [\"country\"]\n").unwrap_err();
        assert_eq!(error.line, 3);
        assert!(
            error.message.contains("unknown field `small_table`"),
            "{error}"
        );
        let error = FileConfig::read("small_tables = \"country\"").unwrap_err();
        assert_eq!(error.line, 1);
    }

    #[test]
    fn all_keys_are_read() {
        let text = "database = \"ci\"\npaths = [\"q\"]\nfail_on = \"medium\"\nskip = [\"sort_spill\"]\n\
            small_tables = [\"country\", \"app.kind\"]\nbaseline = \"x.json\"\n[assume_rows]\ncountry = 250\n";
        let read = FileConfig::read(text).unwrap();
        assert_eq!(read.database.as_deref(), Some("ci"));
        assert_eq!(read.assume_rows.get("country"), Some(&250.0));
        assert!(read.small_tables.contains("app.kind"));
    }
}
