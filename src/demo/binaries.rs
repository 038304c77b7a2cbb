//! Finds the server binaries (`initdb`, `postgres`, `pg_ctl`) that are installed on this machine.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The environment variable that names a directory of server binaries; it wins over every other place.
pub const BIN_VARIABLE: &str = "PGTRIAGE_PG_BIN";

const PROGRAMS: [&str; 3] = ["initdb", "postgres", "pg_ctl"];

/// A directory that holds the server binaries of one PostgreSQL version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binaries {
    directory: PathBuf,
    major: u32,
}

/// Why no server binaries can be used.
#[derive(Debug, thiserror::Error)]
pub enum BinariesError {
    /// No directory on this machine holds what a server needs.
    #[error(
        "no PostgreSQL{} server on this machine (looked in: {looked_in}); install one (Debian, Ubuntu: apt install postgresql postgresql-contrib; \
         Fedora: dnf install postgresql-server postgresql-contrib; macOS: brew install postgresql@17) or set {BIN_VARIABLE} to the directory of its initdb",
        .major.map(|major| format!(" {major}")).unwrap_or_default()
    )]
    NotFound {
        /// The major version that was asked for; `None`: any.
        major: Option<u32>,
        /// The directories that were looked at, for the reader.
        looked_in: String,
    },
    /// A directory that was named does not hold a working server.
    #[error("{} holds no working PostgreSQL server: {detail}; name the directory of initdb, postgres and pg_ctl", .directory.display())]
    Unusable {
        /// The directory that was named.
        directory: PathBuf,
        /// What is missing or failed.
        detail: String,
    },
}

impl Binaries {
    /// The binaries in one directory.
    ///
    /// # Errors
    /// [`BinariesError::Unusable`] where a program is missing or `postgres --version` cannot be read.
    pub fn in_directory(directory: impl Into<PathBuf>) -> Result<Self, BinariesError> {
        let directory = directory.into();
        let unusable = |detail: String| BinariesError::Unusable {
            directory: directory.clone(),
            detail,
        };
        if let Some(missing) = PROGRAMS
            .iter()
            .find(|program| !directory.join(program).is_file())
        {
            return Err(unusable(format!("{missing} is missing")));
        }
        let output = Command::new(directory.join("postgres"))
            .arg("--version")
            .current_dir("/")
            .output()
            .map_err(|error| unusable(format!("cannot run postgres: {error}")))?;
        let text = String::from_utf8_lossy(&output.stdout);
        let major = parse_major(&text).ok_or_else(|| {
            unusable(format!(
                "postgres --version says \"{}{}\"",
                text.trim(),
                String::from_utf8_lossy(&output.stderr).trim()
            ))
        })?;
        Ok(Self { directory, major })
    }

    /// The binaries of a major version, or with `None` of the newest version that is installed, unless
    /// [`BIN_VARIABLE`], `pg_config` or the search path name one.
    ///
    /// # Errors
    /// [`BinariesError::NotFound`] says where it looked and what to install.
    pub fn find(major: Option<u32>) -> Result<Self, BinariesError> {
        if let Some(named) = env::var_os(BIN_VARIABLE).filter(|value| !value.is_empty()) {
            let named = Self::in_directory(PathBuf::from(named))?;
            if major.is_none_or(|major| named.major == major) {
                return Ok(named);
            }
        }
        let candidates = candidates();
        candidates
            .iter()
            .filter_map(|directory| Self::in_directory(directory).ok())
            .find(|found| major.is_none_or(|major| found.major == major))
            .ok_or_else(|| BinariesError::NotFound {
                major,
                looked_in: looked_in(&candidates),
            })
    }

    /// The directory that holds the programs.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Where the installation keeps its extensions' control files.
    pub fn extension_directory(&self) -> Option<PathBuf> {
        let told = Command::new(self.directory.join("pg_config"))
            .arg("--sharedir")
            .output()
            .ok()
            .and_then(|output| String::from_utf8(output.stdout).ok())
            .map(|text| PathBuf::from(text.trim()));
        let share = self.directory.parent()?.join("share");
        told.into_iter()
            .chain([share.join("postgresql"), share])
            .map(|directory| directory.join("extension"))
            .find(|directory| directory.is_dir())
    }

    /// The major version: 15 for `PostgreSQL` 15.18.
    pub const fn major(&self) -> u32 {
        self.major
    }
}

/// The major version in the output of `postgres --version`: `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`,
/// `postgres (PostgreSQL) 19beta1`.
fn parse_major(text: &str) -> Option<u32> {
    let version = text.split_once("(PostgreSQL) ")?.1;
    let digits = version.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok()
}

fn candidates() -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = Vec::new();
    found.extend(pg_config_bindir());
    if let Some(path) = env::var_os("PATH") {
        found.extend(env::split_paths(&path));
    }
    found.extend(versioned("/usr/lib/postgresql", ""));
    found.extend(versioned("/usr", "pgsql-"));
    for homebrew in ["/opt/homebrew/opt", "/usr/local/opt"] {
        found.extend(versioned(homebrew, "postgresql@"));
    }
    for fixed in [
        "/opt/homebrew/bin",
        "/usr/local/pgsql/bin",
        "/usr/local/bin",
        "/usr/lib/postgresql/bin",
        "/Applications/Postgres.app/Contents/Versions/latest/bin",
    ] {
        found.push(PathBuf::from(fixed));
    }
    let mut unique = Vec::with_capacity(found.len());
    for directory in found {
        if !unique.contains(&directory) {
            unique.push(directory);
        }
    }
    unique
}

fn pg_config_bindir() -> Option<PathBuf> {
    let output = Command::new("pg_config").arg("--bindir").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let directory = text.trim();
    (!directory.is_empty()).then(|| PathBuf::from(directory))
}

/// `<parent>/<prefix><number>/bin`, the greatest number first.
fn versioned(parent: &str, prefix: &str) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(parent) else {
        return Vec::new();
    };
    let mut found: Vec<(u32, PathBuf)> = entries
        .filter_map(Result::ok)
        .filter_map(|entry| {
            let name = entry.file_name();
            let number = name.to_str()?.strip_prefix(prefix)?.parse().ok()?;
            Some((number, entry.path().join("bin")))
        })
        .collect();
    found.sort();
    found.into_iter().rev().map(|(_, path)| path).collect()
}

fn looked_in(candidates: &[PathBuf]) -> String {
    let on_path: Vec<PathBuf> =
        env::var_os("PATH").map_or_else(Vec::new, |path| env::split_paths(&path).collect());
    let mut places = vec![
        "the search path".to_owned(),
        "/usr/lib/postgresql".to_owned(),
    ];
    places.extend(
        candidates
            .iter()
            .filter(|directory| !on_path.contains(directory) && directory.exists())
            .map(|directory| directory.display().to_string()),
    );
    places.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_is_read_from_every_form() {
        for (text, expected) in [
            (
                "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n",
                Some(15),
            ),
            ("postgres (PostgreSQL) 18.4\n", Some(18)),
            ("postgres (PostgreSQL) 19beta1", Some(19)),
            ("postgres (PostgreSQL) 9.6.24", Some(9)),
            ("postgres: command not found", None),
            ("", None),
        ] {
            assert_eq!(parse_major(text), expected, "{text}");
        }
    }

    #[test]
    fn a_directory_without_a_server_names_what_is_missing() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let error = Binaries::in_directory(directory.path()).expect_err("nothing in it");
        assert!(error.to_string().contains("initdb is missing"), "{error}");
    }
}
