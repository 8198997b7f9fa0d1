//! The network: one thread describes the views of all lookups, several lookups together.

use std::{
    collections::VecDeque,
    panic::{self, AssertUnwindSafe},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc},
    time::Instant,
};

use describe::Error;
use find::{Describe, Described};
use image::RgbImage;

use crate::metrics::Metrics;

/// Views from which a batch takes no further lookup.
const BATCH: usize = 32;

/// Views that wait for the network's thread. Each worker waits for its own, so that there are as many lookups here as workers at
/// most.
pub struct Network {
    state: Mutex<State>,
    changed: Condvar,
    metrics: Arc<Metrics>,
}

struct State {
    waiting: VecDeque<Views>,
    stage: Stage,
}

/// Stage in the life of the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Loading,
    Ready,
    Over,
}

/// Views of one lookup.
struct Views {
    pictures: Vec<RgbImage>,
    reply: mpsc::SyncSender<describe::Result<Described>>,
}

impl Network {
    /// Network that is being loaded.
    pub fn new(metrics: Arc<Metrics>) -> Self {
        let state = State { waiting: VecDeque::new(), stage: Stage::Loading };
        Self { state: Mutex::new(state), changed: Condvar::new(), metrics }
    }

    /// Returns true while views are described.
    pub fn is_ready(&self) -> bool {
        self.lock().stage == Stage::Ready
    }

    /// Describes views, together with those of other lookups, and waits for it.
    ///
    /// # Errors
    /// The network's own errors; [`Error::ThreadEnded`] if it is not there.
    pub fn describe(&self, pictures: Vec<RgbImage>) -> describe::Result<Described> {
        let (reply, answer) = mpsc::sync_channel(1);
        {
            let mut state = self.lock();
            if state.stage == Stage::Over {
                return Err(Error::ThreadEnded);
            }
            state.waiting.push_back(Views { pictures, reply });
        }
        self.changed.notify_one();
        answer.recv().unwrap_or(Err(Error::ThreadEnded))
    }

    /// Describes what waits with `describe`, in this thread, until [`Self::end`].
    pub fn serve(&self, describe: &mut dyn Describe) {
        {
            let mut state = self.lock();
            if state.stage == Stage::Loading {
                state.stage = Stage::Ready;
            }
        }
        while let Some(batch) = self.next_batch() {
            self.compute(batch, describe);
        }
    }

    /// Ends [`Self::serve`]. Views that wait are not described.
    pub fn end(&self) {
        let mut state = self.lock();
        state.stage = Stage::Over;
        state.waiting.clear();
        drop(state);
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for views, and takes those of as many lookups as a batch has room for, at least of one.
    fn next_batch(&self) -> Option<Vec<Views>> {
        let is_idle = |state: &mut State| state.waiting.is_empty() && state.stage == Stage::Ready;
        let waited = self.changed.wait_while(self.lock(), is_idle);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner);
        let (mut batch, mut views) = (Vec::new(), 0);
        while let Some(next) = state.waiting.front().map(|next| next.pictures.len()) {
            if !batch.is_empty() && views + next > BATCH {
                break;
            }
            views += next;
            batch.extend(state.waiting.pop_front());
        }
        (!batch.is_empty()).then_some(batch)
    }

    fn compute(&self, batch: Vec<Views>, describe: &mut dyn Describe) {
        let started = Instant::now();
        let sizes: Vec<usize> = batch.iter().map(|views| views.pictures.len()).collect();
        let (replies, pictures): (Vec<_>, Vec<Vec<RgbImage>>) =
            batch.into_iter().map(|views| (views.reply, views.pictures)).unzip();
        let pictures: Vec<RgbImage> = pictures.into_iter().flatten().collect();
        match guarded(describe, &pictures) {
            Ok(rows) => {
                let mut rows = rows.into_iter();
                let answers = sizes.iter().map(|size| Ok(rows.by_ref().take(*size).collect()));
                replies.iter().zip(answers).for_each(|(reply, answer)| send(reply, answer));
            }
            Err(error) if replies.len() == 1 => send(&replies[0], Err(error)),
            // One lookup must not spoil the others.
            Err(_) => {
                let mut rest = pictures.as_slice();
                for (reply, size) in replies.iter().zip(sizes) {
                    let (own, others) = rest.split_at(size);
                    rest = others;
                    send(reply, guarded(describe, own));
                }
            }
        }
        self.metrics.count_batch(pictures.len(), started.elapsed());
    }
}

/// Sends an answer, unless its lookup was given up.
fn send(reply: &mpsc::SyncSender<describe::Result<Described>>, answer: describe::Result<Described>) {
    let _ = reply.try_send(answer);
}

/// Describes, and takes a panic for an error, because one lookup must not end the service.
fn guarded(describe: &mut dyn Describe, pictures: &[RgbImage]) -> describe::Result<Described> {
    let described = panic::catch_unwind(AssertUnwindSafe(|| describe.describe_views(pictures)));
    match described.unwrap_or(Err(Error::ThreadEnded)) {
        Ok(rows) if rows.len() != pictures.len() => Err(Error::ThreadEnded),
        other => other,
    }
}

/// Network of a finder: hands views to the thread.
pub struct SharedNetwork<'a>(pub &'a Network);

impl Describe for SharedNetwork<'_> {
    fn describe_views(&mut self, views: &[RgbImage]) -> describe::Result<Described> {
        self.0.describe(views.to_vec())
    }
}

#[cfg(test)]
mod tests;
