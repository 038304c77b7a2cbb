//! The report as blocks of text, tables and SQL, the same for every format that a person reads.

use std::collections::BTreeSet;

use crate::finding::{
    Confidence, Evidence, Finding, Location, Looker, Probe, Report, ReportStatement, Severity,
    Skipped, Unit,
};
use crate::format;
use crate::ids::QueryId;
use crate::units::{Bytes, Cost, Millis, float};

use super::logged;
use super::plan_tree::{self, PlanTree};
use super::summary;
use super::text::{lines, one_line};

/// Statement families shown beside the findings; the JSON report has all.
const STATEMENTS_SHOWN: usize = 12;

/// Plans that are drawn; the JSON report has all.
pub const PLANS_SHOWN: usize = 5;

/// The column of the percentile, behind the mean.
const PERCENTILE: usize = 4;

/// A report in reading order.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// What was looked at, in one line.
    pub header: String,
    /// The verdict: one sentence, a row a finding, and how far the look went.
    pub verdict: Verdict,
    /// The findings, the worst first, each with those that it explains.
    pub findings: Vec<FindingBlock>,
    /// How many findings are for information only and stand in the JSON report alone.
    pub informational: usize,
    /// The plans of statements that were explained.
    pub plans: Vec<PlanTree>,
    /// The costliest statement families.
    pub statements: Table,
    /// How many families are left out of `statements`.
    pub statements_left_out: usize,
    /// Why statements were not executed, a line a reason.
    pub probe_notes: Vec<Note>,
    /// What could not be looked at.
    pub skipped: Vec<Note>,
    /// What a reader must know to weigh the numbers.
    pub caveats: Vec<String>,
    /// Who said so and when, in one line.
    pub provenance: String,
}

/// The first screen.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// The conclusion.
    pub sentence: String,
    /// A row a finding.
    pub rows: Vec<VerdictRow>,
    /// How far the look went.
    pub coverage: String,
    /// What the logs tell of the workload, in lines.
    pub log: Vec<String>,
}

/// A finding in one row.
#[derive(Debug, Clone, PartialEq)]
pub struct VerdictRow {
    /// How much it matters.
    pub severity: Severity,
    /// What it is.
    pub title: String,
    /// Share of the window's execution time.
    pub share: String,
    /// The same as a number, 0..1.
    pub ratio: Option<f64>,
    /// That time.
    pub time: String,
    /// Calls.
    pub calls: String,
    /// What the advice should bring.
    pub gain: String,
    /// What the proof stands on.
    pub confidence: Confidence,
}

/// A finding in full: the same lines in the same order.
#[derive(Debug, Clone, PartialEq)]
pub struct FindingBlock {
    /// How much it matters.
    pub severity: Severity,
    /// What it is.
    pub title: String,
    /// What it costs, in a clause.
    pub impact: String,
    /// The statement, on one line.
    pub query: Option<String>,
    /// The numbers.
    pub evidence: Vec<EvidenceRow>,
    /// Places of a log: a line of its own for each statement.
    pub excerpts: Vec<Vec<String>>,
    /// The advice in words.
    pub fix: String,
    /// The statements that carry it out, or the statement written differently.
    pub sql: Vec<String>,
    /// What it should bring.
    pub expected: String,
    /// What it may cost.
    pub risk: String,
    /// The statements that undo it.
    pub undo: Vec<String>,
    /// Titles of the findings that have the same cause.
    pub explains: Vec<String>,
    /// What the proof stands on.
    pub confidence: Confidence,
    /// The check's id.
    pub check: &'static str,
    /// The finding's id.
    pub id: String,
}

/// A number and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EvidenceRow {
    /// What it counts.
    pub label: String,
    /// The number with its unit.
    pub value: String,
    /// Where it was observed.
    pub source: &'static str,
}

/// A heading row and rows of equal length.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Table {
    /// The columns.
    pub columns: Vec<Column>,
    /// The cells.
    pub rows: Vec<Vec<String>>,
}

/// A column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// The heading.
    pub title: &'static str,
    /// What its cells hold.
    pub content: Content,
}

/// What the cells of a column hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// Words, to the left.
    Text,
    /// Numbers, to the right.
    Number,
    /// A statement's text, which may be shortened where its sense remains.
    Statement,
}

/// Something that was not looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// What: check ids or statements.
    pub what: String,
    /// Why.
    pub reason: String,
    /// What would make it possible.
    pub remedy: Option<String>,
}

impl Document {
    /// The blocks of a report.
    pub fn of(report: &Report) -> Self {
        let shown = leads(report);
        let families = ranked(report);
        Self {
            header: summary::header(report),
            verdict: Verdict {
                sentence: one_line(&report.summary),
                rows: shown.iter().copied().map(verdict_row).collect(),
                coverage: summary::coverage(report),
                log: logged::lines(report),
            },
            findings: shown
                .iter()
                .map(|lead| finding(lead, &report.bottlenecks))
                .collect(),
            informational: report
                .bottlenecks
                .iter()
                .filter(|finding| {
                    finding.severity == Severity::Info && finding.explained_by.is_none()
                })
                .count(),
            plans: plan_tree::explained(report),
            statements: statements(families),
            statements_left_out: families.len().saturating_sub(STATEMENTS_SHOWN),
            skipped: skipped(&report.skipped, &report.statements),
            probe_notes: probe_notes(&report.statements),
            caveats: report
                .caveats
                .iter()
                .map(|caveat| one_line(&caveat.to_string()))
                .collect(),
            provenance: summary::provenance(report),
        }
    }
}

/// The findings that a person is shown, the worst first: their ranks are their places.
pub(super) fn leads(report: &Report) -> Vec<&Finding> {
    let findings = report.bottlenecks.iter();
    findings.filter(|finding| is_shown(finding)).collect()
}

/// The statements worth a table: one that was explained alone has its plan instead.
fn ranked(report: &Report) -> &[ReportStatement] {
    match report.statements.as_slice() {
        [_] if !report.plans.is_empty() => &[],
        all => all,
    }
}

/// A finding that another explains is shown with it, and what is for information only is left to the JSON report.
fn is_shown(finding: &Finding) -> bool {
    finding.explained_by.is_none() && finding.severity > Severity::Info
}

/// The title, behind the statement's place where it has one.
fn titled(finding: &Finding) -> String {
    match place(&finding.location) {
        Some(place) => one_line(&format!("{place}: {}", finding.title)),
        None => one_line(&finding.title),
    }
}

/// `queries/orders.sql:12 find_orders`
pub fn place(location: &Location) -> Option<String> {
    let file = match (&location.file, location.line) {
        (Some(file), Some(line)) => Some(format!("{file}:{line}")),
        (file, _) => file.clone(),
    };
    match (file, &location.statement) {
        (Some(file), Some(name)) => Some(format!("{file} {name}")),
        (file, name) => file.or_else(|| name.clone()),
    }
}

fn verdict_row(finding: &Finding) -> VerdictRow {
    VerdictRow {
        severity: finding.severity,
        title: titled(finding),
        share: finding
            .impact
            .share
            .map(format::percent)
            .unwrap_or_default(),
        ratio: finding.impact.share,
        time: finding
            .impact
            .time_ms
            .map(format::duration)
            .unwrap_or_default(),
        calls: finding.impact.calls.map(format::calls).unwrap_or_default(),
        gain: gain(finding).unwrap_or_default(),
        confidence: finding.confidence,
    }
}

fn gain(finding: &Finding) -> Option<String> {
    let expected = &finding.recommendation.expected;
    match (
        expected.before_ms,
        expected.after_ms,
        expected.before_cost,
        expected.after_cost,
    ) {
        (Some(before), Some(after), ..) => Some(format!(
            "{} → {}",
            format::duration(before),
            format::duration(after)
        )),
        (_, _, Some(Cost(before)), Some(Cost(after))) => Some(format!(
            "cost {} → {}",
            format::quantity(before),
            format::quantity(after)
        )),
        _ => None,
    }
}

fn finding(finding: &Finding, all: &[Finding]) -> FindingBlock {
    let explained = |other: &&Finding| other.explained_by.as_ref() == Some(&finding.id);
    let advice = &finding.recommendation;
    let sql = advice
        .ddl
        .iter()
        .chain(&advice.rewrite)
        .map(|sql| lines(sql))
        .collect();
    FindingBlock {
        severity: finding.severity,
        title: titled(finding),
        impact: one_line(&finding.impact.text),
        query: finding.location.query.as_deref().map(one_line),
        evidence: finding.evidence.iter().map(evidence_row).collect(),
        excerpts: finding.excerpts.iter().map(logged::excerpt).collect(),
        fix: one_line(&finding.fix),
        sql,
        expected: one_line(&advice.expected.text),
        risk: one_line(&advice.risk.text),
        undo: advice.rollback.iter().map(|sql| lines(sql)).collect(),
        explains: all
            .iter()
            .filter(explained)
            .map(|other| one_line(&other.title))
            .collect(),
        confidence: finding.confidence,
        check: finding.kind.as_str(),
        id: one_line(&finding.id),
    }
}

fn evidence_row(evidence: &Evidence) -> EvidenceRow {
    EvidenceRow {
        label: one_line(&evidence.label),
        value: with_unit(evidence.value, evidence.unit, &evidence.label),
        source: evidence.source.label(),
    }
}

fn with_unit(value: f64, unit: Unit, label: &str) -> String {
    match unit {
        Unit::Ms => format::duration(Millis(value)),
        Unit::Bytes => format::bytes(Bytes::of(value)),
        Unit::Ratio => format::percent(value),
        Unit::Factor => format!("{} ×", format::quantity(value)),
        Unit::PerSecond => format!("{} a second", format::quantity(value)),
        Unit::Rows => named(value, "rows", label),
        Unit::Calls => named(value, "calls", label),
        Unit::Loops => named(value, "loops", label),
        Unit::Blocks => named(value, "blocks", label),
        Unit::Cost | Unit::Count => format::quantity(value),
    }
}

/// The unit is left to the label where the label says it.
fn named(value: f64, unit: &str, label: &str) -> String {
    if label.split(' ').any(|word| word == unit) {
        format::quantity(value)
    } else {
        format!("{} {unit}", format::quantity(value))
    }
}

fn statements(statements: &[ReportStatement]) -> Table {
    let column = |title, content| Column { title, content };
    let measured = logged::is_measured(statements);
    let rows = statements.iter().take(STATEMENTS_SHOWN).map(|statement| {
        let mut row = vec![
            statement.share.map(format::percent).unwrap_or_default(),
            format::duration(statement.total_exec_time_ms),
            format::count(float(statement.calls)),
            statement
                .mean_exec_time_ms
                .map(format::duration)
                .unwrap_or_default(),
            summary::status_word(statement.probe.status).to_owned(),
            one_line(&statement.query),
        ];
        if measured {
            row.insert(PERCENTILE, logged::figure(statement.p95_ms));
        }
        row
    });
    let mut columns = vec![
        column("share", Content::Number),
        column("time", Content::Number),
        column("calls", Content::Number),
        column("mean", Content::Number),
        column("probe", Content::Text),
        column("statement", Content::Statement),
    ];
    if measured {
        columns.insert(PERCENTILE, column("p95", Content::Number));
    }
    Table {
        columns,
        rows: rows.collect(),
    }
}

/// Outcomes other than `analyzed`, one note for each distinct reason, naming the costliest statement it befell.
fn probe_notes(statements: &[ReportStatement]) -> Vec<Note> {
    let mut groups: Vec<(&Probe, &ReportStatement, usize)> = Vec::new();
    for statement in statements
        .iter()
        .filter(|statement| statement.probe.reason.is_some())
    {
        match groups
            .iter_mut()
            .find(|(probe, ..)| **probe == statement.probe)
        {
            Some((.., count)) => *count += 1,
            None => groups.push((&statement.probe, statement, 1)),
        }
    }
    let note = |(probe, first, count): (&Probe, &ReportStatement, usize)| {
        let status = summary::status_word(probe.status);
        let query = one_line(&first.query);
        Note {
            what: match count - 1 {
                0 => format!("{status}: {query}"),
                1 => format!("{status}: {query} (and 1 other)"),
                others => format!("{status}: {query} (and {others} others)"),
            },
            reason: probe.reason.as_deref().map(one_line).unwrap_or_default(),
            remedy: probe.remedy.as_deref().map(one_line),
        }
    };
    groups.into_iter().map(note).collect()
}

/// Probes of statements that have a note of their own are not told twice.
fn skipped(skipped: &[Skipped], statements: &[ReportStatement]) -> Vec<Note> {
    let mut notes: Vec<Note> = Vec::new();
    let with_reason: BTreeSet<Option<QueryId>> = statements
        .iter()
        .filter(|statement| statement.probe.reason.is_some())
        .flat_map(|statement| {
            let members = statement.members.iter().copied().map(Some);
            members.chain([statement.queryid])
        })
        .collect();
    let told = |entry: &&Skipped| matches!(entry.check, Looker::Probe(queryid) if with_reason.contains(&queryid));
    for entry in skipped.iter().filter(|entry| !told(entry)) {
        let same = notes
            .iter_mut()
            .find(|note| note.reason == entry.reason && note.remedy == entry.remedy);
        if let Some(note) = same {
            note.what.push_str(", ");
            note.what.push_str(entry.check.as_str());
        } else {
            notes.push(Note {
                what: entry.check.as_str().to_owned(),
                reason: entry.reason.clone(),
                remedy: entry.remedy.clone(),
            });
        }
    }
    for note in &mut notes {
        note.reason = one_line(&note.reason);
        note.remedy = note.remedy.as_deref().map(lines);
    }
    notes
}
