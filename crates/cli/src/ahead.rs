//! Work that threads do ahead of its use, in order and without getting far ahead.

use std::{
    num::NonZeroUsize,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    thread,
};

use anyhow::{Context, Result};
use rayon::ThreadPoolBuilder;

/// What the threads share.
struct Queue<R> {
    /// Results from `taken` on, some not there yet.
    state: Mutex<State<R>>,
    changed: Condvar,
}

struct State<R> {
    /// Inputs that a thread works on or has finished.
    started: usize,
    /// Results that were handed out.
    taken: usize,
    /// Slot `i % window` holds result `i`.
    slots: Vec<Option<R>>,
    /// Nobody wants more.
    is_over: bool,
}

/// Calls `work` on all inputs, by `threads` threads, and `take` on the results, in the inputs' order, by this one.
///
/// At most `window` results are in memory: a thread that is that far ahead waits. Parallel work inside `work` stays
/// in its thread, so that it does not queue up behind that of `take`.
///
/// # Errors
/// The first one of `take`, or if threads cannot be started.
pub fn ahead<T: Sync, R: Send>(
    inputs: &[T],
    threads: NonZeroUsize,
    window: NonZeroUsize,
    work: impl Fn(&T) -> R + Sync,
    mut take: impl FnMut(R) -> Result<()>,
) -> Result<()> {
    let slots = (0..window.get()).map(|_| None).collect();
    let queue = Queue {
        state: Mutex::new(State { started: 0, taken: 0, slots, is_over: false }),
        changed: Condvar::new(),
    };
    thread::scope(|scope| {
        // Ends the threads however this one ends.
        let _over = Over(&queue);
        for _ in 0..threads.get().min(inputs.len()) {
            let (queue, work) = (&queue, &work);
            thread::Builder::new().spawn_scoped(scope, move || alone(|| queue.fill(inputs, work)))?;
        }
        (0..inputs.len()).try_for_each(|_| take(queue.next().context("a thread ended early")?))
    })
}

/// Runs with a pool of this thread alone, where one can be made.
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
        // A thread that panics must not leave the others waiting for it.
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

    /// The next input to work on, once there is room for its result.
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

    /// The next result; none where a thread ended without it.
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

/// Ends all waiting when it goes out of scope.
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
            // One is handed out already, and its slot may be in use again.
            assert!(started.load(Ordering::SeqCst) <= taken.len() + 5);
            Ok(())
        };
        ahead(&inputs, n(3), n(5), work, take).unwrap();
        assert_eq!(taken, inputs);
    }

    #[test]
    fn an_error_ends_all_threads() {
        let inputs = [0; 1000];
        let worked = AtomicUsize::new(0);
        let work = |_: &i32| worked.fetch_add(1, Ordering::SeqCst);
        let refuse = |i| if i < 3 { Ok(()) } else { anyhow::bail!("enough") };
        assert_eq!(ahead(&inputs, n(4), n(8), work, refuse).unwrap_err().to_string(), "enough");
        assert!(worked.load(Ordering::SeqCst) < 1000);
        assert!(ahead(&[] as &[i32], n(2), n(2), |_| (), |()| Ok(())).is_ok());
    }

    #[test]
    fn parallel_work_stays_in_its_thread() {
        let threads = |_: &i32| rayon::current_num_threads();
        let only_one = |threads| {
            assert_eq!(threads, 1);
            Ok(())
        };
        ahead(&[0; 20], n(3), n(4), threads, only_one).unwrap();
    }
}
