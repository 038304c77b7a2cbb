//! The report as one HTML file: no network, nothing to install, readable without its script, on paper and on a phone.
//!
//! Texts of other people reach the page only through the templates, which escape them; the script holds no data. A
//! `Content-Security-Policy` allows nothing but the page's own style and script, by their hashes.

mod flame;
mod plans;
mod plot;
mod statements;
#[cfg(test)]
mod tests;

use askama::Template;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use crate::finding::{Confidence, Report, Severity};

use super::document::{Document, FindingBlock, leads};
use super::plan_tree;
use super::terminal::{confidence_word, severity_word};
use super::text::one_line;
use plans::Group;
use plot::Plot;
use statements::Statements;

const STYLE: &str = include_str!("html/style.css");
/// Nodes that a finding links to.
const PLACES_SHOWN: usize = 4;
const SCRIPT: &str = include_str!("html/script.js");

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
    plot: Option<Plot>,
    findings: Vec<(&'a FindingBlock, Vec<Place<'a>>)>,
    plans: &'a [Group<'a>],
}

/// A node of a plan, for a link to it.
struct Place<'a> {
    plan: usize,
    node: usize,
    label: &'a str,
}

/// The nodes that a finding's evidence stands in.
fn places<'a>(groups: &'a [Group<'a>], rank: usize) -> Vec<Place<'a>> {
    let plans = groups.iter().flat_map(|group| &group.plans);
    let lines = plans.flat_map(|plan| plan.lines.iter().map(move |line| (plan, line)));
    lines
        .filter(|(_, line)| line.node.findings.contains(&rank))
        .map(|(plan, line)| Place {
            plan: plan.number,
            node: line.place,
            label: &line.node.label,
        })
        .take(PLACES_SHOWN)
        .collect()
}

/// The report as an HTML document.
///
/// # Errors
/// Where a value cannot be written as text.
pub fn render(report: &Report) -> Result<String, askama::Error> {
    let document = Document::of(report);
    let trees = plan_tree::trees(report);
    let groups = plans::groups(&trees);
    let ranked = document.findings.iter().zip(1..);
    let page = Page {
        title: title(&document, report),
        generator: format!("{} {}", report.tool.name, report.tool.version),
        policy: policy(),
        style: STYLE,
        script: SCRIPT,
        document: &document,
        statements: Statements::of(report),
        plot: Plot::of(report, &leads(report)),
        findings: ranked
            .map(|(finding, rank)| (finding, places(&groups, rank)))
            .collect(),
        plans: &groups,
    };
    page.render()
}

fn title(document: &Document, report: &Report) -> String {
    let sentence = &document.verdict.sentence;
    match &report.target {
        Some(target) => format!("{sentence} · {}", one_line(&target.database)),
        None => sentence.clone(),
    }
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
