//! Files of SQL statements as programs keep them: several statements a file, their names and parameters as the usual
//! tools write them, and what comments say about them.

mod comments;
mod placeholders;
mod split;

use std::collections::BTreeMap;

use super::mentions::{Mentions, StatementClass};
use comments::Comments;

pub use comments::{Allow, Flaw};

/// One statement of a file that has a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScriptStatement {
    /// The text as the server takes it: parameters are `$1`, `$2` …, without the final semicolon.
    pub text: String,
    /// The line of its first word, from 1.
    pub line: u32,
    /// The name that a comment gives it.
    pub name: Option<String>,
    /// Which one of the file's statements it is, from 1.
    pub ordinal: usize,
    /// The names of its parameters, by number; those that are numbers in the file have none.
    pub parameters: BTreeMap<u32, String>,
    /// Values that comments give its parameters, by number; `None` is NULL.
    pub values: BTreeMap<u32, Option<String>>,
    /// What may be found in it, by comments above it.
    pub allows: Vec<Allow>,
}

/// Something in a file that has no plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// Its line, from 1.
    pub line: u32,
    /// What it is, such as `CREATE`.
    pub what: String,
}

/// What a file holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Script {
    /// Statements that have a plan, in their order.
    pub statements: Vec<ScriptStatement>,
    /// Commands, meta-commands and data, which have none.
    pub left_out: Vec<LeftOut>,
}

impl Script {
    /// Reads a file's text. Any text is one.
    pub fn read(text: &str) -> Self {
        let mut script = Self::default();
        let mut ordinal = 0;
        for piece in split::pieces(text) {
            let split::Content::Statement { text, comments } = piece.content else {
                script.left_out.push(LeftOut {
                    line: piece.line,
                    what: piece.content.word().to_owned(),
                });
                continue;
            };
            ordinal += 1;
            let comments = Comments::read(&comments);
            if let StatementClass::Other(word) = &Mentions::of(text).class {
                script.left_out.push(LeftOut {
                    line: piece.line,
                    what: word.to_uppercase(),
                });
                continue;
            }
            let filled = placeholders::numbered(text);
            script.statements.push(ScriptStatement {
                values: comments.values_of(&filled.names, &filled.text),
                text: filled.text,
                line: piece.line,
                name: comments.name,
                ordinal,
                parameters: filled.names,
                allows: comments.allows,
            });
        }
        script
    }
}

/// The statements of a text that a server can run, each with the line of its first word: without psql's own commands, and
/// without COPY of rows that stand in the text.
pub fn commands(text: &str) -> Vec<(u32, &str)> {
    let pieces = split::pieces(text);
    let mut commands: Vec<(u32, &str)> = Vec::with_capacity(pieces.len());
    for piece in pieces {
        match piece.content {
            split::Content::Statement { text, .. } => commands.push((piece.line, text)),
            split::Content::Meta => {}
            split::Content::Data => {
                commands.pop();
            }
        }
    }
    commands
}

#[cfg(test)]
mod tests;
