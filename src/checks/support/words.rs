//! Advice without DDL.

use crate::finding::{Action, Expected, Recommendation, Risk};
use crate::snapshot::WhatIfBasis;

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
