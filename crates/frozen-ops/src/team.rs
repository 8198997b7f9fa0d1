//! Who computes.

use rayon::prelude::*;

use crate::raw::Level;

/// Threads of the current pool, with the instructions they use.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Team {
    pub level: Level,
    /// One is the current thread, more are all of the pool.
    pub threads: usize,
}

impl Team {
    /// All threads of the current pool.
    pub fn all(level: Level) -> Self {
        Self { level, threads: rayon::current_num_threads() }
    }

    /// The current thread.
    pub fn alone(level: Level) -> Self {
        Self { level, threads: 1 }
    }

    /// Does all tasks.
    pub fn for_each(self, tasks: usize, work: impl Fn(usize) + Sync) {
        match self.threads {
            1 => (0..tasks).for_each(work),
            _ => (0..tasks).into_par_iter().for_each(&work),
        }
    }
}
