//! Logs of a PostgreSQL server, read as a stream: each executed statement with its session, time, parameters and
//! duration, whatever the format of the log.
//!
//! What is not understood is counted ([`Tally`]) and never an error, because a log may be cut off, mixed or broken
//! anywhere. Memory does not grow with the length of a log.

mod collector;
mod csv;
mod digest;
mod encoding;
mod json;
mod message;
mod messages;
mod prefix;
mod reader;
mod severity;
mod sink;
mod statements;
mod stderr;
mod tally;
mod time;
mod window;

pub use digest::Digest;
pub use prefix::LinePrefix;
pub use reader::Reader;
pub use tally::{Place, Reason, Skipped, Tally};

/// One executed statement, as a log tells of it. Borrowed from the reader's buffers.
///
/// Texts are bytes as they stand in the log: it has the encodings of all databases of the server, one beside the other.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Logged<'a> {
    /// What all statements of one session have in common, and those of no other: the session identifier (`%c`), else
    /// the process (`%p`), with the session's start where the log has it (`%s`). Empty where the log has none of them.
    pub session: &'a [u8],
    /// When it ended, in microseconds since 1970-01-01 UTC; where its duration is not known, when it began. An
    /// abbreviation of a time zone that several places use for different offsets is read as UTC and counted in
    /// [`Tally::unknown_zone`].
    pub at: Option<i64>,
    /// Role (`%u`).
    pub user: Option<&'a [u8]>,
    /// Database (`%d`).
    pub database: Option<&'a [u8]>,
    /// The client's `application_name` (`%a`).
    pub application: Option<&'a [u8]>,
    /// Virtual transaction identifier (`%v`), such as `3/1027`.
    pub transaction: Option<&'a [u8]>,
    /// The text of the statement. Its lines are separated by a line feed.
    pub statement: &'a [u8],
    /// The values of its parameters, as the log writes them: `$1 = '1', $2 = NULL`.
    pub parameters: Option<&'a [u8]>,
    /// How long it ran, in milliseconds; `None` where the log does not say.
    pub duration_ms: Option<f64>,
    /// Query identifier (`%Q`), where the server computed one.
    pub query_id: Option<i64>,
    /// The file in which it begins: the number of earlier calls that read one.
    pub file: u32,
    /// The line in which it begins, counted from 1.
    pub line: u64,
}

#[cfg(test)]
mod tests;
