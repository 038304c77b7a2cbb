//! What several checks share: advice without DDL, labels of statements.

use crate::finding::{Action, Expected, Recommendation, Risk, Subject};
use crate::snapshot::WhatIfBasis;
use crate::sql::lexer::tokens;

/// Advice in words.
#[derive(Debug, Clone, Copy)]
pub struct Words<'t> {
    /// What to do: imperative, lower case.
    pub summary: &'t str,
    /// What it should bring.
    pub expected: &'t str,
    /// What it may cost.
    pub risk: &'t str,
}

/// Advice whose gain no formula tells.
pub fn advice(kind: Action, words: Words<'_>) -> Recommendation {
    Recommendation {
        kind,
        summary: words.summary.to_owned(),
        ddl: Vec::new(),
        rollback: Vec::new(),
        rewrite: None,
        index: None,
        expected: Expected {
            text: words.expected.to_owned(),
            before_cost: None,
            after_cost: None,
            before_ms: None,
            after_ms: None,
            improvement_percent: None,
            basis: WhatIfBasis::Formula,
        },
        risk: Risk {
            text: words.risk.to_owned(),
            size_bytes: None,
            writes_per_second: None,
            hot_ratio: None,
        },
    }
}

/// Longer statements are cut in titles and ids.
const LABEL_CHARS: usize = 60;

/// A statement on one line, cut where it is long.
pub fn label(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= LABEL_CHARS {
        return line;
    }
    let cut: String = line.chars().take(LABEL_CHARS - 1).collect();
    format!("{}…", cut.trim_end())
}

/// A family's canonical shape as a subject: cut where it is long, and then told apart by a checksum of the whole.
pub fn subject(fingerprint: &str) -> Subject {
    let short = label(fingerprint);
    if short.ends_with('…') {
        Subject::new(format!("{short}{:08x}", checksum(fingerprint)))
    } else {
        Subject::new(short)
    }
}

/// FNV-1a, 32 bits (Fowler, Noll, Vo; IETF draft-eastlake-fnv): the same on every machine and in every version.
fn checksum(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    })
}

/// What a statement does, by its first keyword at the top.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// Returns rows.
    Read,
    /// Inserts, updates, deletes or merges.
    Write,
    /// A utility command.
    Utility,
}

/// What the text does, from its tokens: a `WITH` query is what follows its list.
pub fn verb(text: &str) -> Verb {
    let mut depth = 0_usize;
    let mut with = false;
    for token in tokens(text).filter(|token| !token.is_trivia()) {
        match token.text {
            "(" if !with => {}
            "(" => depth += 1,
            ")" => depth = depth.saturating_sub(1),
            _ if depth > 0 => {}
            word => match word.to_ascii_lowercase().as_str() {
                "select" | "values" | "table" => return Verb::Read,
                "insert" | "update" | "delete" | "merge" => return Verb::Write,
                "with" => with = true,
                _ if with => {}
                _ => return Verb::Utility,
            },
        }
    }
    Verb::Utility
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_verb_is_the_statements_own() {
        for (text, expected) in [
            ("select 1", Verb::Read),
            ("(SELECT 1) UNION ALL (SELECT 2)", Verb::Read),
            ("/* app */ -- x\n VALUES (1)", Verb::Read),
            ("WITH a AS (SELECT 1) DELETE FROM t", Verb::Write),
            (
                "with a(x) as materialized (delete from t returning 1) select * from a",
                Verb::Read,
            ),
            ("insert into t select 1", Verb::Write),
            ("COPY t TO STDOUT", Verb::Utility),
            ("FETCH 10 FROM c", Verb::Utility),
            ("", Verb::Utility),
        ] {
            assert_eq!(verb(text), expected, "{text}");
        }
    }

    #[test]
    fn long_subjects_stay_apart() {
        let one = format!("select {} from a", "column, ".repeat(20));
        let other = format!("select {} from b", "column, ".repeat(20));
        assert_ne!(subject(&one), subject(&other));
        assert_eq!(subject("select  1").as_str(), "select 1");
    }
}
