//! Where results go: standard output, or a file that is replaced whole or not at all.

use std::fs::Permissions;
use std::io::{self, IsTerminal, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::finding::Report;
use crate::report::{Colour, Terminal, html, json, markdown};

use super::args::{ColourChoice, Format, ReportArgs};

/// Columns assumed where there is no terminal to ask.
const DEFAULT_COLUMNS: u16 = 100;

/// A place to write to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sink {
    /// Standard output.
    Stdout,
    /// A file.
    File(PathBuf),
}

impl Sink {
    /// The place that `--output` names: `-` and its absence are standard output.
    pub fn of(output: Option<&Path>) -> Self {
        match output {
            Some(path) if path.as_os_str() != "-" => Self::File(path.to_owned()),
            _ => Self::Stdout,
        }
    }

    /// The suffix of the file's name.
    pub fn suffix(&self) -> Option<&str> {
        match self {
            Self::Stdout => None,
            Self::File(path) => path.extension()?.to_str(),
        }
    }

    /// Writes all of `text`. A reader that closed the pipe has seen what it wanted: that is success.
    ///
    /// # Errors
    /// Names the file that cannot be written.
    pub fn write(&self, text: &str) -> Result<()> {
        match self {
            Self::Stdout => match io::stdout().lock().write_all(text.as_bytes()) {
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
                other => other.context("cannot write to standard output"),
            },
            Self::File(path) => {
                replace(path, text).with_context(|| format!("cannot write {}", path.display()))
            }
        }
    }
}

/// Regular files are replaced by renaming, so that an interrupted run leaves the old content; devices and pipes are
/// written as they are.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    if path.exists() && !path.is_file() {
        return std::fs::write(path, text);
    }
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new()
        .permissions(Permissions::from_mode(0o666))
        .tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// Renders a report as the flags ask and writes it.
///
/// # Errors
/// Where the place cannot be written.
pub fn deliver(report: &Report, args: &ReportArgs) -> Result<()> {
    let sink = Sink::of(args.output.as_deref());
    let format = args.format.unwrap_or_else(|| format_of(&sink));
    sink.write(&render(report, format, &sink, args.color)?)
}

/// The report in a format.
///
/// # Errors
/// Where it cannot be written in it.
pub fn render(report: &Report, format: Format, sink: &Sink, color: ColourChoice) -> Result<String> {
    Ok(match format {
        Format::Terminal => terminal(sink, color).render(report),
        Format::Markdown => markdown::render(report),
        Format::Html => html::render(report).context("cannot write the report as HTML")?,
        Format::Json => json::render(report).context("cannot serialise the report")?,
    })
}

/// The format that the file's suffix names, else the terminal's.
pub fn format_of(sink: &Sink) -> Format {
    match sink.suffix() {
        Some("md" | "markdown") => Format::Markdown,
        Some("html" | "htm") => Format::Html,
        Some("json") => Format::Json,
        _ => Format::Terminal,
    }
}

/// The terminal that a report is written for.
pub fn terminal(sink: &Sink, choice: ColourChoice) -> Terminal {
    Terminal {
        columns: usize::from(columns(sink)),
        colour: colour(choice, on_screen(sink)),
    }
}

fn on_screen(sink: &Sink) -> bool {
    *sink == Sink::Stdout && io::stdout().is_terminal()
}

/// The terminal's width, or a readable one where there is none.
pub fn columns(sink: &Sink) -> u16 {
    terminal_size::terminal_size_of(io::stdout())
        .filter(|_| on_screen(sink))
        .map_or(DEFAULT_COLUMNS, |(width, _)| width.0)
}

/// `NO_COLOR` (<https://no-color.org>) counts when it is set and not empty.
fn colour(choice: ColourChoice, on_screen: bool) -> Colour {
    let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
        || std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    match choice {
        ColourChoice::Always => Colour::On,
        ColourChoice::Auto if on_screen && !unwanted => Colour::On,
        ColourChoice::Auto | ColourChoice::Never => Colour::Off,
    }
}
