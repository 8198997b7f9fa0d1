//! Work that threads do ahead of its consumer, in order and within a window.

use std::{
    num::NonZeroUsize,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    thread,
};

use rayon::ThreadPoolBuilder;

use crate::error::{Error, Result};

/// State shared by the threads.
struct Queue<R> {
    state: Mutex<State<R>>,
    changed: Condvar,
}

struct State<R> {
    /// Number of inputs that a thread has started.
    started: usize,
    /// Number of results that were handed out.
    taken: usize,
    /// Results from `taken` on; slot `i % window` holds result `i` once it is finished.
    slots: Vec<Option<R>>,
    /// Set when no more results are wanted.
    is_over: bool,
}

/// Returns the number of threads to read with: that of rayon's pool.
pub fn reading_threads() -> NonZeroUsize {
    NonZeroUsize::new(rayon::current_num_threads()).unwrap_or(NonZeroUsize::MIN)
}

/// Calls `work` on all inputs, in `threads` threads, and `take` on the results, in the inputs' order, in this thread.
///
/// At most `window` results are in memory: a thread that is further ahead waits. Parallel work inside `work` runs in its
/// own thread, so that it does not queue up behind that of `take`.
///
/// # Errors
/// The first error of `take`; [`Error::Thread`] if a thread cannot be started, [`Error::ThreadEnded`] if one panics.
pub fn read_ahead<T: Sync, R: Send, E: From<Error>>(
    inputs: &[T],
    threads: NonZeroUsize,
    window: NonZeroUsize,
    work: impl Fn(&T) -> R + Sync,
    mut take: impl FnMut(R) -> Result<(), E>,
) -> Result<(), E> {
    let slots = (0..window.get()).map(|_| None).collect();
    let queue = Queue {
        state: Mutex::new(State { started: 0, taken: 0, slots, is_over: false }),
        changed: Condvar::new(),
    };
    thread::scope(|scope| {
        // Ends the threads whichever way this one ends.
        let _over = Over(&queue);
        for _ in 0..threads.get().min(inputs.len()) {
            let (queue, work) = (&queue, &work);
            thread::Builder::new()
                .spawn_scoped(scope, move || alone(|| queue.fill(inputs, work)))
                .map_err(Error::from)?;
        }
        (0..inputs.len()).try_for_each(|_| take(queue.next().ok_or(Error::ThreadEnded)?))
    })
}

/// Runs with a rayon pool of this thread alone, if one can be built.
fn alone(run: impl FnOnce()) {
    let _pool = ThreadPoolBuilder::new().num_threads(1).use_current_thread().build();
    run();
}

impl<R> Queue<R> {
    fn lock(&self) -> MutexGuard<'_, State<R>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State<R>>) -> MutexGuard<'a, State<R>> {
        self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
    }

    fn fill<T>(&self, inputs: &[T], work: &(impl Fn(&T) -> R + Sync)) {
        // If this thread panics, the others must not wait for it.
        let over = Over(self);
        while let Some(i) = self.start(inputs.len()) {
            let result = work(&inputs[i]);
            let mut state = self.lock();
            let window = state.slots.len();
            state.slots[i % window] = Some(result);
            self.changed.notify_all();
        }
        std::mem::forget(over);
    }

    /// Returns the next input to work on, as soon as there is room for its result.
    fn start(&self, count: usize) -> Option<usize> {
        let mut state = self.lock();
        while !state.is_over && state.started < count && state.started - state.taken >= state.slots.len() {
            state = self.wait(state);
        }
        (!state.is_over && state.started < count).then(|| {
            state.started += 1;
            state.started - 1
        })
    }

    /// Returns the next result, or `None` if a thread ended without it.
    fn next(&self) -> Option<R> {
        let mut state = self.lock();
        let slot = state.taken % state.slots.len();
        while state.slots[slot].is_none() && !state.is_over {
            state = self.wait(state);
        }
        let result = state.slots[slot].take();
        state.taken += 1;
        self.changed.notify_all();
        result
    }
}

/// Guard that ends all waiting when it is dropped.
struct Over<'a, R>(&'a Queue<R>);

impl<R> Drop for Over<'_, R> {
    fn drop(&mut self) {
        self.0.lock().is_over = true;
        self.0.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        sync::atomic::{AtomicUsize, Ordering},
        time::Duration,
    };

    /// Error of a consumer.
    #[derive(Debug, PartialEq)]
    struct Enough;

    impl From<Error> for Enough {
        fn from(_: Error) -> Self {
            Self
        }
    }

    fn n(n: usize) -> NonZeroUsize {
        NonZeroUsize::new(n).unwrap()
    }

    #[test]
    fn results_come_in_order_and_never_from_far_ahead() {
        let inputs: Vec<usize> = (0..200).collect();
        let (started, mut taken) = (AtomicUsize::new(0), Vec::new());
        let work = |&i: &usize| {
            started.fetch_add(1, Ordering::SeqCst);
            thread::sleep(Duration::from_micros((i as u64 * 37) % 300));
            i
        };
        let take = |i| {
            taken.push(i);
            // One result is handed out already, and its slot may be in use again.
            assert!(started.load(Ordering::SeqCst) <= taken.len() + 5);
            Ok::<_, Enough>(())
        };
        read_ahead(&inputs, n(3), n(5), work, take).unwrap();
        assert_eq!(taken, inputs);
    }

    #[test]
    fn an_error_ends_all_threads() {
        let inputs = [0; 1000];
        let worked = AtomicUsize::new(0);
        let work = |_: &i32| worked.fetch_add(1, Ordering::SeqCst);
        let refuse = |i| if i < 3 { Ok(()) } else { Err(Enough) };
        assert_eq!(read_ahead(&inputs, n(4), n(8), work, refuse).unwrap_err(), Enough);
        assert!(worked.load(Ordering::SeqCst) < 1000);
        assert!(read_ahead(&[] as &[i32], n(2), n(2), |_| (), |()| Ok::<_, Enough>(())).is_ok());
    }

    #[test]
    fn parallel_work_stays_in_its_thread() {
        let threads = |_: &i32| rayon::current_num_threads();
        let only_one = |threads| {
            assert_eq!(threads, 1);
            Ok::<_, Enough>(())
        };
        read_ahead(&[0; 20], n(3), n(4), threads, only_one).unwrap();
    }
}
