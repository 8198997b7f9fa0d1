//! Entries apart from their quantisers: the same codes, files and answers as those of whole indexes.

use active_index_index::{EncodedVectors, EntryLists, Error, FoundEntry, Index, Metric};
use burn::tensor::Device;

use crate::data::{bytes, empty, filled, under_metrics, vectors};

/// Kinds whose entries can be taken apart.
const KINDS: [&str; 8] = [
    "IVF4,Flat",
    "IVF4,PQ2x8",
    "IVF4,PQ2x4",
    "IVF4,PQ2x5",
    "IVF4,SQ8",
    "IVF4_HNSW4,Flat",
    "OPQ2,IVF4,PQ2x8",
    "L2norm,IVF4,Flat",
];

#[test]
fn encoded_entries_make_the_file_that_adding_makes() {
    for (kind, metric) in under_metrics(&KINDS) {
        let index = empty(kind, metric);
        let ids: Vec<i64> = (0..50).map(|i| 7 * i + 3).collect();
        let mut added = index.clone();
        added.add_with_ids(vectors(50, 2), &ids).expect("adds");
        let mut lists = index.lists().expect("lists");
        lists.extend(&index.encode(vectors(50, 2)).expect("encodes"), &ids);
        assert_eq!(lists.ntotal(), 50);
        let whole = index.with_lists(lists).expect("fits");
        assert_eq!(bytes(&whole), bytes(&added), "{kind} {metric}");
        assert_eq!(bytes(&added.emptied()), bytes(&index), "{kind} {metric}");
    }
}

/// Ids and distances of a whole index's search, without missing neighbours.
fn searched(index: &Index, nprobe: usize) -> Vec<Vec<(i64, f32)>> {
    let found = index.search(vectors(9, 3), 12, nprobe).expect("searches");
    let row = |query| found.ids_of(query).iter().copied().zip(found.distances_of(query).iter().copied());
    (0..9).map(|query| row(query).filter(|(id, _)| *id >= 0).collect()).collect()
}

/// Code and id at the place that a search names.
fn at(lists: &EntryLists, found: &FoundEntry) -> (i64, Vec<u8>) {
    let (id, code) = lists.entries(found.cell).nth(found.offset).expect("is there");
    (id, code.to_vec())
}

#[test]
fn lists_are_searched_as_a_whole_index_is() {
    for (kind, metric) in under_metrics(&KINDS) {
        let index = filled(kind, metric, 80);
        let (quantiser, lists) = (index.emptied(), index.lists().expect("lists"));
        let EncodedVectors { codes, .. } = index.encode(vectors(80, 2)).expect("encodes");
        let codes: Vec<&[u8]> = codes.chunks_exact(index.code_size()).collect();
        for nprobe in [1, 3, 4] {
            let probed = quantiser.probe(vectors(9, 3), nprobe).expect("looks up");
            let found = quantiser.search_lists(&[&lists], &probed, 12).expect("searches");
            let pairs = |row: &Vec<FoundEntry>| row.iter().map(|found| (found.id, found.distance)).collect();
            let mut pairs: Vec<Vec<(i64, f32)>> = found.iter().map(pairs).collect();
            let mut expected = searched(&index, nprobe);
            // Ties may swap.
            let sort = |rows: &mut Vec<Vec<(i64, f32)>>| {
                rows.iter_mut().for_each(|row| row.sort_by(|a, b| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0))));
            };
            sort(&mut pairs);
            sort(&mut expected);
            assert_eq!(pairs, expected, "{kind} {metric} {nprobe}");
            for found in found.iter().flatten() {
                let (id, code) = at(&lists, found);
                assert_eq!((id, code.as_slice()), (found.id, codes[found.id as usize]), "{kind} {metric}");
            }
        }
    }
}

#[test]
fn several_lists_are_searched_as_one() {
    for (kind, metric) in under_metrics(&KINDS) {
        let index = filled(kind, metric, 80);
        let (quantiser, all) = (index.emptied(), index.lists().expect("lists"));
        let mut parts = vec![quantiser.lists().expect("empty"); 4];
        for cell in 0..all.nlist() {
            // The third stays empty.
            all.entries(cell).for_each(|(id, code)| parts[[0, 1, 3][id as usize % 3]].push(cell, code, id));
        }
        let parts: Vec<&EntryLists> = parts.iter().collect();
        for (nprobe, queries) in [(1, 9), (3, 9), (4, 1)] {
            let probed = quantiser.probe(vectors(9, 3).narrow(0, 0, queries), nprobe).expect("looks up");
            let found = quantiser.search_lists(&parts, &probed, 12).expect("searches");
            let expected = quantiser.search_lists(&[&all], &probed, 12).expect("searches");
            for (found, expected) in found.iter().zip(&expected) {
                let distances =
                    |row: &[FoundEntry]| row.iter().map(|found| found.distance).collect::<Vec<_>>();
                assert_eq!(distances(found), distances(expected), "{kind} {metric} {nprobe}");
                for found in found {
                    assert_eq!(found.part, [0, 1, 3][found.id as usize % 3], "{kind} {metric} {nprobe}");
                    assert_eq!(at(parts[found.part], found).0, found.id, "{kind} {metric} {nprobe}");
                }
            }
        }
    }
}

#[test]
fn lists_are_written_without_their_quantisers() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("lists.faiss");
    for kind in KINDS {
        let index = filled(kind, Metric::L2, 30);
        let mut file = Vec::new();
        index.lists().expect("lists").write_to(&mut file).expect("writes");
        assert!(bytes(&index).ends_with(&file), "{kind}: the end of faiss's file of the whole index");
        std::fs::write(&path, &file).expect("writes");
        let lists = index.emptied().open_lists(&path).expect("opens");
        assert_eq!(bytes(&index.with_lists(lists).expect("fits")), bytes(&index), "{kind}");
        for wrong in [&file[..file.len() - 1], &[&file[..], &[0]].concat(), &file[..4], &file[..3]] {
            std::fs::write(&path, wrong).expect("writes");
            let refused = index.emptied().open_lists(&path).err();
            assert!(matches!(refused, Some(Error::File { .. })), "{kind}: {refused:?}");
        }
    }
    let index = filled("IVF4,PQ2x8", Metric::L2, 30);
    let mut file = Vec::new();
    index.lists().expect("lists").write_to(&mut file).expect("writes");
    std::fs::write(&path, &file).expect("writes");
    for other in ["IVF8,PQ2x8", "IVF4,PQ4x8"] {
        let refused = empty(other, Metric::L2).open_lists(&path).err();
        assert!(matches!(refused, Some(Error::File { .. })), "{other}: {refused:?}");
    }
}

#[test]
fn lists_of_a_file_stay_mapped_and_another_kind_is_refused() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("a.faiss");
    let index = filled("IVF4,PQ2x8", Metric::L2, 30);
    index.write(&path).expect("writes");
    let lists = index.emptied().open_lists(&path).expect("opens");
    assert_eq!(bytes(&index.with_lists(lists.clone()).expect("fits")), bytes(&index));
    for other in ["IVF4,PQ2x4", "IVF4,Flat", "IVF4_HNSW4,PQ2x8"] {
        let refused = empty(other, Metric::L2).open_lists(&path).err();
        assert!(matches!(refused, Some(Error::File { .. })), "{other}: {refused:?}");
    }
    let refused = empty("IVF4,PQ2x4", Metric::L2).with_lists(lists).err();
    assert!(matches!(refused, Some(Error::Argument { .. })), "{refused:?}");
    assert!(index.has_quantisers_of(&index.emptied()).expect("compares"));
    assert!(!index.has_quantisers_of(&empty("IVF4,SQ8", Metric::L2)).expect("compares"));
    assert!(Index::open(&path, &Device::flex()).is_ok());
}

#[test]
fn entries_of_other_kinds_are_not_taken_apart() {
    for kind in ["Flat", "PQ2x8", "LSH", "IVF4,PQ4x4fs", "IVF4,PQ2x8,RFlat"] {
        let index = empty(kind, Metric::L2);
        assert!(matches!(index.lists(), Err(Error::Unsupported { .. })), "{kind}");
        assert!(matches!(index.encode(vectors(1, 1)), Err(Error::Unsupported { .. })), "{kind}");
    }
}
