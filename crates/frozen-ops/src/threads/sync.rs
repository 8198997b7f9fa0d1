//! Synchronisation primitives of [`super::region`]. Its tests under loom replace them by others of the same names:
//! see `loom/`.

use std::{
    cell::UnsafeCell,
    time::{Duration, Instant},
};

pub(super) use std::sync::{
    Mutex, MutexGuard,
    atomic::{AtomicBool, AtomicU64, AtomicUsize},
};

/// Time that a waiting thread spins before it yields its core.
const SPIN: Duration = Duration::from_micros(100);
/// Time after which a waiting thread looks for other work.
const LONG: Duration = Duration::from_millis(1);
/// Spin-loop hints between reads of the clock.
const HINTS: usize = 16;

/// Value that threads share without synchronisation of its own.
#[derive(Debug, Default)]
pub(super) struct SharedCell<T>(UnsafeCell<T>);

impl<T: Copy> SharedCell<T> {
    /// Replaces the value.
    ///
    /// # Safety
    /// No other thread accesses the value meanwhile.
    pub unsafe fn set(&self, value: T) {
        // SAFETY: the caller's.
        unsafe { *self.0.get() = value };
    }

    /// Returns the value.
    ///
    /// # Safety
    /// No other thread sets the value meanwhile.
    pub unsafe fn get(&self) -> T {
        // SAFETY: the caller's.
        unsafe { *self.0.get() }
    }
}

/// Wait of a thread for another one: spins, then yields.
#[derive(Debug)]
pub(super) struct Backoff {
    since: Instant,
}

impl Backoff {
    /// Starts a wait.
    pub fn new() -> Self {
        Self { since: Instant::now() }
    }

    /// Waits for a moment.
    pub fn snooze(&mut self) {
        (0..HINTS).for_each(|_| std::hint::spin_loop());
        if self.since.elapsed() > SPIN {
            std::thread::yield_now();
        }
    }

    /// Returns whether the wait has lasted so long that the thread should look for other work.
    pub fn is_long(&self) -> bool {
        self.since.elapsed() > LONG
    }
}
