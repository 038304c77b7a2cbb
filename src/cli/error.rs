//! Errors as one line on standard error.

use std::process::ExitCode;

use super::exit::Exit;

/// Says why the program could not run, in one line.
#[expect(clippy::print_stderr, reason = "this is where errors are printed")]
pub fn report(error: &anyhow::Error) -> ExitCode {
    let causes: Vec<String> = error.chain().map(ToString::to_string).collect();
    eprintln!("pgtriage: {}", one_line(&causes.join(": ")));
    Exit::CouldNotRun.into()
}

/// Prints what clap has to say: help and version whole, a usage error in one line.
#[expect(clippy::print_stderr, reason = "this is where errors are printed")]
pub fn usage(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        return match error.print() {
            Ok(()) => Exit::Done.into(),
            Err(failure) if failure.kind() == std::io::ErrorKind::BrokenPipe => Exit::Done.into(),
            Err(_) => Exit::CouldNotRun.into(),
        };
    }
    let text = error.to_string();
    let essence: Vec<&str> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.starts_with("Usage:") && !line.starts_with("For more information"))
        .collect();
    let essence = one_line(&essence.join(" "));
    eprintln!(
        "pgtriage: {}; try --help",
        essence.strip_prefix("error: ").unwrap_or(&essence)
    );
    Exit::CouldNotRun.into()
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
