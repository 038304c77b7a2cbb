//! Gets plans of the statements that matter, with real values, without running anything that is not trusted and without
//! leaving anything behind.
//!
//! Each plan is got in a transaction of its own on a connection of its own: `BEGIN READ ONLY`, timeouts, a pinned
//! search path; the [`guard`] reads the catalog; only then the statement's text goes to the server, as `EXPLAIN …` with
//! its parameters bound, in the extended protocol, which takes one statement and no more. The guard's question goes
//! before it once more, in the same round trip ([`inquiry`]). `ROLLBACK` and `DISCARD ALL` end it. All state is local
//! to the transaction and no prepared statement has a name that outlives its round trip, so a pooler in transaction
//! mode may stand between.
//!
//! While the server answers that question and plans, another session could still plant an object, if it hits these
//! milliseconds: nothing in PostgreSQL but a lock on the catalog could keep it from that.

mod attempt;
mod catalog;
mod defaults;
mod explain;
mod fault;
mod grant;
mod groups;
pub mod guard;
mod hypothetical;
mod inquiry;
mod link;
mod paths;
mod runs;
mod sample;
mod screen;
mod settings;
mod statistics;
mod step;
mod values;
mod what_if;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

pub use fault::Fault;
pub use groups::{Given, plan_all};
pub use guard::{Hold, Writes};
pub use hypothetical::HypopgOracle;
pub use settings::{RefusedSetting, setting_is_allowed, try_settings};
pub use what_if::ask_what_if;

use crate::checks::Thresholds;
use crate::checks::workload::Limits;
use crate::connect::Session;
use crate::format;
use crate::snapshot::{Area, Gap, ProbeOutcome, ProbeStatus, Snapshot, Table};
use crate::sql::mentions::Mentions;
use crate::units::Millis;
use attempt::{Context, Probed};
use catalog::Tables;
use link::{ProbeSession, Settings};
use paths::RolePaths;
use settings::{allowed_settings, refuse_settings};

/// How far probing goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mode {
    /// No plans.
    None,
    /// EXPLAIN only.
    Plan,
    /// EXPLAIN (ANALYZE) where it is safe and quick enough.
    Analyze,
}

/// What the user allows.
#[derive(Debug, Clone, PartialEq)]
pub struct ProbeOptions {
    /// How far probing goes.
    pub mode: Mode,
    /// The time that one statement may run.
    pub timeout: Duration,
    /// The time that all probes may take together.
    pub budget: Duration,
    /// How much of it went before them.
    pub spent: Duration,
    /// How many statements the user wants probed at the most; the caller chooses them.
    pub top: usize,
    /// Whether statements that write are executed, and rolled back.
    pub writes: Writes,
    /// Session settings, name and value, for the probed statements.
    pub settings: Vec<(String, String)>,
    /// Roles whose objects are trusted as one's own.
    pub trust_owners: Vec<String>,
    /// Values that the user gave for parameters, by number; `None` is NULL.
    pub given: BTreeMap<u32, Option<String>>,
    /// How often a statement is executed with the same values.
    pub runs: u32,
    /// With which kinds of values statements are executed.
    pub executed: Variants,
    /// Whether tables have rows to take values from, where statistics have none.
    pub rows: TableRows,
    /// What decides whether a finding will follow, where that is asked while probing.
    pub thresholds: Thresholds,
}

/// What tables hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TableRows {
    /// Rows, of which the first is soon found.
    Present,
    /// Nothing but their length, which would be read in vain.
    Absent,
}

/// Kinds of values that statements are executed with; with the others they are planned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variants {
    /// Typical and most common ones: a workload has many statements.
    Common,
    /// Rare ones, too.
    All,
}

impl Default for ProbeOptions {
    fn default() -> Self {
        Self {
            mode: Mode::Analyze,
            timeout: Duration::from_secs(10),
            budget: Duration::from_secs(60),
            spent: Duration::ZERO,
            top: Limits::default().top,
            writes: Writes::Planned,
            settings: Vec::new(),
            trust_owners: Vec::new(),
            given: BTreeMap::new(),
            runs: 1,
            executed: Variants::Common,
            rows: TableRows::Present,
            thresholds: Thresholds::default(),
        }
    }
}

impl ProbeOptions {
    /// The time that is left for all probes together.
    pub fn time(&self) -> Duration {
        self.budget.saturating_sub(self.spent)
    }
}

/// How far a run has come, for a progress line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Statements done.
    pub done: usize,
    /// Statements in all.
    pub total: usize,
}

/// How long after the budget the probes have ended, whatever the server does.
pub const AFTER_BUDGET: Duration = Duration::from_secs(4);

/// How long a server that was lost is given to start again.
const RESTART_PATIENCE: Duration = Duration::from_secs(5);

/// The pause between attempts to connect to it.
const RECONNECT_PAUSE: Duration = Duration::from_millis(500);

/// Tables beyond this number get no values: their histograms would be the largest part of a capture.
const MAX_TABLES: usize = 300;

/// Probes statements and writes outcomes, plans and the statistics of their tables into the snapshot.
///
/// `candidates` are positions in `snapshot.statements`, the most important first, one text for each family; every one
/// gets an outcome. So do the hundred most expensive of the others: what the guard has against them is named, though no
/// plan of them is got. Opens its own connection beside `session`. Ends soon after `cancelled` becomes true, and never
/// later than [`AFTER_BUDGET`] after the budget; nothing it does can fail as a whole: what did not work is an outcome
/// or a gap.
pub async fn run(
    session: &Session,
    snapshot: &mut Snapshot,
    candidates: &[usize],
    options: &ProbeOptions,
    progress: &(dyn Fn(Progress) + Sync),
    cancelled: watch::Receiver<bool>,
) {
    refuse_settings(options, snapshot);
    let mut run = Run {
        base: session,
        candidates,
        options,
        progress,
        cancelled,
        budget_end: Instant::now() + options.time(),
        settings: allowed_settings(options),
        reconnects: 1,
    };
    run.all(snapshot).await;
    if !candidates.is_empty() && snapshot.plans.is_empty() {
        let reason = snapshot
            .probes
            .iter()
            .find_map(|probe| probe.reason.clone())
            .unwrap_or_else(|| "no statement could be planned".to_owned());
        let remedy = snapshot
            .probes
            .iter()
            .find_map(|probe| probe.remedy.clone());
        snapshot.gaps.push(Gap {
            area: Area::Plans,
            reason: format!("no statement could be planned; the first: {reason}"),
            remedy,
        });
    }
}

struct Run<'a> {
    base: &'a Session,
    candidates: &'a [usize],
    options: &'a ProbeOptions,
    progress: &'a (dyn Fn(Progress) + Sync),
    cancelled: watch::Receiver<bool>,
    budget_end: Instant,
    settings: Settings,
    reconnects: u32,
}

impl Run<'_> {
    async fn all(&mut self, snapshot: &mut Snapshot) {
        let candidates = self.candidates;
        let total = candidates.len();
        if self.options.mode == Mode::None {
            let hold = Hold {
                reason: "probing was off".to_owned(),
                remedy: Some("--probe analyze".to_owned()),
            };
            rest(snapshot, candidates, &hold);
            return;
        }
        if snapshot.statements.is_empty() {
            return;
        }
        let mut done = 0;
        // One session, and another should the first be lost.
        loop {
            let left = candidates.get(done..).unwrap_or_default();
            let Err(fault) = self.with_session(snapshot, left, &mut done, total).await else {
                return;
            };
            let left = candidates.get(done..).unwrap_or_default();
            if fault == Fault::Cancelled {
                rest(snapshot, left, &Hold::new("cancelled"));
                return;
            }
            if self.reconnects == 0 || left.is_empty() {
                let hold = Hold::new(format!("the connection was lost: {fault}"));
                rest(snapshot, left, &hold);
                return;
            }
            self.reconnects -= 1;
        }
    }

    /// Opens a session; after a loss it waits for a server that is just starting.
    async fn connect(&self, deadline: Instant) -> Result<ProbeSession, Fault> {
        let give_up = Instant::now() + RESTART_PATIENCE;
        loop {
            let opened = ProbeSession::open(self.base, self.cancelled.clone(), deadline).await;
            match opened {
                Err(Fault::Lost(_))
                    if self.reconnects == 0
                        && Instant::now() < give_up
                        && Instant::now() < self.budget_end =>
                {
                    tokio::time::sleep(RECONNECT_PAUSE).await;
                }
                opened => return opened,
            }
        }
    }

    /// Probes with one session until all is done or the session is lost.
    async fn with_session(
        &mut self,
        snapshot: &mut Snapshot,
        candidates: &[usize],
        done: &mut usize,
        total: usize,
    ) -> Result<(), Fault> {
        let deadline = self.budget_end + AFTER_BUDGET;
        let session = self.connect(deadline).await?;
        if let Err(fault) = session.try_settings(&self.settings).await {
            if fault.is_lost() {
                return Err(fault);
            }
            self.settings = Settings::default();
            snapshot.gaps.push(Gap {
                area: Area::Plans,
                reason: format!("--set was ignored: {fault}"),
                remedy: None,
            });
        }
        let mut tables = Tables::new(&snapshot.tables);
        let paths = RolePaths::read(&session).await?;
        read_statistics(&session, snapshot, candidates, &mut tables).await?;
        let role = snapshot.role.clone();
        let context = Context {
            session: &session,
            options: self.options,
            settings: &self.settings,
            role: &role,
            paths: &paths,
            budget_end: self.budget_end,
        };
        for position in candidates {
            let outcome = self.one(&context, snapshot, *position, &mut tables).await;
            *done += 1;
            (self.progress)(Progress { done: *done, total });
            outcome?;
        }
        if Instant::now() < self.budget_end {
            match screen::screen(&context, snapshot, self.candidates).await {
                Err(fault) if fault.is_lost() => return Err(fault),
                _ => {}
            }
        }
        Ok(())
    }

    /// Probes one statement and writes down what became of it; passes on that the session was lost.
    async fn one(
        &self,
        context: &Context<'_>,
        snapshot: &mut Snapshot,
        position: usize,
        tables: &mut Tables,
    ) -> Result<(), Fault> {
        let Some(statement) = snapshot.statements.get(position).cloned() else {
            return Ok(());
        };
        let not_probed = |hold| Probed::without_plan(ProbeStatus::NotProbed, hold);
        let (probed, lost) = if Instant::now() >= self.budget_end {
            (not_probed(self.out_of_budget()), None)
        } else if let Some(text) = &statement.query {
            match context.probe(&statement, text, tables).await {
                Ok(probed) => (probed, None),
                Err(Fault::Cancelled) => {
                    (not_probed(Hold::new("cancelled")), Some(Fault::Cancelled))
                }
                Err(fault) => (
                    Probed::without_plan(ProbeStatus::Failed, Hold::new(fault.to_string())),
                    Some(fault),
                ),
            }
        } else {
            (not_probed(Hold::new("its text is hidden")), None)
        };
        write_down(snapshot, &statement, probed);
        lost.map_or(Ok(()), Err)
    }

    fn out_of_budget(&self) -> Hold {
        Hold {
            reason: format!(
                "the budget of {} ended before it",
                spelled(self.options.budget)
            ),
            remedy: Some(format!("--budget {}", twice(self.options.budget))),
        }
    }
}

/// Reads most common values and histograms of the tables that the candidates may mean.
async fn read_statistics(
    session: &ProbeSession,
    snapshot: &mut Snapshot,
    candidates: &[usize],
    tables: &mut Tables,
) -> Result<(), Fault> {
    let mut wanted = BTreeSet::new();
    let mut names = BTreeSet::new();
    for position in candidates {
        let Some(text) = snapshot
            .statements
            .get(*position)
            .and_then(|statement| statement.query.as_deref())
        else {
            continue;
        };
        let mentions = Mentions::of(text);
        let mut path = session.schemas().to_vec();
        path.extend(tables.missing_schema(&mentions, &path));
        wanted.extend(tables.mentioned(&mentions, &path).map(|table| table.oid));
        names.extend(mentions.names);
    }
    let names: Vec<String> = names.into_iter().collect();
    match statistics::views(session, &names).await {
        Err(fault) if fault.is_lost() => return Err(fault),
        // Without them, parameters on columns of views get values of their type.
        views => tables.add_views(views.unwrap_or_default()),
    }
    let wanted: BTreeSet<_> = wanted.into_iter().take(MAX_TABLES).collect();
    let mut chosen: Vec<&mut Table> = tables
        .tables_mut()
        .iter_mut()
        .filter(|table| wanted.contains(&table.oid))
        .collect();
    let elements = match statistics::read(session, &mut chosen).await {
        Err(fault) if fault.is_lost() => return Err(fault),
        Err(fault) => {
            snapshot.gaps.push(Gap {
                area: Area::ColumnStatistics,
                reason: format!("the values of columns cannot be read: {fault}"),
                remedy: None,
            });
            statistics::Elements::new()
        }
        Ok(elements) => elements,
    };
    for table in &mut snapshot.tables {
        if let Some(read) = chosen.iter().find(|read| read.oid == table.oid) {
            table.columns.clone_from(&read.columns);
        }
    }
    tables.add_elements(elements);
    Ok(())
}

/// What is left is not probed, for one reason.
fn rest(snapshot: &mut Snapshot, candidates: &[usize], hold: &Hold) {
    for position in candidates {
        if let Some(statement) = snapshot.statements.get(*position).cloned() {
            let probed = Probed::without_plan(ProbeStatus::NotProbed, hold.clone());
            write_down(snapshot, &statement, probed);
        }
    }
}

/// A time that the user gave, as people read it.
fn spelled(time: Duration) -> String {
    format::duration(Millis(time.as_secs_f64() * 1000.0))
}

/// A flag's value of twice the time.
fn twice(time: Duration) -> String {
    format!("{:.0}s", (time.as_secs_f64() * 2.0).ceil().max(1.0))
}

fn write_down(snapshot: &mut Snapshot, statement: &crate::snapshot::Statement, probed: Probed) {
    let (reason, remedy) = match probed.hold {
        Some(hold) => (Some(hold.reason), hold.remedy),
        None => (None, None),
    };
    snapshot.probes.push(ProbeOutcome {
        key: statement.key.clone(),
        status: probed.status,
        reason,
        remedy,
        rejection: probed.rejection,
    });
    snapshot.plans.extend(probed.plans);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_longer_time_is_one_that_the_flags_take() {
        for (millis, text, longer) in [
            (1, "1 ms", "1s"),
            (500, "500 ms", "1s"),
            (10_000, "10 s", "20s"),
            (90_500, "90.5 s", "181s"),
            (7_200_000, "2 h", "14400s"),
        ] {
            let time = Duration::from_millis(millis);
            assert_eq!(
                (spelled(time).as_str(), twice(time).as_str()),
                (text, longer)
            );
        }
    }
}
