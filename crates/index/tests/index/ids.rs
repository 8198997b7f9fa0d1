//! Ids: assigned, chosen, repeated and unknown.

use active_index_index::{Error, Metric};

use crate::data::{
    D, EXACT_KINDS, KINDS, METRICS, bytes, empty, filled, from_bytes, rows, takes_ids, takes_lists, tensor,
    under_metrics, values, vectors,
};

#[test]
fn assigned_ids_continue_after_the_stored_ones() {
    for kind in KINDS {
        let mut index = empty(kind, METRICS[0]);
        assert_eq!(index.add(vectors(3, 2)).expect("adds"), 0..3);
        assert_eq!(index.add(vectors(0, 2)).expect("adds nothing"), 3..3);
        assert_eq!(index.add(vectors(2, 3)).expect("adds"), 3..5);
        assert_eq!(index.ntotal(), 5);
    }
}

#[test]
fn chosen_ids_are_found_and_reconstructed() {
    // Ascending, because ties are ordered by id.
    let ids: Vec<i64> = (1..51).map(|i| i * 1_000_000_007).collect();
    for kind in KINDS.into_iter().filter(|kind| takes_ids(kind)) {
        let mut index = empty(kind, METRICS[0]);
        index.add_with_ids(vectors(50, 2), &ids).expect("adds");
        let reference = filled(kind, METRICS[0], 50);
        let found = index.search(vectors(5, 3), 3, 4).expect("searches");
        let expected = reference.search(vectors(5, 3), 3, 4).expect("searches");
        let chosen: Vec<i64> = expected.ids.iter().map(|&id| ids[id as usize]).collect();
        assert_eq!(found.ids, chosen, "{kind}");
        assert_eq!(found.distances, expected.distances);
        for (id, position) in ids.iter().zip(0..) {
            let reconstructed = index.reconstruct(*id).expect("stored");
            assert_eq!(reconstructed, reference.reconstruct(position).expect("stored"));
        }
        assert_eq!(bytes(&from_bytes(&bytes(&index)).expect("reads")), bytes(&index));
    }
}

#[test]
fn ids_may_repeat_in_inverted_files() {
    let mut index = empty("IVF4,Flat", METRICS[0]);
    index.add_with_ids(vectors(4, 2), &[5, 5, 5, 6]).expect("adds");
    let found = index.search(vectors(1, 2), 10, 4).expect("searches");
    assert_eq!(&found.ids_of(0)[..3], [5, 6, -1], "once, at its smallest distance");
    assert_eq!(found.distances_of(0)[0], 0.0);
    let within = index.range_search(vectors(1, 2), f32::INFINITY, 4).expect("searches");
    assert_eq!(within.ids, [5, 6]);
    assert!(index.reconstruct(5).is_ok());
}

#[test]
fn an_entry_may_be_stored_in_several_lists() {
    let ids: Vec<i64> = (0..50).map(|i| 7 * i).collect();
    for (kind, metric) in under_metrics(&KINDS).filter(|(kind, _)| takes_lists(kind)) {
        let mut once = empty(kind, metric);
        once.add_with_ids(vectors(50, 2), &ids).expect("adds");
        let mut single = empty(kind, metric);
        single.add_to_lists(vectors(50, 2), &ids, 1).expect("adds");
        assert_eq!(bytes(&single), bytes(&once), "{kind}");
        let mut index = empty(kind, metric);
        index.add_to_lists(vectors(50, 2), &ids, 2).expect("adds");
        assert_eq!(index.ntotal(), 100, "{kind}");
        // Of four cells, two of an entry and three of a query have at least one in common.
        let found = index.search(vectors(20, 3), 50, 3).expect("searches");
        for query in 0..20 {
            let mut all = found.ids_of(query).to_vec();
            all.sort_unstable();
            assert_eq!(all, ids, "{kind}");
            let within = found.distances_of(query);
            assert!(within.is_sorted_by(|a, b| if metric == Metric::L2 { a <= b } else { a >= b }), "{kind}");
            // In fast scan with 8-bit tables, the order of ties depends on `k`.
            let few = index.search(vectors(20, 3), 5, 3).expect("searches");
            assert!(kind.contains("fs") || few.ids_of(query) == &found.ids_of(query)[..5], "{kind}");
        }
        assert_eq!(bytes(&from_bytes(&bytes(&index)).expect("reads")), bytes(&index));
        assert_eq!(index.remove(&[7]).expect("removes"), 2);
        for lists in [0, 5] {
            let refused = index.add_to_lists(vectors(1, 2), &[1], lists).expect_err("out of range");
            assert!(refused.to_string().contains("1 to 4"), "{refused}");
        }
    }
    for kind in KINDS.into_iter().filter(|kind| !takes_lists(kind)) {
        let refused = empty(kind, METRICS[0]).add_to_lists(vectors(2, 5), &[0, 1], 2).expect_err("no lists");
        assert!(refused.to_string().contains("does not support entries in several lists"), "{refused}");
    }
}

#[test]
fn indexes_without_stored_ids_accept_only_positions() {
    for kind in KINDS.into_iter().filter(|kind| !takes_ids(kind)) {
        let mut index = filled(kind, METRICS[0], 3);
        index.add_with_ids(vectors(2, 5), &[3, 4]).expect("the next positions");
        let refused = index.add_with_ids(vectors(2, 5), &[5, 7]).expect_err("a gap");
        let expected = "id in an index without an inverted file must be its position 6, found 7";
        assert_eq!(refused.to_string(), expected, "{kind}");
        assert_eq!(index.ntotal(), 5);
    }
}

#[test]
fn invalid_ids_are_errors() {
    for kind in KINDS {
        let mut index = filled(kind, METRICS[0], 2);
        assert!(index.add_with_ids(vectors(2, 5), &[2]).is_err(), "too few");
        assert!(index.add_with_ids(vectors(2, 5), &[2, -1]).is_err(), "negative");
        assert_eq!(index.ntotal(), 2, "nothing was added");
        for id in [-1, 2, i64::MIN, i64::MAX] {
            assert!(matches!(index.reconstruct(id), Err(Error::UnknownId(unknown)) if unknown == id));
        }
    }
}

#[test]
fn exact_kinds_reconstruct_the_vectors() {
    let stored = rows(20, 2);
    for kind in EXACT_KINDS {
        let index = filled(kind, METRICS[0], 20);
        for (id, row) in stored.chunks_exact(D).enumerate() {
            assert_eq!(index.reconstruct(id as i64).expect("stored"), row);
        }
    }
    assert_eq!(values(tensor(&stored)), stored);
}
