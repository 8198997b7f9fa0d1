//! Primitives of loom in place of those of `threads/sync.rs`.

use loom::cell::UnsafeCell;

pub(super) use loom::sync::{
    Mutex, MutexGuard,
    atomic::{AtomicBool, AtomicU64, AtomicUsize},
};

/// Snoozes of a long wait: each more multiplies the interleavings to explore.
const LONG: usize = 2;

#[derive(Debug, Default)]
pub(super) struct SharedCell<T>(UnsafeCell<T>);

impl<T: Copy> SharedCell<T> {
    pub unsafe fn set(&self, value: T) {
        // SAFETY: loom checks it.
        self.0.with_mut(|place| unsafe { *place = value });
    }

    pub unsafe fn get(&self) -> T {
        // SAFETY: loom checks it.
        self.0.with(|place| unsafe { *place })
    }
}

#[derive(Debug)]
pub(super) struct Backoff(usize);

impl Backoff {
    pub fn new() -> Self {
        Self(0)
    }

    pub fn snooze(&mut self) {
        self.0 += 1;
        loom::thread::yield_now();
    }

    pub fn is_long(&self) -> bool {
        self.0 > LONG
    }
}
