//! Quantities that must not be mixed up: milliseconds, rows, bytes, blocks, loops, and values that are averages per
//! loop.

use std::iter::Sum;
use std::ops::{Add, AddAssign, Sub};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

macro_rules! quantity {
    ($(#[$doc:meta])* $name:ident($inner:ty, $add:path, $sub:path)) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Default, Serialize, Deserialize, JsonSchema)]
        #[serde(transparent)]
        pub struct $name(pub $inner);

        impl $name {
            /// The bare number, for arithmetic that leaves the unit.
            pub const fn get(self) -> $inner {
                self.0
            }
        }

        impl Add for $name {
            type Output = Self;
            fn add(self, other: Self) -> Self {
                Self($add(self.0, other.0))
            }
        }

        impl AddAssign for $name {
            fn add_assign(&mut self, other: Self) {
                self.0 = $add(self.0, other.0);
            }
        }

        impl Sub for $name {
            type Output = Self;
            fn sub(self, other: Self) -> Self {
                Self($sub(self.0, other.0))
            }
        }

        impl Sum for $name {
            fn sum<I: Iterator<Item = Self>>(values: I) -> Self {
                values.fold(Self::default(), Add::add)
            }
        }
    };
}

quantity! {
    /// Milliseconds, as PostgreSQL reports execution and planning times.
    Millis(f64, Add::add, Sub::sub)
}
quantity! {
    /// A number of tuples; fractional because planner estimates and per-loop averages are.
    Rows(f64, Add::add, Sub::sub)
}
quantity! {
    /// A size in bytes; signed so that a difference of two sizes is one too.
    Bytes(i64, i64::saturating_add, i64::saturating_sub)
}
quantity! {
    /// A number of shared, local or temporary blocks.
    Blocks(i64, i64::saturating_add, i64::saturating_sub)
}
quantity! {
    /// How often a plan node was started; under Gather the processes count, too.
    Loops(f64, Add::add, Sub::sub)
}
quantity! {
    /// Planner cost, in units of `seq_page_cost`.
    Cost(f64, Add::add, Sub::sub)
}

impl Bytes {
    /// A computed size, without the fraction of a byte.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "`as` saturates, and no size is near 2^63 bytes; this is the one place that converts"
    )]
    pub const fn of(size: f64) -> Self {
        Self(size as i64)
    }
}

impl Blocks {
    /// The size of so many blocks at the server's `block_size`.
    pub fn bytes(self, block_size: Bytes) -> Bytes {
        Bytes(self.0.saturating_mul(block_size.0))
    }
}

/// An average over the loops of a plan node. It leaves only through [`PerLoop::total`] or
/// [`PerLoop::per_loop`], so that nobody adds an average to a total.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Default)]
pub struct PerLoop<T>(T);

impl<T: Copy> PerLoop<T> {
    /// Wraps a value that EXPLAIN prints as an average per loop.
    pub const fn new(average: T) -> Self {
        Self(average)
    }

    /// The average itself, for comparison with a planner estimate, which is per loop as well.
    pub const fn per_loop(self) -> T {
        self.0
    }
}

impl PerLoop<Rows> {
    /// Rows over all loops.
    pub fn total(self, loops: Loops) -> Rows {
        Rows(self.0.0 * loops.0)
    }
}

impl PerLoop<Millis> {
    /// Milliseconds over all loops (summed over processes under Gather).
    pub fn total(self, loops: Loops) -> Millis {
        Millis(self.0.0 * loops.0)
    }
}

/// `part / whole`, or `None` where the whole is zero or either is not finite.
pub fn ratio(part: f64, whole: f64) -> Option<f64> {
    let value = part / whole;
    (whole != 0.0 && value.is_finite()).then_some(value)
}

/// A count as a floating-point number; exact up to 2^53, which no PostgreSQL counter reaches in practice.
#[expect(
    clippy::cast_precision_loss,
    reason = "counters stay far below 2^53; this is the one place that converts"
)]
pub const fn float(count: i64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn per_loop_averages_leave_as_totals() {
        assert_eq!(PerLoop::new(Rows(2.5)).total(Loops(4.0)), Rows(10.0));
        assert_eq!(PerLoop::new(Millis(0.5)).total(Loops(3.0)), Millis(1.5));
    }

    #[test]
    fn ratio_of_nothing_is_unknown() {
        assert_eq!(ratio(1.0, 0.0), None);
        assert_eq!(ratio(1.0, 4.0), Some(0.25));
    }
}
