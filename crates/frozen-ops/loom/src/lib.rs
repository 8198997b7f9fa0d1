//! `threads/region.rs` under loom, which explores all interleavings of its threads and all values that the memory
//! model lets them read.
//!
//! ```text
//! cargo test --release --manifest-path crates/frozen-ops/loom/Cargo.toml
//! ```
#![cfg(test)]

#[path = "../../src/threads/region.rs"]
mod region;
mod sync;

use loom::{
    cell::UnsafeCell,
    model::Builder,
    sync::{Arc, Mutex},
    thread,
};
use region::Region;

/// Values that loom watches: each is written by its task and read after the loop.
struct Places(Vec<UnsafeCell<usize>>);

// SAFETY: loom checks it.
unsafe impl Sync for Places {}

impl Places {
    fn new(count: usize) -> Self {
        Self((0..count).map(|_| UnsafeCell::new(0)).collect())
    }

    fn raise(&self, task: usize) {
        // SAFETY: as above.
        self.0[task].with_mut(|place| unsafe { *place += task + 1 });
    }

    fn take(self) -> Vec<usize> {
        self.0.into_iter().map(UnsafeCell::into_inner).collect()
    }
}

/// Explores a region of `loops` loops of `tasks` tasks with up to `helpers` helpers, at up to `preemptions`
/// preemptions of running threads.
fn check(helpers: usize, loops: usize, tasks: usize, preemptions: usize) {
    let mut model = Builder::new();
    model.preemption_bound = Some(preemptions);
    model.check(move || {
        let (region, spawned) = (Arc::new(Region::default()), Mutex::new(Vec::new()));
        for _ in 0..loops {
            let places = Places::new(tasks);
            let spawn = || {
                let region = region.clone();
                let helper = thread::spawn(move || region.help());
                spawned.lock().unwrap().push(helper);
            };
            // Threads are expensive to explore: a helper that has left is not replaced.
            let max_helpers = if spawned.lock().unwrap().is_empty() { helpers } else { 0 };
            region.run(tasks, &|task| places.raise(task), max_helpers, spawn);
            assert_eq!(places.take(), (1..=tasks).collect::<Vec<_>>());
        }
        region.end();
        let spawned = std::mem::take(&mut *spawned.lock().unwrap());
        spawned.into_iter().for_each(|helper| helper.join().unwrap());
    });
}

#[test]
fn one_helper_of_several_loops() {
    check(1, 2, 2, 4);
    check(1, 3, 2, 3);
    check(1, 1, 3, 5);
}

#[test]
fn two_helpers() {
    check(2, 1, 2, 2);
    check(2, 2, 2, 1);
}
