//! What the documents take from the code is what the code says. `UPDATE=1 cargo test --test readme` rewrites them.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use pgtriage::checks::table_markdown;
use pgtriage::cli::exit_codes_markdown;
use pgtriage::report::json;

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// Panics unless the file holds `wanted`; under `UPDATE=1` makes it so.
fn assert_holds(name: &str, wanted: &str) {
    let path = path(name);
    if std::env::var_os("UPDATE").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, wanted).unwrap();
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == wanted,
        "{name} is out of date; run: UPDATE=1 cargo test --test readme"
    );
}

/// The text with what stands between the two markers of a section replaced.
fn with_section(text: &str, section: &str, content: &str) -> String {
    let (begin, end) = (
        format!("<!-- {section}: generated -->\n"),
        format!("<!-- /{section} -->\n"),
    );
    let parts = text
        .split_once(&begin)
        .and_then(|(before, rest)| Some((before, rest.split_once(&end)?.1)));
    let (before, after) = parts.unwrap_or_else(|| panic!("README.md has no section {section}"));
    format!("{before}{begin}{content}{end}{after}")
}

/// Help as a terminal of 100 columns shows it.
fn help() -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_pgtriage"))
        .args(["diagnose", "--help"])
        .env_remove("COLUMNS")
        .env("NO_COLOR", "1")
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    format!("```text\n{}\n```\n", lines.join("\n"))
}

#[test]
fn the_readme_says_what_the_code_says() {
    let mut text = fs::read_to_string(path("README.md")).unwrap();
    for (section, content) in [
        ("checks", table_markdown()),
        ("flags", help()),
        ("exit codes", exit_codes_markdown()),
    ] {
        text = with_section(&text, section, &content);
    }
    assert_holds("README.md", &text);
}

#[test]
fn the_schema_of_the_report_is_published() {
    let mut schema = serde_json::to_string_pretty(&json::schema()).unwrap();
    schema.push('\n');
    assert_holds("docs/report.schema.json", &schema);
}
