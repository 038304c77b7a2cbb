//! The table of checks, as the README and `pgtriage rules` show it.

use super::CHECKS;

/// All checks as a Markdown table.
pub fn table_markdown() -> String {
    let mut table = String::from("| check | looks at | finds |\n|---|---|---|\n");
    for meta in CHECKS.iter().map(|check| check.meta()) {
        let line = format!(
            "| `{}` | {} | {} |\n",
            meta.id,
            meta.category.title(),
            meta.summary.replace('|', "\\|")
        );
        table.push_str(&line);
    }
    table
}
