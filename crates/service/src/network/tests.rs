//! Batches of several lookups, failures, and the end.

use std::{sync::Barrier, thread, time::Duration};

use super::*;

/// Stand-in whose descriptor is the width of a view; it fails on views of width 13, and panics on those of width 14.
struct Widths<'a> {
    calls: &'a Mutex<Vec<usize>>,
    /// Waited for in the first call.
    first: Option<&'a Barrier>,
}

impl Describe for Widths<'_> {
    fn describe_views(&mut self, views: &[RgbImage]) -> describe::Result<Described> {
        self.calls.lock().unwrap().push(views.len());
        if let Some(barrier) = self.first.take() {
            barrier.wait();
            barrier.wait();
        }
        assert!(views.iter().all(|view| view.width() != 14), "14");
        match views.iter().any(|view| view.width() == 13) {
            true => Err(Error::Thread(std::io::Error::other("13"))),
            false => Ok(views.iter().map(|view| Ok(vec![view.width() as f32])).collect()),
        }
    }
}

fn views(widths: &[u32]) -> Vec<RgbImage> {
    widths.iter().map(|width| RgbImage::new(*width, 1)).collect()
}

fn rows(described: describe::Result<Described>) -> Option<Vec<f32>> {
    described.ok()?.into_iter().map(|row| row.ok()?.pop()).collect()
}

fn wait_for(network: &Network, waiting: usize) {
    while network.lock().waiting.len() < waiting {
        thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn a_batch_forms_while_the_last_is_computed_and_a_failure_stays_with_its_lookup() {
    let (network, calls, barrier) =
        (Network::new(Arc::new(Metrics::new())), Mutex::new(Vec::new()), Barrier::new(2));
    assert!(!network.is_ready());
    thread::scope(|scope| {
        let describe = |widths: &'static [u32]| {
            let network = &network;
            scope.spawn(move || rows(network.describe(views(widths))))
        };
        let serving = scope.spawn(|| network.serve(&mut Widths { calls: &calls, first: Some(&barrier) }));
        let first = describe(&[1]);
        barrier.wait();
        assert!(network.is_ready());
        let mut others = Vec::new();
        let widths: [&'static [u32]; 5] = [&[2, 3], &[13], &[4], &[14, 5], &[6]];
        for (number, widths) in widths.into_iter().enumerate() {
            others.push(describe(widths));
            wait_for(&network, number + 1);
        }
        barrier.wait();
        assert_eq!(first.join().unwrap(), Some(vec![1.0]));
        let others: Vec<_> = others.into_iter().map(|thread| thread.join().unwrap()).collect();
        let expected = [Some(vec![2.0, 3.0]), None, Some(vec![4.0]), None, Some(vec![6.0])];
        assert_eq!(others, expected);
        network.end();
        serving.join().unwrap();
    });
    assert_eq!(*calls.lock().unwrap(), [1, 7, 2, 1, 1, 2, 1], "together, then each alone after a failure");
    assert!(!network.is_ready() && network.describe(views(&[1])).is_err());
}

#[test]
fn batches_are_bounded_but_a_large_lookup_goes_through() {
    let (network, calls, barrier) =
        (Network::new(Arc::new(Metrics::new())), Mutex::new(Vec::new()), Barrier::new(2));
    thread::scope(|scope| {
        let describe = |count: usize| {
            let network = &network;
            scope.spawn(move || rows(network.describe(views(&vec![7; count]))).map(|rows| rows.len()))
        };
        let serving = scope.spawn(|| network.serve(&mut Widths { calls: &calls, first: Some(&barrier) }));
        let mut threads = vec![describe(1)];
        barrier.wait();
        for (number, count) in [20, 12, 1, 50, 2].into_iter().enumerate() {
            threads.push(describe(count));
            wait_for(&network, number + 1);
        }
        barrier.wait();
        let counts: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap().unwrap()).collect();
        assert_eq!(counts, [1, 20, 12, 1, 50, 2]);
        network.end();
        serving.join().unwrap();
    });
    assert_eq!(*calls.lock().unwrap(), [1, 32, 1, 50, 2]);
}

#[test]
fn views_that_wait_at_the_end_are_refused() {
    let network = Network::new(Arc::new(Metrics::new()));
    thread::scope(|scope| {
        let waiting = scope.spawn(|| network.describe(views(&[1])).is_err());
        wait_for(&network, 1);
        network.end();
        assert!(waiting.join().unwrap());
        network.serve(&mut Widths { calls: &Mutex::new(Vec::new()), first: None });
    });
}
