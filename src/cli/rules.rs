//! `pgtriage rules`: the list of checks, or one check's page.

use anyhow::Result;
use comfy_table::{ContentArrangement, Table, presets};

use crate::checks::{self, CHECKS, CheckMeta};
use crate::report::filled;

use super::args::RulesArgs;
use super::exit::Exit;
use super::output::{self, Sink};

/// Prints the list, or the page of the check that is asked for.
///
/// # Errors
/// Where the check does not exist, or standard output cannot be written.
pub fn run(args: &RulesArgs) -> Result<Exit> {
    let text = match &args.id {
        Some(id) => page(id)?,
        None => list(),
    };
    Sink::Stdout.write(&text)?;
    Ok(Exit::Done)
}

fn page(id: &str) -> Result<String> {
    let check = checks::find(id).ok_or_else(|| checks::UnknownCheck { id: id.to_owned() })?;
    let meta = check.meta();
    let columns = usize::from(output::columns(&Sink::Stdout));
    Ok(format!(
        "{}{}",
        filled(meta.page, columns),
        thresholds(meta)
    ))
}

/// The thresholds of a check as one more section of its page.
fn thresholds(meta: &CheckMeta) -> String {
    if meta.thresholds.is_empty() {
        return String::new();
    }
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN).set_header([
        "pgtriage.toml",
        "default",
        "unit",
        "what",
    ]);
    for threshold in meta.thresholds {
        let spec = threshold.spec();
        let default = spec.default.to_string();
        table.add_row([&spec.path(), &default, spec.unit_text(), spec.what]);
    }
    format!("\n## Thresholds\n{}\n", table.trim_fmt())
}

fn list() -> String {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(output::columns(&Sink::Stdout))
        .set_header(["check", "looks at", "finds"]);
    for meta in CHECKS.iter().map(|check| check.meta()) {
        table.add_row([meta.id.as_str(), meta.category.title(), meta.summary]);
    }
    let mut text = table.trim_fmt();
    text.push('\n');
    text
}
