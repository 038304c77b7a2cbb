//! SQL text: tokens, and what follows from tokens and syntax trees.

pub mod cursor;
pub mod facts;
pub mod family;
pub mod lexer;
pub mod mentions;
pub mod parameters;
pub mod parse;
pub mod prepared;
pub mod redact;
pub mod rewrite;
pub mod scope;
pub mod script;
mod walk;
