//! What several checks share: advice without DDL, labels of statements, walks over plans, memory settings.

use super::{Case, CasePlan, Proposal};
use crate::finding::{Action, Expected, Recommendation, Risk, Subject};
use crate::format;
use crate::ids::quote_ident;
use crate::plan::Node;
use crate::snapshot::WhatIfBasis;
use crate::sql::lexer::{Token, tokens};
use crate::units::{Bytes, float};

/// Proposes for each node of each plan that ran, and of each that did not.
pub fn each_node<'a>(
    case: &Case<'a>,
    found: &mut Vec<Proposal>,
    propose: impl Fn(&Case<'a>, &CasePlan<'a>, &Node) -> Option<Proposal>,
) {
    for plan in &case.plans {
        let nodes = plan.plan.nodes();
        found.extend(nodes.filter_map(|node| propose(case, plan, node)));
    }
}

/// The largest `work_mem` that is advised; what needs more should read less instead.
const MOST_WORK_MEM: i64 = 1 << 30;

/// Advises so much `work_mem` for the role that runs a plan's statement.
pub fn more_work_mem(
    case: &Case<'_>,
    plan: &CasePlan<'_>,
    needed: Bytes,
    instead: &str,
) -> Recommendation {
    let megabytes = (needed.get() / (1 << 20) + 1).max(1).cast_unsigned();
    let size = Bytes(i64::try_from(megabytes.next_power_of_two()).unwrap_or(i64::MAX) << 20);
    if size.get() > MOST_WORK_MEM {
        let summary = format!(
            "sort or hash less: it would take about {} of work_mem; {instead}",
            format::bytes(needed)
        );
        let words = Words {
            summary: &summary,
            expected: "no temporary files where the input becomes small",
            risk: "none until the statement is changed",
        };
        return advice(Action::RewriteQuery, words);
    }
    let value = format!("{}MB", size.get() >> 20);
    let summary = format!("give the statement or its role work_mem = {value}; or {instead}");
    let words = Words {
        summary: &summary,
        expected: "it fits into memory and writes no temporary files",
        risk: "each sort and hash of each session of the role may take that much; SET LOCAL in the one transaction is narrower",
    };
    let mut advice = advice(Action::ChangeSetting, words);
    if let Some(role) = role_of(case, plan) {
        let target = format!(
            "ALTER ROLE {} IN DATABASE {}",
            quote_ident(role),
            quote_ident(&case.snapshot.server.database)
        );
        advice
            .ddl
            .push(format!("{target} SET work_mem = '{value}';"));
        advice.rollback.push(format!("{target} RESET work_mem;"));
    }
    advice
}

fn role_of<'c>(case: &'c Case<'_>, plan: &CasePlan<'_>) -> Option<&'c str> {
    let family = case.workload.families().get(plan.family?)?;
    case.workload.representative(family)?.role.as_deref()
}

/// A number of kilobytes that EXPLAIN printed, as bytes.
pub fn kilobytes(value: i64) -> f64 {
    float(value) * 1024.0
}

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

/// Relations that a label names.
const LABEL_RELATIONS: usize = 2;

/// Longer labels are cut.
const LABEL_CHARS: usize = 40;

/// A statement in a few words: what it does and to which relations, such as `SELECT orders, customers`.
pub fn label(text: &str) -> String {
    let words: Vec<Token<'_>> = tokens(text).filter(|token| !token.is_trivia()).collect();
    let verb = words.iter().find(|token| token.text != "(");
    let mut relations: Vec<String> = Vec::new();
    for (place, word) in words.iter().enumerate() {
        if !NAMING.iter().any(|naming| word.is_word(naming)) {
            continue;
        }
        let name = relation(word, words.get(place + 1..).unwrap_or_default());
        if let Some(name) = name.filter(|name| !relations.contains(name)) {
            relations.push(name);
        }
    }
    match (verb, relations.is_empty()) {
        (Some(verb), false) => {
            relations.truncate(LABEL_RELATIONS);
            let verb = verb.text.to_ascii_uppercase();
            shortened(&format!("{verb} {}", relations.join(", ")), LABEL_CHARS)
        }
        _ => shortened(text, LABEL_CHARS),
    }
}

/// Words that a relation's name follows.
const NAMING: [&str; 4] = ["from", "join", "into", "update"];

/// The last part of the dotted name that follows `naming`; `None` for a sub-query, a function or a keyword.
fn relation(naming: &Token<'_>, tokens: &[Token<'_>]) -> Option<String> {
    let mut rest = tokens.iter();
    let mut last = rest.next().filter(|token| token.is_name())?;
    if NO_RELATION.iter().any(|word| last.is_word(word)) {
        return None;
    }
    while let Some(dot) = rest.next() {
        match dot.text {
            "." => last = rest.next()?,
            // A function in FROM, but a column list in INSERT INTO.
            "(" if !naming.is_word("into") => return None,
            _ => break,
        }
    }
    Some(last.text.trim_matches('"').to_owned())
}

/// Words after `FROM` or `UPDATE` that are no relation's name.
const NO_RELATION: [&str; 9] = [
    "select", "lateral", "only", "skip", "nowait", "of", "set", "rows", "values",
];

/// A text on one line, cut where it is long.
fn shortened(text: &str, chars: usize) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= chars {
        return line;
    }
    let cut: String = line.chars().take(chars.saturating_sub(1)).collect();
    format!("{}…", cut.trim_end())
}

/// Longer shapes are cut in ids.
const SUBJECT_CHARS: usize = 60;

/// A family's canonical shape as a subject: cut where it is long, and then told apart by a checksum of the whole.
pub fn subject(fingerprint: &str) -> Subject {
    let short = shortened(fingerprint, SUBJECT_CHARS);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_say_what_is_done_to_which_relations() {
        for (text, expected) in [
            (
                "SELECT a, b FROM public.orders o JOIN \"Users\" u ON true",
                "SELECT orders, Users",
            ),
            ("select 1", "select 1"),
            ("INSERT INTO log (a) VALUES ($1)", "INSERT log"),
            ("UPDATE only_one SET a = $1 FROM b", "UPDATE only_one, b"),
            (
                "DELETE FROM t WHERE x IN (SELECT id FROM gone)",
                "DELETE t, gone",
            ),
            (
                "SELECT extract(year FROM at) FROM (SELECT * FROM visits) v",
                "SELECT at, visits",
            ),
            ("SELECT * FROM jobs FOR UPDATE SKIP LOCKED", "SELECT jobs"),
            (
                "SELECT * FROM generate_series($1, $2)",
                "SELECT * FROM generate_series($1, $2)",
            ),
        ] {
            assert_eq!(label(text), expected);
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
