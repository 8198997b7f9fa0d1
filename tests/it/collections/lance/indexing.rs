//! Several machines that index one collection, each a shard of its entries.

use std::{
    process::{Child, Stdio},
    thread::sleep,
    time::Duration,
};

use serde_json::{Value, json};

use super::Shop;
use crate::{collections::D, command_line::json as document};

/// Processes that index, one for each shard.
const WORKERS: usize = 4;
/// Additions, each of which makes fragments of its own.
const ADDITIONS: usize = 8;
/// Entries of an addition.
const ENTRIES: usize = 250;

/// A collection on S3 of which nothing is indexed.
fn collection(shop: &Shop) -> String {
    shop.folder.train_as("IVF4,PQ4x8", "rows.faiss", D);
    let address = shop.create_with("rows", "rows.faiss");
    for addition in 0..ADDITIONS {
        shop.folder.put_rows("rows", addition * ENTRIES..(addition + 1) * ENTRIES);
        shop.done(&format!("collection add rows.npy --collection {address}"));
    }
    address
}

fn start(shop: &Shop, address: &str, shard: usize) -> Child {
    let mut command = shop.command(&format!("collection index {address} --shard {shard}/{WORKERS}"));
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn ended(worker: Child) -> Value {
    let output = worker.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    document(&output)
}

#[test]
fn workers_that_die_and_start_again_index_everything_once() {
    let Some(shop) = Shop::start() else { return };
    let address = collection(&shop);
    let find = format!("find rows.npy --collection {address} --all --nprobe 4");
    let matches = || shop.done(&find)["queries"].clone();
    let before = matches();
    let info = || shop.done(&format!("collection info {address}"));
    assert_eq!((&info()["segments"], &info()["fresh"]), (&json!(0), &json!(ADDITIONS * ENTRIES)));
    for delay in [30, 120, 250, 400] {
        let mut workers: Vec<Child> = (0..WORKERS).map(|shard| start(&shop, &address, shard)).collect();
        sleep(Duration::from_millis(delay));
        for worker in &mut workers {
            worker.kill().unwrap();
            worker.wait().unwrap();
        }
    }
    let workers: Vec<Child> = (0..WORKERS).map(|shard| start(&shop, &address, shard)).collect();
    let reports: Vec<Value> = workers.into_iter().map(ended).collect();
    assert!(reports.iter().any(|report| report["waiting"] == json!([])), "{reports:?}");
    assert_eq!((&info()["segments"], &info()["fresh"]), (&json!(WORKERS), &json!(0)), "{reports:?}");
    assert_eq!(matches(), before);
    assert_eq!(shop.done(&format!("collection check {address}"))["findings"], json!([]));
}

#[test]
fn a_worker_says_what_it_waits_for() {
    let Some(shop) = Shop::start() else { return };
    let address = collection(&shop);
    let text = |shard: usize| {
        let output = shop.folder.command(&format!("collection index {address} --shard {shard}/2"));
        let output = { output }.envs(shop.server.variables()).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let half = ADDITIONS * ENTRIES / 2;
    let [second, first] = [1, 0].map(text);
    assert!(second.starts_with(&format!("{address}: {half} entries of shard 1/2 indexed in ")), "{second}");
    assert!(second.ends_with("; not made yet: 0\n"), "{second}");
    assert!(first.ends_with("; all shards are in use\n"), "{first}");
}
