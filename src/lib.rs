//! `pgtriage` finds what makes a PostgreSQL database slow, proves it with numbers, and says what to do.
//!
//! `collect → Snapshot → probe → Snapshot (with plans) → analyze → Report → render`
//!
//! I/O lives at the two ends, behind the feature `live`; everything between is pure. `ARCHITECTURE.md` is the code map.

#[cfg(feature = "live")]
#[macro_use]
mod query;

pub mod format;
pub mod ids;
pub mod json;
pub mod parallel;
pub mod units;

pub mod logs;
pub mod plan;
pub mod snapshot;
pub mod sql;

pub mod finding;

pub mod advisor;
pub mod checks;

pub mod analyze;
pub mod baseline;
pub mod gate;

pub mod report;

#[cfg(feature = "live")]
pub mod collect;
#[cfg(feature = "live")]
pub mod connect;
#[cfg(feature = "live")]
pub mod demo;
#[cfg(feature = "live")]
pub mod probe;

#[cfg(feature = "live")]
pub mod simulate;

#[cfg(feature = "live")]
pub mod cli;
