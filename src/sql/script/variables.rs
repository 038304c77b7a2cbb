//! The variables of psql: `\set name value`.

use std::collections::BTreeMap;

use crate::sql::lexer::{TokenKind, tokens};

/// Variables by their names.
#[derive(Debug, Default)]
pub(super) struct Variables(BTreeMap<String, String>);

impl Variables {
    /// Takes note of a meta-command, if it sets or unsets a variable. A value of several words is put together of them
    /// by psql, and calculated by pgbench: it is no value here.
    pub(super) fn read(&mut self, command: &str) {
        let words: Vec<&str> = command.split_whitespace().collect();
        let [first, name, ..] = words.as_slice() else {
            return;
        };
        match *first {
            "\\set" => {
                let behind = command.trim_start().strip_prefix(first).unwrap_or_default();
                let value = behind.trim_start().strip_prefix(name);
                match word(value.unwrap_or_default().trim()) {
                    Some(value) => self.0.insert((*name).to_owned(), value),
                    None => self.0.remove(*name),
                };
            }
            "\\unset" => {
                self.0.remove(*name);
            }
            _ => {}
        }
    }

    /// What stands for the name in a text.
    pub(super) fn texts(&self) -> &BTreeMap<String, String> {
        &self.0
    }

    /// What stands for the name where a value is: without the quotes of SQL, if it has them.
    pub(super) fn value(&self, name: &str) -> Option<String> {
        let text = self.0.get(name)?;
        let mut all = tokens(text);
        let literal = all.next().filter(|_| all.next().is_none());
        let quoted = literal.filter(|token| matches!(token.kind, TokenKind::String(_)));
        quoted
            .and_then(|token| token.string_value())
            .or_else(|| Some(text.clone()))
    }
}

/// The value that one word stands for.
fn word(text: &str) -> Option<String> {
    let Some(quoted) = text.strip_prefix('\'') else {
        let plain = !text.is_empty() && !text.contains([' ', '\t', '(', ':', '`', '\'', '\\']);
        return plain.then(|| text.to_owned());
    };
    let mut value = String::new();
    let mut characters = quoted.chars();
    while let Some(character) = characters.next() {
        match character {
            '\'' => match characters.next() {
                Some('\'') => value.push('\''),
                None => return Some(value),
                Some(_) => return None,
            },
            '\\' => match characters.next()? {
                'n' => value.push('\n'),
                't' => value.push('\t'),
                other => value.push(other),
            },
            other => value.push(other),
        }
    }
    None
}
