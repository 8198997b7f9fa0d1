//! loom's in the places of those of `raw/threads.rs`.

use loom::cell::UnsafeCell;

pub(super) use loom::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize};
pub(super) use loom::sync::{Mutex, MutexGuard};

/// Pauses of a long wait: each more multiplies the orders to try.
const LONG: usize = 2;

#[derive(Debug, Default)]
pub(super) struct Place<T>(UnsafeCell<T>);

impl<T: Copy> Place<T> {
    pub unsafe fn set(&self, value: T) {
        // SAFETY: loom tells.
        self.0.with_mut(|place| unsafe { *place = value });
    }

    pub unsafe fn get(&self) -> T {
        // SAFETY: loom tells.
        self.0.with(|place| unsafe { *place })
    }
}

#[derive(Debug)]
pub(super) struct Wait(usize);

impl Wait {
    pub fn new() -> Self {
        Self(0)
    }

    pub fn pause(&mut self) {
        self.0 += 1;
        loom::thread::yield_now();
    }

    pub fn is_long(&self) -> bool {
        self.0 > LONG
    }
}
