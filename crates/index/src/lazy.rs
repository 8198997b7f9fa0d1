//! Lazily initialised values.

use std::sync::OnceLock;

/// Returns the value in `lock`, made by `make` if there is none yet.
///
/// Unlike [`OnceLock::get_or_init`], it runs `make` outside the lock, at worst in several threads at once,
/// and keeps one of the values. `make` may use the thread pool: while its thread waits for the pool it may
/// run another task, and if that task needed the same value under the lock, it would wait forever.
pub(crate) fn get_or_make<T>(lock: &OnceLock<T>, make: impl FnOnce() -> T) -> &T {
    match lock.get() {
        Some(made) => made,
        None => {
            let made = make();
            lock.get_or_init(|| made)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rayon::prelude::*;

    /// Deadlocks with `OnceLock::get_or_init`.
    #[test]
    fn making_a_value_may_use_the_pool_that_asks_for_it() {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(8).build().expect("threads");
        pool.install(|| {
            for _ in 0..100 {
                let lock = OnceLock::new();
                let sum = || (0..10_000u32).into_par_iter().with_max_len(10).sum::<u32>();
                let all = (0..1000u32).into_par_iter().map(|_| *get_or_make(&lock, sum));
                assert!(all.collect::<Vec<_>>().iter().all(|&value| value == 49_995_000));
            }
        });
    }
}
