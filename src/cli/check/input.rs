//! What is checked: the statements of files, or those of the database.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::baseline::Baseline;
use crate::cli::args::check::{BaselineArgs, CheckInput};
use crate::cli::settings::{self, Settings, read_text};
use crate::gate::Origin;
use crate::probe::Given;
use crate::snapshot::{Area, Snapshot};
use crate::sql::lexer::{TokenKind, tokens};
use crate::sql::mentions::StatementClass;
use crate::sql::script::{Script, ScriptStatement, Unfinished};

use super::regresql::Plans;

/// A statement that is checked.
#[derive(Debug, Clone)]
pub struct Text {
    /// Its text, with numbered parameters.
    pub sql: String,
    /// Values of the parameters.
    pub values: Given,
    /// Where it comes from.
    pub origin: Origin,
}

/// What is checked.
#[derive(Debug)]
pub enum Input {
    /// Statements of files.
    Files {
        /// The statements.
        texts: Vec<Text>,
        /// What has no plan, and how often.
        left_out: BTreeMap<String, usize>,
        /// Statements that only the program makes whole.
        unfinished: Vec<String>,
    },
    /// Those of `pg_stat_statements`.
    Database,
}

/// The name of the baseline.
const BASELINE: &str = "pgtriage.lock.json";

/// Where the baseline is, or is to be.
pub fn baseline_path(args: &BaselineArgs, settings: &Settings) -> PathBuf {
    let named = settings.keys.baseline.as_deref().unwrap_or(BASELINE);
    args.baseline
        .clone()
        .unwrap_or_else(|| settings.beside(named))
}

/// The baseline; nothing where nobody names one and there is none, or where it is to be written anew.
///
/// # Errors
/// Where it cannot be read or is none.
pub fn baseline(args: &BaselineArgs, settings: &Settings) -> Result<Option<Baseline>> {
    let path = baseline_path(args, settings);
    let named = args.baseline.is_some() || settings.keys.baseline.is_some() || args.new_only;
    if args.update_baseline || (!named && !path.exists()) {
        return Ok(None);
    }
    let text =
        read_text(&path).context("run pgtriage check --update-baseline to write the baseline")?;
    let read = serde_json::from_str(&text);
    read.map(Some).with_context(|| {
        format!(
            "cannot use {}; run pgtriage check --update-baseline to write it anew",
            path.display()
        )
    })
}

/// Reads what the flags name, else what the settings file names; `paths` says how the files are called.
///
/// # Errors
/// Where a file cannot be read, or there is no statement in any.
pub fn read(args: &CheckInput, settings: &Settings, paths: Paths) -> Result<Input> {
    if args.statements {
        return Ok(Input::Database);
    }
    let named: Vec<PathBuf> = if args.paths.is_empty() {
        settings
            .keys
            .paths
            .iter()
            .map(|path| settings.beside(path))
            .collect()
    } else {
        args.paths.clone()
    };
    if named.is_empty() {
        bail!(
            "nothing to check; name files or folders of .sql files, list them under paths in {}, or give --statements",
            settings::NAME
        );
    }
    let mut files = Vec::new();
    for path in &named {
        collect(path, &mut files)?;
    }
    if files.is_empty() {
        let named: Vec<String> = named
            .iter()
            .map(|path| path.display().to_string())
            .collect();
        bail!("no .sql file in {}", named.join(", "));
    }
    let here = std::env::current_dir().context("cannot tell the current folder")?;
    let base = match paths {
        Paths::FromHere => here,
        Paths::OfRepository => repository(&here).unwrap_or(here),
    };
    let mut texts = Vec::new();
    let mut left_out = BTreeMap::new();
    let mut unfinished = Vec::new();
    for path in files {
        let script = Script::read(&read_text(&path)?);
        for left in script.left_out {
            *left_out.entry(left.what).or_default() += 1;
        }
        let file = shown(&path, &base);
        let plans = Plans::of(&path);
        unfinished.extend(script.unfinished.iter().map(|statement| {
            let Unfinished {
                line, parameter, ..
            } = statement;
            format!("{file}:{line} ({parameter})")
        }));
        texts.extend(script.statements.into_iter().map(|statement| Text {
            values: values(plans.as_ref(), &statement),
            sql: statement.text,
            origin: Origin {
                file: Some(file.clone()),
                line: Some(statement.line),
                ordinal: statement.ordinal,
                name: statement.name,
                allows: statement.allows,
                created: statement.created,
            },
        }));
    }
    if texts.is_empty() {
        bail!("no statement that has a plan in the files; check queries, not only definitions");
    }
    Ok(Input::Files {
        texts,
        left_out,
        unfinished,
    })
}

/// What paths of files are relative to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paths {
    /// The current folder: for people.
    FromHere,
    /// The top of the repository, if this is one: code hosts look for them there.
    OfRepository,
}

/// The folder of the repository that this folder belongs to.
fn repository(here: &Path) -> Option<PathBuf> {
    let folder = here.ancestors().find(|folder| folder.join(".git").exists());
    folder.map(Path::to_owned)
}

/// A path as people write it: from that folder on, if it is below.
fn shown(path: &Path, base: &Path) -> String {
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let text = whole.strip_prefix(base).unwrap_or(path).to_string_lossy();
    text.strip_prefix("./").unwrap_or(&text).to_owned()
}

/// The values of a statement's parameters: as comments say, else the plan file of regresql, else psql's variables.
fn values(plans: Option<&Plans>, statement: &ScriptStatement) -> Given {
    let named = plans
        .map(|plans| plans.values(statement.name.as_deref()))
        .unwrap_or_default();
    let mut values = statement.defaults.clone();
    values.extend(statement.parameters.iter().filter_map(|(number, name)| {
        let value = named.get(name)?;
        Some((*number, value.clone()))
    }));
    // Without names they are arg1, arg2 ….
    let numbered = named.iter().filter_map(|(name, value)| {
        let number = name.strip_prefix("arg")?.parse().ok()?;
        (!statement.parameters.contains_key(&number)).then(|| (number, value.clone()))
    });
    values.extend(numbered);
    values.extend(statement.values.clone());
    values
}

/// A file as it is, a folder's `.sql` files in the order of their names, those of folders in it too. What begins with a
/// dot is passed over.
fn collect(path: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    if !path.is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    let entries = fs::read_dir(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut inside = Vec::new();
    for entry in entries {
        let entry = entry.with_context(|| format!("cannot read {}", path.display()))?;
        let hidden = entry.file_name().to_string_lossy().starts_with('.');
        if !hidden {
            inside.push(entry.path());
        }
    }
    inside.sort();
    for path in inside {
        let is_sql = path.extension().is_some_and(|suffix| suffix == "sql");
        if path.is_dir() || is_sql {
            collect(&path, files)?;
        }
    }
    Ok(())
}

/// The statements that clients sent to the database, by their names or their families.
///
/// # Errors
/// Where `pg_stat_statements` cannot be read or holds none.
pub fn of_database(snapshot: &Snapshot) -> Result<Vec<Text>> {
    let planned = snapshot
        .statements
        .iter()
        .filter(|statement| statement.key.toplevel)
        .filter_map(|statement| statement.query.as_deref())
        .filter(|text| StatementClass::of(text).is_planned());
    let mut texts: Vec<(Option<String>, &str)> =
        planned.map(|text| (commented(text), text)).collect();
    texts.sort();
    texts.dedup();
    if texts.is_empty() {
        let gap = snapshot.gap(Area::Statements);
        let why = gap.map_or("it holds no statement of this database", |gap| {
            gap.reason.as_str()
        });
        let remedy = gap.and_then(|gap| gap.remedy.as_deref());
        bail!(
            "cannot check the statements of pg_stat_statements: {why}; {}",
            remedy.unwrap_or("run the test suite before")
        );
    }
    let numbered = texts.into_iter().zip(1..);
    Ok(numbered
        .map(|((name, text), ordinal)| Text {
            sql: text.to_owned(),
            values: Given::default(),
            origin: Origin {
                ordinal,
                name: name.or_else(|| Some(crate::checks::support::label(text))),
                ..Origin::default()
            },
        })
        .collect())
}

/// Keys of a comment that say where in a program a statement is, in the order of a name (sqlcommenter, `ActiveRecord`
/// query logs).
const NAMING: [&str; 6] = ["controller", "action", "job", "route", "name", "line"];

/// The name in a comment such as `/*controller='orders',action='index'*/`; values are URL-encoded.
fn commented(text: &str) -> Option<String> {
    let comments = tokens(text).filter(|token| token.kind == TokenKind::BlockComment);
    comments.into_iter().find_map(|comment| {
        let inner = comment.text.strip_prefix("/*")?.strip_suffix("*/")?;
        let pairs: BTreeMap<&str, String> = inner
            .split(',')
            .filter_map(|pair| pair.split_once(['=', ':']))
            .map(|(key, value)| (key.trim(), decoded(value.trim().trim_matches('\''))))
            .collect();
        let parts: Vec<&str> = NAMING
            .iter()
            .filter_map(|key| pairs.get(key).map(String::as_str))
            .collect();
        (!parts.is_empty()).then(|| parts.join("#"))
    })
}

/// `%2F` as `/`.
fn decoded(value: &str) -> String {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let hex = after
            .get(..2)
            .filter(|_| *first == b'%')
            .and_then(|hex| std::str::from_utf8(hex).ok())
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        bytes.push(hex.unwrap_or(*first));
        rest = after
            .get(if hex.is_some() { 2 } else { 0 }..)
            .unwrap_or_default();
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_of_programs_name_statements() {
        for (text, name) in [
            (
                "SELECT 1 /*controller='orders',action='index'*/",
                Some("orders#index"),
            ),
            (
                "SELECT 1 /*action='index',controller='orders'*/",
                Some("orders#index"),
            ),
            (
                "SELECT 1 /*application:Shop,controller:orders,action:show*/",
                Some("orders#show"),
            ),
            (
                "SELECT 1 /*route='%2Fpolls%20a',framework='django'*/",
                Some("/polls a"),
            ),
            ("SELECT 1 /* just words */", None),
        ] {
            assert_eq!(commented(text).as_deref(), name, "{text}");
        }
    }
}
