//! Statement text made fit for the server: repaired where normalisation broke it, turned into a `SELECT` where the
//! role may not write.
//!
//! Those edits are made on tokens, so that they work for text that no parser understands and leave the rest of it as
//! written. What is advised to be written differently for the same rows goes through the syntax tree instead
//! ([`tree`]): there, understanding is the point.

mod batch;
mod equivalent;
mod insert;
mod locking;
mod renumber;
mod repair;
mod stream;
mod together;
mod tree;

pub use batch::{KeyParameter, PerKey, batch};
pub use equivalent::{EquivalentSelect, NoEquivalent, Rows, equivalent_select};
pub use insert::{insert_many, inserts_one_row};
pub(in crate::sql) use locking::locking_clause;
pub use locking::without_locking;
pub use repair::{Repair, Repaired, cast_parameters, repair};
pub(in crate::sql) use stream::{Edits, Stream};
pub use together::{KeySource, together};
pub use tree::{
    Assumption, ColumnFacts, Keyset, Obstacle, Rewrite, TableFacts, Tables, Target, contained,
    joined, keyset, not_exists, sargable, uncast, union_all,
};
