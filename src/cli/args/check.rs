//! The flags of `check`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use jiff::SignedDuration;

use super::{ChecksArgs, ColourChoice, ConnectionArgs, FailOn, ServerArgs, assignment, duration};

/// What is checked.
#[derive(Debug, Clone, Args)]
pub struct CheckInput {
    /// Files of SQL statements, and folders that are searched for *.sql; by default those of pgtriage.toml
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Check the statements of the database's own `pg_stat_statements` instead of files
    #[arg(long, conflicts_with = "paths", help_heading = "Input")]
    pub statements: bool,
    /// The settings file; by default the first pgtriage.toml in this folder or one above it
    #[arg(long, value_name = "FILE", help_heading = "Input")]
    pub config: Option<PathBuf>,
}

/// The database of `check`: as everywhere, but named by a flag alone.
#[derive(Debug, Clone, Args)]
pub struct CheckConnection {
    /// Database name, URI or conninfo string; what is absent comes from pgtriage.toml and PG* variables
    #[arg(short, long, help_heading = "Connection")]
    pub dbname: Option<String>,
    #[command(flatten)]
    pub server: ServerArgs,
}

impl CheckConnection {
    /// The same as every other command has it; `database` where no flag names one.
    pub fn with(&self, database: Option<&str>) -> ConnectionArgs {
        ConnectionArgs {
            target: None,
            dbname: self.dbname.clone().or_else(|| database.map(str::to_owned)),
            server: self.server.clone(),
        }
    }
}

/// Planning as production would.
#[derive(Debug, Clone, Args)]
pub struct ProductionArgs {
    /// Plan as the server of this capture file: on a throwaway server of this machine that has its sizes, statistics
    /// and planner settings
    #[arg(long, value_name = "CAPTURE", help_heading = "Production")]
    pub as_production: Option<PathBuf>,
    /// The schema to plan with: a file, such as `pg_dump --schema-only` writes, or a folder of migrations; by default
    /// that of the database, which `pg_dump` must be able to read
    #[arg(
        long,
        value_name = "PATH",
        requires = "as_production",
        help_heading = "Production"
    )]
    pub schema: Option<PathBuf>,
}

/// A format of a check's report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CheckFormat {
    /// For a person at a terminal
    Terminal,
    /// For a comment on a pull request
    Markdown,
    /// One file for a browser, on screen or paper
    Html,
    /// For a program
    Json,
    /// For code hosts: SARIF 2.1.0
    Sarif,
    /// For CI servers: test results as XML, a test case a statement
    Junit,
    /// For GitHub Actions: annotations
    Github,
    /// For GitLab: a code quality report
    Gitlab,
}

#[derive(Debug, Clone, Args)]
pub struct CheckReport {
    /// Format of the report; by default that of the output file's suffix, else terminal
    #[arg(long, help_heading = "Report")]
    pub format: Option<CheckFormat>,
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
    /// Print literals of queries and plans instead of tokens
    #[arg(long, help_heading = "Report")]
    pub show_literals: bool,
    /// Exit with 1 if a finding is at least that severe [default: high]
    #[arg(long, value_name = "SEVERITY", help_heading = "Report")]
    pub fail_on: Option<FailOn>,
    /// Exit with 0 whatever is found
    #[arg(long, conflicts_with = "fail_on", help_heading = "Report")]
    pub exit_zero: bool,
    #[command(flatten)]
    pub checks: ChecksArgs,
}

#[derive(Debug, Clone, Args)]
pub struct CheckArgs {
    #[command(flatten)]
    pub input: CheckInput,
    #[command(flatten)]
    pub connection: CheckConnection,
    #[command(flatten)]
    pub production: ProductionArgs,
    /// Rows that a table has in production: one with fewer than 10,000 may be read whole
    #[arg(long, value_name = "TABLE=N", value_parser = rows, help_heading = "Input")]
    pub assume_rows: Vec<(String, f64)>,
    /// Longest time for all plans together
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = duration, help_heading = "Planning")]
    pub budget: SignedDuration,
    /// A session setting for the plans
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = assignment, help_heading = "Planning")]
    pub settings: Vec<(String, String)>,
    /// Let functions, operators, types and views of this role be part of plans
    #[arg(long, value_name = "ROLE", help_heading = "Planning")]
    pub trust_owner: Vec<String>,
    #[command(flatten)]
    pub baseline: BaselineArgs,
    #[command(flatten)]
    pub report: CheckReport,
}

/// What plans were before.
#[derive(Debug, Clone, Args)]
pub struct BaselineArgs {
    /// Plans and findings as they were; by default pgtriage.lock.json beside pgtriage.toml, where it is there
    #[arg(long, value_name = "FILE", help_heading = "Baseline")]
    pub baseline: Option<PathBuf>,
    /// Write plans and findings as they are into the baseline
    #[arg(long, help_heading = "Baseline")]
    pub update_baseline: bool,
    /// Report only what the baseline does not have
    #[arg(long, conflicts_with = "update_baseline", help_heading = "Baseline")]
    pub new_only: bool,
}

fn rows(text: &str) -> Result<(String, f64), String> {
    let (table, rows) = text
        .split_once('=')
        .ok_or("not TABLE=N, such as country=250")?;
    let number: f64 = rows
        .replace('_', "")
        .parse()
        .map_err(|_| format!("{rows:?} is not a number of rows"))?;
    if number.is_finite() && number >= 0.0 && !table.is_empty() {
        Ok((table.to_owned(), number))
    } else {
        Err("not TABLE=N, such as country=250".to_owned())
    }
}
