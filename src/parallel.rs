//! Work on many things at once.

use std::num::NonZero;
use std::panic::resume_unwind;
use std::thread;

/// More threads than this compete for memory more than they gain.
const MOST_THREADS: usize = 8;

/// What `each` makes of every item, in their order. Fewer than `worth` items are done sooner than threads are started;
/// each thread has a state of its own.
pub fn map<T: Send, S, R: Send>(
    items: Vec<T>,
    worth: usize,
    state: impl Fn() -> S + Sync,
    each: impl Fn(&mut S, T) -> R + Sync,
) -> Vec<R> {
    let portion = |items: Vec<T>| -> Vec<R> {
        let mut state = state();
        items
            .into_iter()
            .map(|item| each(&mut state, item))
            .collect()
    };
    let threads = if items.len() < worth {
        1
    } else {
        thread::available_parallelism()
            .map_or(1, NonZero::get)
            .min(MOST_THREADS)
    };
    let size = items.len().div_ceil(threads);
    let mut items = items.into_iter();
    let own: Vec<T> = items.by_ref().take(size).collect();
    thread::scope(|scope| {
        let mut others = Vec::new();
        while items.len() > 0 {
            let next: Vec<T> = items.by_ref().take(size).collect();
            others.push(scope.spawn(|| portion(next)));
        }
        let mut done = portion(own);
        for other in others {
            done.extend(other.join().unwrap_or_else(|panic| resume_unwind(panic)));
        }
        done
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_keep_their_order() {
        for (count, worth) in [(0, 1), (1, 1), (7, 1), (100, 1), (100, 1_000)] {
            let items: Vec<usize> = (0..count).collect();
            let doubled = map(items.clone(), worth, || (), |(), item| item * 2);
            let expected: Vec<usize> = items.into_iter().map(|item| item * 2).collect();
            assert_eq!(doubled, expected);
        }
    }
}
