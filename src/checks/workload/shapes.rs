//! The shapes of many texts. Parsing is the dearest part of an analysis, so equal texts are parsed once, and many on
//! all processors.

use std::collections::BTreeMap;
use std::num::NonZero;
use std::thread;

use crate::sql::family::{Family, Shape};

/// Fewer texts than this are parsed sooner than threads are started.
const WORTH_THREADS: usize = 2_000;

/// More threads than this compete for memory more than they gain.
const MOST_THREADS: usize = 8;

/// The shape of each text, each text once.
pub(super) fn shapes<'a>(texts: impl Iterator<Item = &'a str>) -> BTreeMap<&'a str, Shape> {
    let mut unique: Vec<&str> = texts.collect();
    unique.sort_unstable();
    unique.dedup();
    let processors = thread::available_parallelism().map_or(1, NonZero::get);
    let threads = if unique.len() < WORTH_THREADS {
        1
    } else {
        processors.min(MOST_THREADS)
    };
    let portion = unique.len().div_ceil(threads).max(1);
    let parse = |texts: &[&'a str]| -> Vec<(&'a str, Shape)> {
        texts.iter().map(|text| (*text, Family::of(text))).collect()
    };
    thread::scope(|scope| {
        let mut portions = unique.chunks(portion);
        let own = portions.next().unwrap_or_default();
        let others: Vec<_> = portions
            .map(|texts| (texts, scope.spawn(move || parse(texts))))
            .collect();
        let mut shapes: BTreeMap<&str, Shape> = parse(own).into_iter().collect();
        for (texts, other) in others {
            // A thread that could not end is no reason to lose its texts.
            shapes.extend(other.join().unwrap_or_else(|_| parse(texts)));
        }
        shapes
    })
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
