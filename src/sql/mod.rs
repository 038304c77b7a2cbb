//! SQL text: tokens, and what follows from tokens and syntax trees.

pub mod lexer;
pub mod mentions;
pub mod parse;
pub mod redact;
pub mod rewrite;
