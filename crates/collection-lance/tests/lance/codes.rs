//! Cells and codes after appends, merges, changes, deletions and compaction: those of the quantiser, for every entry.

use std::collections::{BTreeMap, BTreeSet};

use active_index_collection::Meta;
use index::Metric;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::json;

use crate::{
    place::{FACTORY, Place},
    promises::fixtures::{D, descriptors, entries, findings, quantiser, tensor, wait_for_others},
};

/// Entries stored at a time.
const BLOCK: usize = 1_000;

/// Stores `n` entries, with changes and withdrawals among them, and compares all codes.
fn compare(n: usize, segment: usize) {
    let place = Place::new();
    let quantiser = quantiser(FACTORY, Metric::L2);
    let shop = place.create(&quantiser, None).expect("creates");
    shop.set_segment_entries(segment).expect("sets");
    let (rows, mut rng) = (descriptors(n, 5), StdRng::seed_from_u64(6));
    let (mut ids, mut withdrawn) = (Vec::new(), BTreeSet::new());
    for start in (0..n).step_by(BLOCK) {
        let end = n.min(start + BLOCK);
        let stored = shop.store(&entries(start..end), tensor(&rows[start * D..end * D])).expect("stores");
        ids.extend(stored.iter().map(|stored| stored.id()));
        let drawn: BTreeSet<i64> = (0..10).map(|_| ids[rng.random_range(0..ids.len())]).collect();
        let gone: Vec<i64> = drawn.iter().copied().filter(|id| !withdrawn.contains(id)).collect();
        shop.withdraw(&gone).expect("withdraws");
        withdrawn.extend(gone);
        let (changed, fields) =
            (ids[rng.random_range(0..ids.len())], Meta::from_iter([("n".to_owned(), json!(start))]));
        shop.set_meta(changed, &fields).expect("changes");
    }
    drop(shop);
    let shop = place.open();
    assert_eq!(findings(&shop), [""; 0], "before the compaction");
    assert!(shop.info().expect("counts").segments > 0, "nothing was indexed");
    shop.compact().expect("compacts");
    wait_for_others();
    assert_eq!(findings(&shop), [""; 0], "after the compaction");
    let encoded = quantiser.encode(tensor(&rows)).expect("encodes");
    let codes = encoded.codes.chunks_exact(quantiser.code_size()).map(<[u8]>::to_vec);
    let expected =
        ids.iter().zip(encoded.cells.into_iter().zip(codes)).filter(|(id, _)| !withdrawn.contains(id));
    let expected: BTreeMap<i64, (usize, Vec<u8>)> = expected.map(|(id, code)| (*id, code)).collect();
    let lists = shop.export().expect("exports").lists().expect("has lists");
    let cells = (0..lists.nlist())
        .flat_map(|cell| lists.entries(cell).map(move |(id, code)| (id, (cell, code.to_vec()))));
    assert!(expected == cells.collect::<BTreeMap<_, _>>(), "cells or codes differ");
    let info = shop.info().expect("counts");
    assert_eq!((info.segments, info.fresh, info.live as usize), (1, 0, n - withdrawn.len()));
}

#[test]
fn cells_and_codes_stay_those_of_the_quantiser() {
    compare(12_000, 1_500);
}

#[test]
#[ignore = "slow: 200,000 entries take minutes"]
fn cells_and_codes_of_200_000_entries_stay_those_of_the_quantiser() {
    compare(200_000, 16_384);
}
