//! What several checks share: the frames that their findings have in common, and advice and labels in words.

mod counted;
mod create_index;
mod filter;
mod label;
mod lookup;
mod mend;
mod nodes;
mod policy;
mod rewritten;
mod scan;
mod seen;
mod seq_scan;
mod spill;
mod stake;
mod words;

pub use counted::{Counted, each_family};
pub use create_index::create_index;
pub use filter::{Dress, condition_facts, conditions, dress, filter_facts};
pub use label::{label, shortened, subject};
pub use lookup::{Asks, Lookup, Wrap, is_infix, lookups};
pub use mend::{Mend, mend, special_index, with_index};
pub use nodes::each_node;
pub use rewritten::{rewrite, rewritten};
pub use scan::{Scan, Told};
pub use seen::{Seen, each_seen};
pub use seq_scan::{SELECTIVE, Selective, each_seq_scan, selective};
pub use spill::{Spill, each_spill, for_role, kilobytes, more_work_mem};
pub use stake::{CRITICAL_SHARE, HIGH_SHARE, MATTERS, MEDIUM_SHARE, SEVERITY, SHARES};
pub use words::{Words, advice, with_setting};
