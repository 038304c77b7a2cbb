//! What is printed about the program itself: completions and the man page.

use anyhow::{Context, Result};
use clap::CommandFactory;
use clap_complete::Shell;

use super::args::Cli;
use super::exit::Exit;
use super::output::Sink;

/// Prints a shell's completion script.
///
/// # Errors
/// Where standard output cannot be written.
pub fn completions(shell: Shell) -> Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "pgtriage", &mut script);
    print(script)
}

/// Prints the man page: the program, then each command.
///
/// # Errors
/// Where standard output cannot be written.
pub fn man() -> Result<Exit> {
    let mut page = Vec::new();
    clap_mangen::Man::new(Cli::command())
        .render(&mut page)
        .context("cannot render the man page")?;
    print(page)
}

fn print(bytes: Vec<u8>) -> Result<Exit> {
    let text = String::from_utf8(bytes).context("generated text is not UTF-8")?;
    Sink::Stdout.write(&text)?;
    Ok(Exit::Done)
}
