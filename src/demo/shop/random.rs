//! Numbers that look random and are the same in every run.

/// `SplitMix64` (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
#[derive(Debug, Clone)]
pub(super) struct Random(pub(super) u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// From 1 to `rows`: an id of a table with so many.
    pub(super) fn id(&mut self, rows: i64) -> i64 {
        let rows = u64::try_from(rows.max(1)).unwrap_or(1);
        i64::try_from(self.next() % rows).unwrap_or(0) + 1
    }

    /// One of the values, unless there are none.
    pub(super) fn pick<'v, T>(&mut self, values: &'v [T]) -> Option<&'v T> {
        let length = u64::try_from(values.len()).unwrap_or(0).max(1);
        values.get(usize::try_from(self.next() % length).unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_stay_in_range_and_reach_both_ends() {
        let mut random = Random(1);
        let ids: Vec<i64> = (0..1000).map(|_| random.id(10)).collect();
        assert_eq!(ids.iter().min(), Some(&1));
        assert_eq!(ids.iter().max(), Some(&10));
        assert_eq!(random.id(0), 1);
        assert_eq!(random.pick::<u8>(&[]), None);
    }
}
