//! Queue of lookups, bounded, in which descriptors pass pictures by.

use std::{
    collections::VecDeque,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
};

use super::Lookup;
use crate::metrics::Metrics;

/// Rows from which lookups of descriptors are not answered together with further ones.
const TOGETHER: usize = 256;

/// Lookups that a worker takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    /// All.
    Any,
    /// Lookups of descriptors, which never wait for the network.
    Descriptors,
}

/// Reason why a lookup is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// Too many wait.
    Full,
    /// The service is shutting down.
    Closed,
}

/// Lookups that wait for a worker.
pub struct Queue {
    state: Mutex<State>,
    arrived: Condvar,
    bound: usize,
    metrics: Arc<Metrics>,
}

#[derive(Default)]
struct State {
    pictures: VecDeque<Lookup>,
    descriptors: VecDeque<Lookup>,
    is_closed: bool,
}

impl Queue {
    /// Empty queue for at most `bound` lookups.
    pub fn new(bound: usize, metrics: Arc<Metrics>) -> Self {
        Self { state: Mutex::default(), arrived: Condvar::new(), bound, metrics }
    }

    /// Appends a lookup.
    ///
    /// # Errors
    /// If too many wait, or the queue is closed.
    pub fn push(&self, lookup: Lookup) -> Result<(), Refused> {
        let mut state = self.lock();
        if state.is_closed {
            return Err(Refused::Closed);
        }
        if state.len() >= self.bound {
            self.metrics.refused.inc();
            return Err(Refused::Full);
        }
        let is_described = lookup.request.is_described();
        match is_described {
            true => state.descriptors.push_back(lookup),
            false => state.pictures.push_back(lookup),
        }
        self.metrics.waiting.set(state.len() as i64);
        drop(state);
        match is_described {
            true => self.arrived.notify_one(),
            // Not every worker takes pictures.
            false => self.arrived.notify_all(),
        }
        Ok(())
    }

    /// Waits for lookups, and takes the oldest; of descriptors also those after it with the same settings. Returns `None` once
    /// the queue is closed and empty.
    pub fn take(&self, lane: Lane) -> Option<Vec<Lookup>> {
        let is_idle = |state: &mut State| state.is_empty(lane) && !state.is_closed;
        let waited = self.arrived.wait_while(self.lock(), is_idle);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner);
        let taken = state.take(lane);
        self.metrics.waiting.set(state.len() as i64);
        taken
    }

    /// Accepts nothing more. Lookups that wait are still taken.
    pub fn close(&self) {
        self.lock().is_closed = true;
        self.arrived.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn len(&self) -> usize {
        self.pictures.len() + self.descriptors.len()
    }

    fn is_empty(&self, lane: Lane) -> bool {
        self.descriptors.is_empty() && (lane == Lane::Descriptors || self.pictures.is_empty())
    }

    fn take(&mut self, lane: Lane) -> Option<Vec<Lookup>> {
        let [picture, descriptor] = [&self.pictures, &self.descriptors].map(|queue| queue.front());
        let is_picture_older = match (picture, descriptor) {
            (Some(picture), Some(descriptor)) => picture.accepted < descriptor.accepted,
            (picture, _) => picture.is_some(),
        };
        if is_picture_older && lane == Lane::Any {
            return Some(vec![self.pictures.pop_front()?]);
        }
        let mut taken = vec![self.descriptors.pop_front()?];
        let mut rows = taken[0].request.queries.len();
        while let Some(next) = self.descriptors.front() {
            rows += next.request.queries.len();
            if rows > TOGETHER || !taken[0].request.agrees(&next.request) {
                break;
            }
            taken.extend(self.descriptors.pop_front());
        }
        Some(taken)
    }
}
