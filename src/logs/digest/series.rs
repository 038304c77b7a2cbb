//! Counts over time in constant memory: intervals that widen.

use std::collections::VecDeque;

use jiff::Timestamp;

use crate::snapshot;
use crate::units::float;

/// So many intervals are kept at most.
const MOST: usize = 120;

const SECOND: i64 = 1_000_000;

/// Lengths of intervals in seconds, each a multiple of the one before, so that intervals can be joined.
const LENGTHS: [i64; 14] = [
    1, 5, 10, 30, 60, 300, 600, 1_800, 3_600, 21_600, 43_200, 86_400, 604_800, 6_048_000,
];

/// Counts over time.
#[derive(Debug, Default)]
pub struct Series {
    /// Index into [`LENGTHS`].
    length: usize,
    /// Number of the first interval since 1970.
    first: i64,
    counts: VecDeque<i64>,
}

impl Series {
    /// Counts one at this many microseconds since 1970.
    pub fn add(&mut self, at: i64) {
        loop {
            let interval = at.div_euclid(self.length());
            if self.counts.is_empty() {
                self.first = interval;
                self.counts.push_back(1);
                return;
            }
            if let Some(count) = self.reach(interval) {
                *count += 1;
                return;
            }
            if !self.widen() {
                return;
            }
        }
    }

    fn length(&self) -> i64 {
        LENGTHS.get(self.length).copied().unwrap_or(1) * SECOND
    }

    /// The count of an interval; `None` where it is too far from the others.
    fn reach(&mut self, interval: i64) -> Option<&mut i64> {
        let most = i64::try_from(MOST).unwrap_or(i64::MAX);
        let have = i64::try_from(self.counts.len()).unwrap_or(i64::MAX);
        let place = interval - self.first;
        if place >= most || have - place > most {
            return None;
        }
        for _ in place..0 {
            self.counts.push_front(0);
            self.first -= 1;
        }
        for _ in have..=place {
            self.counts.push_back(0);
        }
        let place = usize::try_from(interval - self.first).ok()?;
        self.counts.get_mut(place)
    }

    /// Joins intervals to longer ones; false where there are no longer ones.
    fn widen(&mut self) -> bool {
        let before = self.length();
        if self.length + 1 >= LENGTHS.len() {
            return false;
        }
        self.length += 1;
        let factor = self.length() / before;
        let first = self.first.div_euclid(factor);
        let mut joined: VecDeque<i64> = VecDeque::new();
        for (place, count) in (0_i64..).zip(&self.counts) {
            let interval = (self.first + place).div_euclid(factor) - first;
            let have = i64::try_from(joined.len()).unwrap_or(i64::MAX);
            for _ in have..=interval {
                joined.push_back(0);
            }
            if let Some(last) = joined.back_mut() {
                *last += count;
            }
        }
        self.first = first;
        self.counts = joined;
        true
    }

    /// The counts; `None` without any.
    pub fn finish(&self) -> Option<snapshot::Series> {
        if self.counts.is_empty() {
            return None;
        }
        Some(snapshot::Series {
            from: Timestamp::from_microsecond(self.first.checked_mul(self.length())?).ok()?,
            seconds: float(self.length() / SECOND),
            counts: self.counts.iter().copied().collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(seconds: &[i64]) -> snapshot::Series {
        let mut series = Series::default();
        for second in seconds {
            series.add(second * SECOND);
        }
        series.finish().unwrap()
    }

    #[test]
    fn each_interval_has_its_count() {
        let series = of(&[100, 100, 102, 99]);
        assert_eq!(series.from, Timestamp::from_second(99).unwrap());
        assert!((series.seconds - 1.0).abs() < 1e-9);
        assert_eq!(series.counts, [1, 2, 0, 1]);
        assert_eq!(Series::default().finish(), None);
    }

    #[test]
    fn intervals_widen_with_the_time_that_they_cover() {
        let series = of(&[0, 3, 60, 599, 600]);
        assert!((series.seconds - 10.0).abs() < 1e-9);
        assert_eq!(series.counts.len(), 61);
        assert_eq!(series.counts.first(), Some(&2));
        assert_eq!(series.counts.last(), Some(&1));
    }

    proptest! {
        #[test]
        fn nothing_is_lost(seconds in proptest::collection::vec(0_i64..100_000_000, 1..200)) {
            let series = of(&seconds);
            prop_assert!(series.counts.len() <= MOST);
            prop_assert_eq!(series.counts.iter().sum::<i64>(), i64::try_from(seconds.len()).unwrap());
            let from = series.from.as_second();
            prop_assert!(seconds.iter().all(|second| *second >= from));
        }
    }
}
