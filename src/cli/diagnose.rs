//! `pgtriage diagnose`: observe or read a capture, analyse, report.

use std::path::Path;

use anyhow::{Context, Result};

use crate::analyze::{self, analyze};
use crate::checks::Selection;
use crate::checks::workload::Limits;
use crate::snapshot::{self, Snapshot};
use crate::sql::redact::Redactor;

use super::args::{DiagnoseArgs, ReportArgs, WorkloadArgs};
use super::exit::Exit;
use super::interrupt::Interrupt;
use super::logs::Reading;
use super::observe::{Contents, Literals, observe};
use super::output;
use super::progress::Progress;
use super::runtime;
use super::settings::Settings;

/// Diagnoses a server or a capture.
///
/// # Errors
/// Where there is no connection, the file cannot be read, or a flag's value is refused.
pub fn run(args: &DiagnoseArgs, progress: &Progress) -> Result<Exit> {
    let config = analyze::Config {
        thresholds: Settings::read(None)?.keys.thresholds,
        ..config(&args.report, limits(&args.workload))?
    };
    if let Some(path) = &args.from {
        progress.step(&format!("reading {}", path.display()));
        let mut snapshot = read(path)?;
        if snapshot.redacted && args.report.show_literals {
            progress.note(&format!(
                "{} holds tokens instead of literals; to keep them, run pgtriage capture with --show-literals",
                path.display()
            ));
        }
        let reading = Reading {
            progress,
            ended: None,
        };
        let logged = args.logs.read_into(&mut snapshot, reading)?;
        if !args.report.show_literals && (logged || !snapshot.redacted) {
            snapshot::redact(&mut snapshot, &mut Redactor::new());
        }
        return report(&snapshot, &config, &args.report, progress);
    }
    runtime()?.block_on(async {
        let interrupt = Interrupt::listen().context("cannot listen for signals")?;
        let literals = Literals::shown(args.report.show_literals);
        let snapshot = Box::pin(observe(
            &args.connection,
            &args.probe,
            &args.workload,
            &config,
            Contents::of_report(literals, &args.logs),
            progress,
            &interrupt,
        ))
        .await?;
        let exit = report(&snapshot, &config, &args.report, progress)?;
        Ok(interrupt.exit(exit))
    })
}

/// What is looked for and how far, by the flags.
///
/// # Errors
/// Names a check that does not exist.
pub fn config(report: &ReportArgs, limits: Limits) -> Result<analyze::Config> {
    Ok(analyze::Config {
        checks: Selection::new(
            report.checks.only.iter().map(String::as_str),
            report.checks.skip.iter().map(String::as_str),
        )?,
        limits,
        ..analyze::Config::default()
    })
}

/// How many statements are probed, by the flags.
pub fn limits(workload: &WorkloadArgs) -> Limits {
    Limits {
        top: workload.top,
        ..Limits::default()
    }
}

/// Analyses a Snapshot and delivers the report.
///
/// # Errors
/// Where the report cannot be written.
pub fn report(
    snapshot: &Snapshot,
    config: &analyze::Config,
    args: &ReportArgs,
    progress: &Progress,
) -> Result<Exit> {
    progress.step("analysing");
    let report = analyze(snapshot, config);
    progress.finish();
    output::deliver(&report, args)?;
    Ok(Exit::of(&report, args.fail_on))
}

fn read(path: &Path) -> Result<Snapshot> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    Snapshot::from_json(&bytes).with_context(|| format!("cannot use {}", path.display()))
}
