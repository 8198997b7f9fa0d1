//! Several processes that read and write one collection.

use std::{
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use active_index_collection::{Collection, Digest, FindSettings, NewEntry, Page};

use super::fixtures::{D, collection, descriptors, findings, tensor, wait_for_others, with_witness, witness};
use crate::place::Place;

/// Environment variable with the address, in the processes that write.
const ADDRESS: &str = "SHARED_COLLECTION";
/// Environment variable with the number of the process.
const NUMBER: &str = "SHARED_NUMBER";
/// Environment variable with the number of entries that each process stores.
const COUNT: &str = "SHARED_COUNT";

fn entry(row: &[f32], name: String) -> NewEntry {
    with_witness(NewEntry::added(name, Some(Digest::of_descriptor(row))))
}

/// Stores entries of its own and some that all processes store, and finds each at once. Only runs as a child.
#[test]
fn child_that_stores_and_finds() {
    let (Ok(address), Ok(number)) = (std::env::var(ADDRESS), std::env::var(NUMBER)) else { return };
    let count: usize = std::env::var(COUNT).expect("is set").parse().expect("a number");
    let (shop, number) = (Place::at(address).open(), number.parse::<u64>().expect("a number"));
    let (own, shared) = (descriptors(count, 100 + number), descriptors(count, 99));
    for batch in 0..count / 10 {
        for rows in [&own, &shared] {
            let rows = &rows[10 * batch * D..10 * (batch + 1) * D];
            let new: Vec<NewEntry> =
                rows.chunks_exact(D).map(|row| entry(row, format!("{number}"))).collect();
            let stored = shop.store(&new, tensor(rows)).expect("stores");
            // So many that all codes of two cells are compared, however many are equal.
            let found =
                shop.find(tensor(rows), &FindSettings { k: 500, nprobe: 2, ..FindSettings::default() });
            for (found, stored) in found.expect("finds").iter().zip(stored) {
                assert_eq!(found[0].id, stored.id(), "found as soon as it is stored");
            }
        }
    }
}

/// Runs eight processes and counts what they stored.
fn side_by_side(count: usize) {
    let place = Place::new();
    collection(&place).set_segment_entries(200).expect("sets");
    let start = |number: u64| {
        Command::new(std::env::current_exe().expect("this program"))
            .args(["--exact", "promises::processes::child_that_stores_and_finds"])
            .env(ADDRESS, place.address())
            .env(NUMBER, number.to_string())
            .env(COUNT, count.to_string())
            .stdout(Stdio::piped())
            .spawn()
            .expect("starts")
    };
    let children: Vec<Child> = (0..8).map(start).collect();
    let children = children.into_iter().map(|child| child.wait_with_output().expect("runs"));
    for child in children {
        assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stdout));
    }
    let shop = place.open();
    assert_eq!(shop.info().expect("counts").live, 9 * count as u64, "eight own sets and a shared one");
    assert_eq!(findings(&shop), [""; 0]);
    let all = Page { limit: usize::MAX, ..Page::default() };
    let entries = shop.page(&all).expect("lists");
    let ids: Vec<i64> = entries.iter().map(|entry| entry.id).collect();
    let witnesses = shop.witnesses(&ids).expect("reads");
    assert!(entries.iter().zip(witnesses).all(|(entry, found)| found == Some(witness(&entry.name))));
}

#[test]
fn eight_processes_lose_nothing_and_store_nothing_twice() {
    side_by_side(50);
}

#[test]
#[ignore = "slow: eight processes write for a minute"]
fn eight_processes_for_a_minute() {
    side_by_side(2000);
}

/// A check beside compactions finds no segment missing, because these wait.
#[test]
fn a_check_beside_compactions_finds_nothing() {
    let place = Place::new();
    let shop = collection(&place);
    std::thread::scope(|scope| {
        let compacting = scope.spawn(|| {
            let other = place.open();
            for seed in 0..30 {
                let rows = descriptors(20, 900 + seed);
                let new: Vec<NewEntry> =
                    rows.chunks_exact(D).map(|row| entry(row, seed.to_string())).collect();
                other.store(&new, tensor(&rows)).expect("stores");
                other.compact().expect("compacts");
            }
        });
        while !compacting.is_finished() {
            assert_eq!(findings(&shop), [""; 0]);
            let found = shop.find(tensor(&descriptors(1, 900)), &FindSettings::default()).expect("finds");
            assert!(found[0].len() <= 10);
        }
        compacting.join().expect("ends");
    });
    wait_for_others();
    assert_eq!(shop.info().expect("counts").live, 600);
    assert_eq!(shop.warnings(), [""; 0]);
}

#[test]
fn an_entry_is_found_by_others_within_a_second() {
    let place = Place::new();
    let (writer, reader): (Collection, Collection) = (collection(&place), place.open());
    for seed in 0..20 {
        let rows = descriptors(1, 500 + seed);
        let id = writer.store(&[entry(&rows, seed.to_string())], tensor(&rows)).expect("stores")[0].id();
        let stored = Instant::now();
        wait_for_others();
        let found = reader.find(tensor(&rows), &FindSettings::default()).expect("finds");
        assert_eq!(found[0][0].id, id);
        assert!(stored.elapsed() < Duration::from_secs(1));
    }
}
