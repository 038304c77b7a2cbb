//! What several checks share: advice without DDL, labels of statements, walks over plans, memory settings.

use super::{Case, CasePlan, Proposal};
use crate::finding::{Action, Expected, Recommendation, Risk, Subject};
use crate::format;
use crate::ids::quote_ident;
use crate::plan::Node;
use crate::snapshot::WhatIfBasis;
use crate::sql::lexer::tokens;
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
