//! How many distinct parameters a run of executions has, in a quarter of a kilobyte.

use crate::units::{float, ratio};

/// Bits of the sketch.
const BITS: u32 = 2048;
const WORDS: usize = BITS as usize / 64;

/// So many executions are judged: until then, the sketch is at most half full, where its error is below 2 %.
const JUDGED: i64 = 1024;

/// Linear counting (Whang, Vander-Zanden and Taylor 1990) of hashes.
#[derive(Debug, Clone)]
pub struct Parameters {
    bits: [u64; WORDS],
    judged: i64,
}

impl Default for Parameters {
    fn default() -> Self {
        Self {
            bits: [0; WORDS],
            judged: 0,
        }
    }
}

impl Parameters {
    /// Takes in the parameters of one execution.
    pub fn add(&mut self, hash: u64) {
        if self.judged >= JUDGED {
            return;
        }
        self.judged += 1;
        let bit = spread(hash) % u64::from(BITS);
        let word = usize::try_from(bit / 64).unwrap_or_default();
        if let Some(word) = self.bits.get_mut(word) {
            *word |= 1 << (bit % 64);
        }
    }

    /// Takes in those of another run.
    pub fn merge(&mut self, other: &Self) {
        if self.judged >= JUDGED {
            return;
        }
        self.judged += other.judged;
        for (own, other) in self.bits.iter_mut().zip(&other.bits) {
            *own |= other;
        }
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        if self.judged > 0 {
            *self = Self::default();
        }
    }

    /// Distinct ÷ judged, 0..1; 0 where nothing was judged.
    pub fn distinct_ratio(&self) -> f64 {
        let set: u32 = self.bits.iter().map(|word| word.count_ones()).sum();
        let size = f64::from(BITS);
        let free = f64::from(BITS.saturating_sub(set).max(1));
        let distinct = (size * (size / free).ln()).round();
        ratio(distinct, float(self.judged)).map_or(0.0, |share| share.min(1.0))
    }
}

/// The last step of `MurmurHash3`, after which every bit depends on all.
fn spread(hash: u64) -> u64 {
    let hash = (hash ^ hash >> 33).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let hash = (hash ^ hash >> 33).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ hash >> 33
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::hash::{BuildHasher, BuildHasherDefault};

    fn share(values: impl Iterator<Item = u64>) -> f64 {
        let hasher = BuildHasherDefault::<rustc_hash::FxHasher>::default();
        let mut parameters = Parameters::default();
        for value in values {
            parameters.add(hasher.hash_one(value));
        }
        parameters.distinct_ratio()
    }

    #[test]
    fn distinct_values_are_told_from_equal_ones() {
        assert!(share(0..5) > 0.95);
        assert!(share(0..1000) > 0.95);
        assert!(share(0..1_000_000) > 0.95);
        assert!(share(std::iter::repeat_n(7, 5)) <= 0.2);
        assert!(share(std::iter::repeat_n(7, 1000)) < 0.01);
        let half = share((0..500).chain(0..500));
        assert!((0.45..0.55).contains(&half), "{half}");
        assert!(share(std::iter::empty()) == 0.0);
    }
}
