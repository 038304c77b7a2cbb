//! Capture files: a snapshot as JSON, and back.

use std::io;

use serde::{Deserialize, Serialize};
use serde_json::error::Category;
use serde_json::ser::Formatter;

use super::{CAPTURE_VERSION, Snapshot};
use crate::json;

/// Down to this depth each value has a line of its own: a row a line, which editors and `diff` can work with.
const LINES_TO_DEPTH: usize = 2;

/// Why a file cannot be read as a capture.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CaptureError {
    /// Nothing is in it.
    #[error("the file is empty, which no capture is; write one with: pgtriage capture -o FILE")]
    Empty,
    /// It ends in the middle.
    #[error(
        "the file ends in the middle of the JSON text (line {line}, column {column}), so it was cut off; copy or capture it again"
    )]
    Truncated {
        /// The last line.
        line: usize,
        /// Its last column.
        column: usize,
    },
    /// It is something else than JSON.
    #[error(
        "the file is not JSON ({reason}), as a capture is; write one with: pgtriage capture -o FILE"
    )]
    NotJson {
        /// What is wrong, and where.
        reason: String,
    },
    /// It is JSON of something else.
    #[error("the file is JSON but no capture ({reason})")]
    NotACapture {
        /// What it is, or lacks, and what to do with it.
        reason: String,
    },
    /// A later program wrote it.
    #[error(
        "the capture has layout version {found}, and this program reads versions up to {CAPTURE_VERSION}; install a newer pgtriage"
    )]
    NewerVersion {
        /// The file's `capture_version`.
        found: u64,
    },
    /// A field holds what it cannot.
    #[error(
        "the capture's field {path} cannot be read: {reason}; was the file edited? capture again"
    )]
    WrongField {
        /// The field, such as `statements[3].counters.calls`.
        path: String,
        /// What is wrong, and where.
        reason: String,
    },
}

/// What tells a capture from other JSON.
#[derive(Deserialize)]
struct Header {
    #[serde(default)]
    capture_version: Option<u64>,
}

impl Snapshot {
    /// The snapshot as the text of a capture file: fields in the order of their definition, rows in their order, a row
    /// a line.
    ///
    /// # Errors
    /// None in practice: every part of a snapshot has a form in JSON.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        let mut text = Vec::new();
        let mut serializer = serde_json::Serializer::with_formatter(&mut text, Lines::default());
        self.serialize(&mut serializer)?;
        text.push(b'\n');
        String::from_utf8(text).map_err(|error| serde_json::Error::io(io::Error::other(error)))
    }

    /// Reads the text of a capture file. Fields that this version does not know are left out.
    ///
    /// # Errors
    /// [`CaptureError`], one line that says what is wrong and where.
    pub fn from_json(text: &[u8]) -> Result<Self, CaptureError> {
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        if text.trim_ascii().is_empty() {
            return Err(CaptureError::Empty);
        }
        let header: Header =
            serde_json::from_slice(text).map_err(|error| no_header(text, &error))?;
        match header.capture_version {
            None => Err(CaptureError::NotACapture {
                reason: something_else(text),
            }),
            Some(found) if found > u64::from(CAPTURE_VERSION) => {
                Err(CaptureError::NewerVersion { found })
            }
            Some(0) => Err(CaptureError::NotACapture {
                reason: "there never was a capture_version 0".to_owned(),
            }),
            Some(_) => read(text),
        }
    }
}

fn read(text: &[u8]) -> Result<Snapshot, CaptureError> {
    json::from_slice(text, json::CAPTURE_LEVELS).map_err(|error| {
        // The path costs time, so it is found out for broken captures only.
        let mut deserializer = serde_json::Deserializer::from_slice(text);
        let path = match serde_path_to_error::deserialize::<_, Snapshot>(&mut deserializer) {
            Err(error) => error.path().to_string(),
            Ok(_) => "?".to_owned(),
        };
        CaptureError::WrongField {
            path,
            reason: error.to_string(),
        }
    })
}

/// JSON without a readable `capture_version`, or no JSON at all.
fn no_header(text: &[u8], error: &serde_json::Error) -> CaptureError {
    match error.classify() {
        Category::Eof => truncated(error),
        Category::Syntax if ends_at(text, error) => truncated(error),
        Category::Syntax | Category::Io => CaptureError::NotJson {
            reason: not_json(text, error),
        },
        Category::Data => CaptureError::NotACapture {
            reason: something_else(text),
        },
    }
}

fn truncated(error: &serde_json::Error) -> CaptureError {
    CaptureError::Truncated {
        line: error.line(),
        column: error.column(),
    }
}

/// A character that was cut in the middle is no end of the text to the parser; a text that begins like an object and
/// goes wrong with its last byte only was cut off, too.
fn ends_at(text: &[u8], error: &serde_json::Error) -> bool {
    let last_line = text.split(|byte| *byte == b'\n').count();
    let last_column = text
        .rsplit(|byte| *byte == b'\n')
        .next()
        .map_or(0, <[u8]>::len);
    text.trim_ascii_start().starts_with(b"{")
        && error.line() == last_line
        && error.column() >= last_column
}

fn not_json(text: &[u8], error: &serde_json::Error) -> String {
    if text.starts_with(b"\x1f\x8b") {
        "it is compressed by gzip; decompress it first".to_owned()
    } else if text.starts_with(b"\xff\xfe") || text.starts_with(b"\xfe\xff") {
        "it is encoded in UTF-16; save it as UTF-8".to_owned()
    } else {
        error.to_string()
    }
}

/// Names the JSON files that are likely to be mistaken for a capture.
fn something_else(text: &[u8]) -> String {
    #[derive(Deserialize)]
    struct Report {
        #[serde(rename = "schema_version")]
        _version: serde::de::IgnoredAny,
        #[serde(rename = "bottlenecks")]
        _bottlenecks: serde::de::IgnoredAny,
    }
    #[derive(Deserialize)]
    struct Plan {
        #[serde(rename = "Plan")]
        _plan: serde::de::IgnoredAny,
    }
    if serde_json::from_slice::<Report>(text).is_ok() {
        "it is a report; give the file that pgtriage capture -o wrote".to_owned()
    } else if serde_json::from_slice::<Plan>(text).is_ok()
        || serde_json::from_slice::<Vec<Plan>>(text).is_ok_and(|plans| !plans.is_empty())
    {
        "it is a plan; use: pgtriage explain --plan FILE".to_owned()
    } else {
        "it has no number capture_version; write a capture with: pgtriage capture -o FILE"
            .to_owned()
    }
}

/// Compact JSON with line breaks between the values of the outer two levels.
#[derive(Default)]
struct Lines {
    depth: usize,
}

impl Lines {
    fn open<W: ?Sized + io::Write>(&mut self, writer: &mut W, bracket: &[u8]) -> io::Result<()> {
        self.depth += 1;
        writer.write_all(bracket)
    }

    fn close<W: ?Sized + io::Write>(&mut self, writer: &mut W, bracket: &[u8]) -> io::Result<()> {
        self.depth = self.depth.saturating_sub(1);
        writer.write_all(bracket)
    }

    fn separate<W: ?Sized + io::Write>(&self, writer: &mut W, first: bool) -> io::Result<()> {
        if !first {
            writer.write_all(b",")?;
        }
        if self.depth <= LINES_TO_DEPTH {
            writer.write_all(b"\n")?;
        }
        Ok(())
    }
}

impl Formatter for Lines {
    fn begin_array<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.open(writer, b"[")
    }

    fn end_array<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.close(writer, b"]")
    }

    fn begin_array_value<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        self.separate(writer, first)
    }

    fn begin_object<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.open(writer, b"{")
    }

    fn end_object<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.close(writer, b"}")
    }

    fn begin_object_key<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        self.separate(writer, first)
    }
}
