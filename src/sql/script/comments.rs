//! What comments above a statement say: its name, values of its parameters, what may be found in it.

use std::collections::BTreeMap;

use jiff::civil::Date;

use super::placeholders::Known;
use super::variables::Variables;
use crate::sql::lexer::{TokenKind, tokens};

/// What names a part of statements begins with.
const PART: &str = ":snip ";

/// The word that all comments for this program begin with.
const OWN: &str = "pgtriage";

/// A comment that lets a finding pass: `-- pgtriage: allow ID because REASON until YYYY-MM-DD`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allow {
    /// The line of the comment, from 1.
    pub line: u32,
    /// The check's id, as written.
    pub check: String,
    /// Why.
    pub reason: String,
    /// The last day on which it counts.
    pub until: Option<Date>,
    /// What keeps it from counting at all.
    pub flaw: Option<Flaw>,
}

/// What is wrong with such a comment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// It is no `allow`.
    #[error("the comment is not of the form: pgtriage: allow ID because REASON [until YYYY-MM-DD]")]
    Malformed,
    /// It gives no reason.
    #[error("it gives no reason: pgtriage: allow {0} because REASON")]
    Unreasoned(String),
    /// It names several checks.
    #[error("it names several checks; write a comment for each")]
    Several,
    /// The day is none.
    #[error("{0:?} is no day; write until YYYY-MM-DD")]
    BadDay(String),
    /// It is about no statement.
    #[error("no statement that has a plan stands below it")]
    Misplaced,
}

/// What the comments above a statement say.
#[derive(Debug, Default)]
pub(super) struct Comments {
    pub(super) name: Option<String>,
    /// What it names is a part of statements, and none itself (`HugSQL`).
    pub(super) is_part: bool,
    pub(super) allows: Vec<Allow>,
    /// By the parameter's name or number.
    values: BTreeMap<String, Option<String>>,
    /// The fields of parameters that are objects (`PgTyped`).
    fields: BTreeMap<String, Vec<String>>,
}

impl Comments {
    /// Reads comments, each with its line.
    pub(super) fn read(comments: &[(u32, &str)]) -> Self {
        let mut read = Self::default();
        for (line, comment) in comments {
            read.fields.extend(objects(comment));
            for (line, text) in (*line..).zip(lines(comment)) {
                read.line(line, text);
            }
        }
        read
    }

    fn line(&mut self, line: u32, text: &str) {
        if let Some(name) = name(text) {
            self.name = Some(name);
            self.is_part = text.starts_with(PART);
        } else if let Some(own) = own(text) {
            self.allows.push(allow(line, own));
        } else if let Some((name, value)) = value(text) {
            self.values.insert(name, value);
        }
    }

    /// What is known of parameters: texts by comments, else of `variables`.
    pub(super) fn known(&self, variables: &Variables) -> Known {
        let mut texts = variables.texts().clone();
        let given = self.values.iter();
        texts.extend(given.filter_map(|(name, value)| Some((name.clone(), value.clone()?))));
        Known {
            texts,
            fields: self.fields.clone(),
        }
    }

    /// The values by the numbers of the parameters that have these names.
    pub(super) fn values_of(
        &self,
        names: &BTreeMap<u32, String>,
        text: &str,
    ) -> BTreeMap<u32, Option<String>> {
        let by_name = names
            .iter()
            .filter_map(|(number, name)| Some((*number, self.values.get(name)?.clone())));
        let numbered = tokens(text)
            .filter(|token| token.kind == TokenKind::Param)
            .filter_map(|token| {
                let digits = token.text.strip_prefix('$')?;
                Some((digits.parse().ok()?, self.values.get(digits)?.clone()))
            });
        numbered.chain(by_name).collect()
    }
}

/// Whether a comment names a statement.
pub(super) fn names(comment: &str) -> bool {
    lines(comment).any(|text| name(text).is_some())
}

/// Whether a comment is for this program.
pub(super) fn speaks_to_us(comment: &str) -> bool {
    lines(comment).any(|line| own(line).is_some())
}

/// What a line says to this program: what stands behind `pgtriage:`, or, the colon being forgotten, from `allow` on.
fn own(line: &str) -> Option<&str> {
    let (word, rest) = line.split_at_checked(OWN.len())?;
    if !word.eq_ignore_ascii_case(OWN) {
        return None;
    }
    match rest.strip_prefix(':') {
        Some(rest) => Some(rest.trim()),
        None => Some(rest.trim()).filter(|rest| word_off(rest, "allow").is_some()),
    }
}

/// The lines of a comment without its marks.
fn lines(comment: &str) -> impl Iterator<Item = &str> {
    let block = comment
        .strip_prefix("/*")
        .map(|inner| inner.strip_suffix("*/").unwrap_or(inner));
    let text = block.unwrap_or_else(|| comment.trim_start_matches('-'));
    text.lines()
        .map(|line| line.trim().trim_start_matches('*').trim())
}

/// The name that a line gives: `name: find_user :one` (sqlc, regresql, yesql, aiosql), `:name find-user :? :1`
/// (`HugSQL`),
/// `@name FindUser` (`PgTyped`).
fn name(line: &str) -> Option<String> {
    let rest = ["name:", ":name-", ":name ", "@name ", PART]
        .into_iter()
        .find_map(|mark| line.strip_prefix(mark))?;
    let word = rest.split_whitespace().next()?;
    let word = word.split('(').next()?;
    // aiosql and yesql put the kind of result behind the name.
    let word = word.trim_end_matches(['^', '$', '!', '#', '*', '<', '?']);
    (!word.is_empty()).then(|| word.to_owned())
}

/// The fields of each parameter that is an object or a list of objects: `@param users -> ((name, age!)...)`.
fn objects(comment: &str) -> impl Iterator<Item = (String, Vec<String>)> {
    comment.split("@param ").skip(1).filter_map(|text| {
        let (name, expansion) = text.split_once("->")?;
        let inner = expansion.trim_start().strip_prefix('(')?.trim_start();
        let (fields, _) = inner.strip_prefix('(').unwrap_or(inner).split_once(')')?;
        let fields: Vec<String> = fields
            .split(',')
            .map(|field| field.trim().trim_end_matches('!').to_owned())
            .collect();
        let listed = fields
            .iter()
            .any(|field| field.starts_with('.') || field.is_empty());
        (!listed).then(|| (name.trim().to_owned(), fields))
    })
}

/// `param name = value`, by the parameter's name or number; a value in single quotes is read as SQL reads it.
fn value(line: &str) -> Option<(String, Option<String>)> {
    let (name, value) = line.strip_prefix("param ")?.split_once('=')?;
    let name = name.trim().trim_start_matches([':', '$', '@']);
    let value = value.trim();
    let quoted = value
        .strip_prefix('\'')
        .and_then(|rest| rest.strip_suffix('\''));
    let value = match quoted {
        Some(inner) => Some(inner.replace("''", "'")),
        None if value.eq_ignore_ascii_case("null") => None,
        None => Some(value.to_owned()),
    };
    (!name.is_empty()).then(|| (name.to_owned(), value))
}

/// What stands behind `pgtriage:`.
fn allow(line: u32, text: &str) -> Allow {
    let flawed = |check: &str, flaw| Allow {
        line,
        check: check.to_owned(),
        reason: String::new(),
        until: None,
        flaw: Some(flaw),
    };
    let Some(rest) = word_off(text, "allow") else {
        return flawed("", Flaw::Malformed);
    };
    let (check, rest) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    if check.is_empty() {
        return flawed("", Flaw::Malformed);
    }
    if check.contains(',') || rest.trim_start().starts_with(',') {
        return flawed(check.trim_end_matches(','), Flaw::Several);
    }
    let reason = word_off(rest.trim(), "because").unwrap_or_default();
    let (reason, day) = match reason.rsplit_once(" until ") {
        Some((reason, day)) if day.trim().starts_with(|c: char| c.is_ascii_digit()) => {
            (reason.trim(), Some(day.trim()))
        }
        _ => (reason, None),
    };
    if reason.is_empty() {
        return flawed(check, Flaw::Unreasoned(check.to_owned()));
    }
    let until = match day.map(|day| (day, day.parse::<Date>())) {
        None => None,
        Some((_, Ok(until))) => Some(until),
        Some((day, Err(_))) => return flawed(check, Flaw::BadDay(day.to_owned())),
    };
    Allow {
        line,
        check: check.to_owned(),
        reason: reason.to_owned(),
        until,
        flaw: None,
    }
}

/// The text behind a word that it begins with, in whatever case.
fn word_off<'t>(text: &'t str, word: &str) -> Option<&'t str> {
    let (first, rest) = text.split_at_checked(word.len())?;
    let ends = rest.is_empty() || rest.starts_with(char::is_whitespace);
    (ends && first.eq_ignore_ascii_case(word)).then(|| rest.trim())
}
