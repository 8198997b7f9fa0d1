//! Signal that jobs have arrived, for the thread that releases.

use std::{
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// Signal that jobs have arrived, or that none will be begun any more.
#[derive(Default)]
pub struct Arrivals {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    count: u64,
    is_closed: bool,
}

impl Arrivals {
    /// Number of signals until now.
    pub fn count(&self) -> u64 {
        self.lock().count
    }

    /// Signals that jobs have arrived.
    pub fn notify(&self) {
        self.lock().count += 1;
        self.changed.notify_all();
    }

    /// Signals the end.
    pub fn close(&self) {
        self.lock().is_closed = true;
        self.changed.notify_all();
    }

    pub fn is_closed(&self) -> bool {
        self.lock().is_closed
    }

    /// Waits until there are more signals than `seen`, for `longest`, or for the end.
    pub fn wait(&self, seen: u64, longest: Duration) {
        let is_idle = |state: &mut State| state.count == seen && !state.is_closed;
        drop(self.changed.wait_timeout_while(self.lock(), longest, is_idle));
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
