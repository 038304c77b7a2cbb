//! Normalised text that no longer parses, or parses as something else.

/// A text that may be prepared where the original could not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repaired {
    /// The text, still exactly one statement.
    pub text: String,
    /// What was changed.
    pub what: Vec<&'static str>,
}

/// The candidates.
pub fn repair(_text: &str) -> Vec<Repaired> {
    Vec::new()
}
