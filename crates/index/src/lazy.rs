//! Values made by the first to need them.

use std::sync::OnceLock;

/// What `lock` holds, made first where it holds nothing yet.
///
/// Unlike by [`OnceLock::get_or_init`] it is made outside the lock, at worst by several threads at once, one of whose
/// values is kept. For `make` may hand work to the thread pool, and while it waits for that its thread takes up
/// other tasks; one that wanted the value too would wait for it forever.
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

    /// With `get_or_init` this never ends.
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
