//! Renders a [`Report`](crate::finding::Report). [`document`] turns it into blocks once; terminal, markdown
//! and HTML walk the blocks; JSON serialises the report itself.

pub mod document;
pub mod github;
pub mod gitlab;
pub mod html;
pub mod json;
pub mod junit;
mod logged;
pub mod markdown;
pub mod plan_tree;
pub mod sarif;
pub mod terminal;

mod machine;
mod plan_lines;
mod summary;
mod text;

#[cfg(test)]
mod tests;

pub use document::Document;
pub use terminal::{Colour, Terminal};
pub use text::filled;
