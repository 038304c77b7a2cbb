//! `pgtriage check`: the plans of files of statements, as a gate.

mod input;
mod production;
mod regresql;

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::analyze;
use crate::checks::Selection;
use crate::connect::Session;
use crate::finding::Caveat;
use crate::gate::{FileConfig, Judged, Reported, Rules, Sizes, judge};
use crate::ids::{QueryId, StatementKey};
use crate::probe::{self, Given, ProbeOptions, TableRows};
use crate::simulate::Simulation;
use crate::snapshot::{self, Snapshot, Statement, StatementCounters};
use crate::sql::redact::Redactor;

use super::args::check::{CheckArgs, CheckFormat};
use super::args::{FailOn, Format};
use super::exit::Exit;
use super::interrupt::Interrupt;
use super::observe::{checked_settings, connect, look_in_time, std_duration, unless_interrupted};
use super::output::{self, Sink};
use super::progress::Progress;
use super::runtime;
use super::settings::Settings;
use input::{Input, Paths, Text};

/// Checks statements.
///
/// # Errors
/// Where a file cannot be read, there is no connection, or a flag's value is refused.
pub fn run(args: &CheckArgs, progress: &Progress) -> Result<Exit> {
    let settings = Settings::read(args.input.config.as_deref())?;
    let file = &settings.keys;
    let rules = Rules {
        baseline: input::baseline(&args.baseline, &settings)?,
        ..rules(args, file)?
    };
    let fail_on = fail_on(args, file)?;
    let paths = match format(args) {
        CheckFormat::Sarif | CheckFormat::Github | CheckFormat::Gitlab => Paths::OfRepository,
        _ => Paths::FromHere,
    };
    let input = input::read(&args.input, &settings, paths)?;
    runtime()?.block_on(async {
        let interrupt = Interrupt::listen().context("cannot listen for signals")?;
        let place = place(args, file, progress, &interrupt).await?;
        probe::try_settings(&place.session, &args.settings).await?;
        let wanted = Wanted {
            input,
            rules,
            fail_on,
            settings: &settings,
        };
        let exit = Box::pin(check(args, wanted, &place, progress, &interrupt)).await?;
        Ok(interrupt.exit(exit))
    })
}

/// The database whose planner is asked.
struct Place {
    session: Session,
    /// The throwaway server that the session is with, if it is to plan as production does.
    simulation: Option<Simulation>,
    /// The workload of the database that the flags name, where that is another one.
    workload: Option<Snapshot>,
}

impl Place {
    /// What the sizes of its tables are.
    const fn sizes(&self) -> Sizes {
        match self.simulation {
            Some(_) => Sizes::OfProduction,
            None => Sizes::OfTest,
        }
    }

    const fn rows(&self) -> TableRows {
        match self.simulation {
            Some(_) => TableRows::Absent,
            None => TableRows::Present,
        }
    }

    fn caveats(&self) -> impl Iterator<Item = Caveat> {
        let limits = self.simulation.iter().flat_map(Simulation::caveats);
        limits.map(|limit| Caveat::AsProduction {
            limit: limit.clone(),
        })
    }
}

async fn place(
    args: &CheckArgs,
    file: &FileConfig,
    progress: &Progress,
    interrupt: &Interrupt,
) -> Result<Place> {
    let connection = args.connection.with(file.database.as_deref());
    let production = &args.production;
    let named = || {
        Box::pin(unless_interrupted(
            interrupt,
            connect(&connection, progress),
        ))
    };
    let Some(capture) = &production.as_production else {
        return Ok(Place {
            session: named().await?,
            simulation: None,
            workload: None,
        });
    };
    let workload = if args.input.statements {
        let session = named().await?;
        let mut options = probe_options(args)?;
        let looked = look_in_time(&session, &mut options, progress);
        Some(Box::pin(unless_interrupted(interrupt, looked)).await?)
    } else {
        None
    };
    let schema = production.schema.as_deref();
    let started = production::start(capture, schema, &connection, progress, interrupt);
    let (simulation, session) = Box::pin(started).await?;
    Ok(Place {
        session,
        simulation: Some(simulation),
        workload,
    })
}

/// What is asked for, by flags and files.
struct Wanted<'s> {
    input: Input,
    rules: Rules,
    fail_on: FailOn,
    settings: &'s Settings,
}

async fn check(
    args: &CheckArgs,
    wanted: Wanted<'_>,
    place: &Place,
    progress: &Progress,
    interrupt: &Interrupt,
) -> Result<Exit> {
    let Wanted {
        input,
        mut rules,
        fail_on,
        settings,
    } = wanted;
    let mut options = probe_options(args)?;
    options.rows = place.rows();
    let looked = look_in_time(&place.session, &mut options, progress);
    let mut snapshot = Box::pin(unless_interrupted(interrupt, looked)).await?;
    if place.simulation.is_some() {
        // Where a throwaway server was says nothing, and is another place in every run.
        snapshot.server.address = None;
    }
    let texts = match input {
        Input::Files {
            texts,
            left_out,
            unfinished,
        } => {
            rules.left_out = left_out;
            rules.unfinished = unfinished;
            texts
        }
        Input::Database => input::of_database(place.workload.as_ref().unwrap_or(&snapshot))?,
    };
    rules.sizes = place.sizes();
    let given = put(&mut snapshot, &texts);
    progress.step(&format!("planning {} statements", texts.len()));
    probe::plan_all(
        &place.session,
        &mut snapshot,
        &given,
        &options,
        interrupt.flag(),
    )
    .await;
    if !args.report.show_literals {
        snapshot::redact(&mut snapshot, &mut Redactor::new());
    }
    progress.step("analysing");
    let origins: Vec<_> = texts.into_iter().map(|text| text.origin).collect();
    let Judged { mut report, state } = judge(snapshot, &origins, &rules);
    report.caveats.extend(place.caveats());
    progress.finish();
    let sink = Sink::of(args.report.output.as_deref());
    sink.write(&render(&report, format(args), &sink, args)?)?;
    if args.baseline.update_baseline {
        let text = state.text().context("cannot serialise the baseline")?;
        let path = input::baseline_path(&args.baseline, settings);
        Sink::File(path.clone()).write(&text)?;
        progress.note(&format!("wrote {}", path.display()));
        return Ok(Exit::of(&report, FailOn::Critical).without_findings());
    }
    Ok(Exit::of(&report, fail_on))
}

/// Puts the statements in the place of the workload's; returns the values of their parameters.
fn put(snapshot: &mut Snapshot, texts: &[Text]) -> Vec<Given> {
    let userid = snapshot.role.oid;
    let numbered = texts.iter().zip(1_i64..);
    snapshot.statements = numbered
        .map(|(text, number)| Statement {
            // No number of the server's: it only keeps them apart.
            key: StatementKey {
                userid,
                queryid: Some(QueryId(number)),
                toplevel: true,
            },
            role: None,
            query: Some(text.sql.clone()),
            counters: StatementCounters {
                calls: 1,
                ..StatementCounters::default()
            },
            stats_since: None,
        })
        .collect();
    texts.iter().map(|text| text.values.clone()).collect()
}

fn rules(args: &CheckArgs, file: &FileConfig) -> Result<Rules> {
    let or = |flags: &[String], keys: &[String]| -> Vec<String> {
        if flags.is_empty() { keys } else { flags }.to_vec()
    };
    let only = or(&args.report.checks.only, &file.only);
    let skip = or(&args.report.checks.skip, &file.skip);
    let mut assumed_rows: BTreeMap<String, f64> = file.assume_rows.clone();
    assumed_rows.extend(args.assume_rows.iter().cloned());
    Ok(Rules {
        analysis: analyze::Config {
            checks: Selection::new(
                only.iter().map(String::as_str),
                skip.iter().map(String::as_str),
            )?,
            thresholds: file.thresholds.clone(),
            ..analyze::Config::default()
        },
        fail_on: fail_on(args, file)?.threshold(),
        small_tables: file.small_tables.clone(),
        assumed_rows,
        sizes: Sizes::OfTest,
        today: Timestamp::now().to_zoned(TimeZone::UTC).date(),
        left_out: BTreeMap::new(),
        unfinished: Vec::new(),
        baseline: None,
        reported: if args.baseline.new_only {
            Reported::New
        } else {
            Reported::All
        },
        settings: args.settings.clone(),
    })
}

fn fail_on(args: &CheckArgs, file: &FileConfig) -> Result<FailOn> {
    if args.report.exit_zero {
        return Ok(FailOn::Never);
    }
    let from_file = file.fail_on.as_deref().map(|word| {
        <FailOn as clap::ValueEnum>::from_str(word, true).map_err(|_| {
            anyhow::anyhow!(
                "pgtriage.toml: fail_on = {word:?} is no severity; write critical, high, medium, low or never"
            )
        })
    });
    let from_file = from_file.transpose()?;
    Ok(args.report.fail_on.or(from_file).unwrap_or(FailOn::High))
}

fn probe_options(args: &CheckArgs) -> Result<ProbeOptions> {
    Ok(ProbeOptions {
        budget: std_duration(args.budget)?,
        settings: checked_settings(&args.settings)?,
        trust_owners: args.trust_owner.clone(),
        ..ProbeOptions::default()
    })
}

fn render(
    report: &crate::finding::Report,
    format: CheckFormat,
    sink: &Sink,
    args: &CheckArgs,
) -> Result<String> {
    use crate::report::{github, gitlab, junit, sarif};
    let usual = |format| output::render(report, format, sink, args.report.color);
    Ok(match format {
        CheckFormat::Terminal => usual(Format::Terminal)?,
        CheckFormat::Markdown => usual(Format::Markdown)?,
        CheckFormat::Html => usual(Format::Html)?,
        CheckFormat::Json => usual(Format::Json)?,
        CheckFormat::Sarif => sarif::render(report).context("cannot write the report as SARIF")?,
        CheckFormat::Junit => {
            junit::render(report).context("cannot write the report as JUnit XML")?
        }
        CheckFormat::Github => github::render(report),
        CheckFormat::Gitlab => gitlab::render(report).context("cannot serialise the report")?,
    })
}

/// The format that is asked for, else that of the output file's suffix.
fn format(args: &CheckArgs) -> CheckFormat {
    let sink = Sink::of(args.report.output.as_deref());
    args.report.format.unwrap_or_else(|| format_of(&sink))
}

fn format_of(sink: &Sink) -> CheckFormat {
    match sink.suffix() {
        Some("sarif") => CheckFormat::Sarif,
        Some("xml") => CheckFormat::Junit,
        _ => match output::format_of(sink) {
            Format::Terminal => CheckFormat::Terminal,
            Format::Markdown => CheckFormat::Markdown,
            Format::Html => CheckFormat::Html,
            Format::Json => CheckFormat::Json,
        },
    }
}
