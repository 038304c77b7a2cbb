//! What the logs tell, matched with the workload's families, and how far it may be believed.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use super::catalog::Catalog;
use super::workload::Workload;
use super::{Case, Proposal, Unseen};
use crate::finding::{Evidence, Excerpt, Formula, Impact, Source, Unit};
use crate::format;
use crate::ids::QueryId;
use crate::snapshot::{LoggedFamily, LoggedLoop, Logs, LoopKind, Settings, Snapshot};
use crate::sql::cursor;
use crate::sql::facts::{Facts, facts};
use crate::sql::parse::parse;
use crate::units::{Millis, float, ratio};

/// Statements from which on the shortest of them tells whether shorter ones are missing.
const ENOUGH: i64 = 20;

/// Where the shortest of many statements takes this long, shorter ones are missing: those that look a key up take a
/// tenth of it.
const SUSPICIOUS: Millis = Millis(1.0);

/// What `log_min_duration_statement` is set to, in milliseconds.
const ROUND: [f64; 15] = [
    1.0, 2.0, 5.0, 10.0, 20.0, 25.0, 50.0, 100.0, 200.0, 250.0, 500.0, 1_000.0, 2_000.0, 5_000.0,
    10_000.0,
];

/// Excerpts that a finding shows.
const EXCERPTS: usize = 2;

/// The logs of a Snapshot and what is derived from them.
#[derive(Debug)]
pub struct LoggedCase<'a> {
    logs: &'a Logs,
    places: Vec<Option<usize>>,
    facts: Vec<OnceLock<Option<Facts>>>,
    limits: Vec<Limit>,
}

/// Why the logs do not tell everything.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Limit {
    /// Only statements that take at least this long are logged.
    Slow(Millis),
    /// It seems so: none is shorter.
    SeemsSlow(Millis),
    /// Only a sample of statements is logged.
    Sampled,
    /// Only a sample of transactions is logged.
    SampledTransactions,
    /// There is no statement in it.
    Empty,
    /// So many of the statements, 0..1, have no duration.
    WithoutDurations(f64),
    /// The statements of sessions cannot be told apart.
    WithoutSessions,
    /// Of so many executions the parameters are not logged.
    WithoutParameters(i64),
}

impl Limit {
    /// Whether statements are missing, so that those beside each other in the log were not beside each other.
    const fn breaks_loops(self) -> bool {
        matches!(
            self,
            Self::Slow(_)
                | Self::SeemsSlow(_)
                | Self::Sampled
                | Self::Empty
                | Self::WithoutSessions
        )
    }

    /// Whether durations are missing, and those that are there not like them.
    const fn skews_durations(self) -> bool {
        matches!(
            self,
            Self::Slow(_) | Self::SeemsSlow(_) | Self::Sampled | Self::WithoutDurations(_)
        )
    }

    /// Why, as a clause.
    pub fn reason(self) -> String {
        match self {
            Self::Slow(least) => format!(
                "the log has only statements of {} and more, and so no loops of fast ones",
                format::duration(least)
            ),
            Self::SeemsSlow(least) => format!(
                "no statement in the log took less than {}, so it seems to have slow ones only, and no loops of fast ones",
                format::duration(least)
            ),
            Self::Sampled => {
                "the log has a sample of the statements, so those beside each other may not have run on end".to_owned()
            }
            Self::Empty => "no statement was found in the log".to_owned(),
            Self::SampledTransactions => "the log has a sample of the transactions, so its counts are too low".to_owned(),
            Self::WithoutDurations(share) => format!(
                "{} of the statements in the log have no duration",
                format::percent(share)
            ),
            Self::WithoutSessions => {
                "the log does not tell which session a statement belongs to".to_owned()
            }
            Self::WithoutParameters(executions) => format!(
                "{} executions in the log may be loops, but their parameters are not logged",
                format::count(float(executions))
            ),
        }
    }

    /// The setting that would lift it.
    pub const fn remedy(self) -> &'static str {
        match self {
            Self::Slow(_) | Self::SeemsSlow(_) => {
                "put log_min_duration_statement = 0 into postgresql.conf, reload, and read a log written after that"
            }
            Self::Sampled => {
                "put log_min_duration_statement = 0 or log_statement_sample_rate = 1 into postgresql.conf, reload, and read a log written after that"
            }
            Self::SampledTransactions => {
                "put log_min_duration_statement = 0 or log_transaction_sample_rate = 1 into postgresql.conf, reload, and read a log written after that"
            }
            Self::Empty => {
                "put log_min_duration_statement = 0 into postgresql.conf, reload, and read a log written after that; where its lines begin in an uncommon way, tell it with --log-line-prefix"
            }
            Self::WithoutDurations(_) => {
                "put log_min_duration_statement = 0 into postgresql.conf, in place of log_statement = all, reload, and read a log written after that"
            }
            Self::WithoutSessions => {
                "put %c or %p into log_line_prefix in postgresql.conf, reload, and read a log written after that"
            }
            Self::WithoutParameters(_) => {
                "put log_parameter_max_length = -1 into postgresql.conf, reload, and read a log written after that"
            }
        }
    }
}

impl<'a> LoggedCase<'a> {
    /// Derives what the checks need; `None` where no log was read.
    pub fn of(snapshot: &'a Snapshot, workload: &Workload<'a>) -> Option<Self> {
        let logs = snapshot.logs.as_ref()?;
        Some(Self {
            logs,
            places: places(logs, workload),
            facts: logs.families.iter().map(|_| OnceLock::new()).collect(),
            limits: limits(logs, &snapshot.settings),
        })
    }

    /// The logs.
    pub fn logs(&self) -> &'a Logs {
        self.logs
    }

    /// A family of the log.
    pub fn family(&self, family: usize) -> Option<&'a LoggedFamily> {
        self.logs.families.get(family)
    }

    /// The position of the same family in the workload's.
    pub fn place(&self, family: usize) -> Option<usize> {
        self.places.get(family).copied().flatten()
    }

    /// The family of the log that is the same as one of the workload's.
    pub fn of_place(&self, place: usize) -> Option<&'a LoggedFamily> {
        let family = self.places.iter().position(|other| *other == Some(place))?;
        self.family(family)
    }

    /// What a family's text asks of each relation.
    pub fn facts(&self, catalog: &Catalog<'_>, family: usize) -> Option<&Facts> {
        let text = &self.family(family)?.query;
        let read = || Some(facts(&parse(cursor::query(text)).ok()?, catalog));
        self.facts.get(family)?.get_or_init(read).as_ref()
    }

    /// Why the logs do not tell everything.
    pub fn limits(&self) -> &[Limit] {
        &self.limits
    }

    /// Whether what is beside each other in the log ran on end.
    pub fn shows_loops(&self) -> bool {
        !self.limits.iter().any(|limit| limit.breaks_loops())
    }

    /// Whether the durations are those of all statements.
    pub fn shows_durations(&self) -> bool {
        self.logs.durations.is_some() && !self.limits.iter().any(|limit| limit.skews_durations())
    }

    /// The loops of one of the workload's families, whatever came before them; `None` where the log shows none.
    pub fn loops_of(&self, place: usize) -> Option<LoopSum<'a>> {
        let loops = self.logs.loops.iter().enumerate();
        // Loops behind a statement are told again behind what stands before that.
        let once = loops.filter(|(_, found)| {
            found.within.len() <= 1 && self.place(found.statement) == Some(place)
        });
        LoopSum::of(once.collect()).filter(|_| self.shows_loops())
    }

    /// The loops of a kind, with their positions in [`Logs::loops`].
    pub fn loops(&self, kind: LoopKind) -> impl Iterator<Item = (usize, &'a LoggedLoop)> {
        let loops = self.logs.loops.iter().enumerate();
        loops.filter(move |(_, found)| found.kind == kind)
    }
}

fn places(logs: &Logs, workload: &Workload<'_>) -> Vec<Option<usize>> {
    let mut shapes: BTreeMap<&str, usize> = BTreeMap::new();
    let mut ids: BTreeMap<QueryId, usize> = BTreeMap::new();
    for (place, family) in workload.families().iter().enumerate() {
        if family.toplevel() {
            shapes.insert(family.fingerprint().as_str(), place);
            ids.extend(workload.queryids(family).into_iter().map(|id| (id, place)));
        }
    }
    let find = |family: &LoggedFamily| {
        let shape = shapes.get(family.family.as_str());
        let id = || family.queryids.iter().find_map(|id| ids.get(id));
        shape.or_else(id).copied()
    };
    logs.families.iter().map(find).collect()
}

fn number(settings: &Settings, name: &str) -> Option<f64> {
    settings.get(name)?.value.parse().ok()
}

fn limits(logs: &Logs, settings: &Settings) -> Vec<Limit> {
    let timed = logs.durations.map_or(0, |durations| durations.count);
    let untimed = logs.executions - timed;
    let mut limits = Vec::new();
    if logs.executions == 0 {
        return vec![Limit::Empty];
    }
    // Where some have no duration, they are logged by log_statement, however fast they are.
    if untimed == 0 {
        limits.extend(threshold(logs, settings));
    } else if let Some(share) = ratio(float(untimed), float(logs.executions)) {
        limits.push(Limit::WithoutDurations(share));
    }
    limits.extend(sample(settings));
    if logs.without_session > 0 && logs.without_session == logs.executions {
        limits.push(Limit::WithoutSessions);
    }
    if logs.without_parameters > 0 {
        limits.push(Limit::WithoutParameters(logs.without_parameters));
    }
    limits
}

/// The settings are those of now; what the log has, it was written with.
fn threshold(logs: &Logs, settings: &Settings) -> Option<Limit> {
    let durations = logs.durations?;
    let shortest = durations.min_ms;
    let set = number(settings, "log_min_duration_statement");
    match set {
        Some(least) if least > 0.0 && shortest.get() >= least => Some(Limit::Slow(Millis(least))),
        Some(least) if least.abs() < 0.5 => None,
        _ if durations.count >= ENOUGH && shortest >= SUSPICIOUS => {
            let round = ROUND.iter().rev().find(|round| **round <= shortest.get())?;
            Some(Limit::SeemsSlow(Millis(*round)))
        }
        _ => None,
    }
}

fn sample(settings: &Settings) -> Option<Limit> {
    let all = number(settings, "log_min_duration_statement").is_some_and(|least| least.abs() < 0.5)
        || settings
            .get("log_statement")
            .is_some_and(|setting| setting.value == "all");
    if all {
        return None;
    }
    let part = |rate: &str| number(settings, rate).filter(|rate| *rate > 0.0 && *rate < 1.0);
    let sampled = number(settings, "log_min_duration_sample").is_some_and(|least| least >= 0.0)
        && part("log_statement_sample_rate").is_some();
    if sampled {
        Some(Limit::Sampled)
    } else {
        part("log_transaction_sample_rate").map(|_| Limit::SampledTransactions)
    }
}

/// Loops of one statement in the log, summed up.
#[derive(Debug, Clone, PartialEq)]
pub struct LoopSum<'a> {
    /// Positions in [`Logs::loops`].
    places: Vec<usize>,
    loops: Vec<&'a LoggedLoop>,
}

impl<'a> LoopSum<'a> {
    /// The sum of loops, each with its position; the one with the most executions leads.
    pub fn of(mut loops: Vec<(usize, &'a LoggedLoop)>) -> Option<Self> {
        loops.sort_by_key(|(place, found)| (std::cmp::Reverse(found.executions), *place));
        let (places, loops): (Vec<usize>, Vec<&LoggedLoop>) = loops.into_iter().unzip();
        (!loops.is_empty()).then_some(Self { places, loops })
    }

    /// Executions.
    pub fn executions(&self) -> i64 {
        self.loops.iter().map(|found| found.executions).sum()
    }

    /// How many loops there were.
    pub fn count(&self) -> i64 {
        self.loops.iter().map(|found| found.loops).sum()
    }

    /// How long they took, where all durations are known.
    pub fn time(&self) -> Option<Millis> {
        self.loops.iter().map(|found| found.total_ms).sum()
    }

    /// Some of them.
    pub fn excerpts(&self) -> Vec<Excerpt> {
        let all = self.loops.iter().flat_map(|found| &found.excerpts);
        all.take(EXCERPTS).cloned().collect()
    }

    /// What the loops of a statement cost: the part of the counters' time that the log shows in loops; without
    /// counters, the log's own.
    pub fn impact(
        &self,
        case: &Case<'_>,
        logged: &LoggedCase<'_>,
        statement: usize,
        text: String,
    ) -> Impact {
        let executions = self.executions();
        let place = logged.place(statement);
        let family = place.and_then(|place| case.workload.families().get(place));
        let of_log = logged
            .family(statement)
            .map_or(0, |family| family.executions);
        if let (Some(family), Some(part)) = (family, ratio(float(executions), float(of_log))) {
            let impact = case.impact(family, part.min(1.0));
            return Impact { text, ..impact };
        }
        let time = self.time();
        let all = logged.logs.durations.map(|durations| durations.total_ms);
        Impact {
            text,
            time_ms: time,
            share: time
                .zip(all)
                .and_then(|(time, all)| ratio(time.get(), all.get())),
            calls: Some(executions),
        }
    }

    fn term(&self, field: &str) -> Option<String> {
        let pointers = self.places.iter();
        let terms: Vec<String> = pointers
            .map(|place| Formula::at(&format!("/logs/loops/{place}/{field}")))
            .collect();
        Formula::sum_of(&terms)
    }

    /// The numbers, the proof first; `what` is what the loops consist of, such as `look-ups`.
    pub fn evidence(&self, what: &str) -> Vec<Evidence> {
        let logged = |label: &str, value: Option<f64>, unit: Unit, formula: Option<String>| {
            Some(Evidence::computed(
                label,
                value?,
                unit,
                Source::Log,
                Formula::new(formula?),
            ))
        };
        let (executions, loops) = (float(self.executions()), float(self.count()));
        let (of_executions, of_loops) = (self.term("executions"), self.term("loops"));
        let weighted: Vec<String> = self
            .places
            .iter()
            .map(|place| {
                format!(
                    "{{/logs/loops/{place}/distinct_ratio}} * {{/logs/loops/{place}/executions}}"
                )
            })
            .collect();
        let distinct: f64 = self
            .loops
            .iter()
            .map(|found| found.distinct_ratio * float(found.executions))
            .sum();
        let over = |part: Option<String>, whole: &Option<String>| {
            Some(format!("{} / {}", part?, whole.as_ref()?))
        };
        [
            logged(
                &format!("{what} on end, in loops"),
                Some(executions),
                Unit::Calls,
                of_executions.clone(),
            ),
            logged("loops", Some(loops), Unit::Count, of_loops.clone()),
            logged(
                &format!("{what} in a loop"),
                ratio(executions, loops),
                Unit::Factor,
                over(of_executions.clone(), &of_loops),
            ),
            logged(
                "distinct parameters",
                ratio(distinct, executions),
                Unit::Ratio,
                over(
                    Formula::sum_of(&weighted).map(|sum| format!("({sum})")),
                    &of_executions,
                ),
            ),
            logged(
                &format!("execution time of the {what} in loops"),
                self.time().map(Millis::get),
                Unit::Ms,
                self.term("total_ms"),
            ),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

impl Case<'_> {
    /// The proposal with the log's proof, where the log shows its statement in loops; `what` is what they consist of.
    pub fn backed(&self, proposal: Proposal, what: &str) -> Proposal {
        let logged = self.logged.as_ref();
        let mut places = proposal.families.iter();
        let loops = logged.and_then(|logged| places.find_map(|place| logged.loops_of(*place)));
        let Some(loops) = loops else {
            return proposal;
        };
        let draft = proposal
            .draft
            .proven_by(loops.evidence(what))
            .showing(loops.excerpts());
        Proposal { draft, ..proposal }
    }

    /// What the logs do not show of loops; nothing where none were read.
    pub fn unlogged(&self) -> Vec<Unseen> {
        let limits = self.logged.as_ref().map_or(&[][..], LoggedCase::limits);
        let of_loops = limits
            .iter()
            .filter(|limit| !matches!(limit, Limit::WithoutDurations(_)));
        of_loops
            .map(|limit| Unseen {
                reason: limit.reason(),
                remedy: Some(limit.remedy().to_owned()),
                limits: false,
            })
            .collect()
    }
}
