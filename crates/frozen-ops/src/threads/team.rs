//! Thread team: the threads of a pool and the instructions that they use.

use std::sync::Arc;

use simd::Level;

use super::region::Region;

/// Threads of the current pool that share the loops of a parallel region.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Team<'a> {
    /// Vector instructions of the team's kernels.
    pub level: Level,
    /// Number of threads: 1 for the current one, or all of the pool.
    pub threads: usize,
    /// Region of a team of several threads.
    region: Option<&'a Arc<Region>>,
}

/// Ends a region when it is dropped.
struct EndOnDrop<'a>(&'a Region);

impl Drop for EndOnDrop<'_> {
    fn drop(&mut self) {
        self.0.end();
    }
}

impl Team<'static> {
    /// Team of the current thread alone.
    pub fn single(level: Level) -> Self {
        Self { level, threads: 1, region: None }
    }
}

impl Team<'_> {
    /// Calls `work` with a team of all threads of the current pool, whose helpers stay awake until `work` returns.
    pub fn parallel<R>(level: Level, work: impl FnOnce(Team<'_>) -> R) -> R {
        let threads = rayon::current_num_threads();
        if threads == 1 {
            return work(Team::single(level));
        }
        let region = Arc::new(Region::default());
        let _end = EndOnDrop(&region);
        work(Team { level, threads, region: Some(&region) })
    }

    /// Calls `work` with every task below `tasks`, and returns when all are done.
    pub fn for_each(self, tasks: usize, work: impl Fn(usize) + Sync) {
        match self.region {
            Some(region) if tasks > 1 => {
                let max_helpers = (tasks - 1).min(self.threads - 1);
                region.run(tasks, &work, max_helpers, || spawn_helper(region.clone()));
            }
            _ => (0..tasks).for_each(work),
        }
    }
}

/// Spawns a helper in the pool. No thread waits for its end: one that starts late finds the region over.
fn spawn_helper(region: Arc<Region>) {
    rayon::spawn(move || region.help());
}
