//! Files of SQL statements as programs keep them: several statements a file, their names and parameters as the usual
//! tools write them, and what comments say about them.

mod cases;
mod comments;
mod placeholders;
mod split;
mod variables;

use std::collections::{BTreeMap, BTreeSet};

use super::lexer::{Token, tokens};
use super::mentions::{Effect, Mentions, StatementClass};
use comments::Comments;
use placeholders::Numbered;
use variables::Variables;

pub use cases::first_case;
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
    /// Values that variables of psql give those without one.
    pub defaults: BTreeMap<u32, Option<String>>,
    /// What may be found in it, by comments above it.
    pub allows: Vec<Allow>,
    /// What the file creates above it and it mentions: the database may not have it.
    pub created: BTreeSet<String>,
}

/// Something in a file that has no plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// Its line, from 1.
    pub line: u32,
    /// What it is, such as `CREATE`.
    pub what: String,
}

/// A statement with a part that only the program knows: it cannot be planned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfinished {
    /// The line of its first word, from 1.
    pub line: u32,
    /// The name that a comment gives it.
    pub name: Option<String>,
    /// The parameter that stands for the part.
    pub parameter: String,
}

/// What a file holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Script {
    /// Statements that have a plan, in their order.
    pub statements: Vec<ScriptStatement>,
    /// Commands, meta-commands and data, which have none.
    pub left_out: Vec<LeftOut>,
    /// Statements that would have one if they were whole.
    pub unfinished: Vec<Unfinished>,
}

impl Script {
    /// Reads a file's text. Any text is one.
    pub fn read(text: &str) -> Self {
        let mut reader = Reader::default();
        for piece in split::pieces(text) {
            match piece.content {
                split::Content::Statement { text, comments } => {
                    reader.statement(piece.line, text, Comments::read(&comments));
                }
                split::Content::Meta(command) => {
                    reader.variables.read(command);
                    reader.leave_out(piece.line, piece.content.word());
                }
                split::Content::Data => reader.leave_out(piece.line, piece.content.word()),
                split::Content::Comments(comments) => {
                    reader.misplaced(Comments::read(&comments).allows);
                }
            }
        }
        if let Some(last) = reader.script.statements.last_mut() {
            last.allows.append(&mut reader.misplaced);
        }
        reader.script
    }
}

#[derive(Default)]
struct Reader {
    script: Script,
    variables: Variables,
    /// What the file has created so far.
    created: BTreeSet<String>,
    ordinal: usize,
    /// Comments that would let a finding pass and are about no statement: the last one of the file tells of them.
    misplaced: Vec<Allow>,
}

impl Reader {
    fn leave_out(&mut self, line: u32, what: &str) {
        let what = what.to_owned();
        self.script.left_out.push(LeftOut { line, what });
    }

    fn misplaced(&mut self, allows: Vec<Allow>) {
        self.misplaced.extend(allows.into_iter().map(|allow| Allow {
            flaw: allow.flaw.or(Some(Flaw::Misplaced)),
            ..allow
        }));
    }

    fn statement(&mut self, line: u32, text: &str, mut comments: Comments) {
        self.ordinal += 1;
        let allows = std::mem::take(&mut comments.allows);
        if comments.is_part {
            self.misplaced(allows);
            return self.leave_out(line, "part of statements");
        }
        let filled = placeholders::numbered(text, &comments.known(&self.variables));
        let mentions = Mentions::of(&filled.text);
        match (&mentions.class, filled.open) {
            (StatementClass::Other(word), None) => {
                self.created.extend(created(&filled.text));
                self.misplaced(allows);
                self.leave_out(line, &word.to_uppercase());
            }
            (StatementClass::Other(word), Some(_)) if !text.starts_with(':') => {
                self.misplaced(allows);
                self.leave_out(line, &word.to_uppercase());
            }
            (_, Some(parameter)) => {
                self.misplaced(allows);
                self.script.unfinished.push(Unfinished {
                    line,
                    name: comments.name,
                    parameter,
                });
            }
            (StatementClass::Select, None) if creates(&mentions) => {
                self.created.extend(created(&filled.text));
                self.misplaced(allows);
                self.leave_out(line, "SELECT INTO");
            }
            (_, None) => {
                let created = self
                    .created
                    .intersection(&mentions.names)
                    .cloned()
                    .collect();
                let filled = Numbered {
                    open: None,
                    ..filled
                };
                self.script.statements.push(ScriptStatement {
                    values: comments.values_of(&filled.names, &filled.text),
                    defaults: self.defaults(&filled.names),
                    text: filled.text,
                    line,
                    name: comments.name,
                    ordinal: self.ordinal,
                    parameters: filled.names,
                    allows,
                    created,
                });
            }
        }
    }

    fn defaults(&self, names: &BTreeMap<u32, String>) -> BTreeMap<u32, Option<String>> {
        let known = names.iter().filter_map(|(number, name)| {
            let value = self.variables.value(name)?;
            Some((*number, Some(value)))
        });
        known.collect()
    }
}

/// Whether a SELECT creates a table: INTO in it belongs to no INSERT or MERGE.
fn creates(mentions: &Mentions) -> bool {
    let has = |effect| mentions.effects.contains(&effect);
    has(Effect::Into) && !has(Effect::Insert) && !has(Effect::Merge)
}

/// The words with which a statement creates something that others read.
const CREATED: [&str; 3] = ["table", "view", "into"];

/// The names of the tables and views that a command creates: of `a.b` the last one.
fn created(text: &str) -> Option<String> {
    let all: Vec<Token<'_>> = tokens(text).filter(|token| !token.is_trivia()).collect();
    let first = all
        .first()
        .filter(|word| word.is_word("create") || word.is_word("select") || word.is_word("with"))?;
    let behind = all.iter().position(|word| {
        let kinds = if first.is_word("create") {
            &CREATED[..2]
        } else {
            &CREATED[2..]
        };
        kinds.iter().any(|kind| word.is_word(kind))
    })?;
    let skipped = [
        "if",
        "not",
        "exists",
        "temp",
        "temporary",
        "unlogged",
        "table",
        "only",
    ];
    let mut names = all
        .get(behind + 1..)?
        .iter()
        .skip_while(|token| skipped.iter().any(|word| token.is_word(word)));
    let mut name = names.next()?.identifier()?;
    while names.next().is_some_and(|dot| dot.text == ".") {
        name = names.next()?.identifier()?;
    }
    Some(name)
}

/// The statements of a text that a server can run, each with the line of its first word: without psql's own commands,
/// and without COPY of rows that stand in the text.
pub fn commands(text: &str) -> Vec<(u32, &str)> {
    let pieces = split::pieces(text);
    let mut commands: Vec<(u32, &str)> = Vec::with_capacity(pieces.len());
    for piece in pieces {
        match piece.content {
            split::Content::Statement { text, .. } => commands.push((piece.line, text)),
            split::Content::Meta(_) | split::Content::Comments(_) => {}
            split::Content::Data => {
                commands.pop();
            }
        }
    }
    commands
}

#[cfg(test)]
mod tests;
