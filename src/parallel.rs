//! Work on many things at once.

use std::mem;
use std::num::NonZero;
use std::panic::resume_unwind;
use std::sync::{Mutex, PoisonError};
use std::thread;

/// More threads than this compete for memory more than they gain.
const MOST_THREADS: usize = 8;

/// What `each` makes of every item, in their order. Fewer than `worth` items are done sooner than threads are started;
/// each thread has a state of its own. Where the system gives no more threads, this one does their part.
pub fn map<T: Send, S, R: Send>(
    items: Vec<T>,
    worth: usize,
    state: impl Fn() -> S + Sync,
    each: impl Fn(&mut S, T) -> R + Sync,
) -> Vec<R> {
    let threads = if items.len() < worth {
        1
    } else {
        thread::available_parallelism()
            .map_or(1, NonZero::get)
            .min(MOST_THREADS)
    };
    let work = |portion: &Mutex<Vec<T>>| -> Vec<R> {
        let mut state = state();
        let items = mem::take(&mut *portion.lock().unwrap_or_else(PoisonError::into_inner));
        items
            .into_iter()
            .map(|item| each(&mut state, item))
            .collect()
    };
    let portions = portions(items, threads);
    let work = &work;
    thread::scope(|scope| {
        let (own, others) = portions.split_at(portions.len().min(1));
        let others: Vec<_> = others
            .iter()
            .map(|portion| {
                let spawned = thread::Builder::new().spawn_scoped(scope, move || work(portion));
                (portion, spawned)
            })
            .collect();
        let mut done: Vec<R> = own.iter().flat_map(work).collect();
        for (portion, spawned) in others {
            done.extend(match spawned {
                Ok(thread) => thread.join().unwrap_or_else(|panic| resume_unwind(panic)),
                Err(_) => work(portion),
            });
        }
        done
    })
}

/// The items in so many parts of about the same size, each where a thread can take it.
fn portions<T>(items: Vec<T>, count: usize) -> Vec<Mutex<Vec<T>>> {
    let size = items.len().div_ceil(count);
    let mut items = items.into_iter();
    let mut portions = Vec::with_capacity(count);
    while items.len() > 0 {
        portions.push(Mutex::new(items.by_ref().take(size).collect()));
    }
    portions
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
