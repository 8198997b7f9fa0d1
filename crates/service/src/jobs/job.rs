//! Jobs in memory.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::outcome::{Ending, Outcome};

/// State of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ReleaseState {
    /// Waits.
    Queued,
    /// Is being released.
    Running,
    /// Released.
    Done,
    /// The collection knew the picture.
    Already,
    /// Not released.
    Failed,
}

/// Steps of a run, shared by its jobs.
#[derive(Debug, Default)]
pub struct Progress {
    steps: AtomicUsize,
    done: AtomicUsize,
}

impl Progress {
    pub fn begin(&self, steps: usize) {
        self.steps.store(steps, Ordering::Relaxed);
    }

    pub fn advance(&self, steps: usize) {
        self.done.fetch_add(steps, Ordering::Relaxed);
    }

    /// Share of the steps that are done, below 1: the end of a job is its outcome.
    pub fn share(&self) -> f64 {
        let [steps, done] = [&self.steps, &self.done].map(|count| count.load(Ordering::Relaxed) as f64);
        if steps > 0.0 { (done / steps).min(0.99) } else { 0.0 }
    }
}

/// Stage of a job.
#[derive(Debug, Clone)]
pub enum Stage {
    Queued,
    Running(Arc<Progress>),
    Finished(Arc<Outcome>),
}

/// Job in memory.
#[derive(Debug, Clone)]
pub struct Job {
    /// Name for display.
    pub name: String,
    /// Time of acceptance, in seconds since 1970.
    pub accepted: i64,
    /// Bytes on the disk.
    pub(super) bytes: u64,
    pub(super) stage: Stage,
}

impl Job {
    pub fn state(&self) -> ReleaseState {
        match &self.stage {
            Stage::Queued => ReleaseState::Queued,
            Stage::Running(_) => ReleaseState::Running,
            Stage::Finished(outcome) => match outcome.ending {
                Ending::Done => ReleaseState::Done,
                Ending::Already => ReleaseState::Already,
                Ending::Failed => ReleaseState::Failed,
            },
        }
    }

    /// Share of the work that is done, from 0 to 1.
    pub fn progress(&self) -> f64 {
        match &self.stage {
            Stage::Queued => 0.0,
            Stage::Running(progress) => progress.share(),
            Stage::Finished(_) => 1.0,
        }
    }

    /// Outcome of a finished job.
    pub fn outcome(&self) -> Option<&Outcome> {
        match &self.stage {
            Stage::Finished(outcome) => Some(outcome),
            Stage::Queued | Stage::Running(_) => None,
        }
    }
}
