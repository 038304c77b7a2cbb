//! From what was taken in to what is kept of it.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use jiff::Timestamp;
use rustc_hash::{FxHashMap, FxHashSet};

use super::Digest;
use super::families::Counted;
use super::found::{FamilyId, Key, RawExcerpt, Record, Sight};
use crate::logs::Tally;
use crate::snapshot::{
    Durations, Excerpt, ExcerptLine, LeftOut, LoggedFamily, LoggedLoop, Logs, SkippedLines,
};
use crate::sql::lexer::{TokenKind, redacted_tokens};
use crate::sql::redact::Redactor;
use crate::units::{Millis, float, ratio};

/// Families that are kept besides those of loops.
const MOST_FAMILIES: usize = 1_000;

/// Kinds of loops that are kept.
const MOST_LOOPS: usize = 1_000;

impl Digest {
    /// What all files together amount to; `files` are their names, in the order of their numbers.
    pub fn finish(mut self, files: Vec<String>, tally: &Tally) -> Logs {
        for session in self.sessions.values_mut() {
            session.stack.flush(&session.name, &mut self.found);
        }
        let (without_parameters, loops_left_out) =
            (self.found.without_parameters, self.found.left_out);
        let (left_families, left_executions) =
            (self.families.left_out, self.families.left_out_executions);
        let counted = self.families.into_counted();
        let mut loops: Vec<(Key, Record)> = self.found.records.into_iter().collect();
        loops.sort_by_key(|(key, record)| {
            (
                Reverse(record.executions),
                key.statement,
                key.chain.families().to_vec(),
                key.kind,
            )
        });
        let dropped = loops.split_off(loops.len().min(MOST_LOOPS));
        let chosen = choose(&counted, &loops);
        let places: FxHashMap<FamilyId, usize> = chosen
            .iter()
            .enumerate()
            .map(|(place, family)| (*family, place))
            .collect();
        let unchosen = counted
            .iter()
            .filter(|(family, _)| !places.contains_key(family));
        let (more_families, more_executions) =
            unchosen.fold((0, 0), |(families, executions), (_, counted)| {
                (families + 1, executions + counted.figures.executions)
            });
        let time = |at: Option<i64>| Timestamp::from_microsecond(at?).ok();
        Logs {
            from: time(self.first),
            to: time(self.last),
            executions: self.figures.executions,
            sessions: self.opened,
            durations: self.figures.durations(),
            rate: self.figures.rate(),
            families: chosen
                .iter()
                .filter_map(|family| counted.get(family))
                .map(family)
                .collect(),
            loops: loops
                .iter()
                .filter_map(|(key, record)| looped(key, record, &places, &files))
                .collect(),
            without_parameters,
            without_session: self.without_session,
            left_out: LeftOut {
                families: left_families + more_families,
                family_executions: left_executions + more_executions,
                loops: loops_left_out + dropped.iter().map(|(_, record)| record.loops).sum::<i64>(),
                ..self.left_out
            },
            skipped: skipped(tally, &files),
            files,
        }
    }
}

/// The families that took the most time, or without durations ran most often, and those of loops.
fn choose(counted: &FxHashMap<FamilyId, Counted>, loops: &[(Key, Record)]) -> Vec<FamilyId> {
    let looped: FxHashSet<FamilyId> = loops
        .iter()
        .flat_map(|(key, _)| {
            let chain = key.chain.families().iter().copied();
            std::iter::once(key.statement).chain(chain)
        })
        .collect();
    let time = |counted: &Counted| {
        counted
            .figures
            .durations()
            .map_or(0.0, |durations: Durations| durations.total_ms.get())
    };
    let mut all: Vec<(f64, i64, FamilyId)> = counted
        .iter()
        .map(|(family, counted)| (time(counted), counted.figures.executions, *family))
        .collect();
    all.sort_by(|one, other| {
        let time = other.0.total_cmp(&one.0);
        time.then(other.1.cmp(&one.1)).then(one.2.cmp(&other.2))
    });
    let costly: BTreeSet<FamilyId> = all
        .iter()
        .take(MOST_FAMILIES)
        .map(|(_, _, family)| *family)
        .collect();
    all.into_iter()
        .map(|(_, _, family)| family)
        .filter(|family| costly.contains(family) || looped.contains(family))
        .collect()
}

fn family(counted: &Counted) -> LoggedFamily {
    LoggedFamily {
        family: counted.fingerprint.as_str().to_owned(),
        query: parameterised(&counted.text),
        queryids: counted.queryids.clone(),
        executions: counted.figures.executions,
        durations: counted.figures.durations(),
        rate: counted.figures.rate(),
    }
}

fn looped(
    key: &Key,
    record: &Record,
    places: &FxHashMap<FamilyId, usize>,
    files: &[String],
) -> Option<LoggedLoop> {
    let chain = key.chain.families().iter();
    let within: Option<Vec<usize>> = chain.map(|family| places.get(family).copied()).collect();
    Some(LoggedLoop {
        statement: *places.get(&key.statement)?,
        within: within?,
        kind: key.kind,
        loops: record.loops,
        in_transaction: record.in_transaction,
        unbroken: record.unbroken,
        executions: record.executions,
        longest: record.longest,
        distinct_ratio: ratio(record.distinct, float(record.executions)).unwrap_or_default(),
        total_ms: (record.timed == record.executions).then_some(Millis(record.total_ms)),
        excerpts: record
            .excerpts
            .iter()
            .filter_map(|raw| excerpt(raw, files))
            .collect(),
    })
}

fn excerpt(raw: &RawExcerpt, files: &[String]) -> Option<Excerpt> {
    let first = raw.sights.first()?;
    Some(Excerpt {
        session: text(&raw.session),
        file: name(files, first.file),
        lines: raw.sights.iter().map(line).collect(),
    })
}

fn line(sight: &Sight) -> ExcerptLine {
    ExcerptLine {
        line: sight.line,
        at: sight.at.and_then(|at| Timestamp::from_microsecond(at).ok()),
        statement: text(&sight.statement),
        parameters: Some(text(&sight.parameters)).filter(|values| !values.is_empty()),
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn name(files: &[String], number: u32) -> String {
    let file = usize::try_from(number)
        .ok()
        .and_then(|number| files.get(number));
    file.cloned().unwrap_or_default()
}

fn skipped(tally: &Tally, files: &[String]) -> Vec<SkippedLines> {
    let lines = tally.skipped.iter();
    lines
        .map(|(reason, skipped)| SkippedLines {
            reason: reason.describe().to_owned(),
            count: i64::try_from(skipped.count).unwrap_or(i64::MAX),
            file: name(files, skipped.first.file),
            line: skipped.first.line,
        })
        .collect()
}

/// The text with parameters in place of its constants, as `pg_stat_statements` has it.
fn parameterised(text: &str) -> String {
    let redacted = Redactor::new().sql(text);
    let numbers = redacted_tokens(&redacted)
        .filter(|token| token.kind == TokenKind::Param)
        .filter_map(|token| token.text.get(1..)?.parse::<u32>().ok());
    let mut number = numbers.max().unwrap_or_default();
    let mut output = String::with_capacity(redacted.len());
    for token in redacted_tokens(&redacted) {
        if token.kind == TokenKind::Redacted {
            number = number.saturating_add(1);
            output.push('$');
            output.push_str(&number.to_string());
        } else {
            output.push_str(token.text);
        }
    }
    output
}

#[cfg(test)]
mod tests {
    use super::parameterised;

    #[test]
    fn constants_become_parameters() {
        for (text, expected) in [
            ("SELECT 'a', 2 FROM t", "SELECT $1, $2 FROM t"),
            ("SELECT $2, 'x' LIMIT 1", "SELECT $2, $3 LIMIT $4"),
            ("SELECT 1 -- secret", "SELECT $1 "),
            ("SELECT a FROM t ORDER BY 1", "SELECT a FROM t ORDER BY 1"),
        ] {
            assert_eq!(parameterised(text), expected);
        }
    }
}
