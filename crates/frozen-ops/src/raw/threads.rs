//! What [`super::pass`] is made of. Its tests under loom have others of the same names: see `loom/`.

use std::cell::UnsafeCell;
use std::time::{Duration, Instant};

pub(super) use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize};
pub(super) use std::sync::{Mutex, MutexGuard};

/// How long a thread that waits keeps its core to itself.
const AWAKE: Duration = Duration::from_micros(100);
/// What is a long wait.
const LONG: Duration = Duration::from_millis(1);
/// Pauses of a waiting thread between looks at the clock.
const PAUSES: usize = 16;

/// A value that threads share.
#[derive(Debug, Default)]
pub(super) struct Place<T>(UnsafeCell<T>);

impl<T: Copy> Place<T> {
    /// # Safety
    ///
    /// Nobody else accesses it meanwhile.
    pub unsafe fn set(&self, value: T) {
        // SAFETY: the caller's.
        unsafe { *self.0.get() = value };
    }

    /// # Safety
    ///
    /// Nobody sets it meanwhile.
    pub unsafe fn get(&self) -> T {
        // SAFETY: the caller's.
        unsafe { *self.0.get() }
    }
}

/// A thread's wait for another one.
#[derive(Debug)]
pub(super) struct Wait {
    since: Instant,
}

impl Wait {
    pub fn new() -> Self {
        Self { since: Instant::now() }
    }

    /// A moment, in which other threads may have the core if the wait has lasted for some.
    pub fn pause(&mut self) {
        (0..PAUSES).for_each(|_| std::hint::spin_loop());
        if self.since.elapsed() > AWAKE {
            std::thread::yield_now();
        }
    }

    /// Whether it has lasted for so long that a thread should look for other work.
    pub fn is_long(&self) -> bool {
        self.since.elapsed() > LONG
    }
}
