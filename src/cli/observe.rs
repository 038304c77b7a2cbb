//! From connection arguments to a Snapshot with plans: what `diagnose`, `capture` and `demo` share.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use jiff::SignedDuration;

use crate::analyze;
use crate::checks::workload::Limits;
use crate::collect;
use crate::connect::{self, ConnectArgs, Environment, PasswordPrompt, Session};
use crate::probe::{self, Mode, ProbeOptions, Writes};
use crate::snapshot::{self, Snapshot};
use crate::sql::redact::Redactor;

use super::args::{ConnectionArgs, ProbeArgs, ProbeLevel, WorkloadArgs};
use super::interrupt::Interrupt;
use super::logs::{LogArgs, Reading};
use super::progress::Progress;

/// Reading counters and catalog usually takes well under a second; what takes longer than this is taken from the budget
/// of the probes, so that a run ends soon after its budget: this, [`probe::AFTER_BUDGET`] and [`TIME_FOR_WHAT_IF`]
/// later, and with what the report takes.
const TIME_TO_LOOK: Duration = Duration::from_secs(3);

/// What-if questions cost the server planning only, so they get a little more than what the probes left of the budget.
const TIME_FOR_WHAT_IF: Duration = Duration::from_secs(2);

/// What becomes of literals in the Snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Literals {
    /// Tokens take their place.
    Redacted,
    /// They stay.
    Shown,
}

impl Literals {
    /// What `--show-literals` asks for.
    pub const fn shown(shown: bool) -> Self {
        if shown { Self::Shown } else { Self::Redacted }
    }
}

/// What a Snapshot is to hold, beside what every report needs.
#[derive(Debug, Clone, Copy)]
pub struct Contents<'a> {
    /// What becomes of literals.
    pub literals: Literals,
    /// Whether other databases are to be planned for by it.
    pub distributions: Distributions,
    /// The logs that are read beside it.
    pub logs: &'a LogArgs,
}

/// What becomes of the distributions of columns' values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Distributions {
    /// No report needs them.
    LeftOut,
    /// Planning elsewhere does.
    Read,
}

impl<'a> Contents<'a> {
    /// What a report is made of.
    pub const fn of_report(literals: Literals, logs: &'a LogArgs) -> Self {
        Self {
            literals,
            distributions: Distributions::LeftOut,
            logs,
        }
    }
}

/// Connects, observes, probes, reads the logs, and redacts.
///
/// # Errors
/// Where there is no connection, the server is too old, a flag's value is refused, or the user interrupts before there
/// is anything to report. What is merely hidden becomes a gap of the Snapshot.
pub async fn observe(
    connection: &ConnectionArgs,
    probing: &ProbeArgs,
    workload: &WorkloadArgs,
    config: &analyze::Config,
    contents: Contents<'_>,
    progress: &Progress,
    interrupt: &Interrupt,
) -> Result<Snapshot> {
    let mut options = probe_options(probing)?;
    options.top = config.limits.top;
    options.thresholds.clone_from(&config.thresholds);
    let connecting = connect_to_probe(connection, &options.settings, progress);
    let session = Box::pin(unless_interrupted(interrupt, connecting)).await?;
    let mut snapshot = match workload.window {
        None => {
            let looking = look_in_time(&session, &mut options, progress);
            Box::pin(unless_interrupted(interrupt, looking)).await?
        }
        Some(window) => {
            let measuring = measure_in_time(&session, window, &mut options, progress, interrupt);
            Box::pin(measuring).await?
        }
    };
    let candidates = analyze::candidates(&snapshot, config);
    progress.step(&format!("probing {} statements", candidates.len()));
    let probing = Probing {
        session: &session,
        options: &options,
        progress,
        interrupt,
        started: Instant::now(),
    };
    probing.get_plans(&mut snapshot, &candidates).await;
    probing.ask_what_if(&mut snapshot).await;
    if contents.distributions == Distributions::Read && !interrupt.asked() {
        let options = collect::Options::default();
        collect::distributions(&session.client, &options, &mut snapshot).await?;
    }
    let reading = Reading {
        progress,
        ended: Some(&interrupt.flag()),
    };
    tokio::task::block_in_place(|| contents.logs.read_into(&mut snapshot, reading))?;
    if contents.literals == Literals::Redacted {
        snapshot::redact(&mut snapshot, &mut Redactor::new());
    }
    Ok(snapshot)
}

/// The probes of one run, all within one budget.
pub struct Probing<'a> {
    /// The connection that theirs stand beside.
    pub session: &'a Session,
    /// What the user allows.
    pub options: &'a ProbeOptions,
    /// Where to say what is being done.
    pub progress: &'a Progress,
    /// Whether the user wants the end.
    pub interrupt: &'a Interrupt,
    /// When the budget began.
    pub started: Instant,
}

impl Probing<'_> {
    /// Gets plans of the statements at these positions.
    pub async fn get_plans(&self, snapshot: &mut Snapshot, candidates: &[usize]) {
        let budget = self.options.time().as_secs_f64();
        let told = |step: probe::Progress| {
            let spent = self.started.elapsed().as_secs_f64();
            self.progress.tick(&format!(
                "probing {}/{} · {spent:.0} of {budget:.0} s budget",
                step.done, step.total
            ));
        };
        probe::run(
            self.session,
            snapshot,
            candidates,
            self.options,
            &told,
            self.interrupt.flag(),
        )
        .await;
    }

    /// Asks the planner what indexes would bring to the statements that have plans.
    pub async fn ask_what_if(&self, snapshot: &mut Snapshot) {
        if self.interrupt.asked() {
            return;
        }
        self.progress.step(&format!(
            "{} plans in {:.1} s; asking what indexes would bring",
            snapshot.plans.len(),
            self.started.elapsed().as_secs_f64()
        ));
        let left = (self.options.time() + TIME_FOR_WHAT_IF).saturating_sub(self.started.elapsed());
        let cancelled = self.interrupt.flag();
        probe::ask_what_if(self.session, snapshot, self.options, left, cancelled).await;
        self.progress
            .step(&format!("{} what-if answers", snapshot.what_if.len()));
    }
}

/// Connects as the flags and the environment say.
///
/// # Errors
/// Where there is no connection.
pub async fn connect(args: &ConnectionArgs, progress: &Progress) -> Result<Session> {
    let args = ConnectArgs {
        target: args.target.clone(),
        host: args.server.host.clone(),
        port: args.server.port.clone(),
        user: args.server.username.clone(),
        dbname: args.dbname.clone(),
        prompt: if args.server.no_password {
            PasswordPrompt::Never
        } else {
            PasswordPrompt::WhenAsked
        },
    };
    let resolved = connect::resolve(&args, &Environment::from_process())?;
    for warning in resolved.warnings() {
        progress.note(warning);
    }
    progress.step(&format!(
        "connecting to database {} as {}",
        resolved.database(),
        resolved.user()
    ));
    Ok(resolved.connect().await?)
}

/// Connects to a server that takes the settings of the probes.
///
/// # Errors
/// Those of [`connect`], and a setting that the server does not take.
pub async fn connect_to_probe(
    args: &ConnectionArgs,
    settings: &[(String, String)],
    progress: &Progress,
) -> Result<Session> {
    let session = connect(args, progress).await?;
    probe::try_settings(&session, settings).await?;
    Ok(session)
}

/// Reads counters and catalog; a server that no longer answers is given up, and what takes too long is taken from the
/// budget of the probes.
///
/// # Errors
/// Where the server is too old, is lost or does not answer.
pub async fn look_in_time(
    session: &Session,
    options: &mut ProbeOptions,
    progress: &Progress,
) -> Result<Snapshot> {
    progress.step("reading counters and catalog");
    let collecting = collecting(session);
    let looking = collect::observe(&session.client, &collecting);
    let snapshot = in_time(session, Duration::ZERO, options, Box::pin(looking)).await?;
    tell_what_was_read(&snapshot, progress);
    Ok(snapshot)
}

/// Measures a window; interrupted, what was measured until then.
///
/// # Errors
/// As [`look_in_time`], and where the user interrupts before there is anything to report.
async fn measure_in_time(
    session: &Session,
    window: SignedDuration,
    options: &mut ProbeOptions,
    progress: &Progress,
    interrupt: &Interrupt,
) -> Result<Snapshot> {
    let span = std_duration(window)?;
    progress.step(&format!("measuring for {window:#}"));
    let told = |part: collect::Part| {
        progress.tick(&format!(
            "sub-window {}/{} · {} of {} s",
            part.number,
            part.of,
            part.elapsed.as_secs(),
            span.as_secs_f64()
        ));
    };
    let measuring = collect::Measuring {
        span,
        parts: collect::parts(span),
        told: &told,
        cancelled: interrupt.flag(),
    };
    let collecting = collecting(session);
    let looking = collect::measure(&session.client, &collecting, &measuring);
    let Some(snapshot) = in_time(session, span, options, Box::pin(looking)).await? else {
        bail!(Interrupted);
    };
    tell_what_was_read(&snapshot, progress);
    Ok(snapshot)
}

/// Gives up what takes longer than the window, the budget and the usual time together.
async fn in_time<T>(
    session: &Session,
    window: Duration,
    options: &mut ProbeOptions,
    looking: impl Future<Output = Result<T, collect::CollectError>>,
) -> Result<T> {
    let begun = Instant::now();
    let limit = window + options.budget + TIME_TO_LOOK;
    let looked = tokio::time::timeout(limit, looking).await;
    options.spent = begun.elapsed().saturating_sub(window + TIME_TO_LOOK);
    match looked {
        Ok(looked) => Ok(looked?),
        Err(_) => bail!(
            "{}: the server did not answer within {:.0} s; raise --budget, or look at the server's load",
            session.target(),
            limit.as_secs_f64()
        ),
    }
}

fn collecting(session: &Session) -> collect::Options {
    let target = session.target();
    let address = target
        .split_once(" @ ")
        .map_or(target.as_str(), |(_, address)| address);
    collect::Options {
        address: Some(address.to_owned()),
        ..collect::Options::default()
    }
}

fn tell_what_was_read(snapshot: &Snapshot, progress: &Progress) {
    progress.step(&format!(
        "read {} statements, {} tables, {} indexes",
        snapshot.statements.len(),
        snapshot.tables.len(),
        snapshot.indexes.len()
    ));
}

/// What the user allows, by the flags.
///
/// # Errors
/// Names a setting that may not be set.
pub fn probe_options(args: &ProbeArgs) -> Result<ProbeOptions> {
    Ok(ProbeOptions {
        mode: match args.probe {
            ProbeLevel::None => Mode::None,
            ProbeLevel::Plan => Mode::Plan,
            ProbeLevel::Analyze => Mode::Analyze,
        },
        timeout: std_duration(args.timeout)?,
        budget: std_duration(args.budget)?,
        spent: Duration::ZERO,
        top: Limits::default().top,
        writes: if args.analyze_writes {
            Writes::Executed
        } else {
            Writes::Planned
        },
        settings: checked_settings(&args.settings)?,
        trust_owners: args.trust_owner.clone(),
        ..ProbeOptions::default()
    })
}

/// The values of `--set`, where none undoes the safety of the probes.
///
/// # Errors
/// Names a setting that may not be set.
pub fn checked_settings(settings: &[(String, String)]) -> Result<Vec<(String, String)>> {
    let mut names = settings.iter().map(|(name, _)| name);
    match names.find(|name| !probe::setting_is_allowed(name)) {
        Some(name) => {
            bail!("--set {name}: the safety of the probes stands on this setting; leave it out")
        }
        None => Ok(settings.to_vec()),
    }
}

/// The same length of time for the parts that wait.
///
/// # Errors
/// Where it is negative.
pub fn std_duration(duration: SignedDuration) -> Result<Duration> {
    Duration::try_from(duration).context("durations cannot be negative")
}

/// Runs `work` unless the user ends it first.
///
/// # Errors
/// Those of `work`, and the interruption.
pub async fn unless_interrupted<T>(
    interrupt: &Interrupt,
    work: impl Future<Output = Result<T>>,
) -> Result<T> {
    tokio::select! {
        done = work => done,
        () = interrupt.wait() => bail!(Interrupted),
    }
}

/// The user ended the run before there was anything to report.
#[derive(Debug, thiserror::Error)]
#[error("interrupted before there was anything to report")]
pub struct Interrupted;
