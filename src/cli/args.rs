//! The command line, defined once: help, man page and completions derive from here.

pub mod check;
#[cfg(test)]
mod tests;
mod values;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{
    ArgAction, ArgMatches, Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum,
};
use clap_complete::Shell;
use jiff::SignedDuration;

use self::values::{assignment, duration, parameter};
use super::logs::LogArgs;
use crate::finding::Severity;

/// Finds what makes a PostgreSQL database slow, proves it with numbers, and says what to do.
///
/// Reads `pg_stat_statements` and the statistics views, runs EXPLAIN (ANALYZE) on the statements that cost most, and
/// reports bottlenecks with their evidence. Changes nothing in the target.
///
/// Exit codes: 0 done; 1 findings at or above --fail-on; 2 could not run; 3 inconclusive (only with --fail-on).
#[derive(Debug, Parser)]
#[command(
    name = "pgtriage",
    version,
    disable_help_flag = true,
    disable_help_subcommand = true,
    max_term_width = 100
)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Option<Command>,
    #[command(flatten)]
    pub diagnose: DiagnoseArgs,
    #[command(flatten)]
    pub global: GlobalArgs,
}

impl Cli {
    /// Reads a command line. Before a command's name only the flags of every command may stand: those of the default
    /// command would be without effect there.
    ///
    /// # Errors
    /// What is wrong with it, or the help that it asks for.
    pub fn read(
        words: impl IntoIterator<Item = impl Into<OsString> + Clone>,
    ) -> Result<Self, clap::Error> {
        let mut definition = Self::command();
        let matches = definition.try_get_matches_from_mut(words)?;
        if let Some(command) = matches.subcommand_name()
            && let Some(misplaced) = misplaced(&definition, &matches)
        {
            let message = format!("'{misplaced}' must stand after '{command}'");
            return Err(definition.error(ErrorKind::ArgumentConflict, message));
        }
        Self::from_arg_matches(&matches)
    }
}

/// An argument of the default command that was given although a command is named.
fn misplaced(definition: &clap::Command, matches: &ArgMatches) -> Option<String> {
    let own = definition
        .get_arguments()
        .filter(|argument| !argument.is_global_set());
    own.filter(|argument| {
        matches.value_source(argument.get_id().as_str()) == Some(ValueSource::CommandLine)
    })
    .map(|argument| match argument.get_long() {
        Some(long) => format!("--{long}"),
        None => "DBNAME|URI|CONNINFO".to_owned(),
    })
    .next()
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Read the counters, get plans of the statements that matter, report bottlenecks (the default command)
    #[command(disable_help_flag = true)]
    Diagnose(Box<DiagnoseArgs>),
    /// Explain one statement or saved plans: what the time goes into, what is wrong, what to do
    #[command(disable_help_flag = true)]
    Explain(Box<ExplainArgs>),
    /// Check the plans of `.sql` files: a gate for CI
    #[command(disable_help_flag = true)]
    Check(Box<check::CheckArgs>),
    /// Write everything that is observed to one file, for `diagnose --from`
    #[command(disable_help_flag = true)]
    Capture(Box<CaptureArgs>),
    /// List the checks, or show one check's page
    #[command(disable_help_flag = true)]
    Rules(RulesArgs),
    /// Print SQL that creates a least-privileged role for this program (never runs it)
    #[command(disable_help_flag = true)]
    Grants(GrantsArgs),
    /// Diagnose a sample shop on a throwaway PostgreSQL that is started and removed
    #[command(disable_help_flag = true)]
    Demo(Box<DemoArgs>),
    /// Print a shell's completion script
    #[command(disable_help_flag = true)]
    Completions(CompletionsArgs),
    /// Print the man page
    #[command(disable_help_flag = true)]
    Man,
}

#[derive(Debug, Clone, Args)]
pub struct GlobalArgs {
    /// Print help
    #[arg(short = '?', long, action = ArgAction::HelpLong, global = true)]
    pub help: Option<bool>,
    /// No progress and no messages but errors
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Say on standard error what is being done
    #[arg(short, long, global = true, conflicts_with = "quiet")]
    pub verbose: bool,
}

#[derive(Debug, Clone, Args)]
pub struct ConnectionArgs {
    /// Database name, URI or conninfo string; what is absent comes from PG* variables, as in psql
    #[arg(value_name = "DBNAME|URI|CONNINFO")]
    pub target: Option<String>,
    /// Database name, URI or conninfo string
    #[arg(short, long, conflicts_with = "target", help_heading = "Connection")]
    pub dbname: Option<String>,
    #[command(flatten)]
    pub server: ServerArgs,
}

/// Where the server is, and who connects.
#[derive(Debug, Clone, Args)]
pub struct ServerArgs {
    /// Server host or socket directory
    #[arg(short = 'h', long, help_heading = "Connection")]
    pub host: Option<String>,
    /// Server port
    #[arg(short, long, help_heading = "Connection")]
    pub port: Option<String>,
    /// Role to connect as
    #[arg(short = 'U', long, help_heading = "Connection")]
    pub username: Option<String>,
    /// Never ask for a password
    #[arg(short = 'w', long, help_heading = "Connection")]
    pub no_password: bool,
}

/// How far the probes go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ProbeLevel {
    /// No plans
    None,
    /// EXPLAIN only
    Plan,
    /// EXPLAIN (ANALYZE) where it is safe
    Analyze,
}

#[derive(Debug, Clone, Args)]
pub struct ProbeArgs {
    /// How far to go for plans
    #[arg(
        long,
        value_name = "LEVEL",
        default_value = "analyze",
        help_heading = "Probing"
    )]
    pub probe: ProbeLevel,
    /// Longest time for one statement, such as 10s or 500ms
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = duration, help_heading = "Probing")]
    pub timeout: SignedDuration,
    /// Longest time for all probes together
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = duration, help_heading = "Probing")]
    pub budget: SignedDuration,
    /// Execute INSERT, UPDATE, DELETE and MERGE, too, in transactions that are rolled back
    #[arg(long, help_heading = "Probing")]
    pub analyze_writes: bool,
    /// A session setting for the probes
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = assignment, help_heading = "Probing")]
    pub settings: Vec<(String, String)>,
    /// Let functions, operators, types and views of this role run in probes
    #[arg(long, value_name = "ROLE", help_heading = "Probing")]
    pub trust_owner: Vec<String>,
}

/// Which statements are looked at.
#[derive(Debug, Clone, Args)]
pub struct WorkloadArgs {
    /// Statement families to probe at the most
    #[arg(long, value_name = "N", default_value_t = 20, help_heading = "Probing")]
    pub top: usize,
    /// Measure an interval instead of reading counters since their reset
    #[arg(long, value_name = "DURATION", value_parser = duration, help_heading = "Probing")]
    pub window: Option<SignedDuration>,
}

/// A format of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For a person at a terminal
    Terminal,
    /// For a ticket or a comment
    Markdown,
    /// One file for a browser, on screen or paper
    Html,
    /// For a program
    Json,
}

/// When to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ColourChoice {
    /// On a terminal, unless `NO_COLOR` is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// From which severity on the exit code is 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FailOn {
    /// Critical findings
    Critical,
    /// High and above
    High,
    /// Medium and above
    Medium,
    /// Low and above
    Low,
    /// No finding
    Never,
}

impl FailOn {
    /// The least severity that fails; `None` for never.
    pub const fn threshold(self) -> Option<Severity> {
        match self {
            Self::Critical => Some(Severity::Critical),
            Self::High => Some(Severity::High),
            Self::Medium => Some(Severity::Medium),
            Self::Low => Some(Severity::Low),
            Self::Never => None,
        }
    }
}

#[derive(Debug, Clone, Args)]
pub struct ReportArgs {
    /// Format of the report; by default that of the output file's suffix, else terminal
    #[arg(long, help_heading = "Report")]
    pub format: Option<Format>,
    /// Write the report to a file instead of standard output
    #[arg(short, long, value_name = "FILE", help_heading = "Report")]
    pub output: Option<PathBuf>,
    /// When to colour
    #[arg(
        long,
        value_name = "WHEN",
        default_value = "auto",
        help_heading = "Report"
    )]
    pub color: ColourChoice,
    /// Print literals of queries, plans and statistics instead of tokens
    #[arg(long, help_heading = "Report")]
    pub show_literals: bool,
    /// Exit with 1 if a finding is at least that severe
    #[arg(
        long,
        value_name = "SEVERITY",
        default_value = "never",
        help_heading = "Report"
    )]
    pub fail_on: FailOn,
    #[command(flatten)]
    pub checks: ChecksArgs,
}

/// Which checks run.
#[derive(Debug, Clone, Args)]
pub struct ChecksArgs {
    /// Run only these checks
    #[arg(
        long,
        value_name = "ID,…",
        value_delimiter = ',',
        help_heading = "Report"
    )]
    pub only: Vec<String>,
    /// Leave these checks out
    #[arg(
        long,
        value_name = "ID,…",
        value_delimiter = ',',
        help_heading = "Report"
    )]
    pub skip: Vec<String>,
}

#[derive(Debug, Clone, Args)]
pub struct DiagnoseArgs {
    #[command(flatten)]
    pub connection: ConnectionArgs,
    /// Analyse a capture file; no database is needed
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = [
            "target", "dbname", "host", "port", "username", "window", "probe", "timeout", "budget", "analyze_writes", "top",
            "settings", "trust_owner",
        ],
        help_heading = "Connection"
    )]
    pub from: Option<PathBuf>,
    #[command(flatten)]
    pub probe: ProbeArgs,
    #[command(flatten)]
    pub workload: WorkloadArgs,
    #[command(flatten)]
    pub logs: LogArgs,
    #[command(flatten)]
    pub report: ReportArgs,
}

/// One statement, or saved plans.
#[derive(Debug, Clone, Args)]
#[group(multiple = false)]
pub struct InputArgs {
    /// The statement
    #[arg(short, long, value_name = "SQL", help_heading = "Input")]
    pub command: Option<String>,
    /// A file that holds the statement; `-` is standard input, which is also read where nothing else is given
    #[arg(short, long, value_name = "FILE", help_heading = "Input")]
    pub file: Option<PathBuf>,
    /// A statement of this database's `pg_stat_statements`
    #[arg(
        long,
        value_name = "N",
        allow_negative_numbers = true,
        help_heading = "Input"
    )]
    pub queryid: Option<i64>,
    /// What EXPLAIN (FORMAT JSON) printed or `auto_explain` logged; `-` is standard input. No database is needed
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = ["target", "dbname", "host", "port", "username"],
        help_heading = "Input"
    )]
    pub plan: Option<PathBuf>,
}

#[derive(Debug, Clone, Args)]
pub struct ExplainArgs {
    #[command(flatten)]
    pub connection: ConnectionArgs,
    #[command(flatten)]
    pub input: InputArgs,
    /// The value of parameter $N, such as 1=42; without one, values are taken from the planner's statistics. NULL is
    /// NULL, and 'NULL' in quotes is the text
    #[arg(long, value_name = "N=VALUE", value_parser = parameter, conflicts_with = "plan", help_heading = "Input")]
    pub param: Vec<(u32, Option<String>)>,
    /// Executions with the same values; the first is told apart from the others, because it may find a cold cache
    #[arg(
        long,
        value_name = "N",
        default_value_t = 1,
        value_parser = clap::value_parser!(u32).range(1..=1000),
        conflicts_with = "plan",
        help_heading = "Probing"
    )]
    pub runs: u32,
    #[command(flatten)]
    pub probe: ProbeArgs,
    #[command(flatten)]
    pub report: ReportArgs,
}

#[derive(Debug, Clone, Args)]
pub struct CaptureArgs {
    #[command(flatten)]
    pub connection: ConnectionArgs,
    #[command(flatten)]
    pub probe: ProbeArgs,
    #[command(flatten)]
    pub workload: WorkloadArgs,
    #[command(flatten)]
    pub logs: LogArgs,
    /// The file to write; `-` is standard output
    #[arg(
        short,
        long,
        value_name = "FILE",
        required = true,
        help_heading = "Capture"
    )]
    pub output: PathBuf,
    /// Keep literals of queries, plans and statistics in the file
    #[arg(long, help_heading = "Capture")]
    pub show_literals: bool,
}

#[derive(Debug, Args)]
pub struct RulesArgs {
    /// The check's id
    pub id: Option<String>,
}

#[derive(Debug, Args)]
pub struct GrantsArgs {
    /// The role to create
    #[arg(long, value_name = "NAME", default_value = crate::collect::grants::DEFAULT_ROLE)]
    pub role: String,
}

#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Leave the server running and print its URI
    #[arg(long)]
    pub keep: bool,
    /// Size of the shop and of its traffic in percent; the smaller it is, the fewer bottlenecks show
    #[arg(long, value_name = "PERCENT", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub scale: u32,
    #[command(flatten)]
    pub report: ReportArgs,
}

#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell
    pub shell: Shell,
}
