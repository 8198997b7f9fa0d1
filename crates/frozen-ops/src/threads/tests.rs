//! Loops of teams: results, helpers, panics, nesting.

use std::{
    collections::HashSet,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Barrier, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use rayon::{ThreadPool, ThreadPoolBuilder, prelude::*};
use simd::Level;

use super::*;

/// Timeout, generous because other processes may use the cores.
const LONG: Duration = Duration::from_secs(60);

fn pool(threads: usize) -> ThreadPool {
    ThreadPoolBuilder::new().num_threads(threads).build().expect("threads")
}

fn parallel<R>(work: impl FnOnce(Team<'_>) -> R) -> R {
    Team::parallel(Level::SCALAR, work)
}

/// Runs `loops` loops, in which each task adds its neighbours' values of the previous loop.
fn sums_of_neighbours(team: Team<'_>, count: usize, loops: usize) -> Vec<usize> {
    let mut values: Vec<usize> = (0..count).collect();
    for _ in 0..loops {
        let mut next = vec![0; count];
        let shared = SharedSlice::new(&mut next);
        team.for_each(count, |i| {
            let sum = values[(i + count - 1) % count].wrapping_add(values[(i + 1) % count]);
            // SAFETY: every task has its own place.
            unsafe { shared.part(i, 1)[0] += sum };
        });
        values = next;
    }
    values
}

#[test]
fn every_task_is_done_once_and_the_next_loop_sees_it() {
    for count in [1, 2, 3, 7, 64] {
        let expected = sums_of_neighbours(Team::single(Level::SCALAR), count, 50);
        for threads in 1..=8 {
            let found = pool(threads).install(|| parallel(|team| sums_of_neighbours(team, count, 50)));
            assert_eq!(found, expected, "{count} tasks, {threads} threads");
        }
    }
    parallel(|team| team.for_each(0, |_| panic!("no tasks")));
}

/// Runs regions of four threads at once, one after the other: helpers join, leave and are late.
#[test]
fn many_threads_have_regions_in_one_pool() {
    let expected = sums_of_neighbours(Team::single(Level::SCALAR), 5, 9);
    for threads in [2, 3] {
        let pool = pool(threads);
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..500 {
                        let found = pool.install(|| parallel(|team| sums_of_neighbours(team, 5, 9)));
                        assert_eq!(found, expected);
                    }
                });
            }
        });
    }
}

#[test]
fn all_threads_of_the_pool_help() {
    for threads in [2, 4] {
        let (meeting, found) = (Barrier::new(threads), Mutex::new(HashSet::new()));
        pool(threads).install(|| {
            parallel(|team| {
                for _ in 0..20 {
                    team.for_each(threads, |_| {
                        meeting.wait();
                        found.lock().expect("no panic").insert(thread::current().id());
                    });
                }
            });
        });
        assert_eq!(found.into_inner().expect("no panic").len(), threads);
    }
}

#[test]
fn a_loop_needs_no_helper() {
    let pool = pool(2);
    let (let_go, waits) = mpsc::channel::<()>();
    let (has_begun, began) = mpsc::channel();
    pool.spawn(move || {
        has_begun.send(()).expect("awaited");
        waits.recv().expect("let go");
    });
    began.recv_timeout(LONG).expect("a thread of the pool");
    let expected = sums_of_neighbours(Team::single(Level::SCALAR), 5, 100);
    assert_eq!(pool.install(|| parallel(|team| sums_of_neighbours(team, 5, 100))), expected);
    let_go.send(()).expect("awaited");
}

#[test]
fn helpers_leave_an_idle_region() {
    let pool = pool(2);
    let meeting = Barrier::new(2);
    let meet = |_| {
        meeting.wait();
    };
    pool.install(|| {
        parallel(|team| {
            team.for_each(2, meet);
            let (send, done) = mpsc::channel();
            rayon::spawn(move || send.send(()).expect("awaited"));
            done.recv_timeout(LONG).expect("the helper's thread");
            team.for_each(2, meet);
        });
    });
}

#[test]
fn a_panic_reaches_the_owner_of_the_loop() {
    let (pool, expected) = (pool(3), sums_of_neighbours(Team::single(Level::SCALAR), 3, 3));
    pool.install(|| {
        parallel(|team| {
            for run in 0..300 {
                let (wrong, begun) = (run % 10, AtomicUsize::new(0));
                let work = |task| {
                    begun.fetch_add(1, SeqCst);
                    assert!(task != wrong, "task {task}");
                };
                let panic = catch_unwind(AssertUnwindSafe(|| team.for_each(10, work))).expect_err("a panic");
                assert_eq!(panic.downcast_ref::<String>(), Some(&format!("task {wrong}")));
                assert!((wrong + 1..=10).contains(&begun.into_inner()));
                assert_eq!(sums_of_neighbours(team, 3, 3), expected);
            }
        });
    });
    let panic = catch_unwind(AssertUnwindSafe(|| pool.install(|| parallel(|_| panic!("between loops")))));
    assert_eq!(panic.expect_err("a panic").downcast_ref::<&str>(), Some(&"between loops"));
}

#[test]
fn loops_may_be_within_loops() {
    let done = AtomicUsize::new(0);
    let count = |_| {
        done.fetch_add(1, SeqCst);
    };
    let started = Instant::now();
    for threads in [1, 2, 4] {
        pool(threads).install(|| {
            parallel(|team| {
                for _ in 0..50 {
                    team.for_each(3, |_| team.for_each(3, count));
                    team.for_each(3, |_| parallel(|team| team.for_each(3, count)));
                    team.for_each(3, |_| (0..3).into_par_iter().for_each(count));
                    (0..3).into_par_iter().for_each(|_| team.for_each(3, count));
                    (0..3).into_par_iter().for_each(|_| parallel(|team| team.for_each(3, count)));
                }
            });
        });
    }
    assert_eq!(done.into_inner(), 3 * 50 * 5 * 9);
    assert!(started.elapsed() < LONG);
}
