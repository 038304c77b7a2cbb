//! Exit codes.

use std::process::ExitCode;

use crate::finding::{Report, Status};

use super::args::FailOn;

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done; nothing at or above `--fail-on`.
    Done,
    /// Findings at or above `--fail-on`.
    Findings,
    /// Could not run: bad arguments, no connection, unreadable file.
    CouldNotRun,
    /// Ran, but could not see enough to say "clean"; only where `--fail-on` is not `never`.
    Inconclusive,
    /// Interrupted by the user; what had been seen until then was reported.
    Interrupted,
}

impl Exit {
    /// What a report means under `--fail-on`.
    pub fn of(report: &Report, fail_on: FailOn) -> Self {
        let Some(threshold) = fail_on.threshold() else {
            return Self::Done;
        };
        if report
            .bottlenecks
            .iter()
            .any(|finding| finding.severity >= threshold)
        {
            Self::Findings
        } else if report.status == Status::Partial {
            Self::Inconclusive
        } else {
            Self::Done
        }
    }

    /// The same where findings are what was asked for.
    pub const fn without_findings(self) -> Self {
        match self {
            Self::Findings => Self::Done,
            other => other,
        }
    }

    const ALL: [Self; 5] = [
        Self::Done,
        Self::Findings,
        Self::CouldNotRun,
        Self::Inconclusive,
        Self::Interrupted,
    ];

    /// The number that the process gives back.
    pub const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Findings => 1,
            Self::CouldNotRun => 2,
            Self::Inconclusive => 3,
            // As a shell reports a process that SIGINT ended.
            Self::Interrupted => 130,
        }
    }

    const fn meaning(self) -> &'static str {
        match self {
            Self::Done => "done; nothing at or above `--fail-on`",
            Self::Findings => "findings at or above `--fail-on`",
            Self::CouldNotRun => "could not run: bad arguments, no connection, unreadable file",
            Self::Inconclusive => {
                "ran, but could not see enough to say \"clean\"; only where `--fail-on` is not `never`"
            }
            Self::Interrupted => {
                "interrupted; what had been seen until then was reported, if there was anything"
            }
        }
    }
}

/// The exit codes as a Markdown table, as the README shows it.
pub fn exit_codes_markdown() -> String {
    let head = ["| code | meaning |\n|---|---|\n".to_owned()].into_iter();
    let line = |exit: Exit| format!("| {} | {} |\n", exit.code(), exit.meaning());
    head.chain(Exit::ALL.into_iter().map(line)).collect()
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
