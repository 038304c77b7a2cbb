//! The shapes of many texts. Parsing is the dearest part of an analysis, so equal texts are parsed once, and many on
//! all processors.

use std::collections::BTreeMap;

use crate::parallel;
use crate::sql::family::{Family, Shape};

/// Fewer texts than this are parsed sooner than threads are started.
const WORTH_THREADS: usize = 2_000;

/// The shape of each text, each text once.
pub(super) fn shapes<'a>(texts: impl Iterator<Item = &'a str>) -> BTreeMap<&'a str, Shape> {
    let mut unique: Vec<&str> = texts.collect();
    unique.sort_unstable();
    unique.dedup();
    let shape = |(): &mut (), text: &'a str| (text, Family::of(text));
    parallel::map(unique, WORTH_THREADS, || (), shape)
        .into_iter()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_texts_have_the_shapes_that_each_has_alone() {
        let texts: Vec<String> = (0..WORTH_THREADS + 10)
            .map(|number| format!("SELECT a{number} FROM t WHERE id = $1"))
            .collect();
        let twice = texts.iter().chain(&texts).map(String::as_str);
        let shapes = shapes(twice);
        assert_eq!(shapes.len(), texts.len());
        for text in texts.iter().step_by(97) {
            assert_eq!(shapes.get(text.as_str()), Some(&Family::of(text)));
        }
    }
}
