//! The report as workflow commands of GitHub Actions: annotations beside the lines of a pull request.

use std::fmt::Write as _;

use crate::finding::{Report, Severity};

use super::machine::{message, unplanned, unseen};
use super::summary::coverage;
use super::text::one_line;

/// The commands, the summary first: GitHub shows ten annotations of a level at most.
pub fn render(report: &Report) -> String {
    let mut text = String::new();
    let summary = format!("{} · {}", report.summary, coverage(report));
    let _ = writeln!(
        text,
        "::notice title=pgtriage check::{}",
        data(&one_line(&summary))
    );
    for finding in &report.bottlenecks {
        let command = match finding.severity {
            Severity::Critical | Severity::High => "error",
            Severity::Medium => "warning",
            Severity::Low | Severity::Info => "notice",
        };
        let location = &finding.location;
        let mut properties = place(location.file.as_deref(), location.line);
        properties.push(format!("title={}", property(finding.kind.as_str())));
        let message = data(&message(finding));
        let _ = writeln!(text, "::{command} {}::{message}", properties.join(","));
    }
    for (statement, why) in unplanned(report) {
        let mut properties = place(statement.file.as_deref(), statement.line);
        properties.push("title=not planned".to_owned());
        let _ = writeln!(text, "::warning {}::{}", properties.join(","), data(&why));
    }
    for why in unseen(report) {
        let _ = writeln!(text, "::warning title=not checked::{}", data(&why));
    }
    text
}

/// The properties that put an annotation beside a line.
fn place(file: Option<&str>, line: Option<u32>) -> Vec<String> {
    let Some(file) = file else {
        return Vec::new();
    };
    let file = format!("file={}", property(file));
    let line = line.map(|line| format!("line={line}"));
    [file].into_iter().chain(line).collect()
}

/// As `escapeData` of the toolkit of GitHub Actions.
fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// As its `escapeProperty`.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_end_a_command_is_escaped() {
        assert_eq!(data("100 %\r\nof a,b:c"), "100 %25%0D%0Aof a,b:c");
        assert_eq!(property("a:b,c%"), "a%3Ab%2Cc%25");
    }
}
