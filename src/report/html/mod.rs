//! The report as one HTML file: no network, nothing to install, readable without its script, on paper and on a phone.
//!
//! Texts of other people reach the page only through the templates, which escape them; the script holds no data. A
//! `Content-Security-Policy` allows nothing but the page's own style and script, by their hashes.

mod statements;
#[cfg(test)]
mod tests;

use askama::Template;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use crate::finding::{Confidence, Report, Severity};

use super::document::Document;
use super::terminal::{confidence_word, severity_word};
use statements::Statements;

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

#[derive(Template)]
#[template(path = "page.html")]
struct Page<'a> {
    title: String,
    generator: String,
    policy: String,
    style: &'static str,
    script: &'static str,
    document: &'a Document,
    statements: Statements,
}

/// The report as an HTML document.
///
/// # Errors
/// Where a value cannot be written as text.
pub fn render(report: &Report) -> Result<String, askama::Error> {
    let document = Document::of(report);
    let page = Page {
        title: match &report.target {
            Some(target) => format!("{} · {}", document.verdict.sentence, target.database),
            None => document.verdict.sentence.clone(),
        },
        generator: format!("{} {}", report.tool.name, report.tool.version),
        policy: policy(),
        style: STYLE,
        script: SCRIPT,
        document: &document,
        statements: Statements::of(&report.statements),
    };
    page.render()
}

/// Nothing is loaded and nothing runs but what this program wrote (<https://www.w3.org/TR/CSP3/>).
fn policy() -> String {
    let hash = |text: &str| STANDARD.encode(Sha256::digest(text));
    format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; base-uri 'none'; form-action 'none'",
        hash(STYLE),
        hash(SCRIPT)
    )
}

/// What the templates write for a value.
trait Word {
    fn word(self) -> &'static str;
}

impl Word for Severity {
    fn word(self) -> &'static str {
        severity_word(self)
    }
}

impl Word for Confidence {
    fn word(self) -> &'static str {
        confidence_word(self)
    }
}

/// The class that colours a value, beside the word that says the same.
trait Class {
    fn class(self) -> &'static str;
}

impl Class for Severity {
    fn class(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
            Self::Info => "info",
        }
    }
}

/// A share of 0..1 as a length in a drawing.
trait Length {
    fn length(self) -> String;
}

impl Length for f64 {
    fn length(self) -> String {
        format!("{:.2}%", self.clamp(0.0, 1.0) * 100.0)
    }
}
