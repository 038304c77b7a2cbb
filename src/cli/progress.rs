//! One line on standard error that says what is being done; hidden off-terminal and with `--quiet`.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::args::GlobalArgs;

/// The progress line and the messages beside it.
#[derive(Debug, Clone)]
pub struct Progress {
    bar: ProgressBar,
    talk: Talk,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Talk {
    Quiet,
    Normal,
    Verbose,
}

impl Progress {
    /// The progress line that the flags ask for.
    pub fn new(args: &GlobalArgs) -> Self {
        let talk = match (args.quiet, args.verbose) {
            (true, _) => Talk::Quiet,
            (_, true) => Talk::Verbose,
            _ => Talk::Normal,
        };
        let visible = talk != Talk::Quiet && std::io::stderr().is_terminal();
        let target = if visible {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        let bar = ProgressBar::with_draw_target(None, target);
        if let Ok(style) = ProgressStyle::with_template("{spinner} {wide_msg}") {
            bar.set_style(style);
        }
        if visible {
            bar.enable_steady_tick(Duration::from_millis(120));
        }
        Self { bar, talk }
    }

    /// Says what is being done now; with `--verbose` the line stays.
    pub fn step(&self, what: &str) {
        self.bar.set_message(what.to_owned());
        if self.talk == Talk::Verbose {
            self.print(what);
        }
    }

    /// Says how far something has come; never stays.
    pub fn tick(&self, what: &str) {
        self.bar.set_message(what.to_owned());
    }

    /// A message that stays, unless `--quiet`.
    pub fn note(&self, message: &str) {
        if self.talk != Talk::Quiet {
            self.print(message);
        }
    }

    #[expect(clippy::print_stderr, reason = "messages go to standard error")]
    fn print(&self, message: &str) {
        self.bar.suspend(|| eprintln!("pgtriage: {message}"));
    }

    /// Takes the line away.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
