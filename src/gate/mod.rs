//! The verdict on statements that were given one by one: each is analysed for itself, findings are put where the
//! statement stands, and what comments allow passes.

mod allow;
mod broken;
mod config;
mod past;
mod shape;
mod verdict;

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use crate::analyze::{self, analyze};
use crate::baseline::Baseline;
use crate::checks::unservable_predicate::MIN_ROWS;
use crate::checks::{Catalog, lost_index};
use crate::finding::{
    Caveat, CheckVerdict, CheckedStatement, Finding, Looker, Report, Severity, Skipped, Status,
};
use crate::ids::{QualifiedName, StatementKey};
use crate::parallel;
use crate::snapshot::{PlanRecord, ProbeOutcome, Scope, Snapshot, Statement};
use crate::sql::script::Allow;

pub use config::{BadConfig, FileConfig};
pub use shape::shape;

use past::{Past, entry};
use verdict::{Verdict, one};

/// Fewer statements than this are judged sooner than threads are started.
const WORTH_THREADS: usize = 50;

/// Where a statement comes from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Origin {
    /// The file.
    pub file: Option<String>,
    /// Its line in the file, from 1.
    pub line: Option<u32>,
    /// Which one of the file's statements it is, from 1.
    pub ordinal: usize,
    /// Its name.
    pub name: Option<String>,
    /// What may be found in it.
    pub allows: Vec<Allow>,
    /// What its file creates and it mentions: the database may not have it.
    pub created: BTreeSet<String>,
}

impl Origin {
    /// What the statement is called: its name, or its file and its place in it.
    fn called(&self) -> String {
        match (&self.name, &self.file) {
            (Some(name), _) => name.clone(),
            (None, Some(file)) => format!("{file}#{}", self.ordinal),
            (None, None) => format!("statement {}", self.ordinal),
        }
    }

    /// Where it stands, for a message.
    fn place(&self) -> String {
        match (&self.file, self.line) {
            (Some(file), Some(line)) => match &self.name {
                Some(name) => format!("{file}:{line} {name}"),
                None => format!("{file}:{line}"),
            },
            _ => self.called(),
        }
    }
}

/// What is known of the sizes of tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sizes {
    /// They are those of a test database, and say nothing.
    #[default]
    OfTest,
    /// They are those of production.
    OfProduction,
}

/// How statements are judged.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Rules {
    /// Which checks run.
    pub analysis: analyze::Config,
    /// The least severity that fails; `None` for never.
    pub fail_on: Option<Severity>,
    /// Tables that stay small, with or without their schema.
    pub small_tables: BTreeSet<String>,
    /// The rows that tables have in production, by the same names.
    pub assumed_rows: BTreeMap<String, f64>,
    /// What the sizes of tables are.
    pub sizes: Sizes,
    /// The day, for comments that count until a day.
    pub today: Date,
    /// What has no plan and was left out, and how often.
    pub left_out: BTreeMap<String, usize>,
    /// Statements that only the program makes whole, each with its place and the parameter that is missing.
    pub unfinished: Vec<String>,
    /// What plans and findings were before.
    pub baseline: Option<Baseline>,
    /// Which findings are reported.
    pub reported: Reported,
    /// Settings that the user sets for the plans.
    pub settings: Vec<(String, String)>,
}

/// Which findings are reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reported {
    /// All.
    #[default]
    All,
    /// Those that the baseline does not have.
    New,
}

/// The verdict, and what a later one may be compared with.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// The verdict.
    pub report: Report,
    /// Plans and findings as they are.
    pub state: Baseline,
}

impl Rules {
    /// Whether it does not matter that a table is read whole.
    fn is_small(&self, table: &str, catalog: &Catalog<'_>) -> bool {
        let (schema, name) = table.split_once('.').unwrap_or(("", table));
        let known = catalog.named(&QualifiedName::new(schema, name));
        let bare = known.map_or(name, |known| known.table.name.name.as_str());
        let enough = MIN_ROWS.of(&self.analysis.thresholds);
        let named = |list: &BTreeSet<String>| list.contains(table) || list.contains(bare);
        let assumed = self
            .assumed_rows
            .get(table)
            .or_else(|| self.assumed_rows.get(bare));
        if let Some(rows) = assumed {
            return *rows < enough;
        }
        let counted = known
            .filter(|_| self.sizes == Sizes::OfProduction)
            .and_then(|known| known.table.tuples);
        named(&self.small_tables) || counted.is_some_and(|rows| rows.get() < enough)
    }
}

/// The report on the statements of a snapshot, which come from `origins` in the same order. Literals should have been
/// replaced by tokens before.
pub fn judge(mut snapshot: Snapshot, origins: &[Origin], rules: &Rules) -> Judged {
    let statements = std::mem::take(&mut snapshot.statements);
    let mut plans = by_key(std::mem::take(&mut snapshot.plans), |plan| &plan.key);
    let mut probes = by_key(std::mem::take(&mut snapshot.probes), |probe| &probe.key);
    snapshot.scope = Scope::Explained;
    snapshot.counter_source = None;
    snapshot.samples.clear();
    snapshot.gaps.clear();
    forget_activity(&mut snapshot);
    let mut report = analyze(&snapshot, &rules.analysis);
    report.caveats.clear();
    report.skipped.clear();
    if let Some(target) = &mut report.target {
        target.captured_at = None;
    }
    report
        .caveats
        .extend(analyze::thresholds_caveat(&rules.analysis));
    let mut state = Baseline::of(&snapshot, &rules.settings);
    let mut before = None;
    if let Some(baseline) = &rules.baseline {
        match baseline.comparable(&state) {
            Ok(()) => before = Some(baseline),
            Err(reason) => report.skipped.push(Skipped {
                check: Looker::Check(lost_index::ID),
                reason: format!("nothing was compared: {reason}"),
                remedy: Some("pgtriage check --update-baseline".to_owned()),
            }),
        }
    }
    let own = statements
        .into_iter()
        .zip(origins)
        .map(|(statement, origin)| Own {
            plans: plans.remove(&statement.key).unwrap_or_default(),
            probe: probes
                .remove(&statement.key)
                .and_then(|probes| probes.into_iter().next()),
            statement,
            origin,
        });
    let (strange, own): (Vec<Own<'_>>, Vec<Own<'_>>) =
        own.partition(|own| broken::is_of_its_file(own.probe.as_ref(), own.origin));
    let mut left_out = rules.left_out.clone();
    if !strange.is_empty() {
        let what = "statement on a table that its file creates".to_owned();
        left_out.insert(what, strange.len());
    }
    let judged = each(own, &snapshot, before, rules);
    for (origin, (checked, findings, entry)) in judged {
        state.statements.push(entry);
        report.skipped.extend(not_planned(&checked, origin));
        report.bottlenecks.extend(findings);
        report.checked.push(checked);
    }
    if !left_out.is_empty() {
        report.caveats.push(Caveat::LeftOut { what: left_out });
    }
    if !rules.unfinished.is_empty() {
        let statements = rules.unfinished.clone();
        report.caveats.push(Caveat::Unfinished { statements });
    }
    report.bottlenecks.sort_by(order);
    report.status = if report.skipped.is_empty() {
        Status::Completed
    } else {
        Status::Partial
    };
    report.summary = summary(&report);
    Judged { report, state }
}

/// Each statement's verdict, findings and state, beside where it comes from.
fn each<'o>(
    own: Vec<Own<'o>>,
    snapshot: &Snapshot,
    before: Option<&Baseline>,
    rules: &Rules,
) -> Vec<(&'o Origin, Verdict)> {
    let entered = parallel::map(
        own,
        WORTH_THREADS,
        || (),
        |(), own: Own<'o>| (entry(&own, snapshot), own),
    );
    let mut alike: BTreeMap<(Option<String>, String), usize> = BTreeMap::new();
    let with_past = entered.into_iter().map(|(now, own)| {
        let nth = alike
            .entry((now.name.clone(), now.family.clone()))
            .or_default();
        let was = before.and_then(|before| before.entry(now.name.as_deref(), &now.family, *nth));
        *nth += 1;
        (own, Past { was, now })
    });
    // A snapshot holds one statement at a time.
    parallel::map(
        with_past.collect(),
        WORTH_THREADS,
        || snapshot.clone(),
        |snapshot, (own, past)| (own.origin, one(snapshot, own, rules, past)),
    )
}

/// What others did in the database says nothing of the statements, and is different at every look.
fn forget_activity(snapshot: &mut Snapshot) {
    snapshot.database = None;
    for table in &mut snapshot.tables {
        table.counters = None;
    }
    for index in &mut snapshot.indexes {
        index.counters = None;
    }
}

fn by_key<T>(all: Vec<T>, key: impl Fn(&T) -> &StatementKey) -> BTreeMap<StatementKey, Vec<T>> {
    let mut groups: BTreeMap<StatementKey, Vec<T>> = BTreeMap::new();
    for one in all {
        groups.entry(key(&one).clone()).or_default().push(one);
    }
    groups
}

/// What belongs to one statement.
struct Own<'o> {
    statement: Statement,
    origin: &'o Origin,
    plans: Vec<PlanRecord>,
    probe: Option<ProbeOutcome>,
}

fn not_planned(checked: &CheckedStatement, origin: &Origin) -> Option<Skipped> {
    if checked.verdict != CheckVerdict::NotPlanned && checked.reason.is_none() {
        return None;
    }
    let reason = checked.reason.as_deref().unwrap_or("no plan was given");
    Some(Skipped {
        check: Looker::Probe(None),
        reason: format!("{} {reason}", origin.place()),
        remedy: checked.remedy.clone(),
    })
}

/// The worst first, those alike in the order of files and lines.
fn order(one: &Finding, other: &Finding) -> std::cmp::Ordering {
    let place = |finding: &Finding| {
        (
            finding.location.file.clone(),
            finding.location.line,
            finding.location.statement.clone(),
            finding.id.clone(),
        )
    };
    let severity = other.severity.cmp(&one.severity);
    severity.then_with(|| place(one).cmp(&place(other)))
}

fn summary(report: &Report) -> String {
    let all = report.checked.len();
    let statements = |n: usize| match n {
        1 => "1 statement".to_owned(),
        _ => format!("{n} statements"),
    };
    let failed = report
        .checked
        .iter()
        .filter(|one| one.verdict == CheckVerdict::Failed)
        .count();
    let findings = match report.bottlenecks.len() {
        1 => "1 finding".to_owned(),
        n => format!("{n} findings"),
    };
    match (failed, report.bottlenecks.is_empty(), report.status) {
        (0, true, Status::Completed) => format!("nothing found in {}", statements(all)),
        (0, true, Status::Partial) => format!(
            "nothing found in {}, but not every one could be planned",
            statements(all)
        ),
        (0, false, _) => format!("{findings} in {}, none of which fails", statements(all)),
        (n, ..) => format!("{n} of {} failed: {findings}", statements(all)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::Number;

    #[test]
    fn how_few_rows_are_small_can_be_set() {
        let snapshot = Snapshot::of_plans(Vec::new()).unwrap();
        let catalog = Catalog::of(&snapshot);
        let mut rules = Rules {
            assumed_rows: [("t".to_owned(), 9_999.0)].into(),
            ..Rules::default()
        };
        assert!(rules.is_small("t", &catalog));
        let thresholds = &mut rules.analysis.thresholds;
        let mut section = thresholds.of_check("unservable_predicate").unwrap();
        section.set("min_rows", Some(Number::Whole(9_999))).unwrap();
        assert!(!rules.is_small("t", &catalog));
    }

    #[test]
    fn a_report_says_which_thresholds_are_not_the_defaults() {
        let mut rules = Rules::default();
        let thresholds = &mut rules.analysis.thresholds;
        let mut section = thresholds.of_check("cost_regression").unwrap();
        section.set("min_factor", Some(Number::Whole(2))).unwrap();
        let snapshot = Snapshot::of_plans(Vec::new()).unwrap();
        let told: Vec<String> = judge(snapshot, &[], &rules)
            .report
            .caveats
            .iter()
            .map(ToString::to_string)
            .collect();
        let wanted =
            "set by the settings file: thresholds.cost_regression.min_factor = 2 (default 1.1)";
        assert_eq!(told, [wanted]);
    }
}
