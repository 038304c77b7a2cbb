//! Why something is not a plan, and what to run instead.

use thiserror::Error;

const INSTEAD: &str = "run: EXPLAIN (ANALYZE, VERBOSE, BUFFERS, FORMAT JSON) <statement>";

/// Why a value could not be read as EXPLAIN output.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PlanError {
    /// EXPLAIN's default format.
    #[error("the plan is in text format, which leaves out what the analysis needs; {INSTEAD}")]
    TextFormat,
    /// EXPLAIN (FORMAT YAML).
    #[error("the plan is in YAML format; {INSTEAD}")]
    YamlFormat,
    /// EXPLAIN (FORMAT XML).
    #[error("the plan is in XML format; {INSTEAD}")]
    XmlFormat,
    /// Nothing but whitespace.
    #[error("the plan is empty; {INSTEAD}")]
    Empty,
    /// Neither JSON nor a known format of EXPLAIN.
    #[error("the plan is not JSON ({reason}); {INSTEAD}")]
    NotJson {
        /// What the JSON parser says.
        reason: String,
    },
    /// JSON, but without a `Plan`.
    #[error("the JSON holds no plan (no \"Plan\" with a \"Node Type\"); {INSTEAD}")]
    NoPlan,
    /// EXPLAIN of a statement that has no plan, such as CREATE TABLE.
    #[error(
        "the statement is a utility command and has no plan; explain a SELECT, INSERT, UPDATE, DELETE or MERGE"
    )]
    Utility,
    /// A node that is no object or has no `Node Type`.
    #[error("the plan is damaged at {pointer}: no \"Node Type\"; {INSTEAD}")]
    Damaged {
        /// The JSON pointer of the node below the EXPLAIN object.
        pointer: String,
    },
    /// Deeper than JSON is read here.
    #[error(
        "the plan is nested deeper than {limit} levels, which no planner makes of a statement of ordinary size; explain its parts one by one"
    )]
    TooDeep {
        /// How many levels are read.
        limit: usize,
    },
}
