//! Advice without DDL.

use crate::finding::{Action, Expected, Recommendation, Risk};

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
        expected: Expected::in_words(words.expected),
        risk: Risk::in_words(words.risk),
    }
}
