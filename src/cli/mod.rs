//! The command line: one file a command.

mod args;
mod capture;
mod check;
mod demo;
mod diagnose;
mod documents;
mod error;
mod exit;
mod explain;
mod grants;
mod interrupt;
mod logs;
mod observe;
mod output;
mod progress;
mod rules;
mod settings;

use std::process::ExitCode;

use anyhow::{Context, Result};
use tokio::runtime::{Builder, Runtime};

use args::{Cli, Command};
use exit::Exit;
pub use exit::exit_codes_markdown;
use observe::Interrupted;
use progress::Progress;

/// Runs the program with the process's arguments.
pub fn main() -> ExitCode {
    let cli = match Cli::read(std::env::args_os()) {
        Ok(cli) => cli,
        Err(error) => return error::usage(&error),
    };
    let progress = Progress::new(&cli.global);
    let result = run(cli, &progress);
    progress.finish();
    match result {
        Ok(exit) => exit.into(),
        Err(error) if error.is::<Interrupted>() => {
            progress.note(&error.to_string());
            Exit::Interrupted.into()
        }
        Err(error) => error::report(&error),
    }
}

fn run(cli: Cli, progress: &Progress) -> Result<Exit> {
    match cli.command {
        None => diagnose::run(&cli.diagnose, progress),
        Some(Command::Diagnose(args)) => diagnose::run(&args, progress),
        Some(Command::Explain(args)) => explain::run(&args, progress),
        Some(Command::Check(args)) => check::run(&args, progress),
        Some(Command::Capture(args)) => capture::run(&args, progress),
        Some(Command::Rules(args)) => rules::run(&args),
        Some(Command::Grants(args)) => grants::run(&args),
        Some(Command::Demo(args)) => demo::run(&args, progress),
        Some(Command::Completions(args)) => documents::completions(args.shell),
        Some(Command::Man) => documents::man(),
    }
}

/// One thread for the program and one for what waits.
fn runtime() -> Result<Runtime> {
    Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("cannot start the runtime")
}
