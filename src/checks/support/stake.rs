//! How much must be at stake for a finding to be severe.

use crate::checks::{AnyThreshold, Threshold};
use crate::finding::Unit;
use crate::units::Millis;

/// From this share on a finding is critical: a quarter of what the server does.
pub static CRITICAL_SHARE: Threshold<f64> = Threshold {
    key: "severity.critical_share",
    default: 0.25,
    unit: Unit::Ratio,
    what: "share of the execution time from which on a finding is critical",
};

/// From this share on it is high.
pub static HIGH_SHARE: Threshold<f64> = Threshold {
    key: "severity.high_share",
    default: 0.10,
    unit: Unit::Ratio,
    what: "share of the execution time from which on a finding is high",
};

/// From this share on it is medium; below, it is low.
pub static MEDIUM_SHARE: Threshold<f64> = Threshold {
    key: "severity.medium_share",
    default: 0.02,
    unit: Unit::Ratio,
    what: "share of the execution time from which on a finding is medium",
};

/// While less time than this is at stake in the window, a finding is at most medium.
pub static MATTERS: Threshold<Millis> = Threshold {
    key: "severity.min_time_ms",
    default: Millis(1_000.0),
    unit: Unit::Ms,
    what: "time at stake below which a finding is at most medium",
};

/// The shares from which on findings are severe, the severest first.
pub const SHARES: &[&Threshold<f64>] = &[&CRITICAL_SHARE, &HIGH_SHARE, &MEDIUM_SHARE];

/// What severity is weighed by, the section `[severity]` of the settings file.
pub const SEVERITY: &[&dyn AnyThreshold] = &[&CRITICAL_SHARE, &HIGH_SHARE, &MEDIUM_SHARE, &MATTERS];
