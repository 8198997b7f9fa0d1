//! Loops of one thread that others may join.
//!
//! A network's pass is a hundred short loops. Threads that sleep between them are woken for each; helpers of a pass stay
//! awake from one loop to the next instead. The thread whose loops these are depends on nobody's coming: it does all
//! tasks that no helper has taken, and waits only for those that one has.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::PoisonError;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};

use super::threads::{AtomicBool, AtomicU64, AtomicUsize, Mutex, MutexGuard, Place, Wait};

/// One more helper within the loop, in [`Pass::gate`].
const HELPER: u64 = 1;
/// Opens the gate, or closes it.
const TURN: u64 = 1 << 16;
/// No loop follows.
const OVER: u64 = 1 << 63;

/// The loops of one thread, one after the other.
#[derive(Debug, Default)]
pub(crate) struct Pass {
    /// Bits 0 to 15: how many helpers are within the loop. Bits 16 to 62: how often the gate was opened or closed; where
    /// this is odd it is open. Bit 63: whether the pass is over.
    gate: AtomicU64,
    /// The first task of the loop that nobody has taken.
    next: AtomicUsize,
    /// Written by the thread that set `is_busy`, while the gate is closed and nobody is within.
    work: Place<Option<Work>>,
    is_busy: AtomicBool,
    /// Helpers that were called and have not left.
    called: AtomicUsize,
    /// That of the first task that panicked.
    panic: Mutex<Option<Box<dyn Any + Send>>>,
}

/// A closure and the tasks to call it with.
#[derive(Debug, Clone, Copy)]
struct Work {
    tasks: usize,
    /// What `call` takes the closure by.
    closure: *const (),
    call: unsafe fn(*const (), usize),
}

// SAFETY: of its fields only `work` is neither `Send` nor `Sync`. It is written by one thread, the one that set
// `is_busy`, and only while nobody is within the gate; it is read by that thread and by helpers within the gate. These
// see what was written: opening the gate releases it, and entering acquires it. The closure is `Sync`, so that
// any thread may call it.
unsafe impl Send for Pass {}
// SAFETY: as above.
unsafe impl Sync for Pass {}

/// # Safety
///
/// `closure` is a live `&W`.
unsafe fn call_with<W: Fn(usize)>(closure: *const (), task: usize) {
    // SAFETY: the caller's.
    unsafe { (*closure.cast::<W>())(task) }
}

impl Pass {
    /// Does all tasks, together with the helpers that come; `call` has a new one [`help`](Self::help) wherever there are
    /// fewer than `most`. Where a loop of this pass is under way already, this thread does its tasks alone.
    ///
    /// # Panics
    ///
    /// As the first task that does; others may then stay undone.
    pub fn run<W: Fn(usize) + Sync>(&self, tasks: usize, work: &W, most: usize, call: impl Fn()) {
        // Acquires what the loop before has released.
        if self.is_busy.swap(true, Acquire) {
            return (0..tasks).for_each(work);
        }
        let closure = std::ptr::from_ref(work).cast();
        // SAFETY: no other thread is between setting `is_busy` and clearing it, and when it is cleared the gate is
        // closed and nobody is within.
        unsafe { self.work.set(Some(Work { tasks, closure, call: call_with::<W> })) };
        self.next.store(0, Relaxed);
        // Whoever enters acquires what is written above.
        self.gate.fetch_add(TURN, SeqCst);
        let one_more = |called| (called < most).then_some(called + 1);
        // Nothing may leave this function while the gate is open, a panic neither.
        self.keeping_panics(|| {
            while self.called.fetch_update(SeqCst, Relaxed, one_more).is_ok() {
                call();
            }
        });
        // SAFETY: this thread set `is_busy`, and the closure outlives this call.
        unsafe { self.take_tasks() };
        // From here on nobody enters: a helper does so by an exchange with the count of an open gate.
        self.gate.fetch_add(TURN, Relaxed);
        // Every helper releases what it did when it leaves, and `gate` is changed by read-modify-writes alone, so that
        // the zero that is acquired here comes behind the leaving of all. None of them touches the closure any more,
        // which may be dropped, nor `work`, which may be written again.
        let mut wait = Wait::new();
        while within(self.gate.load(Acquire)) > 0 {
            wait.pause();
        }
        let panic = self.panic().take();
        self.is_busy.store(false, Release);
        if let Some(panic) = panic {
            resume_unwind(panic);
        }
    }

    /// Joins loops until the pass is over or none has come for a while: its thread may have other work, and the loop that
    /// it waits for may itself wait for that.
    ///
    /// Only those that [`run`](Self::run) called may.
    pub fn help(&self) {
        let mut last = 0;
        loop {
            self.join_loops(&mut last);
            self.called.fetch_sub(1, SeqCst);
            // A loop opens its gate and then counts who was called, this thread no longer counts and then looks at the
            // gate: either that one has called another, or this one sees that it is awaited.
            if !has_tasks(self.gate.load(SeqCst), last) {
                return;
            }
            self.called.fetch_add(1, Relaxed);
        }
    }

    /// Joins loops behind the one of turn `last`, and tells the turn of the last one joined.
    fn join_loops(&self, last: &mut u64) {
        let mut wait = Wait::new();
        while !wait.is_long() {
            let gate = self.gate.load(Relaxed);
            if gate & OVER != 0 {
                return;
            }
            if !has_tasks(gate, *last) {
                wait.pause();
            } else if self.gate.compare_exchange(gate, gate + HELPER, Acquire, Relaxed).is_ok() {
                // SAFETY: this thread is within the gate.
                unsafe { self.take_tasks() };
                self.gate.fetch_sub(HELPER, Release);
                (*last, wait) = (gate / TURN, Wait::new());
            }
        }
    }

    /// Lets the helpers go.
    pub fn end(&self) {
        self.gate.fetch_or(OVER, Relaxed);
    }

    /// Does tasks as long as there are any.
    ///
    /// # Safety
    ///
    /// This thread set `is_busy` and the closure lives, or it is within the gate.
    unsafe fn take_tasks(&self) {
        // SAFETY: nobody writes as long as this thread is there; see `run`.
        let Some(Work { tasks, closure, call }) = (unsafe { self.work.get() }) else { return };
        self.keeping_panics(|| {
            loop {
                let task = self.next.fetch_add(1, Relaxed);
                if task >= tasks {
                    break;
                }
                // SAFETY: the closure lives as long as anybody is within the gate, where `run` waits.
                unsafe { call(closure, task) };
            }
        });
    }

    /// Keeps a panic for the end of the loop, whose other tasks need not be done.
    fn keeping_panics(&self, work: impl FnOnce()) {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(work)) {
            self.next.fetch_max(usize::MAX / 2, Relaxed);
            self.panic().get_or_insert(panic);
        }
    }

    fn panic(&self) -> MutexGuard<'_, Option<Box<dyn Any + Send>>> {
        self.panic.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a loop is open that a helper has not joined: one that it has left has no more tasks to take.
fn has_tasks(gate: u64, last: u64) -> bool {
    let turns = gate / TURN;
    gate & OVER == 0 && turns % 2 == 1 && turns != last
}

/// How many helpers are within.
fn within(gate: u64) -> u64 {
    gate % TURN
}
