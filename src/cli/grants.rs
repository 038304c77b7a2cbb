//! `pgtriage grants`: SQL for a least-privileged role, printed and never run.

use anyhow::Result;

use crate::collect::grants;

use super::args::GrantsArgs;
use super::exit::Exit;
use super::output::Sink;

/// Prints the SQL.
///
/// # Errors
/// Where no role can have that name, or standard output cannot be written.
pub fn run(args: &GrantsArgs) -> Result<Exit> {
    Sink::Stdout.write(&grants::script(&args.role)?)?;
    Ok(Exit::Done)
}
