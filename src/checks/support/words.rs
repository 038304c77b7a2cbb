//! Advice in words, and with the DDL of a setting.

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

/// The advice with the statement that makes a setting, and the one that undoes it by going back to the default. A value
/// that was set before is lost by that.
pub fn with_setting(mut advice: Recommendation, set: String, reset: String) -> Recommendation {
    advice.ddl.push(set);
    advice.rollback.push(reset);
    advice
        .risk
        .text
        .push_str("; undone, the default counts, not what may have been set before");
    advice
}
