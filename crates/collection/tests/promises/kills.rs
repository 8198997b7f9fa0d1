//! Kills at random moments: nothing that was acknowledged is lost.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{BufRead, BufReader},
    process::{Command, Stdio},
    time::Duration,
};

use active_index_collection::{Collection, Decision, Digest, NewEntry, Review, ReviewPage, State};
use rand::{RngExt, SeedableRng, rngs::StdRng};

use super::{
    fixtures::{D, collection, descriptors, findings, tensor, with_witness, witness},
    reviews::review,
};
use crate::place::{KILLED_AFTER, Place};

/// Environment variable with the address, in the process that is killed.
const ADDRESS: &str = "KILLED_COLLECTION";
/// Environment variable with the number of the round.
const ROUND: &str = "KILLED_ROUND";

/// Stores, withdraws, reviews and compacts for ever, and prints what was acknowledged. Only runs as a child of [`kill_rounds`].
#[test]
fn child_that_writes_until_it_is_killed() {
    let (Ok(address), Ok(round)) = (std::env::var(ADDRESS), std::env::var(ROUND)) else { return };
    let (shop, round) = (Place::at(address).open(), round.parse::<u64>().expect("a number"));
    for step in 0.. {
        let rows = descriptors(20, 1000 * round + step);
        let new: Vec<NewEntry> = rows
            .chunks_exact(D)
            .map(|row| NewEntry::added(format!("{round}-{step}"), Some(Digest::of_descriptor(row))))
            .map(with_witness)
            .collect();
        let stored = shop.store(&new, tensor(&rows)).expect("stores");
        println!("stored {}", words(stored.iter().map(|stored| stored.id())));
        let gone = stored.iter().step_by(7).map(|stored| stored.id());
        let gone: Vec<i64> = gone.collect();
        shop.withdraw(&gone).expect("withdraws");
        println!("withdrawn {}", words(gone.iter().copied()));
        if step % 2 == 1 {
            review_and_decide(&shop, 1000 * round + step / 2, [stored[1].id(), gone[0]]);
        }
        if step % 4 == 3 {
            shop.compact().expect("compacts");
            println!("compacted");
        }
    }
}

/// Adds reviews of a query for two entries, decides one, and prints what was acknowledged.
fn review_and_decide(shop: &Collection, query: u64, [first, second]: [i64; 2]) {
    // A query and an entry are one review, however often they are added.
    let reviews = [first, second, second].map(|entry| {
        let added = shop.add_review(&review(query, entry)).expect("adds");
        added.id()
    });
    println!("reviewed {}", words(reviews.into_iter()));
    let decided = reviews[query as usize % 2];
    shop.decide(decided, Decision::Rejected, Some("nobody")).expect("decides");
    println!("decided {decided}");
}

fn words(ids: impl Iterator<Item = i64>) -> String {
    ids.map(|id| id.to_string()).collect::<Vec<_>>().join(" ")
}

/// Lines that a child printed before it was killed after `delay`.
fn run_and_kill(place: &Place, round: u64, delay: Duration) -> Vec<String> {
    let mut child = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "promises::kills::child_that_writes_until_it_is_killed", "--nocapture"])
        .env(ADDRESS, place.address())
        .env(ROUND, round.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .expect("starts");
    let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    std::thread::scope(|scope| {
        let lines = scope.spawn(|| lines.map_while(Result::ok).collect());
        std::thread::sleep(delay);
        child.kill().expect("kills");
        child.wait().expect("ends");
        lines.join().expect("reads")
    })
}

/// Checks that acknowledged reviews are whole, and that acknowledged decisions hold.
fn require_reviews(shop: &Collection, reviewed: &BTreeSet<i64>, decided: &BTreeSet<i64>, round: u64) {
    let limit = ReviewPage { limit: usize::MAX, ..ReviewPage::default() };
    let kept: BTreeMap<i64, Review> =
        shop.reviews(&limit).expect("lists").into_iter().map(|review| (review.id, review)).collect();
    assert!(reviewed.iter().all(|id| kept.contains_key(id)), "round {round}: a review is lost");
    for (id, found) in &kept {
        let query: u64 = found.name.trim_matches(|c: char| !c.is_ascii_digit()).parse().expect("its number");
        assert_eq!(found.answer, review(query, found.entry).answer, "round {round}");
        assert_eq!(shop.review_picture(*id).expect("reads"), review(query, found.entry).picture);
        assert!(!decided.contains(id) || found.by.as_deref() == Some("nobody"), "round {round}: {found:?}");
    }
}

/// Kills a writer `rounds` times and compares what it had acknowledged with what is there.
fn kill_rounds(rounds: u64) {
    let place = Place::new();
    collection(&place).set_segment_entries(50).expect("sets");
    let mut rng = StdRng::seed_from_u64(7);
    let (mut stored, mut withdrawn) = (Vec::new(), Vec::new());
    let (mut reviewed, mut decided) = (BTreeSet::new(), BTreeSet::new());
    for round in 0..rounds {
        let delay = Duration::from_millis(rng.random_range(KILLED_AFTER));
        for line in run_and_kill(&place, round, delay) {
            // The test runner prints lines of its own before the first one of the child.
            let ids = |rest: &str| -> Vec<i64> {
                rest.split_whitespace().map(|id| id.parse().expect("an id")).collect()
            };
            if let Some((_, rest)) = line.split_once("withdrawn ") {
                withdrawn.extend(ids(rest));
            } else if let Some((_, rest)) = line.split_once("stored ") {
                stored.extend(ids(rest));
            } else if let Some((_, rest)) = line.split_once("reviewed ") {
                reviewed.extend(ids(rest));
            } else if let Some((_, rest)) = line.split_once("decided ") {
                decided.extend(ids(rest));
            }
        }
        let shop = place.open();
        assert_eq!(findings(&shop), [""; 0], "round {round}");
        let kept = shop.entries(&stored).expect("reads");
        assert!(kept.iter().all(Option::is_some), "round {round}: an entry is lost");
        let witnesses = shop.witnesses(&stored).expect("reads");
        for (entry, found) in kept.into_iter().flatten().zip(witnesses) {
            let expected = (entry.state != State::Dropped).then(|| witness(&entry.name));
            assert!(found == expected, "round {round}: the witness of {entry:?}");
        }
        let states = shop.entries(&withdrawn).expect("reads").into_iter().flatten();
        assert!(states.into_iter().all(|entry| entry.state != State::Live), "round {round}");
        require_reviews(&shop, &reviewed, &decided, round);
    }
    let info = place.open().info().expect("counts");
    assert!(!decided.is_empty() && reviewed.len() > decided.len(), "{} decisions", decided.len());
    assert!(stored.len() > 20 * rounds as usize, "only {} entries in {rounds} rounds", stored.len());
    assert!(info.live + info.withdrawn + info.dropped >= stored.len() as u64);
}

#[test]
fn kills_lose_nothing_acknowledged() {
    kill_rounds(15);
}

#[test]
#[ignore = "slow: 200 kills take a minute"]
fn two_hundred_kills_lose_nothing_acknowledged() {
    kill_rounds(200);
}
