//! Many callers at once: each gets its own answer, and views of several go through the network together.

use std::thread;

use rand::{RngExt, SeedableRng, rngs::StdRng};

use crate::{
    client::Request,
    server::{ENTRIES, Server, npy, png},
};

#[test]
fn each_of_many_callers_gets_its_own_answer() {
    let server = Server::start();
    thread::scope(|scope| {
        for caller in 0..8u64 {
            let server = &server;
            scope.spawn(move || {
                let mut rng = StdRng::seed_from_u64(caller);
                for _ in 0..25 {
                    let n = rng.random_range(0..ENTRIES);
                    let collection = if rng.random::<bool>() { "shop" } else { "press" };
                    let query = format!("collection={collection}&k=1");
                    let request = match rng.random_range(0..3) {
                        0 => Request::find(&query, "image/png", png(n as u8)),
                        _ => Request::find(
                            &query,
                            "application/x-npy",
                            npy(&server.rows[n..(n + 3).min(ENTRIES)]),
                        ),
                    };
                    let answer = server.send(&request);
                    assert_eq!(answer.status, 200, "{}", answer.text());
                    let is_there = collection == "shop" || n < 20;
                    let first = answer.best()[0];
                    assert_eq!(first == n as i64, is_there, "{n} in {collection}: {first}");
                }
            });
        }
    });
}

#[test]
fn views_of_several_callers_go_through_the_network_together() {
    let server = Server::with(|settings| settings.workers = 9);
    server.door.set_closed(true);
    thread::scope(|scope| {
        let server = &server;
        let callers: Vec<_> = (0..9)
            .map(|n| {
                scope
                    .spawn(move || server.send(&Request::find("collection=shop", "image/png", png(n))).best())
            })
            .collect();
        // The first view is in the network; as many as there are other workers wait for it.
        while server.calls.lock().unwrap().is_empty() {
            thread::sleep(std::time::Duration::from_millis(5));
        }
        thread::sleep(std::time::Duration::from_millis(500));
        server.door.set_closed(false);
        for (n, caller) in callers.into_iter().enumerate() {
            assert_eq!(caller.join().unwrap(), [n as i64]);
        }
    });
    let calls = server.calls.lock().unwrap().clone();
    assert_eq!(calls.iter().sum::<usize>(), 9);
    assert!(calls.len() < 9 && calls.iter().any(|views| *views > 1), "{calls:?}");
}

#[test]
fn descriptors_are_answered_while_every_picture_waits_for_the_network() {
    let server = Server::with(|settings| settings.workers = 2);
    server.door.set_closed(true);
    thread::scope(|scope| {
        let server = &server;
        let pictures: Vec<_> = (0..4)
            .map(|n| {
                scope
                    .spawn(move || server.send(&Request::find("collection=shop", "image/png", png(n))).best())
            })
            .collect();
        thread::sleep(std::time::Duration::from_millis(200));
        for id in 0..20 {
            let rows = npy(&server.rows[id..=id]);
            assert_eq!(
                server.send(&Request::find("collection=shop", "application/x-npy", rows)).best(),
                [id as i64]
            );
        }
        server.door.set_closed(false);
        pictures
            .into_iter()
            .enumerate()
            .for_each(|(n, picture)| assert_eq!(picture.join().unwrap(), [n as i64]));
    });
}
