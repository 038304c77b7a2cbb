//! `pgtriage capture`: observe and write the Snapshot to a file.

use anyhow::{Context, Result};

use crate::analyze;

use super::args::CaptureArgs;
use super::exit::Exit;
use super::interrupt::Interrupt;
use super::observe::{Contents, Distributions, Literals, observe};
use super::output::Sink;
use super::progress::Progress;
use super::settings::Settings;
use super::{diagnose, runtime};

/// Observes a server and writes what was seen.
///
/// # Errors
/// Where there is no connection, a flag's value is refused, or the file cannot be written.
pub fn run(args: &CaptureArgs, progress: &Progress) -> Result<Exit> {
    runtime()?.block_on(async {
        let interrupt = Interrupt::listen().context("cannot listen for signals")?;
        let config = analyze::Config {
            limits: diagnose::limits(&args.workload),
            thresholds: Settings::read(None)?.keys.thresholds,
            ..analyze::Config::default()
        };
        let literals = Literals::shown(args.show_literals);
        let contents = Contents {
            literals,
            distributions: Distributions::Read,
            logs: &args.logs,
        };
        let snapshot = Box::pin(observe(
            &args.connection,
            &args.probe,
            &args.workload,
            &config,
            contents,
            progress,
            &interrupt,
        ))
        .await?;
        let sink = Sink::of(Some(&args.output));
        sink.write(&snapshot.to_json().context("cannot serialise the capture")?)?;
        progress.finish();
        if let Sink::File(path) = &sink {
            progress.note(&format!(
                "wrote {}: {} statements, {} plans",
                path.display(),
                snapshot.statements.len(),
                snapshot.plans.len()
            ));
        }
        Ok(interrupt.exit(Exit::Done))
    })
}
