//! How much of the workload must be at stake.

use crate::units::Millis;

/// From this share of the window's execution time on a finding is medium; below, it is low.
pub const MEDIUM_SHARE: f64 = 0.02;

/// While less time than this is at stake in the window, a finding is at most medium.
pub const MATTERS: Millis = Millis(1_000.0);
