//! The report for a terminal: verdicts on one screen, then the findings, then what could not be seen.
//!
//! Colour repeats what words say and never carries meaning alone.

use comfy_table::{
    Cell, CellAlignment, ColumnConstraint, ContentArrangement, Table as Grid, Width, presets,
};

use crate::finding::{Confidence, Report, Severity};

use super::document::{Content, Document, FindingBlock, Note, PLANS_SHOWN, Table, VerdictRow};
use super::plan_lines;
use super::plan_tree::{Parameter, PlanTree};
use super::text::{cut, wrap};
use crate::sql::family::pretty;

/// Whether escape sequences are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colour {
    /// They are.
    On,
    /// They are not.
    Off,
}

/// The screen that is written for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terminal {
    /// Columns; less than [`Terminal::NARROWEST`] is treated as that.
    pub columns: usize,
    /// Escape sequences.
    pub colour: Colour,
}

/// From this width on the verdict shows the gain.
const WIDE: usize = 110;
/// The width of the labels to the left of a finding's lines.
const LABEL: usize = 12;
/// Statements longer than this many lines are cut; the JSON report has them whole.
const QUERY_LINES: usize = 6;

impl Terminal {
    /// Below this no table is readable.
    pub const NARROWEST: usize = 60;

    /// The report as text, with a final newline.
    pub fn render(self, report: &Report) -> String {
        let mut page = Page {
            terminal: self,
            text: String::new(),
        };
        page.write(&Document::of(report));
        page.text
    }

    fn width(self) -> usize {
        self.columns.max(Self::NARROWEST)
    }

    fn paint(self, style: Style, text: &str) -> String {
        match self.colour {
            Colour::On => format!("\u{1b}[{}m{text}\u{1b}[0m", style.code()),
            Colour::Off => text.to_owned(),
        }
    }
}

#[derive(Clone, Copy)]
enum Style {
    Bold,
    Dim,
    Critical,
    High,
    Medium,
    Sql,
}

impl Style {
    const fn code(self) -> &'static str {
        match self {
            Self::Bold => "1",
            Self::Dim => "2",
            Self::Critical => "1;31",
            Self::High => "31",
            Self::Medium => "33",
            Self::Sql => "36",
        }
    }

    const fn of(severity: Severity) -> Self {
        match severity {
            Severity::Critical => Self::Critical,
            Severity::High => Self::High,
            Severity::Medium => Self::Medium,
            Severity::Low | Severity::Info => Self::Dim,
        }
    }
}

/// A severity as the reports write it.
pub const fn severity_word(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "CRITICAL",
        Severity::High => "HIGH",
        Severity::Medium => "MEDIUM",
        Severity::Low => "LOW",
        Severity::Info => "INFO",
    }
}

/// A confidence as the reports write it.
pub const fn confidence_word(confidence: Confidence) -> &'static str {
    match confidence {
        Confidence::Measured => "measured",
        Confidence::Planned => "planned",
        Confidence::Counted => "counted",
        Confidence::Inferred => "inferred",
    }
}

struct Page {
    terminal: Terminal,
    text: String,
}

impl Page {
    fn write(&mut self, document: &Document) {
        self.paragraph("", &document.header);
        self.blank();
        self.verdict(document);
        for (position, finding) in document.findings.iter().enumerate() {
            self.blank();
            self.finding(position + 1, finding);
        }
        self.informational(document.informational);
        self.plans(document);
        self.statements(document);
        self.notes("not executed", &document.probe_notes);
        self.notes("could not look", &document.skipped);
        self.caveats(&document.caveats);
        self.blank();
        for line in wrap(&document.provenance, self.terminal.width()) {
            let painted = self.terminal.paint(Style::Dim, &line);
            self.line(&painted);
        }
    }

    fn line(&mut self, line: &str) {
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }

    fn blank(&mut self) {
        self.text.push('\n');
    }

    fn paragraph(&mut self, indent: &str, text: &str) {
        for line in wrap(text, self.terminal.width() - indent.len()) {
            self.line(&format!("{indent}{line}"));
        }
    }

    fn heading(&mut self, text: &str) {
        self.blank();
        let painted = self.terminal.paint(Style::Bold, text);
        self.line(&painted);
    }

    fn verdict(&mut self, document: &Document) {
        for line in wrap(&document.verdict.sentence, self.terminal.width()) {
            let painted = self.terminal.paint(Style::Bold, &line);
            self.line(&painted);
        }
        if !document.verdict.rows.is_empty() {
            let grid = self.verdict_grid(&document.verdict.rows);
            self.grid(&grid);
        }
        self.paragraph("", &document.verdict.coverage);
        for line in &document.verdict.log {
            self.paragraph("", line);
        }
    }

    fn verdict_grid(&self, rows: &[VerdictRow]) -> Grid {
        let wide = self.terminal.width() >= WIDE;
        let mut grid = self.new_grid();
        for (position, row) in rows.iter().enumerate() {
            let severity = Cell::new(severity_word(row.severity));
            let mut cells = vec![
                Cell::new(position + 1).set_alignment(CellAlignment::Right),
                self.coloured(severity, row.severity),
                Cell::new(&row.title),
                Cell::new(&row.share).set_alignment(CellAlignment::Right),
                Cell::new(&row.time).set_alignment(CellAlignment::Right),
            ];
            if wide {
                cells.push(Cell::new(&row.calls).set_alignment(CellAlignment::Right));
                cells.push(Cell::new(&row.gain).set_alignment(CellAlignment::Right));
            }
            cells.push(Cell::new(confidence_word(row.confidence)));
            grid.add_row(cells);
        }
        grid
    }

    fn coloured(&self, cell: Cell, severity: Severity) -> Cell {
        use comfy_table::{Attribute, Color};
        match (self.terminal.colour, severity) {
            (Colour::Off, _) => cell,
            (Colour::On, Severity::Critical) => {
                cell.fg(Color::DarkRed).add_attribute(Attribute::Bold)
            }
            (Colour::On, Severity::High) => cell.fg(Color::DarkRed),
            (Colour::On, Severity::Medium) => cell.fg(Color::DarkYellow),
            (Colour::On, Severity::Low | Severity::Info) => cell.add_attribute(Attribute::Dim),
        }
    }

    fn new_grid(&self) -> Grid {
        let mut grid = Grid::new();
        grid.load_style(presets::NOTHING)
            .set_content_arrangement(ContentArrangement::Dynamic);
        grid.set_width(u16::try_from(self.terminal.width()).unwrap_or(u16::MAX));
        match self.terminal.colour {
            Colour::On => grid.enforce_styling(),
            Colour::Off => grid.force_no_tty(),
        };
        grid
    }

    fn grid(&mut self, grid: &Grid) {
        for line in grid.lines() {
            self.line(&line);
        }
    }

    fn finding(&mut self, rank: usize, finding: &FindingBlock) {
        let severity = severity_word(finding.severity);
        let head = format!("{rank} {severity}");
        let indent = head.len() + 2;
        let painted = self.terminal.paint(Style::of(finding.severity), &head);
        let title = wrap(&finding.title, self.terminal.width() - indent);
        for (at, line) in title.iter().enumerate() {
            let line = self.terminal.paint(Style::Bold, line);
            if at == 0 {
                self.line(&format!("{painted}  {line}"));
            } else {
                self.line(&format!("{:indent$}{line}", ""));
            }
        }
        if let Some(query) = &finding.query {
            self.query(query);
        }
        self.evidence(finding);
        for excerpt in &finding.excerpts {
            self.excerpt(excerpt);
        }
        self.field("explains", &finding.explains.join("; "));
        self.field("fix", &finding.fix);
        for sql in &finding.sql {
            self.sql(sql);
        }
        self.field("expected", &finding.expected);
        self.field("risk", &finding.risk);
        for undo in &finding.undo {
            self.field("undo", undo);
        }
    }

    fn informational(&mut self, count: usize) {
        if count > 0 {
            self.blank();
            self.paragraph(
                "",
                &format!("{count} more for information only (--format json)"),
            );
        }
    }

    fn query(&mut self, query: &str) {
        let lines = wrap(query, self.terminal.width() - 2);
        for line in lines.iter().take(QUERY_LINES) {
            let painted = self.terminal.paint(Style::Sql, line);
            self.line(&format!("  {painted}"));
        }
        if lines.len() > QUERY_LINES {
            self.line("  …");
        }
    }

    fn evidence(&mut self, finding: &FindingBlock) {
        let mut grid = self.new_grid();
        for (position, row) in finding.evidence.iter().enumerate() {
            let label = if position == 0 { "evidence" } else { "" };
            grid.add_row(vec![
                Cell::new(label),
                Cell::new(&row.label),
                Cell::new(&row.value).set_alignment(CellAlignment::Right),
                Cell::new(row.source),
            ]);
        }
        if let Some(column) = grid.column_mut(0) {
            column.set_padding((2, 1));
            column.set_constraint(ColumnConstraint::Absolute(Width::Fixed(11)));
        }
        self.grid(&grid);
    }

    fn excerpt(&mut self, lines: &[String]) {
        for (position, line) in lines.iter().enumerate() {
            let label = if position == 0 { "log" } else { "" };
            let line = cut(line, self.terminal.width() - LABEL);
            self.line(&format!("  {label:<width$}{line}", width = LABEL - 2));
        }
    }

    fn field(&mut self, label: &str, text: &str) {
        if text.is_empty() {
            return;
        }
        let lines = wrap(text, self.terminal.width() - LABEL);
        for (position, line) in lines.iter().enumerate() {
            let label = if position == 0 { label } else { "" };
            self.line(&format!("  {label:<width$}{line}", width = LABEL - 2));
        }
    }

    /// SQL is never wrapped: what is copied from the screen must run.
    fn sql(&mut self, sql: &str) {
        for line in sql.lines() {
            let painted = self.terminal.paint(Style::Sql, line);
            self.line(&format!("{:LABEL$}{painted}", ""));
        }
    }

    fn plans(&mut self, document: &Document) {
        for block in document.plans.iter().take(PLANS_SHOWN) {
            self.plan(
                block,
                document.findings.is_empty() || document.plans.len() > 1,
            );
        }
        let left = document.plans.len().saturating_sub(PLANS_SHOWN);
        if left > 0 {
            self.blank();
            self.line(&format!("{left} more plans (--format json has all)"));
        }
    }

    fn plan(&mut self, block: &PlanTree, with_query: bool) {
        self.heading(&format!("plan, {}", block.circumstances));
        if with_query && !block.query.is_empty() {
            self.query(&block.query);
        }
        for parameter in &block.parameters {
            let Parameter {
                name,
                value,
                origin,
            } = parameter;
            self.paragraph("  ", &format!("{name} = {value}  {origin}"));
        }
        for line in plan_lines::facts(block) {
            self.paragraph("  ", &line);
        }
        for line in plan_lines::lines(block, self.terminal.width()) {
            let style = match line.kind {
                plan_lines::Kind::Head | plan_lines::Kind::Purpose => Some(Style::Dim),
                plan_lines::Kind::Waste => Some(Style::Medium),
                plan_lines::Kind::Marked => Some(Style::Bold),
                plan_lines::Kind::Node => None,
            };
            match style {
                Some(style) => {
                    let painted = self.terminal.paint(style, &line.text);
                    self.line(&painted);
                }
                None => self.line(&line.text),
            }
        }
    }

    fn statements(&mut self, document: &Document) {
        if document.statements.rows.is_empty() {
            return;
        }
        self.heading("statements by time");
        let grid = self.one_line_rows(&document.statements);
        self.grid(&grid);
        if document.statements_left_out > 0 {
            self.line(&format!(
                "  and {} more (--format json has all)",
                document.statements_left_out
            ));
        }
    }

    fn one_line_rows(&self, table: &Table) -> Grid {
        let mut grid = self.new_grid();
        let narrow: usize = table
            .columns
            .iter()
            .enumerate()
            .take(table.columns.len().saturating_sub(1))
            .map(|(at, column)| widest(table, at).max(column.title.len()) + 2)
            .sum();
        let room = self.terminal.width().saturating_sub(narrow + 3).max(20);
        grid.set_header(
            table
                .columns
                .iter()
                .map(|column| aligned(Cell::new(column.title), column.content)),
        );
        for row in &table.rows {
            grid.add_row(row.iter().zip(&table.columns).map(|(text, column)| {
                aligned(
                    Cell::new(fitted(text, column.content, room)),
                    column.content,
                )
            }));
        }
        grid
    }

    fn notes(&mut self, title: &str, notes: &[Note]) {
        if notes.is_empty() {
            return;
        }
        self.heading(title);
        for note in notes {
            let what = cut(&note.what, self.terminal.width() - 2);
            self.line(&format!("  {what}"));
            self.paragraph("    ", &note.reason);
            for line in note.remedy.iter().flat_map(|remedy| remedy.lines()) {
                let painted = self.terminal.paint(Style::Sql, line);
                self.line(&format!("    → {painted}"));
            }
        }
    }

    fn caveats(&mut self, caveats: &[String]) {
        if caveats.is_empty() {
            return;
        }
        self.heading("to weigh the numbers");
        for caveat in caveats {
            self.paragraph("  ", caveat);
        }
    }
}

fn aligned(cell: Cell, content: Content) -> Cell {
    match content {
        Content::Text | Content::Statement => cell,
        Content::Number => cell.set_alignment(CellAlignment::Right),
    }
}

fn fitted(text: &str, content: Content, columns: usize) -> String {
    match content {
        Content::Text | Content::Number => cut(text, columns),
        Content::Statement => cut(&pretty(text, columns), columns),
    }
}

fn widest(table: &Table, column: usize) -> usize {
    use unicode_width::UnicodeWidthStr;
    table
        .rows
        .iter()
        .filter_map(|row| row.get(column))
        .map(|text| text.width())
        .max()
        .unwrap_or(0)
}
