//! `raw/pass.rs` under loom, which tries every order in which its threads may meet, and every value that the memory model
//! lets them read.
//!
//! ```text
//! cargo test --release --manifest-path crates/frozen-ops/loom/Cargo.toml
//! ```
#![cfg(test)]

#[path = "../../src/raw/pass.rs"]
mod pass;
mod threads;

use loom::cell::UnsafeCell;
use loom::model::Builder;
use loom::sync::{Arc, Mutex};
use loom::thread;
use pass::Pass;

/// Places of a loop's tasks, which loom watches: each is written by its task and read behind the loop.
struct Places(Vec<UnsafeCell<usize>>);

// SAFETY: whether it is, loom tells.
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

/// A pass of `loops` loops of `tasks` tasks, with up to `helpers` helpers; of threads that run, up to `preemptions` are
/// stopped for others.
fn check(helpers: usize, loops: usize, tasks: usize, preemptions: usize) {
    let mut model = Builder::new();
    model.preemption_bound = Some(preemptions);
    model.check(move || {
        let (pass, called) = (Arc::new(Pass::default()), Mutex::new(Vec::new()));
        for _ in 0..loops {
            let places = Places::new(tasks);
            let call = || {
                let pass = pass.clone();
                let helper = thread::spawn(move || pass.help());
                called.lock().unwrap().push(helper);
            };
            // Threads are dear: a helper that has left is not replaced.
            let most = if called.lock().unwrap().is_empty() { helpers } else { 0 };
            pass.run(tasks, &|task| places.raise(task), most, call);
            assert_eq!(places.take(), (1..=tasks).collect::<Vec<_>>());
        }
        pass.end();
        let called = std::mem::take(&mut *called.lock().unwrap());
        called.into_iter().for_each(|helper| helper.join().unwrap());
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
