//! Where the schema comes from: a file, a folder of migrations, or a database.

use std::cmp::Ordering;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::SimulationError;
use crate::demo::binaries::Binaries;

/// The texts that make a schema, in the order in which they run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schema {
    pub(super) scripts: Vec<Script>,
}

/// One text of a schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Script {
    /// The file, for messages.
    pub(super) name: String,
    /// Its statements; lines that do not run are blank, so that lines keep their numbers.
    pub(super) text: String,
}

impl Schema {
    /// A file of statements, such as `pg_dump --schema-only` writes, or a folder of migrations.
    ///
    /// Files of a folder run in the order of their versions. Of the conventions of migration tools are known: undoing
    /// files (`x.down.sql`, `down.sql`, Flyway's `U1__x.sql`) and undoing sections (`-- +goose Down`, `-- +migrate
    /// Down`,
    /// `-- migrate:down`), which do not run, and Flyway's repeatable migrations (`R__x.sql`), which run last.
    ///
    /// # Errors
    /// [`SimulationError::Schema`] where a file cannot be read or a folder has none.
    pub fn read(path: &Path) -> Result<Self, SimulationError> {
        let failed = |path: &Path, reason: String| SimulationError::Schema {
            path: path.to_owned(),
            reason,
        };
        let mut paths = vec![path.to_owned()];
        if path.is_dir() {
            paths.clear();
            collect(path, &mut paths).map_err(|error| failed(path, error.to_string()))?;
            paths.sort_by_cached_key(|file| Version::of(file.strip_prefix(path).unwrap_or(file)));
        }
        if paths.is_empty() {
            let reason = "the folder holds no migration (*.sql)".to_owned();
            return Err(failed(path, reason));
        }
        let read = |path: PathBuf| {
            let text = fs::read_to_string(&path).map_err(|e| failed(&path, e.to_string()))?;
            Ok(Script {
                name: path.display().to_string(),
                text: forward(&text),
            })
        };
        let scripts: Result<Vec<Script>, SimulationError> = paths.into_iter().map(read).collect();
        Ok(Self { scripts: scripts? })
    }

    /// The schema of a database, as `pg_dump` of this machine tells it: nothing else knows every kind of object of
    /// every version. `connection` is what psql would be given: the arguments that say where the database is.
    ///
    /// # Errors
    /// [`SimulationError::Dump`] where there is no `pg_dump`, or it fails.
    pub fn dump(connection: &[String]) -> Result<Self, SimulationError> {
        let mut programs = vec![PathBuf::from("pg_dump")];
        let beside = Binaries::find(None).map(|found| found.directory().join("pg_dump"));
        programs.extend(beside);
        let mut reason = String::new();
        for program in programs {
            let dumped = Command::new(&program)
                .args(["--schema-only", "--no-owner", "--no-privileges"])
                .args(connection)
                .output();
            match dumped {
                Ok(output) if output.status.success() => {
                    let text = String::from_utf8_lossy(&output.stdout).into_owned();
                    let name = "the dump of the database".to_owned();
                    return Ok(Self {
                        scripts: vec![Script { name, text }],
                    });
                }
                Ok(output) => {
                    String::from_utf8_lossy(&output.stderr)
                        .trim()
                        .clone_into(&mut reason);
                }
                Err(error) if reason.is_empty() => {
                    reason = format!("{}: {error}", program.display());
                }
                Err(_) => {}
            }
        }
        Err(SimulationError::Dump { reason })
    }
}

/// The files below a folder that lead forward.
fn collect(folder: &Path, found: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with('.') {
            continue;
        }
        if path.is_dir() {
            collect(&path, found)?;
        } else if leads_forward(&name) {
            found.push(path);
        }
    }
    Ok(())
}

fn leads_forward(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let Some(stem) = lower.strip_suffix(".sql") else {
        return false;
    };
    let last = stem.rsplit('.').next();
    last != Some("down") && !matches!(flyway(name), Some(("U", _)))
}

/// The kind and the version of a file that is named as Flyway wants it.
fn flyway(name: &str) -> Option<(&str, &str)> {
    let (version, _) = name.split_once("__")?;
    let (kind, version) = version.split_at_checked(1)?;
    let plain = |c: char| c.is_ascii_digit() || c == '.' || c == '_';
    (matches!(kind, "V" | "U" | "R" | "B") && version.chars().all(plain)).then_some((kind, version))
}

/// What files are ordered by: numbers by size, wherever in the path they stand.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Version {
    repeatable: bool,
    parts: Vec<Part>,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    /// A path ends before it goes on.
    Text(String),
    Number(Number),
}

/// Digits of any length.
#[derive(Debug, PartialEq, Eq)]
struct Number(String);

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        let digits = |number: &Self| number.0.trim_start_matches('0').to_owned();
        let (a, b) = (digits(self), digits(other));
        (a.len(), a).cmp(&(b.len(), b))
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Version {
    fn of(path: &Path) -> Self {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let text = path.to_string_lossy();
        let (repeatable, parts) = match flyway(&name) {
            Some(("R", _)) => (true, parts(&text)),
            // Dots and underscores alike part the numbers of a version.
            Some((_, version)) => (false, parts(&version.replace('_', "."))),
            None => (false, parts(&text)),
        };
        Self { repeatable, parts }
    }
}

fn parts(text: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let digits = first.is_ascii_digit();
        let end = rest
            .find(|c: char| c.is_ascii_digit() != digits)
            .unwrap_or(rest.len());
        let (part, after) = rest.split_at(end);
        parts.push(if digits {
            Part::Number(Number(part.to_owned()))
        } else {
            Part::Text(part.to_owned())
        });
        rest = after;
    }
    parts
}

/// A migration without the sections that undo it; their lines are left blank.
fn forward(text: &str) -> String {
    let mut undoing = false;
    let mut kept = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let mark = line.trim().to_ascii_lowercase();
        let mark = mark.strip_prefix("--").map(str::trim_start);
        match mark.and_then(|mark| mark.split_whitespace().next().map(|first| (first, mark))) {
            Some(("+goose" | "+migrate", mark)) => match mark.split_whitespace().nth(1) {
                Some("down") => undoing = true,
                Some("up") => undoing = false,
                _ => {}
            },
            Some(("migrate:down", _)) => undoing = true,
            Some(("migrate:up", _)) => undoing = false,
            _ => {}
        }
        kept.push_str(if undoing { "\n" } else { line });
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_that_undo_are_left_blank() {
        for (up, down) in [
            ("-- +goose Up", "-- +goose Down"),
            ("-- migrate:up", "-- migrate:down"),
            ("-- +migrate Up", "-- +migrate Down"),
            ("--migrate:up transaction:false", "--migrate:down"),
        ] {
            let text = format!("{up}\nCREATE TABLE a ();\n{down}\nDROP TABLE a;\n");
            assert_eq!(
                forward(&text),
                format!("{up}\nCREATE TABLE a ();\n\n\n"),
                "{up}"
            );
        }
    }

    #[test]
    fn migrations_run_in_the_order_of_their_versions() {
        let folder = tempfile::tempdir().unwrap();
        for name in [
            "V1__init.sql",
            "V1_1__more.sql",
            "V1.10__last.sql",
            "V1.2__second.sql",
            "R__views.sql",
            "U1__init.sql",
        ] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        assert_eq!(
            names(folder.path()),
            [
                "V1__init.sql",
                "V1_1__more.sql",
                "V1.2__second.sql",
                "V1.10__last.sql",
                "R__views.sql"
            ]
        );
        let folder = tempfile::tempdir().unwrap();
        for name in [
            "10_c.up.sql",
            "2_b.up.sql",
            "2_b.down.sql",
            "1_a.up.sql",
            "notes.md",
        ] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        assert_eq!(
            names(folder.path()),
            ["1_a.up.sql", "2_b.up.sql", "10_c.up.sql"]
        );
        let folder = tempfile::tempdir().unwrap();
        for name in ["2024_b", "2023_a"] {
            fs::create_dir(folder.path().join(name)).unwrap();
            fs::write(folder.path().join(name).join("up.sql"), name).unwrap();
            fs::write(folder.path().join(name).join("down.sql"), "").unwrap();
        }
        let read = Schema::read(folder.path()).unwrap();
        let texts: Vec<&str> = read.scripts.iter().map(|one| one.text.as_str()).collect();
        assert_eq!(texts, ["2023_a", "2024_b"]);
    }

    fn names(folder: &Path) -> Vec<String> {
        let read = Schema::read(folder).unwrap();
        let name = |script: &Script| {
            let path = Path::new(&script.name);
            path.file_name().unwrap().to_string_lossy().into_owned()
        };
        read.scripts.iter().map(name).collect()
    }

    #[test]
    fn a_folder_without_migrations_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let error = Schema::read(folder.path()).unwrap_err().to_string();
        assert!(error.contains("holds no migration"), "{error}");
        let error = Schema::read(&folder.path().join("none.sql")).unwrap_err();
        assert!(error.to_string().contains("none.sql"), "{error}");
    }
}
