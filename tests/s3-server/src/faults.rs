//! Faults of object stores and networks: slow, refused and lost answers.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// Faults that every request meets, or each of a number of requests. None unless set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Faults {
    /// Time before a request is looked at.
    pub delay: Duration,
    /// Number of which the last request is refused with 503 before anything is done; 0 refuses none.
    pub refused_of: u64,
    /// Number of which the last request is done and answered with 500, as if the answer was lost; 0 loses none.
    pub lost_of: u64,
}

/// Fault that a request meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    Refused,
    Lost,
}

/// Faults that may change while requests come.
#[derive(Debug, Default)]
pub struct Injector {
    faults: Mutex<Faults>,
    requests: AtomicU64,
}

impl Injector {
    pub fn set(&self, faults: Faults) {
        *self.faults.lock().expect("no thread panics that holds it") = faults;
    }

    pub fn faults(&self) -> Faults {
        *self.faults.lock().expect("no thread panics that holds it")
    }

    /// Fault of the next request.
    pub fn next(&self) -> Option<Fault> {
        let faults = self.faults();
        let number = 1 + self.requests.fetch_add(1, Ordering::Relaxed);
        let is_last = |of: u64| of > 0 && number.is_multiple_of(of);
        match (is_last(faults.refused_of), is_last(faults.lost_of)) {
            (true, _) => Some(Fault::Refused),
            (_, true) => Some(Fault::Lost),
            _ => None,
        }
    }
}
