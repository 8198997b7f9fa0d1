//! Who computes.

use std::sync::Arc;

use crate::raw::{Level, Pass};

/// Threads of the current pool, with the instructions they use.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Team<'a> {
    pub level: Level,
    /// One is the current thread, more are all of the pool.
    pub threads: usize,
    /// What the others help with, if there are others.
    pass: Option<&'a Arc<Pass>>,
}

/// Ends a pass however it is left.
struct Ends<'a>(&'a Pass);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.end();
    }
}

impl Team<'static> {
    /// The current thread.
    pub fn alone(level: Level) -> Self {
        Self { level, threads: 1, pass: None }
    }
}

impl Team<'_> {
    /// Calls `work` with all threads of the current pool: this one, and others that stay awake until it returns.
    pub fn together<R>(level: Level, work: impl FnOnce(Team<'_>) -> R) -> R {
        let threads = rayon::current_num_threads();
        if threads == 1 {
            return work(Team::alone(level));
        }
        let pass = Arc::new(Pass::default());
        let _ends = Ends(&pass);
        work(Team { level, threads, pass: Some(&pass) })
    }

    /// Does all tasks.
    pub fn for_each(self, tasks: usize, work: impl Fn(usize) + Sync) {
        match self.pass {
            Some(pass) if tasks > 1 => {
                pass.run(tasks, &work, (tasks - 1).min(self.threads - 1), || call(pass.clone()));
            }
            _ => (0..tasks).for_each(work),
        }
    }
}

/// Has a thread of the pool help. It is a job of which nobody waits for the end: one that starts late finds the pass
/// over.
fn call(pass: Arc<Pass>) {
    rayon::spawn(move || pass.help());
}

#[cfg(test)]
mod tests;
