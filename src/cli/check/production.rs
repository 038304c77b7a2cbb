//! Planning as production would: on a throwaway server of a capture's sizes, statistics and planner settings.

use std::path::Path;

use anyhow::{Context, Result};

use crate::cli::args::ConnectionArgs;
use crate::cli::interrupt::Interrupt;
use crate::cli::observe::unless_interrupted;
use crate::cli::progress::Progress;
use crate::connect::{self, ConnectArgs, Environment, PasswordPrompt, Session};
use crate::simulate::{Schema, Simulation};
use crate::snapshot::Snapshot;

/// Starts the throwaway server and connects to it. The schema is that of a file, a folder of migrations, or the
/// database of the connection.
///
/// # Errors
/// Where the capture or the schema cannot be read, or the server does not start.
pub async fn start(
    capture: &Path,
    schema: Option<&Path>,
    connection: &ConnectionArgs,
    progress: &Progress,
    interrupt: &Interrupt,
) -> Result<(Simulation, Session)> {
    let bytes =
        std::fs::read(capture).with_context(|| format!("cannot read {}", capture.display()))?;
    let capture =
        Snapshot::from_json(&bytes).with_context(|| format!("cannot use {}", capture.display()))?;
    let schema = if let Some(path) = schema {
        Schema::read(path)?
    } else {
        progress.step("copying the schema of the database");
        tokio::task::block_in_place(|| Schema::dump(&arguments(connection)))?
    };
    progress.step("starting a throwaway PostgreSQL of production's size");
    let started = async { Ok(Simulation::start(&capture, &schema).await?) };
    let simulation = Box::pin(unless_interrupted(interrupt, started)).await?;
    // Nothing that surrounds this process leads to the throwaway server, and nothing of it may lead away.
    let place = ConnectArgs {
        target: Some(simulation.uri()),
        prompt: PasswordPrompt::Never,
        ..ConnectArgs::default()
    };
    let resolved = connect::resolve(&place, &Environment::default())?;
    let session = resolved.connect().await?;
    Ok((simulation, session))
}

/// The flags of psql that name the database of a connection.
fn arguments(connection: &ConnectionArgs) -> Vec<String> {
    let dbname = connection.dbname.as_ref().or(connection.target.as_ref());
    let flags = [
        ("--host", connection.server.host.as_ref()),
        ("--port", connection.server.port.as_ref()),
        ("--username", connection.server.username.as_ref()),
        ("--dbname", dbname),
    ];
    let given = flags.into_iter().filter_map(|(flag, value)| {
        let value = value?;
        Some(format!("{flag}={value}"))
    });
    // Nobody would see it ask.
    given.chain(["--no-password".to_owned()]).collect()
}
