//! `pgtriage explain`: one statement, or saved plans, made plain.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, IsTerminal, Read};
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::analyze;
use crate::checks::workload::Limits;
use crate::ids::{QueryId, StatementKey};
use crate::plan;
use crate::probe::guard::{TextVerdict, judge_text};
use crate::probe::{Variants, Writes};
use crate::snapshot::{self, ProbeOutcome, ProbeStatus, Snapshot, Statement, StatementCounters};
use crate::sql::lexer::{TokenKind, tokens};
use crate::sql::mentions::{Mentions, StatementClass};
use crate::sql::redact::Redactor;

use super::args::{ExplainArgs, InputArgs};
use super::exit::Exit;
use super::interrupt::Interrupt;
use super::observe::{Probing, connect_to_probe, look_in_time, probe_options, unless_interrupted};
use super::progress::Progress;
use super::settings::Settings;
use super::{diagnose, runtime};

/// What is to be explained.
enum Input {
    /// A statement's text.
    Text(String),
    /// A statement of `pg_stat_statements`.
    QueryId(QueryId),
    /// What EXPLAIN or `auto_explain` printed.
    Plans(String),
}

/// Explains a statement or saved plans.
///
/// # Errors
/// Where there is no statement or more than one, no connection, no plan in the file, or the server does not plan the
/// statement.
pub fn run(args: &ExplainArgs, progress: &Progress) -> Result<Exit> {
    let config = analyze::Config {
        thresholds: Settings::read(None)?.keys.thresholds,
        ..diagnose::config(&args.report, Limits::default())?
    };
    let input = input(&args.input)?;
    let deliver = |mut snapshot: Snapshot| {
        if !args.report.show_literals {
            snapshot::redact(&mut snapshot, &mut Redactor::new());
        }
        planned(&snapshot)?;
        diagnose::report(&snapshot, &config, &args.report, progress)
    };
    if let Input::Plans(text) = &input {
        progress.step("reading plans");
        return deliver(Snapshot::of_plans(plan::read_plans(text)?)?);
    }
    runtime()?.block_on(async {
        let interrupt = Interrupt::listen().context("cannot listen for signals")?;
        let snapshot = Box::pin(observe(args, &input, &config, progress, &interrupt)).await?;
        let exit = deliver(snapshot)?;
        Ok(interrupt.exit(exit))
    })
}

/// Connects, reads the catalog, and gets the statement's plans.
async fn observe(
    args: &ExplainArgs,
    input: &Input,
    config: &analyze::Config,
    progress: &Progress,
    interrupt: &Interrupt,
) -> Result<Snapshot> {
    let mut options = probe_options(&args.probe)?;
    if args.probe.analyze_writes && matches!(input, Input::Text(_)) {
        options.writes = Writes::ExecutedAsGiven;
    }
    options.given = args.param.iter().cloned().collect();
    options.runs = args.runs;
    options.executed = Variants::All;
    options.thresholds.clone_from(&config.thresholds);
    let session = Box::pin(unless_interrupted(
        interrupt,
        connect_to_probe(&args.connection, &options.settings, progress),
    ))
    .await?;
    let looked = Box::pin(unless_interrupted(
        interrupt,
        look_in_time(&session, &mut options, progress),
    ))
    .await?;
    let statement = statement(&looked, input)?;
    if let Some(text) = &statement.query {
        fits(&options.given, text)?;
    }
    let mut snapshot = looked.explaining(statement);
    progress.step("explaining the statement");
    let probing = Probing {
        session: &session,
        options: &options,
        progress,
        interrupt,
        started: Instant::now(),
    };
    probing.get_plans(&mut snapshot, &[0]).await;
    snapshot.count_executions();
    snapshot.narrow();
    probing.ask_what_if(&mut snapshot).await;
    Ok(snapshot)
}

/// The statement as the workload knows it, or as if the connected role had sent it.
fn statement(looked: &Snapshot, input: &Input) -> Result<Statement> {
    match input {
        Input::QueryId(queryid) => {
            let known = looked.statements.iter();
            let found = known
                .filter(|statement| statement.key.queryid == Some(*queryid))
                .max_by_key(|statement| statement.key.toplevel);
            let Some(found) = found else {
                bail!(unknown_queryid(looked, *queryid));
            };
            let Some(text) = &found.query else {
                bail!("pg_stat_statements lost the text of statement {queryid}; give it with -c");
            };
            one_statement(text)?;
            Ok(found.clone())
        }
        Input::Text(text) | Input::Plans(text) => Ok(Statement {
            key: StatementKey {
                userid: looked.role.oid,
                queryid: None,
                toplevel: true,
            },
            role: None,
            query: Some(text.clone()),
            counters: StatementCounters::default(),
            stats_since: None,
        }),
    }
}

/// Fails where a value is given for a parameter that the text does not have.
fn fits(given: &BTreeMap<u32, Option<String>>, text: &str) -> Result<()> {
    let has = |number: u32| {
        let mut all = tokens(text).filter(|token| token.kind == TokenKind::Param);
        all.any(|token| token.text.strip_prefix('$').and_then(|n| n.parse().ok()) == Some(number))
    };
    match given.keys().find(|number| !has(**number)) {
        Some(number) => bail!("--param {number}: the statement has no parameter ${number}"),
        None => Ok(()),
    }
}

fn unknown_queryid(looked: &Snapshot, queryid: QueryId) -> String {
    let gap = looked.gap(snapshot::Area::Statements);
    match gap.filter(|_| looked.statements.is_empty()) {
        Some(gap) => {
            let remedy = gap.remedy.as_deref().unwrap_or("give the text with -c");
            format!(
                "statement {queryid} cannot be looked up: {}; {remedy}",
                gap.reason
            )
        }
        None => format!(
            "pg_stat_statements of database {} has no statement {queryid}; pgtriage --format json lists those that cost most",
            looked.server.database
        ),
    }
}

/// Fails where the server did not plan the statement for a reason that lies in its text.
fn planned(snapshot: &Snapshot) -> Result<()> {
    let failed = |probe: &&ProbeOutcome| probe.status == ProbeStatus::Failed;
    if let Some(probe) = snapshot.probes.iter().find(failed) {
        let reason = probe.reason.as_deref().unwrap_or("no reason given");
        match &probe.remedy {
            Some(remedy) => bail!("the statement was not planned: {reason}; {remedy}"),
            None => bail!("the statement was not planned: {reason}"),
        }
    }
    Ok(())
}

/// The one input that the flags name; without any, standard input unless that is a terminal.
fn input(args: &InputArgs) -> Result<Input> {
    if let Some(queryid) = args.queryid {
        return Ok(Input::QueryId(QueryId(queryid)));
    }
    if let Some(path) = &args.plan {
        return Ok(Input::Plans(read(path)?));
    }
    let text = match (&args.command, &args.file) {
        (Some(text), _) => text.clone(),
        (None, Some(path)) => read(path)?,
        (None, None) if io::stdin().is_terminal() => String::new(),
        (None, None) => read(Path::new("-"))?,
    };
    Ok(Input::Text(one_statement(&text)?))
}

fn read(path: &Path) -> Result<String> {
    let bytes = if path.as_os_str() == "-" {
        let mut bytes = Vec::new();
        let mut stdin = io::stdin().lock();
        stdin
            .read_to_end(&mut bytes)
            .context("cannot read standard input")?;
        bytes
    } else {
        fs::read(path).with_context(|| format!("cannot read {}", path.display()))?
    };
    String::from_utf8(bytes)
        .with_context(|| format!("cannot use {}: it is not UTF-8 text", path.display()))
}

/// The text of exactly one statement that has a plan, without its final semicolon.
fn one_statement(text: &str) -> Result<String> {
    let mentions = Mentions::of(text);
    let class = &mentions.class;
    if matches!(class, StatementClass::Other(word) if word.is_empty()) {
        bail!(
            "no statement to explain; give one with -c SQL, -f FILE, on standard input or by --queryid N, or a saved plan with --plan FILE"
        );
    }
    if let StatementClass::Other(word) = class
        && ["prepare", "set"].contains(&word.as_str())
    {
        bail!("{} {}", word.to_uppercase(), instead_of(word));
    }
    if mentions.several_statements {
        bail!("the text holds more than one statement; explain them one by one");
    }
    if mentions.unterminated.is_some() {
        bail!("the text ends inside a string, a quoted name or a comment; complete it");
    }
    if let StatementClass::Other(word) = class {
        bail!("{} {}", word.to_uppercase(), instead_of(word));
    }
    if let TextVerdict::Refused(hold) = judge_text(&mentions) {
        bail!("the statement cannot be explained: {}", hold.reason);
    }
    Ok(text.trim().trim_end_matches(';').trim_end().to_owned())
}

/// What to do with a text that is no SELECT, INSERT, UPDATE, DELETE or MERGE.
fn instead_of(word: &str) -> &'static str {
    match word {
        "explain" => {
            "is added by this program; give the statement alone, or what EXPLAIN (FORMAT JSON) printed with --plan"
        }
        "execute" => {
            "needs the session that prepared the statement; give the prepared text with --param 1=…, or with --plan what EXPLAIN (ANALYZE, VERBOSE, BUFFERS, FORMAT JSON) EXECUTE … prints there"
        }
        "prepare" => {
            "has no plan of its own; give the statement after AS with --param 1=…, or with --plan what EXPLAIN (ANALYZE, VERBOSE, BUFFERS, FORMAT JSON) EXECUTE … prints in that session"
        }
        "set" => {
            "changes a session; give the statement alone, a planner setting with --set NAME=VALUE, and search_path and the like with the connection: options=-csearch_path=…"
        }
        "create" | "refresh" => "has no plan of its own; explain the SELECT inside",
        "declare" | "copy" => "has no plan of its own; explain the query inside",
        _ => "is a command without a plan; explain a SELECT, INSERT, UPDATE, DELETE or MERGE",
    }
}
