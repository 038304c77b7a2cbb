//! Why a step of a probe did not succeed.

use std::time::Duration;

use tokio_postgres::error::SqlState;

use crate::snapshot::Rejection;
use crate::sql::lexer::{TokenKind, tokens};

/// The class of errors that values lead to.
const DATA_EXCEPTION: &str = "22";

/// The parameter that a text begins with, or the last part of the name.
fn word_of(text: &str) -> Option<String> {
    let mut words = tokens(text);
    let first = words.next()?;
    if first.kind == TokenKind::Param {
        return Some(first.text.to_owned());
    }
    let mut name = first.identifier()?;
    while let (Some(dot), Some(next)) = (words.next(), words.next())
        && dot.text == "."
        && let Some(part) = next.identifier()
    {
        name = part;
    }
    Some(name)
}

/// What went wrong. After [`Fault::Lost`] and [`Fault::Cancelled`] the session is of no more use; after the others it
/// lives.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The server rejected the statement.
    #[error("{message}")]
    Refused {
        /// The SQLSTATE.
        code: SqlState,
        /// The server's message.
        message: String,
        /// Its hint.
        hint: Option<String>,
        /// The character of what was sent that the message is about, from 1.
        position: Option<u32>,
        /// The line of the statement that it is about, from 1.
        line: Option<u32>,
        /// The parameter or the name that stands there.
        word: Option<String>,
    },
    /// The server's answer could not be read.
    #[error("{0}")]
    Unreadable(String),
    /// Another session holds a lock, or waits for one, that the statement would have to wait for.
    #[error("{0} is locked by another session")]
    Locked(String),
    /// Between two looks of the guard, another session changed what the statement reaches.
    #[error("another session keeps changing what the statement reaches")]
    Changed,
    /// It took longer than allowed and was cancelled from this side.
    #[error("no answer within {} s: cancelled", .0.as_secs())]
    Stopped(Duration),
    /// The connection is gone.
    #[error("{0}")]
    Lost(String),
    /// The user asked to stop.
    #[error("cancelled")]
    Cancelled,
}

impl Fault {
    /// Whether the session can go on.
    pub(super) const fn is_lost(&self) -> bool {
        matches!(self, Self::Lost(_) | Self::Cancelled)
    }

    /// The same, with the line of the statement's text, which was sent behind a prefix of one line.
    pub(super) fn within(mut self, prefix: &str, text: &str) -> Self {
        if let Self::Refused {
            position: Some(position),
            line,
            word,
            ..
        } = &mut self
        {
            let ahead = prefix.chars().count() + 1;
            let into = usize::try_from(*position)
                .unwrap_or_default()
                .checked_sub(ahead);
            let breaks = into.map(|into| text.chars().take(into).filter(|c| *c == '\n').count());
            *line = breaks.and_then(|breaks| u32::try_from(breaks + 1).ok());
            let at = into.and_then(|into| text.char_indices().nth(into));
            *word = at.and_then(|(at, _)| word_of(text.get(at..)?));
        }
        self
    }

    /// Whether a value is at fault, which the text need not hold.
    pub(super) fn is_of_value(&self) -> bool {
        matches!(self, Self::Refused { code, .. } if code.code().starts_with(DATA_EXCEPTION))
    }

    /// Whether a value breaks the constraint of its domain.
    pub(super) fn is_of_constraint(&self) -> bool {
        self.has_code(&[SqlState::CHECK_VIOLATION])
    }

    /// What the server says, where it rejected the text.
    pub(super) fn rejection(&self) -> Option<Rejection> {
        match self {
            Self::Refused {
                code,
                hint,
                line,
                word,
                ..
            } => Some(Rejection {
                sqlstate: code.code().to_owned(),
                line: *line,
                word: word.clone(),
                hint: hint.clone(),
            }),
            _ => None,
        }
    }

    fn has_code(&self, codes: &[SqlState]) -> bool {
        matches!(self, Self::Refused { code, .. } if codes.contains(code))
    }

    /// The statement ran out of its time: by the server's timeout or by ours.
    pub(super) fn is_timeout(&self) -> bool {
        matches!(self, Self::Stopped(_)) || self.has_code(&[SqlState::QUERY_CANCELED])
    }

    /// A lock was not granted in time.
    pub(super) fn is_lock_timeout(&self) -> bool {
        matches!(self, Self::Locked(_)) || self.has_code(&[SqlState::LOCK_NOT_AVAILABLE])
    }

    /// A moment later it may be gone: a lock that another session holds, a change of the catalog.
    pub(super) fn is_passing(&self) -> bool {
        *self == Self::Changed || self.is_lock_timeout()
    }

    /// The role lacks a privilege.
    pub(super) fn is_permission(&self) -> bool {
        self.has_code(&[SqlState::INSUFFICIENT_PRIVILEGE])
    }

    /// A name was not found: perhaps another search path has it.
    pub(super) fn is_unknown_name(&self) -> bool {
        self.has_code(&[
            SqlState::UNDEFINED_TABLE,
            SqlState::UNDEFINED_FUNCTION,
            SqlState::UNDEFINED_OBJECT,
            SqlState::INVALID_SCHEMA_NAME,
        ])
    }

    /// The text does not parse or does not type: normalisation may have broken it.
    pub(super) fn is_broken_text(&self) -> bool {
        self.has_code(&[
            SqlState::SYNTAX_ERROR,
            SqlState::INDETERMINATE_DATATYPE,
            SqlState::AMBIGUOUS_FUNCTION,
            SqlState::AMBIGUOUS_PARAMETER,
            SqlState::UNDEFINED_FUNCTION,
            SqlState::UNDEFINED_PARAMETER,
            SqlState::UNDEFINED_COLUMN,
            SqlState::UNDEFINED_OBJECT,
            SqlState::DATATYPE_MISMATCH,
            SqlState::CANNOT_COERCE,
            SqlState::GROUPING_ERROR,
            SqlState::WRONG_OBJECT_TYPE,
            SqlState::FEATURE_NOT_SUPPORTED,
            SqlState::INVALID_TEXT_REPRESENTATION,
            SqlState::INVALID_DATETIME_FORMAT,
            SqlState::INVALID_COLUMN_REFERENCE,
        ])
    }

    /// Whether the grammar takes no parameter where the text has one.
    pub(super) fn is_about_placeholder(&self) -> bool {
        self.has_code(&[SqlState::SYNTAX_ERROR])
            && matches!(self, Self::Refused { word: Some(word), .. } if word.starts_with('$'))
    }

    /// The statement itself failed, as opposed to its surroundings: other values or another text may do.
    pub(super) fn is_of_statement(&self) -> bool {
        matches!(self, Self::Refused { .. })
            && !self.is_timeout()
            && !self.is_lock_timeout()
            && !self.is_permission()
    }

    /// Execution tried something that a read-only transaction does not do.
    pub(super) fn is_read_only(&self) -> bool {
        self.has_code(&[SqlState::READ_ONLY_SQL_TRANSACTION])
    }
}
