//! The laws of ARCHITECTURE.md, as tests.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on should say so at once"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use regex::Regex;

/// Layers from low to high. A module may use its own layer's and lower ones, except that the two sides of the fifth
/// layer, rendering and the edges, do not know each other.
const LAYERS: &[(&str, u8)] = &[
    ("format", 0),
    ("ids", 0),
    ("json", 0),
    ("parallel", 0),
    ("query", 0),
    ("units", 0),
    ("logs", 1),
    ("plan", 1),
    ("snapshot", 1),
    ("sql", 1),
    ("finding", 2),
    ("advisor", 3),
    ("checks", 3),
    ("analyze", 4),
    ("baseline", 4),
    ("gate", 4),
    ("report", 5),
    ("collect", 5),
    ("connect", 5),
    ("demo", 5),
    ("probe", 5),
    ("simulate", 5),
    ("cli", 6),
];
const LIVE: &[&str] = &["collect", "connect", "demo", "probe", "simulate", "cli"];
const LONGEST_FILE: usize = 600;
const LONGEST_LINE: usize = 120;

struct Source {
    path: PathBuf,
    module: String,
    text: String,
}

impl Source {
    /// The code without its unit tests, which stand at the end of a file, and without comments.
    fn production(&self) -> String {
        let code = self
            .text
            .split("#[cfg(test)]\nmod tests {")
            .next()
            .unwrap_or(&self.text);
        let comment = |line: &&str| line.trim_start().starts_with("//");
        code.lines()
            .filter(|line| !comment(line))
            .collect::<Vec<_>>()
            .join("\n")
    }

    fn is_test(&self) -> bool {
        self.path.file_stem().is_some_and(|name| name == "tests")
            || self
                .path
                .components()
                .any(|part| part.as_os_str() == "tests")
    }
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn files(folder: &Path, suffix: &str, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            files(&path, suffix, found);
        } else if path.extension().is_some_and(|found| found == suffix) {
            found.push(path);
        }
    }
}

fn sources() -> Vec<Source> {
    let src = root().join("src");
    let mut paths = Vec::new();
    files(&src, "rs", &mut paths);
    let source = |path: PathBuf| {
        let relative = path.strip_prefix(&src).unwrap();
        let first = relative
            .components()
            .next()
            .unwrap()
            .as_os_str()
            .to_str()
            .unwrap();
        Source {
            module: first.trim_end_matches(".rs").to_owned(),
            text: fs::read_to_string(&path).unwrap(),
            path: path.strip_prefix(root()).unwrap().to_owned(),
        }
    };
    paths.into_iter().map(source).collect()
}

fn assert_none(law: &str, offences: &[String]) {
    assert!(offences.is_empty(), "{law}:\n  {}", offences.join("\n  "));
}

#[test]
fn every_module_has_a_layer() {
    let layers: BTreeMap<&str, u8> = LAYERS.iter().copied().collect();
    let offences: Vec<String> = sources()
        .iter()
        .filter(|source| !matches!(source.module.as_str(), "lib" | "main"))
        .filter(|source| !layers.contains_key(source.module.as_str()))
        .map(|source| source.path.display().to_string())
        .collect();
    assert_none("modules without a layer in LAYERS", &offences);
}

#[test]
fn imports_go_downward() {
    let layers: BTreeMap<&str, u8> = LAYERS.iter().copied().collect();
    let used = Regex::new(r"\bcrate::(\w+)").unwrap();
    let grouped = Regex::new(r"use crate::\{([^;]*)\};").unwrap();
    let mut offences = Vec::new();
    for source in sources() {
        let Some(own) = layers.get(source.module.as_str()) else {
            continue;
        };
        let text = &source.production();
        let mut names: Vec<&str> = used
            .captures_iter(text)
            .map(|found| found.get(1).unwrap().as_str())
            .collect();
        for group in grouped.captures_iter(text) {
            names.extend(
                group
                    .get(1)
                    .unwrap()
                    .as_str()
                    .split([',', '{', '}', ':'])
                    .map(str::trim),
            );
        }
        for name in names.into_iter().filter(|name| *name != source.module) {
            let Some(other) = layers.get(name) else {
                continue;
            };
            let rendering_and_edge =
                *own == 5 && *other == 5 && (source.module == "report" || name == "report");
            if other > own || rendering_and_edge {
                offences.push(format!("{} uses crate::{name}", source.path.display()));
            }
        }
    }
    assert_none("imports that do not go downward", &offences);
}

/// A module of the library is its folder's `mod.rs`; what has parts below that stands beside its folder.
#[test]
fn modules_with_parts_are_laid_out_alike() {
    let src = root().join("src");
    let offences: Vec<String> = sources()
        .iter()
        .map(|source| source.path.strip_prefix("src").unwrap())
        .filter(|path| {
            let is_top = path.components().count() <= 2;
            let is_folder = src.join(path.with_extension("")).is_dir();
            match path.file_name() {
                Some(name) if name == "mod.rs" => !is_top,
                _ => path.components().count() == 1 && is_folder,
            }
        })
        .map(|path| path.display().to_string())
        .collect();
    assert_none("modules in the wrong place", &offences);
}

#[test]
fn the_edges_are_behind_the_live_feature() {
    let lib = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    for module in LIVE {
        let gated = format!("#[cfg(feature = \"live\")]\npub mod {module};");
        assert!(
            lib.contains(&gated),
            "{module} must stand behind feature live in src/lib.rs"
        );
    }
}

#[test]
fn sqlparser_stays_in_sql() {
    let offences: Vec<String> = sources()
        .iter()
        .filter(|source| source.module != "sql" && source.text.contains("sqlparser::"))
        .map(|source| source.path.display().to_string())
        .collect();
    assert_none("sqlparser outside src/sql", &offences);
}

#[test]
fn no_file_is_too_long() {
    let mut paths = Vec::new();
    for folder in ["src", "tests", "benches"] {
        files(&root().join(folder), "rs", &mut paths);
    }
    let offences: Vec<String> = paths
        .iter()
        .map(|path| (path, fs::read_to_string(path).unwrap().lines().count()))
        .filter(|(_, lines)| *lines > LONGEST_FILE)
        .map(|(path, lines)| format!("{}: {lines} lines", path.display()))
        .collect();
    assert_none("files over 600 lines", &offences);
}

/// Texts stay in one piece, so that a message can be searched for.
#[test]
fn no_line_is_too_long() {
    let mut offences = Vec::new();
    for source in sources() {
        let code = source.production();
        let lines = source.text.lines().enumerate();
        for (number, line) in lines.filter(|(_, line)| line.chars().count() > LONGEST_LINE) {
            let is_comment = line.trim_start().starts_with("//");
            let is_code = !source.is_test() && !line.contains('"') && code.contains(line);
            if is_comment || is_code {
                offences.push(format!("{}:{}", source.path.display(), number + 1));
            }
        }
    }
    assert_none("lines over 120 columns", &offences);
}

#[test]
fn sql_for_the_server_lives_in_queries() {
    let statement = Regex::new(concat!(
        r#""[^"]*\b(SELECT\b[^"]*\bFROM\s|INSERT INTO\s|UPDATE\s[^"]*\bSET\s|DELETE FROM\s|COPY\s[^"]*\b(FROM|TO)\s"#,
        r#"|(CREATE|ALTER|DROP)\s+(TABLE|INDEX|FUNCTION|ROLE|EXTENSION|VIEW|SCHEMA|DATABASE)\b|GRANT\s[^"]*\bTO\s|VACUUM\b|SHOW\s)"#
    ))
    .unwrap();
    let send =
        Regex::new(r"\b(query\w*|execute\w*|batch_execute|simple_query|prepare\w*)\(").unwrap();
    let mut offences = Vec::new();
    for source in sources()
        .iter()
        .filter(|source| LIVE.contains(&source.module.as_str()) && !source.is_test())
    {
        for (number, line) in source.production().lines().enumerate() {
            let sends = send.is_match(line) && !line.trim_start().starts_with("//");
            if statement.is_match(line) && (sends || !says_sql(line)) {
                offences.push(format!(
                    "{}:{}: {}",
                    source.path.display(),
                    number + 1,
                    line.trim()
                ));
            }
        }
    }
    assert_none("SQL strings outside queries/", &offences);
}

/// Remedies and messages quote SQL for people; they are told apart by their placeholders or their final semicolon.
fn says_sql(line: &str) -> bool {
    line.contains(";\"")
        || line.contains("remedy")
        || line.contains("GRANT ")
        || line.contains("CREATE EXTENSION")
}

#[test]
fn queries_say_what_they_read_and_carry_the_marker() {
    let mut paths = Vec::new();
    files(&root().join("queries"), "sql", &mut paths);
    let mut offences = Vec::new();
    for path in paths
        .iter()
        .filter(|path| !path.components().any(|part| part.as_os_str() == "demo"))
    {
        let text = fs::read_to_string(path).unwrap();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if !text.starts_with("-- ") {
            offences.push(format!("{name}: no header comment"));
        }
        let statement = text.lines().find(|line| !line.starts_with("--"));
        if name != "grants.sql" && !statement.is_some_and(|line| line.contains("/* pgtriage */")) {
            offences.push(format!(
                "{name}: no marker comment in the statement's first line"
            ));
        }
    }
    assert_none("queries/*.sql", &offences);
}

#[test]
fn queries_are_sent_without_their_headers() {
    let raw = Regex::new(r#"include_str!\([^)]*queries/(?P<name>[^"]*)"#).unwrap();
    let mut offences = Vec::new();
    for source in sources() {
        for found in raw.captures_iter(&source.text) {
            // The script of grants is printed, not sent.
            if found.name("name").unwrap().as_str() != "grants.sql" {
                offences.push(format!("{}: {}", source.path.display(), &found[0]));
            }
        }
    }
    assert_none("queries that query!() should read", &offences);
}

#[test]
fn only_cli_and_report_print() {
    let print = Regex::new(r"\be?print(ln)?!").unwrap();
    let offences: Vec<String> = sources()
        .iter()
        .filter(|source| !matches!(source.module.as_str(), "cli" | "report"))
        .filter(|source| print.is_match(&source.production()) && !source.is_test())
        .map(|source| source.path.display().to_string())
        .collect();
    assert_none("prints outside cli/ and report/", &offences);
}

#[test]
fn errors_are_lower_case_without_a_final_stop() {
    let message = Regex::new(r#"#\[error\(\s*"((?:[^"\\]|\\.)*)""#).unwrap();
    let mut offences = Vec::new();
    for source in sources() {
        for found in message.captures_iter(&source.text) {
            let text = found.get(1).unwrap().as_str();
            let starts_low = text.chars().next().is_none_or(|c| !c.is_uppercase())
                || text.starts_with("PG")
                || text.starts_with("PostgreSQL");
            if !starts_low || text.ends_with('.') {
                offences.push(format!("{}: {text:?}", source.path.display()));
            }
        }
    }
    assert_none("error messages", &offences);
}

#[test]
fn every_source_file_says_what_it_is() {
    let offences: Vec<String> = sources()
        .iter()
        .filter(|source| !source.text.starts_with("//!") && !source.is_test())
        .map(|source| source.path.display().to_string())
        .collect();
    assert_none("files without a module comment", &offences);
}

/// Whoever installs the program from its package builds it from nothing else.
#[test]
fn the_package_holds_what_the_build_reads() {
    let output = Command::new(env!("CARGO"))
        .args(["package", "--list", "--allow-dirty", "--offline", "--quiet"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let listed = String::from_utf8(output.stdout).unwrap();
    let packaged: BTreeSet<&str> = listed.lines().collect();
    let mut read = vec![root().join("askama.toml")];
    for folder in ["src", "queries"] {
        for suffix in ["rs", "md", "sql", "sh", "html", "css", "js"] {
            files(&root().join(folder), suffix, &mut read);
        }
    }
    let offences: Vec<String> = read
        .iter()
        .map(|path| path.strip_prefix(root()).unwrap().display().to_string())
        .filter(|path| !packaged.contains(path.as_str()))
        .collect();
    assert_none("files that are not in the package", &offences);
}

#[test]
fn nothing_is_left_for_later() {
    let mark = Regex::new(r"\b(TODO|FIXME|XXX|HACK)\b|#\[ignore|todo!\(|unimplemented!\(").unwrap();
    let mut paths = Vec::new();
    for folder in ["src", "tests", "benches", "scripts", "queries"] {
        for suffix in ["rs", "sql", "sh", ""] {
            files(&root().join(folder), suffix, &mut paths);
        }
    }
    let offences: Vec<String> = paths
        .iter()
        .filter(|path| !path.ends_with("tests/tidy.rs"))
        .filter(|path| fs::read_to_string(path).is_ok_and(|text| mark.is_match(&text)))
        .map(|path| path.display().to_string())
        .collect();
    assert_none("unfinished work", &offences);
}
