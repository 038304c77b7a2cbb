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
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::Findings => 1,
            Exit::CouldNotRun => 2,
            Exit::Inconclusive => 3,
            // As a shell reports a process that SIGINT ended.
            Exit::Interrupted => 130,
        })
    }
}
