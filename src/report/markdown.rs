//! The report for a ticket, as GitHub-flavoured markdown: verdict, impact, evidence, SQL with its lock and undo,
//! confidence and when it is wrong, provenance.
//!
//! What does not fit a ticket is cut by whole findings, never inside a fence, and the cut is said.

use std::fmt::Write as _;

use crate::finding::Report;
use crate::sql::family::pretty;

use super::document::{Content, Document, FindingBlock, Note, PLANS_SHOWN, Table, VerdictRow};
use super::plan_lines;
use super::plan_tree::PlanTree;
use super::terminal::{confidence_word, severity_word};

/// The longest comment that GitHub takes (65,536 characters), less room for the closing lines.
pub const GITHUB_COMMENT_LIMIT: usize = 65_536;
const CLOSING_ROOM: usize = 512;
/// Statements in tables are shortened to this width.
const STATEMENT_COLUMNS: usize = 120;
/// Plans are drawn this wide.
const PLAN_COLUMNS: usize = 110;

/// The report as markdown, at most [`GITHUB_COMMENT_LIMIT`] characters.
pub fn render(report: &Report) -> String {
    render_within(report, GITHUB_COMMENT_LIMIT)
}

/// The report as markdown, cut to at most `limit` characters: first the statements and notes, then findings, then rows
/// of the table of findings (not below what the verdict's sentence needs).
pub fn render_within(report: &Report, limit: usize) -> String {
    let document = Document::of(report);
    let tail = tail(&document);
    let budget = limit.saturating_sub(CLOSING_ROOM);
    let mut text = head(&document, budget);
    let mut left_out = 0;
    for (position, block) in document.findings.iter().enumerate() {
        let section = finding(position + 1, block);
        if left_out > 0 || characters(&text) + characters(&section) > budget {
            left_out += 1;
        } else {
            text.push_str(&section);
        }
    }
    if left_out > 0 {
        let are = if left_out == 1 {
            "finding is"
        } else {
            "findings are"
        };
        let _ = writeln!(
            text,
            "\n*{left_out} {are} left out to fit the ticket; `--format json` has all.*"
        );
    }
    if characters(&text) + characters(&tail) <= budget {
        text.push_str(&tail);
    } else {
        text.push_str(
            "\n*Statements and notes are left out to fit the ticket; `--format json` has all.*\n",
        );
    }
    let _ = writeln!(text, "\n---\n{}", prose(&document.provenance));
    text
}

fn characters(text: &str) -> usize {
    text.chars().count()
}

/// The verdict, its table within `budget` characters.
fn head(document: &Document, budget: usize) -> String {
    let mut coverage = format!("\n{}\n", prose(&document.verdict.coverage));
    for line in &document.verdict.log {
        let _ = writeln!(coverage, "\n{}", prose(line));
    }
    let budget = budget.saturating_sub(characters(&coverage));
    let mut text = format!(
        "## {}\n\n{}\n",
        prose(&document.verdict.sentence),
        prose(&document.header)
    );
    if !document.verdict.rows.is_empty() {
        text.push_str(
            "\n| | severity | finding | share | time | calls | expected | confidence |\n",
        );
        text.push_str("|--:|---|---|--:|--:|--:|---|---|\n");
        let mut length = characters(&text);
        for (position, row) in document.verdict.rows.iter().enumerate() {
            let row = verdict_row(position + 1, row);
            length += characters(&row);
            if length > budget {
                let more = document.verdict.rows.len() - position;
                let _ = writeln!(text, "\n*… and {more} more*");
                break;
            }
            text.push_str(&row);
        }
    }
    text.push_str(&coverage);
    text
}

fn verdict_row(rank: usize, row: &VerdictRow) -> String {
    format!(
        "| {rank} | {} | {} | {} | {} | {} | {} | {} |\n",
        severity_word(row.severity),
        prose(&row.title),
        row.share,
        row.time,
        row.calls,
        prose(&row.gain),
        confidence_word(row.confidence)
    )
}

fn finding(rank: usize, block: &FindingBlock) -> String {
    let mut text = format!(
        "\n### {rank} · {} · {}\n\n",
        severity_word(block.severity),
        prose(&block.title)
    );
    if !block.impact.is_empty() {
        let _ = writeln!(text, "{}\n", prose(&block.impact));
    }
    if let Some(query) = &block.query {
        text.push_str(&fence("sql", query));
    }
    text.push_str("\n| evidence | value | source |\n|---|--:|---|\n");
    for row in &block.evidence {
        let _ = writeln!(
            text,
            "| {} | {} | {} |",
            prose(&row.label),
            prose(&row.value),
            row.source
        );
    }
    for excerpt in &block.excerpts {
        let _ = write!(text, "\n{}", fence("text", &excerpt.join("\n")));
    }
    if !block.explains.is_empty() {
        let _ = writeln!(
            text,
            "\n**Explains**: {}",
            prose(&block.explains.join("; "))
        );
    }
    let _ = writeln!(text, "\n**Fix**: {}\n", prose(&block.fix));
    if !block.sql.is_empty() {
        text.push_str(&fence("sql", &block.sql.join("\n")));
        text.push('\n');
    }
    for (label, value) in [("Expected", &block.expected), ("Risk", &block.risk)] {
        if !value.is_empty() {
            let _ = writeln!(text, "**{label}**: {}\n", prose(value));
        }
    }
    if !block.undo.is_empty() {
        let _ = writeln!(
            text,
            "**Undo**:\n\n{}",
            fence("sql", &block.undo.join("\n"))
        );
    }
    let _ = writeln!(
        text,
        "**Confidence**: {} · `{}` · when this is wrong: `pgtriage rules {}`",
        confidence_word(block.confidence),
        code(&block.id),
        block.check
    );
    text
}

/// A plan, folded: the summary says what it is.
fn plan(block: &PlanTree) -> String {
    let lines: Vec<String> = plan_lines::lines(block, PLAN_COLUMNS)
        .into_iter()
        .map(|line| line.text)
        .collect();
    let mut text = format!(
        "\n<details><summary>plan, {}</summary>\n\n",
        prose(&block.circumstances)
    );
    if !block.query.is_empty() {
        text.push_str(&fence("sql", &block.query));
        text.push('\n');
    }
    for parameter in &block.parameters {
        let line = format!(
            "{} = {} ({})",
            parameter.name, parameter.value, parameter.origin
        );
        let _ = writeln!(text, "- {}", prose(&line));
    }
    for line in plan_lines::facts(block) {
        let _ = writeln!(text, "- {}", prose(&line));
    }
    let _ = write!(text, "\n{}\n</details>\n", fence("text", &lines.join("\n")));
    text
}

fn tail(document: &Document) -> String {
    let mut text = String::new();
    for block in document.plans.iter().take(PLANS_SHOWN) {
        text.push_str(&plan(block));
    }
    let left = document.plans.len().saturating_sub(PLANS_SHOWN);
    if left > 0 {
        let _ = writeln!(text, "\n*{left} more plans: `--format json` has all.*");
    }
    if !document.statements.rows.is_empty() {
        text.push_str("\n<details><summary>Statements by time</summary>\n\n");
        text.push_str(&table(&document.statements));
        text.push_str("\n</details>\n");
    }
    text.push_str(&notes("Not executed", &document.probe_notes));
    text.push_str(&notes("Could not look", &document.skipped));
    if !document.caveats.is_empty() {
        text.push_str("\n#### To weigh the numbers\n\n");
        for caveat in &document.caveats {
            let _ = writeln!(text, "- {}", prose(caveat));
        }
    }
    text
}

fn notes(title: &str, notes: &[Note]) -> String {
    let mut text = String::new();
    if notes.is_empty() {
        return text;
    }
    let _ = writeln!(text, "\n#### {title}\n");
    for note in notes {
        let _ = writeln!(text, "- {}: {}", prose(&note.what), prose(&note.reason));
        if let Some(remedy) = &note.remedy {
            text.push('\n');
            for line in fence("", remedy).lines() {
                let _ = writeln!(text, "  {line}");
            }
        }
    }
    text
}

fn table(table: &Table) -> String {
    let titles: Vec<&str> = table.columns.iter().map(|column| column.title).collect();
    let marks: Vec<&str> = table
        .columns
        .iter()
        .map(|column| match column.content {
            Content::Text | Content::Statement => "---",
            Content::Number => "--:",
        })
        .collect();
    let mut text = format!("| {} |\n|{}|\n", titles.join(" | "), marks.join("|"));
    for row in &table.rows {
        let cells: Vec<String> = row
            .iter()
            .zip(&table.columns)
            .map(|(cell, column)| match column.content {
                Content::Text | Content::Number => prose(cell),
                Content::Statement => code_span(&pretty(cell, STATEMENT_COLUMNS)),
            })
            .collect();
        let _ = writeln!(text, "| {} |", cells.join(" | "));
    }
    text
}

/// Text that markdown must not interpret: names and queries of other people among it. An underscore inside a word
/// is left alone, as GitHub leaves it, so that the raw text stays readable where nothing renders it.
fn prose(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    let mut in_word = false;
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '@' if rest.peek().is_some_and(|next| next.is_alphanumeric()) => {
                escaped.push_str("&#64;");
            }
            '_' if in_word => escaped.push('_'),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '~' | '!' => {
                escaped.push('\\');
                escaped.push(c);
            }
            '\n' => escaped.push(' '),
            c => escaped.push(c),
        }
        in_word = c.is_alphanumeric() || (in_word && c == '_');
    }
    escaped
}

/// Inside a table's code span only the bar must be escaped.
fn code_span(text: &str) -> String {
    format!("`{}`", code(text).replace('|', "\\|"))
}

fn code(text: &str) -> String {
    text.replace(['`', '\n'], "'")
}

/// A fenced block whose fence is longer than any run of backticks inside.
fn fence(language: &str, body: &str) -> String {
    let longest = body.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}{language}\n{body}\n{fence}\n")
}
