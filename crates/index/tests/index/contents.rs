//! Ids, cells and sizes reported by an index.

use active_index_index::MergedIds;

use crate::data::{D, KINDS, METRICS, empty, filled, is_inverted, takes_ids, vectors};

#[test]
fn ids_and_cells_account_for_every_entry() {
    for kind in KINDS {
        let index = filled(kind, METRICS[0], 70);
        let mut ids = index.ids();
        ids.sort_unstable();
        assert_eq!(ids, (0..70).collect::<Vec<i64>>(), "{kind}");
        assert_eq!(index.next_id(), 70);
        let sizes = index.list_sizes();
        assert_eq!(sizes.as_ref().map(Vec::len), index.nlist(), "{kind}");
        assert!(sizes.is_none_or(|sizes| sizes.iter().sum::<usize>() == 70), "{kind}");
        assert_eq!(index.default_nprobe(), index.nlist().map(|_| 1), "{kind}");
        assert_eq!(index.ids_are_positions(), !takes_ids(kind), "{kind}");
    }
}

#[test]
fn entries_are_in_the_cells_that_their_vectors_are_nearest_to() {
    for kind in KINDS.into_iter().filter(|kind| is_inverted(kind)) {
        let index = filled(kind, METRICS[0], 70);
        let cells = index.cells(vectors(70, 2)).expect("has cells").expect("has cells");
        let found = index.cells_of(&[3, 69, 70]).expect("has cells");
        assert_eq!(found.len(), 2, "{kind}: id 70 has no entry");
        for id in [3, 69] {
            assert_eq!(found[&id], [cells[id as usize] as usize], "{kind}");
        }
    }
    assert!(filled("Flat", METRICS[0], 20).cells_of(&[0]).is_none());
    let mut index = empty("IDMap,IVF4,Flat", METRICS[0]);
    index.add_with_ids(vectors(5, 2), &[9, 7, 7, 8, 1 << 40]).expect("adds");
    let cells = index.cells(vectors(5, 2)).expect("has cells").expect("has cells");
    let found = index.cells_of(&[0, 7, 1 << 40]).expect("has cells");
    let mut two = [cells[1] as usize, cells[2] as usize];
    two.sort_unstable();
    assert_eq!(
        (found.len(), &found[&7][..], &found[&(1 << 40)][..]),
        (2, &two[..], &[cells[4] as usize][..])
    );
    let mut index = empty("IVF4,Flat", METRICS[0]);
    index.add_to_lists(vectors(5, 2), &[7, 7, 8, 9, 10], 4).expect("adds");
    let found = index.cells_of(&[7, 9]).expect("has cells");
    assert_eq!((&found[&7], &found[&9]), (&vec![0, 0, 1, 1, 2, 2, 3, 3], &vec![0, 1, 2, 3]));
}

#[test]
fn code_sizes_are_those_of_the_file() {
    let sizes = [
        ("Flat", 4 * D),
        ("SQ8", D),
        ("SQ6", D * 3 / 4),
        ("SQ4_uniform", D / 2),
        ("SQbf16", 2 * D),
        ("LSH", 1),
        ("PQ4x6", 3),
        ("IVF4,PQ4x4fs", 2),
        ("PQ4x4,RFlat", 2 + 4 * D),
        ("IDMap,PQ4x4,Refine(SQ8)", 2 + D),
    ];
    for (kind, size) in sizes {
        assert_eq!(empty(kind, METRICS[0]).code_size(), size, "{kind}");
    }
}

#[test]
fn ids_beyond_the_largest_are_refused() {
    let mut index = empty("IVF4,Flat", METRICS[0]);
    index.add_with_ids(vectors(1, 2), &[i64::MAX - 2]).expect("adds");
    assert!(index.add(vectors(3, 2)).is_err(), "two ids are left");
    assert_eq!(index.ntotal(), 1);
    assert!(index.clone().merge(index.clone(), MergedIds::Behind).is_err());
    index.clone().merge(index.clone(), MergedIds::Kept).expect("no id changes");
}

#[test]
fn ids_that_are_positions_are_not_kept() {
    for kind in ["Flat", "IVF4,PQ2x8,RFlat"] {
        let mut index = filled(kind, METRICS[0], 20);
        assert!(index.merge(index.clone(), MergedIds::Kept).is_err(), "{kind}");
        assert_eq!(index.ntotal(), 20);
    }
}
