//! Parallel region: loops of one thread that helper threads may join.
//!
//! A pass through a network is a hundred short loops. Waking threads for each would cost more than they compute, so
//! the helpers of a region stay awake from one loop to the next. The thread that owns the loops never depends on
//! helpers: it does all tasks that no helper has taken, and waits only for tasks that one has.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::{
        PoisonError,
        atomic::Ordering::{Acquire, Relaxed, Release, SeqCst},
    },
};

use super::sync::{AtomicBool, AtomicU64, AtomicUsize, Backoff, Mutex, MutexGuard, SharedCell};

/// Increment of [`Region::gate`] for a helper that enters the loop.
const HELPER: u64 = 1;
/// Increment of [`Region::gate`] that opens or closes it.
const TURN: u64 = 1 << 16;
/// Bit of [`Region::gate`] that ends the region.
const OVER: u64 = 1 << 63;

/// Loops of one thread, one after the other.
#[derive(Debug, Default)]
pub(crate) struct Region {
    /// Bits 0 to 15: number of helpers within the loop. Bits 16 to 62: number of turns, each of which opens or closes
    /// the gate; the gate is open while it is odd. Bit 63: set when the region is over.
    gate: AtomicU64,
    /// First task of the loop that no thread has taken.
    next: AtomicUsize,
    /// Written by the thread that set `is_busy`, while the gate is closed and no helper is within.
    work: SharedCell<Option<Work>>,
    is_busy: AtomicBool,
    /// Number of helpers that were spawned and have not left.
    helpers: AtomicUsize,
    /// Payload of the first panic of the loop.
    panic: Mutex<Option<Box<dyn Any + Send>>>,
}

/// Closure of a loop, and its number of tasks.
#[derive(Debug, Clone, Copy)]
struct Work {
    tasks: usize,
    /// `&W`, the closure that `call` takes.
    closure: *const (),
    call: unsafe fn(*const (), usize),
}

// SAFETY: of its fields only `work` is neither `Send` nor `Sync`. It is written by one thread, the one that set
// `is_busy`, and only while no helper is within the gate; it is read by that thread and by helpers within the gate.
// These see what was written: opening the gate releases it, and entering acquires it. The closure is `Sync`, so that
// any thread may call it.
unsafe impl Send for Region {}
// SAFETY: as above.
unsafe impl Sync for Region {}

/// Calls a closure with a task.
///
/// # Safety
/// `closure` is a live `&W`.
unsafe fn call_with<W: Fn(usize)>(closure: *const (), task: usize) {
    // SAFETY: the caller's.
    unsafe { (*closure.cast::<W>())(task) }
}

impl Region {
    /// Calls `work` with every task below `tasks`, together with the helpers that join. `spawn` starts a thread that
    /// calls [`help`](Self::help), and is called until there are `max_helpers`. If another loop of this region is
    /// running, this thread does all tasks alone.
    ///
    /// # Panics
    /// If a task panics, with the first payload; other tasks may then not have run.
    pub fn run<W: Fn(usize) + Sync>(&self, tasks: usize, work: &W, max_helpers: usize, spawn: impl Fn()) {
        // Acquires what the previous loop has released.
        if self.is_busy.swap(true, Acquire) {
            return (0..tasks).for_each(work);
        }
        let closure = std::ptr::from_ref(work).cast();
        // SAFETY: no other thread is between setting `is_busy` and clearing it, and when it is cleared the gate is
        // closed and no helper is within.
        unsafe { self.work.set(Some(Work { tasks, closure, call: call_with::<W> })) };
        self.next.store(0, Relaxed);
        // A helper that enters acquires the writes above.
        self.gate.fetch_add(TURN, SeqCst);
        let one_more = |helpers| (helpers < max_helpers).then_some(helpers + 1);
        // Nothing may leave this function while the gate is open, not even a panic.
        self.catch_panic(|| {
            while self.helpers.fetch_update(SeqCst, Relaxed, one_more).is_ok() {
                spawn();
            }
        });
        // SAFETY: this thread set `is_busy`, and the closure outlives this call.
        unsafe { self.take_tasks() };
        // From here on no helper enters: entering is an exchange with the value of an open gate.
        self.gate.fetch_add(TURN, Relaxed);
        // Every helper releases its writes when it leaves, and `gate` is changed by read-modify-writes alone, so that
        // the zero acquired here comes after all helpers have left. None of them touches the closure any more, which
        // may be dropped, nor `work`, which may be written again.
        let mut backoff = Backoff::new();
        while helpers_within(self.gate.load(Acquire)) > 0 {
            backoff.snooze();
        }
        let panic = self.panic().take();
        self.is_busy.store(false, Release);
        if let Some(panic) = panic {
            resume_unwind(panic);
        }
    }

    /// Joins loops until the region is over or no loop has opened for a while: the thread may have other work, and
    /// the next loop may itself depend on that work.
    ///
    /// Called only by threads that [`run`](Self::run) spawned.
    pub fn help(&self) {
        let mut last = 0;
        loop {
            self.join_loops(&mut last);
            self.helpers.fetch_sub(1, SeqCst);
            // A loop opens its gate and then counts its helpers; this thread leaves the count and then reads the
            // gate. So either the loop has spawned another helper, or this one sees the open gate.
            if !has_tasks(self.gate.load(SeqCst), last) {
                return;
            }
            self.helpers.fetch_add(1, Relaxed);
        }
    }

    /// Joins loops after turn `last`, and updates it to the last turn that was joined.
    fn join_loops(&self, last: &mut u64) {
        let mut backoff = Backoff::new();
        while !backoff.is_long() {
            let gate = self.gate.load(Relaxed);
            if gate & OVER != 0 {
                return;
            }
            if !has_tasks(gate, *last) {
                backoff.snooze();
            } else if self.gate.compare_exchange(gate, gate + HELPER, Acquire, Relaxed).is_ok() {
                // SAFETY: this thread is within the gate.
                unsafe { self.take_tasks() };
                self.gate.fetch_sub(HELPER, Release);
                (*last, backoff) = (gate / TURN, Backoff::new());
            }
        }
    }

    /// Ends the region: helpers leave.
    pub fn end(&self) {
        self.gate.fetch_or(OVER, Relaxed);
    }

    /// Does tasks until all are taken.
    ///
    /// # Safety
    /// This thread set `is_busy` and the closure lives, or this thread is within the gate.
    unsafe fn take_tasks(&self) {
        // SAFETY: no thread writes while this one is within; see `run`.
        let Some(Work { tasks, closure, call }) = (unsafe { self.work.get() }) else { return };
        self.catch_panic(|| {
            loop {
                let task = self.next.fetch_add(1, Relaxed);
                if task >= tasks {
                    break;
                }
                // SAFETY: the closure lives while any thread is within the gate, for which `run` waits.
                unsafe { call(closure, task) };
            }
        });
    }

    /// Keeps the payload of a panic for the end of the loop, and skips the remaining tasks.
    fn catch_panic(&self, work: impl FnOnce()) {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(work)) {
            self.next.fetch_max(usize::MAX / 2, Relaxed);
            self.panic().get_or_insert(panic);
        }
    }

    fn panic(&self) -> MutexGuard<'_, Option<Box<dyn Any + Send>>> {
        self.panic.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns whether a loop is open that a helper has not joined yet: one that it has left has no more tasks.
fn has_tasks(gate: u64, last: u64) -> bool {
    let turns = gate / TURN;
    gate & OVER == 0 && turns % 2 == 1 && turns != last
}

/// Number of helpers within the loop.
fn helpers_within(gate: u64) -> u64 {
    gate % TURN
}
